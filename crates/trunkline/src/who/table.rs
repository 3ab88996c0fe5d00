//! People as a table, and in words.

use net::Untrusted;
use node::face::{Person, Presence};

use crate::table::columns;

const HEADER: [&str; 8] = ["NAME", "CALLED", "GROUP", "HOST", "ADDRESS", "PROGRAM", "SEAT", "STATE"];

/// One row for each person.
pub(super) fn table(people: &[Person], width: Option<u16>) -> String {
    let shown = |text: &str| Untrusted::from(text).to_string();
    let row = |person: &Person| {
        let called = if person.nick == person.name { "" } else { &person.nick };
        [
            shown(&person.name),
            shown(called),
            shown(&person.group),
            shown(&person.host),
            person.addresses.first().map(ToString::to_string).unwrap_or_default(),
            shown(&person.program),
            shown(person.seat.as_deref().unwrap_or_default()),
            state(person),
        ]
    };
    columns(HEADER, &[], &people.iter().map(row).collect::<Vec<_>>(), width)
}

/// What is to be said of somebody; nothing of who is there and listens.
fn state(person: &Person) -> String {
    let presence = match person.presence {
        Presence::Here => "",
        Presence::Told => "told of",
        Presence::Gone => "not in sight",
    };
    let away = if person.away { "away" } else { "" };
    let blocked = if person.blocked { "blocked" } else { "" };
    [presence, away, blocked].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wang() -> Person {
        Person {
            name: "wang".to_owned(),
            nick: "王伟".to_owned(),
            host: "pc\x1b[2J7".to_owned(),
            addresses: vec!["10.0.0.7:2425".parse().unwrap()],
            program: "FeiQ".to_owned(),
            presence: Presence::Here,
            ..Person::default()
        }
    }

    #[test]
    fn who_is_in_the_book_stands_under_his_name_there_beside_what_he_calls_himself() {
        let li = Person { name: "li".to_owned(), ..Person::default() };
        assert_eq!(
            table(&[wang(), li], None),
            "NAME  CALLED  HOST        ADDRESS        PROGRAM  STATE\n\
             wang  王伟    pc\\x1b[2J7  10.0.0.7:2425  FeiQ\n\
             li                                                not in sight\n"
        );
    }

    #[test]
    fn of_who_is_there_and_listens_nothing_is_to_be_said() {
        assert_eq!(state(&wang()), "");
        let far = Person { presence: Presence::Told, away: true, blocked: true, ..wang() };
        assert_eq!(state(&far), "told of, away, blocked");
    }
}
