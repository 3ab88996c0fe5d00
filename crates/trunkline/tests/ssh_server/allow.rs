//! `allow`: keys added, shown and removed.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::home::Home;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeCwZ7tb8b9jqOjrtx3MfPmDxCGEF+d+ELep1S6YNZQ";

fn text(home: &Home) -> String {
    fs::read_to_string(home.path().join("allow")).unwrap()
}

#[test]
fn a_key_is_added_as_itself_as_a_file_and_by_standard_input() {
    let line = format!("{KEY} ann\n");
    let home = Home::empty();
    let told = home.shows(&["allow", "add", line.trim()]);
    assert!(told.starts_with("allowed ann (SHA256:"), "{told}");
    assert_eq!(text(&home), line);

    let home = Home::empty();
    let file = home.path().join("id_ed25519.pub");
    fs::write(&file, &line).unwrap();
    home.shows(&["allow", "add", file.to_str().unwrap()]);
    assert_eq!(text(&home), line);
    home.shows(&["allow", "remove", file.to_str().unwrap()]);
    assert_eq!(text(&home), "");

    let mut command = home.command(env!("CARGO_BIN_EXE_trunkline"));
    let mut child =
        command.args(["allow", "add", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text(&home), line);
}

#[test]
fn a_label_comes_before_a_file_of_that_name_and_no_private_key_is_ever_shown() {
    let home = Home::empty();
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n";
    fs::write(home.path().join("ann"), private).unwrap();
    let remove = || {
        let mut command = home.command(env!("CARGO_BIN_EXE_trunkline"));
        let output = command.args(["allow", "remove", "ann"]).current_dir(home.path()).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    home.shows(&["allow", "add", &format!("{KEY} ann")]);
    let (code, said) = remove();
    assert!(code == Some(0) && said.starts_with("removed ann (SHA256:"), "{said}");
    let (code, said) = remove();
    assert!(code == Some(1) && said.contains("this is a private key") && !said.contains("b3Blb"), "{said}");
}

#[test]
fn the_list_shows_the_terms_and_marks_what_is_over() {
    let home = Home::empty();
    assert_eq!(home.shows(&["allow"]), "No key is allowed but those of ~/.ssh/authorized_keys.\n");
    let over = format!("expiry-time=\"20200101000000Z\",command=\"df \\\"-h\\\"\" {KEY} ann\u{202e}\n");
    fs::write(home.path().join("allow"), over).unwrap();
    let table = home.shows(&["allow", "list"]);
    assert!(table.starts_with("LABEL") && table.contains(" (expired) "), "{table}");
    assert!(table.contains(r"ann\u{202e}") && table.contains("df \"-h\""), "{table}");
    let card: serde_json::Value = serde_json::from_str(&home.shows(&["allow", "--json"])).unwrap();
    assert_eq!((card["expired"].as_bool(), card["only"].as_str()), (Some(true), Some("df \"-h\"")));
    assert_eq!(
        (card["until"].as_str(), card["kind"].as_str()),
        (Some("2020-01-01T00:00:00Z"), Some("ssh-ed25519"))
    );
}

#[test]
fn terms_are_written_down_and_a_time_that_is_over_is_refused() {
    let home = Home::empty();
    let key = format!("{KEY} ann");
    let until = ["--until", "2999-12-30T08:00:00Z"];
    home.shows(&[&["allow", "add", &key, "--only", "df -h", "--name", "Ann"][..], &until].concat());
    assert_eq!(
        text(&home),
        format!("expiry-time=\"29991230080000Z\",restrict,pty,command=\"df -h\" {KEY} Ann\n")
    );
    home.shows(&["allow", "remove", "Ann"]);
    let refused = home.fails(2, &["allow", "add", &key, "--until", "2020-01-01"]);
    assert!(refused.contains("--until: 2020-01-01 is over already"), "{refused}");
}

#[test]
fn what_is_no_public_key_is_refused_with_a_clear_word() {
    let home = Home::empty();
    let private = home.path().join("id_ed25519");
    fs::write(&private, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n").unwrap();
    let refused = home.fails(1, &["allow", "add", private.to_str().unwrap()]);
    assert!(refused.contains("this is a private key, which stays with its owner"), "{refused}");
    let missing = home.fails(1, &["allow", "add", "nowhere.pub"]);
    assert!(
        missing.contains("reading the key from nowhere.pub") && missing.contains("hint: KEY is a file"),
        "{missing}"
    );
    home.shows(&["allow", "add", KEY]);
    let again = home.fails(1, &["allow", "add", KEY]);
    assert!(again.contains("~/allow:1 already") && again.contains("hint: trunkline allow remove"), "{again}");
    let nobody = home.fails(1, &["allow", "remove", "carl"]);
    assert!(nobody.contains("carl is not in ~/allow"), "{nobody}");
}
