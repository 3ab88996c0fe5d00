//! Each event as a line of JSON.

use std::io;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memrchr;
use node::journal::RunEnding;
use node::ssh::fan::{Event, What};
use serde::Serialize;

use super::lines::{LINE_MAX, whole_characters};
use super::view::{Paper, Shown, View};
use crate::json;

pub(super) struct Json {
    machines: Vec<Machine>,
}

struct Machine {
    shown: Shown,
    /// When the command was started, or before that when we began.
    since: Instant,
    /// What waits for the rest of its character, of standard output and of standard error.
    cut: [Vec<u8>; 2],
}

#[derive(Serialize)]
struct Line<'a> {
    machine: &'a str,
    #[serde(flatten)]
    kind: Kind<'a>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Kind<'a> {
    Started { at: &'a str },
    Out(Content),
    Err(Content),
    End(End<'a>),
}

/// What was printed: its text where it is UTF-8, and else its bytes, with the text that the machine's charset makes of them.
#[derive(Serialize)]
struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// How it ended on a machine, and when.
#[derive(Debug, Serialize)]
pub(crate) struct End<'a> {
    #[serde(flatten)]
    how: How<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum How<'a> {
    Exit {
        exit: u32,
    },
    Signal {
        signal: &'a str,
        core: bool,
    },
    Unreachable {
        reason: &'a str,
    },
    Lost {
        reason: &'a str,
    },
    Timeout {
        limit: f64,
    },
    Cancelled,
    /// Nobody saw it.
    Unknown,
}

impl Json {
    pub(super) fn new(machines: &[Shown]) -> Self {
        let since = Instant::now();
        let machine = |shown: &Shown| Machine { shown: shown.clone(), since, cut: Default::default() };
        Self { machines: machines.iter().map(machine).collect() }
    }

    /// A machine has printed something.
    pub(super) fn printed(
        &mut self,
        machine: usize,
        is_error: bool,
        bytes: &[u8],
        paper: &mut Paper<'_>,
    ) -> io::Result<()> {
        match self.machines.get_mut(machine) {
            Some(machine) => machine.piece(usize::from(is_error), bytes, paper),
            None => Ok(()),
        }
    }

    /// It is over on a machine.
    pub(super) fn ended(&mut self, machine: usize, end: End<'_>, paper: &mut Paper<'_>) -> io::Result<()> {
        let Some(machine) = self.machines.get_mut(machine) else { return Ok(()) };
        for stream in [0, 1] {
            let cut = std::mem::take(&mut machine.cut[stream]);
            machine.content(stream, &cut, paper)?;
        }
        machine.write(paper, Kind::End(end))
    }
}

impl View for Json {
    fn event(&mut self, event: &Event, paper: &mut Paper<'_>) -> io::Result<()> {
        let Some(machine) = self.machines.get_mut(event.machine) else { return Ok(()) };
        match &event.what {
            What::Started => {
                machine.since = Instant::now();
                machine.write(paper, Kind::Started { at: &machine.shown.end })
            }
            What::Out(bytes) => self.printed(event.machine, false, bytes, paper),
            What::Err(bytes) => self.printed(event.machine, true, bytes, paper),
            What::Ended(outcome) => {
                let ending = RunEnding::of(outcome, &machine.shown.end);
                let took = machine.since.elapsed();
                self.ended(event.machine, End::of(Some(&ending), Some(took)), paper)
            }
        }
    }
}

impl Machine {
    fn piece(&mut self, stream: usize, bytes: &[u8], paper: &mut Paper<'_>) -> io::Result<()> {
        let mut whole = std::mem::take(&mut self.cut[stream]);
        whole.extend_from_slice(bytes);
        // In other charsets a character's edge is known for sure only at the end of a line.
        let ready = match self.shown.charset {
            Some(_) if whole.len() < LINE_MAX => memrchr(b'\n', &whole).map_or(0, |end| end + 1),
            Some(_) => whole.len(),
            None => whole_characters(&whole),
        };
        self.cut[stream] = whole.split_off(ready);
        self.content(stream, &whole, paper)
    }

    fn content(&self, stream: usize, bytes: &[u8], paper: &mut Paper<'_>) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let content = Content::of(bytes, &self.shown);
        self.write(paper, if stream == 0 { Kind::Out(content) } else { Kind::Err(content) })
    }

    fn write(&self, paper: &mut Paper<'_>, kind: Kind<'_>) -> io::Result<()> {
        let line = json::line(&Line { machine: &self.shown.name, kind })?;
        writeln!(paper.out, "{line}")
    }
}

impl Content {
    fn of(bytes: &[u8], machine: &Shown) -> Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self { text: Some(text.to_owned()), base64: None };
        }
        let read = machine.charset.map(|charset| {
            let (mut text, mut decoder) = (String::new(), charset.decoder());
            decoder.decode(bytes, &mut text);
            decoder.finish(&mut text);
            text
        });
        Self { text: read, base64: Some(STANDARD.encode(bytes)) }
    }
}

