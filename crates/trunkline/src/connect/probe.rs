//! Is anybody there? What connect_ex of the tutorial tells: the number, its name and its meaning.

use std::io;
use std::time::{Duration, Instant};

use net::Address;
use net::client::ConnectError;
use net::errno::Errno;
use net::trace::Tracer;
use serde::Serialize;

use super::output::print_line;
use super::plan::Line;
use super::trouble::Trouble;
use super::wire::{Route, Wire};
use crate::failure::{Exit, Outcome};

/// What was found out.
#[derive(Debug, Serialize)]
struct Finding {
    address: String,
    /// Not known where datagrams were neither refused nor answered.
    open: Option<bool>,
    /// As connect(2) gives it, 0 where it did not complain; none where the name was not found.
    errno: Option<i32>,
    name: Option<&'static str>,
    meaning: String,
    ms: f64,
}

/// Prints whether anybody listens. `wait` is for the refusal of a datagram.
pub(super) fn run(line: &Line, tracer: Option<&Tracer>, wait: Duration, json: bool) -> Outcome {
    let finding = find_out(line, tracer, wait);
    let printed = if json {
        serde_json::to_string(&finding).map_err(Into::into).and_then(|text| print_line(&text))
    } else {
        print_line(&finding.text())
    };
    match printed {
        Err(error) => Trouble::Output(error).outcome(&line.to),
        Ok(()) if finding.open == Some(false) => Ok(Exit::Failed),
        Ok(()) => Ok(Exit::Good),
    }
}

fn find_out(line: &Line, tracer: Option<&Tracer>, wait: Duration) -> Finding {
    let begun = Instant::now();
    let found = Route::new(line, tracer).and_then(|mut route| knock(&mut route, &line.to, wait));
    let address = line.to.to_string();
    // In thousandths: more digits would only be noise.
    let ms = (begun.elapsed().as_secs_f64() * 1_000_000.0).round() / 1000.0;
    match found {
        Ok((open, meaning)) => Finding { address, open, errno: Some(0), name: None, meaning, ms },
        Err(error) => {
            let last = error.last().map(|last| &last.error);
            Finding {
                address,
                open: Some(false),
                errno: last.and_then(io::Error::raw_os_error),
                name: last.and_then(Errno::of).map(|errno| errno.name),
                meaning: match last {
                    Some(last) => {
                        Errno::of(last).map_or_else(|| last.to_string(), |errno| errno.meaning.to_owned())
                    }
                    None => error.to_string(),
                },
                ms,
            }
        }
    }
}

impl Finding {
    fn text(&self) -> String {
        let Self { address, meaning, ms, .. } = self;
        match self.open {
            Some(true) => format!("{address} is open ({ms:.1} ms)"),
            Some(false) => match (self.name, self.errno) {
                (Some(name), Some(errno)) => format!("{address} is closed: {meaning} ({name}, {errno})"),
                _ => format!("{address} is closed: {meaning}"),
            },
            None => format!("{address} may be open: it {meaning}"),
        }
    }
}

/// Connects to the first address that does not refuse.
fn knock(
    route: &mut Route<'_>,
    to: &Address,
    wait: Duration,
) -> Result<(Option<bool>, String), ConnectError> {
    let mut wire = route.connect()?;
    while let Address::Udp(_) = to {
        match ask(&wire, wait) {
            Ok(true) => break,
            Ok(false) => {
                wire.end();
                return Ok((None, format!("neither refused nor answered within {} s", wait.as_secs_f64())));
            }
            Err(error) => wire = route.refused(&wire, error)?,
        }
    }
    wire.end();
    Ok((Some(true), "connected".to_owned()))
}

/// Sends an empty datagram: connecting alone asks nobody. True when it was answered.
fn ask(wire: &Wire, wait: Duration) -> io::Result<bool> {
    wire.connection.send(&[])?;
    Ok(wire.connection.readable_within(Some(wait))? && wire.read(&mut [0; 1]).map(|_| true)?)
}
