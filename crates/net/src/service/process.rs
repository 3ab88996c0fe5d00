//! The services that start programs: `shell` runs each message as a command, `exec` gives the connection to a
//! process.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll};

use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::Ending;
use crate::pump::join;
use crate::session::{Session, within};
use crate::{Endpoint, Peer};

/// A running command with its standard output and standard error in one pipe, in the order they were written.
pub(crate) struct Running {
    ended: JoinHandle<io::Result<ExitStatus>>,
    group: Group,
    output: pipe::Receiver,
    exit: Option<Exit>,
}

/// A command is over. What it printed is in the pipe by then, so what a background job prints later is not waited
/// for, even if it prints without end.
struct Exit {
    code: i32,
    /// Bytes that it left in the pipe.
    left: usize,
}

/// What a running command did next.
pub(crate) enum Step {
    /// It printed this many bytes into the given buffer.
    Printed(usize),
    /// It is over, with this exit status: 128+n when signal n ended it, as shells say it.
    Exited(i32),
}

impl Running {
    /// Starts `command` with `/bin/sh -c`, in a process group of its own, without standard input.
    pub(crate) fn start(command: &[u8], peer: &Peer) -> io::Result<Self> {
        use std::os::unix::ffi::OsStringExt as _;
        let (reader, writer) = std::io::pipe()?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(OsString::from_vec(command.to_vec()));
        shell.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let (child, group) = spawn(shell, peer)?;
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Ok(Self { ended: wait_for(child), group, output, exit: None })
    }

    /// Waits for what happens next. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self, buffer: &mut [u8]) -> io::Result<Step> {
        let exit = match &mut self.exit {
            Some(exit) => exit,
            None => {
                let status = tokio::select! {
                    biased;
                    read = self.output.read(buffer) => match read? {
                        0 => (&mut self.ended).await??,
                        count => return Ok(Step::Printed(count)),
                    },
                    status = &mut self.ended => status??,
                };
                let left = usize::try_from(ioctl_fionread(&self.output)?).unwrap_or(usize::MAX);
                self.exit.insert(Exit { code: exit_code(status), left })
            }
        };
        if exit.left == 0 {
            return Ok(Step::Exited(exit.code));
        }
        let space = buffer.len().min(exit.left);
        let count = self.output.read(&mut buffer[..space]).await?;
        exit.left -= count;
        Ok(Step::Printed(count))
    }

    /// What an ended command left running behind it.
    pub(crate) fn left_behind(self) -> Option<Group> {
        self.group.is_alive().then_some(self.group)
    }
}

/// Gives the connection to a process: what the client sends is its standard input, its standard output goes to the
/// client; its standard error stays the server's.
pub(crate) async fn exec<S>(stream: &mut S, session: &mut Session, program: &[OsString]) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some((name, arguments)) = program.split_first() else {
        return Ending::Error("no program was named".to_owned());
    };
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let (mut child, _group) = match spawn(command, &session.peer) {
        Ok(started) => started,
        Err(error) => return Ending::Error(format!("starting {}: {error}", name.to_string_lossy())),
    };
    let mut stdio = ChildStdio { input: child.stdin.take(), output: child.stdout.take() };
    let mut ended = wait_for(child);
    let ending = join(stream, &mut stdio, session, async {
        let _ = (&mut ended).await;
    })
    .await;
    if ending == Ending::Eof && !ended.is_finished() {
        // It may still be at work on the last that it was sent, and is ended when this returns.
        return within(session.idle, ended).await.err().unwrap_or(ending);
    }
    ending
}

/// A process that did not exit well, in a shell's words.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Waits for a process also when nobody asks for its end any more: without a parent that does, it stays in the table of
/// processes as a zombie (wait(2)).
fn wait_for(mut child: Child) -> JoinHandle<io::Result<ExitStatus>> {
    tokio::spawn(async move { child.wait().await })
}

fn spawn(mut command: Command, peer: &Peer) -> io::Result<(Child, Group)> {
    // A socket that systemd passed to us is not for them (sd_listen_fds(3)).
    for name in ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"] {
        command.env_remove(name);
    }
    let child = command.envs(environment(peer)).process_group(0).spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    Ok((child, Group(group)))
}

/// Both addresses under the names that tcpserver and its kin gave them, so that programs written for those work.
fn environment(peer: &Peer) -> Vec<(&'static str, OsString)> {
    let mut variables = Vec::new();
    let mut set = |name, value| variables.push((name, value));
    match (peer.local.socket_addr(), peer.remote.socket_addr()) {
        (Some(local), Some(remote)) => {
            let names = match peer.local {
                Endpoint::Udp(_) => ["UDP", "UDPLOCALIP", "UDPLOCALPORT", "UDPREMOTEIP", "UDPREMOTEPORT"],
                _ => ["TCP", "TCPLOCALIP", "TCPLOCALPORT", "TCPREMOTEIP", "TCPREMOTEPORT"],
            };
            let [protocol, local_ip, local_port, remote_ip, remote_port] = names;
            set("PROTO", protocol.into());
            set(local_ip, local.ip().to_string().into());
            set(local_port, local.port().to_string().into());
            set(remote_ip, remote.ip().to_string().into());
            set(remote_port, remote.port().to_string().into());
        }
        _ => {
            set("PROTO", "UNIX".into());
            if let Endpoint::Unix(path) | Endpoint::UnixDatagram(path) = &peer.local {
                set("UNIXLOCALPATH", path.into());
            }
            match &peer.remote {
                Endpoint::Process { pid, uid } => {
                    set("UNIXREMOTEPID", pid.to_string().into());
                    set("UNIXREMOTEEUID", uid.to_string().into());
                }
                Endpoint::UnixDatagram(path) => set("UNIXREMOTEPATH", path.into()),
                _ => {}
            }
        }
    }
    variables
}

/// The process group of something that was started; it ends with the connection that started it, when this is
/// dropped. A program that wants to stay makes a session of its own (setsid(1)).
pub(crate) struct Group(Option<Pid>);

impl Group {
    pub(crate) fn is_alive(&self) -> bool {
        self.0.is_some_and(|leader| test_kill_process_group(leader).is_ok())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // A group that has ended already is what is wanted.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// A child's standard input and output as one stream.
struct ChildStdio {
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
}

impl AsyncRead for ChildStdio {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.output.as_mut().map_or(Poll::Ready(Ok(())), |output| Pin::new(output).poll_read(cx, space))
    }
}

impl AsyncWrite for ChildStdio {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.input {
            Some(input) => Pin::new(input).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.as_mut().map_or(Poll::Ready(Ok(())), |input| Pin::new(input).poll_flush(cx))
    }

    /// Closing the pipe is the only way to tell a process that its input is over.
    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
