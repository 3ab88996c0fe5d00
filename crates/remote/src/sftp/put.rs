//! From here to a machine.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::attributes::Attributes;
use super::copy::{CHUNK, Copy, Step, is_directory, is_regular, kept, mode_of_part};
use super::problem::Problem;
use super::session::Handle;
use super::wire::kind;
use super::{local, name};

impl Copy {
    /// Copies a file, or makes a directory and gives what is to come into it.
    pub(super) async fn put(&mut self, step: &Step) -> Result<Vec<Step>, Problem> {
        let metadata = fs::metadata(&step.from)?;
        let attributes = Attributes::of(&metadata);
        if metadata.is_dir() {
            if !self.job.recursive {
                return Err(Problem::Own("it is a directory: -r copies those, too"));
            }
            let within = step.within(step.from.canonicalize()?, local::names(&step.from)?)?;
            self.directory_there(&step.to, &attributes).await?;
            return Ok(within);
        }
        if !metadata.is_file() {
            return Err(Problem::Own("it is no regular file"));
        }
        self.put_file(step, &attributes).await?;
        Ok(Vec::new())
    }

    async fn directory_there(&mut self, path: &Path, original: &Attributes) -> Result<(), Problem> {
        match self.sftp.find(path).await? {
            Some(there) if is_directory(&there) => {}
            Some(_) => return Err(Problem::Own("a file over there has that name already")),
            // Files must come into it, whatever its mode will be.
            None => self.sftp.make_directory(path, original.mode.unwrap_or(0o777) & 0o777 | 0o700).await?,
        }
        if self.job.keep {
            self.later.push((path.to_owned(), kept(original)));
        }
        Ok(())
    }

    async fn put_file(&mut self, step: &Step, original: &Attributes) -> Result<(), Problem> {
        let file = File::open(&step.from)?;
        let (to, old) = match self.sftp.find(&step.to).await? {
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
        let put = self.put_into(&handle, file, original, old.as_ref()).await;
        if let Err(problem) = put {
            if !problem.is_final() {
                self.sftp.close(&handle).await?;
                self.discard().await?;
            }
            return Err(problem);
        }
        let finished = self.finish_there(&handle, &part, &to).await;
        match finished {
            Ok(()) => {
                self.part = None;
                self.meter.file();
                Ok(())
            }
            Err(problem) if problem.is_final() => Err(problem),
            Err(problem) => {
                self.discard().await?;
                Err(problem)
            }
        }
    }

    async fn put_into(
        &mut self,
        handle: &Handle,
        file: File,
        original: &Attributes,
        old: Option<&Attributes>,
    ) -> Result<(), Problem> {
        self.pour(file, original.size.filter(|&size| size > 0), handle).await?;
        if let Some(old) = old {
            let owner = Attributes { owner: old.owner, ..Attributes::default() };
            match self.sftp.set_open(handle, &owner).await {
                // Others than root may not.
                Err(problem) if !problem.is_final() => {}
                set => set?,
            }
            let mode = Attributes { mode: old.mode.map(|mode| mode & 0o7777), ..Attributes::default() };
            self.sftp.set_open(handle, &mode).await?;
        }
        if self.job.keep {
            self.sftp.set_open(handle, &kept(original)).await?;
        }
        self.sftp.sync(handle).await
    }

    async fn finish_there(&mut self, handle: &Handle, part: &Path, to: &Path) -> Result<(), Problem> {
        self.sftp.close(handle).await?;
        self.sftp.replace(part, to).await
    }

    /// Removes the unfinished file. One that is gone already is removed.
    async fn discard(&mut self) -> Result<(), Problem> {
        let Some(part) = self.part.take() else { return Ok(()) };
        match self.sftp.remove(&part).await {
            Err(problem) if problem.is_final() => Err(problem),
            _ => Ok(()),
        }
    }

    /// Writes a file's bytes, so many requests at once. The length is None where the system does not tell it (proc(5)).
    async fn pour(&mut self, file: File, length: Option<u64>, to: &Handle) -> Result<(), Problem> {
        self.meter.expect(length.unwrap_or(0));
        let mut file = file.take(length.unwrap_or(u64::MAX));
        let mut buffer = vec![0; CHUNK];
        let mut waiting = HashMap::new();
        let mut offset = 0;
        let mut is_over = false;
        loop {
            while !is_over && waiting.len() < self.at_once {
                let bytes = local::fill(&mut file, &mut buffer)?;
                is_over = bytes < CHUNK;
                if bytes > 0 {
                    let data = &buffer[..bytes];
                    let ask = self
                        .sftp
                        .link
                        .ask(kind::WRITE, |packet| packet.string(&to.0).long(offset).string(data));
                    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                    waiting.insert(ask, bytes);
                    offset += bytes;
                }
            }
            if waiting.is_empty() {
                break;
            }
            let answer = self.sftp.link.next().await?;
            if let Some(bytes) = waiting.remove(&answer.id()?) {
                answer.done()?;
                self.meter.add(bytes);
            }
        }
        match length {
            Some(length) if offset < length => Err(Problem::Own("it became shorter while it was read")),
            _ => Ok(()),
        }
    }
}
