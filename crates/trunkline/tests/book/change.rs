//! The book changed from the command line.

use std::os::unix::fs::PermissionsExt as _;

use crate::home::{BOOK, Home};

#[test]
fn the_first_name_makes_a_book_that_only_its_owner_reads() {
    let home = Home::empty();
    let added =
        home.shows(&["book", "add", "printer", "--socket", "tcp://10.0.0.9:9100", "--note", "by the window"]);
    assert_eq!(added, "added printer\n");
    assert_eq!(home.text(), "[entry.printer]\nsocket = \"tcp://10.0.0.9:9100\"\nnote = \"by the window\"\n");
    assert_eq!(home.book().metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn every_line_an_entry_may_have_can_be_added() {
    let home = Home::empty();
    home.shows(&["book", "add", "gate", "--ssh", "admin@gate.lab:2222"]);
    home.shows(&[
        "book",
        "add",
        "n[01-40]",
        "--ssh",
        "ops@10.1.0.[1-40]",
        "--via",
        "gate",
        "--charset",
        "gbk",
        "--group",
        "lab",
    ]);
    home.shows(&[
        "book",
        "add",
        "scale",
        "--socket",
        "10.0.0.17:4001",
        "--frame",
        "!BIH",
        "--length-field",
        "1",
    ]);
    let key = "0123456789abcdef";
    home.shows(&[
        "book",
        "add",
        "张三",
        "--chat",
        "10.0.0.21",
        "--charset",
        "gb18030",
        "--key",
        key,
        "--seat",
        "n07",
    ]);
    let shown = |name: &str| home.shows(&["book", "show", name]);
    assert!(shown("n07").contains("ssh      ops@10.1.0.7 via gate charset GBK\n"), "{}", shown("n07"));
    assert!(shown("n07").contains("group    @lab\n"));
    assert!(
        shown("scale").contains("socket   tcp://10.0.0.17:4001 frame !BIH length-field 1\n"),
        "{}",
        shown("scale")
    );
    assert!(
        shown("张三").contains("chat     10.0.0.21:2425 charset gb18030 key 0123456789abcdef\n"),
        "{}",
        shown("张三")
    );
    assert!(shown("张三").contains("seat     n07\n"));
}

#[test]
fn a_further_line_joins_the_entry_and_an_existing_one_stays_unless_it_is_to_be_replaced() {
    let home = Home::with_book(BOOK);
    home.shows(&["book", "add", "gate", "--socket", "gate.lab:80"]);
    let error = home.fails(1, &["book", "add", "gate", "--ssh", "root@gate.lab"]);
    assert!(
        error.contains(
            "changing ~/book.toml: entry.gate.ssh is in the book already (line 10)\nhint: --replace"
        ),
        "{error}"
    );
    home.shows(&["book", "add", "gate", "--ssh", "root@gate.lab", "--replace"]);
    let gate = home.shows(&["book", "show", "gate"]);
    assert!(gate.contains("root@gate.lab\n") && gate.contains("tcp://gate.lab:80"), "{gate}");
    assert!(home.text().starts_with("# the second floor\n"));
}

#[test]
fn members_join_a_group_once() {
    let home = Home::with_book(BOOK);
    home.shows(&["book", "add", "@lab", "gate"]);
    home.shows(&["book", "add", "@Lab", "n[01-05]", "gate"]);
    assert!(home.text().contains("lab = \"n[01-40],-n07,gate\"\n"), "{}", home.text());
    home.shows(&["book", "add", "@lab", "printer", "--replace"]);
    home.shows(&["book", "add", "@floor", "@lab,scale"]);
    assert!(home.text().contains("lab = \"printer\"\n") && home.text().contains("floor = \"@lab,scale\"\n"));
}

#[test]
fn what_would_break_the_book_is_refused_and_leaves_it_as_it_is() {
    let home = Home::with_book(BOOK);
    for (code, arguments, reason) in [
        (2, &["book", "add", "x"][..], "needs a line"),
        (2, &["book", "add", "@x"], "needs members"),
        (2, &["book", "add", "@x", "n1", "--ssh", "h"], "no lines of its own"),
        (2, &["book", "add", "x", "n[1-3]"], "only a @group has members"),
        (2, &["book", "add", "a,b", "--ssh", "h"], "has ',' in it"),
        (2, &["book", "add", "n[1-3]", "--ssh", "h[1-2]"], "write as many, or one for all"),
        (2, &["book", "add", "x", "--socket", "h"], "has no port"),
        (2, &["book", "add", "x", "--socket", "h:1", "--charset", "gbk"], "for an ssh or a chat line"),
        (2, &["book", "add", "x", "--frame", "line"], "--socket"),
        (1, &["book", "add", "n[30-50]", "--ssh", "h[30-50]"], "n30"),
        (1, &["book", "add", "李四", "--chat", "h", "--seat", "pc99"], "pc99"),
        (1, &["book", "add", "@lab", ",-n07"], "a name, a range or a @group is missing here"),
        (1, &["book", "add", "@lab", "@night"], "@lab -> @night -> @lab"),
        (1, &["book", "remove", "n08"], "n08 is one of n[01-40]"),
        (1, &["book", "remove", "gate"], "named by"),
        (1, &["book", "remove", "printr"], "did you mean printer?"),
        (1, &["book", "remove", "@labb"], "did you mean @lab?"),
    ] {
        let error = home.fails(code, arguments);
        assert!(error.contains(reason), "{arguments:?}: {error}");
        assert_eq!(home.text(), BOOK, "{arguments:?}");
    }
}

#[test]
fn removing_takes_out_all_of_the_names_or_none() {
    let home = Home::with_book(BOOK);
    home.fails(1, &["book", "remove", "printer", "nobody"]);
    assert_eq!(home.text(), BOOK);
    assert_eq!(home.shows(&["book", "remove", "printer", "scale"]), "removed printer\nremoved scale\n");
    assert_eq!(home.shows(&["book", "remove", "@NIGHT"]), "removed @NIGHT\n");
    assert!(!home.text().contains("printer") && !home.text().contains("night"), "{}", home.text());
}

#[test]
fn members_leave_a_group_and_stay_in_the_book() {
    let home = Home::with_book(BOOK);
    assert_eq!(
        home.shows(&["book", "remove", "@LAB", "n[38-40]", "n01"]),
        "removed n[38-40] from @LAB\nremoved n01 from @LAB\n"
    );
    assert!(home.text().contains("lab = \"n[01-40],-n07,-n[38-40],-n01\"\n"), "{}", home.text());
    assert_eq!(home.shows(&["book", "list", "n39", "--names"]), "n39\n");
    let text = home.text();
    for (code, arguments, reason) in [
        (1, ["book", "remove", "@lab", "n07"], "n07 is not in @lab"),
        (1, ["book", "remove", "@labb", "n02"], "did you mean @lab?"),
        (2, ["book", "remove", "@lab", "n02,n03"], "n02,n03"),
        (2, ["book", "remove", "printer", "@lab"], "one after the other"),
    ] {
        let error = home.fails(code, &arguments);
        assert!(error.contains(reason), "{arguments:?}: {error}");
        assert_eq!(home.text(), text, "{arguments:?}");
    }
}

#[test]
fn json_tells_each_change() {
    let home = Home::empty();
    assert_eq!(home.shows(&["book", "add", "x", "--ssh", "h", "--json"]), "{\"added\":\"x\"}\n");
    assert_eq!(home.shows(&["book", "remove", "x", "--json"]), "{\"removed\":\"x\"}\n");
}
