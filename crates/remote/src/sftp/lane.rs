//! One session with a machine's SFTP server, and its part of a copy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::copy::{Copy, Step, Way, is_directory, named};
use super::problem::Problem;
use super::session::Sftp;
use super::{local, name, pattern};

/// A session that takes one step after the other.
pub(super) struct Lane {
    pub(super) copy: Arc<Copy>,
    pub(super) sftp: Sftp,
    /// The unfinished file over there.
    pub(super) part: Option<PathBuf>,
}

/// How a session ended.
pub(super) struct End {
    /// None: it was stopped. The error is one after which nothing more can be copied.
    pub(super) copied: Option<Result<(), Problem>>,
    /// What it could not take away.
    pub(super) left: Option<PathBuf>,
}

impl Lane {
    pub(super) fn new(copy: &Arc<Copy>, sftp: Sftp) -> Self {
        Self { copy: Arc::clone(copy), sftp, part: None }
    }

    /// Finds out what is to be done, does it, alone or with others, and finishes what can be finished only then.
    pub(super) async fn lead(mut self, stop: &CancellationToken) -> End {
        let copied = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            copied = self.all() => Some(copied),
        };
        self.end(copied).await
    }

    /// Does what is to be done, beside the one who leads.
    pub(super) async fn help(mut self, stop: &CancellationToken) -> End {
        let copied = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            copied = self.work() => Some(copied),
        };
        self.end(copied).await
    }

    async fn end(mut self, copied: Option<Result<(), Problem>>) -> End {
        if !matches!(copied, Some(Ok(()))) {
            self.copy.queue.close();
        }
        let left = match self.part.take() {
            Some(part) => self.sftp.remove(&part).await.err().map(|_| part),
            None => None,
        };
        End { copied, left }
    }

    async fn all(&mut self) -> Result<(), Problem> {
        let job = Arc::clone(&self.copy.job);
        let steps = match &job.way {
            Way::Put { from, to } => self.steps_there(from, to).await,
            Way::Get { from, to, labelled } => self.steps_here(from, to, *labelled).await,
        };
        match steps {
            Ok(steps) => self.copy.queue.done(steps),
            Err((_, problem)) if problem.is_final() => return Err(problem),
            Err((path, problem)) => {
                self.copy.fail(&path, &problem).await;
                return Ok(());
            }
        }
        self.work().await?;
        self.finish_directories().await
    }

    async fn work(&mut self) -> Result<(), Problem> {
        let copy = Arc::clone(&self.copy);
        while let Some(step) = copy.queue.next().await {
            let done = match &copy.job.way {
                Way::Put { .. } => self.put(&step).await,
                Way::Get { .. } => self.get(&step).await,
            };
            let within = match done {
                Ok(within) => within,
                Err(problem) if problem.is_final() => return Err(problem),
                Err(problem) => {
                    copy.fail(copy.blamed(&step, &problem), &problem).await;
                    Vec::new()
                }
            };
            copy.queue.done(within);
        }
        Ok(())
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
                name.push(format!(".{}", self.copy.label.replace('/', "_")));
            }
            names.push(name);
        }
        let mut names = names.into_iter();
        named(&found, to, to.is_dir(), |_| Ok(names.next().unwrap_or_default()))
    }

    /// What is written into a directory changes its times, so that they come last, and the innermost first.
    async fn finish_directories(&mut self) -> Result<(), Problem> {
        let later = std::mem::take(&mut *self.copy.later());
        for (path, attributes) in later.into_iter().rev() {
            let set = match self.copy.job.way {
                Way::Put { .. } => self.sftp.set(&path, &attributes).await,
                Way::Get { .. } => attributes.apply_to_path(&path).map_err(Problem::from),
            };
            match set {
                Err(problem) if problem.is_final() => return Err(problem),
                Err(problem) => self.copy.fail(&path, &problem).await,
                Ok(()) => {}
            }
        }
        Ok(())
    }
}
