//! From a machine to here.

use std::collections::HashMap;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::Path;

use super::attributes::Attributes;
use super::copy::{CHUNK, Step, is_directory, is_regular, kept};
use super::lane::Lane;
use super::local::{self, Part};
use super::problem::Problem;
use super::session::Handle;
use super::wire::{kind, status};

impl Lane {
    /// Copies a file, or makes a directory and gives what is to come into it.
    pub(super) async fn get(&mut self, step: &Step) -> Result<Vec<Step>, Problem> {
        let there = self.sftp.stat(&step.from).await?;
        if is_directory(&there) {
            if !self.copy.job.recursive {
                return Err(Problem::Own("it is a directory: -r copies those, too"));
            }
            let real = self.sftp.real_path(&step.from).await?;
            let within = step.within(real, self.sftp.names(&step.from).await?)?;
            self.directory_here(&step.to, &there)?;
            return Ok(within);
        }
        if !is_regular(&there) {
            return Err(Problem::Own("it is no regular file"));
        }
        let handle = self.sftp.open(&step.from).await?;
        let got = self.get_file(&handle, &step.to).await;
        if got.as_ref().is_err_and(Problem::is_final) {
            return got.map(|()| Vec::new());
        }
        // What becomes of it matters to nobody.
        self.sftp.begin_close(&handle);
        got?;
        self.copy.meter.file();
        Ok(Vec::new())
    }

    fn directory_here(&mut self, path: &Path, original: &Attributes) -> Result<(), Problem> {
        match local::found(path)? {
            Some(here) if here.is_dir() => {}
            Some(_) => return Err(Problem::Own("a file here has that name already")),
            // Files must come into it, whatever its mode will be.
            None => DirBuilder::new().mode(original.mode.unwrap_or(0o777) & 0o777 | 0o700).create(path)?,
        }
        if self.copy.job.keep {
            self.copy.later().push((path.to_owned(), kept(original)));
        }
        Ok(())
    }

    async fn get_file(&mut self, handle: &Handle, to: &Path) -> Result<(), Problem> {
        let original = self.sftp.stat_open(handle).await?;
        let part = Part::beside(to, &original)?;
        self.draw(handle, original.size.filter(|&size| size > 0), part.file()).await?;
        part.finish(self.copy.job.keep.then(|| kept(&original))).await
    }

    /// Reads a file's bytes, so many requests at once. Where the machine does not tell the length (proc(5)), one at a time until
    /// there are no more.
    async fn draw(&mut self, from: &Handle, length: Option<u64>, file: &File) -> Result<(), Problem> {
        self.copy.meter.expect(length.unwrap_or(0));
        let at_once = if length.is_some() { self.copy.at_once } else { 1 };
        let end = length.unwrap_or(u64::MAX);
        let mut waiting = HashMap::new();
        let mut offset = 0;
        loop {
            while offset < end && waiting.len() < at_once {
                let bytes = usize::try_from(end - offset).unwrap_or(CHUNK).min(CHUNK);
                waiting.insert(self.read(from, offset, bytes), (offset, bytes));
                offset += u64::try_from(bytes).unwrap_or(u64::MAX);
            }
            if waiting.is_empty() {
                return Ok(());
            }
            let answer = self.sftp.link.next().await?;
            let Some((at, asked)) = waiting.remove(&answer.id()?) else { continue };
            let data = match answer.expect(kind::DATA) {
                Ok(mut fields) => fields.string()?,
                Err(Problem::There { code: status::EOF, .. }) if length.is_none() => return Ok(()),
                Err(Problem::There { code: status::EOF, .. }) => {
                    return Err(Problem::Own("it became shorter while it was read"));
                }
                Err(problem) => return Err(problem),
            };
            if data.is_empty() || data.len() > asked {
                return Err(Problem::Lost("the machine gives other bytes than it was asked for".to_owned()));
            }
            file.write_all_at(data, at)?;
            let got = u64::try_from(data.len()).unwrap_or(u64::MAX);
            self.copy.meter.add(got);
            if data.len() < asked {
                let (at, rest) = (at + got, asked - data.len());
                waiting.insert(self.read(from, at, rest), (at, rest));
            }
        }
    }

    fn read(&mut self, from: &Handle, offset: u64, bytes: usize) -> u32 {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.sftp.link.ask(kind::READ, |packet| packet.string(&from.0).long(offset).number(bytes))
    }
}
