//! `away` and `block`.

use crate::node::{Node, silent_peer};
use crate::program::eventually;

#[test]
fn others_see_who_is_away_and_that_he_is_back() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    assert_eq!(wang.prints(&["away", "back", "at 14:00"]), "away: back at 14:00\n");
    eventually("wang to be away", || li.prints(&["who"]).contains("  away"));
    assert_eq!(wang.prints(&["away"]), "back\n");
    eventually("wang to be back", || !li.prints(&["who"]).contains("  away"));
}

#[test]
fn whoever_writes_to_somebody_who_is_away_is_told_why() {
    let wang = Node::start("wang", "");
    wang.prints(&["away", "back at 14:00"]);
    // As IP Messenger does it: an entry, then a message that wants a receipt.
    let (peer, _) = silent_peer();
    peer.connect(("127.0.0.1", wang.port)).unwrap();
    peer.send(b"1:100:zhao:pc9:1:zhao\0").unwrap();
    peer.send(b"1:101:zhao:pc9:288:are you there?\0").unwrap();
    let mut buffer = [0; 2048];
    let told = || {
        let length = peer.recv(&mut buffer).unwrap();
        buffer[..length].windows(13).any(|text| text == b"back at 14:00")
    };
    eventually("the text", told);
}

#[test]
fn what_somebody_who_is_blocked_sends_is_dropped_until_he_is_heard_again() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    eventually("li to be in sight", || wang.person("li").is_some_and(|li| li["presence"] == "here"));
    assert_eq!(wang.prints(&["block"]), "Nobody is blocked.\n");
    assert_eq!(wang.prints(&["block", "add", "li"]), "li\n");
    assert!(wang.prints(&["who"]).contains("  blocked"));
    let sent = li.run(&["send", "--wait", "0.2", "wang", "do you hear me?"]);
    assert_eq!((sent.code, sent.text()), (Some(3), "wang: queued\n"));
    assert_eq!(wang.prints(&["block", "remove", "li"]), "Nobody is blocked.\n");
    wang.shows("li: do you hear me?");
}

#[test]
fn a_wish_that_means_nobody_is_refused() {
    let li = Node::start("li", "");
    let added = li.run(&["block", "add", "wang"]);
    assert_eq!((added.code, added.text()), (Some(2), ""));
    assert!(added.err.contains("'wang' is neither in sight nor in the book"), "{}", added.err);
    let removed = li.run(&["block", "remove", "wang"]);
    assert_eq!((removed.code, removed.err.as_str()), (Some(2), "trunkline: nobody is blocked as 'wang'\n"));
}
