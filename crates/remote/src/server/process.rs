//! Starting a command: the user's shell, in a session of its own, with an environment of its own.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use pty_process::{Pts, Pty};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncRead, AsyncWrite};

use super::pipe::{FromCommand, ToCommand};
use super::spawn::{Child, Program, Streams};
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
        let Some(leader) = self.child.id() else { return Vec::new() };
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
pub(super) async fn start(
    line: Option<&[u8]>,
    origin: &Origin<'_>,
    terminal: Option<&Terminal>,
) -> io::Result<Job> {
    let Account { shell, home, .. } = origin.account;
    let name = shell.file_name().unwrap_or(shell.as_os_str()).as_bytes();
    let arguments = match line {
        Some(line) => vec![CString::new(name)?, c"-c".to_owned(), CString::new(line)?],
        None => vec![CString::new([b"-", name].concat())?],
    };
    let folder = if home.is_dir() { home.as_path() } else { Path::new("/") };
    let mut environment = environment(origin);
    let on_terminal = terminal.map(open).transpose()?;
    if let (Some(terminal), Some((_, _, path))) = (terminal, &on_terminal) {
        environment.insert("TERM", terminal.name.as_bytes().to_vec());
        environment.insert("SSH_TTY", path.as_bytes().to_vec());
    }
    let variable = |(name, value): (&str, Vec<u8>)| CString::new([name.as_bytes(), b"=", &value].concat());
    let program = Program {
        path: CString::new(shell.as_os_str().as_bytes())?,
        arguments,
        environment: environment.into_iter().map(variable).collect::<Result<_, _>>()?,
        folder: CString::new(folder.as_os_str().as_bytes())?,
    };
    match on_terminal {
        Some((master, slave, path)) => {
            let child = Child::spawn(program, Streams::Terminal(path)).await?;
            drop(slave);
            on_terminal_of(child, master)
        }
        None => on_pipes(program).await,
    }
}

/// The variables of a command, each once: those of the client do not replace ours.
fn environment<'a>(origin: &Origin<'a>) -> BTreeMap<&'a str, Vec<u8>> {
    let Origin { account, peer, local, env, asked } = origin;
    let (from, to) = (peer.ip().to_canonical(), local.ip().to_canonical());
    let mut all: BTreeMap<_, _> =
        env.iter().map(|(name, value)| (name.as_str(), value.clone().into_bytes())).collect();
    all.extend([
        ("USER", account.name.clone().into_bytes()),
        ("LOGNAME", account.name.clone().into_bytes()),
        ("HOME", account.home.as_os_str().as_bytes().to_vec()),
        ("SHELL", account.shell.as_os_str().as_bytes().to_vec()),
        ("PATH", PATH.into()),
        ("SSH_CLIENT", format!("{from} {} {}", peer.port(), local.port()).into_bytes()),
        ("SSH_CONNECTION", format!("{from} {} {to} {}", peer.port(), local.port()).into_bytes()),
    ]);
    if let Some(asked) = asked {
        all.insert("SSH_ORIGINAL_COMMAND", asked.to_vec());
    }
    all
}

async fn on_pipes(program: Program) -> io::Result<Job> {
    let (stdin, their_stdin) = ToCommand::open()?;
    let (stdout, their_stdout) = FromCommand::open()?;
    let (stderr, their_stderr) = FromCommand::open()?;
    let child = Child::spawn(program, Streams::Pipes([their_stdin, their_stdout, their_stderr])).await?;
    Ok(Job {
        stdin: Box::new(stdin),
        stdout: Box::new(stdout),
        stderr: Some(Box::new(stderr)),
        process: Some(Process { child, terminal: None }),
    })
}

/// A new terminal: both its ends, and the path of theirs.
fn open(terminal: &Terminal) -> io::Result<(Pty, Pts, CString)> {
    let (master, slave) = pty_process::open().map_err(io::Error::other)?;
    terminal.apply(slave.as_fd())?;
    let path = rustix::termios::ttyname(&slave, Vec::new())?;
    Ok((master, slave, path))
}

fn on_terminal_of(child: Child, master: Pty) -> io::Result<Job> {
    let held = master.as_fd().try_clone_to_owned()?;
    let (reader, writer) = master.into_split();
    Ok(Job {
        stdin: Box::new(writer),
        stdout: Box::new(reader),
        stderr: None,
        process: Some(Process { child, terminal: Some(held) }),
    })
}
