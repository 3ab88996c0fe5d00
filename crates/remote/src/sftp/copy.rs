//! One machine's part of a copy: which files, from where to where, and what went wrong with each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::attributes::Attributes;
use super::copier::Meter;
use super::name;
use super::problem::Problem;
use super::session::Sftp;
use super::{local, pattern};
use crate::outcome::Outcome;
use crate::transport::Piece;

/// Directories within each other: more than people make, and an end where a machine makes them up as it is asked.
pub const DEPTH_MAX: usize = 100;

/// Bytes of one read or write: what every server takes (section 3 of the draft).
pub(super) const CHUNK: usize = 32 * 1024;

/// What is to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// From where to where.
    pub way: Way,
    /// Directories, too, with all that is in them; links are followed.
    pub recursive: bool,
    /// Modes and times as they are, whatever the umask says.
    pub keep: bool,
}

/// The two directions. Relative paths over there begin at the user's home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// From here to the machines.
    Put {
        /// Files and directories here.
        from: Vec<PathBuf>,
        /// A file, or a directory in which they get their own names.
        to: PathBuf,
    },
    /// From the machines to here.
    Get {
        /// Files and directories there; `*`, `?` and `[...]` match names as in a shell.
        from: Vec<PathBuf>,
        /// A file, or a directory in which they get their own names.
        to: PathBuf,
        /// The name of the machine stands behind each name in that directory: `hostname.n07`.
        labelled: bool,
    },
}

/// A copy that runs.
pub(super) struct Copy {
    pub(super) sftp: Sftp,
    pub(super) job: Arc<Job>,
    /// Of the machine.
    pub(super) label: String,
    /// Requests that may be under way.
    pub(super) at_once: usize,
    pub(super) meter: Arc<Meter>,
    pub(super) said: mpsc::Sender<Piece>,
    /// The unfinished file over there.
    pub(super) part: Option<PathBuf>,
    pub(super) has_failed: bool,
    /// What directories get when all is in them.
    pub(super) later: Vec<(PathBuf, Attributes)>,
}

/// One file or directory, and what it is to become.
pub(super) struct Step {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    /// The real paths of the directories that it is in, as far as they are copied.
    pub(super) above: Arc<[PathBuf]>,
}

