//! The message loop of the services whose answer has the length of the question: `upper`, `echo`, `discard`.
//!
//! One turn is: one read, all whole messages in it answered in place, one write. Nothing is copied, and the read
//! buffer belongs to the thread, so an idle connection costs its task and nothing else. What a client does not
//! take waits; until it is gone nothing more is read from that client.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Ending;
use crate::buffer::{Held, with_scratch};
use crate::frame::Decoder;
use crate::messages::poll_write;
use crate::session::{IdleTimer, Session};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It goes back in upper case: ASCII letters only, as Python's `bytes.upper()` does it.
    Upper,
    /// It goes back as it came.
    Echo,
    /// Nothing goes back.
    Discard,
}

impl Reply {
    /// Turns a message into its answer where it stands.
    pub(crate) fn rewrite(self, message: &mut [u8]) {
        if self == Self::Upper {
            message.make_ascii_uppercase();
        }
    }
}

/// Answers every message that comes over `stream` until it ends.
pub(crate) async fn converse<S>(stream: &mut S, session: &mut Session, reply: Reply) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut conversation = Conversation {
        decoder: session.decoder(),
        unfinished: Held::new(session.budget.clone()),
        unsent: Held::new(session.budget.clone()),
        idle: IdleTimer::new(session.idle),
        ending: None,
        stream,
        session,
        reply,
    };
    poll_fn(|cx| conversation.poll(cx)).await
}

struct Conversation<'a, S> {
    stream: &'a mut S,
    session: &'a mut Session,
    reply: Reply,
    decoder: Decoder,
    /// The beginning of a message that is not whole yet.
    unfinished: Held,
    /// Answers that the client has not taken yet.
    unsent: Held,
    idle: IdleTimer,
    /// How it ends, once the answers are sent.
    ending: Option<Ending>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<'_, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        match with_scratch(|scratch| self.poll_turns(cx, scratch)) {
            Poll::Ready(Ok(ending) | Err(ending)) => Poll::Ready(ending),
            Poll::Pending => self.idle.poll_expired(cx).map(|()| Ending::Timeout),
        }
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<Result<Ending, Ending>> {
        loop {
            ready!(self.poll_send_waiting(cx))?;
            if let Some(ending) = self.ending.take() {
                return Poll::Ready(Ok(ending));
            }
            let length = ready!(self.poll_read(cx, scratch))?;
            self.idle.touch();
            if length == 0 {
                self.session.note_end_of_input();
                self.answer_the_rest();
            } else {
                self.session.note_read(&scratch[..length]);
                self.answer_read(cx, &mut scratch[..length])?;
            }
        }
    }

    /// Answers the messages that a read completed, and keeps what is left over.
    fn answer_read(&mut self, cx: &mut Context<'_>, fresh: &mut [u8]) -> Result<(), Ending> {
        if self.unfinished.is_empty() {
            let answered = self.answer_whole(fresh);
            let (answers, left) = fresh.split_at(answered);
            self.send(cx, answers)?;
            return self.keep(left);
        }
        self.unfinished.push(fresh)?;
        let mut unfinished = std::mem::replace(&mut self.unfinished, Held::new(self.session.budget.clone()));
        let answered = self.answer_whole(unfinished.bytes_mut());
        self.send(cx, &unfinished.bytes()[..answered])?;
        unfinished.consume(answered);
        self.unfinished = unfinished;
        self.keep(&[])
    }

    /// Rewrites every whole message at the start of `bytes` and tells how many bytes they are.
    fn answer_whole(&mut self, bytes: &mut [u8]) -> usize {
        let (mut at, mut messages) = (0, 0);
        while self.ending.is_none() {
            match self.decoder.next(&bytes[at..]) {
                Ok(Some(frame)) => {
                    messages += 1;
                    self.session.show_message(&frame);
                    let start = at + frame.prefix.len();
                    let (end, next) = (start + frame.payload.len(), at + frame.len());
                    self.reply.rewrite(&mut bytes[start..end]);
                    at = next;
                }
                Ok(None) => break,
                Err(error) => self.ending = Some(Ending::Error(error.to_string())),
            }
        }
        self.session.tally.add_messages(messages);
        at
    }

    /// At the end of input: a last line without its newline still is a message.
    fn answer_the_rest(&mut self) {
        let mut rest = std::mem::replace(&mut self.unfinished, Held::new(self.session.budget.clone()));
        self.ending = Some(Ending::Eof);
        let range = match self.decoder.finish(rest.bytes()) {
            Ok(Some(frame)) => {
                self.session.note_message(&frame);
                frame.prefix.len()..frame.prefix.len() + frame.payload.len()
            }
            Ok(None) => return,
            Err(error) => {
                self.ending = Some(Ending::Error(error.to_string()));
                return;
            }
        };
        self.reply.rewrite(&mut rest.bytes_mut()[range]);
        if self.reply != Reply::Discard {
            self.unsent = rest;
        }
    }

    fn keep(&mut self, left: &[u8]) -> Result<(), Ending> {
        if self.ending.is_some() {
            return Ok(());
        }
        self.unfinished.push(left)?;
        if !self.unfinished.is_empty() {
            self.session.note_unfinished(self.unfinished.bytes());
        }
        Ok(())
    }

    /// Sends at once what the kernel takes; the rest waits.
    fn send(&mut self, cx: &mut Context<'_>, answers: &[u8]) -> Result<(), Ending> {
        if self.reply == Reply::Discard || answers.is_empty() {
            return Ok(());
        }
        let sent = match poll_write(cx, self.stream, answers) {
            Poll::Ready(sent) => sent?,
            Poll::Pending => return self.unsent.push(answers),
        };
        self.session.note_wrote(&answers[..sent]);
        self.unsent.push(&answers[sent..])
    }

    fn poll_send_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        while !self.unsent.is_empty() {
            let count = ready!(poll_write(cx, self.stream, self.unsent.bytes()))?;
            self.session.note_wrote(&self.unsent.bytes()[..count]);
            self.unsent.consume(count);
            self.idle.touch();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<Result<usize, Ending>> {
        let mut space = ReadBuf::new(scratch);
        ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut space))
            .map_err(|error| Ending::from_io(&error))?;
        Poll::Ready(Ok(space.filled().len()))
    }
}

#[cfg(test)]
mod tests;
