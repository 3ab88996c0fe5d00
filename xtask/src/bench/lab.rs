//! A network of machines that are addresses of the loopback, with real sshds behind them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::command;

/// How often the memory of a program and of its children is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// No tool gets longer than this, in seconds. Some of them wait for ever for a machine that says nothing.
pub(super) const AT_MOST: &str = "60";

/// A network and a home of its own: a namespace in which every address of 127.0.0.0/8 is a machine with an sshd, and in which
/// the user has a plain shell, a key that they all take, and their key in known_hosts.
///
/// Ended when dropped.
pub(super) struct Lab {
    home: PathBuf,
    room: Child,
    others: Vec<Child>,
}

/// What a program took, and what it said.
pub(super) struct Spent {
    /// Seconds from start to end.
    pub(super) wall: f64,
    /// CPU seconds, of its children too.
    pub(super) cpu: f64,
    /// None: a signal ended it. 124: it was ended after [`AT_MOST`], as by timeout(1).
    pub(super) code: Option<i32>,
    /// Lines on standard output.
    pub(super) lines: usize,
    /// Lines on standard output that end with the name of this machine, which is what `hostname` prints.
    pub(super) answers: usize,
    /// The last of what it said on standard error.
    pub(super) said: String,
}

/// curve25519, since the default of OpenSSH before 9.9 takes it 70 ms of CPU time for each connection, which would be
/// compared instead. No limits: a real network has a sshd for each machine.
const SSHD: &str = "\
Port 22
ListenAddress 0.0.0.0
KexAlgorithms curve25519-sha256
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
MaxStartups 2000
PidFile none
LogLevel QUIET
";

/// What all clients read that read anything.
const SSH: &str = "\
Host *
    Ciphers aes128-gcm@openssh.com
    KexAlgorithms curve25519-sha256
    LogLevel ERROR
";

impl Lab {
    /// # Errors
    /// When this user may not make one (it takes root), or sshd does not start.
    pub(super) fn open() -> Result<Self> {
        let home = command::target("bench/run")?;
        let ssh = home.join(".ssh");
        fs::create_dir_all(&ssh).context("making a home with keys")?;
        for (key, kind) in [(home.join("host"), "machine"), (ssh.join("id_ed25519"), "user")] {
            if !key.exists() {
                let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", kind, "-f"];
                command::run(Command::new("ssh-keygen").args(keygen).arg(&key))?;
            }
        }
        let public =
            |key: PathBuf| fs::read_to_string(&key).with_context(|| format!("reading {}", key.display()));
        let (host, user) = (public(home.join("host.pub"))?, public(ssh.join("id_ed25519.pub"))?);
        let config =
            format!("{SSHD}HostKey {0}/host\nAuthorizedKeysFile {0}/.ssh/authorized_keys\n", home.display());
        for (file, text) in [
            (home.join("sshd_config"), config),
            (
                home.join("passwd"),
                format!(
                    "root:x:0:0:root:{}:/bin/sh\nsshd:x:101:65534::/run/sshd:/bin/false\n",
                    home.display()
                ),
            ),
            (ssh.join("authorized_keys"), user),
            (ssh.join("known_hosts"), format!("127.*,[127.*]:* {host}")),
            (ssh.join("config"), SSH.to_owned()),
        ] {
            fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).context("for this user alone")?;
        }
        fs::set_permissions(home.join("passwd"), fs::Permissions::from_mode(0o644)).context("for all")?;

