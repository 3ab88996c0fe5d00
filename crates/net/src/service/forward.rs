//! The service `forward`: joins a connection, or a sender of datagrams, with another address of any kind.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::datagram::{Caller, DATAGRAM_MAX};
use crate::dial::{Far, Link, dial};
use crate::errno::explain;
use crate::listen::DatagramSocket;
use crate::messages::{MessageReader, send};
use crate::pump::join;
use crate::session::{IdleTimer, Session, within};
use crate::{Address, Ending, Stream};

/// How long a far side that speaks in datagrams may be silent once the client has sent its last: datagrams have no
/// end, so only silence can tell.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// Joins a stream with `to`.
pub(crate) async fn forward<S>(stream: &mut S, session: &mut Session, to: &Address) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (Ok(ending) | Err(ending)) = match dial(to).await {
        Ok(Far::Stream(mut far)) => Ok(join(stream, &mut far, session, std::future::pending()).await),
        Ok(Far::Datagram(link)) => stream_to_datagrams(stream, session, &link, to).await,
        Err(error) => Err(Ending::Error(error.to_string())),
    };
    ending
}

/// Each message of the stream becomes a datagram, and each datagram that comes back a message.
async fn stream_to_datagrams<S>(
    stream: &mut S,
    session: &mut Session,
    link: &Link,
    to: &Address,
) -> Result<Ending, Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = MessageReader::new(session);
    let mut idle = IdleTimer::new(session.idle);
    let mut speaking = true;
    loop {
        tokio::select! {
            message = reader.next(stream, session), if speaking => match message? {
                Some(message) => {
                    fits_a_datagram(message.payload())?;
                    sent(to, session.idle, link.send(message.payload())).await?;
                }
                None => {
                    speaking = false;
                    idle = IdleTimer::new(Some(LAST_ANSWER));
                }
            },
            received = link.recv() => {
                let datagram = received.map_err(|error| far_failed(to, &error))?;
                let framed = session.framed(&datagram)?;
                send(stream, session, &framed).await?;
            }
            () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => {
                return if speaking { Err(Ending::Timeout) } else { Ok(Ending::Eof) };
            }
        }
        idle.touch();
    }
}

/// Joins one sender of datagrams with `to`: what it sends arrives through `datagrams`, what goes back to it is given
/// to `back`. Ends when either side does, or nothing moved for the session's idle time.
pub(crate) async fn forward_datagrams(
    mut datagrams: mpsc::Receiver<Arc<[u8]>>,
    session: &mut Session,
    to: &Address,
    back: &WayBack,
) -> Ending {
    let (Ok(ending) | Err(ending)) = match dial(to).await {
        Ok(Far::Stream(far)) => datagrams_to_stream(&mut datagrams, session, far, to, back).await,
        Ok(Far::Datagram(link)) => datagrams_to_datagrams(&mut datagrams, session, &link, to, back).await,
        Err(error) => Err(Ending::Error(error.to_string())),
    };
    ending
}

async fn datagrams_to_stream(
    datagrams: &mut mpsc::Receiver<Arc<[u8]>>,
    session: &mut Session,
    mut far: Stream,
    to: &Address,
    back: &WayBack,
) -> Result<Ending, Ending> {
    let mut reader = MessageReader::new(session);
    let mut idle = IdleTimer::new(session.idle);
    // The tally counts what the client sends and gets; the reader of the far side must not count it again.
    let mut far_session = session.for_far_side();
    loop {
        tokio::select! {
            datagram = datagrams.recv() => {
                let Some(datagram) = datagram else { return Ok(Ending::Eof) };
                session.note_datagram(&datagram);
                let framed = session.framed(&datagram)?;
                sent(to, session.idle, far.write_all(&framed)).await?;
            }
            message = reader.next(&mut far, &mut far_session) => {
                let Some(message) = message? else { return Ok(Ending::Eof) };
                fits_a_datagram(message.payload())?;
                back.send(message.payload()).await?;
                session.note_wrote(message.payload());
            }
            () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => return Err(Ending::Timeout),
        }
        idle.touch();
    }
}

async fn datagrams_to_datagrams(
    datagrams: &mut mpsc::Receiver<Arc<[u8]>>,
    session: &mut Session,
    link: &Link,
    to: &Address,
    back: &WayBack,
) -> Result<Ending, Ending> {
    let mut idle = IdleTimer::new(session.idle);
    loop {
        tokio::select! {
            datagram = datagrams.recv() => {
                let Some(datagram) = datagram else { return Ok(Ending::Eof) };
                session.note_datagram(&datagram);
                sent(to, session.idle, link.send(&datagram)).await?;
            }
            received = link.recv() => {
                let datagram = received.map_err(|error| far_failed(to, &error))?;
                back.send(&datagram).await?;
                session.note_wrote(&datagram);
            }
            () = std::future::poll_fn(|cx| idle.poll_expired(cx)) => return Err(Ending::Timeout),
        }
        idle.touch();
    }
}

/// The way back to a sender of datagrams.
pub(crate) struct WayBack {
    pub(crate) socket: Arc<DatagramSocket>,
    pub(crate) caller: Caller,
}

impl WayBack {
    async fn send(&self, bytes: &[u8]) -> Result<(), Ending> {
        self.socket.send_to(bytes, &self.caller).await.map_err(|error| Ending::from_io(&error))
    }
}

fn fits_a_datagram(message: &[u8]) -> Result<(), Ending> {
    if message.len() > DATAGRAM_MAX {
        let length = message.len();
        return Err(Ending::Limit(format!(
            "a message of {length} bytes does not fit into a datagram of {DATAGRAM_MAX}"
        )));
    }
    Ok(())
}

/// Waits until the far side has taken something, and not for ever.
async fn sent(
    to: &Address,
    idle: Option<Duration>,
    sending: impl Future<Output = io::Result<()>>,
) -> Result<(), Ending> {
    within(idle, sending).await?.map_err(|error| far_failed(to, &error))
}

fn far_failed(to: &Address, error: &io::Error) -> Ending {
    Ending::Error(format!("the far side {to}: {}", explain(error)))
}

#[cfg(test)]
mod tests;
