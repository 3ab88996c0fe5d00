//! One machine's part of a copy: which files, from where to where, and what went wrong with each.

use std::convert::Infallible;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::attributes::Attributes;
use super::copier::Meter;
use super::lane::{End, Lane};
use super::problem::Problem;
use super::queue::Queue;
use super::session::Sftp;
use crate::client::Connection;
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

/// A copy to or from one machine: what its sessions share.
pub(super) struct Copy {
    pub(super) job: Arc<Job>,
    /// Of the machine.
    pub(super) label: String,
    /// Requests that may be under way in each session.
    pub(super) at_once: usize,
    pub(super) meter: Arc<Meter>,
    pub(super) said: mpsc::Sender<Piece>,
    pub(super) queue: Queue,
    pub(super) has_failed: AtomicBool,
    /// What directories get when all is in them.
    pub(super) later: Mutex<Vec<(PathBuf, Attributes)>>,
}

/// One file or directory, and what it is to become.
pub(super) struct Step {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    /// The real paths of the directories that it is in, as far as they are copied.
    pub(super) above: Arc<[PathBuf]>,
    /// The directory into which it goes was made by this copy: nothing is there yet.
    pub(super) is_new: bool,
}

impl Copy {
    /// Copies until all is done, or it is to stop; nothing unfinished is left. Where many files wait, further sessions help
    /// the first one: each waits for answers and for the disk, and they wait together.
    pub(super) async fn run(
        self: &Arc<Self>,
        first: Sftp,
        connection: &Connection,
        sessions: usize,
        stop: &CancellationToken,
    ) -> Outcome {
        let mut others = JoinSet::new();
        let first = tokio::select! {
            biased;
            end = Lane::new(self, first).lead(stop) => end,
            never = self.recruit(connection, sessions, stop, &mut others) => match never {},
        };
        let mut ends = vec![first];
        while let Some(end) = others.join_next().await {
            ends.extend(end.ok());
        }
        if ends.iter().any(|end| end.copied.is_none()) {
            return Outcome::Cancelled;
        }
        let left: Vec<_> =
            ends.iter().filter_map(|end| Some(end.left.as_ref()?.display().to_string())).collect();
        match ends.into_iter().find_map(|end| end.copied?.err()) {
            Some(lost) if left.is_empty() => Outcome::Lost(lost.to_string()),
            Some(lost) => Outcome::Lost(format!("{lost}; {} may be left there", left.join(", "))),
            None => Outcome::Exit(self.has_failed.load(Relaxed).into()),
        }
    }

    /// Begins further sessions once there is enough to do for them. A machine that gives fewer does with fewer.
    async fn recruit(
        self: &Arc<Self>,
        connection: &Connection,
        sessions: usize,
        stop: &CancellationToken,
        others: &mut JoinSet<End>,
    ) -> Infallible {
        self.queue.crowded().await;
        while others.len() + 1 < sessions {
            let Ok(stream) = connection.subsystem("sftp").await else { break };
            let Ok(sftp) = Sftp::new(stream).await else { break };
            let (lane, stop) = (Lane::new(self, sftp), stop.clone());
            others.spawn(async move { lane.help(&stop).await });
        }
        pending().await
    }

    pub(super) fn later(&self) -> MutexGuard<'_, Vec<(PathBuf, Attributes)>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end on which it went wrong.
    pub(super) fn blamed<'a>(&self, step: &'a Step, problem: &Problem) -> &'a Path {
        let is_put = matches!(self.job.way, Way::Put { .. });
        match problem {
            Problem::There { .. } if is_put => &step.to,
            Problem::Here(_) if !is_put => &step.to,
            _ => &step.from,
        }
    }

    pub(super) async fn fail(&self, path: &Path, problem: &Problem) {
        self.has_failed.store(true, Relaxed);
        let line = format!("{}: {problem}\n", path.display());
        // Whoever listened may have gone.
        let _ = self.said.send(Piece::Err(Bytes::from(line))).await;
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
        let step = |name| {
            let (from, to) = (self.from.join(&name), self.to.join(&name));
            Self { from, to, above: Arc::clone(&above), is_new: false }
        };
        Ok(names.into_iter().map(step).collect())
    }
}

/// Each of these as a step: to this path, or under its own name into this directory.
pub(super) fn named(
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
        Ok(Step { from: path.clone(), to, above: Arc::new([]), is_new: false })
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
        Step { from: "from".into(), to: "to".into(), above, is_new: false }
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
