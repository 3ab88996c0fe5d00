//! Pipes to a command and from it, which grow when much goes through them: a user has a budget for large ones (pipe(7)),
//! and most sessions are idle.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe::{Receiver, Sender};

use super::limits::{BUSY_READ, IDLE_READ};

/// Our end of a pipe.
pub(super) struct Pipe<P> {
    end: P,
    is_large: bool,
}

/// A pipe to a command.
pub(super) type ToCommand = Pipe<Sender>;

/// A pipe from a command.
pub(super) type FromCommand = Pipe<Receiver>;

impl ToCommand {
    /// And the command's end.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((Self { end: Sender::from_owned_fd(ours)?, is_large: false }, theirs))
    }
}

impl FromCommand {
    /// And the command's end.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((Self { end: Receiver::from_owned_fd(ours)?, is_large: false }, theirs))
    }
}

impl<P: AsFd> Pipe<P> {
    /// Makes it so large that it takes what we read or write at once, when so many bytes go through it. Past the user's
    /// budget it stays as it is.
    fn suit(&mut self, bytes: usize) {
        if !self.is_large && bytes >= IDLE_READ {
            self.is_large = true;
            let _ = fcntl_setpipe_size(&self.end, BUSY_READ);
        }
    }
}

impl AsyncRead for FromCommand {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.end).poll_read(context, buffer);
        self.suit(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for ToCommand {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.suit(bytes.len());
        Pin::new(&mut self.end).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.end).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.end).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use rustix::pipe::fcntl_getpipe_size;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_pipe_is_large_once_much_goes_through_it_and_not_before() {
        let (mut ours, theirs) = ToCommand::open().unwrap();
        let (mut out, theirs_out) = FromCommand::open().unwrap();
        let usual = fcntl_getpipe_size(&theirs).unwrap();
        assert!(usual < BUSY_READ);
        ours.write_all(&[0; IDLE_READ - 1]).await.unwrap();
        rustix::io::write(&theirs_out, &[0; IDLE_READ - 1]).unwrap();
        assert_eq!(out.read(&mut [0; IDLE_READ]).await.unwrap(), IDLE_READ - 1);
        assert_eq!(fcntl_getpipe_size(&theirs).unwrap(), usual);
        assert_eq!(fcntl_getpipe_size(&theirs_out).unwrap(), usual);

        ours.write_all(&[0; IDLE_READ]).await.unwrap();
        rustix::io::write(&theirs_out, &[0; IDLE_READ]).unwrap();
        assert_eq!(out.read(&mut [0; IDLE_READ]).await.unwrap(), IDLE_READ);
        assert_eq!(fcntl_getpipe_size(&theirs).unwrap(), BUSY_READ);
        assert_eq!(fcntl_getpipe_size(&theirs_out).unwrap(), BUSY_READ);
    }
}
