//! A session while it runs: bytes both ways, then how it ended.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::server::{Handle, Msg};
use russh::{ChannelWriteHalf, Error, Sig};
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::event::Exit;
use super::input::Input;
use super::limits::{BUSY_READ, IDLE_READ};
use super::pipe::{FromCommand, ToCommand};
use super::process::{self, Job, Process};
use crate::channel::{self, STDERR};

/// What a session has moved so far.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
}

impl Counters {
    /// Bytes received and sent.
    pub(super) fn both(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
    }
}

/// The network's end of a session.
pub(super) struct Line {
    pub(super) channel: ChannelWriteHalf<Msg>,
    pub(super) handle: Handle,
    pub(super) input: Input,
    pub(super) counters: Arc<Counters>,
    /// Signals for the command.
    pub(super) signals: mpsc::Receiver<Signal>,
    /// The channel or the connection is gone.
    pub(super) over: CancellationToken,
}

/// Runs a job to its end, and tells the client how it ended.
pub(super) async fn run(job: Job, mut line: Line, hangup_grace: Duration) -> Exit {
    let Job { stdin, stdout, stderr, mut process } = job;
    let over = line.over.clone();
    let ended = tokio::select! {
        ended = to_the_end(&mut process, stdin, stdout, stderr, &mut line) => Some(ended),
        () = over.cancelled() => None,
    };
    let exit = match (ended, line.input.failure()) {
        (Some(exit), _) => exit,
        (None, Some(failure)) => {
            let text = format!("trunkline: {failure}\r\n").into_bytes();
            // The client may not take this, either.
            let _ = tokio::time::timeout(hangup_grace, line.channel.extended_data_bytes(STDERR, text)).await;
            process::hang_up(process, hangup_grace).await;
            Exit::Failed(failure)
        }
        (None, None) => {
            line.input.abandon();
            process::hang_up(process, hangup_grace).await;
            Exit::HungUp
        }
    };
    tell(&line, &exit).await;
    exit
}

async fn to_the_end(
    process: &mut Option<Process>,
    stdin: Box<dyn AsyncWrite + Send + Unpin>,
    stdout: Box<dyn AsyncRead + Send + Unpin>,
    stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
    line: &mut Line,
) -> Exit {
    let Line { channel, input, counters, signals, .. } = line;
    let output = async {
        let stderr = async {
            if let Some(stderr) = stderr {
                pump(stderr, channel, Some(STDERR), &counters.sent, input.budget()).await;
            }
        };
        tokio::join!(pump(stdout, channel, None, &counters.sent, input.budget()), stderr);
    };
    let feeding = async {
        match feed(input, stdin, &counters.received).await {
            // How a command ends does not depend on its input.
            Ok(()) => std::future::pending().await,
            // But one that has got only a part of it must not take that for the whole.
            Err(error) => Exit::Failed(format!("reading what waits for the command: {error}")),
        }
    };
    // A background process that holds the pipes keeps the session open, as with sshd.
    tokio::select! {
        (exit, ()) = async { tokio::join!(wait(process, signals), output) } => exit,
        exit = feeding => exit,
    }
}

/// Waits for the command, and passes signals on to it until then.
async fn wait(process: &mut Option<Process>, signals: &mut mpsc::Receiver<Signal>) -> Exit {
    let Some(process) = process else { return Exit::Status(0) };
    loop {
        tokio::select! {
            status = process.child.wait() => return match status {
                Ok(status) => exit_of(status),
                Err(error) => Exit::Failed(format!("waiting for the command: {error}")),
            },
            Some(signal) = signals.recv() => process.signal(signal),
        }
    }
}

