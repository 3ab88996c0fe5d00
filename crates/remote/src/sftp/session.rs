//! What a machine's SFTP server is asked to do, one thing after the other.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::attributes::Attributes;
use super::link::{Answer, Link};
use super::name;
use super::problem::Problem;
use super::wire::{Packet, extension, kind, open, status};
use crate::dial::Stream;

/// Names in one directory: each takes a hundred bytes and more here, and a machine could go on for ever.
pub const NAMES_MAX: usize = 1_000_000;

/// The version that everybody speaks.
const VERSION: u32 = 3;

/// A session with an SFTP server.
pub(super) struct Sftp {
    pub(super) link: Link,
    /// It has `posix-rename@openssh.com`.
    replaces: bool,
    /// It has `fsync@openssh.com`.
    syncs: bool,
}

/// An open file or directory over there: bytes that mean something to the server alone.
#[derive(Clone)]
pub(super) struct Handle(pub(super) Vec<u8>);

impl Sftp {
    /// Greets the server.
    pub(super) async fn new(stream: Box<dyn Stream>) -> Result<Self, Problem> {
        let mut link = Link::new(stream);
        link.send(Packet::of(kind::INIT).number(VERSION));
        let answer = link.next().await?;
        let mut fields = answer.fields();
        if answer.kind != kind::VERSION || fields.number()? < VERSION {
            return Err(Problem::Lost("the machine speaks no version of SFTP that is known here".to_owned()));
        }
        let (mut replaces, mut syncs) = (false, false);
        while let (Ok(name), Ok(version)) = (fields.string(), fields.string()) {
            replaces |= (name, version) == (extension::POSIX_RENAME, b"1");
            syncs |= (name, version) == (extension::FSYNC, b"1");
        }
        Ok(Self { link, replaces, syncs })
    }

    /// What is there, whatever links lead to it. None: nothing is.
    pub(super) async fn find(&mut self, path: &Path) -> Result<Option<Attributes>, Problem> {
        match self.stat(path).await {
            Err(problem) if problem.is_absence() => Ok(None),
            found => found.map(Some),
        }
    }

    /// As [`Self::find`]; nothing there is a problem.
    pub(super) async fn stat(&mut self, path: &Path) -> Result<Attributes, Problem> {
        attributes(&self.ask(kind::STAT, |packet| packet.string(bytes(path))).await?)
    }

    pub(super) async fn stat_open(&mut self, file: &Handle) -> Result<Attributes, Problem> {
        attributes(&self.ask(kind::FSTAT, |packet| packet.string(&file.0)).await?)
    }

    /// The path without links and dots.
    pub(super) async fn real_path(&mut self, path: &Path) -> Result<PathBuf, Problem> {
        let answer = self.ask(kind::REALPATH, |packet| packet.string(bytes(path))).await?;
        let mut fields = answer.expect(kind::NAME)?;
        fields.number()?;
        Ok(OsString::from_vec(fields.string()?.to_vec()).into())
    }

    pub(super) async fn open(&mut self, path: &Path) -> Result<Handle, Problem> {
        let ask = |packet: Packet| packet.string(bytes(path)).number(open::READ).number(0);
        handle(&self.ask(kind::OPEN, ask).await?)
    }

    /// Makes a file that is not there yet, to be written; of the mode, the machine's umask takes its share.
    pub(super) async fn create(&mut self, path: &Path, mode: u32) -> Result<Handle, Problem> {
        let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
        let flags = open::WRITE | open::CREATE | open::EXCLUSIVE;
        let ask = |packet: Packet| attributes.write(packet.string(bytes(path)).number(flags));
        handle(&self.ask(kind::OPEN, ask).await?)
    }

    pub(super) async fn close(&mut self, file: &Handle) -> Result<(), Problem> {
        self.ask(kind::CLOSE, |packet| packet.string(&file.0)).await?.done()
    }

    /// Asks to close, and gives the number of the request, for whose answer nobody waits here.
    pub(super) fn begin_close(&mut self, file: &Handle) -> u32 {
        self.link.ask(kind::CLOSE, |packet| packet.string(&file.0))
    }

