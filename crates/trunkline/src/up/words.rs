//! What happens at the node, in words.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::net::SocketAddr;

use net::Untrusted;
use node::book::CHAT_PORT;
use node::face::{Direction, Event, Me, Message, Person, Snapshot};

/// Finds the words. It remembers how everybody was, to tell what has changed.
pub(super) struct Words {
    people: HashMap<u32, Person>,
    me: Me,
}

impl Words {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let known = snapshot.people.iter().filter_map(|person| Some((person.id?, person.clone())));
        Self { people: known.collect(), me: snapshot.me.clone() }
    }

    /// One line, or several where a message has several; none for what is too small for words.
    pub(super) fn of(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Came { person } => {
                self.remember(person);
                let away = if person.away { ", away" } else { "" };
                format!("{} is here{away}", Card(person))
            }
            Event::Changed { person } => {
                let before = self.remember(person)?;
                changed(&before, person)?
            }
            Event::Left { person } => {
                self.remember(person);
                format!("{} has left", name(person))
            }
            Event::Moved { person, from } => {
                self.remember(person);
                let to = person.addresses.first().copied().map(Place);
                let to = to.map(|to| to.to_string()).unwrap_or_default();
                format!(
                    "{} is at {to} now, no longer at {}; it may be another machine",
                    name(person),
                    Place(*from)
                )
            }
            Event::Message { message } | Event::Accepted { message } => message_line(message),
            Event::Delivered { message, took } => {
                format!("#{message} delivered in {} ms", took.div_ceil(1000))
            }
            Event::Queued { message } => format!("#{message} waits: no answer yet"),
            Event::Failed { message, reason } => {
                format!("#{message} will not be delivered: {}", Untrusted::from(reason.as_str()))
            }
            Event::Cancelled { message } => format!("#{message} is not sent any more"),
            Event::Opened { message, discarded: false } => format!("#{message} was opened"),
            Event::Opened { message, discarded: true } => format!("#{message} was thrown away unread"),
            Event::Typing { .. } => return None,
            Event::Me { me } => {
                let before = std::mem::replace(&mut self.me, me.clone());
                (before != *me).then(|| who(me))?
            }
            // Names in it are escaped already.
            Event::Notice { text } => Untrusted::from(text.as_str()).multiline().to_string(),
        })
    }

    fn remember(&mut self, person: &Person) -> Option<Person> {
        self.people.insert(person.id?, person.clone())
    }
}

/// Who this node is, to others.
pub(super) fn who(me: &Me) -> String {
    let mut words = format!("you are {} ({}@{}", shown(&me.name), shown(&me.user), shown(&me.host));
    if !me.group.is_empty() {
        words += &format!(", group {}", shown(&me.group));
    }
    words += ")";
    if !me.addresses.is_empty() {
        let addresses: Vec<String> = me.addresses.iter().map(ToString::to_string).collect();
        words += &format!(" at {}", addresses.join(" and "));
    }
    if let Some(away) = &me.away {
        words += &format!(", away: {}", shown(away));
    }
    words
}

/// Somebody and what tells him from others of the name: `wang (wang@pc7, group lab, 10.0.0.21, iptux 0.8.3)`.
struct Card<'a>(&'a Person);

impl Display for Card<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let person = self.0;
        let mut facts = Vec::new();
        if person.nick != person.name && !person.nick.is_empty() {
            facts.push(format!("as {}", shown(&person.nick)));
        }
        facts.push(format!("{}@{}", shown(&person.user), shown(&person.host)));
        if !person.group.is_empty() {
            facts.push(format!("group {}", shown(&person.group)));
        }
        facts.extend(person.addresses.first().map(|address| Place(*address).to_string()));
        if !person.program.is_empty() {
            facts.push(shown(&person.program).to_string());
        }
        write!(f, "{} ({})", name(person), facts.join(", "))
    }
}

/// An address, with its port where it is not the usual one.
struct Place(SocketAddr);

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            CHAT_PORT => self.0.ip().fmt(f),
            _ => self.0.fmt(f),
        }
    }
}

fn changed(before: &Person, now: &Person) -> Option<String> {
    let name = name(now);
    if before.name != now.name || before.nick != now.nick || before.group != now.group {
        return Some(format!("{} is now {}", shown(&before.name), Card(now)));
    }
    match (before.away, now.away) {
        (false, true) => Some(format!("{name} is away")),
        (true, false) => Some(format!("{name} is back")),
        _ => None,
    }
}

fn message_line(message: &Message) -> String {
    let name = name(&message.with);
    let mut words = match message.direction {
        Direction::In => name.to_string(),
        Direction::Out => format!("#{} to {name}", message.id),
    };
    if message.broadcast {
        words += " to everybody";
    }
    if message.automatic {
        words += ", by itself";
    }
    words += ":";
    if message.sealed {
        words += " (sealed)";
    }
    if !message.text.is_empty() {
        words += &format!(" {}", Untrusted::from(message.text.as_str()).multiline());
    }
    if !message.files.is_empty() {
        let files: Vec<String> = message.files.iter().map(|file| shown(file).to_string()).collect();
        words += &format!(" (offers {})", files.join(", "));
    }
    words
}

fn name(person: &Person) -> Untrusted<'_> {
    shown(&person.name)
}

fn shown(text: &str) -> Untrusted<'_> {
    Untrusted::from(text)
}
