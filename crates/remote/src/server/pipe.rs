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

/// Our end of a pipe to a command.
pub(super) struct ToCommand {
    pipe: Sender,
    is_large: bool,
}

/// Our end of a pipe from a command.
pub(super) struct FromCommand {
    pipe: Receiver,
    is_large: bool,
}

impl ToCommand {
    /// And the command's end.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((Self { pipe: Sender::from_owned_fd(ours)?, is_large: false }, theirs))
    }
}

impl FromCommand {
    /// And the command's end.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((Self { pipe: Receiver::from_owned_fd(ours)?, is_large: false }, theirs))
    }
}

/// So large that it takes what we read or write at once. Past the user's budget it stays as it is.
fn enlarge(pipe: &impl AsFd) {
    let _ = fcntl_setpipe_size(pipe, BUSY_READ);
}

impl AsyncRead for FromCommand {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.pipe).poll_read(context, buffer);
        if !self.is_large && buffer.filled().len() - before >= IDLE_READ {
            self.is_large = true;
            enlarge(&self.pipe);
        }
        read
    }
}

impl AsyncWrite for ToCommand {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.is_large && bytes.len() >= IDLE_READ {
            self.is_large = true;
            enlarge(&self.pipe);
        }
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
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
