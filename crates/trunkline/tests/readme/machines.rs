//! The forty machines of the README, which are addresses of the loopback behind OpenSSH's sshd.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::needs::output_of;

/// As the README has them, and as they are here.
pub(crate) const NETWORKS: [&str; 2] = ["10.1.0.", "127.1.0."];

/// Addresses that one sshd can listen on (`MAX_LISTEN_SOCKS`).
const EACH: usize = 16;

/// The seventh has another kernel.
const UNAME: &str = "#!/bin/sh\n\
    case $SSH_CONNECTION in *' 127.1.0.7 '*) echo 6.1.0-13-amd64;; *) echo 6.1.0-18-amd64;; esac\n";

/// They end with their owner.
pub(crate) struct Machines(Vec<Child>);

impl Machines {
    /// For somebody whose home this is, and who is known there.
    pub(crate) fn of(home: &Path) -> Self {
        fs::set_permissions(home, Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(home.join(".ssh")).unwrap();
        for key in ["host_key", "key"] {
            let path = home.join(key);
            output_of("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", path.to_str().unwrap()]);
        }
        fs::create_dir(home.join("bin")).unwrap();
        fs::write(home.join("bin/uname"), UNAME).unwrap();
        fs::set_permissions(home.join("bin/uname"), Permissions::from_mode(0o755)).unwrap();
        // As root it wants an empty folder for its unprivileged half, which Debian's unit makes.
        let _ = fs::create_dir("/run/sshd");
        let mut machines = Self(Vec::new());
        while !machines.listen_at(free_port(), home) {
            // Somebody else took the port meanwhile.
            machines = Self(Vec::new());
        }
        machines
    }

    fn listen_at(&mut self, port: u16, home: &Path) -> bool {
        let [folder, user] = [home.display().to_string(), output_of("id", &["-un"])];
        let known = fs::read_to_string(home.join("host_key.pub")).unwrap();
        fs::write(home.join("known_hosts"), format!("[{}*]:{port} {known}", NETWORKS[1])).unwrap();
        let config = format!(
            "Port {port}\nUser {user}IdentityFile {folder}/key\nIdentitiesOnly yes\nIdentityAgent none\n\
             UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n"
        );
        fs::write(home.join(".ssh/config"), config).unwrap();
        // SHLVL: a bash that seems to be inside another one does not read what the user's ~/.bashrc does.
        let config = format!(
            "HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/key.pub\nPidFile none\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nSubsystem sftp internal-sftp\nMaxStartups 1000\nSetEnv PATH={folder}/bin:/usr/bin:/bin SHLVL=1\n"
        );
        let hosts: Vec<_> = (1..=40).collect();
        hosts.chunks(EACH).all(|hosts| {
            let listen: String =
                hosts.iter().map(|host| format!("ListenAddress {}{host}:{port}\n", NETWORKS[1])).collect();
            let path = home.join(format!("sshd_config.{}", self.0.len()));
            fs::write(&path, listen + &config).unwrap();
            let sshd = output_of("sh", &["-c", "command -v sshd"]);
            let mut sshd = Command::new(sshd.trim());
            let mut sshd = sshd.args(["-D", "-e", "-f"]).arg(path).stderr(Stdio::piped()).spawn().unwrap();
            let mut log = BufReader::new(sshd.stderr.take().unwrap()).lines().map_while(Result::ok);
            self.0.push(sshd);
            let listening = log.by_ref().take_while(|line| line.contains("Server listening"));
            let is_ready = listening.take(hosts.len()).count() == hosts.len();
            // It never has to wait for a reader.
            thread::spawn(move || log.for_each(drop));
            is_ready
        })
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for sshd in &mut self.0 {
            let _ = sshd.kill();
            let _ = sshd.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.1.0.1:0").unwrap().local_addr().unwrap().port()
}
