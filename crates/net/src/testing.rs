//! What several tests need: another program, patience with the kernel, and connections that live in memory.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::buffer::Budget;
use crate::frame::{Frame, Framing};
use crate::session::Session;
use crate::{Ending, Endpoint, Observer, Peer};

/// A python3 that lives until it is dropped.
pub(crate) struct Python(Child);

impl Python {
    /// Starts a program, which must print one line when it is ready, and gives that line. `socket`, `sys` and
    /// `os` are imported; the argument is `sys.argv[1]`.
    pub(crate) fn run(program: &str, argument: &str) -> (Self, String) {
        let program = format!("import socket,sys,os\n{program}\nsys.stdout.flush()\nsys.stdin.read()");
        let mut child = Command::new("python3")
            .args(["-c", &program, argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "python3 ended before it was ready");
        (Self(child), line.trim().to_owned())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the kernel gets there, which takes it microseconds.
pub(crate) fn eventually<T: PartialEq + Debug>(wanted: &T, look: impl Fn() -> T) {
    let start = Instant::now();
    while look() != *wanted {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?} and not {wanted:?}", look());
        std::thread::yield_now();
    }
}

/// A listener of this machine whose backlog is full, so that connecting to it waits; and the connection that fills it.
pub(crate) fn full_listener() -> (std::net::TcpListener, std::net::TcpStream) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let listener = std::net::TcpListener::from(listener);
    let waiting = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener, waiting)
}

/// Whether the process of this number runs.
pub(crate) fn is_alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // Z is a process that has ended, of which its parent is yet to hear (proc(5)).
    status.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

/// A connection of one who is at a socket file, as a service sees it, with frames of at most 1 MiB.
pub(crate) fn session(frame: &str) -> Session {
    let max_frame = 1024 * 1024;
    Session {
        peer: Arc::new(Peer {
            id: 1,
            local: Endpoint::Unix("/test.sock".into()),
            remote: Endpoint::Process { pid: 7, uid: 1000 },
        }),
        framing: Arc::new(Framing::parse(frame, None).expect(frame)),
        max_frame,
        idle: None,
        tally: Arc::default(),
        budget: Arc::new(Budget::for_messages_of(max_frame)),
        observer: None,
        input_ended: false,
        output_ended: false,
    }
}

/// What a connection's observer saw, a line for each time it was told something.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn observer(&self) -> Option<Box<dyn Observer>> {
        Some(Box::new(self.clone()))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, what: &str, bytes: &[u8]) {
        self.0.lock().unwrap().push(format!("{what} {}", bytes.escape_ascii()).trim_end().to_owned());
    }
}

impl Observer for Seen {
    fn read(&mut self, bytes: &[u8]) {
        self.note("read", bytes);
    }

    fn message(&mut self, frame: &Frame<'_>) {
        self.note("message", frame.payload);
    }

    fn unfinished(&mut self, bytes: &[u8]) {
        self.note("unfinished", bytes);
    }

    fn wrote(&mut self, bytes: &[u8]) {
        self.note("wrote", bytes);
    }

    fn end_of_input(&mut self) {
        self.note("end of input", b"");
    }

    fn end_of_output(&mut self) {
        self.note("end of output", b"");
    }

    fn ended(&mut self, ending: &Ending) {
        self.note("ended", ending.to_string().as_bytes());
    }
}

/// A stream whose reads are what was written down beforehand, each read one piece; an empty one is the end of input.
/// After the last one comes the error, or without one nothing ever. Writes succeed and go nowhere.
pub(crate) struct Script {
    reads: VecDeque<&'static [u8]>,
    then: Option<io::ErrorKind>,
    told: Option<oneshot::Receiver<()>>,
}

impl Script {
    pub(crate) fn new(reads: &[&'static [u8]], then: Option<io::ErrorKind>) -> Self {
        Self { reads: reads.iter().copied().collect(), then, told: None }
    }

    /// The same, but the error comes only when it is told to.
    pub(crate) fn when_told(mut self) -> (Self, oneshot::Sender<()>) {
        let (tell, told) = oneshot::channel();
        self.told = Some(told);
        (self, tell)
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads.is_empty()
            && let Some(told) = &mut self.told
        {
            let _ = ready!(Pin::new(told).poll(cx));
        }
        match (self.reads.pop_front(), self.then) {
            (Some(bytes), _) => {
                space.put_slice(bytes);
                Poll::Ready(Ok(()))
            }
            (None, Some(kind)) => Poll::Ready(Err(kind.into())),
            (None, None) => Poll::Pending,
        }
    }
}

impl AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
