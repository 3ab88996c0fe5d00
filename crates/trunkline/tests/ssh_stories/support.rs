//! `trunkline up --ssh`, as the stories ask for it.

use std::fs;
use std::ops::Deref;

use crate::client::Place;
use crate::home::Home;
use crate::process::Process;
use crate::wait_until;

/// A node of its own on a free port of 127.0.0.1, until it is dropped.
pub(crate) struct Host {
    place: Place,
    process: Process,
    _home: Home,
}

impl Host {
    /// One that lets `key` in.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same, and connections are passed on.
    pub(crate) fn that_forwards() -> Self {
        Self::with(&["--allow-tcp-forwarding"])
    }

    fn with(arguments: &[&str]) -> Self {
        let home = Home::empty();
        let mut command = home.command(env!("CARGO_BIN_EXE_trunkline"));
        command.args(["up", "--chat", "0", "--ssh", "127.0.0.1:0", "--allow-root"]).args(arguments);
        let process = Process::start(&mut command);
        let listening = process.log.wait_for("(ssh)");
        let port = listening.trim_end_matches(" (ssh)\n").rsplit(':').next().unwrap().parse().unwrap();
        let known = process.log.wait_for("for known_hosts: ");
        let place = Place { folder: home.path().to_owned(), user: user(), port };
        fs::write(place.path("known_hosts"), known.split_once(": ").unwrap().1).unwrap();
        fs::create_dir(place.path("home")).unwrap();
        let host = Self { place, process, _home: home };
        let key = host.key("key");
        host.allow(&format!("{key}\n"));
        host
    }

    /// Writes the file of allowed keys.
    pub(crate) fn allow(&self, text: &str) {
        fs::write(self.path("allow"), text).unwrap();
    }

    /// Waits until a line on the node's screen has all of these words.
    #[track_caller]
    pub(crate) fn hears(&self, words: &[&str]) {
        let fits = |line: &str| words.iter().all(|word| line.contains(word));
        wait_until(&format!("{words:?}, and there is {}", self.process.log.so_far()), || {
            self.process.log.so_far().lines().any(fits).then_some(())
        });
    }
}

impl Deref for Host {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

/// Who runs this.
fn user() -> String {
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}
