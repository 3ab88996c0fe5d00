//! From here to a machine.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::attributes::Attributes;
use super::copy::{CHUNK, Step, is_directory, is_regular, kept, mode_of_part};
use super::lane::Lane;
use super::problem::Problem;
use super::session::Handle;
use super::wire::{Packet, kind};
use super::{local, name};

impl Lane {
    /// Copies a file, or makes a directory and gives what is to come into it.
    pub(super) async fn put(&mut self, step: &Step) -> Result<Vec<Step>, Problem> {
        let metadata = fs::metadata(&step.from)?;
        let attributes = Attributes::of(&metadata);
        if metadata.is_dir() {
            if !self.copy.job.recursive {
                return Err(Problem::Own("it is a directory: -r copies those, too"));
            }
            let (real, names) = (step.from.canonicalize()?, local::names(&step.from)?);
            // One without end is told before anything is made.
            let mut within = step.within(real, names)?;
            let is_new = self.directory_there(&step.to, &attributes).await?;
            within.iter_mut().for_each(|step| step.is_new = is_new);
            return Ok(within);
        }
        if !metadata.is_file() {
            return Err(Problem::Own("it is no regular file"));
        }
        self.put_file(step, &attributes).await?;
        Ok(Vec::new())
    }

    /// Makes a directory; says whether it had to.
    async fn directory_there(&mut self, path: &Path, original: &Attributes) -> Result<bool, Problem> {
        let is_new = match self.sftp.find(path).await? {
            Some(there) if is_directory(&there) => false,
            Some(_) => return Err(Problem::Own("a file over there has that name already")),
            // Files must come into it, whatever its mode will be.
            None => {
                self.sftp.make_directory(path, original.mode.unwrap_or(0o777) & 0o777 | 0o700).await?;
                true
            }
        };
        if self.copy.job.keep {
            self.copy.later().push((path.to_owned(), kept(original)));
        }
        Ok(is_new)
    }

    async fn put_file(&mut self, step: &Step, original: &Attributes) -> Result<(), Problem> {
        let file = File::open(&step.from)?;
        let there = if step.is_new { None } else { self.sftp.find(&step.to).await? };
        let (to, old) = match there {
            Some(old) if !is_regular(&old) => {
                return Err(Problem::Own("what has that name over there is no regular file"));
            }
            // A link stays, and what it leads to is replaced.
            Some(old) => (self.sftp.real_path(&step.to).await?, Some(old)),
            None => (step.to.clone(), None),
        };
        let part = name::part(&to)?;
        let handle = self.sftp.create(&part, mode_of_part(original, old.as_ref())).await?;
        self.part = Some(part.clone());
        let finished = match self.pour(file, original, old.as_ref(), &handle).await {
            Ok(()) => self.sftp.replace(&part, &to).await,
            failed => {
                // It may be closed already.
                self.sftp.begin_close(&handle);
                failed
            }
        };
        match finished {
            Ok(()) => {
                self.part = None;
                self.copy.meter.file();
                Ok(())
            }
            Err(problem) if problem.is_final() => Err(problem),
            Err(problem) => {
                self.discard().await?;
                Err(problem)
            }
        }
    }

    /// Removes the unfinished file. One that is gone already is removed.
    async fn discard(&mut self) -> Result<(), Problem> {
        let Some(part) = self.part.take() else { return Ok(()) };
        match self.sftp.remove(&part).await {
            Err(problem) if problem.is_final() => Err(problem),
            _ => Ok(()),
        }
    }

    /// Writes a file's bytes, so many requests at once, and behind them without waiting whatever completes it, until it is
    /// closed. Only the answers say whether it may take its name. The length is None where the system does not tell it
    /// (proc(5)).
    async fn pour(
        &mut self,
        file: File,
        original: &Attributes,
        old: Option<&Attributes>,
        to: &Handle,
    ) -> Result<(), Problem> {
        let length = original.size.filter(|&size| size > 0);
        self.copy.meter.expect(length.unwrap_or(0));
        let mut file = file.take(length.unwrap_or(u64::MAX));
        let mut buffer = vec![0; length.map_or(CHUNK, chunk_of)];
        let mut waiting = HashMap::new();
        let mut offset = 0;
        let mut is_over = false;
        loop {
            while !is_over && waiting.len() < self.copy.at_once {
                let bytes = local::fill(&mut file, &mut buffer)?;
                is_over = bytes < buffer.len() || length == Some(offset + long(bytes));
                if bytes > 0 {
                    let data = &buffer[..bytes];
                    let fill = |packet: Packet| packet.string(&to.0).long(offset).string(data);
                    waiting.insert(self.sftp.link.ask(kind::WRITE, fill), Asked::Write(long(bytes)));
                    offset += long(bytes);
                }
                if is_over {
                    if length.is_some_and(|length| offset < length) {
                        return Err(Problem::Own("it became shorter while it was read"));
                    }
                    self.complete(to, original, old, &mut waiting);
                }
            }
            if waiting.is_empty() {
                return Ok(());
            }
            let answer = self.sftp.link.next().await?;
            match waiting.remove(&answer.id()?) {
                Some(Asked::Write(bytes)) => {
                    answer.done()?;
                    self.copy.meter.add(bytes);
                }
                Some(Asked::Rest) => answer.done()?,
                Some(Asked::Owner) | None => {}
            }
        }
    }

    /// Asks for what a file gets once its bytes are there.
    fn complete(
        &mut self,
        file: &Handle,
        original: &Attributes,
        old: Option<&Attributes>,
        waiting: &mut HashMap<u32, Asked>,
    ) {
        if let Some(old) = old {
            let owner = Attributes { owner: old.owner, ..Attributes::default() };
            waiting.insert(self.sftp.begin_set(file, &owner), Asked::Owner);
            let mode = Attributes { mode: old.mode.map(|mode| mode & 0o7777), ..Attributes::default() };
            waiting.insert(self.sftp.begin_set(file, &mode), Asked::Rest);
        }
        if self.copy.job.keep {
            waiting.insert(self.sftp.begin_set(file, &kept(original)), Asked::Rest);
        }
        waiting.extend(self.sftp.begin_sync(file).map(|sync| (sync, Asked::Rest)));
        waiting.insert(self.sftp.begin_close(file), Asked::Rest);
    }
}

/// What a request was for.
enum Asked {
    /// To write so many bytes.
    Write(u64),
    /// To give the file its owner; others than root may not.
    Owner,
    /// To complete it.
    Rest,
}

/// Bytes of one write of a file of this length.
fn chunk_of(length: u64) -> usize {
    usize::try_from(length).unwrap_or(CHUNK).min(CHUNK)
}

fn long(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
