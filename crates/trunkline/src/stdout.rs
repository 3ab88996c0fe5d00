//! What a verb prints as its result. A reader that leaves early, such as `head`, has read what it wanted.

use std::io::{self, Write as _};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use serde::Serialize;

use crate::failure::{Exit, Outcome};
use crate::json;

/// Prints bytes or text as they are.
pub(crate) fn print(output: impl AsRef<[u8]>) -> Outcome {
    written(io::stdout().write_all(output.as_ref()).and_then(|()| io::stdout().flush()))
}

/// What became of what was printed.
pub(crate) fn written(result: io::Result<()>) -> Outcome {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("writing to standard output").into())
        }
        _ => Ok(Exit::Good),
    }
}

/// The columns of the terminal that standard output is; none where it is something else.
pub(crate) fn columns() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(size.ws_col).filter(|&columns| columns > 0)
}

/// Whether there is colour: not in a pipe, not with NO_COLOR.
pub(crate) fn coloured() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Prints each value as a line of JSON.
pub(crate) fn print_json(values: impl IntoIterator<Item = impl Serialize>) -> Outcome {
    let mut lines = String::new();
    for value in values {
        lines += &json::line(&value).context("writing JSON")?;
        lines.push('\n');
    }
    print(lines)
}
