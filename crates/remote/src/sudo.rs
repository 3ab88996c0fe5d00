//! Commands as root: sudo(8) over there asks for the password, and gets it.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::ask::Secret;
use crate::command::{Command, Size};
use crate::machine::Machine;
use crate::outcome::{ConnectError, Unreachable};
use crate::transport::{Doing, Input, Piece, Session, Signal, Transport};

/// How sudo is told to ask. Only before [`BEGUN`] it is answered: what the command itself says later is not sudo's.
const PROMPT: &str = "[trunkline asks sudo for the password]";

/// What standard error has as soon as sudo has let the command begin.
const BEGUN: &str = "[trunkline: sudo lets it begin]";

/// Bytes that come before the command has begun: sudo's words to a new user are a screen full, and more is a machine that talks
/// without an end.
const BEFORE_MAX: usize = 64 * 1024;

/// Another transport, with the commands run by sudo.
///
/// A start lasts until sudo has let the command begin. The password goes ahead of standard input, and only when sudo asks: where it
/// needs none, it is not sent.
#[derive(Debug)]
pub struct Sudo<T> {
    transport: T,
    password: Secret,
}

/// A command that sudo has let begin.
#[derive(Debug)]
pub struct Begun<S: Session> {
    session: S,
    input: Option<S::Input>,
    /// What has come already.
    before: VecDeque<Piece>,
}

impl<T> Sudo<T> {
    /// With the password of whoever logs in, the same on all machines.
    pub fn new(transport: T, password: Secret) -> Self {
        Self { transport, password }
    }
}

impl<T: Transport> Transport for Sudo<T> {
    type Session = Begun<T::Session>;

    async fn start(
        &self,
        machine: &Machine,
        command: &Command,
        doing: &Doing,
    ) -> Result<Self::Session, Unreachable> {
        let command = Command { line: by_sudo(&command.line), ..command.clone() };
        let mut session = self.transport.start(machine, &command, doing).await?;
        doing.begin(&machine.end, "sudo");
        let refused =
            |why: String| Unreachable { hop: machine.end.to_string(), reason: ConnectError::Refused(why) };
        let mut input = session.input();
        let mut before = VecDeque::new();
        let mut said = Vec::new();
        let (mut asked, mut printed) = (false, 0);
        while said.len() + printed <= BEFORE_MAX {
            // A mark may have begun in what was looked at already.
            let from = said.len().saturating_sub(PROMPT.len().max(BEGUN.len()));
            match session.next().await {
                Piece::Err(bytes) => said.extend_from_slice(&bytes),
                // Of the login shell; the command has not begun.
                Piece::Out(bytes) => {
                    printed += bytes.len();
                    before.push_back(Piece::Out(bytes));
                }
                Piece::End(_) => return Err(refused(words(&said))),
            }
            if let Some((front, rest)) = around(&said, from, BEGUN) {
                before.extend([front, rest].map(|part| Piece::Err(Bytes::copy_from_slice(part))));
                return Ok(Begun { session, input, before });
            }
            if let Some((front, rest)) = around(&said, from, PROMPT) {
                if asked {
                    return Err(refused("sudo does not take the password".to_owned()));
                }
                asked = true;
                said = [front, rest].concat();
                let line = format!("{}\n", self.password.expose());
                if let Some(input) = &mut input {
                    input.write(line.into()).await;
                }
            }
        }
        Err(refused("it talks, and sudo does not begin".to_owned()))
    }
}

impl<S: Session> Session for Begun<S> {
    type Input = S::Input;

    async fn next(&mut self) -> Piece {
        while let Some(piece) = self.before.pop_front() {
            if !matches!(&piece, Piece::Out(bytes) | Piece::Err(bytes) if bytes.is_empty()) {
                return piece;
            }
        }
        self.session.next().await
    }

    fn input(&mut self) -> Option<S::Input> {
        self.input.take()
    }

    async fn signal(&mut self, signal: Signal) {
        self.session.signal(signal).await;
    }

    async fn resize(&mut self, size: Size) {
        self.session.resize(size).await;
    }

    async fn close(self) {
        self.session.close().await;
    }
}

/// The command line that has sudo start `line`.
fn by_sudo(line: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(line.len());
    for &byte in line {
        match byte {
            b'\'' => quoted.extend_from_slice(br"'\''"),
            _ => quoted.push(byte),
        }
    }
    let before = format!("exec sudo -S -p '{PROMPT}' -- sh -c 'printf %s \"{BEGUN}\" >&2; ");
    [before.as_bytes(), &quoted, b"'"].concat()
}

/// What stands before and behind a mark, which begins at `from` or later.
fn around<'a>(text: &'a [u8], from: usize, mark: &str) -> Option<(&'a [u8], &'a [u8])> {
    let at = from + text[from..].windows(mark.len()).position(|window| window == mark.as_bytes())?;
    Some((&text[..at], &text[at + mark.len()..]))
}

/// What sudo said instead, or the shell that has no sudo.
fn words(said: &[u8]) -> String {
    match String::from_utf8_lossy(said).trim() {
        "" => "sudo ended without a word".to_owned(),
        words => words.to_owned(),
    }
}

#[cfg(test)]
mod tests;
