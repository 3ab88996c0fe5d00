//! Five machines n1 to n5, which are one sshd, and a person whose book has them.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::needs::output_of;
use crate::program::{Ran, Running, free_port, trunkline};

/// An sshd, and who may log in there. It ends with its owner.
pub(crate) struct Ground {
    sshd: Child,
    pub(crate) port: u16,
    /// Nobody listens there; `dead` of the book.
    pub(crate) closed: u16,
    verb: &'static str,
    folder: TempDir,
}

impl Ground {
    /// For `trunkline run`.
    pub(crate) fn new() -> Self {
        Self::of("run")
    }

    /// Of five machines that are known, for this verb.
    pub(crate) fn of(verb: &'static str) -> Self {
        Self::with(verb, |_| String::new())
    }

    /// With more lines at the end of sshd_config(5), which may name this folder.
    pub(crate) fn with(verb: &'static str, options: impl Fn(&str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for key in ["host_key", "id_ed25519", "id_other"] {
            let path = folder.path().join(key);
            let path = path.to_str().unwrap();
            output_of("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "of a test", "-f", path]);
        }
        fs::copy(folder.path().join("id_ed25519.pub"), folder.path().join("authorized_keys")).unwrap();
        let (sshd, port) = sshd(folder.path(), &options(folder.path().to_str().unwrap()));
        let ground = Self { sshd, port, closed: free_port(), verb, folder };
        let key = fs::read_to_string(ground.path("host_key.pub")).unwrap();
        ground.write("known_hosts", &format!("[127.0.1.*]:{port} {key}"));
        ground.write("config", &ground.config("id_ed25519"));
        let closed = ground.closed;
        ground.write(
            "book.toml",
            &format!(
                "[entry.\"n[1-5]\"]\nssh = \"127.0.1.[1-5]:{port}\"\n[entry.dead]\nssh = \"127.0.0.1:{closed}\"\n"
            ),
        );
        ground
    }

    /// What ssh_config(5) says of all hosts, with this key.
    pub(crate) fn config(&self, key: &str) -> String {
        let folder = self.folder.path().display();
        let user = output_of("id", &["-un"]);
        format!(
            "Host *\nUser {user}IdentityFile {folder}/{key}\nIdentitiesOnly yes\nIdentityAgent none\n\
             UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n"
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A program that the machines have.
    pub(crate) fn install(&self, name: &str, script: &str) {
        fs::create_dir_all(self.path("bin")).unwrap();
        self.write(&format!("bin/{name}"), script);
        fs::set_permissions(self.path("bin").join(name), Permissions::from_mode(0o755)).unwrap();
    }

    /// The words of a command line: `VERB -F CONFIG ...`.
    pub(crate) fn words(&self, words: &[&str]) -> Vec<String> {
        let config = self.path("config");
        let before = [self.verb, "-F", config.to_str().unwrap()];
        before.iter().chain(words).map(|&word| word.to_owned()).collect()
    }

    /// `trunkline VERB` with these words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.trunkline(&self.words(words))
    }

    /// What `trunkline log` shows with these words.
    pub(crate) fn log(&self, words: &[&str]) -> Ran {
        Running::start(&mut self.trunkline(&[&["log"], words].concat())).finish()
    }

    /// `trunkline` with these words, for this person.
    pub(crate) fn trunkline<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = trunkline(words);
        command.env("TRUNKLINE_HOME", self.folder.path()).env("HOME", self.folder.path());
        command.env_remove("SSH_AUTH_SOCK");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        Running::start(&mut self.command(words)).finish()
    }

    /// With these bytes on standard input.
    pub(crate) fn run_with(&self, words: &[&str], input: &[u8]) -> Ran {
        let mut child = Running::start(self.command(words).stdin(Stdio::piped()));
        let mut stdin = child.0.stdin.take().unwrap();
        let input = input.to_vec();
        thread::spawn(move || stdin.write_all(&input));
        child.finish()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

fn sshd(folder: &Path, options: &str) -> (Child, u16) {
    // As root it wants an empty folder for its unprivileged half, which Debian's unit makes.
    let _ = fs::create_dir("/run/sshd");
    let config = folder.join("sshd_config");
    loop {
        let port = TcpListener::bind("127.0.1.1:0").unwrap().local_addr().unwrap().port();
        let listen: String = (1..=5).map(|host| format!("ListenAddress 127.0.1.{host}:{port}\n")).collect();
        let folder = folder.display();
        // SHLVL: a bash that seems to be inside another one does not read what the user's ~/.bashrc does, and says.
        let text = format!(
            "{listen}HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\nPidFile none\n\
             StrictModes no\nUsePAM no\nSubsystem sftp internal-sftp\nPermitRootLogin yes\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxStartups 1000\nPrintMotd no\n\
             SetEnv PATH={folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SHLVL=1\n\
             AcceptEnv LC_*\nBanner {folder}/banner\n{options}"
        );
        fs::write(&config, text).unwrap();
        let sshd = output_of("sh", &["-c", "command -v sshd"]);
        let mut sshd = Command::new(sshd.trim());
        let mut sshd = sshd.args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(sshd.stderr.take().unwrap()).lines().map_while(Result::ok);
        let listens = log.by_ref().take_while(|line| line.contains("Server listening")).take(5).count() == 5;
        if listens {
            // It never has to wait for a reader.
            thread::spawn(move || log.for_each(drop));
            return (sshd, port);
        }
        // Somebody else took the port meanwhile.
        let _ = sshd.kill();
        sshd.wait().unwrap();
    }
}
