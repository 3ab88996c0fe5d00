//! What is to happen on a machine.

/// A command for the login shell of the user over there, as `ssh HOST COMMAND` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Bytes as they are: their charset is that machine's. None at all are the login shell itself, as with `ssh HOST`.
    pub line: Vec<u8>,
    /// Variables to set before; most servers take few names (`AcceptEnv` of sshd_config(5)) and leave the others out.
    pub env: Vec<(String, String)>,
    /// A terminal over there, for programs that behave otherwise without one.
    pub terminal: Option<Terminal>,
}

/// A terminal over there (RFC 4254 section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// `TERM`.
    pub name: String,
    /// Its size.
    pub size: Size,
    /// Its modes: opcodes of RFC 4254 section 8 (and 42 of RFC 8160, UTF-8) with their values. What is not among them is as
    /// that machine has it.
    pub modes: Vec<(u8, u32)>,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u32,
    /// Lines.
    pub rows: u32,
}

impl Command {
    /// A command line, without a terminal and variables.
    #[must_use]
    pub fn new(line: impl Into<Vec<u8>>) -> Self {
        Self { line: line.into(), env: Vec::new(), terminal: None }
    }
}
