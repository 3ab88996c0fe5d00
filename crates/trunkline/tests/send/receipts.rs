//! What became of a text.

use serde_json::Value;

use crate::node::{Node, person, silent_peer};

/// `delivered in 3 ms`, whatever the number is.
fn is_delivered(line: &str, to: &str) -> bool {
    let took = line.strip_prefix(to).and_then(|rest| rest.strip_prefix(": delivered in "));
    took.and_then(|took| took.strip_suffix(" ms")).is_some_and(|took| took.parse::<u32>().is_ok())
}

#[test]
fn a_text_is_delivered_and_the_receipt_says_how_long_it_took() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    let printed = li.prints(&["send", "wang", "--", "lunch", "at 12?"]);
    assert!(is_delivered(printed.trim_end(), "wang"), "{printed}");
    wang.shows("li: lunch at 12?");
}

#[test]
fn each_receiver_has_a_line_and_one_who_does_not_answer_makes_it_code_3() {
    let wang = Node::start("wang", "");
    let (_silent, port) = silent_peer();
    let li = Node::start("li", &(person("wang", wang.port) + &person("zhao", port)));
    let ran = li.run(&["send", "--wait", "0.3", "wang,zhao", "hello"]);
    let lines: Vec<&str> = ran.text().lines().collect();
    assert_eq!((ran.code, ran.err.as_str()), (Some(3), ""));
    assert!(is_delivered(lines[0], "wang"), "{lines:?}");
    assert_eq!(lines[1..], ["zhao: queued"]);
}

#[test]
fn somebody_who_does_not_answer_is_not_waited_for_without_end() {
    let (_silent, port) = silent_peer();
    let li = Node::start("li", &person("zhao", port));
    let ran = li.run(&["send", "zhao", "hello"]);
    assert_eq!((ran.code, ran.text()), (Some(3), "zhao: queued\n"));
}

#[test]
fn json_has_who_it_was_for_and_what_became_of_it() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    let line: Value = serde_json::from_str(&li.prints(&["send", "--json", "wang", "hi"])).unwrap();
    assert_eq!((&line["to"], &line["state"]), (&"wang".into(), &"delivered".into()));
    assert_eq!(line["address"], format!("127.0.0.1:{}", wang.port));
    assert!(line["microseconds"].is_u64() && line["message"].is_i64(), "{line}");
}

#[test]
fn defect_lost_datagram() {
    let (peer, port) = silent_peer();
    let li = Node::start("li", &person("zhao", port));
    let answering = std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        let mut lost = None;
        loop {
            let (length, from) = peer.recv_from(&mut buffer).unwrap();
            let packet = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let fields: Vec<&str> = packet.splitn(6, ':').collect();
            let (number, command) = (fields[1], fields[4].parse::<u32>().unwrap() & 0xff);
            let answer = match command {
                0x01 => "1:1:zhao:pc9:3:zhao\0".to_owned(),
                // The first is lost.
                0x20 if lost.is_none() => {
                    lost = Some(number.to_owned());
                    continue;
                }
                0x20 => format!("1:2:zhao:pc9:33:{number}\0"),
                _ => continue,
            };
            peer.send_to(answer.as_bytes(), from).unwrap();
            if command == 0x20 {
                return (lost.unwrap(), number.to_owned(), fields[5].to_owned());
            }
        }
    });
    let printed = li.prints(&["send", "zhao", "are you there?"]);
    assert!(is_delivered(printed.trim_end(), "zhao"), "{printed}");
    let (lost, number, text) = answering.join().unwrap();
    assert_eq!(lost, number, "it is the same message that is sent again");
    assert!(text.starts_with("are you there?"), "{text:?}");
}
