//! A server under load: started on a core of its own, looked at from outside, ended when dropped.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command;

/// The core that servers run on; everything else that a benchmark starts runs on [`LOAD_CORE`].
pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const LOAD_CORE: &str = "1";

const STARTS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(2);

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    pub(crate) fn new(path: &Path, arguments: &[&str]) -> Self {
        Self { path: path.to_owned(), arguments: arguments.iter().map(OsString::from).collect() }
    }
}

/// A running server on this machine. Its standard error is a file, as a user's would be.
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    /// The port it told in its ready line.
    pub(crate) port: u16,
}

impl Server {
    /// Starts it on its core and waits until it has said where it listens.
    ///
    /// # Errors
    /// When it cannot be started, ends at once, or says nothing in time; with what it did say.
    pub(crate) fn start(program: &Program) -> Result<Self> {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", SERVER_CORE]).arg(&program.path).args(&program.arguments);
        let name = program.path.file_name().unwrap_or_default().to_string_lossy();
        Self::spawn(&mut pinned, &name).with_context(|| format!("starting {name} on core {SERVER_CORE}"))
    }

    fn spawn(command: &mut Command, name: &str) -> Result<Self> {
        let log = command::target("bench")?.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("making the log {}", log.display()))?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn()?;
        let output = BufReader::new(child.stdout.take().context("its standard output")?);
        let mut server = Self { child, output, port: 0 };
        server.port = server.wait_until_ready(&log)?;
        Ok(server)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As [`memory`].
    pub(crate) fn memory(&self) -> Result<f64> {
        memory(self.pid())
    }

    /// The next line it prints on standard output.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).context("reading what the server prints")?;
        Ok(line.trim_end().to_owned())
    }

    fn wait_until_ready(&mut self, log: &Path) -> Result<u16> {
        let give_up = Instant::now() + STARTS_WITHIN;
        loop {
            // Asked before its words are read, so that they are its last when it has ended.
            let ended = self.child.try_wait().context("asking whether it still runs")?;
            let said = fs::read_to_string(log).with_context(|| format!("reading {}", log.display()))?;
            if let Some(port) = port_of_ready_line(&said) {
                return Ok(port);
            }
            if let Some(status) = ended {
                bail!("it ended with {status} and said: {}", said.trim());
            }
            if Instant::now() > give_up {
                bail!(
                    "it did not say where it listens within {} s, but: {}",
                    STARTS_WITHIN.as_secs(),
                    said.trim()
                );
            }
            thread::sleep(LOOK_AGAIN_AFTER);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The memory that a process has in use (VmRSS of proc_pid_status(5)), in KiB.
///
/// # Errors
/// When there is no such process.
pub(crate) fn memory(process: u32) -> Result<f64> {
    status(Path::new(&format!("/proc/{process}/status")), "VmRSS")
}

/// How often the threads of a process have waited for something (`voluntary_ctxt_switches` of proc_pid_status(5)).
///
/// # Errors
/// When there is no such process.
pub(crate) fn wake_ups(process: u32) -> Result<f64> {
    of_threads(process, |folder| status(&folder.join("status"), "voluntary_ctxt_switches"))
}

/// CPU time of all threads of a process, in seconds (`schedstat`, the kernel's Documentation/scheduler/sched-stats.rst).
///
/// # Errors
/// When there is no such process.
pub(crate) fn cpu(process: u32) -> Result<f64> {
    of_threads(process, |folder| {
        let path = folder.join("schedstat");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let nanoseconds: Option<f64> = text.split(' ').next().and_then(|number| number.parse().ok());
        Ok(nanoseconds.with_context(|| format!("nanoseconds in {}: {text}", path.display()))? / 1e9)
    })
}

fn of_threads(process: u32, figure: impl Fn(&Path) -> Result<f64>) -> Result<f64> {
    let path = format!("/proc/{process}/task");
    let threads = fs::read_dir(&path).with_context(|| format!("reading {path}"))?;
    threads.map(|thread| figure(&thread?.path())).sum()
}

fn status(path: &Path, field: &str) -> Result<f64> {
    let status = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    number_in(&status, field).with_context(|| format!("looking for {field} in {}", path.display()))
}

/// From `listening on tcp://127.0.0.1:8080 (upper)`, or `listening on udp port 2425 (chat)`.
fn port_of_ready_line(log: &str) -> Option<u16> {
    let line = log.lines().find(|line| line.starts_with("listening on "))?;
    let (address, _) = line.rsplit_once(' ')?;
    address.rsplit([':', ' ']).next()?.parse().ok()
}

/// From `VmRSS:      1234 kB`, or a field that has no unit.
fn number_in(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_stands_in_the_ready_line() {
        assert_eq!(port_of_ready_line("listening on tcp://127.0.0.1:8080 (upper)\n"), Some(8080));
        assert_eq!(port_of_ready_line("a warning\nlistening on udp://127.0.0.1:9 (upper)\n"), Some(9));
        assert_eq!(port_of_ready_line("listening on udp port 2425 (chat)\n"), Some(2425));
        assert_eq!(port_of_ready_line(""), None);
    }

    #[test]
    fn a_number_of_a_process_is_found_by_the_whole_name_of_its_field() {
        let status = "Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t    1234 kB\nnonvoluntary_ctxt_switches:\t7\n\
                      voluntary_ctxt_switches:\t8\n";
        assert_eq!(number_in(status, "VmRSS"), Some(1234.0));
        assert_eq!(number_in(status, "voluntary_ctxt_switches"), Some(8.0));
        assert_eq!(number_in(status, "Vm"), None);
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo the port is taken >&2; exit 2"]);
        let Err(error) = Server::spawn(&mut command, "ends") else { panic!("it started") };
        assert!(format!("{error:#}").contains("the port is taken"), "{error:#}");
    }
}
