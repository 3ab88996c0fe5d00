//! Ready streams: who calls knows sockets, this crate does not.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection to SSH's other end.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection under way.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Makes connections.
pub trait Dial: Send + Sync {
    /// Connects to a host by TCP. Its name is looked up, and each address tried; the limit is the caller's.
    ///
    /// # Errors
    /// Of the kind that the kernel gives, with a text that says what is wrong.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a>;
}
