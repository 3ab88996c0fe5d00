//! A load generator of `xtask/peers` at work: opened, told to run, read, closed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::server::Server;

/// A generator with its sockets open; they close when it is dropped.
pub(crate) struct Load {
    child: Child,
    // An option only so that it can be closed before the child is waited for.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What one run of a generator found.
pub(crate) struct Measured(Value);

impl Load {
    /// Opens its sockets to the server, each of which has had one answer when this returns.
    ///
    /// # Errors
    /// When a connection cannot be made; the generator says why on standard error.
    pub(crate) fn open(generator: &Path, server: &Server, options: &[&str]) -> Result<Self> {
        let mut child = Command::new(generator)
            .args(["-p", &server.port.to_string(), "-P", &server.pid().to_string()])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", generator.display()))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("the generator's standard output")?);
        let mut load = Self { child, input, output };
        match load.line()?.as_str() {
            "ready" => Ok(load),
            other => bail!("{} {} did not open: {other}", generator.display(), options.join(" ")),
        }
    }

    /// Runs it once.
    ///
    /// # Errors
    /// When it ends without a result.
    pub(crate) fn run(&mut self) -> Result<Measured> {
        let input = self.input.as_mut().context("the generator's standard input")?;
        input.write_all(b"\n").context("telling the generator to run")?;
        let line = self.line()?;
        Ok(Measured(serde_json::from_str(&line).with_context(|| format!("the generator's result: {line}"))?))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).context("reading what the generator prints")?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

impl Measured {
    /// Messages that were answered rightly while it measured.
    pub(crate) fn messages(&self) -> Result<f64> {
        self.number("messages")
    }

    /// Messages answered in all, the warm-up included.
    pub(crate) fn answered(&self) -> Result<f64> {
        self.number("answered")
    }

    /// Messages, or for a generator of connections connections, in a second.
    pub(crate) fn per_second(&self) -> Result<f64> {
        Ok(self.messages()? / self.number("seconds")?)
    }

    /// The server's CPU time, user and kernel, for a message, in microseconds.
    pub(crate) fn cpu_per_message(&self) -> Result<f64> {
        Ok(self.number("server_cpu")? * 1e6 / self.messages()?)
    }

    /// A percentile of the time from request to answer (`p50` or `p99`), in milliseconds.
    pub(crate) fn milliseconds(&self, percentile: &str) -> Result<f64> {
        Ok(self.number(percentile)? * 1e3)
    }

    /// Datagrams that got no answer in time.
    pub(crate) fn lost(&self) -> Result<f64> {
        self.number("lost")
    }

    /// Wrong answers and broken connections.
    pub(crate) fn errors(&self) -> Result<f64> {
        self.number("errors")
    }

    /// Itself, when nothing went wrong.
    ///
    /// # Errors
    /// When an answer was wrong or a connection broke.
    pub(crate) fn without_errors(self) -> Result<Self> {
        match self.errors()? {
            0.0 => Ok(self),
            errors => bail!("{errors} wrong answers or broken connections: {}", self.0),
        }
    }

    fn number(&self, field: &str) -> Result<f64> {
        self.0[field].as_f64().with_context(|| format!("the generator's result has no {field}: {}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_made_of_what_the_generator_counted() {
        let measured = Measured(
            json!({"seconds": 2.0, "messages": 1000, "server_cpu": 0.005, "p99": 0.002, "errors": 0}),
        );
        assert_eq!(measured.per_second().unwrap(), 500.0);
        assert_eq!(measured.cpu_per_message().unwrap(), 5.0);
        assert_eq!(measured.milliseconds("p99").unwrap(), 2.0);
        assert!(measured.lost().is_err());
        assert!(measured.without_errors().is_ok());
    }

    #[test]
    fn a_wrong_answer_is_an_error() {
        assert!(Measured(json!({"errors": 1})).without_errors().is_err());
    }
}
