//! Whole traces, as a student reads them.

mod life;
mod messages;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;

use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

use super::*;
use crate::census::TcpState;
use crate::testing::eventually;

/// A trace that is kept, and what is read from it.
struct Recorder {
    tracer: Tracer,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Recorder {
    fn new(frame: &str) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let framing = Framing::parse(frame, None).unwrap();
        let tracer = Tracer::new(framing.into(), 100, move |line| kept.lock().unwrap().push(line.clone()));
        Self { tracer, lines }
    }

    /// What was written since the last time, without the times. What depends on the machine is left out: the
    /// numbers agreed on, and the acknowledgements counted.
    fn told(&self) -> Vec<String> {
        let lines: Vec<Line> = self.lines.lock().unwrap().drain(..).collect();
        assert!(lines.is_sorted_by_key(|line| line.at));
        lines.iter().filter(|line| !machine_dependent(&line.event)).map(without_time).collect()
    }
}

fn machine_dependent(event: &Event) -> bool {
    matches!(event, Event::Agreed { .. } | Event::Route { .. } | Event::Counted { .. })
}

fn without_time(line: &Line) -> String {
    let text = line.to_string();
    let (time, rest) = text.split_once(" ms  ").unwrap();
    time.trim().parse::<f64>().unwrap();
    rest.to_owned()
}

/// Both ends of a connection over TCP, in this thread.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    client_end: Endpoint,
    server_end: Endpoint,
}

impl Pair {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        let (server, _) = listener.accept().unwrap();
        let client_end = Endpoint::Tcp(client.local_addr().unwrap());
        let server_end = Endpoint::Tcp(server.local_addr().unwrap());
        Self { client, server, client_end, server_end }
    }

    /// The states of the client's end and the server's.
    fn states(&self) -> (Option<TcpState>, Option<TcpState>) {
        census::tcp_states(self.client_end.socket_addr().unwrap(), self.server_end.socket_addr().unwrap())
    }

    /// The server reads what `bytes` there are, all at once.
    fn read(&mut self, bytes: usize, trace: &ConnectionTrace) {
        let mut buffer = [0; 200];
        while self.server.peek(&mut buffer).unwrap() < bytes {}
        let length = self.server.read(&mut buffer).unwrap();
        assert_eq!(length, bytes);
        trace.read(&buffer[..length]);
    }
}
