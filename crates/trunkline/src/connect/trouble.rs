//! What ends a connection early, in words for the person who waits for it.

use std::io;

use anyhow::anyhow;
use net::client::ConnectError;
use net::datagram::DATAGRAM_MAX;
use net::errno::explain;
use net::frame::FrameError;
use net::{Address, Ending};
use rustix::io::Errno;

use crate::failure::{Exit, Failure, Outcome};

/// Why a connection did not go on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nobody is there after all.
    Connect(ConnectError),
    /// Standard input cannot be read, or cannot be sent as it is.
    Input(anyhow::Error),
    /// The far side takes no more.
    Send(io::Error),
    /// The connection broke.
    Receive(io::Error),
    /// What arrives has not the frame that was asked for.
    Frame(FrameError),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl Trouble {
    /// Standard input cannot be read.
    pub(super) fn input(error: io::Error) -> Self {
        Self::Input(anyhow!(error).context("reading standard input"))
    }

    /// There is no thread for one of the directions.
    pub(super) fn thread(error: io::Error) -> Self {
        Self::Input(anyhow!(error).context("starting a thread"))
    }

    /// As the closing line names it.
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::Connect(error) => Ending::Error(error.to_string()),
            Self::Input(error) => Ending::Error(format!("{error:#}")),
            Self::Send(error) | Self::Receive(error) => Ending::from_io(error),
            Self::Frame(error) => Ending::Error(error.to_string()),
            Self::Output(error) => Ending::Error(format!("writing to standard output: {error}")),
        }
    }

    /// As the program ends on it. Who closed standard output has read what they wanted.
    pub(super) fn outcome(self, address: &Address) -> Outcome {
        Err(match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Good),
            Self::Output(error) => Failure::from(anyhow!(error).context("writing to standard output")),
            Self::Connect(error) => not_connected(error),
            Self::Input(error) => Failure::from(error.context(format!("sending to {address}"))),
            Self::Frame(error) => Failure::from(anyhow!(error).context(format!("reading from {address}"))),
            Self::Send(error) if Ending::from_io(&error) == Ending::Reset => {
                Failure::from(anyhow!("connection closed by {address} before it took all that was sent"))
            }
            Self::Receive(error) if Ending::from_io(&error) == Ending::Reset => Failure::from(anyhow!(
                "connection reset by {address}"
            ))
            .hint(
                "the program there ended it by force: it crashed, restarted, or did not like what was sent",
            ),
            Self::Send(error) => failed("sending to", address, &error),
            Self::Receive(error) => failed("reading from", address, &error),
        })
    }
}

/// A connection that did not come about, with the way to mend it.
pub(super) fn not_connected(error: ConnectError) -> Failure {
    let hint = match &error {
        ConnectError::Failed { to, attempts } => attempts.last().and_then(|last| hint(to, &last.error)),
        ConnectError::Resolve { .. } | ConnectError::Option { .. } => None,
    };
    with_hint(anyhow!(error).into(), hint)
}

/// A connection, or a datagram, that failed while something was done.
fn failed(doing: &str, address: &Address, error: &io::Error) -> Failure {
    with_hint(anyhow!("{doing} {address}: {}", explain(error)).into(), hint(address, error))
}

fn with_hint(failure: Failure, hint: Option<String>) -> Failure {
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint(to: &Address, error: &io::Error) -> Option<String> {
    let errno = Errno::from_io_error(error)?;
    Some(match (errno, to) {
        (Errno::CONNREFUSED, Address::Unix(_) | Address::UnixDatagram(_)) => {
            "the program that made this socket file has ended: start it again".to_owned()
        }
        (Errno::CONNREFUSED, _) => {
            "nothing listens there: is the server started, and is the port right?".to_owned()
        }
        (Errno::NOENT, _) => "is the server started, and is the path right?".to_owned(),
        (Errno::PROTOTYPE, Address::Unix(path)) => format!("write unix-dgram:{}", path.display()),
        (Errno::PROTOTYPE, Address::UnixDatagram(path)) => format!("write unix:{}", path.display()),
        (Errno::ACCESS, Address::Unix(path) | Address::UnixDatagram(path)) => {
            format!("connecting takes the right to write to the file: see ls -l {}", path.display())
        }
        (Errno::ACCESS, Address::Udp(_)) => "to a broadcast address, add --sockopt broadcast=on".to_owned(),
        (Errno::TIMEDOUT, _) => "the host is off, or a firewall drops what is sent to it".to_owned(),
        (Errno::HOSTUNREACH | Errno::NETUNREACH, Address::Tcp(at) | Address::Udp(at)) => {
            format!(
                "check the address, and the way to it: ip route get {}",
                at.host.as_deref().unwrap_or("::1")
            )
        }
        (Errno::MSGSIZE, _) => format!("a datagram holds at most {DATAGRAM_MAX} bytes"),
        _ => return None,
    })
}
