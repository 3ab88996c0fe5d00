//! Starting a command: the user's shell, in a session of its own, with an environment of its own.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::{Child, Command};

use super::limits::BUSY_READ;
use super::terminal::Terminal;
use crate::account::Account;

/// sshd's for root. A user's profile sets what he wants else.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The kernel does not tell when the last of a process group is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Who asks, and from where.
pub(super) struct Origin<'a> {
    pub(super) account: &'a Account,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    /// Variables that the client has set.
    pub(super) env: &'a [(String, String)],
    /// What was asked for, where the key's own command runs in its place.
    pub(super) asked: Option<&'a [u8]>,
}

/// Something that runs, and its three streams.
pub(super) struct Job {
    pub(super) stdin: Box<dyn AsyncWrite + Send + Unpin>,
    pub(super) stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// None: errors come with the rest.
    pub(super) stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// None: a thread of ours, which ends with its streams.
    pub(super) process: Option<Process>,
}

/// A command's process, which leads a session and therefore a process group.
pub(super) struct Process {
    pub(super) child: Child,
    /// Our end of its terminal, to ask who is in front of it.
    terminal: Option<OwnedFd>,
}

impl Process {
    /// The group of the command, and whoever is in front of its terminal. None once the command has been waited for: its
    /// number may be another's then.
    fn groups(&self) -> Vec<Pid> {
        let leader = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(leader) = leader else { return Vec::new() };
        let front = self.terminal.as_ref().and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok());
        [leader].into_iter().chain(front.filter(|front| *front != leader)).collect()
    }

    /// Another descriptor of its terminal.
    pub(super) fn terminal(&self) -> Option<OwnedFd> {
        self.terminal.as_ref().and_then(|terminal| terminal.try_clone().ok())
    }

    /// To the command and what belongs to it, while it runs.
    pub(super) fn signal(&self, signal: Signal) {
        signal_all(&self.groups(), signal);
    }
}

/// Ends what a client has left behind: the process group, unless the command has ended by itself. Who has made himself a
/// session of his own is not in it.
pub(super) async fn hang_up(process: Option<Process>, grace: Duration) {
    let Some(mut process) = process else { return };
    let groups = process.groups();
    signal_all(&groups, Signal::HUP);
    signal_all(&groups, Signal::CONT);
    let gone = async {
        let _ = process.child.wait().await;
        // As long as somebody is in a group its number is nobody else's.
        while groups.iter().any(|group| test_kill_process_group(*group).is_ok()) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    if tokio::time::timeout(grace, gone).await.is_err() {
        signal_all(&groups, Signal::KILL);
        // Who sits in the kernel's uninterruptible sleep is not waited for.
        let _ = tokio::time::timeout(grace, process.child.wait()).await;
    }
}

fn signal_all(groups: &[Pid], signal: Signal) {
    for group in groups {
        // Who has gone cannot be signalled, and need not be.
        let _ = kill_process_group(*group, signal);
    }
}

/// What is dropped while it runs is killed: the runtime ends, and nobody would be left to do it.
impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Starts the user's login shell, or has it run `line`.
pub(super) fn start(
    line: Option<&[u8]>,
    origin: &Origin<'_>,
    terminal: Option<&Terminal>,
) -> io::Result<Job> {
    let shell = &origin.account.shell;
    let mut command = Command::new(shell);
    let name = shell.file_name().unwrap_or(shell.as_os_str());
    match line {
        Some(line) => command.arg0(name).arg("-c").arg(OsStr::from_bytes(line)),
        None => {
            let mut login = OsString::from("-");
            login.push(name);
            command.arg0(login)
        }
    };
    let home = &origin.account.home;
    command.current_dir(if home.is_dir() { home.as_os_str() } else { OsStr::new("/") });
    command.env_clear().envs(origin.env.iter().map(|(name, value)| (name, value)));
    set_environment(&mut command, origin);
    match terminal {
        Some(terminal) => on_terminal(command, terminal),
        None => on_pipes(command),
    }
}

fn set_environment(command: &mut Command, origin: &Origin<'_>) {
    let Origin { account, peer, local, asked, .. } = origin;
    let (from, to) = (peer.ip().to_canonical(), local.ip().to_canonical());
    command
        .env("USER", &account.name)
        .env("LOGNAME", &account.name)
        .env("HOME", &account.home)
        .env("SHELL", &account.shell)
        .env("PATH", PATH)
        .env("SSH_CLIENT", format!("{from} {} {}", peer.port(), local.port()))
        .env("SSH_CONNECTION", format!("{from} {} {to} {}", peer.port(), local.port()));
    if let Some(asked) = asked {
        command.env("SSH_ORIGINAL_COMMAND", OsStr::from_bytes(asked));
    }
}

fn on_pipes(mut command: Command) -> io::Result<Job> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    lead_a_session(&mut command, false);
    let mut child = command.spawn()?;
    let missing = || io::Error::other("a stream of the command is missing");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    // A user has a budget for large pipes (pipe(7)); past it these stay as they are.
    let _ = rustix::pipe::fcntl_setpipe_size(&stdin, BUSY_READ);
    let _ = rustix::pipe::fcntl_setpipe_size(&stdout, BUSY_READ);
    Ok(Job {
        stdin: Box::new(stdin),
        stdout: Box::new(stdout),
        stderr: Some(Box::new(stderr)),
        process: Some(Process { child, terminal: None }),
    })
}

fn on_terminal(mut command: Command, terminal: &Terminal) -> io::Result<Job> {
    let (master, slave) = pty_process::open().map_err(io::Error::other)?;
    terminal.apply(slave.as_fd())?;
    let name = rustix::termios::ttyname(&slave, Vec::new())?;
    command.env("TERM", &terminal.name).env("SSH_TTY", OsString::from_vec(name.into_bytes()));
    let slave = slave.as_fd().try_clone_to_owned()?;
    command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    lead_a_session(&mut command, true);
    let child = command.spawn()?;
    let held = master.as_fd().try_clone_to_owned()?;
    let (reader, writer) = master.into_split();
    Ok(Job {
        stdin: Box::new(writer),
        stdout: Box::new(reader),
        stderr: None,
        process: Some(Process { child, terminal: Some(held) }),
    })
}

/// A session of its own keeps the command away from the terminal that the server may have, and gives it a process group.
#[allow(
    unsafe_code,
    reason = "a session can only be made between fork and exec, for which there is no safe call"
)]
fn lead_a_session(command: &mut Command, terminal: bool) {
    let prepare = move || {
        rustix::process::setsid()?;
        if terminal {
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        }
        Ok(())
    };
    // SAFETY: `prepare` makes two system calls and allocates nothing, which is allowed after fork (signal-safety(7)).
    unsafe {
        command.pre_exec(prepare);
    }
}
