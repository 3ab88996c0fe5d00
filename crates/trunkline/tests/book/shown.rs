//! The book as it is shown.

use crate::home::{BOOK, Home};

#[test]
fn the_book_is_a_table_of_the_columns_that_somebody_filled() {
    let table = "\
NAME      LINE    WHERE                                     SEAT  NOTE
printer   socket  tcp://10.0.0.9:9100                             by the window
n[01-40]  ssh     ops@10.1.0.[1-40] via gate
gate      ssh     admin@gate.lab:2222
张三      chat    10.0.0.21 charset gb18030                 n07
scale     socket  10.0.0.17:4001 frame !BIH length-field 1
@lab      group   n[01-06,08-40] (39 names)
@night    group   cold,gate,n[01-06,08-40] (41 names)
";
    let home = Home::with_book(BOOK);
    assert_eq!(home.shows(&["book"]), table);
    assert_eq!(home.shows(&["book", "list"]), table);
}

#[test]
fn an_empty_book_says_how_to_begin() {
    let shown = Home::empty().shows(&["book"]);
    assert!(shown.contains("trunkline book add printer --socket"), "{shown}");
    assert!(shown.contains("~/book.toml"), "{shown}");
    assert_eq!(Home::empty().shows(&["book", "--json"]), "");
}

#[test]
fn targets_pick_names_out_of_ranges_and_groups() {
    let table = "\
NAME  LINE  WHERE
cold        not in the book
gate  ssh   admin@gate.lab:2222
n40   ssh   ops@10.1.0.40 via gate
";
    assert_eq!(Home::with_book(BOOK).shows(&["book", "list", "@night", "-x", "n[01-39]"]), table);
}

#[test]
fn bare_names_are_for_a_loop_of_the_shell() {
    let home = Home::with_book(BOOK);
    assert_eq!(
        home.shows(&["book", "list", "n[08-10],printer", "-x", "n09", "--names"]),
        "n08\nn10\nprinter\n"
    );
    assert_eq!(home.shows(&["book", "list", "--names"]).lines().count(), 44);
}

#[test]
fn a_name_is_shown_with_all_that_is_known_of_it() {
    let home = Home::with_book(BOOK);
    let shown = "\
n08
  ssh      ops@10.1.0.8 via gate
  group    @lab, @night
  from     ~/book.toml:6
";
    assert_eq!(home.shows(&["book", "show", "n08"]), shown);
    let shown = "\
张三
  chat     10.0.0.21:2425 charset gb18030
  seat     n07
  from     ~/book.toml:12
";
    assert_eq!(home.shows(&["book", "show", "张三"]), shown);
}

#[test]
fn a_name_is_found_in_any_case_and_width() {
    let home = Home::with_book(BOOK);
    assert_eq!(home.shows(&["book", "show", "ＰＲＩＮＴＥＲ"]), home.shows(&["book", "show", "printer"]));
}

#[test]
fn a_group_is_shown_folded_and_as_it_is_written() {
    let shown = "\
@lab
  members  n[01-06,08-40]
  count    39
  written  n[01-40],-n07
  from     ~/book.toml:20
";
    let home = Home::with_book(BOOK);
    assert_eq!(home.shows(&["book", "show", "@lab"]), shown);
    assert_eq!(home.shows(&["book", "show", "@lab&n[05-10]"]), "n[05-06,08-10] (5 names)\n");
}

#[test]
fn json_has_a_line_for_each_entry_and_group() {
    let home = Home::with_book(BOOK);
    let lines = home.shows(&["book", "--json"]);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(
        lines[1],
        serde_json::json!({
            "name": "n[01-40]", "ssh": {"at": "ops@10.1.0.[1-40]", "via": ["gate"]}, "from": ["~/book.toml:6"]
        })
    );
    assert_eq!(
        lines[4]["socket"],
        serde_json::json!({"address": "10.0.0.17:4001", "frame": "!BIH", "length_field": 1})
    );
    assert_eq!(lines[5]["members"], "n[01-06,08-40]");
    let one: serde_json::Value =
        serde_json::from_str(&home.shows(&["book", "show", "n08", "--json"])).unwrap();
    assert_eq!(one["ssh"]["at"], "ops@10.1.0.8");
    assert_eq!(home.shows(&["book", "show", "n[1-3]", "--json"]), "{\"names\":\"n[1-3]\",\"count\":3}\n");
}

#[test]
fn a_name_that_is_not_there_is_an_error_with_the_one_that_was_meant() {
    let home = Home::with_book(BOOK);
    assert_eq!(
        home.fails(1, &["book", "show", "prnter"]),
        "trunkline: 'prnter' is not in the book; did you mean printer?\n"
    );
    let error = home.fails(2, &["book", "show", "@labb"]);
    assert!(error.contains("there is no group @labb: did you mean @lab?"), "{error}");
    let error = home.fails(2, &["book", "list", "n[01-"]);
    assert!(error.contains("the bracket is not closed"), "{error}");
}

#[test]
fn a_broken_book_is_an_error_that_names_file_and_line() {
    let home = Home::with_book("[entry.printer]\nsocked = \"tcp://10.0.0.9:9100\"\n");
    let error = home.fails(2, &["book"]);
    assert!(error.contains("~/book.toml:2:") && error.contains("did you mean socket?"), "{error}");
}

#[test]
fn hosts_of_ssh_are_found_and_shown_when_asked_for() {
    let home = Home::with_book(BOOK);
    std::fs::create_dir(home.path().join(".ssh")).unwrap();
    std::fs::write(home.path().join(".ssh/config"), "Host bastion gate\n  HostName 10.9.0.1\n  User me\n")
        .unwrap();
    assert!(!home.shows(&["book"]).contains("bastion"));
    let all = home.shows(&["book", "list", "--all"]);
    let row = all.lines().find(|line| line.starts_with("bastion")).expect(&all);
    assert!(row.contains("ssh") && row.contains("me@10.9.0.1") && row.ends_with("~/.ssh/config:1"), "{row}");
    let gate = home.shows(&["book", "show", "gate"]);
    assert!(gate.contains("admin@gate.lab:2222") && !gate.contains("10.9.0.1"), "the book wins: {gate}");
}

#[test]
fn what_a_note_holds_cannot_command_the_terminal() {
    let home = Home::with_book("[entry.x]\nsocket = \"h:1\"\nnote = \"\\u001b[2J\\u202egnp\"\n");
    for arguments in [&["book"][..], &["book", "show", "x"], &["book", "--json"]] {
        let shown = home.shows(arguments);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
}
