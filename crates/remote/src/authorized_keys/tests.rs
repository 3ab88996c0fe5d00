use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;

const ANN: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILagOJFgwaMNhBWQINinKOXmqS4Gh5NgxgriXwdOoINJ";

fn parse(text: &str) -> AuthorizedKeys {
    AuthorizedKeys::parse(Path::new("keys"), text.as_bytes())
}

/// The options of a line that must be good.
fn options(text: &str) -> Options {
    let keys = parse(&format!("{text} {ANN} ann"));
    assert_eq!(keys.notes, []);
    keys.lines[0].options.clone()
}

/// What is said of a line that must not be good.
fn note(text: &str) -> String {
    let keys = parse(text);
    assert!(keys.lines.is_empty(), "{text} lets somebody in");
    assert_eq!(keys.notes.len(), 1, "{text}");
    keys.notes[0].to_string()
}

#[test]
fn a_line_is_a_key_and_whose_it_is() {
    let keys = parse(&format!("# friends\n\n  {ANN} ann of the lab \r\n"));
    assert_eq!(keys.notes, []);
    assert_eq!((keys.lines.len(), keys.lines[0].number), (1, 3));
    assert_eq!(keys.lines[0].comment, "ann of the lab");
    assert_eq!(keys.lines[0].key.to_openssh().unwrap(), ANN);
}

#[test]
fn a_bad_line_is_noted_with_file_and_line_and_the_others_count() {
    let keys = parse(&format!("{ANN} ann\nssh-ed25519 AAAA bob\n{ANN} carol\n"));
    assert_eq!(keys.lines.len(), 2);
    assert!(keys.notes[0].to_string().starts_with("keys:2: its key is not one"), "{}", keys.notes[0]);
}

#[test]
fn an_option_that_is_not_known_lets_nobody_in() {
    assert!(note(&format!("no-such-thing {ANN}")).contains("the option no-such-thing is not known"));
    assert!(note(&format!("pty,limit=\"3\" {ANN}")).contains("the option limit is not known"));
    assert!(note(&format!("verify-required {ANN}")).contains("not known"));
}

