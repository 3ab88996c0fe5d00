//! One connection, step by step.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use super::boundaries::{self, Boundaries, Left, Whole};
use super::event::{Direction, Event};
use super::mark::{mark, preview};
use super::tcp_info::TcpInfo;
use super::{Tracer, states};
use crate::errno::explain;
use crate::frame::{Frame, Framing};
use crate::{Endpoint, Observer};

/// Messages of one read or write that are shown; a read may hold thousands of small ones.
const SHOWN_MESSAGES: u64 = 16;

/// Follows one connection. Its last words are the kernel's counts, when it is dropped.
pub struct ConnectionTrace {
    tracer: Tracer,
    number: Option<u64>,
    local: Endpoint,
    remote: Endpoint,
    /// A second descriptor of the connection, to ask for its counts; none where there are no counts.
    socket: Option<OwnedFd>,
    incoming: Mutex<Side>,
    outgoing: Mutex<Side>,
}

/// One direction.
struct Side {
    direction: Direction,
    /// Reads or writes so far.
    calls: u64,
    /// Segments with data so far.
    segments: u32,
    boundaries: Boundaries,
}

impl ConnectionTrace {
    /// These bytes came in one read, or as one datagram.
    pub fn read(&self, bytes: &[u8]) {
        self.moved(&self.incoming, bytes);
    }

    /// These bytes went in one write, or as one datagram.
    pub fn wrote(&self, bytes: &[u8]) {
        self.moved(&self.outgoing, bytes);
    }

    /// The other side will send nothing more: a read gave its end.
    pub fn end_of_input(&self) {
        self.line(Event::Ended { direction: Direction::In, tcp: self.over_tcp() });
        self.states();
        let mut side = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let call = side.calls;
        for event in side.messages(&self.tracer.framing, call, None) {
            self.line(event);
        }
    }

    /// We will send nothing more.
    pub fn end_of_output(&self) {
        self.line(Event::Ended { direction: Direction::Out, tcp: self.over_tcp() });
        self.states();
    }

    /// A read or a write failed, or a limit of time has passed.
    pub fn failed(&self, error: &io::Error) {
        let reset = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
        self.line(Event::Broken { reason: explain(error).to_string(), reset });
        self.states();
    }

    pub(super) fn begin(
        tracer: &Tracer,
        number: Option<u64>,
        (local, remote): (&Endpoint, &Endpoint),
        socket: &impl AsFd,
    ) -> Self {
        let side = |direction| {
            let boundaries = Boundaries::new(Arc::clone(&tracer.framing), tracer.max_frame);
            Mutex::new(Side { direction, calls: 0, segments: 0, boundaries })
        };
        let info = TcpInfo::of(socket).ok();
        let trace = Self {
            tracer: tracer.clone(),
            number,
            local: local.clone(),
            remote: remote.clone(),
            // Without counts the trace says less, and goes on.
            socket: info.and_then(|_| socket.as_fd().try_clone_to_owned().ok()),
            incoming: side(Direction::In),
            outgoing: side(Direction::Out),
        };
        if let (Some(from), Some(to)) = (local.socket_addr(), remote.socket_addr()) {
            trace.line(Event::Route { from, to, path_mtu: info.map(|tcp| tcp.path_mtu) });
        }
        if let Some(tcp) = info {
            trace.line(Event::Agreed { tcp });
        }
        trace.states();
        trace
    }

    fn moved(&self, side: &Mutex<Side>, bytes: &[u8]) {
        // Held until all is written, so that the lines of one step stand together.
        let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
        let direction = side.direction;
        if matches!(self.remote, Endpoint::Udp(_) | Endpoint::UnixDatagram(_)) {
            let (remote, preview) = (self.remote.clone(), preview(bytes));
            return self.line(Event::Datagram { direction, remote, bytes: bytes.len(), preview });
        }
        side.calls += 1;
        let number = side.calls;
        let segments = self.info().map(|tcp| side.new_segments(&tcp));
        let moved = Event::Moved { direction, number, bytes: bytes.len(), segments };
        let messages = side.messages(&self.tracer.framing, number, Some(bytes));
        // Bytes that come rise from the transport; bytes that go have come down to it.
        let (first, last) = match direction {
            Direction::In => (Some(moved), None),
            Direction::Out => (None, Some(moved)),
        };
        for event in first.into_iter().chain(messages).chain(last) {
            self.line(event);
        }
    }

