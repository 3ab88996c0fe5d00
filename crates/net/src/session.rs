//! What the bytes of one connection pass on their way through a service: they are cut into messages, counted,
//! bounded in time and memory, and shown to who asked to see them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::Ending;
use crate::buffer::Budget;
use crate::frame::{Decoder, Frame, Framing};
use crate::peer::{Peer, Tally};

/// Sees what passes over one connection: `-v` and `--trace` are observers. Each hears of what it asks for.
pub trait Observer: Send {
    /// These bytes came in one read.
    fn read(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// This message was whole; it is the next one after the last.
    fn message(&mut self, frame: &Frame<'_>) {
        let _ = frame;
    }

    /// After the messages of a read, these bytes of a message that is not whole yet were left.
    fn unfinished(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// These bytes were handed to the kernel in one write.
    fn wrote(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// The other end will send nothing more.
    fn end_of_input(&mut self) {}

    /// Our end will send nothing more.
    fn end_of_output(&mut self) {}

    /// The connection ended like this. It is closed when the observer is dropped.
    fn ended(&mut self, ending: &Ending) {
        let _ = ending;
    }
}

/// One connection as its service sees it.
pub(crate) struct Session {
    /// Who is at the ends.
    pub(crate) peer: Arc<Peer>,
    /// How its bytes are cut into messages.
    pub(crate) framing: Arc<Framing>,
    /// Bytes in its largest message.
    pub(crate) max_frame: usize,
    /// How long nothing may move on it.
    pub(crate) idle: Option<Duration>,
    /// What went over it.
    pub(crate) tally: Arc<Tally>,
    /// What all connections of the server may keep waiting.
    pub(crate) budget: Arc<Budget>,
    /// Who watches, if anybody.
    pub(crate) observer: Option<Box<dyn Observer>>,
    /// Whether the other end has said that it will send nothing more.
    pub(crate) input_ended: bool,
    /// Whether our end has.
    pub(crate) output_ended: bool,
}

impl Session {
    /// The same connection for the side behind a `forward`, whose bytes are not counted again.
    pub(crate) fn for_far_side(&self) -> Self {
        Self {
            peer: Arc::clone(&self.peer),
            framing: Arc::clone(&self.framing),
            budget: Arc::clone(&self.budget),
            tally: Arc::default(),
            observer: None,
            input_ended: false,
            output_ended: false,
            ..*self
        }
    }

    pub(crate) fn decoder(&self) -> Decoder {
        Decoder::new(Arc::clone(&self.framing), self.max_frame)
    }

    /// A message with its mark, as it goes over the connection.
    pub(crate) fn framed(&self, message: &[u8]) -> Result<Vec<u8>, Ending> {
        let mut framed = Vec::new();
        self.framing.encode(message, &mut framed).map_err(|error| Ending::Error(error.to_string()))?;
        Ok(framed)
    }

    pub(crate) fn note_read(&mut self, bytes: &[u8]) {
        self.tally.add_received(bytes.len());
        if let Some(observer) = &mut self.observer {
            observer.read(bytes);
        }
    }

    pub(crate) fn note_message(&mut self, frame: &Frame<'_>) {
        self.tally.add_messages(1);
        self.show_message(frame);
    }

    /// For who counts messages many at a time.
    pub(crate) fn show_message(&mut self, frame: &Frame<'_>) {
        if let Some(observer) = &mut self.observer {
            observer.message(frame);
        }
    }

    /// A datagram is a read and a message at once.
    pub(crate) fn note_datagram(&mut self, bytes: &[u8]) {
        self.note_read(bytes);
        self.note_message(&Frame { prefix: &[], payload: bytes, suffix: &[] });
    }

    pub(crate) fn note_unfinished(&mut self, bytes: &[u8]) {
        if let Some(observer) = &mut self.observer {
            observer.unfinished(bytes);
        }
    }

    pub(crate) fn note_wrote(&mut self, bytes: &[u8]) {
        self.tally.add_sent(bytes.len());
        if let Some(observer) = &mut self.observer {
            observer.wrote(bytes);
        }
    }

    pub(crate) fn note_end_of_input(&mut self) {
        self.input_ended = true;
        if let Some(observer) = &mut self.observer {
            observer.end_of_input();
        }
    }

    /// Told once, however often it is noted.
    pub(crate) fn note_end_of_output(&mut self) {
        if !std::mem::replace(&mut self.output_ended, true)
            && let Some(observer) = &mut self.observer
        {
            observer.end_of_output();
        }
    }
}

/// Waits for one piece of work, at most as long as nothing may move.
pub(crate) async fn within<T>(idle: Option<Duration>, work: impl Future<Output = T>) -> Result<T, Ending> {
    match idle {
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| Ending::Timeout),
        None => Ok(work.await),
    }
}

/// Fires when nothing moved for as long as was allowed. A move only stores the time; the timer itself is set anew
/// when it fires too early, so that a busy connection pays one clock reading a turn.
pub(crate) struct IdleTimer(Option<Box<Armed>>);

struct Armed {
    limit: Duration,
    last: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl IdleTimer {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self(limit.map(|limit| {
            Box::new(Armed { limit, last: Instant::now(), sleep: Box::pin(tokio::time::sleep(limit)) })
        }))
    }

    /// Something moved.
    pub(crate) fn touch(&mut self) {
        if let Some(armed) = &mut self.0 {
            armed.last = Instant::now();
        }
    }

    /// Ready when the limit has passed without a move; never, without a limit.
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(armed) = &mut self.0 else { return Poll::Pending };
        while armed.sleep.as_mut().poll(cx).is_ready() {
            let due = armed.last + armed.limit;
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            armed.sleep.as_mut().reset(due);
        }
        Poll::Pending
    }
}
