//! What a trace tells, as data.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::tcp_info::TcpInfo;
use crate::Endpoint;
use crate::census::TcpState;

/// Where in the network's building an event happens. The names are those of OSI's model where TCP/IP has the layer;
/// its session and presentation layers TCP/IP leaves to the programs, and here the frames are all there is of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// OSI 7: what the programs say to each other, and the names people use.
    Application,
    /// OSI 5 and 6: how messages are marked in the bytes.
    Message,
    /// OSI 4: TCP and UDP, from port to port.
    Transport,
    /// OSI 3: IP, from machine to machine.
    Network,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the other end to us, in reads.
    In,
    /// From us to the other end, in writes.
    Out,
}

/// What a line of the trace tells. It prints as a sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A name was looked up.
    LookedUp {
        /// The name.
        name: String,
        /// How long it took.
        #[serde(rename = "took_us", serialize_with = "super::as_micros")]
        took: Duration,
        /// What it stands for, in the order to be tried.
        addresses: Vec<SocketAddr>,
    },
    /// A connection is asked for.
    Connecting {
        /// The address.
        to: Endpoint,
    },
    /// An address did not take the connection.
    Refused {
        /// The address.
        to: Endpoint,
        /// The kernel's reason.
        reason: String,
        /// True where the other machine itself said no.
        by_host: bool,
    },
    /// The connection stands, asked for by us.
    Connected {
        /// Our end.
        local: Endpoint,
        /// The other end.
        remote: Endpoint,
        /// How long it took.
        #[serde(rename = "took_us", serialize_with = "super::as_micros")]
        took: Duration,
    },
    /// The connection stands, asked for by the other side.
    Accepted {
        /// Our end.
        local: Endpoint,
        /// The other end.
        remote: Endpoint,
    },
    /// How packets go from one end to the other.
    Route {
        /// Our end.
        from: SocketAddr,
        /// The other end.
        to: SocketAddr,
        /// The largest packet in bytes, where it is known.
        path_mtu: Option<u32>,
    },
    /// What both kernels agreed on in their SYNs.
    Agreed {
        /// The numbers.
        tcp: TcpInfo,
    },
    /// Bytes came in one read, or went in one write.
    Moved {
        /// Which way.
        direction: Direction,
        /// Which read or write, from 1.
        number: u64,
        /// How many.
        bytes: usize,
        /// Over TCP: segments with data since the last one.
        segments: Option<u32>,
    },
    /// A datagram came or went.
    Datagram {
        /// Which way.
        direction: Direction,
        /// The other end.
        remote: Endpoint,
        /// How many.
        bytes: usize,
        /// Its beginning, made harmless.
        preview: String,
    },
    /// A read or write in a stream without frames.
    Unmarked {
        /// Which way.
        direction: Direction,
        /// Which read or write, from 1.
        number: u64,
    },
    /// A read or write held more than one message.
    Stuck {
        /// Which way.
        direction: Direction,
        /// Which read or write, from 1.
        number: u64,
        /// The first message that it ended.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// A message's mark was read or written.
    Marked {
        /// Which way.
        direction: Direction,
        /// Which message, from 1.
        message: u64,
        /// The mark, read.
        mark: String,
        /// In how many reads or writes the message came.
        pieces: u64,
    },
    /// A message has not come whole.
    Split {
        /// Which way.
        direction: Direction,
        /// Which message, from 1.
        message: u64,
        /// Bytes so far, the mark included.
        so_far: usize,
        /// Bytes of the whole, where the mark says so.
        needed: Option<usize>,
    },
    /// The bytes are not what the frame asks for.
    BadFrame {
        /// Which way.
        direction: Direction,
        /// What is wrong.
        reason: String,
    },
    /// A whole message.
    Message {
        /// Which way.
        direction: Direction,
        /// Which message, from 1.
        message: u64,
        /// Its bytes, without its mark.
        bytes: usize,
        /// Its beginning, made harmless.
        preview: String,
    },
    /// More messages in one read or write than are shown.
    NotShown {
        /// Which way.
        direction: Direction,
        /// How many.
        messages: u64,
    },
    /// One direction has ended (FIN over TCP).
    Ended {
        /// `In`: the other side ended it; `Out`: we did.
        direction: Direction,
        /// Whether it is said with a FIN.
        tcp: bool,
    },
    /// The connection broke, or was given up.
    Broken {
        /// The kernel's reason.
        reason: String,
        /// True where the other side said so (RST).
        reset: bool,
    },
    /// What the kernel counted in all.
    Counted {
        /// The numbers.
        tcp: TcpInfo,
    },
    /// The states of both ends.
    States {
        /// Ours.
        here: EndState,
        /// The other's.
        there: EndState,
    },
}

/// The state of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndState {
    /// As this machine's kernel has it.
    In(TcpState),
    /// The kernel has forgotten it.
    Gone,
    /// It is on another machine, whose kernel alone knows.
    Elsewhere,
}

impl Event {
    /// Where it happens.
    #[must_use]
    pub fn layer(&self) -> Layer {
        match self {
            Self::LookedUp { .. } | Self::Message { .. } => Layer::Application,
            Self::Unmarked { .. }
            | Self::Stuck { .. }
            | Self::Marked { .. }
            | Self::Split { .. }
            | Self::BadFrame { .. }
            | Self::NotShown { .. } => Layer::Message,
            Self::Route { .. } => Layer::Network,
            _ => Layer::Transport,
        }
    }
}

impl EndState {
    /// From what this machine's kernel has.
    pub(super) fn here(state: Option<TcpState>) -> Self {
        state.map_or(Self::Gone, Self::In)
    }

    /// Whether nothing more happens to it, as far as this machine can know.
    pub(super) fn rests(self) -> bool {
        matches!(self, Self::In(TcpState::TimeWait) | Self::Gone | Self::Elsewhere)
    }
}

impl Serialize for EndState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
