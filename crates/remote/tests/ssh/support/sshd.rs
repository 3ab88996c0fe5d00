//! OpenSSH's server.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Person;
use super::peers::{find, output_of};
use super::person::make_key;

/// The account that [`Sshd::with_guest`] makes, and its password.
pub(crate) const GUEST: &str = "guest";
pub(crate) const PASSWORD: &str = "secret";

/// An sshd of its own, on this machine. It ends with its owner.
pub(crate) struct Sshd {
    process: Child,
    pub(crate) port: u16,
    /// Who logs in.
    pub(crate) user: String,
    folder: TempDir,
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
        Self::run(person, user, options, Command::new(find("sshd").unwrap())).await
    }

    /// One that has an account of its own besides, made for it alone; needs [`super::peers::may_mount`].
    pub(crate) async fn with_guest(person: &Person, shell: &Path, options: &str) -> Self {
        let accounts = tempfile::tempdir().unwrap();
        let add = |file: &str, line: &str| {
            let copy = accounts.path().join(file);
            fs::write(&copy, fs::read_to_string(Path::new("/etc").join(file)).unwrap() + line).unwrap();
            copy
        };
        let passwd = add("passwd", &format!("{GUEST}:x:65533:65534::/:{}\n", shell.display()));
        let hash = output_of("openssl", &["passwd", "-6", PASSWORD]);
        let shadow = add("shadow", &format!("{GUEST}:{}:19000:0:99999:7:::\n", hash.trim()));
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--mount",
            "sh",
            "-c",
            r#"mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/shadow && shift 2 && exec "$@""#,
            "sh",
        ]);
        unshare.args([passwd, shadow, find("sshd").unwrap()]);
        Self::run(person, GUEST.to_owned(), options, unshare).await
    }

    async fn run(person: &Person, user: String, options: &str, mut sshd: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        make_key(&folder.path().join("host_key"), "ed25519");
        fs::write(folder.path().join("authorized_keys"), person.public_key("id_ed25519")).unwrap();
        // As root it wants an empty folder for its unprivileged half, which Debian's unit makes.
        let _ = fs::create_dir("/run/sshd");
        let config = folder.path().join("sshd_config");
        sshd.args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::piped());
        loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            fs::write(&config, configuration(folder.path(), port, options)).unwrap();
            let mut process = sshd.spawn().unwrap();
            let mut log = lines(process.stderr.take().unwrap());
            let mut said = String::new();
            while let Some(line) = log.recv().await {
                if line.contains("Server listening") {
                    return Self { process, port, user, folder, log };
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

    /// How many lines of what it has said so far have these words.
    pub(crate) fn count(&mut self, words: &str) -> usize {
        std::iter::from_fn(|| self.log.try_recv().ok()).filter(|line| line.contains(words)).count()
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
    format!(
        "{options}\nListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\n\
         AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\n\
         PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         MaxStartups 1000\nSubsystem sftp internal-sftp\nPrintMotd no\n"
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
