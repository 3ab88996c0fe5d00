//! A file for each machine.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use node::ssh::fan::{Event, What};

use super::single::Passage;
use super::view::{Paper, Shown, Surface, View};

/// Behind the name of the file with standard error.
const ERR: &str = ".err";

/// Writes what each machine prints into a file that has its name, and its standard error, if there is any, into one
/// beside it.
pub(super) struct Folder {
    machines: Vec<Machine>,
}

struct Machine {
    shown: Shown,
    out: Stream,
    err: Stream,
}

struct Stream {
    path: PathBuf,
    /// From its first byte to its last: there may be more machines than files that may be open.
    open: Option<(File, Passage)>,
}

impl Folder {
    /// Takes away what an earlier run has left of these machines: whatever is there afterwards comes from this one.
    pub(super) fn new(path: &Path, machines: &[Shown]) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("making the folder {}", path.display()))?;
        let mut taken = HashSet::new();
        let mut stream = |name: String| {
            let stream = Stream { path: path.join(name), open: None };
            if !taken.insert(stream.path.clone()) {
                bail!("two of these machines would write {}: leave one out with -x", stream.path.display());
            }
            stream.remove()?;
            Ok(stream)
        };
        let machine = |shown: &Shown| {
            let name = file_name(&shown.name);
            let err = stream(format!("{name}{ERR}"))?;
            Ok(Machine { shown: shown.clone(), out: stream(name)?, err })
        };
        Ok(Self { machines: machines.iter().map(machine).collect::<anyhow::Result<_>>()? })
    }
}

impl View for Folder {
    fn event(&mut self, event: &Event, _: &mut Paper<'_>) -> io::Result<()> {
        let Some(Machine { shown, out, err }) = self.machines.get_mut(event.machine) else { return Ok(()) };
        match &event.what {
            // Who prints nothing has an empty file, and who was not reached has none.
            What::Started => out.pass(b"", shown),
            What::Out(bytes) => out.pass(bytes, shown),
            What::Err(bytes) => err.pass(bytes, shown),
            What::Ended(_) => {
                out.finish()?;
                err.finish()
            }
        }
    }
}

impl Stream {
    fn remove(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    fn pass(&mut self, bytes: &[u8], shown: &Shown) -> io::Result<()> {
        let Self { path, open } = self;
        let pass = || {
            let (file, passage) = match open {
                Some(open) => open,
                none => none.insert((File::create(&*path)?, Passage::new(shown, Surface::default()))),
            };
            passage.pass(bytes, file)
        };
        pass().map_err(|error| at(path, &error))
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some((mut file, mut passage)) = self.open.take() else { return Ok(()) };
        passage.finish(&mut file).map_err(|error| at(&self.path, &error))
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The name of a machine as the name of one file: what leads out of the folder, hides a file or is not seen is written as
/// `%` and two digits.
fn file_name(name: &str) -> String {
    let mut escaped = String::new();
    for (at, character) in name.char_indices() {
        match character {
            '/' | '%' | '\0'..='\x1f' | '\x7f' => escaped += &format!("%{:02X}", u32::from(character)),
            '.' if at == 0 => escaped += "%2E",
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::view::testing::{err, exit, machines, out, started, written};

    fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let read = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        };
        let mut files: Vec<_> = folder.read_dir().unwrap().map(read).collect();
        files.sort();
        files
    }

    fn file(name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
        (name.to_owned(), bytes.to_vec())
    }

    #[test]
    fn each_machine_has_its_bytes_in_a_file_and_errors_in_another_if_there_are_any() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder");
        let view = Folder::new(&path, &machines(&["a", "b", "c"], "")).unwrap();
        let events = [
            started(0),
            started(1),
            out(0, b"\xff\x1b[2J"),
            err(1, "oh"),
            out(0, "end"),
            exit(0, 0),
            exit(1, 1),
            exit(2, 255),
        ];
        assert_eq!(written(view, &events), (Vec::new(), Vec::new()));
        assert_eq!(files(&path), [file("a", b"\xff\x1b[2Jend"), file("b", b""), file("b.err", b"oh")]);
    }

    #[test]
    fn nothing_of_an_earlier_run_is_left_of_these_machines() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "a.err", "b", "b.err", "other"] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        let view = Folder::new(folder.path(), &machines(&["a", "b"], "")).unwrap();
        written(view, &[started(0), out(0, "new"), exit(0, 0)]);
        assert_eq!(files(folder.path()), [file("a", b"new"), file("other", b"old")]);
    }

    #[test]
    fn a_charset_is_read_into_files_as_into_pipes() {
        let folder = tempfile::tempdir().unwrap();
        let view = Folder::new(folder.path(), &machines(&["a"], "gbk")).unwrap();
        written(view, &[started(0), out(0, b"\xd5\xc5\xc8"), out(0, b"\xfd"), exit(0, 0)]);
        assert_eq!(files(folder.path()), [file("a", "张三".as_bytes())]);
    }

    #[test]
    fn an_attackers_name_does_not_lead_out_of_the_folder() {
        let names = ["../../etc/cron.d/x", "..", ".", ".bashrc", "/etc/passwd", "a\nb", "100%", "[::1]:22"];
        let escaped = ["%2E.%2F..%2Fetc%2Fcron.d%2Fx", "%2E.", "%2E", "%2Ebashrc", "%2Fetc%2Fpasswd"];
        let others = ["a%0Ab", "100%25", "[::1]:22"];
        assert_eq!(names.map(file_name).as_slice(), [&escaped[..], &others[..]].concat());
    }

    #[test]
    fn two_machines_never_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = Folder::new(folder.path(), &machines(&["a", "a.err"], "")).err().unwrap();
        assert!(error.to_string().contains("two of these machines would write"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut view = Folder::new(folder.path(), &machines(&["a"], "")).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let (mut to, mut err) = (Vec::new(), Vec::new());
        let error = view.event(&started(0), &mut Paper { out: &mut to, err: &mut err }).unwrap_err();
        assert!(error.to_string().contains(folder.path().join("a").to_str().unwrap()), "{error}");
    }
}
