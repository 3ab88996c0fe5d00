//! Files of other tools taken over.

use std::fs;

use crate::home::Home;

const INVENTORY: &str = "\
[lab]
n[01:03] ansible_user=ops
gate ansible_host=gate.lab ansible_port=2222

[lab:vars]
ansible_become=yes
";

#[test]
fn an_inventory_is_taken_over_once_and_what_was_not_understood_is_said() {
    let home = Home::empty();
    let file = home.path().join("hosts");
    fs::write(&file, INVENTORY).unwrap();
    let import = ["book", "import", file.to_str().unwrap()];

    let tried = home.run(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(
        (tried.code, tried.out.as_str()),
        (Some(0), "would add gate,n[01-03] (4 names)\nwould add @lab\n")
    );
    assert!(!home.book().exists());

    let ran = home.run(&import);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "added gate,n[01-03] (4 names)\nadded @lab\n"));
    assert!(
        ran.err.starts_with("~/hosts: read as ansible; --format names another\n~/hosts:6: ansible_become"),
        "{}",
        ran.err
    );
    assert!(home.shows(&["book", "show", "n02"]).contains("ops@n02"));
    assert!(home.shows(&["book", "show", "gate"]).contains("gate.lab:2222"));

    let text = home.text();
    assert_eq!(home.run(&import).out, "already there: gate,n[01-03] (4 names)\nalready there: @lab\n");
    assert_eq!(home.text(), text);
}

#[test]
fn what_the_book_has_in_another_way_stays_and_is_told() {
    let home = Home::with_book("[entry.gate]\nssh = \"me@gate\"\n");
    let file = home.path().join("hosts");
    fs::write(&file, INVENTORY).unwrap();
    let ran = home.run(&["book", "import", file.to_str().unwrap()]);
    assert!(ran.out.contains("kept gate as it is: me@gate; the file has gate.lab:2222\n"), "{}", ran.out);
    let json = home.shows(&["book", "import", file.to_str().unwrap(), "--json"]);
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["known"], "n[01-03]");
    assert_eq!(told["differing"][0]["what"], "gate");
    assert_eq!(told["notes"][0]["line"], 6);
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let error = Home::empty().fails(1, &["book", "import", "/nowhere/hosts"]);
    assert!(error.starts_with("/nowhere/hosts: No such file"), "{error}");
}

#[test]
fn a_book_is_no_file_of_another_tool() {
    let home = Home::with_book("[entry.gate]\nssh = \"me@gate\"\n");
    let text = home.text();
    let error = home.fails(1, &["book", "import", home.book().to_str().unwrap()]);
    assert!(error.starts_with("~/book.toml: it is a book of trunkline"), "{error}");
    assert_eq!(home.text(), text);
}
