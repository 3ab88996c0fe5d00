//! What several tests need: another program, and patience with the kernel.

use std::fmt::Debug;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
