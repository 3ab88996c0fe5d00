use std::path::Path;

use net::charset::Charset;
use net::frame::Framing;
use proptest::prelude::*;

use super::edit::{Draft, EditError};
use super::*;

/// The example of the documentation.
const EXAMPLE: &str = include_str!("../../../../docs/book.md");

fn example() -> &'static str {
    EXAMPLE.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).expect("an example").0
}

fn book(text: &str) -> Result<Book, Mistakes> {
    Book::from_text(text, Path::new("book.toml"))
}

fn edited(text: &str, change: impl FnOnce(&mut Draft) -> Result<(), EditError>) -> String {
    let mut draft = Draft::new(text, Path::new("book.toml")).unwrap();
    change(&mut draft).and_then(|()| draft.finish()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn name() -> impl Strategy<Value = String> {
    let names = prop_oneof![
        "[a-zA-Z0-9_.-]{1,8}",
        "[张三李四ﾌﾟÉé ('\"#=\\\\]{1,8}",
        "[a-z-]{1,4}\\[[0-3]-[4-9]\\][a-z]?"
    ];
    names.prop_filter("a name", |name| Record::new(name).is_ok())
}

/// An address of each name, or one for all.
fn host(names: &str) -> BoxedStrategy<String> {
    let of_all = "[a-z]{1,6}(\\.lab)?".boxed();
    match names.split_once('[').and_then(|(_, rest)| rest.split_once(']')) {
        Some((range, _)) => prop_oneof![of_all, Just(format!("10.0.0.[{range}]"))].boxed(),
        None => of_all,
    }
}

prop_compose! {
    fn record()(names in name())(
        hosts in prop::collection::vec(host(&names), 3),
        names in Just(names),
        user in "([a-z王]{1,4}@)?", port in "(:[1-9][0-9]{0,3})?",
        udp in any::<bool>(), via in prop::collection::vec("(u@)?[a-z]{1,4}:22", 0..3),
        charset in prop::option::of(prop::sample::select(vec!["gbk", "big5", "utf-16le", "latin1"])),
        frame in prop::option::of(prop::sample::select(vec![("line", None), ("!I", None), ("!BIH", Some(1))])),
        key in prop::option::of("[0-9a-f]{16}"), note in prop::option::of("[^\u{0}-\u{8}]{1,20}"),
        has in any::<[bool; 3]>(),
    ) -> Record {
        let mut record = Record::new(&names).unwrap();
        let names = record.names().clone();
        let charset = charset.map(|label| Charset::parse(label).unwrap());
        if has[0] {
            let (at, key) = if udp { (format!("udp://{}:9", hosts[0]), None) } else { (hosts[0].clone() + &port, key) };
            let key = key.filter(|_| names.len() == 1).map(|key| key.parse().unwrap());
            record.chat = Some(ChatLine { at: Each::parse(&at, &names).unwrap(), charset, key });
        }
        if has[1] {
            let at = Each::parse(&format!("{user}{}{port}", hosts[1]), &names).unwrap();
            let via = via.iter().map(|via| via.parse().unwrap()).collect();
            record.ssh = Some(SshLine { at, charset, via });
        }
        if has[2] {
            let framing = frame.map(|(frame, field)| Framing::parse(frame, field).unwrap());
            record.socket = Some(SocketLine { at: Each::parse(&format!("{}:80", hosts[2]), &names).unwrap(), framing });
        }
        record.note = note;
        record
    }
}

#[test]
fn a_group_is_found_without_regard_to_case_and_width_where_only_one_can_be_meant() {
    let book = book("[groups]\nLab = 'a'\n'夜班' = 'b'\nx = 'c'\nX = 'd'\n").unwrap();
    let name = |group: &str| book.group(group).map(|group| group.name.as_str());
    assert_eq!([name("Lab"), name("LAB"), name("ｌａｂ")], [Some("Lab"); 3]);
    assert_eq!([name("x"), name("X"), name("ｘ")], [Some("x"), Some("X"), None]);
    assert_eq!(book.select("@lab,@夜班").unwrap().to_string(), "a,b");
}

proptest! {
    #[test]
    fn any_text_is_a_book_or_an_error(text in ".{0,200}") {
        let _ = book(&text).map_err(|mistakes| mistakes.to_string());
    }

    #[test]
    fn a_book_with_a_slip_in_it_is_a_book_or_an_error_with_its_line(
        at in any::<prop::sample::Index>(), length in 0_usize..6, slip in "[\\[\\]{}=.,'\"#@&!^:/n0-9a-z张\n -]{0,4}",
    ) {
        let text: Vec<char> = example().chars().collect();
        let at = at.index(text.len());
        let (before, after) = (&text[..at], &text[text.len().min(at + length)..]);
        let text: String = before.iter().copied().chain(slip.chars()).chain(after.iter().copied()).collect();
        match book(&text) {
            Ok(book) => for record in book.records() {
                let name = record.value.names().nth(0).unwrap();
                let found = book.look_up(&name).unwrap();
                prop_assert_eq!(found.name.as_str(), name);
            },
            Err(mistakes) => {
                let lines = text.lines().count() + 1;
                prop_assert!(mistakes.all().iter().all(|mistake| (1..=lines).contains(&mistake.line)));
            }
        }
    }

    #[test]
    fn what_is_added_is_what_is_loaded(record in record()) {
        let text = edited("", |draft| draft.add(&record, Force::No));
        let loaded = book(&text).unwrap();
        prop_assert_eq!(&loaded.records()[0].value, &record, "{}", text);
    }

    #[test]
    fn what_is_added_and_removed_leaves_no_trace(record in record()) {
        let names = record.names().to_string();
        let known = book(example()).unwrap();
        prop_assume!(record.names().iter().all(|name| known.find(&name).is_ok_and(|found| found.is_none())));
        let text = edited(example(), |draft| draft.add(&record, Force::No));
        prop_assert!(text.starts_with(example()));
        prop_assert_eq!(edited(&text, |draft| draft.remove(&names, Force::No)), example());
    }
}