impl<'a> End<'a> {
    /// Both are None where they are not known.
    pub(crate) fn of(ending: Option<&'a RunEnding>, took: Option<Duration>) -> Self {
        let how = match ending {
            Some(RunEnding::Exit(status)) => How::Exit { exit: *status },
            Some(RunEnding::Signal { name, core }) => How::Signal { signal: name, core: *core },
            Some(RunEnding::Unreachable(reason)) => How::Unreachable { reason },
            Some(RunEnding::Lost(reason)) => How::Lost { reason },
            Some(RunEnding::TimedOut(limit)) => How::Timeout { limit: limit.as_secs_f64() },
            Some(RunEnding::Cancelled) => How::Cancelled,
            None => How::Unknown,
        };
        Self { how, seconds: took.map(|took| took.as_secs_f64()) }
    }
}

#[cfg(test)]
mod tests {
    use node::ssh::{ConnectError, Outcome, Unreachable};
    use serde_json::Value;

    use super::*;
    use crate::run::view::testing::{err, exit, machines, out, started, texts};

    /// Each line without its time, which has to be there at the end.
    fn lines(charset: &str, events: &[Event]) -> Vec<String> {
        let (out, err) = texts(Json::new(&machines(&["n1"], charset)), events);
        assert_eq!(err, "");
        let without_time = |line: &str| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            let seconds = value.as_object_mut().unwrap().remove("seconds");
            assert_eq!(seconds.is_some_and(|seconds| seconds.is_f64()), value["kind"] == "end");
            value.to_string()
        };
        out.lines().map(without_time).collect()
    }

    fn bytes_of(line: &str) -> Vec<u8> {
        let value: Value = serde_json::from_str(line).unwrap();
        match (&value["base64"], &value["text"]) {
            (Value::String(base64), _) => STANDARD.decode(base64).unwrap(),
            (_, text) => text.as_str().unwrap().as_bytes().to_vec(),
        }
    }

    #[test]
    fn every_event_is_a_line() {
        assert_eq!(
            lines("", &[started(0), out(0, "a\x1b\n"), err(0, "b"), exit(0, 3)]),
            [
                r#"{"at":"root@n1:22","kind":"started","machine":"n1"}"#,
                r#"{"kind":"out","machine":"n1","text":"a\u001b\n"}"#,
                r#"{"kind":"err","machine":"n1","text":"b"}"#,
                r#"{"exit":3,"kind":"end","machine":"n1","outcome":"exit"}"#,
            ]
        );
    }

    #[test]
    fn every_way_to_end_has_its_words() {
        let end = |outcome| lines("", &[Event { machine: 0, what: What::Ended(outcome) }]).remove(0);
        let killed = end(Outcome::Signal { name: "KILL".to_owned(), core: false });
        assert_eq!(
            killed,
            r#"{"core":false,"kind":"end","machine":"n1","outcome":"signal","signal":"KILL"}"#
        );
        let late = end(Outcome::TimedOut(Duration::from_secs(5)));
        assert_eq!(late, r#"{"kind":"end","limit":5.0,"machine":"n1","outcome":"timeout"}"#);
        let reason = ConnectError::Denied { tried: "publickey".to_owned() };
        let denied = end(Outcome::Unreachable(Unreachable { hop: "root@n1:22".to_owned(), reason }));
        assert!(denied.contains(r#""outcome":"unreachable","reason":"permission denied (publickey)""#));
        assert!(end(Outcome::Lost("reset".to_owned())).contains(r#""outcome":"lost","reason":"reset""#));
        assert!(end(Outcome::Cancelled).contains(r#""outcome":"cancelled""#));
    }

    #[test]
    fn bytes_that_are_no_text_can_be_had_again_and_text_stays_text_whatever_its_packets() {
        let noise: Vec<u8> = (0..=255).collect();
        let lines = lines("", &[out(0, &noise), exit(0, 0)]);
        assert_eq!(
            lines[..lines.len() - 1].iter().flat_map(|line| bytes_of(line)).collect::<Vec<_>>(),
            noise
        );
        let text = "张三\n".as_bytes();
        for size in 1..text.len() {
            let events: Vec<_> = text.chunks(size).map(|piece| out(0, piece)).collect();
            let lines = self::lines("", &events);
            assert!(lines.iter().all(|line| !line.contains("base64")), "{lines:?}");
            assert_eq!(lines.iter().flat_map(|line| bytes_of(line)).collect::<Vec<_>>(), text);
        }
    }

    #[test]
    fn what_a_charset_makes_of_bytes_stands_beside_them() {
        let gbk = b"\xd5\xc5\xc8\xfd\n";
        for size in 1..gbk.len() {
            let events: Vec<_> = gbk.chunks(size).map(|piece| out(0, piece)).collect();
            let lines = lines("gbk", &events);
            assert_eq!(lines, [r#"{"base64":"1cXI/Qo=","kind":"out","machine":"n1","text":"张三\n"}"#]);
        }
    }
}
