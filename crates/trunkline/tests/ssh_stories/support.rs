//! `trunkline up --ssh`, as the stories ask for it.

use std::fs;
use std::ops::Deref;

use crate::client::Place;
use crate::home::Home;
use crate::node::Node;
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
        let Node { home, process, place } = Node::start(Home::empty(), arguments);
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
