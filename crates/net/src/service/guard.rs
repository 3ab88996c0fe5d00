//! Who may start programs here, and what a browser can be made to send.
//!
//! `shell` and `exec` run what they are told. On a TCP port of this machine the kernel lets every user and every
//! browser in, so two things are checked: the peer's user, and that the first message is not one that a web page
//! can cause (an HTTP request, a TLS hello, a STUN packet).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Why a first message is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum FirstMessageError {
    /// `GET / HTTP/1.1` and its like.
    #[error("the first message looks like an HTTP request: a web page may be behind it")]
    Http,
    /// Control characters, as in the binary protocols that a browser speaks.
    #[error("the first message is not text: a command is")]
    NotText,
}

/// A stream whose first bytes are looked at: when they are an HTTP request, reading fails.
pub(crate) struct Guarded<S> {
    stream: S,
    looked: bool,
}

impl<S> Guarded<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, looked: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = space.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, space))?;
        let fresh = &space.filled()[before..];
        if !self.looked && !fresh.is_empty() {
            self.looked = true;
            if is_http(fresh) {
                // What comes with an error was not read.
                space.set_filled(before);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, FirstMessageError::Http)));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Refuses a first command that holds control characters other than those of a text.
///
/// # Errors
/// [`FirstMessageError::NotText`].
pub(crate) fn check_is_text(command: &[u8]) -> Result<(), FirstMessageError> {
    let is_text = |&byte: &u8| byte >= b' ' && byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r');
    if command.iter().all(is_text) { Ok(()) } else { Err(FirstMessageError::NotText) }
}

/// A request line (RFC 9112 section 3): a method in capitals, one space, and a target in one of its four forms.
fn is_http(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let Some(target) = bytes[method..].strip_prefix(b" ") else { return false };
    let line = target.split(|&byte| byte == b'\n').next().unwrap_or(target);
    method > 0 && (target.starts_with(b"/") || memchr::memmem::find(line, b" HTTP/").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn first_read_of(sent: &[u8]) -> io::Result<Vec<u8>> {
        let (mut browser, server) = tokio::io::duplex(4096);
        browser.write_all(sent).await.unwrap();
        drop(browser);
        let mut received = Vec::new();
        Guarded::new(server).read_to_end(&mut received).await?;
        Ok(received)
    }

    #[tokio::test]
    async fn a_request_that_a_web_page_can_cause_ends_the_connection() {
        for request in [
            "GET / HTTP/1.1\r\n",
            "POST /x HTTP/1.1\r\nHost: localhost",
            "OPTIONS * HTTP/1.1\r\n",
            "CONNECT localhost:8080 HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n",
        ] {
            let error = first_read_of(request.as_bytes()).await.expect_err(request);
            assert!(error.to_string().contains("web page"), "{request}: {error}");
        }
    }

    #[tokio::test]
    async fn commands_pass_the_guard_even_in_capitals() {
        for command in ["ls -l /", "GET", "A=1 ./x", "DISPLAY= xterm", "echo GET / HTTP/1.1", ""] {
            assert_eq!(first_read_of(command.as_bytes()).await.expect(command), command.as_bytes());
        }
    }

    #[test]
    fn a_tls_hello_and_a_stun_packet_are_no_commands() {
        assert_eq!(check_is_text(b"\x16\x03\x01\x02\x00\x01"), Err(FirstMessageError::NotText));
        assert_eq!(check_is_text(b"\x00\x03\x00\x08!\x12\xa4B\nid\n"), Err(FirstMessageError::NotText));
        assert_eq!(check_is_text("ls\t中文\r\n".as_bytes()), Ok(()));
    }
}
