//! The example of docs/book.md, loaded and asked.

#![allow(clippy::expect_used, clippy::panic, reason = "in a test a failed unwrap is a failed test")]

use std::path::Path;

use net::frame::Framing;
use node::book::{Book, ChatAddress, Entry, Via};

const DOCUMENTATION: &str = include_str!("../../../docs/book.md");

fn example() -> &'static str {
    DOCUMENTATION.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).expect("an example").0
}

fn book() -> Book {
    Book::from_text(example(), Path::new("book.toml")).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn entry(name: &str) -> Entry {
    book().look_up(name).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_example_loads_and_says_what_its_comments_say() {
    let printer = entry("printer");
    assert_eq!(printer.socket.unwrap().value.at.to_string(), "tcp://10.0.0.9:9100");
    assert!(printer.note.unwrap().value.starts_with("second floor"));

    let scale = entry("scale").socket.unwrap().value;
    assert_eq!(scale.framing, Framing::parse("!BIH", Some(1)).ok());

    let zhang = entry("张三");
    let chat = zhang.chat.unwrap().value;
    assert!(matches!(&chat.at, ChatAddress::IpMessenger(at) if at.to_string() == "10.0.0.21:2425"));
    assert_eq!(chat.charset.unwrap().to_string(), "gb18030");
    assert_eq!(chat.key.unwrap().to_string(), "0123456789abcdef");
    let seat = entry(zhang.seat.unwrap().value.as_str());
    assert_eq!(seat.ssh.unwrap().value.at.host, "10.0.0.21");

    let classroom = entry("classroom").chat.unwrap().value;
    assert_eq!(classroom.at.to_string(), "udp://10.0.0.30:9000");

    let n40 = entry("N40").ssh.unwrap().value;
    assert_eq!(n40.at.to_string(), "ops@10.1.0.40:22");
    assert_eq!(n40.via, [Via::Name("gate".parse().unwrap())]);
    assert_eq!(entry("n07").ssh.unwrap().value.at.to_string(), "ops@10.9.0.7");
    assert_eq!(entry("gate").ssh.unwrap().value.at.to_string(), "admin@gate.lab:2222");

    assert_eq!(book().select("@lab").unwrap().to_string(), "n[01-06,08-40]");
    assert_eq!(book().select("@night").unwrap().to_string(), "gate,n[01-06,08-40]");
}

#[test]
fn every_part_knows_the_line_it_comes_from() {
    let line = |wanted: &str| 1 + example().lines().position(|line| line.starts_with(wanted)).expect(wanted);
    let ssh = entry("n07").ssh.unwrap();
    assert_eq!(ssh.origin.to_string(), format!("book.toml:{}", line("[entry.n07]")));
    assert_eq!(entry("n08").ssh.unwrap().origin.line, line("[entry.\"n[01-40]\"]"));
    assert_eq!(book().groups()[1].origin.line, line("night"));
}

#[test]
fn the_example_of_an_error_is_the_true_one() {
    let wrong = "\n".repeat(10) + "[entry.printer]\nsockt = 'x'\n";
    let error = Book::from_text(&wrong, Path::new("book.toml")).unwrap_err().to_string();
    assert!(DOCUMENTATION.contains(&format!("```\n{error}\n```")), "{error}");
}
