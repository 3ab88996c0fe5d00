//! A node with an SSH line, and somebody who has a key.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::client::Place;
use crate::home::Home;
use crate::needs::output_of;
use crate::node::Node;
use crate::process::Process;
use crate::wait_until;

/// A node with an SSH line on a free port of 127.0.0.1, and a key that nobody allows yet.
pub(crate) struct Up {
    pub(crate) home: Home,
    pub(crate) process: Process,
    pub(crate) place: Place,
    /// Of the key.
    pub(crate) fingerprint: String,
}

impl Up {
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let home = Home::empty();
        let key = home.path().join("key").display().to_string();
        output_of("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", &key]);
        let said = output_of("ssh-keygen", &["-l", "-f", &key]);
        let fingerprint = said.split_whitespace().nth(1).unwrap().to_owned();
        let Node { home, process, place } = Node::start(home, arguments);
        Self { home, process, place, fingerprint }
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.place.path("key")
    }

    /// Makes one more key, and gives its file.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        let file = self.place.path(name);
        output_of("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file.to_str().unwrap()]);
        file
    }

    #[track_caller]
    pub(crate) fn allow(&self, terms: &[&str]) {
        let public = self.key_file().with_extension("pub");
        self.home.shows(&[&["allow", "add", public.to_str().unwrap()], terms].concat());
    }

    /// A program of OpenSSH's that leaves this machine's own configuration and keys alone. A key among `options` is
    /// shown before the one of this place.
    pub(crate) fn client(&self, program: &str, options: &[&str]) -> Command {
        let mut client = Command::new(program);
        client.args(self.place.keyless_options()).args(options).arg("-i").arg(self.key_file());
        client.arg(self.place.target()).stdin(Stdio::null());
        client
    }

    pub(crate) fn ssh(&self, command: &str) -> Output {
        self.client("ssh", &[]).arg(command).output().unwrap()
    }

    /// Whether the key is let in now.
    pub(crate) fn lets_in(&self) -> bool {
        let output = self.ssh("echo in");
        let denied = String::from_utf8_lossy(&output.stderr).contains("Permission denied (publickey)");
        assert!(output.status.success() != denied, "{output:?}");
        !denied
    }

    /// The first row of the journal with this text in a field, once it is there.
    #[track_caller]
    pub(crate) fn kept(&self, field: &str, text: &str) -> Value {
        wait_until("it is in the journal", || {
            let rows = self.home.run(&["log", "--json"]).out;
            let mut rows = rows.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            rows.find(|row| row[field].as_str().is_some_and(|field| field.contains(text)))
        })
    }

    pub(crate) fn shows(&self, text: &str) -> String {
        self.process.log.wait_for(text)
    }
}
