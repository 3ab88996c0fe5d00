//! How a connection ends, and what its closing line says of it.

use serde_json::Value;

use crate::client::Client;
use crate::serve::{Serve, Serving};
use crate::wait_until;

/// What the closing line says between the ends of the first connection and its duration, after checking both.
fn told_at_the_end(server: &Serving, client: &str) -> String {
    let line = server.closing_line(1);
    let ends = format!("#1 closed: {client} -> {}: ", server.address());
    let told = line.strip_prefix(&ends).unwrap_or_else(|| panic!("{line} does not begin with {ends}"));
    let (told, lasted) = told.rsplit_once("; ").unwrap();
    let seconds: f64 = lasted.strip_suffix(" s\n").unwrap().parse().unwrap();
    assert!((0.0..10.0).contains(&seconds), "{line}");
    told.to_owned()
}

#[test]
fn opening_and_closing_lines_have_both_ends() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let mut client = server.client();
    let name = client.name();
    client.say("hello");
    client.hears("HELLO");
    drop(client);
    let opened = server.log.wait_for("opened");
    assert_eq!(opened, format!("#1 opened: {name} -> {}\n", server.address()));
    assert_eq!(told_at_the_end(&server, &name), "eof; received 5 bytes in 1 message, sent 5 bytes");
}

#[test]
fn a_client_that_says_goodbye_ends_with_eof() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--frame", "line"]).start();
    let mut client = server.client();
    client.say("one\ntwo\nthree");
    client.finish();
    assert_eq!(client.hear_to_end(), b"ONE\nTWO\nTHREE");
    assert_eq!(
        told_at_the_end(&server, &client.name()),
        "eof; received 13 bytes in 3 messages, sent 13 bytes"
    );
}

#[test]
fn a_client_that_breaks_off_ends_with_reset() {
    let server = Serve::new("tcp://127.0.0.1:0", "discard").start();
    let mut client = server.client();
    let name = client.name();
    client.say("x");
    client.reset();
    // Whether the byte was read before the reset threw it away is the kernel's affair.
    assert!(told_at_the_end(&server, &name).starts_with("reset; received "));
}

#[test]
fn a_silent_client_ends_with_timeout() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--idle", "0.2"]).start();
    let mut client = server.client();
    client.is_shown_out();
    assert_eq!(
        told_at_the_end(&server, &client.name()),
        "timeout; received 0 bytes in 0 messages, sent 0 bytes"
    );
}

#[test]
fn a_client_that_does_not_take_what_it_is_owed_ends_with_limit() {
    let server = Serve::new("tcp://127.0.0.1:0", "room").start();
    let (deaf, mut speaker) = (server.client(), server.client());
    server.log.wait_for("#2 opened");
    let line = format!("{}\n", "x".repeat(1 << 20));
    wait_until("the deaf one's end", || {
        speaker.say(&line);
        (server.log.count("closed") > 0).then_some(())
    });
    let told = told_at_the_end(&server, &deaf.name());
    assert!(told.starts_with("limit: it reads too slowly: more than 1048576 bytes"), "{told}");
}

#[test]
fn a_message_that_is_none_ends_with_error() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--frame", "netstring"]).start();
    let mut client = server.client();
    client.say("hello");
    client.is_shown_out();
    let told = told_at_the_end(&server, &client.name());
    assert!(
        told.starts_with("error: a netstring is a length") && told.contains("received 5 bytes in 0"),
        "{told}"
    );
}

#[test]
fn json_lines_say_the_same() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--json", "-v"]).start();
    let mut client = server.client();
    let name = client.name();
    client.say("hello");
    client.hears("HELLO");
    drop(client);
    let event = |name: &str| -> Value {
        let line = server.log.wait_for(&format!(r#""event":"{name}""#));
        serde_json::from_str(&line).unwrap()
    };
    let ready = event("listening");
    assert_eq!((&ready["address"], &ready["service"]), (&server.address().into(), &"upper".into()));
    let said = event("message");
    assert_eq!(
        (&said["connection"], &said["remote"], &said["text"]),
        (&1.into(), &name.as_str().into(), &"hello".into())
    );
    for told in [event("opened"), event("closed")] {
        assert_eq!((&told["connection"], &told["remote"]), (&1.into(), &name.as_str().into()));
        assert_eq!(told["local"], server.address());
        assert!(told["time"].as_str().unwrap().ends_with('Z'), "{told}");
    }
    let closed = event("closed");
    assert_eq!((&closed["ending"], &closed["messages"]), (&"eof".into(), &1.into()));
    assert_eq!((&closed["received"], &closed["sent"]), (&5.into(), &5.into()));
    assert!(closed["seconds"].as_f64().unwrap() >= 0.0);
}

#[test]
fn json_lines_name_every_ending_and_its_reason() {
    let ending = |server: Serving, end: fn(Client)| -> (Value, Value) {
        end(server.client());
        let closed: Value = serde_json::from_str(&server.log.wait_for(r#""event":"closed""#)).unwrap();
        (closed["ending"].clone(), closed["reason"].clone())
    };
    let serve =
        |arguments: &[&str]| Serve::new("tcp://127.0.0.1:0", "upper").arg("--json").args(arguments).start();
    assert_eq!(ending(serve(&[]), drop), ("eof".into(), Value::Null));
    assert_eq!(ending(serve(&[]), Client::reset), ("reset".into(), Value::Null));
    assert_eq!(
        ending(serve(&["--idle", "0.1"]), |mut client| client.is_shown_out()),
        ("timeout".into(), Value::Null)
    );
    let (error, reason) = ending(serve(&["--frame", "!i"]), |mut client| client.try_say(b"\xff\xff\xff\xff"));
    assert_eq!(error, "error");
    assert!(reason.as_str().unwrap().contains("announces -1 bytes"), "{reason}");
}

#[test]
fn control_characters_of_a_client_do_not_reach_the_log() {
    for style in [&["-v"][..], &["-v", "--json"]] {
        let server = Serve::new("tcp://127.0.0.1:0", "upper").args(style).start();
        let mut client = server.client();
        client.say("red \u{1b}[31m\u{202e} and\nover");
        client.hear_once();
        drop(client);
        server.log.wait_for("closed");
        assert_eq!(server.log.count("\u{1b}"), 0, "with {style:?}");
        assert_eq!(server.log.count("\u{202e}"), 0, "with {style:?}");
        assert_eq!(server.log.count("over"), server.log.count("red"), "one message is one line");
    }
}
