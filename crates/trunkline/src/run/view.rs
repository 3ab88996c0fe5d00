//! What is made of the events of a run: lines under the names of machines, folded groups, JSON, files.

use std::io::{self, Write};

use net::Untrusted;
use net::charset::Charset;
use node::book::NameSet;
use node::ssh::fan::Event;

/// Shows what happens on the machines.
pub(super) trait View: Send {
    /// Something has happened.
    fn event(&mut self, event: &Event, paper: &mut Paper<'_>) -> io::Result<()>;

    /// Nothing more will.
    fn finish(&mut self, _: &mut Paper<'_>) -> io::Result<()> {
        Ok(())
    }
}

/// Where a view writes.
pub(super) struct Paper<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) err: &'a mut dyn Write,
}

/// What standard output or standard error is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Surface {
    /// What is written is seen by a person, and obeyed by a terminal.
    pub(super) terminal: bool,
    pub(super) coloured: bool,
}

/// The two of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Surfaces {
    pub(super) out: Surface,
    pub(super) err: Surface,
}

/// A machine of a run, as far as its output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// As the person called it.
    pub(crate) name: String,
    /// `user@host:port`.
    pub(crate) end: String,
    /// Of what programs print there, where it is known.
    pub(crate) charset: Option<Charset>,
}

/// Names of machines as a set, `n[01-06,08-40]`; what cannot stand in a set stands as it is.
pub(crate) fn folded<'a>(names: impl Iterator<Item = &'a str> + Clone) -> String {
    let set = NameSet::of(names.clone()).map(|set| set.to_string());
    let set = set.unwrap_or_else(|_| names.collect::<Vec<_>>().join(","));
    Untrusted::from(set.as_str()).to_string()
}

#[cfg(test)]
pub(super) mod testing {
    use net::charset::Charset;
    use node::ssh::Outcome;
    use node::ssh::fan::{Event, What};

    use super::{Paper, Shown, View};

    /// Machines with these names, all of one charset.
    pub(in crate::run) fn machines(names: &[&str], charset: &str) -> Vec<Shown> {
        let shown = |name: &&str| Shown {
            name: (*name).to_owned(),
            end: format!("root@{name}:22"),
            charset: Charset::parse(charset).ok(),
        };
        names.iter().map(shown).collect()
    }

    pub(in crate::run) fn started(machine: usize) -> Event {
        Event { machine, what: What::Started }
    }

    pub(in crate::run) fn out(machine: usize, bytes: impl AsRef<[u8]>) -> Event {
        Event { machine, what: What::Out(bytes.as_ref().to_vec().into()) }
    }

    pub(in crate::run) fn err(machine: usize, bytes: impl AsRef<[u8]>) -> Event {
        Event { machine, what: What::Err(bytes.as_ref().to_vec().into()) }
    }

    pub(in crate::run) fn exit(machine: usize, status: u32) -> Event {
        Event { machine, what: What::Ended(Outcome::Exit(status)) }
    }

    /// What a view writes to standard output and to standard error.
    pub(in crate::run) fn written(mut view: impl View, events: &[Event]) -> (Vec<u8>, Vec<u8>) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut paper = Paper { out: &mut out, err: &mut err };
        for event in events {
            view.event(event, &mut paper).unwrap();
        }
        view.finish(&mut paper).unwrap();
        (out, err)
    }

    /// As [`written`], where it is text.
    pub(in crate::run) fn texts(view: impl View, events: &[Event]) -> (String, String) {
        let (out, err) = written(view, events);
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_and_what_is_no_name_stands_as_it_is() {
        assert_eq!(folded(["n2", "n1", "gate"].into_iter()), "gate,n[1-2]");
        assert_eq!(folded(["root@10.0.0.1:22", "[::1]:22"].into_iter()), "[::1]:22,root@10.0.0.1:22");
        assert_eq!(folded(["b&a", "a\x1b"].into_iter()), r"b&a,a\x1b");
    }
}