#[test]
fn a_command_keeps_its_quotes_commas_and_blanks() {
    let options = options(r#"command="echo \"a, b\" \n",no-pty"#);
    assert_eq!(options.command.as_deref(), Some(r#"echo "a, b" \n"#));
    assert!(!options.pty);
}

#[test]
fn restrict_takes_all_and_what_follows_gives_back() {
    let bare = options("restrict");
    assert!(!bare.pty && !bare.forwarding.allowed);
    let some = options("restrict,PTY");
    assert!(some.pty && !some.forwarding.allowed);
    assert!(options("restrict,port-forwarding").forwarding.allowed);
}

#[test]
fn what_is_never_done_here_may_be_forbidden_and_allowed() {
    let all = options(
        "no-agent-forwarding,no-X11-forwarding,no-user-rc,user-rc,agent-forwarding,permitlisten=\"1\",tunnel=\"0\"",
    );
    assert!(all.pty);
}

#[test]
fn a_value_without_quotes_or_without_an_end_is_wrong() {
    assert!(note(&format!("command=ls {ANN}")).contains("double quotes"));
    assert!(note(&format!("command=\"ls {ANN}")).contains("double quotes"));
    assert!(note(&format!("command=\"ls\"pty {ANN}")).contains("a comma is missing"));
    assert!(note(&format!("command=\"a\",command=\"b\" {ANN}")).contains("twice"));
    assert!(note(&format!("pty,,no-pty {ANN}")).contains("not known"));
}

#[test]
fn from_takes_addresses_networks_and_patterns_and_an_exclamation_mark_excludes() {
    let from = options(r#"from="10.0.0.0/8,!10.0.0.66,192.168.7.*,fd00::1""#).from.unwrap();
    for (address, admitted) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("10.0.0.66", false),
        ("192.168.7.9", true),
        ("192.168.8.9", false),
        ("fd00::1", true),
        ("fd00::2", false),
    ] {
        assert_eq!(from.admit(address.parse().unwrap()), admitted, "{address}");
    }
}

#[test]
fn only_exclusions_let_nobody_in() {
    assert!(!options(r#"from="!10.0.0.66""#).from.unwrap().admit("10.0.0.1".parse().unwrap()));
}

#[test]
fn a_network_that_says_two_things_is_wrong() {
    assert!(note(&format!("from=\"10.1.0.0/8\" {ANN}")).contains("behind its mask"));
    assert!(note(&format!("from=\"10.0.0.0/99\" {ANN}")).contains("not a network"));
    assert!(note(&format!("from=\"10.0.0.0/8,\" {ANN}")).contains("empty"));
}

#[test]
fn an_expiry_time_is_utc_with_z_and_local_without() {
    let utc = options(r#"expiry-time="20260102030405Z""#).expires.unwrap();
    assert_eq!(utc, "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap());
    let local = options(r#"expiry-time="202601020304""#).expires.unwrap();
    let here = local.to_zoned(TimeZone::system());
    assert_eq!((here.day(), here.hour(), here.minute()), (2, 3, 4));
    let day = options(r#"expiry-time="20260102Z""#).expires.unwrap();
    assert_eq!(day, "2026-01-02T00:00:00Z".parse::<Timestamp>().unwrap());
}

#[test]
fn the_earlier_of_two_expiry_times_counts() {
    let two = options(r#"expiry-time="20300101Z",expiry-time="20260101Z""#);
    assert_eq!(two.expires, options(r#"expiry-time="20260101Z""#).expires);
}

#[test]
fn what_is_no_time_lets_nobody_in() {
    for time in ["", "tomorrow", "20261301", "2026010", "20260101250000Z", "-2026010", "20260101ZZ"] {
        assert!(note(&format!("expiry-time=\"{time}\" {ANN}")).contains("is not a time"), "{time}");
    }
}

#[test]
fn an_authority_may_be_bound_to_names() {
    let authority = options(r#"cert-authority,principals="ann,bob""#);
    assert!(authority.authority);
    assert_eq!(authority.principals.unwrap(), ["ann", "bob"]);
    assert!(note(&format!("cert-authority,principals=\"ann,,bob\" {ANN}")).contains("empty"));
}

#[test]
fn connections_are_passed_on_to_where_it_is_permitted() {
    let open = options(r#"permitopen="db:5432",permitopen="[fd00::1]:*""#);
    assert!(open.forwarding.permits("db", 5432) && open.forwarding.permits("fd00::1", 22));
    assert!(!open.forwarding.permits("db", 22));
    assert!(!options(r#"no-port-forwarding,permitopen="db:5432""#).forwarding.permits("db", 5432));
    assert!(options("pty").forwarding.permits("anything", 1));
    assert!(note(&format!("permitopen=\"db\" {ANN}")).contains("HOST:PORT"));
}

#[test]
fn an_environment_is_named_as_ignored() {
    let keys = parse(&format!("environment=\"A=1\" {ANN}"));
    assert_eq!(keys.lines[0].options.environment, ["A=1"]);
    assert_eq!(keys.notes[0].to_string(), "keys:1: environment= is not obeyed");
}

#[test]
fn a_key_of_a_security_key_and_a_certificate_are_not_taken() {
    let sk = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAILagOJFgwaMNhBWQINinKOXmqS4Gh5NgxgriXwdOoINJAAAABHNzaDo=";
    assert!(note(sk).contains("security key"));
    assert!(note("ssh-ed25519-cert-v01@openssh.com AAAA").contains("not"));
}

#[test]
fn a_line_and_a_file_over_their_caps_let_nobody_in() {
    assert!(note(&format!("command=\"{}\" {ANN}", "x".repeat(MAX_LINE))).contains("longer"));
    let huge = format!("{ANN} ann\n").repeat(MAX_FILE / ANN.len());
    assert!(note(&huge).contains("nobody in it is let in"));
}

#[test]
fn a_pattern_made_to_be_slow_is_not() {
    let evil = format!("{}b", "*a".repeat(2_000));
    let sources = Sources::parse(&evil).unwrap();
    assert!(!sources.admit("10.0.0.1".parse().unwrap()));
}

#[test]
fn a_zero_byte_and_bytes_that_are_no_text_let_nobody_in() {
    assert!(note(&format!("command=\"a\0b\" {ANN}")).contains("zero byte"));
    let keys = AuthorizedKeys::parse(Path::new("keys"), b"command=\"\xff\" ssh-ed25519 AAAA");
    assert!(keys.lines.is_empty() && keys.notes[0].text.contains("UTF-8"));
}

proptest! {
    #[test]
    fn whatever_a_file_holds_each_line_is_a_key_a_note_or_nothing(text in "(?s).{0,400}") {
        let keys = parse(&text);
        let lines = text.split('\n').count();
        prop_assert!(keys.lines.len() <= lines);
        for note in &keys.notes {
            prop_assert!(note.line <= lines);
        }
    }

    #[test]
    fn any_command_survives_its_quotes(command in "[^\\\\\0\r\n]{0,80}") {
        let quoted = command.replace('"', "\\\"");
        prop_assert_eq!(options(&format!("command=\"{quoted}\"")).command, Some(command));
    }
}