        let script = "mount --bind \"$0/passwd\" /etc/passwd && ip link set lo up && mkdir -p /run/sshd && echo ready && \
                      exec /usr/sbin/sshd -D -f \"$0/sshd_config\"";
        let mut room = Command::new("unshare")
            .args(["--mount", "--net", "--", "sh", "-c", script])
            .arg(&home)
            .stdout(Stdio::piped())
            .spawn()
            .context("making a network")?;
        let mut line = String::new();
        let said = room.stdout.take().context("its standard output")?;
        BufReader::new(said).read_line(&mut line).context("waiting for a network")?;
        ensure!(line == "ready\n", "a network of its own cannot be made; it takes root");
        let lab = Self { home, room, others: Vec::new() };
        lab.wait_for(22)?;
        Ok(lab)
    }

    /// Machines of four more nets get into trouble: those of 127.1.2 refuse, of 127.1.3 accept and say nothing, of 127.1.4
    /// stop in the handshake. Those of 127.1.5 are well, until a command kills its own sshd.
    ///
    /// # Errors
    /// When the rules cannot be set.
    pub(super) fn trouble(&mut self) -> Result<()> {
        let script = command::root().join("xtask/peers/stalling.py");
        let mut stalling = self.inside(&["python3".to_owned(), script.to_string_lossy().into_owned()]);
        let mut stalling = stalling.stdout(Stdio::piped()).spawn().context("starting machines that stall")?;
        let said = stalling.stdout.take().context("its standard output")?;
        self.others.push(stalling);
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line).context("waiting for machines that stall")?;
        ensure!(line == "ready\n", "the machines that stall did not start");
        let rules = "add table ip lab; add chain ip lab out { type nat hook output priority -100; }; \
                     add rule ip lab out ip daddr 127.1.2.0/24 tcp dport 22 redirect to :2; \
                     add rule ip lab out ip daddr 127.1.3.0/24 tcp dport 22 redirect to :2201; \
                     add rule ip lab out ip daddr 127.1.4.0/24 tcp dport 22 redirect to :2202";
        command::run(&mut self.inside(&["nft".to_owned(), rules.to_owned()]))
    }

    /// Runs a program in this network to its end, or for [`AT_MOST`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn run(&self, words: &[String]) -> Result<Spent> {
        let (before, started) = (cpu_of_children()?, Instant::now());
        let bounded: Vec<_> = ["timeout", "--kill-after=5", AT_MOST].into_iter().map(str::to_owned).collect();
        let output = self.inside(&[bounded, words.to_vec()].concat()).output();
        let output = output.with_context(|| format!("starting {}", words[0]))?;
        let wall = started.elapsed().as_secs_f64();
        let cpu = cpu_of_children()? - before;
        let host = fs::read_to_string("/proc/sys/kernel/hostname").context("the name of this machine")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        Ok(Spent {
            wall,
            cpu,
            code: output.status.code(),
            lines: printed.lines().count(),
            answers: printed.lines().filter(|line| line.ends_with(host.trim_end())).count(),
            said: said.lines().last().unwrap_or_default().to_owned(),
        })
    }

    /// Starts a program that runs in this network until the end. What it says on standard error goes into a file.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn keep(&mut self, words: &[String], environment: &[(&str, &Path)], log: &str) -> Result<u32> {
        let path = self.home.join(log);
        let log = fs::File::create(&path).with_context(|| format!("making the log {}", path.display()))?;
        let mut command = self.inside(words);
        command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("starting {}", words[0]))?;
        let process = child.id();
        self.others.push(child);
        Ok(process)
    }

    /// The most that a program and its children have at once in memory, in MiB: the sum of their proportional shares.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn peak_memory(&self, words: &[String]) -> Result<f64> {
        let mut command = self.inside(words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("starting it")?;
        let mut peak: f64 = 0.0;
        while child.try_wait().context("asking whether it runs")?.is_none() {
            peak = peak.max(tree(child.id()).into_iter().map(proportional_share).sum());
            thread::sleep(LOOK_EVERY);
        }
        Ok(peak / 1024.0)
    }

    /// A program in this network; it takes the place of nsenter(1), whose process it is.
    pub(super) fn inside(&self, words: &[String]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--net", "--target", &self.room.id().to_string(), "--"]).args(words);
        command.env("HOME", &self.home).env("TRUNKLINE_HOME", self.home.join("trunkline"));
        command.env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
        command
    }

    /// The folder that all programs in here take for their home.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// The process of the one sshd.
    pub(super) fn sshd(&self) -> u32 {
        self.room.id()
    }

    /// Waits until somebody listens at a port.
    ///
    /// # Errors
    /// When nobody does.
    pub(super) fn wait_for(&self, port: u16) -> Result<()> {
        let probe = ["bash".to_owned(), "-c".to_owned(), format!(": < /dev/tcp/127.0.0.1/{port}")];
        for _ in 0..200 {
            if self.inside(&probe).stderr(Stdio::null()).status().context("knocking at a server")?.success() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(25));
        }
        bail!("nobody listens at port {port}")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for child in self.others.iter_mut().chain([&mut self.room]) {
            // It may have ended by itself; either way it is gone after this.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// CPU seconds of all children of this process that have ended.
fn cpu_of_children() -> Result<f64> {
    let [.., children_user, children_system] = cpu_times("self")?;
    Ok(children_user + children_system)
}

/// CPU seconds of a process and of all its children that have ended and that it has waited for.
///
/// # Errors
/// When there is no such process.
pub(super) fn cpu_with_children(process: u32) -> Result<f64> {
    Ok(cpu_times(&process.to_string())?.iter().sum())
}

/// `utime`, `stime`, `cutime` and `cstime` of proc_pid_stat(5), in seconds.
fn cpu_times(process: &str) -> Result<[f64; 4]> {
    /// `USER_HZ`, which is 100 on every Linux that is in use.
    const TICKS: f64 = 100.0;
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let (_, fields) = stat.rsplit_once(") ").with_context(|| format!("the name in {path}"))?;
    let times = fields.split(' ').skip(11).take(4).map(|field| Ok(field.parse::<f64>()? / TICKS));
    let times = times.collect::<Result<Vec<_>>>().with_context(|| format!("the times in {path}"))?;
    times.try_into().map_err(|_| anyhow!("the times in {path}"))
}

/// A process and all that it started.
pub(super) fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut nth = 0;
    while let Some(process) = found.get(nth) {
        let path = format!("/proc/{process}/task/{process}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        nth += 1;
    }
    found
}

/// In KiB; nothing of one that has ended.
pub(super) fn proportional_share(process: u32) -> f64 {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(Path::new(&path)).unwrap_or_default();
    let pss = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    pss.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
