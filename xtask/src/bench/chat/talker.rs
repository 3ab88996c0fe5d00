//! A program that is told what to do by lines, and says by lines what came of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// One that is running. When this is dropped its input ends, and so does it.
pub(super) struct Talker {
    child: Child,
    // An option only so that it can be closed before the child is waited for.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Talker {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(program: &mut Command) -> Result<Self> {
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.get_program().display()))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("its standard output")?);
        Ok(Self { child, input, output })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it something.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("its standard input")?;
        writeln!(input, "{line}").with_context(|| format!("telling a program {line:?}"))
    }

    /// The next line that it says.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).context("reading what a program says")?;
        ensure!(length > 0, "process {} was to be measured, and has ended", self.pid());
        Ok(line.trim_end().to_owned())
    }

    /// The next line that begins so; what comes before it is passed over.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn hear_of(&mut self, beginning: &str) -> Result<String> {
        loop {
            let line = self.hear()?;
            if line.starts_with(beginning) {
                return Ok(line);
            }
        }
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
