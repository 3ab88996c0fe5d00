//! What happens at the node, in words.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::net::SocketAddr;

use net::Untrusted;
use node::book::CHAT_PORT;
use node::face::{Direction, Event, Guest, Me, Message, Person, Snapshot};

use crate::send::State;

/// Finds the words. It remembers how everybody was, to tell what has changed.
pub(crate) struct Words {
    people: HashMap<u32, Person>,
    me: Me,
}

impl Words {
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let known = snapshot.people.iter().filter_map(|person| Some((person.id?, person.clone())));
        Self { people: known.collect(), me: snapshot.me.clone() }
    }

    /// One line, or several where a message has several; none for what is too small for words.
    pub(crate) fn of(&mut self, event: &Event) -> Option<String> {
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
                format!("#{message} {}", State::Delivered { took: *took })
            }
            Event::Queued { message } => format!("#{message} waits: no answer yet"),
            Event::Failed { message, reason } => {
                format!("#{message} will not be delivered: {}", Untrusted::from(reason.as_str()))
            }
            Event::Cancelled { message } => format!("#{message} is not sent any more"),
            Event::Opened { message, discarded: false } => format!("#{message} was opened"),
            Event::Opened { message, discarded: true } => format!("#{message} was thrown away unread"),
            Event::Typing { .. } => return None,
            Event::GuestCame { guest } => format!("{} is in", guest_words(guest)),
            Event::GuestLeft { guest } => format!("{} is out", guest_words(guest)),
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