impl Copy {
    /// Copies until all is done, or it is to stop; nothing unfinished is left.
    pub(super) async fn run(&mut self, stop: &CancellationToken) -> Outcome {
        let copied = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            copied = self.all() => Some(copied),
        };
        let left = match self.part.take() {
            Some(part) => self.sftp.remove(&part).await.err().map(|_| part),
            None => None,
        };
        match copied {
            None => Outcome::Cancelled,
            Some(Err(lost)) => Outcome::Lost(match left {
                Some(part) => format!("{lost}; {} may be left there", part.display()),
                None => lost.to_string(),
            }),
            Some(Ok(())) => Outcome::Exit(self.has_failed.into()),
        }
    }

    /// The error is one after which nothing more can be copied.
    async fn all(&mut self) -> Result<(), Problem> {
        let job = Arc::clone(&self.job);
        let steps = match &job.way {
            Way::Put { from, to } => self.steps_there(from, to).await,
            Way::Get { from, to, labelled } => self.steps_here(from, to, *labelled).await,
        };
        let steps = match steps {
            Ok(steps) => steps,
            Err((_, problem)) if problem.is_final() => return Err(problem),
            Err((path, problem)) => {
                self.fail(&path, &problem).await;
                return Ok(());
            }
        };
        let mut rest: Vec<_> = steps.into_iter().rev().collect();
        while let Some(step) = rest.pop() {
            let done = match &job.way {
                Way::Put { .. } => self.put(&step).await,
                Way::Get { .. } => self.get(&step).await,
            };
            match done {
                Ok(within) => rest.extend(within.into_iter().rev()),
                Err(problem) if problem.is_final() => return Err(problem),
                Err(problem) => self.fail(self.blamed(&step, &problem), &problem).await,
            }
        }
        self.finish_directories().await
    }

    async fn steps_there(&mut self, from: &[PathBuf], to: &Path) -> Result<Vec<Step>, (PathBuf, Problem)> {
        let to = pattern::from_home(to);
        let at = |problem| (to.to_owned(), problem);
        let there = self.sftp.find(to).await.map_err(at)?;
        let is_directory = there.is_some_and(|there| is_directory(&there));
        named(from, to, is_directory, local::name)
    }

    async fn steps_here(
        &mut self,
        from: &[PathBuf],
        to: &Path,
        labelled: bool,
    ) -> Result<Vec<Step>, (PathBuf, Problem)> {
        let mut found = Vec::new();
        for path in from {
            let path = pattern::from_home(path);
            found.extend(self.sftp.matching(path).await.map_err(|problem| (path.to_owned(), problem))?);
        }
        let mut names = Vec::new();
        for path in &found {
            let real = match path.file_name() {
                Some(_) => path.clone(),
                None => self.sftp.real_path(path).await.map_err(|problem| (path.clone(), problem))?,
            };
            let name = real.file_name().ok_or(Problem::Own("it has no name to be copied to"));
            let mut name =
                name.and_then(name::checked).map_err(|problem| (path.clone(), problem))?.to_owned();
            if labelled {
                name.push(format!(".{}", self.label.replace('/', "_")));
            }
            names.push(name);
        }
        let mut names = names.into_iter();
        named(&found, to, to.is_dir(), |_| Ok(names.next().unwrap_or_default()))
    }

    /// The end on which it went wrong.
    fn blamed<'a>(&self, step: &'a Step, problem: &Problem) -> &'a Path {
        let is_put = matches!(self.job.way, Way::Put { .. });
        match problem {
            Problem::There { .. } if is_put => &step.to,
            Problem::Here(_) if !is_put => &step.to,
            _ => &step.from,
        }
    }

    async fn fail(&mut self, path: &Path, problem: &Problem) {
        self.has_failed = true;
        let line = format!("{}: {problem}\n", path.display());
        // Whoever listened may have gone.
        let _ = self.said.send(Piece::Err(Bytes::from(line))).await;
    }

    /// What is written into a directory changes its times, so that they come last, and the innermost first.
    async fn finish_directories(&mut self) -> Result<(), Problem> {
        while let Some((path, attributes)) = self.later.pop() {
            let set = match self.job.way {
                Way::Put { .. } => self.sftp.set(&path, &attributes).await,
                Way::Get { .. } => attributes.apply_to_path(&path).map_err(Problem::from),
            };
            match set {
                Err(problem) if problem.is_final() => return Err(problem),
                Err(problem) => self.fail(&path, &problem).await,
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

impl Step {
    /// What is within this directory, whose real path is known now.
    ///
    /// # Errors
    /// When it is within itself, by a link, or too deep.
    pub(super) fn within(&self, real: PathBuf, names: Vec<std::ffi::OsString>) -> Result<Vec<Self>, Problem> {
        if self.above.contains(&real) {
            return Err(Problem::Own("a link leads back to a directory that it is in: there is no end"));
        }
        if self.above.len() == DEPTH_MAX {
            return Err(Problem::Own("more than 100 directories are within each other here"));
        }
        let above: Arc<[PathBuf]> = self.above.iter().cloned().chain([real]).collect();
        let step =
            |name| Self { from: self.from.join(&name), to: self.to.join(&name), above: Arc::clone(&above) };
        Ok(names.into_iter().map(step).collect())
    }
}

/// Each of these as a step: to this path, or under its own name into this directory.
fn named(
    from: &[PathBuf],
    to: &Path,
    is_directory: bool,
    mut name: impl FnMut(&Path) -> Result<std::ffi::OsString, Problem>,
) -> Result<Vec<Step>, (PathBuf, Problem)> {
    let says_directory = to.as_os_str().as_encoded_bytes().ends_with(b"/");
    if !is_directory && (from.len() > 1 || says_directory) {
        return Err((to.to_owned(), Problem::Own("there is no such directory to copy into")));
    }
    let step = |path: &PathBuf| {
        let to = if is_directory {
            to.join(name(path).map_err(|problem| (path.clone(), problem))?)
        } else {
            to.to_owned()
        };
        Ok(Step { from: path.clone(), to, above: Arc::new([]) })
    };
    from.iter().map(step).collect()
}

/// Kinds of files in a mode (inode(7)).
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;

pub(super) fn is_directory(there: &Attributes) -> bool {
    there.mode.is_some_and(|mode| mode & KIND == DIRECTORY)
}

/// Servers that do not say the kind have files.
pub(super) fn is_regular(there: &Attributes) -> bool {
    there.mode.is_none_or(|mode| mode & KIND == REGULAR)
}

/// The mode of a part: only who may read the original, and what it replaces, may read it before it is whole.
pub(super) fn mode_of_part(original: &Attributes, old: Option<&Attributes>) -> u32 {
    let replaced = old.and_then(|old| old.mode).unwrap_or(0o777);
    original.mode.unwrap_or(0o666) & replaced & 0o777
}

/// What is kept of a file: permissions, never another's identity (setuid, setgid), and times.
pub(super) fn kept(of: &Attributes) -> Attributes {
    Attributes { mode: of.mode.map(|mode| mode & 0o777), times: of.times, ..Attributes::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(above: usize) -> Step {
        let above = (0..above).map(|level| format!("/{level}").into()).collect();
        Step { from: "from".into(), to: "to".into(), above }
    }

    #[test]
    fn a_directory_within_itself_and_one_without_end_are_refused() {
        let within = step(2).within("/new".into(), vec!["a".into(), "b".into()]).unwrap();
        assert_eq!(within.len(), 2);
        assert_eq!((&*within[1].from, &*within[1].to), (Path::new("from/b"), Path::new("to/b")));
        assert_eq!(within[0].above.len(), 3);
        let again = step(2).within("/1".into(), Vec::new()).err().unwrap();
        assert!(again.to_string().contains("leads back"), "{again}");
        assert!(step(DEPTH_MAX - 1).within("/new".into(), Vec::new()).is_ok());
        let deep = step(DEPTH_MAX).within("/new".into(), Vec::new()).err().unwrap();
        assert!(deep.to_string().contains(&DEPTH_MAX.to_string()), "{deep}");
    }

    #[test]
    fn several_go_only_into_a_directory() {
        let name = |path: &Path| Ok(path.file_name().unwrap().to_owned());
        let from = ["a/x".into(), "b/y".into()];
        assert!(named(&from, Path::new("to"), false, name).is_err());
        assert!(named(&from[..1], Path::new("to/"), false, name).is_err());
        let one = named(&from[..1], Path::new("to"), false, name).ok().unwrap();
        assert_eq!(one[0].to, Path::new("to"));
        let both = named(&from, Path::new("to"), true, name).ok().unwrap();
        assert_eq!(both[1].to, Path::new("to/y"));
    }

    #[test]
    fn a_part_may_be_read_by_nobody_who_may_not_read_what_it_replaces() {
        let of = |mode| Attributes { mode: Some(mode), ..Attributes::default() };
        assert_eq!(mode_of_part(&of(0o100_644), None), 0o644);
        assert_eq!(mode_of_part(&of(0o104_644), Some(&of(0o100_600))), 0o600);
        assert_eq!(mode_of_part(&Attributes::default(), Some(&of(0o100_640))), 0o640);
    }

    #[test]
    fn the_right_to_be_somebody_else_is_never_copied() {
        let kept = kept(&Attributes { mode: Some(0o104_755), owner: Some((0, 0)), ..Attributes::default() });
        assert_eq!(kept, Attributes { mode: Some(0o755), ..Attributes::default() });
    }
}