    fn info(&self) -> Option<TcpInfo> {
        TcpInfo::of(self.socket.as_ref()?).ok()
    }

    fn states(&self) {
        if let Some(states) = states(&self.local, &self.remote) {
            self.line(states);
        }
    }

    fn over_tcp(&self) -> bool {
        matches!(self.local, Endpoint::Tcp(_))
    }

    fn line(&self, event: Event) {
        self.tracer.line(self.number, event);
    }
}

/// Messages are followed where they come, so what a service says of them is not needed.
impl Observer for ConnectionTrace {
    fn read(&mut self, bytes: &[u8]) {
        Self::read(self, bytes);
    }

    fn message(&mut self, _: &Frame<'_>) {}

    fn unfinished(&mut self, _: &[u8]) {}

    fn wrote(&mut self, bytes: &[u8]) {
        Self::wrote(self, bytes);
    }

    fn end_of_input(&mut self) {
        Self::end_of_input(self);
    }

    fn end_of_output(&mut self) {
        Self::end_of_output(self);
    }
}

impl Drop for ConnectionTrace {
    fn drop(&mut self) {
        if let Some(tcp) = self.info() {
            self.line(Event::Counted { tcp });
        }
    }
}

impl Side {
    fn new_segments(&mut self, tcp: &TcpInfo) -> u32 {
        let now = match self.direction {
            Direction::In => tcp.data_segments_in,
            Direction::Out => tcp.data_segments_out,
        };
        now.saturating_sub(std::mem::replace(&mut self.segments, now))
    }

    /// What this read or write, or the end of the stream, was to the messages: from the bytes up to the program for
    /// those that come, the other way for those that go.
    fn messages(&mut self, framing: &Framing, call: u64, bytes: Option<&[u8]>) -> Vec<Event> {
        let direction = self.direction;
        let mut events = Vec::new();
        let mut shown = 0;
        let mut first = None;
        let show = |whole: Whole<'_>| {
            first.get_or_insert(whole.number);
            shown += 1;
            if shown > SHOWN_MESSAGES {
                return;
            }
            let Whole { number: message, pieces, frame } = whole;
            let payload = frame.payload;
            let mark = match mark(framing, &frame) {
                Some(mark) => Event::Marked { direction, message, mark, pieces },
                None => Event::Unmarked { direction, number: message },
            };
            events.push(mark);
            events.push(Event::Message {
                direction,
                message,
                bytes: payload.len(),
                preview: preview(payload),
            });
            if direction == Direction::Out {
                let marked = events.len() - 2;
                events[marked..].reverse();
            }
        };
        let Left { ended, split, error } = match bytes {
            Some(bytes) => self.boundaries.feed(bytes, show),
            None => self.boundaries.finish(show),
        };
        if let Some(messages) = ended.checked_sub(SHOWN_MESSAGES).filter(|more| *more > 0) {
            events.push(Event::NotShown { direction, messages });
        }
        if let Some(split) = split {
            let boundaries::Split { number: message, so_far, needed } = split;
            events.push(Event::Split { direction, message, so_far, needed });
        }
        if let Some(error) = error {
            events.push(Event::BadFrame { direction, reason: error.to_string() });
        }
        if let Some(first) = first.filter(|_| ended > 1) {
            let stuck = Event::Stuck { direction, number: call, first, last: first + ended - 1 };
            match direction {
                Direction::In => events.insert(0, stuck),
                Direction::Out => events.push(stuck),
            }
        }
        events
    }
}
