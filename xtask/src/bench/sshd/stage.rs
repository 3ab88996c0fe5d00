//! Three servers of SSH side by side, in a network of their own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::bench::lab::{Lab, Spent, cpu_with_children, proportional_share, tree};
use crate::command;

/// Long enough to see whether a server has come to rest.
const REST: Duration = Duration::from_millis(50);

/// The user's key once more, as dropbear's client reads it; in the home of the lab.
const DROPBEARS_KEY: &str = "key.dropbear";

/// What runs in an idle session: it ends when its connection does, whatever the server thinks of that.
const IDLE: &str = "echo here; exec cat";

/// What runs in sessions, and is not the server.
const COMMANDS: &[&str] = &["cat", "sh", "sleep", "wc"];

/// The network and its servers.
pub(super) struct Stage {
    pub(super) lab: Lab,
    /// Ours, sshd, dropbear.
    pub(super) servers: Vec<Server>,
}

/// A server of SSH; all have the same host key and let the same key in.
pub(super) struct Server {
    pub(super) name: &'static str,
    port: u16,
    process: u32,
    /// For the stock client: the cipher, where the server does not know the one that all others take.
    options: &'static str,
}

/// A stock client whose session does nothing. Dropped, it ends.
pub(super) struct Idle(Child);

impl Stage {
    /// Ours is the program as a user runs it: with its journal on the disk, its log in a file, its chat line open.
    ///
    /// # Errors
    /// As [`Lab::open`], and when one of the servers does not start.
    pub(super) fn open(program: &Path) -> Result<Self> {
        let mut lab = Lab::open()?;
        let home = lab.home().join("server");
        fs::create_dir_all(&home).context("making a home for the server")?;
        let ours =
            [&*program.to_string_lossy(), "up", "--ssh", "0.0.0.0:2222", "--allow-root"].map(str::to_owned);
        let host = lab.home().join("host");
        let (theirs, dropbears) = (home.join("ssh_host_ed25519_key"), lab.home().join("host.dropbear"));
        fs::copy(&host, &theirs).context("giving the server its host key")?;
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o600)).context("for this user alone")?;
        let (key, dropbears_key) = (lab.home().join(".ssh/id_ed25519"), lab.home().join(DROPBEARS_KEY));
        for (openssh, dropbear) in [(&host, &dropbears), (&key, &dropbears_key)] {
            let convert = ["openssh", "dropbear"];
            command::output(Command::new("dropbearconvert").args(convert).arg(openssh).arg(dropbear))?;
        }
        let dropbear =
            ["dropbear", "-F", "-E", "-s", "-p", "2200", "-P", "/dev/null", "-r"].map(str::to_owned);
        let dropbear = [dropbear.as_slice(), &[dropbears.to_string_lossy().into_owned()]].concat();

        let ours = lab.keep(&ours, &[("TRUNKLINE_HOME", &home)], "trunkline.log")?;
        let dropbear = lab.keep(&dropbear, &[], "dropbear.log")?;
        let servers = vec![
            Server { name: "trunkline", port: 2222, process: ours, options: "" },
            Server { name: "sshd", port: 22, process: lab.sshd(), options: "" },
            Server {
                name: "dropbear",
                port: 2200,
                process: dropbear,
                options: "-c chacha20-poly1305@openssh.com",
            },
        ];
        servers.iter().try_for_each(|server| lab.wait_for(server.port))?;
        Ok(Self { lab, servers })
    }

    /// Runs a line of a shell in which `$SSH` is OpenSSH's client with the options for this server, and `$DBCLIENT`
    /// dropbear's. It must end well.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn shell(&self, server: &Server, line: &str) -> Result<Spent> {
        let words = ["env", &server.client(), &self.dropbears_client(server), "sh", "-c", line];
        let words = words.map(str::to_owned);
        let spent = self.lab.run(&words)?;
        ensure!(spent.code == Some(0), "{}: {line}: {:?}: {}", server.name, spent.code, spent.said);
        Ok(spent)
    }

    /// It knows no patterns of addresses, so it takes every host key for the right one.
    fn dropbears_client(&self, server: &Server) -> String {
        format!("DBCLIENT=dbclient -y -y -i {}/{DROPBEARS_KEY} -p {}", self.lab.home().display(), server.port)
    }

    /// The same with `$SSH` alone, which goes on meanwhile; its input and its output are pipes.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(&self, server: &Server, line: &str) -> Result<Child> {
        let words = ["env", &server.client(), "sh", "-c", line].map(str::to_owned);
        let mut command = self.lab.inside(&words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting a client")
    }

    /// A session that has begun, and does nothing from then on.
    ///
    /// # Errors
    /// When it does not begin.
    pub(super) fn idle(&self, server: &Server) -> Result<Idle> {
        self.session(server, &format!("exec $SSH 127.0.0.1 '{IDLE}'"))
    }

    /// A line of a shell that says `here` once its session has begun.
    ///
    /// # Errors
    /// When it does not begin.
    pub(super) fn session(&self, server: &Server, line: &str) -> Result<Idle> {
        let mut idle = Idle(self.start(server, line)?);
        let mut line = String::new();
        let said = idle.0.stdout.take().context("its standard output")?;
        BufReader::new(said).read_line(&mut line).context("waiting for a session")?;
        ensure!(line == "here\n", "{}: a session did not begin", server.name);
        Ok(idle)
    }
}

impl Server {
    /// In the form of a variable of the environment.
    fn client(&self) -> String {
        format!("SSH=ssh -p {} {}", self.port, self.options)
    }

    /// CPU seconds so far, with those of all that it has started and that have ended, once it does nothing any more.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn cpu(&self) -> Result<f64> {
        let mut last = cpu_with_children(self.process)?;
        for _ in 0..100 {
            sleep(REST);
            let now = cpu_with_children(self.process)?;
            if now <= last {
                break;
            }
            last = now;
        }
        Ok(last)
    }

    /// Its memory in KiB: the proportional shares of its processes, without those of the commands that they run.
    pub(super) fn memory(&self) -> f64 {
        let is_command = |process: &u32| {
            // Nothing of one that has ended, which takes no memory, either.
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            COMMANDS.contains(&name.trim_end())
        };
        let servers = tree(self.process).into_iter().filter(|process| !is_command(process));
        servers.map(proportional_share).sum()
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