    /// Likewise asks that everything be on disk, if the server knows how.
    pub(super) fn begin_sync(&mut self, file: &Handle) -> Option<u32> {
        let ask = |packet: Packet| packet.string(extension::FSYNC).string(&file.0);
        self.syncs.then(|| self.link.ask(kind::EXTENDED, ask))
    }

    /// Likewise asks for these attributes.
    pub(super) fn begin_set(&mut self, file: &Handle, attributes: &Attributes) -> u32 {
        self.link.ask(kind::FSETSTAT, |packet| attributes.write(packet.string(&file.0)))
    }

    pub(super) async fn set(&mut self, path: &Path, attributes: &Attributes) -> Result<(), Problem> {
        self.ask(kind::SETSTAT, |packet| attributes.write(packet.string(bytes(path)))).await?.done()
    }

    pub(super) async fn make_directory(&mut self, path: &Path, mode: u32) -> Result<(), Problem> {
        let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
        self.ask(kind::MKDIR, |packet| attributes.write(packet.string(bytes(path)))).await?.done()
    }

    pub(super) async fn remove(&mut self, path: &Path) -> Result<(), Problem> {
        self.ask(kind::REMOVE, |packet| packet.string(bytes(path))).await?.done()
    }

    /// Gives a file the place of another, at once where the server knows how. Else that one is removed before.
    pub(super) async fn replace(&mut self, from: &Path, to: &Path) -> Result<(), Problem> {
        let (old, new) = (bytes(from), bytes(to));
        if self.replaces {
            let ask = |packet: Packet| packet.string(extension::POSIX_RENAME).string(old).string(new);
            return self.ask(kind::EXTENDED, ask).await?.done();
        }
        let rename = |packet: Packet| packet.string(old).string(new);
        match self.ask(kind::RENAME, rename).await?.done() {
            Err(Problem::There { code: status::FAILURE, .. }) => {
                self.remove(to).await?;
                self.ask(kind::RENAME, rename).await?.done()
            }
            renamed => renamed,
        }
    }

    /// The names in a directory, without `.` and `..`, sorted.
    ///
    /// What they are is not believed: a link that is followed is something else.
    pub(super) async fn names(&mut self, path: &Path) -> Result<Vec<OsString>, Problem> {
        let directory = handle(&self.ask(kind::OPENDIR, |packet| packet.string(bytes(path))).await?)?;
        let mut names = Vec::new();
        let read = loop {
            match self.some_names(&directory, &mut names).await {
                Ok(()) if names.len() > NAMES_MAX => {
                    break Err(Problem::Own("there are more names in it than any directory has"));
                }
                Ok(()) => {}
                Err(Problem::There { code: status::EOF, .. }) => break Ok(()),
                Err(problem) => break Err(problem),
            }
        };
        if read.as_ref().is_err_and(Problem::is_final) {
            return read.map(|()| names);
        }
        let closed = self.close(&directory).await;
        read.and(closed)?;
        names.sort();
        Ok(names)
    }

    async fn some_names(&mut self, directory: &Handle, names: &mut Vec<OsString>) -> Result<(), Problem> {
        let answer = self.ask(kind::READDIR, |packet| packet.string(&directory.0)).await?;
        let mut fields = answer.expect(kind::NAME)?;
        for _ in 0..fields.number()? {
            let name = OsStr::from_bytes(fields.string()?);
            fields.string()?;
            Attributes::read(&mut fields)?;
            if name != "." && name != ".." {
                names.push(name::checked(name)?.to_owned());
            }
        }
        Ok(())
    }

    async fn ask(&mut self, kind: u8, fill: impl FnOnce(Packet) -> Packet) -> Result<Answer, Problem> {
        let id = self.link.ask(kind, fill);
        self.link.answer(id).await
    }
}

fn handle(answer: &Answer) -> Result<Handle, Problem> {
    Ok(Handle(answer.expect(kind::HANDLE)?.string()?.to_vec()))
}

fn attributes(answer: &Answer) -> Result<Attributes, Problem> {
    Ok(Attributes::read(&mut answer.expect(kind::ATTRS)?)?)
}

