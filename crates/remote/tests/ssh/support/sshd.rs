//! OpenSSH's server.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Person;
use super::guest::{GUEST, Guest};
use super::person::make_key;
use crate::needs::{find, output_of};

/// An sshd of its own, on this machine. It ends with its owner.
pub(crate) struct Sshd {
    process: Child,
    pub(crate) port: u16,
    /// Who logs in.
    pub(crate) user: String,
    folder: TempDir,
    _guest: Option<Guest>,
    log: UnboundedReceiver<String>,
}

impl Sshd {
    /// One that lets a person in by his key, as whoever runs the test.
    pub(crate) async fn start(person: &Person) -> Self {
        Self::with(person, "").await
    }

    /// With more lines of sshd_config(5), which come first and so are the ones that count.
    pub(crate) async fn with(person: &Person, options: &str) -> Self {
        let user = output_of("id", &["-un"]).trim().to_owned();
        Self::run(person, user, None, options).await
    }

    /// With an account of its own, which is the one that logs in.
    pub(crate) async fn with_guest(person: &Person, guest: Guest, options: &str) -> Self {
        Self::run(person, GUEST.to_owned(), Some(guest), options).await
    }

    async fn run(person: &Person, user: String, guest: Option<Guest>, options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        make_key(&folder.path().join("host_key"), "ed25519");
        fs::write(folder.path().join("authorized_keys"), person.public_key("id_ed25519")).unwrap();
        // As root it wants an empty folder for its unprivileged half, which Debian's unit makes.
        let _ = fs::create_dir("/run/sshd");
        let config = folder.path().join("sshd_config");
        let mut sshd = match &guest {
            Some(guest) => guest.server("sshd"),
            None => Command::new(find("sshd").unwrap()),
        };
        sshd.args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::piped());
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            fs::write(&config, configuration(folder.path(), port, options)).unwrap();
            let mut process = sshd.spawn().unwrap();
            let mut log = lines(process.stderr.take().unwrap());
            let mut said = String::new();
            while let Some(line) = log.recv().await {
                if line.contains("Server listening") {
                    return Self { process, port, user, folder, _guest: guest, log };
                }
                said.push_str(&line);
            }
            process.wait().unwrap();
            // Somebody else took the port in the meantime.
            assert!(said.contains("in use"), "{said}");
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends the processes that serve connections.
    pub(crate) fn cut_connections(&self) {
        let id = self.process.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        for child in children.split_whitespace() {
            let child = Pid::from_raw(child.parse().unwrap()).unwrap();
            rustix::process::kill_process(child, Signal::KILL).unwrap();
        }
    }

    /// Its key as known_hosts has it.
    pub(crate) fn host_key(&self) -> String {
        fs::read_to_string(self.path("host_key.pub")).unwrap().trim().to_owned()
    }

    pub(crate) fn known_hosts_line(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key())
    }

    /// Waits until it has said something.
    pub(crate) async fn says(&mut self, words: &str) {
        while !self.log.recv().await.unwrap().contains(words) {}
    }

    /// What it has said since somebody asked.
    pub(crate) fn log(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.log.try_recv().ok()).collect()
    }

    /// How many of these lines have these words.
    pub(crate) fn count(&mut self, words: &str) -> usize {
        self.log().iter().filter(|line| line.contains(words)).count()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(folder: &Path, port: u16, options: &str) -> String {
    let folder = folder.display();
    let sftp = if options.contains("Subsystem sftp ") { "" } else { "Subsystem sftp internal-sftp\n" };
    // Of most options the first one counts, but of MaxStartups the last. A bash that by SHLVL seems to be inside another one
    // does not read what the user's ~/.bashrc does, and says.
    format!(
        "MaxStartups 1000\n{options}\nListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\n\
         AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\n\
         PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         {sftp}PrintMotd no\nSetEnv SHLVL=1\n"
    )
}

/// What a program says, line by line; it never has to wait for a reader.
pub(crate) fn lines(stderr: impl Read + Send + 'static) -> UnboundedReceiver<String> {
    let (said, hear) = unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    hear
}
