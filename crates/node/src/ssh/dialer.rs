//! Connections for SSH.

use std::io;

use net::HostPort;
use net::tcp::{self, QuickAck, TcpError};
use remote::Stream;
use remote::dial::{Dial, Dialing};
use rustix::net::sockopt::set_socket_keepalive;

/// Connects by TCP, with a system's own look-up of names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialer;

impl Dial for Dialer {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = tcp::connect(&HostPort { host: Some(host.to_owned()), port }).await;
            let stream = stream.map_err(in_words)?;
            // As ssh does (TCPKeepAlive): a machine that was switched off is noticed in the end.
            set_socket_keepalive(&stream, true)?;
            let stream: Box<dyn Stream> = Box::new(QuickAck::new(stream));
            Ok(stream)
        })
    }
}

/// The kernel's kind of the last failure, and the words for all of them.
fn in_words(error: TcpError) -> io::Error {
    let kind = match &error {
        TcpError::Resolve(_) => io::ErrorKind::NotFound,
        TcpError::Failed { attempts, .. } => {
            attempts.last().map_or(io::ErrorKind::AddrNotAvailable, |attempt| attempt.error.kind())
        }
    };
    io::Error::new(kind, error)
}
