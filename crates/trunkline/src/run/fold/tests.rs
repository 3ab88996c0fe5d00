use std::collections::BTreeMap;

use node::book::NameSet;
use proptest::prelude::*;

use super::*;
use crate::run::view::testing::{err, exit, machines, out, texts, written};

const COLOURED: Surface = Surface { terminal: true, coloured: true };

fn folded_with(names: &[&str], charset: &str, surface: Surface) -> Folded {
    Folded::new(&machines(names, charset), Surfaces { out: surface, err: surface })
}

fn piped(names: &[&str]) -> Folded {
    folded_with(names, "", Surface::default())
}

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number:02}")).collect()
}

/// Forty machines of which the seventh differs.
fn forty(of_most: &str, of_seventh: &str) -> Vec<Event> {
    let events = (0..40).flat_map(|place| {
        let text = if place == 6 { of_seventh } else { of_most };
        [out(place, text), exit(place, 0)]
    });
    events.collect()
}

#[test]
fn forty_machines_of_which_one_differs_are_two_outputs_and_the_difference_is_seen() {
    let names = names(40);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let events = forty("Debian 12\nLinux 6.1.0-18 amd64\n", "Debian 12\nLinux 6.1.0-13 amd64\n");
    assert_eq!(
        texts(piped(&names), &events).0,
        "--- n[01-06,08-40] (39)\n\
         Debian 12\n\
         Linux 6.1.0-18 amd64\n\
         --- n07 (1)\n\
         Debian 12\n\
         ~ Linux 6.1.0-13 amd64\n"
    );
    let (coloured, _) = texts(folded_with(&names, "", COLOURED), &events);
    assert!(coloured.ends_with("Debian 12\n~ Linux \x1b[7m6.1.0-13\x1b[0m amd64\n"), "{coloured:?}");
    assert!(coloured.starts_with("\x1b[1m--- n[01-06,08-40] (39)\x1b[0m\n"), "{coloured:?}");
}

#[test]
fn where_no_output_is_the_most_common_nothing_is_marked() {
    let events = [out(0, "one\n"), exit(0, 0), out(1, "two\n"), exit(1, 0)];
    assert_eq!(texts(piped(&["a", "b"]), &events).0, "--- a (1)\none\n--- b (1)\ntwo\n");
}

#[test]
fn who_ends_differently_is_not_the_same_and_the_header_says_how() {
    let events = [out(0, "x\n"), exit(0, 0), out(1, "x\n"), exit(1, 3), out(2, "x\n"), exit(2, 0)];
    let (text, _) = texts(piped(&["a", "b", "c"]), &events);
    assert_eq!(text, "--- a,c (2)\nx\n--- b (1), exit 3\nx\n");
}

#[test]
fn the_streams_stay_apart_and_who_prints_nothing_is_not_shown() {
    let events =
        [err(0, "no such file\n"), exit(0, 1), exit(1, 0), out(2, "here"), err(2, "w\n"), exit(2, 0)];
    let (out, err) = texts(piped(&["a", "b", "c"]), &events);
    assert_eq!(out, "--- c (1)\nhere\n");
    assert_eq!(err, "--- a (1), standard error, exit 1\nno such file\n--- c (1), standard error\nw\n");
}

#[test]
fn a_terminal_is_not_steered_and_a_charset_is_read() {
    let view = folded_with(&["a", "b"], "gbk", Surface { terminal: true, coloured: false });
    let text = b"\xd5\xc5\xc8\xfd \x1b[2J\n";
    let events = [out(0, &text[..3]), out(0, &text[3..]), exit(0, 0), out(1, text), exit(1, 0)];
    assert_eq!(texts(view, &events).0, "--- a,b (2)\n张三 \\x1b[2J\n");
}

#[test]
fn what_is_long_is_kept_outside_memory_and_comes_out_whole() {
    let line = [vec![b'x'; 5_000_000], b"\n".to_vec()].concat();
    let mut events: Vec<_> = line.chunks(32_000).flat_map(|piece| [out(0, piece), out(1, piece)]).collect();
    events.extend([exit(0, 0), out(1, "more"), exit(1, 0)]);
    let (text, _) = written(piped(&["a", "b"]), &events);
    let expected = [b"--- a (1)\n", &line[..], b"--- b (1)\n", &line, b"more\n"].concat();
    assert!(text == expected, "{} bytes", text.len());
}

/// Reads folded output back: what each machine printed.
fn read(text: &str) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    for group in text.split("--- ").skip(1) {
        let (header, output) = group.split_once('\n').unwrap();
        let (set, count) = header.rsplit_once(" (").unwrap();
        let set = NameSet::parse(set, &()).unwrap();
        assert_eq!(count, format!("{})", set.len()));
        let lines = output.lines().map(|line| line.strip_prefix("~ ").unwrap_or(line));
        let output: String = lines.flat_map(|line| [line, "\n"]).collect();
        for name in &set {
            assert_eq!(read.insert(name, output.clone()), None, "a machine stands in two groups");
        }
    }
    read
}

proptest! {
    #[test]
    fn each_machine_is_in_one_group_and_its_output_can_be_read_there(
        outputs in proptest::collection::vec("([ab ]{0,3}\n){1,4}", 1..12), size in 1..5usize,
    ) {
        let names = names(outputs.len());
        let mut events = Vec::new();
        for (place, output) in outputs.iter().enumerate() {
            events.extend(output.as_bytes().chunks(size).map(|piece| out(place, piece)));
            events.push(exit(place, 0));
        }
        let (text, _) = texts(piped(&names.iter().map(String::as_str).collect::<Vec<_>>()), &events);
        let expected: BTreeMap<String, String> = names.into_iter().zip(outputs).collect();
        prop_assert_eq!(read(&text), expected);
    }
}
