//! The service `forward`: joins a connection, or a sender of datagrams, with another address of any kind.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::datagram::{Caller, DATAGRAM_MAX};
use crate::dial::{Far, Link, dial};
use crate::listen::DatagramSocket;
use crate::messages::{MessageReader, send};
use crate::pump::join;
use crate::session::{IdleTimer, Session};
use crate::{Address, Ending};

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
        Ok(Far::Datagram(link)) => stream_to_datagrams(stream, session, &link).await,
        Err(error) => Err(Ending::Error(error.to_string())),
    };
    ending
}

/// Each message of the stream becomes a datagram, and each datagram that comes back a message.
async fn stream_to_datagrams<S>(stream: &mut S, session: &mut Session, link: &Link) -> Result<Ending, Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = MessageReader::new(session);
    let mut idle = IdleTimer::new(session.idle);
    let mut buffer = vec![0; DATAGRAM_MAX];
    let mut speaking = true;
    loop {
        tokio::select! {
            message = reader.next(stream, session), if speaking => match message? {
                Some(message) => {
                    fits_a_datagram(message.payload())?;
                    link.send(message.payload()).await.map_err(|error| far_failed(&error))?;
                }
                None => {
                    speaking = false;
                    idle = IdleTimer::new(Some(LAST_ANSWER));
                }
            },
            received = link.recv(&mut buffer) => {
                let length = received.map_err(|error| far_failed(&error))?;
                let mut framed = Vec::new();
                let answer = session.framing.encode(&buffer[..length], &mut framed);
                answer.map_err(|error| Ending::Error(error.to_string()))?;
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
        Ok(Far::Stream(far)) => datagrams_to_stream(&mut datagrams, session, far, back).await,
        Ok(Far::Datagram(link)) => datagrams_to_datagrams(&mut datagrams, session, &link, back).await,
        Err(error) => Err(Ending::Error(error.to_string())),
    };
    ending
}

async fn datagrams_to_stream(
    datagrams: &mut mpsc::Receiver<Arc<[u8]>>,
    session: &mut Session,
    mut far: crate::Stream,
    back: &WayBack,
) -> Result<Ending, Ending> {
    use tokio::io::AsyncWriteExt as _;
    let mut reader = MessageReader::new(session);
    let mut idle = IdleTimer::new(session.idle);
    // The tally counts what the client sends and gets; the reader of the far side must not count it again.
    let mut far_session = session.for_far_side();
    loop {
        tokio::select! {
            datagram = datagrams.recv() => {
                let Some(datagram) = datagram else { return Ok(Ending::Eof) };
                session.note_datagram(&datagram);
                let mut framed = Vec::new();
                let message = session.framing.encode(&datagram, &mut framed);
                message.map_err(|error| Ending::Error(error.to_string()))?;
                far.write_all(&framed).await.map_err(|error| far_failed(&error))?;
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
    back: &WayBack,
) -> Result<Ending, Ending> {
    let mut idle = IdleTimer::new(session.idle);
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        tokio::select! {
            datagram = datagrams.recv() => {
                let Some(datagram) = datagram else { return Ok(Ending::Eof) };
                session.note_datagram(&datagram);
                link.send(&datagram).await.map_err(|error| far_failed(&error))?;
            }
            received = link.recv(&mut buffer) => {
                let length = received.map_err(|error| far_failed(&error))?;
                back.send(&buffer[..length]).await?;
                session.note_wrote(&buffer[..length]);
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

fn far_failed(error: &io::Error) -> Ending {
    Ending::Error(format!("the far side: {error}"))
}
