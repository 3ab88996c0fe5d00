//! What is said of a file: size, owner, mode and times.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::wire::{Fields, Packet, Wrong};

const SIZE: u32 = 1;
const OWNER: u32 = 2;
const MODE: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 0x8000_0000;

/// What is known, or to be set.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) size: Option<u64>,
    /// User and group.
    pub(crate) owner: Option<(u32, u32)>,
    /// With the kind of file.
    pub(crate) mode: Option<u32>,
    /// Last read and last change, in seconds since 1970: the protocol ends in 2106.
    pub(crate) times: Option<(u32, u32)>,
    pub(crate) links: u64,
}

impl Attributes {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let seconds = |time: i64| u32::try_from(time.max(0)).unwrap_or(u32::MAX);
        Self {
            size: Some(metadata.size()),
            owner: Some((metadata.uid(), metadata.gid())),
            mode: Some(metadata.mode()),
            times: Some((seconds(metadata.atime()), seconds(metadata.mtime()))),
            links: metadata.nlink(),
        }
    }

    pub(crate) fn read(request: &mut Fields<'_>) -> Result<Self, Wrong> {
        let flags = request.number()?;
        let mut attributes = Self::default();
        if flags & SIZE != 0 {
            attributes.size = Some(request.long()?);
        }
        if flags & OWNER != 0 {
            attributes.owner = Some((request.number()?, request.number()?));
        }
        if flags & MODE != 0 {
            attributes.mode = Some(request.number()?);
        }
        if flags & TIMES != 0 {
            attributes.times = Some((request.number()?, request.number()?));
        }
        if flags & EXTENDED != 0 {
            for _ in 0..request.number()? {
                request.string()?;
                request.string()?;
            }
        }
        Ok(attributes)
    }

    pub(crate) fn write(&self, answer: Packet) -> Packet {
        let mut flags = 0;
        for (there, flag) in [
            (self.size.is_some(), SIZE),
            (self.owner.is_some(), OWNER),
            (self.mode.is_some(), MODE),
            (self.times.is_some(), TIMES),
        ] {
            flags |= if there { flag } else { 0 };
        }
        let mut answer = answer.number(flags);
        if let Some(size) = self.size {
            answer = answer.long(size);
        }
        if let Some((first, second)) = self.owner {
            answer = answer.number(first).number(second);
        }
        if let Some(mode) = self.mode {
            answer = answer.number(mode);
        }
        if let Some((first, second)) = self.times {
            answer = answer.number(first).number(second);
        }
        answer
    }

    pub(crate) fn apply_to_path(&self, path: &Path) -> io::Result<()> {
        if let Some(size) = self.size {
            OpenOptions::new().write(true).open(path)?.set_len(size)?;
        }
        if let Some((user, group)) = self.owner {
            std::os::unix::fs::chown(path, Some(user), Some(group))?;
        }
        if let Some(mode) = self.mode {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode & 0o7777))?;
        }
        if let Some(times) = self.times {
            rustix::fs::utimensat(CWD, path, &timestamps(times), AtFlags::empty())?;
        }
        Ok(())
    }

    pub(crate) fn apply_to_file(&self, file: &File) -> io::Result<()> {
        if let Some(size) = self.size {
            file.set_len(size)?;
        }
        if let Some((user, group)) = self.owner {
            std::os::unix::fs::fchown(file, Some(user), Some(group))?;
        }
        if let Some(mode) = self.mode {
            file.set_permissions(PermissionsExt::from_mode(mode & 0o7777))?;
        }
        if let Some(times) = self.times {
            rustix::fs::futimens(file, &timestamps(times))?;
        }
        Ok(())
    }

    /// A line of `ls -l`, which clients show as it is.
    pub(crate) fn long_name(&self, name: &[u8]) -> Vec<u8> {
        let mode = mode_text(self.mode.unwrap_or(0));
        let (user, group) = self.owner.unwrap_or_default();
        let (_, changed) = self.times.unwrap_or_default();
        let (links, size) = (self.links, self.size.unwrap_or(0));
        let date = date_text(changed.into());
        let mut line = format!("{mode} {links:>4} {user:<8} {group:<8} {size:>8} {date} ").into_bytes();
        line.extend_from_slice(name);
        line
    }
}

fn timestamps((read, changed): (u32, u32)) -> Timestamps {
    let time = |seconds: u32| Timespec { tv_sec: seconds.into(), tv_nsec: 0 };
    Timestamps { last_access: time(read), last_modification: time(changed) }
}

/// `drwxr-xr-t`.
fn mode_text(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o060_000 => 'b',
        0o020_000 => 'c',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let mut text = String::from(kind);
    // In each class: may read, may write, may execute; and a bit that shows in place of the last.
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
        });
    }
    text
}

/// As ls(1): the time of what is younger than half a year, the year of all else.
fn date_text(seconds: i64) -> String {
    let Ok(time) = Timestamp::from_second(seconds) else { return "?".into() };
    let age = Timestamp::now().as_second().saturating_sub(seconds);
    let half_a_year = 182 * 24 * 3600;
    let format = if (0..half_a_year).contains(&age) { "%b %e %H:%M" } else { "%b %e  %Y" };
    time.to_zoned(TimeZone::system()).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_as_ls_has_it() {
        let attributes = Attributes {
            size: Some(5),
            owner: Some((0, 7)),
            mode: Some(0o100_644),
            times: Some((0, 0)),
            links: 1,
        };
        let line = String::from_utf8(attributes.long_name(b"name")).unwrap();
        assert!(line.starts_with("-rw-r--r--    1 0        7               5 "), "{line}");
        assert!(line.ends_with(" name"));
        assert_eq!(mode_text(0o041_777), "drwxrwxrwt");
        assert_eq!(mode_text(0o104_644), "-rwSr--r--");
        assert_eq!(mode_text(0o120_777), "lrwxrwxrwx");
    }
}
