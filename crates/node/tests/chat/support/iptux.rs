//! A real iptux without its window: `xtask/peers/iptux.cpp`, compiled against Debian's package.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use super::PATIENCE;
use super::network::Host;
use super::watched::Watched;

/// One that is running; it is ended when this is dropped.
pub(crate) struct Iptux {
    program: Child,
    commands: Option<ChildStdin>,
    /// Everything so far, in its order.
    pub(crate) events: Watched<Vec<Event>>,
    _home: TempDir,
}

/// What it says. Texts are what iptux holds to be UTF-8; what of them is not is U+FFFD here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Ready,
    /// Somebody is there, or has changed.
    Online(Pal),
    Offline(Ipv4Addr),
    Message {
        from: Ipv4Addr,
        text: String,
    },
    /// A file is offered, of this many bytes.
    Offer {
        from: Ipv4Addr,
        path: String,
        size: u64,
    },
    /// It tries no longer to send somebody what it was told to.
    Sent(Ipv4Addr),
    /// Nothing came back, or there is nobody of this address.
    Error {
        to: Ipv4Addr,
        text: String,
    },
    /// It has ended.
    Ended,
}

/// A person as iptux sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pal {
    pub(crate) address: Ipv4Addr,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) group: String,
    pub(crate) version: String,
    /// In which iptux writes to them.
    pub(crate) charset: String,
}

impl Iptux {
    /// Starts it in a host.
    pub(crate) fn start(host: &Host, name: &str, group: &str) -> Self {
        Self::start_in_charset(host, name, group, "utf-8")
    }

    /// Starts one whose person has chosen this charset for everybody who has not another one.
    pub(crate) fn start_in_charset(host: &Host, name: &str, group: &str, charset: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.json");
        let settings = serde_json::json!({
            "nick_name": name, "belong_group": group, "preference_encode": charset, "candidacy_encode": "gb18030,utf-16",
        });
        std::fs::write(&config, settings.to_string()).unwrap();
        let mut command = Command::new(compiled());
        command.arg(&config).env("HOME", home.path()).env("LANG", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = host.start(&mut command);
        let events = Watched::default();
        read_events(program.stdout.take().unwrap(), events.clone());
        let commands = program.stdin.take();
        let iptux = Self { program, commands, events, _home: home };
        iptux.wait_for("its start", |event| (*event == Event::Ready).then_some(()));
        iptux
    }

    /// Tries to send for up to four seconds, then is [`Event::Sent`]; what follows waits for that.
    pub(crate) fn send(&mut self, to: Ipv4Addr, text: &str) {
        self.command(&format!("msg {to} {text}"));
    }

    /// Tells everybody of its subnet again that it is there.
    pub(crate) fn enter(&mut self) {
        self.command("entry");
    }

    /// Tells one address, in another subnet for example, that it is there.
    pub(crate) fn detect(&mut self, address: Ipv4Addr) {
        self.command(&format!("detect {address}"));
    }

    /// Says goodbye and ends.
    pub(crate) fn leave(&mut self) {
        self.commands = None;
        self.wait_for("its end", |event| (*event == Event::Ended).then_some(()));
    }

    /// What `find` finds in the first event in which it finds something.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&Event) -> Option<T>) -> T {
        self.events.wait_for_one(what, PATIENCE, find)
    }

    /// Whoever is at this address, as they were first seen.
    #[track_caller]
    pub(crate) fn wait_for_pal(&self, at: Ipv4Addr) -> Pal {
        self.wait_for_pal_within(PATIENCE, at)
    }

    #[track_caller]
    pub(crate) fn wait_for_pal_within(&self, limit: Duration, at: Ipv4Addr) -> Pal {
        self.events.wait_for_one(&format!("somebody at {at}"), limit, |event| match event {
            Event::Online(pal) if pal.address == at => Some(pal.clone()),
            _ => None,
        })
    }

    /// A message with exactly this text.
    #[track_caller]
    pub(crate) fn wait_for_message(&self, from: Ipv4Addr, text: &str) {
        let message = Event::Message { from, text: text.to_owned() };
        self.wait_for(&format!("{message:?}"), |event| (*event == message).then_some(()));
    }

    fn command(&mut self, line: &str) {
        let commands = self.commands.as_mut().expect("it has been told to leave");
        commands.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Drop for Iptux {
    fn drop(&mut self) {
        // Either may fail only where it has ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn read_events(output: impl Read + Send + 'static, events: Watched<Vec<Event>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let event = Event::parse(&line.unwrap());
            events.change(|events| events.push(event));
        }
        events.change(|events| events.push(Event::Ended));
    });
}

impl Event {
    /// A line of the driver, which says in its head what there is.
    fn parse(line: &str) -> Self {
        let fields: Vec<String> = line.split(' ').map(unescaped).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let address = |text: &str| text.parse().unwrap_or_else(|_| panic!("an address in {line:?}"));
        match fields[..] {
            ["READY"] => Self::Ready,
            ["ONLINE", at, name, user, host, group, version, charset] => Self::Online(Pal {
                address: address(at),
                name: name.to_owned(),
                user: user.to_owned(),
                host: host.to_owned(),
                group: group.to_owned(),
                version: version.to_owned(),
                charset: charset.to_owned(),
            }),
            ["OFFLINE", at] => Self::Offline(address(at)),
            ["MSG", from, text] => Self::Message { from: address(from), text: text.to_owned() },
            ["OFFER", from, path, size] => {
                Self::Offer { from: address(from), path: path.to_owned(), size: size.parse().unwrap() }
            }
            ["SENT", to] => Self::Sent(address(to)),
            ["ERROR", to, text] => Self::Error { to: address(to), text: text.to_owned() },
            _ => panic!("iptux's driver said {line:?}"),
        }
    }
}

/// `%XX` is a byte.
fn unescaped(field: &str) -> String {
    let mut pieces = field.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The driver, compiled once for all tests of this process.
fn compiled() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/peers/iptux.cpp");
        let flags = Command::new("pkg-config").args(["--cflags", "--libs", "iptux-core"]).output().unwrap();
        let flags = String::from_utf8(flags.stdout).unwrap();
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("iptux");
        // Another process may run the one that is there.
        let fresh = program.with_extension(std::process::id().to_string());
        let mut compiler = Command::new("g++");
        compiler.args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&fresh).arg(source);
        let status = compiler.args(flags.split_whitespace()).status().expect("starting g++");
        assert!(status.success(), "g++ ended with {status}");
        std::fs::rename(fresh, &program).unwrap();
        program
    })
}
