//! Machines that are played, in memory.

use std::future::{Future, pending};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::ask::{Answering, Answers, Asking, Question};
use crate::command::{Command, Size};
use crate::config::{Settings, StrictHostKeyChecking};
use crate::fan::{Event, Fan, Plan, Source, Stop, What, run};
use crate::machine::{Hop, Machine};
use crate::outcome::{ConnectError, Outcome, Unreachable};
use crate::testing;
use crate::transport::{Doing, Input, Piece, Session, Signal, Transport};

/// How long a person thinks about a question.
pub(super) const THINKS: Duration = Duration::from_secs(3600);

/// What a machine does when one comes to it.
pub(super) enum Door {
    /// It runs the command, which is played.
    Opens(Pin<Box<dyn Future<Output = Outcome> + Send>>),
    /// It opens after a time.
    Late(Duration, Pin<Box<dyn Future<Output = Outcome> + Send>>),
    Refuses,
    /// It says nothing, for ever.
    Silent,
    /// A defect of the transport.
    Breaks,
    /// It opens after a question, about which a person thinks for [`THINKS`].
    Asks(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

/// The command's side of a session.
pub(super) struct Far {
    pieces: mpsc::Sender<Piece>,
    pub(super) signals: mpsc::UnboundedReceiver<Signal>,
    /// An empty piece is the end.
    pub(super) input: mpsc::Receiver<Bytes>,
}

type Play = dyn Fn(&str, Far) -> Door + Send + Sync;

/// All machines, and what was seen of them.
pub(super) struct Land {
    play: Box<Play>,
    /// Bytes that sessions have given.
    taken: Arc<AtomicUsize>,
    /// Machines under way now, and at most at one time.
    under_way: Arc<(AtomicUsize, AtomicUsize)>,
    seen: Arc<Mutex<Vec<String>>>,
    asking: Asking,
}

/// Thinks about every question for [`THINKS`].
struct Slow;

pub(super) fn opens(play: impl Future<Output = Outcome> + Send + 'static) -> Door {
    Door::Opens(Box::pin(play))
}

pub(super) fn late(after: u64, play: impl Future<Output = Outcome> + Send + 'static) -> Door {
    Door::Late(Duration::from_secs(after), Box::pin(play))
}

pub(super) fn asks(play: impl Future<Output = Outcome> + Send + 'static) -> Door {
    Door::Asks(Box::pin(play))
}

/// Waits for ever.
pub(super) async fn never() -> Outcome {
    pending().await
}

impl Far {
    pub(super) async fn say(&self, text: impl Into<Bytes>) {
        self.piece(Piece::Out(text.into())).await;
    }

    pub(super) async fn complain(&self, text: impl Into<Bytes>) {
        self.piece(Piece::Err(text.into())).await;
    }

    async fn piece(&self, piece: Piece) {
        let _ = self.pieces.send(piece).await;
    }

    /// Prints without end, in pieces of this size.
    pub(super) async fn flood(self, size: usize) -> Outcome {
        let piece = Bytes::from(vec![b'y'; size]);
        loop {
            self.say(piece.clone()).await;
        }
    }

    /// What it reads next; None at the end of its input.
    async fn read(&mut self) -> Option<Bytes> {
        match self.input.recv().await {
            Some(bytes) => Some(bytes).filter(|bytes| !bytes.is_empty()),
            None => pending().await,
        }
    }

    /// Reads all of its input, and gives it back in one piece.
    pub(super) async fn cat(mut self) -> Outcome {
        let mut all = Vec::new();
        while let Some(bytes) = self.read().await {
            all.extend_from_slice(&bytes);
        }
        self.say(all).await;
        Outcome::Exit(0)
    }

    /// Runs until one of these signals comes.
    pub(super) async fn until(mut self, deadly: &'static [Signal]) -> Outcome {
        loop {
            if let Some(signal) = self.signals.recv().await
                && deadly.contains(&signal)
            {
                self.say("dying words").await;
                return Outcome::Signal { name: format!("{signal:?}"), core: false };
            }
        }
    }
}

impl Land {
    pub(super) fn new(play: impl Fn(&str, Far) -> Door + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            play: Box::new(play),
            taken: Arc::default(),
            under_way: Arc::default(),
            seen: Arc::default(),
            asking: Asking::new(Arc::new(Slow)),
        })
    }

    /// What happened over there, in order: `n1: Terminate`, `n1: closed`, `n1: dropped`.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn bytes_taken(&self) -> usize {
        self.taken.load(SeqCst)
    }

    pub(super) fn most_under_way(&self) -> usize {
        self.under_way.1.load(SeqCst)
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.0.load(SeqCst)
    }

    pub(super) fn run(self: &Arc<Self>, machines: usize, plan: Plan, stop: &Stop) -> Fan {
        self.run_with(machines, plan, None, stop)
    }

    pub(super) fn run_with(
        self: &Arc<Self>,
        machines: usize,
        plan: Plan,
        source: Option<Source>,
        stop: &Stop,
    ) -> Fan {
        let machines = (0..machines).map(|number| machine(&format!("n{number}"))).collect();
        let command = Arc::new(Command::new("true"));
        run(Arc::clone(self), machines, command, plan, source, stop).unwrap()
    }
}

/// What happened on one machine.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) started: bool,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    pub(super) outcome: Option<Outcome>,
}

