//! OpenSSH's server.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use tempfile::TempDir;

use super::Person;
use super::peers::find;
use super::person::make_key;

/// An sshd of its own, on this machine. It ends with its owner.
pub(crate) struct Sshd {
    process: Child,
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    log: Receiver<String>,
}

impl Sshd {
    /// One that lets a person in by his key.
    pub(crate) fn start(person: &Person) -> Self {
        Self::with(person, "")
    }

    /// With more lines of sshd_config(5), which come first and so are the ones that count.
    pub(crate) fn with(person: &Person, options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_key(&folder.path().join("host_key"), "ed25519");
        fs::write(folder.path().join("authorized_keys"), person.public_key("id_ed25519")).unwrap();
        // As root it wants an empty folder for its unprivileged half, which Debian's unit makes.
        let _ = fs::create_dir("/run/sshd");
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let config = Self::config(&folder, port, options);
            fs::write(folder.path().join("sshd_config"), config).unwrap();
            let mut process = Command::new(find("sshd").unwrap())
                .args(["-D", "-e", "-f"])
                .arg(folder.path().join("sshd_config"))
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let log = lines(process.stderr.take().unwrap());
            let Some(problem) = log.iter().find(|line| !line.contains("deprecated")) else {
                panic!("sshd says nothing")
            };
            if problem.contains("Server listening") {
                return Self { process, port, folder, log };
            }
            process.wait().unwrap();
            // Somebody else took the port in the meantime.
            assert!(problem.contains("in use"), "{problem}");
        }
    }

    fn config(folder: &TempDir, port: u16, options: &str) -> String {
        let folder = folder.path().display();
        let mut config = options.to_owned();
        write!(
            config,
            "\nListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxStartups 1000\nSubsystem sftp internal-sftp\nPrintMotd no\n"
        )
        .unwrap();
        config
    }

    pub(crate) fn host_key(&self) -> String {
        fs::read_to_string(self.folder.path().join("host_key.pub")).unwrap().trim().to_owned()
    }

    pub(crate) fn known_hosts_line(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key())
    }

    /// Waits until it has said something.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) -> String {
        self.log.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("sshd never says {words}"))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a program says, line by line; it never has to wait for a reader.
pub(crate) fn lines(stderr: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (said, hear) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    hear
}
