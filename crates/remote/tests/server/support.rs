//! A server of a test, and clients that come to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use remote::server::{Account, Config, Event, HostKey, KeyFiles, Limits, Server};
use tempfile::TempDir;

/// Leaves the test, with a word, where a program that it needs is known to be missing.
macro_rules! needs {
    ($($program:literal),+) => {
        if $(!$crate::support::is_there($program))||+ {
            return;
        }
    };
}

/// How long something may take that takes no time: long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of its own, with keys and a home of its own, until it is dropped.
pub(crate) struct Host {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) events: Events,
    folder: TempDir,
    user: String,
}

/// What has happened so far, in words.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Host {
    /// A server that lets `key` in.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same, with a change of its configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let mut config = Config {
            host_key: HostKey::generate().unwrap(),
            account: Account { home, shell: "/bin/sh".into(), ..Account::of_this_process() },
            allow_root: true,
            limits: Limits { hangup_grace: Duration::from_millis(200), ..Limits::default() },
            folder: folder.path().into(),
            dial: None,
        };
        change(&mut config);
        let user = config.account.name.clone();
        let public = config.host_key.public().to_openssh().unwrap();
        let access = KeyFiles::new(vec![folder.path().join("allowed")]);
        let server = Server::new(config, Arc::new(access));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let known = format!("[127.0.0.1]:{} {public}\n", address.port());
        std::fs::write(folder.path().join("known_hosts"), known).unwrap();
        let events = Events::default();
        std::thread::spawn({
            let (server, events) = (server.clone(), events.clone());
            move || listen(listener, &server, &events)
        });
        let host = Self { server, address, events, folder, user };
        let key = host.key("key");
        host.allow(&format!("{key}\n"));
        host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Makes a key of this name, and gives its public half.
    pub(crate) fn key(&self, name: &str) -> String {
        let file = self.path(name);
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&file));
        std::fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned()
    }

    /// Writes the file of allowed keys.
    pub(crate) fn allow(&self, text: &str) {
        std::fs::write(self.path("allowed"), text).unwrap();
    }

    /// Options of OpenSSH's programs that leave this machine's own configuration and keys alone.
    pub(crate) fn options(&self) -> Vec<String> {
        let known = self.path("known_hosts");
        let mut options = vec!["-F".into(), "none".into()];
        for option in [
            &format!("UserKnownHostsFile={}", known.display()),
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "PasswordAuthentication=no",
            &format!("Port={}", self.address.port()),
        ] {
            options.extend(["-o".into(), option.into()]);
        }
        options.extend(["-i".into(), self.path("key").display().to_string()]);
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
}

/// One connection after the other, all on one thread.
fn listen(listener: std::net::TcpListener, server: &Server, events: &Events) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, peer)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let local = stream.local_addr().unwrap();
            let (server, events) = (server.clone(), events.clone());
            let report = Arc::new(move |event: Event| events.add(&event));
            tokio::spawn(async move { server.serve(stream, peer, local, report).await });
        }
    });
}

impl Events {
    fn add(&self, event: &Event) {
        self.0.0.lock().unwrap().push(format!("{event:?}"));
        self.0.1.notify_all();
    }

    /// How many events so far have this word.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.0.0.lock().unwrap().iter().filter(|event| event.contains(word)).count()
    }

    /// Waits for an event that has all of these words, and gives it.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        let fits = |event: &String| words.iter().all(|word| event.contains(word));
        let events = self.0.0.lock().unwrap();
        let (events, out) =
            self.0.1.wait_timeout_while(events, PATIENCE, |events| !events.iter().any(fits)).unwrap();
        assert!(!out.timed_out(), "nothing with {words:?} happened, but {events:#?}");
        events.iter().find(|event| fits(event)).unwrap().clone()
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
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_ne_bytes());
    }
    bytes.truncate(length);
    std::fs::write(path, bytes).unwrap();
}

/// Whether a program, or a module of Python, can be used. One that is missing without `TRUNKLINE_SKIP` naming it is a
/// failure.
#[track_caller]
pub(crate) fn is_there(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&paths).chain(["/usr/lib/python3/dist-packages".into()]);
    if folders.any(|folder| folder.join(name).exists()) {
        return true;
    }
    let skipped = std::env::var("TRUNKLINE_SKIP").unwrap_or_default();
    assert!(
        skipped.split(',').any(|skipped| skipped == name),
        "{name} is missing: cargo xtask test installs it"
    );
    eprintln!("skipped: needs {name}");
    false
}
