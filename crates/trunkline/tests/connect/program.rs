//! Running the binary within a time limit, and small servers for it to talk with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Far more than anything here takes; what is reached means a hang.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The binary, as a user starts it whose home is empty.
pub(crate) fn trunkline<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.args(arguments).env("TRUNKLINE_HOME", "/nonexistent/trunkline");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }
}

/// Runs the binary to its end, with these bytes on standard input.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Ran {
    let mut child = Running::start(trunkline(arguments).stdin(Stdio::piped()));
    let mut stdin = child.0.stdin.take().unwrap();
    let input = input.to_vec();
    // On its own thread, for the child may answer before it has read everything; it may also leave early.
    thread::spawn(move || stdin.write_all(&input));
    child.finish()
}

/// A process that is killed when the test that started it gives up.
pub(crate) struct Running(pub Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Waits for the end and takes what it printed.
    pub(crate) fn finish(mut self) -> Ran {
        drop(self.0.stdin.take());
        let out = self.0.stdout.take().map(read_all);
        let err = self.0.stderr.take().map(read_all);
        let mut code = None;
        eventually("the process to end", || {
            code = self.0.try_wait().unwrap();
            code.is_some()
        });
        let bytes =
            |reader: Option<JoinHandle<Vec<u8>>>| reader.map(|r| r.join().unwrap()).unwrap_or_default();
        Ran {
            code: code.and_then(|status| status.code()),
            out: bytes(out),
            err: String::from_utf8(bytes(err)).unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Waits until something is so that nobody announces.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Serves one connection on a thread of its own.
pub(crate) fn tcp_server<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        serve(stream)
    });
    (at, server)
}

/// A port of this machine that nobody listens on, neither over TCP nor over UDP.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    drop(listener);
    // Programs that other tests start just now hold copies of our sockets until they run.
    eventually("the port to be free", || TcpStream::connect(at).is_err());
    wait_until_refused(at);
    at.port()
}

/// Waits until datagrams to this address are refused.
pub(crate) fn wait_until_refused(at: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    socket.connect(at).unwrap();
    eventually("datagrams to be refused", || {
        let asked = socket.send(b"").and_then(|_| socket.recv(&mut [0]));
        asked.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    });
}

/// Waits until a process listens on this socket file. Connecting would use up a server that serves one client.
pub(crate) fn wait_for_listener(path: &Path) {
    // Flags of a socket that accepts, see __SO_ACCEPTCON in the kernel's sources.
    const ACCEPTS: &str = "00010000";
    eventually(&format!("a listener at {}", path.display()), || {
        let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
        sockets.lines().any(|line| line.ends_with(path.to_str().unwrap()) && line.contains(ACCEPTS))
    });
}

/// Bytes in which a lost or a doubled piece shows: what repeats in them repeats at no round distance.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    const PERIOD: usize = 100_003;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut period = Vec::with_capacity(PERIOD);
    period.resize_with(PERIOD, || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    });
    let mut bytes = period.repeat(length.div_ceil(PERIOD));
    bytes.truncate(length);
    bytes
}