/// A path as it is sent. None is the directory in which the server begins.
fn bytes(path: &Path) -> &[u8] {
    match path.as_os_str().as_bytes() {
        b"" => b".",
        bytes => bytes,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;
    use crate::sftp::wire;

    /// A server that gives each request the next of these answers.
    async fn serve(mut far: DuplexStream, answers: Vec<Packet>) {
        for answer in [wire::version()].into_iter().chain(answers) {
            let length = far.read_u32().await.unwrap();
            far.read_exact(&mut vec![0; length as usize]).await.unwrap();
            far.write_all(&answer.finish()).await.unwrap();
        }
    }

    async fn listed(name: &str) -> Result<Vec<OsString>, Problem> {
        let (near, far) = tokio::io::duplex(4096);
        let eof = wire::status(3, status::EOF, "");
        let names = [".", "..", "good", name].map(|name| (name.as_bytes().to_vec(), Attributes::default()));
        let mut answers = vec![wire::handle(1, 7), wire::names(2, &names)];
        // After a name that is refused, the next request closes the directory.
        answers.extend([eof, wire::status(4, status::OK, "")]);
        let server = tokio::spawn(serve(far, answers));
        let mut sftp = Sftp::new(Box::new(near)).await?;
        let names = sftp.names(Path::new("there")).await;
        server.abort();
        names
    }

    #[tokio::test]
    async fn a_listing_with_names_that_lead_out_of_it_is_refused() {
        assert_eq!(listed("fine").await.unwrap(), ["fine", "good"]);
        for name in ["../evil", "/etc/cron.d/evil", "a/../../b", ""] {
            let refused = listed(name).await.unwrap_err();
            assert!(refused.to_string().contains("leads out"), "{name}: {refused}");
        }
    }

    /// A string as it is sent.
    fn string() -> impl Strategy<Value = Vec<u8>> {
        let text = prop_oneof![
            Just(b"a".to_vec()),
            Just(b"..".to_vec()),
            Just(b"../a".to_vec()),
            vec(any::<u8>(), 0..9)
        ];
        text.prop_map(|text| [&u32::try_from(text.len()).unwrap().to_be_bytes(), &*text].concat())
    }

    /// What may stand in a packet: a string or a number, which may also be the length of a string that is not there.
    fn field() -> impl Strategy<Value = Vec<u8>> {
        let number = prop_oneof![4 => 0_u32..4, 1 => any::<u32>()];
        prop_oneof![string(), number.prop_map(|number| number.to_be_bytes().to_vec())]
    }

    /// Names, each with attributes of which nothing is said.
    fn listing() -> impl Strategy<Value = Vec<u8>> {
        vec((string(), string()), 0..3).prop_map(|names| {
            let count = u32::try_from(names.len()).unwrap().to_be_bytes();
            let names = names.into_iter().map(|(name, long)| [name, long, vec![0; 4]].concat());
            [&count[..], &names.collect::<Vec<_>>().concat()].concat()
        })
    }

    proptest! {
        #[test]
        fn whatever_a_machine_answers_a_listing_has_names_that_stay_in_it(
            greeting in vec(field(), 0..4),
            answers in vec(prop_oneof![
                2 => (Just(kind::NAME), listing()),
                1 => (101_u8..106, vec(field(), 0..6).prop_map(|fields| fields.concat())),
            ], 0..4),
        ) {
            let number = |number: u32| number.to_be_bytes().to_vec();
            let begin = (kind::HANDLE, [number(1), vec![7]].concat());
            let end = [status::EOF, status::OK].map(|code| (kind::STATUS, number(code)));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let listed = runtime.block_on(async {
                let (near, mut far) = tokio::io::duplex(1024 * 1024);
                let greeting = [&[0, 0, 0, 3], &*greeting.concat()].concat();
                let mut said = packet(kind::VERSION, &greeting);
                for (id, (kind, fields)) in (1_u32..).zip([&begin].into_iter().chain(&answers).chain(&end)) {
                    said.extend(packet(*kind, &[number(id), fields.clone()].concat()));
                }
                far.write_all(&said).await.unwrap();
                far.shutdown().await.unwrap();
                Sftp::new(Box::new(near)).await?.names(Path::new("there")).await
            });
            for name in listed.unwrap_or_default() {
                let components: Vec<_> = Path::new(&name).components().collect();
                prop_assert!(matches!(components[..], [std::path::Component::Normal(only)] if only == name));
            }
        }
    }

    fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
        [&u32::try_from(1 + body.len()).unwrap().to_be_bytes(), &[kind][..], body].concat()
    }
}