/// Gives the command what the client sends. That it takes no more is no error.
pub(super) async fn feed(
    input: &Input,
    mut stdin: Box<dyn AsyncWrite + Send + Unpin>,
    received: &AtomicU64,
) -> io::Result<()> {
    while let Some(bytes) = input.next().await? {
        if stdin.write_all(&bytes).await.is_err() {
            break;
        }
        received.fetch_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    input.abandon();
    let _ = stdin.shutdown().await;
    Ok(())
}

/// Sends what the command says. A busy command is read in large pieces; an idle one owns no buffer.
pub(super) async fn pump(
    mut from: Box<dyn AsyncRead + Send + Unpin>,
    channel: &ChannelWriteHalf<Msg>,
    extended: Option<u32>,
    sent: &AtomicU64,
    budget: &Budget,
) {
    let mut busy = false;
    loop {
        let read = if busy { read_much(&mut *from).await } else { read_little(&mut *from).await };
        // A terminal that nobody has open any more is an error of the kernel's (EIO), and an end like another.
        let Ok(bytes) = read else { return };
        let length = bytes.len();
        if length == 0 {
            return;
        }
        busy = length >= IDLE_READ;
        // Boxed: what it needs is much, and is needed only until the network has taken the piece.
        let given = budget.reading(Box::pin(give(channel, extended, bytes)));
        if given.await.is_err() {
            return;
        }
        sent.fetch_add(u64::try_from(length).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

async fn give(channel: &ChannelWriteHalf<Msg>, extended: Option<u32>, bytes: Bytes) -> Result<(), Error> {
    match extended {
        None => channel.data_bytes(bytes).await,
        Some(code) => channel.extended_data_bytes(code, bytes).await,
    }
}

/// Up to [`BUSY_READ`] bytes; none at the end.
async fn read_much(from: &mut (dyn AsyncRead + Send + Unpin)) -> io::Result<Bytes> {
    let mut buffer = BytesMut::with_capacity(BUSY_READ);
    from.read_buf(&mut buffer).await?;
    Ok(buffer.freeze())
}

/// Up to [`IDLE_READ`] bytes; none at the end. While it waits it has no buffer, since all who wait share their thread's.
async fn read_little(from: &mut (dyn AsyncRead + Send + Unpin)) -> io::Result<Bytes> {
    thread_local! {
        static SHARED: RefCell<[u8; IDLE_READ]> = const { RefCell::new([0; IDLE_READ]) };
    }
    poll_fn(|context| {
        SHARED.with_borrow_mut(|shared| {
            let mut buffer = ReadBuf::new(shared);
            ready!(Pin::new(&mut *from).poll_read(context, &mut buffer))?;
            Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
        })
    })
    .await
}

/// In this order: how it ended, the end of its output, the end of the channel.
async fn tell(line: &Line, exit: &Exit) {
    let Line { channel, handle, .. } = line;
    match exit {
        Exit::Status(status) => {
            let _ = channel.exit_status(*status).await;
        }
        Exit::Signal(name) => {
            let (text, language) = (String::new(), String::new());
            let _ = handle
                .exit_signal_request(channel.id(), Sig::Custom(name.clone()), false, text, language)
                .await;
        }
        Exit::Done | Exit::HungUp | Exit::PutOut(_) | Exit::Failed(_) => {}
    }
    let _ = channel.eof().await;
    let _ = channel.close().await;
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Status(u32::from_ne_bytes(code.to_ne_bytes())),
        (None, Some(signal)) => Exit::Signal(signal_name(signal)),
        (None, None) => Exit::Failed("the command has neither a status nor a signal".into()),
    }
}

/// Names of signals as RFC 4254 section 6.10 has them, and their numbers over here.
const SIGNALS: [(&str, Signal); 13] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

fn signal_name(number: i32) -> String {
    let known = SIGNALS.iter().find(|(_, signal)| signal.as_raw() == number);
    known.map_or_else(|| format!("{number}@trunkline"), |(name, _)| (*name).to_owned())
}

/// The signal that a client means; None: not one that it may send.
pub(super) fn signal_meant(signal: &Sig) -> Option<Signal> {
    let name = channel::signal_name(signal);
    SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal)
}

/// Two pipes to a thread of ours that serves a protocol on them.
pub(super) fn on_thread(
    name: &str,
    serve: impl FnOnce(std::fs::File, std::fs::File) + Send + 'static,
) -> io::Result<Job> {
    let (stdin, their_input) = ToCommand::open()?;
    let (stdout, their_output) = FromCommand::open()?;
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || serve(their_input.into(), their_output.into()))?;
    Ok(Job { stdin: Box::new(stdin), stdout: Box::new(stdout), stderr: None, process: None })
}