/// Reads a run to its end. Each machine's events are in order, and it ends once.
pub(super) async fn stories(fan: &mut Fan, machines: usize) -> Vec<Story> {
    let mut stories: Vec<Story> = (0..machines).map(|_| Story::default()).collect();
    while let Some(Event { machine, what }) = fan.next().await {
        let story = &mut stories[machine];
        assert!(story.outcome.is_none(), "{machine} has ended, and now {what:?}");
        match what {
            What::Started => assert!(!std::mem::replace(&mut story.started, true)),
            What::Out(bytes) => story.out.extend_from_slice(&bytes),
            What::Err(bytes) => story.err.extend_from_slice(&bytes),
            What::Ended(outcome) => story.outcome = Some(outcome),
        }
    }
    assert!(stories.iter().all(|story| story.outcome.is_some()), "{stories:?}");
    stories
}

/// A source of these pieces.
pub(super) fn source(pieces: impl IntoIterator<Item = io::Result<Bytes>>) -> Source {
    let pieces: Vec<_> = pieces.into_iter().collect();
    let (sender, source) = mpsc::channel(pieces.len().max(1));
    for piece in pieces {
        sender.try_send(piece).unwrap();
    }
    source
}

fn machine(name: &str) -> Machine {
    let settings = Settings {
        user_known_hosts: vec![PathBuf::from("known_hosts")],
        strict: StrictHostKeyChecking::Yes,
        connect_timeout: Some(Duration::from_secs(90)),
        ask: false,
        password: false,
        keyboard_interactive: false,
        ..testing::settings()
    };
    let end = Hop { user: "ops".to_owned(), host: name.to_owned(), port: 22, settings: Arc::new(settings) };
    Machine { name: name.to_owned(), end, via: Vec::new() }
}

/// Somebody is under way as long as this is there.
struct UnderWay(Arc<(AtomicUsize, AtomicUsize)>);

impl UnderWay {
    fn new(count: &Arc<(AtomicUsize, AtomicUsize)>) -> Self {
        let now = count.0.fetch_add(1, SeqCst) + 1;
        count.1.fetch_max(now, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

impl Answers for Slow {
    fn ask<'a>(&'a self, _: &'a Question) -> Answering<'a> {
        Box::pin(async {
            tokio::time::sleep(THINKS).await;
            None
        })
    }

    fn banner(&self, _: &Hop, _: &str) {}
}

impl Transport for Land {
    type Session = Played;

    async fn start(&self, machine: &Machine, _: &Command, doing: &Doing) -> Result<Played, Unreachable> {
        let under_way = UnderWay::new(&self.under_way);
        doing.heed(&self.asking);
        doing.begin(&machine.end, "handshake");
        let (sender, pieces) = mpsc::channel(1);
        let (signals, heard) = mpsc::unbounded_channel();
        let (input, read) = mpsc::channel(1);
        let far = Far { pieces: sender.clone(), signals: heard, input: read };
        let play = match (self.play)(&machine.name, far) {
            Door::Opens(play) => play,
            Door::Late(after, play) => {
                tokio::time::sleep(after).await;
                play
            }
            Door::Refuses => {
                let reason = ConnectError::Dial(io::ErrorKind::ConnectionRefused.into());
                return Err(Unreachable { hop: machine.end.to_string(), reason });
            }
            Door::Silent => pending().await,
            Door::Breaks => panic!("this is meant to be a defect"),
            Door::Asks(play) => {
                let question = Question::Password { login: "ops".to_owned(), again: false };
                self.asking.ask(&question).await;
                play
            }
        };
        let playing = tokio::spawn(async move {
            let outcome = play.await;
            let _ = sender.send(Piece::End(outcome)).await;
        });
        Ok(Played {
            name: machine.name.clone(),
            pieces,
            signals,
            input: Some(Reading(input)),
            taken: Arc::clone(&self.taken),
            seen: Arc::clone(&self.seen),
            _playing: AbortOnDropHandle::new(playing),
            _under_way: under_way,
        })
    }
}

pub(super) struct Played {
    name: String,
    pieces: mpsc::Receiver<Piece>,
    signals: mpsc::UnboundedSender<Signal>,
    input: Option<Reading>,
    taken: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
    _playing: AbortOnDropHandle<()>,
    _under_way: UnderWay,
}

impl Played {
    fn note(&self, what: &str) {
        self.seen.lock().unwrap().push(format!("{}: {what}", self.name));
    }
}

impl Session for Played {
    type Input = Reading;

    async fn next(&mut self) -> Piece {
        let piece = self.pieces.recv().await;
        if let Some(Piece::Out(bytes) | Piece::Err(bytes)) = &piece {
            self.taken.fetch_add(bytes.len(), SeqCst);
        }
        piece.unwrap_or_else(|| Piece::End(Outcome::Lost("the machine is gone".to_owned())))
    }

    fn input(&mut self) -> Option<Reading> {
        self.input.take()
    }

    async fn signal(&mut self, signal: Signal) {
        self.note(&format!("{signal:?}"));
        let _ = self.signals.send(signal);
    }

    async fn resize(&mut self, _: Size) {}

    async fn close(self) {
        self.note("closed");
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

/// Takes one piece ahead of what the command reads.
pub(super) struct Reading(mpsc::Sender<Bytes>);

impl Input for Reading {
    async fn write(&mut self, bytes: Bytes) -> bool {
        self.0.send(bytes).await.is_ok()
    }

    async fn end(self) {
        let _ = self.0.send(Bytes::new()).await;
    }
}
