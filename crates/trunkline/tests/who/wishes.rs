//! `away` and `block`.

use crate::node::Node;
use crate::program::eventually;

#[test]
fn others_see_who_is_away_and_are_told_why_when_they_write() {
    let wang = Node::start("wang", "");
    let li = Node::beside(&wang, "li", "wang");
    assert_eq!(wang.prints(&["away", "back", "at 14:00"]), "away: back at 14:00\n");
    eventually("wang to be away", || li.prints(&["who"]).contains("  away"));
    li.prints(&["send", "wang", "are you there?"]);
    li.shows("back at 14:00");
    assert_eq!(wang.prints(&["away"]), "back\n");
    eventually("wang to be back", || !li.prints(&["who"]).contains("  away"));
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
