//! Is anybody there? What connect_ex of the tutorial tells: the number, its name and its meaning.

use std::io;
use std::time::{Duration, Instant};

use net::Address;
use net::client::{ConnectError, Dial};
use net::errno::Errno;
use serde::Serialize;

use super::output::print_line;
use super::plan::Line;
use super::trouble::Trouble;
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
pub(super) fn run(line: &Line, wait: Duration, json: bool) -> Outcome {
    let finding = find_out(line, wait);
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

fn find_out(line: &Line, wait: Duration) -> Finding {
    let begun = Instant::now();
    let found = Dial::new(&line.to, &line.options, line.limit).and_then(|mut dial| match line.to {
        Address::Udp(_) => knock(&mut dial, wait),
        _ => dial.connect().map(|_| (Some(true), "connected".to_owned())),
    });
    let address = line.to.to_string();
    let ms = begun.elapsed().as_secs_f64() * 1000.0;
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

/// Sends an empty datagram to each address until one does not refuse it.
fn knock(dial: &mut Dial<'_>, wait: Duration) -> Result<(Option<bool>, String), ConnectError> {
    loop {
        let connection = dial.connect()?;
        let answer = connection.send(&[]).and_then(|()| {
            if connection.readable_within(Some(wait))? {
                connection.read(&mut [0; 1]).map(Some)
            } else {
                Ok(None)
            }
        });
        match answer {
            Ok(Some(_)) => return Ok((Some(true), "answered".to_owned())),
            Ok(None) => {
                return Ok((None, format!("neither refused nor answered within {} s", wait.as_secs_f64())));
            }
            Err(error) => dial.refused(connection.peer, error),
        }
    }
}
