//! What passes between here and the shell over there.

use std::future::pending;
use std::io;

use bytes::Bytes;
use node::ssh::{Input, Outcome, Piece, Session};
use tokio::sync::mpsc::Receiver;

use super::keys::Keys;
use super::output::Output;
use super::signals::{Resized, Signals};
use crate::failure::Exit;

/// How it ended.
pub(super) enum Ending {
    /// Over there.
    Over(Outcome),
    /// The person has left.
    Left,
    /// A signal has ended this program, which ends with this.
    Signal(Exit),
    /// Standard input cannot be read.
    Unread(io::Error),
    /// What the shell prints cannot be written.
    Unwritten(io::Error),
}

/// Until one of the two sides leaves. Whoever leaves here does not wait for anything.
pub(super) async fn talk(
    mut session: impl Session,
    keys: Keys,
    output: Output,
    resized: Option<Resized>,
    signals: &mut Signals,
) -> Ending {
    let Keys { typed, leaves } = keys;
    let feeding = feed(session.input(), typed);
    let leaving = async {
        if leaves.await.is_err() {
            // Who reads a pipe never says so.
            pending::<()>().await;
        }
    };
    let ending = tokio::select! {
        shown = show(&mut session, output, resized) => match shown {
            Ok(outcome) => Ending::Over(outcome),
            Err(error) => Ending::Unwritten(error),
        },
        error = feeding => Ending::Unread(error),
        () = leaving => return Ending::Left,
        exit = signals.next() => return Ending::Signal(exit),
    };
    session.close().await;
    ending
}

/// Shows what comes, until it is over and all of it is written.
async fn show(
    session: &mut impl Session,
    output: Output,
    mut resized: Option<Resized>,
) -> io::Result<Outcome> {
    let outcome = loop {
        let piece = async {
            let room = output.room().await?;
            Some((room, session.next().await))
        };
        let size = async {
            match &mut resized {
                Some(resized) => resized.next().await,
                None => pending().await,
            }
        };
        tokio::select! {
            piece = piece => match piece {
                Some((_, Piece::End(outcome))) => break Some(outcome),
                Some((room, piece)) => room.send(piece),
                None => break None,
            },
            Some(size) = size => session.resize(size).await,
        }
    };
    output.finish().await?;
    outcome.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
}

/// Passes on what is typed, and its end. Comes back only with an error.
async fn feed(input: Option<impl Input>, mut typed: Receiver<io::Result<Bytes>>) -> io::Error {
    let Some(mut input) = input else { return pending().await };
    loop {
        match typed.recv().await {
            Some(Ok(bytes)) => {
                if !input.write(bytes).await {
                    // It reads no more.
                    return pending().await;
                }
            }
            Some(Err(error)) => return error,
            None => {
                input.end().await;
                return pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use node::ssh::Signal;
    use node::ssh::command::Size;
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    /// Neither says anything nor takes anything.
    struct Dead;

    impl Session for Dead {
        type Input = Self;

        async fn next(&mut self) -> Piece {
            pending().await
        }

        fn input(&mut self) -> Option<Self> {
            Some(Self)
        }

        async fn signal(&mut self, _: Signal) {}

        async fn resize(&mut self, _: Size) {}

        async fn close(self) {
            pending::<()>().await;
        }
    }

    impl Input for Dead {
        async fn write(&mut self, _: Bytes) -> bool {
            pending().await
        }

        async fn end(self) {
            pending::<()>().await;
        }
    }

    #[tokio::test]
    async fn who_leaves_does_not_wait_behind_what_was_typed() {
        let (to, typed) = mpsc::channel(4);
        let (leave, leaves) = oneshot::channel();
        for _ in 0..4 {
            to.send(Ok("nobody takes this\n".into())).await.unwrap();
        }
        leave.send(()).unwrap();
        let (output, _help) = Output::start().unwrap();
        let mut signals = Signals::new().unwrap();
        let ending = talk(Dead, Keys { typed, leaves }, output, None, &mut signals).await;
        assert!(matches!(ending, Ending::Left));
    }
}
