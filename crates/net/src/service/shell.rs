//! The service `shell`: each message is a command; the answer is what it printed and one line `[exit N]`.
//!
//! In `raw` and `line` framing the answer flows as the command prints it, whatever its size. In the other framings
//! an answer is one message, so it must fit one; where it does not, an error text takes its place.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::guard::check_is_text;
use super::process::{Group, Running, Step};
use crate::buffer::READ_SIZE;
use crate::frame::Framing;
use crate::messages::{Message, MessageReader, send};
use crate::session::{IdleTimer, Session};
use crate::{Ending, Peer};

/// What shells answer for a command that cannot be run.
const NOT_RUN: i32 = 126;

/// What shells answer for a command that was ended by force: 128 and the number of SIGKILL.
const ENDED: i32 = 137;

/// How often it is looked whether anybody still listens to a command that prints nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs the commands that come over `stream` until it ends.
pub(crate) async fn shell<S>(stream: &mut S, session: &mut Session) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut conversation = Conversation {
        reader: MessageReader::new(session),
        stream,
        session,
        left_behind: Vec::new(),
        is_first: true,
    };
    match conversation.run().await {
        Ok(ending) | Err(ending) => ending,
    }
}

struct Conversation<'a, S> {
    stream: &'a mut S,
    session: &'a mut Session,
    reader: MessageReader,
    /// Background jobs of earlier commands: they end with the connection.
    left_behind: Vec<Group>,
    is_first: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<'_, S> {
    async fn run(&mut self) -> Result<Ending, Ending> {
        while let Some(message) = self.next_command().await? {
            if std::mem::take(&mut self.is_first) {
                check_is_text(message.payload()).map_err(|error| Ending::Error(error.to_string()))?;
            }
            match self.session.framing.as_ref() {
                Framing::Raw | Framing::Line => self.answer_flowing(&message).await?,
                _ => self.answer_whole(&message).await?,
            }
        }
        Ok(Ending::Eof)
    }

    /// Only waiting for a command counts as idle; a command may run as long as it likes.
    async fn next_command(&mut self) -> Result<Option<Message>, Ending> {
        let mut idle = IdleTimer::new(self.session.idle);
        tokio::select! {
            message = self.reader.next(self.stream, self.session) => message,
            () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => Err(Ending::Timeout),
        }
    }

    async fn answer_flowing(&mut self, command: &Message) -> Result<(), Ending> {
        let mut buffer = vec![0; READ_SIZE];
        let mut at_line_start = true;
        let mut running = match Running::start(command.payload(), &self.session.peer) {
            Ok(running) => running,
            Err(error) => return send(self.stream, self.session, &not_run(&error)).await,
        };
        loop {
            let step = tokio::select! {
                biased;
                step = running.next(&mut buffer) => step.map_err(|error| reading(&error))?,
                gone = nobody_listens(&mut self.reader, self.stream, self.session) => return Err(gone),
            };
            match step {
                Step::Printed(count) => {
                    at_line_start = buffer[..count].ends_with(b"\n");
                    send(self.stream, self.session, &buffer[..count]).await?;
                }
                Step::Exited(code) => {
                    self.left_behind.retain(Group::is_alive);
                    self.left_behind.extend(running.left_behind());
                    return send(self.stream, self.session, &exit_line(at_line_start, code)).await;
                }
            }
        }
    }

    async fn answer_whole(&mut self, command: &Message) -> Result<(), Ending> {
        let capacity = self.session.max_frame.min(self.session.framing.longest());
        let peer = self.session.peer.clone();
        let answer = tokio::select! {
            biased;
            answer = whole_answer(command.payload(), &peer, capacity) => answer,
            gone = nobody_listens(&mut self.reader, self.stream, self.session) => return Err(gone),
        };
        self.left_behind.retain(Group::is_alive);
        self.left_behind.extend(answer.left_behind);
        let mut framed = Vec::new();
        let framing = &self.session.framing;
        if let Err(error) = framing.encode_reply(&command.frame(), &answer.text, &mut framed) {
            let instead = format!("trunkline: {error}\n[exit {}]\n", answer.code);
            framing
                .encode_reply(&command.frame(), instead.as_bytes(), &mut framed)
                .map_err(|error| Ending::Limit(error.to_string()))?;
        }
        send(self.stream, self.session, &framed).await
    }
}

/// Ready when nobody is left to hear what a command will print; it also reads ahead. A client that closed a socket
/// file shows only when it is written to, be it nothing (EPIPE, write(2)). Over TCP one that closed looks like one that
/// said its last and listens, until it refuses what is sent.
async fn nobody_listens<S>(reader: &mut MessageReader, stream: &mut S, session: &mut Session) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        if let Ok(gone) = timeout(LOOK_AGAIN, reader.read_ahead(stream, session)).await {
            return gone;
        }
        if let Err(error) = stream.write(&[]).await {
            return Ending::from_io(&error);
        }
    }
}

/// The answer to a command in one piece.
pub(crate) struct Answer {
    pub(crate) text: Vec<u8>,
    code: i32,
    left_behind: Option<Group>,
}

/// Runs a command to its end. Where its answer would be longer than `capacity` bytes, the command is ended and the
/// answer says so.
pub(crate) async fn whole_answer(command: &[u8], peer: &Peer, capacity: usize) -> Answer {
    run_whole(command, peer, capacity).await.unwrap_or_else(|error| Answer {
        text: not_run(&error),
        code: NOT_RUN,
        left_behind: None,
    })
}

async fn run_whole(command: &[u8], peer: &Peer, capacity: usize) -> io::Result<Answer> {
    let mut running = Running::start(command, peer)?;
    let (mut text, mut buffer) = (Vec::new(), vec![0; READ_SIZE]);
    loop {
        let exit = match running.next(&mut buffer).await? {
            Step::Printed(count) => {
                text.extend_from_slice(&buffer[..count]);
                None
            }
            Step::Exited(code) => {
                text.extend(exit_line(text.is_empty() || text.ends_with(b"\n"), code));
                Some(code)
            }
        };
        if text.len() > capacity {
            let text = format!(
                "trunkline: the answer is longer than the {capacity} bytes of one message; the command was ended\n\
                 [exit {ENDED}]\n"
            );
            return Ok(Answer { text: text.into(), code: ENDED, left_behind: None });
        }
        if let Some(code) = exit {
            return Ok(Answer { text, code, left_behind: running.left_behind() });
        }
    }
}

fn not_run(error: &io::Error) -> Vec<u8> {
    format!("trunkline: running the command: {error}\n[exit {NOT_RUN}]\n").into_bytes()
}

fn reading(error: &io::Error) -> Ending {
    Ending::Error(format!("reading what the command prints: {error}"))
}

fn exit_line(at_line_start: bool, code: i32) -> Vec<u8> {
    format!("{}[exit {code}]\n", if at_line_start { "" } else { "\n" }).into_bytes()
}

#[cfg(test)]
mod tests;
