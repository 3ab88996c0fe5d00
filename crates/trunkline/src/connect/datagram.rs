//! Datagrams without a person: one thread watches standard input and the socket together.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use net::bulk;
use net::datagram::DATAGRAM_MAX;
use net::{Address, Ending};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::stdin;

use super::output::Writer;
use super::plan::{Input, Output, Pipe};
use super::speech::Speech;
use super::stream::QUIET;
use super::trouble::Trouble;
use super::wire::{Route, Wire};
use crate::failure::{Exit, Failure, Outcome};

/// Holds any datagram, which has at most 65,535 bytes with its headers.
const BUFFER: usize = 64 * 1024;

/// Datagrams kept for the next address of the same name, in case the first turns out to refuse them.
const KEPT: usize = 16;

/// Sends and receives until the input has ended and enough has come.
pub(super) fn run(route: Route<'_>, wire: Wire, address: &Address, pipe: Pipe) -> Outcome {
    let Pipe { input, wait, speech, output, .. } = pipe;
    let patience = Patience::new(&input, wait.unwrap_or_default());
    let mut writer = Writer::new(output, speech.charset);
    let mut line = Line { route, wire, kept: Vec::new() };
    let end = writer.opened(&line.wire, address).and_then(|()| {
        let marked = patience.asked.is_some() || output == Output::Json;
        let mut show = |bytes: &[u8]| {
            if marked { writer.message(bytes) } else { writer.piece(bytes) }.map_err(Trouble::Output)
        };
        exchange(&mut line, input, &speech, &patience, &mut show)
    });
    let ending = match &end {
        Ok(End::Silence) if !patience.is_answered(line.answers()) => Ending::Timeout,
        Ok(_) => Ending::Eof,
        Err(trouble) => trouble.ending(),
    };
    line.wire.end();
    let closed = writer.closed(&line.wire, &ending);
    match end.and_then(|end| closed.map(|()| end)) {
        Ok(end) => patience.judge(end, line.answers(), address),
        Err(trouble) => trouble.outcome(address),
    }
}

/// Why nothing more is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As many answers came as were asked for.
    Enough,
    /// None came for as long as was allowed.
    Silence,
}

/// How long it is worth waiting once all is sent, and for what.
#[derive(Debug)]
struct Patience {
    /// The silence before the first answer, and where they are counted before each.
    wait: Duration,
    /// How many answers are awaited.
    asked: Option<u64>,
}

impl Patience {
    fn new(input: &Input, wait: Duration) -> Self {
        let asked = match input {
            Input::Stdin => None,
            Input::Messages(texts) => u64::try_from(texts.len()).ok(),
        };
        Self { wait, asked }
    }

    /// Whether silence is how the answers end, and not a limit that was reached.
    fn is_answered(&self, answers: u64) -> bool {
        self.asked.is_none() && answers > 0
    }

    /// The silence that ends it.
    fn silence(&self, answers: u64) -> Duration {
        if self.is_answered(answers) { QUIET.min(self.wait) } else { self.wait }
    }

    /// What the exit code says of it. Who does not wait asks for nothing.
    fn judge(&self, end: End, answers: u64, address: &Address) -> Outcome {
        let seconds = self.wait.as_secs_f64();
        let late = |what: String| Err(Failure::from(anyhow!(what)).exit(Exit::TimedOut));
        match (end, self.asked) {
            _ if self.wait.is_zero() => Ok(Exit::Good),
            (End::Silence, _) if answers == 0 => {
                late(format!("nothing came from {address} within {seconds} s"))
            }
            (End::Silence, Some(asked)) => {
                late(format!("{answers} of {asked} answers came from {address} within {seconds} s"))
            }
            _ => Ok(Exit::Good),
        }
    }
}

/// Datagrams on their way to the first address that does not refuse them.
struct Line<'a> {
    route: Route<'a>,
    wire: Wire,
    /// Sent and not answered yet.
    kept: Vec<Vec<u8>>,
}

impl Line<'_> {
    fn answers(&self) -> u64 {
        self.wire.messages.load(Relaxed)
    }

    fn send(&mut self, payload: Vec<u8>) -> Result<(), Trouble> {
        if payload.len() > DATAGRAM_MAX {
            let bytes = payload.len();
            return Err(Trouble::Input(anyhow!(
                "a datagram holds at most {DATAGRAM_MAX} bytes, and one read of the input brought {bytes}: send it in parts, or over tcp"
            )));
        }
        while let Err(trouble) = self.wire.send(&payload) {
            self.refused(trouble)?;
        }
        if self.answers() == 0 && self.kept.len() < KEPT {
            self.kept.push(payload);
        }
        Ok(())
    }

    /// Goes on to the next address with all that was sent, when nobody was at this one from the start.
    fn refused(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        let (Trouble::Send(error) | Trouble::Receive(error)) = trouble else { return Err(trouble) };
        if error.kind() != io::ErrorKind::ConnectionRefused || self.answers() > 0 {
            return Err(Trouble::Receive(error));
        }
        self.wire = self.route.refused(&self.wire, error).map_err(Trouble::Connect)?;
        match self.kept.iter().try_for_each(|payload| self.wire.send(payload)) {
            Err(trouble) => self.refused(trouble),
            Ok(()) => Ok(()),
        }
    }

    /// Waits for an answer or, while there may be more of it, for input.
    fn wait(&self, input: bool, limit: Option<Duration>) -> Result<Ready, Trouble> {
        let socket = self.wire.connection.as_fd();
        let mut fds = [
            PollFd::from_borrowed_fd(socket, PollFlags::IN),
            PollFd::from_borrowed_fd(stdin(), PollFlags::IN),
        ];
        let fds = if input { &mut fds[..] } else { &mut fds[..1] };
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(fds, left.as_ref()) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Trouble::Receive(errno.into())),
                Ok(0) => return Ok(Ready::Nothing),
                // Answers first, so that a fast writer does not fill the socket's buffer unseen.
                Ok(_) if !fds[0].revents().is_empty() => return Ok(Ready::Answer),
                Ok(_) => return Ok(Ready::Input),
            }
        }
    }
}

/// What can be read.
enum Ready {
    Answer,
    Input,
    Nothing,
}

fn exchange(
    line: &mut Line<'_>,
    input: Input,
    speech: &Speech,
    patience: &Patience,
    show: &mut impl FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<End, Trouble> {
    let mut open = true;
    if let Input::Messages(texts) = input {
        texts.into_iter().try_for_each(|text| line.send(text))?;
        open = false;
    }
    let mut since = Instant::now();
    let mut buffer = vec![0; BUFFER];
    loop {
        let answers = line.answers();
        if !open && (patience.wait.is_zero() || patience.asked.is_some_and(|asked| answers >= asked)) {
            return Ok(End::Enough);
        }
        let limit = (!open).then(|| patience.silence(answers).saturating_sub(since.elapsed()));
        match line.wait(open, limit)? {
            Ready::Nothing => return Ok(End::Silence),
            Ready::Answer => match line.wire.read(&mut buffer) {
                Ok(bytes) => {
                    line.wire.note_message();
                    show(&buffer[..bytes])?;
                }
                Err(error) => line.refused(Trouble::Receive(error))?,
            },
            Ready::Input => match bulk::read(stdin(), &mut buffer).map_err(Trouble::input)? {
                0 => open = false,
                bytes => line.send(speech.message(&buffer[..bytes]).map_err(Trouble::Input)?)?,
            },
        }
        since = Instant::now();
    }
}
