//! Clients of a test: where they find the server, and what they say.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A server's address, and a folder in which clients have their keys and files.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) user: String,
    pub(crate) port: u16,
}

impl Place {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file on the server's side.
    pub(crate) fn there(&self, name: &str) -> PathBuf {
        self.folder.join("home").join(name)
    }

    /// Makes a key of this name, and gives its public half.
    pub(crate) fn key(&self, name: &str) -> String {
        let file = self.path(name);
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&file));
        std::fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned()
    }

    /// Options of OpenSSH's programs that leave this machine's own configuration and keys alone, and show `key`.
    pub(crate) fn options(&self) -> Vec<String> {
        let mut options = self.keyless_options();
        options.extend(["-i".into(), self.path("key").display().to_string()]);
        options
    }

    /// The same, and show no key.
    pub(crate) fn keyless_options(&self) -> Vec<String> {
        let known = self.path("known_hosts");
        let mut options = vec!["-F".into(), "none".into()];
        for option in [
            &format!("UserKnownHostsFile={}", known.display()),
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "PasswordAuthentication=no",
            &format!("Port={}", self.port),
        ] {
            options.extend(["-o".into(), option.into()]);
        }
        options
    }

    /// `user@127.0.0.1`.
    pub(crate) fn target(&self) -> String {
        format!("{}@127.0.0.1", self.user)
    }

    /// `ssh OPTIONS... HOST`, to which a command may be added.
    pub(crate) fn ssh(&self, options: &[&str]) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(self.options()).args(options).arg(self.target());
        ssh
    }

    /// Sends noise and has it back: each way alone, and both ways of one connection at once.
    pub(crate) fn moves_there_and_back(&self, length: usize, options: &[&str]) {
        let file = self.path("noise");
        write_noise(&file, length);
        let sum = |file: File| run(Command::new("sha256sum").stdin(file)).out();
        let wanted = sum(File::open(&file).unwrap());
        let input = || File::open(&file).unwrap();
        assert_eq!(run(self.ssh(options).arg("sha256sum").stdin(input())).out(), wanted);
        let back = self.path("back");
        let output = File::create(&back).unwrap();
        let cat = format!("cat {}", file.display());
        assert!(self.ssh(options).arg(cat).stdout(output).status().unwrap().success());
        assert_eq!(sum(File::open(&back).unwrap()), wanted);
        let output = File::create(&back).unwrap();
        assert!(self.ssh(options).arg("cat").stdin(input()).stdout(output).status().unwrap().success());
        assert_eq!(sum(File::open(&back).unwrap()), wanted);
    }
}

/// What a client said.
pub(crate) trait Said {
    fn out(&self) -> String;
    fn err(&self) -> String;
}

impl Said for Output {
    fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Runs a program to its end, which must be a good one.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {} {}", output.status, output.err());
    output
}

/// A file of bytes that no compression and no luck can help with, always the same.
pub(crate) fn write_noise(path: &Path, length: usize) {
    std::fs::write(path, noise(length)).unwrap();
}

/// Such bytes.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_ne_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Whether a process is there, and more than a name in its parent's list.
pub(crate) fn lives(number: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{number}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
