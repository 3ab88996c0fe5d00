//! Who calls: a key, known hosts, and a client.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use remote::algorithms::Algorithms;
use remote::ask::{Answers, Nobody};
use remote::client::{Flow, Running};
use remote::config::{IdentityFile, Settings, StrictHostKeyChecking};
use remote::dial::Dialing;
use remote::transport::{Doing, Transport};
use remote::{Client, Command, Dial, Hop, Machine, Stream, Unreachable};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{Ran, Sshd, soon};
use crate::needs::output_of;

/// A person with a folder of his own in place of `~/.ssh`.
pub(crate) struct Person {
    folder: TempDir,
}

/// Connects by TCP, and counts.
#[derive(Default)]
pub(crate) struct Dialer(AtomicUsize);

impl Person {
    pub(crate) fn new() -> Self {
        let person = Self { folder: tempfile::tempdir().unwrap() };
        person.make_key("id_ed25519", "ed25519");
        person
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a pair of keys; its public half is in `NAME.pub`.
    pub(crate) fn make_key(&self, name: &str, kind: &str) {
        make_key(&self.path(name), kind);
    }

    pub(crate) fn public_key(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    /// Writes a line into his known_hosts.
    pub(crate) fn trust(&self, line: &str) {
        let path = self.path("known_hosts");
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }

    /// One key, one file of known hosts, which have to be known already.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            identity_files: vec![IdentityFile { path: self.path("id_ed25519"), named: true }],
            identities_only: true,
            agent: None,
            certificate_files: Vec::new(),
            user_known_hosts: vec![self.path("known_hosts")],
            global_known_hosts: Vec::new(),
            strict: StrictHostKeyChecking::Yes,
            hash_known_hosts: false,
            host_key_alias: None,
            revoked_host_keys: None,
            algorithms: Algorithms::default(),
            connect_timeout: None,
            alive_interval: None,
            alive_count_max: 3,
            env: Vec::new(),
            ask: true,
            public_key: true,
            password: true,
            keyboard_interactive: true,
        }
    }

    /// A server as a machine that he knows.
    pub(crate) fn machine(&self, server: &Sshd) -> Machine {
        self.trust(&server.known_hosts_line());
        self.machine_with(server, self.settings())
    }

    /// A server as a machine, with settings of its own.
    pub(crate) fn machine_with(&self, server: &Sshd, settings: Settings) -> Machine {
        machine_at(&server.user, server.port, settings)
    }

    /// Starts a command with nobody to be asked.
    pub(crate) async fn start(&self, machine: &Machine, command: &Command) -> Result<Running, Unreachable> {
        self.start_by(&self.client(Arc::new(Nobody)), machine, command).await
    }

    /// Starts a command by a client of [`Person::client`].
    pub(crate) async fn start_by(
        &self,
        client: &Client,
        machine: &Machine,
        command: &Command,
    ) -> Result<Running, Unreachable> {
        soon(client.start(machine, command, &Doing::default())).await
    }

    /// A client, with somebody who answers.
    pub(crate) fn client(&self, answers: Arc<dyn Answers>) -> Client {
        Client::new(Arc::new(Dialer::default()), answers, Flow::ONE)
    }

    /// Runs a command to its end, with nothing on its standard input.
    pub(crate) async fn run(&self, machine: &Machine, line: &str) -> Ran {
        let mut session = self.start(machine, &Command::new(line)).await.unwrap();
        soon(Ran::of(&mut session)).await
    }
}

/// A machine at a port of this one.
pub(crate) fn machine_at(user: &str, port: u16, settings: Settings) -> Machine {
    let settings = Arc::new(settings);
    let end = Hop { user: user.to_owned(), host: "127.0.0.1".to_owned(), port, settings };
    Machine { name: "there".to_owned(), end, via: Vec::new() }
}

pub(crate) fn make_key(path: &Path, kind: &str) {
    let path = path.to_str().unwrap();
    output_of("ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", "of a test", "-f", path]);
}

impl Dialer {
    pub(crate) fn calls(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Dial for Dialer {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}