/// Somebody who has logged in: `ann (ssh, number 3, from 192.168.1.9:40312)`. The number is for `allow end`.
fn guest_words(guest: &Guest) -> String {
    format!("{} (ssh, number {}, from {})", shown(guest.name()), guest.id, guest.from)
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

#[cfg(test)]
mod tests {
    use node::face::Presence;

    use super::*;

    fn me() -> Me {
        Me {
            name: "li".to_owned(),
            group: "lab".to_owned(),
            away: None,
            user: "li".to_owned(),
            host: "pc1".to_owned(),
            node: "1f".to_owned(),
            port: Some(2425),
            addresses: vec![[10, 0, 0, 1].into(), [192, 168, 1, 1].into()],
        }
    }

    fn wang() -> Person {
        Person {
            id: Some(1),
            name: "wang".to_owned(),
            nick: "wang".to_owned(),
            user: "wang".to_owned(),
            host: "pc7".to_owned(),
            addresses: vec![([10, 0, 0, 21], 2425).into()],
            program: "iptux 0.8.3".to_owned(),
            presence: Presence::Here,
            ..Person::default()
        }
    }

    fn words() -> Words {
        let people = vec![wang()];
        Words::new(&Snapshot {
            number: 0,
            me: me(),
            people,
            blocked: Vec::new(),
            waiting: 0,
            troubles: Vec::new(),
        })
    }

    fn message() -> Message {
        Message {
            id: 7,
            at: jiff::Timestamp::UNIX_EPOCH,
            with: wang(),
            direction: Direction::In,
            text: "hello".to_owned(),
            sealed: false,
            automatic: false,
            broadcast: false,
            files: Vec::new(),
        }
    }

    fn said(event: &Event) -> Option<String> {
        words().of(event)
    }

    fn changed_to(person: Person) -> Option<String> {
        said(&Event::Changed { person })
    }

    fn of_message(message: Message) -> String {
        said(&Event::Message { message }).unwrap()
    }

    #[test]
    fn who_comes_is_told_from_others_of_the_name() {
        let came = |person| said(&Event::Came { person }).unwrap();
        assert_eq!(came(wang()), "wang (wang@pc7, 10.0.0.21, iptux 0.8.3) is here");
        let listed = Person {
            name: "boss".to_owned(),
            book: Some("boss".to_owned()),
            group: "lab".to_owned(),
            addresses: vec![([10, 0, 0, 21], 2426).into()],
            program: String::new(),
            away: true,
            ..wang()
        };
        assert_eq!(came(listed), "boss (as wang, wang@pc7, group lab, 10.0.0.21:2426) is here, away");
        assert_eq!(said(&Event::Left { person: wang() }).unwrap(), "wang has left");
    }

    #[test]
    fn of_a_change_only_what_has_changed_is_told() {
        assert_eq!(changed_to(wang()), None);
        assert_eq!(changed_to(Person { away: true, ..wang() }).unwrap(), "wang is away");
        assert_eq!(changed_to(Person { host: "pc8".to_owned(), ..wang() }), None);
        let renamed = Person { name: "王伟".to_owned(), nick: "王伟".to_owned(), ..wang() };
        assert_eq!(changed_to(renamed).unwrap(), "wang is now 王伟 (wang@pc7, 10.0.0.21, iptux 0.8.3)");
        let mut words = words();
        assert!(words.of(&Event::Changed { person: Person { away: true, ..wang() } }).is_some());
        assert_eq!(words.of(&Event::Changed { person: wang() }).unwrap(), "wang is back");
        assert_eq!(changed_to(Person { id: Some(2), ..wang() }), None, "nobody knows what it was before");
    }

    #[test]
    fn whoever_moves_may_be_somebody_else() {
        let person = Person { addresses: vec![([10, 0, 0, 22], 2425).into()], ..wang() };
        let from = ([10, 0, 0, 21], 2425).into();
        assert_eq!(
            said(&Event::Moved { person, from }).unwrap(),
            "wang is at 10.0.0.22 now, no longer at 10.0.0.21; it may be another machine"
        );
    }

    #[test]
    fn a_message_has_its_sender_and_what_is_special_about_it() {
        assert_eq!(of_message(message()), "wang: hello");
        assert_eq!(of_message(Message { broadcast: true, ..message() }), "wang to everybody: hello");
        assert_eq!(of_message(Message { automatic: true, ..message() }), "wang, by itself: hello");
        assert_eq!(of_message(Message { sealed: true, text: String::new(), ..message() }), "wang: (sealed)");
        let files = vec!["a.txt".to_owned(), "b\n.txt".to_owned()];
        assert_eq!(of_message(Message { files, ..message() }), r"wang: hello (offers a.txt, b\n.txt)");
        let sent = Message { direction: Direction::Out, ..message() };
        assert_eq!(said(&Event::Accepted { message: sent }).unwrap(), "#7 to wang: hello");
    }

    #[test]
    fn what_becomes_of_a_message_is_told_by_its_number() {
        let message = 7;
        for (event, words) in [
            (Event::Delivered { message, took: 2_001 }, "#7 delivered in 3 ms"),
            (Event::Queued { message }, "#7 waits: no answer yet"),
            (Event::Failed { message, reason: "no\n".to_owned() }, r"#7 will not be delivered: no\n"),
            (Event::Cancelled { message }, "#7 is not sent any more"),
            (Event::Opened { message, discarded: false }, "#7 was opened"),
            (Event::Opened { message, discarded: true }, "#7 was thrown away unread"),
        ] {
            assert_eq!(said(&event).unwrap(), words);
        }
    }

    #[test]
    fn what_others_see_of_this_node_is_told_when_it_has_changed() {
        assert_eq!(who(&me()), "you are li (li@pc1, group lab) at 10.0.0.1 and 192.168.1.1");
        assert_eq!(said(&Event::Me { me: me() }), None);
        let away = Me { away: Some("lunch\x07".to_owned()), addresses: Vec::new(), ..me() };
        assert_eq!(
            said(&Event::Me { me: away }).unwrap(),
            r"you are li (li@pc1, group lab), away: lunch\x07"
        );
    }

    #[test]
    fn who_logs_in_and_out_by_ssh_has_a_key_a_number_and_an_address() {
        let guest = || Guest {
            id: 3,
            label: "ann\x1b".to_owned(),
            fingerprint: "SHA256:a".to_owned(),
            authority: None,
            from: "192.168.1.9:40312".parse().unwrap(),
            since: jiff::Timestamp::UNIX_EPOCH,
            runs: Vec::new(),
        };
        let ann = r"ann\x1b (ssh, number 3, from 192.168.1.9:40312)";
        let came = said(&Event::GuestCame { guest: guest() }).unwrap();
        assert_eq!(came, format!("{ann} is in"));
        assert_eq!(said(&Event::GuestLeft { guest: guest() }).unwrap(), format!("{ann} is out"));
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        let nasty = "\x1b[2J\u{202e}\n12:00:00 root".to_owned();
        let person = Person {
            name: nasty.clone(),
            nick: format!("{nasty}2"),
            group: nasty.clone(),
            user: nasty.clone(),
            host: nasty.clone(),
            program: nasty.clone(),
            ..wang()
        };
        let message = Message { with: person.clone(), files: vec![nasty.clone()], ..message() };
        for event in [
            Event::Came { person: person.clone() },
            Event::Changed { person: person.clone() },
            Event::Left { person },
            Event::Message { message: message.clone() },
            Event::Accepted { message },
            Event::Failed { message: 1, reason: nasty.clone() },
        ] {
            let said = said(&event).unwrap();
            assert!(!said.contains(['\x1b', '\u{202e}', '\n']), "{said}");
        }
        let notice = said(&Event::Notice { text: nasty }).unwrap();
        assert!(!notice.contains(['\x1b', '\u{202e}']), "{notice}");
    }
}
