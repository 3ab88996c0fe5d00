//! What a person sees of the node that runs, and a program with `--json`.

use std::future::ready;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use net::Untrusted;
use node::face::{Event, Numbered, Snapshot};
use node::sshd::Happening;
use node::{Node, Watch, WatchError};
use serde::Serialize;
use tokio::sync::mpsc::Receiver;

use super::guests;
use super::words::{Words, who};
use crate::failure::{Outcome, say};
use crate::{json, stdout};

/// What is shown besides the node's own events.
#[derive(Debug)]
pub(super) enum Aside {
    /// Something is wrong; it stands ready to be shown.
    Trouble(String),
    /// Of the SSH line.
    Ssh(Happening),
}

/// What comes so soon after something is shown with it: a login, its command and both their ends wake the screen's thread
/// once, and not each. Nobody sees the difference.
const TOGETHER: Duration = Duration::from_millis(30);

/// Bytes after which lines are printed although there are more.
const PAGE: usize = 64 * 1024;

/// What is to be shown.
enum Next {
    Aside(Aside),
    Event(Result<Arc<Numbered>, WatchError>),
}

/// Shows what happens: on standard error as words, or on standard output as JSON.
pub(super) struct Screen {
    json: bool,
    words: Words,
    /// The day of the last line.
    day: Date,
    /// Lines that are still to be printed.
    lines: String,
}

impl Screen {
    /// For a node that has just started. Says what is open, and who the node is.
    pub(super) fn begin(snapshot: &Snapshot, socket: &Path, json: bool) -> Self {
        if let Some(port) = snapshot.me.port {
            say(format_args!("listening on udp port {port} (chat)"));
        }
        let socket = Untrusted::from(socket.as_os_str().as_encoded_bytes());
        say(format_args!("listening on unix:{socket} (control)"));
        match snapshot.me.port {
            Some(_) => say(who(&snapshot.me)),
            None => say("no chat line: nobody sees you, and nobody can write to you"),
        }
        match snapshot.waiting {
            0 => {}
            1 => say("1 message waits to be delivered"),
            waiting => say(format_args!("{waiting} messages wait to be delivered")),
        }
        for trouble in &snapshot.troubles {
            say(format_args!("trouble: {}", Untrusted::from(trouble.as_str()).multiline()));
        }
        Self { json, words: Words::new(snapshot), day: Zoned::now().date(), lines: String::new() }
    }

    /// Shows everything from now on, until the node ends or nobody reads it any more.
    pub(super) async fn follow(self, node: Node, watch: Watch, asides: Receiver<Aside>) -> Outcome {
        stdout::written(self.show_all(&node, watch, asides).await)
    }

    async fn show_all(
        mut self,
        node: &Node,
        mut watch: Watch,
        mut asides: Receiver<Aside>,
    ) -> io::Result<()> {
        self.show_snapshot(&watch.snapshot, None)?;
        loop {
            match self.next(&mut watch, &mut asides).await? {
                Next::Aside(aside) => self.show_aside(&aside)?,
                Next::Event(Ok(event)) => self.show(&event)?,
                Next::Event(Err(WatchError::Ended)) => {
                    while let Ok(aside) = asides.try_recv() {
                        self.show_aside(&aside)?;
                    }
                    return self.print();
                }
                Next::Event(Err(WatchError::Missed(missed))) => {
                    let Ok(again) = node.watch().await else { return self.print() };
                    watch = again;
                    self.show_snapshot(&watch.snapshot, Some(missed))?;
                }
            }
        }
    }

    /// What is at hand. When there is nothing more everything is printed, and the next is waited for, and a little longer: the
    /// thread is the screen's alone.
    async fn next(&mut self, watch: &mut Watch, asides: &mut Receiver<Aside>) -> io::Result<Next> {
        tokio::select! {
            biased;
            next = any(watch, asides), if self.lines.len() < PAGE => return Ok(next),
            () = ready(()) => {}
        }
        self.print()?;
        let next = any(watch, asides).await;
        thread::sleep(TOGETHER);
        Ok(next)
    }

    fn show_snapshot(&mut self, snapshot: &Snapshot, missed: Option<u64>) -> io::Result<()> {
        if self.json {
            return self.add_line(&Standing { snapshot, missed });
        }
        if let Some(missed) = missed {
            self.words = Words::new(snapshot);
            self.say_at(&Zoned::now(), &format!("events that were not shown here: {missed}"));
        }
        Ok(())
    }

    fn show(&mut self, event: &Numbered) -> io::Result<()> {
        if self.json {
            return self.add_line(event);
        }
        let at = match &event.event {
            // What happens at the SSH line is told in full.
            Event::GuestCame { .. } | Event::GuestLeft { .. } => return Ok(()),
            Event::Message { message } | Event::Accepted { message } => {
                message.at.to_zoned(jiff::tz::TimeZone::system())
            }
            _ => Zoned::now(),
        };
        if let Some(words) = self.words.of(&event.event) {
            self.say_at(&at, &words);
        }
        Ok(())
    }

    fn show_aside(&mut self, aside: &Aside) -> io::Result<()> {
        match aside {
            Aside::Ssh(happening) if self.json => return self.add_line(happening),
            Aside::Ssh(happening) => self.say_at(&Zoned::now(), &guests::words(happening)),
            Aside::Trouble(trouble) => self.say_at(&Zoned::now(), &format!("trouble: {trouble}")),
        }
        Ok(())
    }

    /// Says it with its time. No line but the first begins without a space: nobody can send lines that look like ours.
    fn say_at(&mut self, at: &Zoned, words: &str) {
        if at.date() != self.day {
            self.day = at.date();
            self.lines += &format!("{}\n", self.day);
        }
        let time = at.strftime("%H:%M:%S").to_string();
        let indent = format!("\n{:1$}", "", time.len() + 1);
        self.lines += &format!("{time} {}\n", words.replace('\n', &indent));
    }

    /// Says it as a line of JSON, with its time.
    fn add_line<T: Serialize>(&mut self, what: &T) -> io::Result<()> {
        #[derive(Serialize)]
        struct Line<'a, T> {
            time: Timestamp,
            #[serde(flatten)]
            what: &'a T,
        }
        self.lines += &json::line(&Line { time: Timestamp::now(), what })?;
        self.lines.push('\n');
        Ok(())
    }

    /// All at once, so that they do not mix with others' lines.
    fn print(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        if self.json {
            return io::stdout().write_all(lines.as_bytes());
        }
        // Whoever closed standard error does not want to know.
        let _ = io::stderr().write_all(lines.as_bytes());
        Ok(())
    }
}

async fn any(watch: &mut Watch, asides: &mut Receiver<Aside>) -> Next {
    tokio::select! {
        event = watch.next() => Next::Event(event),
        Some(aside) = asides.recv() => Next::Aside(aside),
    }
}

/// How things stand, as on a line of the control socket.
#[derive(Serialize)]
struct Standing<'a> {
    snapshot: &'a Snapshot,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<u64>,
}
