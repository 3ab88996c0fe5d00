//! `--trace`: the life of a connection, layer by layer, as a student may follow it: names, the handshake, every
//! read and write with its segments and messages, and how both ends come to rest.
//!
//! A [`Tracer`] is the whole; a [`ConnectionTrace`] follows one connection, for a blocking client as for a server:
//! 1. [`Tracer::looked_up`], [`Tracer::connecting`] and [`Tracer::refused`] before there is a connection,
//! 2. [`Tracer::connected`] or [`Tracer::accepted`] once it stands,
//! 3. on the [`ConnectionTrace`] whatever passes; it is dropped before the socket is closed,
//! 4. [`Tracer::closed`] after that, for the states in which both ends are left.
//!
//! The kernel is asked after each step (TCP_INFO, sock_diag), so tracing is for looking, not for speed.

mod boundaries;
mod connection;
mod event;
mod mark;
mod sentence;
mod tcp_info;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use crate::census;
use crate::errno::explain;
use crate::frame::Framing;
use crate::{Endpoint, HostPort};
use mark::preview;
use sentence::on_this_machine;

pub use connection::ConnectionTrace;
pub use event::{Direction, EndState, Event, Layer};
pub use tcp_info::TcpInfo;

/// How long the states of the two ends are watched after closing. Within a machine they come to rest in
/// microseconds; a far side that does not close leaves them as they are.
const SETTLE_LIMIT: Duration = Duration::from_millis(200);

/// How often they are looked at meanwhile.
const SETTLE_STEP: Duration = Duration::from_millis(2);

/// Writes down what happens. Clones write into the same trace.
#[derive(Clone)]
pub struct Tracer {
    started: Instant,
    /// How streams are cut into messages.
    framing: Arc<Framing>,
    /// Bytes in the largest message.
    max_frame: usize,
    sink: Arc<dyn Fn(&Line) + Send + Sync>,
}

/// One line of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Time since the trace began.
    pub at: Duration,
    /// The connection's number, in a server.
    pub connection: Option<u64>,
    /// What happened.
    pub event: Event,
}

impl Tracer {
    /// A trace that begins now and hands each line to `sink`, which may be called from several threads. The bytes
    /// of streams are followed as messages of `framing` with at most `max_frame` bytes.
    pub fn new(
        framing: Arc<Framing>,
        max_frame: usize,
        sink: impl Fn(&Line) + Send + Sync + 'static,
    ) -> Self {
        Self { started: Instant::now(), framing, max_frame, sink: Arc::new(sink) }
    }

    /// A name was looked up. An address that is none makes no line.
    pub fn looked_up(&self, at: &HostPort, took: Duration, addresses: &[SocketAddr]) {
        if let Some(name) = at.host.as_ref().filter(|host| host.parse::<IpAddr>().is_err()) {
            self.line(None, Event::LookedUp { name: name.clone(), took, addresses: addresses.to_vec() });
        }
    }

    /// A connection is asked for. Over UDP nothing is sent for that, and nothing is written.
    pub fn connecting(&self, to: &Endpoint) {
        if matches!(to, Endpoint::Tcp(_) | Endpoint::Unix(_)) {
            self.line(None, Event::Connecting { to: to.clone() });
        }
    }

    /// An address did not take the connection.
    pub fn refused(&self, to: &Endpoint, error: &io::Error) {
        let by_host = to.socket_addr().is_some() && error.kind() == io::ErrorKind::ConnectionRefused;
        self.line(None, Event::Refused { to: to.clone(), reason: explain(error).to_string(), by_host });
    }

    /// Our connection stands; follow it.
    pub fn connected(
        &self,
        local: &Endpoint,
        remote: &Endpoint,
        took: Duration,
        socket: impl AsFd,
    ) -> ConnectionTrace {
        self.line(None, Event::Connected { local: local.clone(), remote: remote.clone(), took });
        ConnectionTrace::begin(self, None, (local, remote), &socket)
    }

    /// A connection of somebody else stands; follow it.
    pub fn accepted(
        &self,
        number: u64,
        local: &Endpoint,
        remote: &Endpoint,
        socket: impl AsFd,
    ) -> ConnectionTrace {
        self.line(Some(number), Event::Accepted { local: local.clone(), remote: remote.clone() });
        ConnectionTrace::begin(self, Some(number), (local, remote), &socket)
    }

    /// A datagram came from `remote`, or went there.
    pub fn datagram(&self, direction: Direction, remote: &Endpoint, bytes: &[u8]) {
        let (remote, preview) = (remote.clone(), preview(bytes));
        self.line(None, Event::Datagram { direction, remote, bytes: bytes.len(), preview });
    }

    /// A socket of this connection has just been closed: writes the states of both ends until they rest. Blocks for
    /// at most a fifth of a second, so it is not for the thread of a reactor. `number` is the one of
    /// [`Self::accepted`].
    pub fn closed(&self, number: Option<u64>, local: &Endpoint, remote: &Endpoint) {
        let deadline = Instant::now() + SETTLE_LIMIT;
        let mut last = None;
        loop {
            let Some(states) = states(local, remote) else { return };
            if last.as_ref() != Some(&states) {
                self.line(number, states.clone());
            }
            let rests = !matches!(states, Event::States { here, there } if !here.rests() || !there.rests());
            if rests || Instant::now() >= deadline {
                return;
            }
            last = Some(states);
            std::thread::sleep(SETTLE_STEP);
        }
    }

    fn line(&self, connection: Option<u64>, event: Event) {
        (self.sink)(&Line { at: self.started.elapsed(), connection, event });
    }
}

/// The states of both ends, where the connection has any.
fn states(local: &Endpoint, remote: &Endpoint) -> Option<Event> {
    let (&Endpoint::Tcp(local), &Endpoint::Tcp(remote)) = (local, remote) else { return None };
    let (here, there) = census::tcp_states(local, remote);
    let there = if on_this_machine(local, remote) { EndState::here(there) } else { EndState::Elsewhere };
    Some(Event::States { here: EndState::here(here), there })
}

impl Line {
    /// Where in the network's building it happened.
    #[must_use]
    pub fn layer(&self) -> Layer {
        self.event.layer()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9.3} ms  ", self.at.as_secs_f64() * 1000.0)?;
        if let Some(number) = self.connection {
            write!(f, "#{number}  ")?;
        }
        write!(f, "{:<11}  {}", self.layer(), self.event)
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            #[serde(serialize_with = "as_micros")]
            at_us: Duration,
            #[serde(skip_serializing_if = "Option::is_none")]
            connection: Option<u64>,
            layer: Layer,
            #[serde(flatten)]
            event: &'a Event,
            text: String,
        }
        let (at_us, connection, layer) = (self.at, self.connection, self.layer());
        Fields { at_us, connection, layer, event: &self.event, text: self.event.to_string() }
            .serialize(serializer)
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

fn as_micros<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
