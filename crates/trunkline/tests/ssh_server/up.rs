//! A node with an SSH line, and somebody who has a key.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::home::Home;
use crate::peers::output_of;
use crate::process::Process;

const TRUNKLINE: &str = env!("CARGO_BIN_EXE_trunkline");

/// A node with an SSH line on a free port of 127.0.0.1, and a key that nobody allows yet.
pub(crate) struct Up {
    pub(crate) home: Home,
    pub(crate) process: Process,
    pub(crate) port: String,
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
        let mut command = home.command(TRUNKLINE);
        command.args(["up", "--chat", "0", "--ssh", "127.0.0.1:0", "--allow-root"]).args(arguments);
        let process = Process::start(&mut command);
        process.log.wait_for("you are ");
        let place = process.log.wait_for("(ssh)");
        let port = place.trim_end_matches(" (ssh)\n").rsplit(':').next().unwrap().to_owned();
        let known = process.log.wait_for("for known_hosts: ");
        fs::write(home.path().join("known_hosts"), known.split_once(": ").unwrap().1).unwrap();
        Self { home, process, port, fingerprint }
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.home.path().join("key")
    }

    /// Makes one more key, and gives its file.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        let file = self.home.path().join(name);
        output_of("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file.to_str().unwrap()]);
        file
    }

    #[track_caller]
    pub(crate) fn allow(&self, terms: &[&str]) {
        let public = self.key_file().with_extension("pub");
        self.home.shows(&[&["allow", "add", public.to_str().unwrap()], terms].concat());
    }

    /// A program of OpenSSH's that leaves this machine's own configuration and keys alone.
    pub(crate) fn client(&self, program: &str, options: &[&str]) -> Command {
        let mut client = Command::new(program);
        client.args(["-F", "none"]).args(options).arg("-i").arg(self.key_file());
        let known = format!("UserKnownHostsFile={}", self.home.path().join("known_hosts").display());
        for option in [
            known.as_str(),
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "BatchMode=yes",
            &format!("Port={}", self.port),
        ] {
            client.args(["-o", option]);
        }
        let user = output_of("id", &["-un"]);
        client.arg(format!("{}@127.0.0.1", user.trim())).stdin(Stdio::null());
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

    pub(crate) fn shows(&self, text: &str) -> String {
        self.process.log.wait_for(text)
    }
}
