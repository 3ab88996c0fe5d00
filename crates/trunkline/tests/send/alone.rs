//! Without a running node: one that is there for a moment, in a network of its own, so that its port is free.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::node::{Node, person};
use crate::program::{Ran, Running, trunkline};

/// Runs a verb where there is nothing but an own loopback.
fn alone(home: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
    let verb = trunkline(arguments);
    command.arg(verb.get_program()).args(verb.get_args()).env("TRUNKLINE_HOME", home);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    Running::start(command.stderr(std::process::Stdio::piped())).finish()
}

#[test]
fn what_is_not_delivered_is_kept_and_goes_when_the_node_runs() {
    needs!("unshare", "ip");
    needs_root!();
    let wang = Node::start("wang", "");
    let home = tempfile::tempdir().unwrap();
    let book = person("wang", wang.port);
    fs::write(home.path().join("book.toml"), &book).unwrap();
    let begun = Instant::now();
    let ran = alone(home.path(), &["send", "wang", "later"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(3), ""));
    assert_eq!(ran.text(), "wang: kept; will go when \"trunkline up\" runs\n");
    assert!(begun.elapsed() < Duration::from_secs(4), "it waits 1.5 seconds in all");
    let _li = Node::start_in(home, "li", &book);
    wang.shows("li: later");
}

#[test]
fn who_chats_without_a_running_node_is_there_meanwhile() {
    needs!("unshare", "ip");
    needs_root!();
    let home = tempfile::tempdir().unwrap();
    let ran = alone(home.path(), &["chat", "--plain"]);
    assert_eq!((ran.code, ran.err.as_str(), ran.text()), (Some(0), "", "nobody is in sight yet\n"));
    let nobody = alone(home.path(), &["chat", "--plain", "wang"]);
    assert_eq!((nobody.code, nobody.err.contains("'wang' is neither in sight")), (Some(2), true));
}

#[test]
fn who_is_away_and_who_is_blocked_is_remembered() {
    needs!("unshare", "ip");
    needs_root!();
    let home = tempfile::tempdir().unwrap();
    let says = |arguments: &[&str], text: &str| {
        let ran = alone(home.path(), arguments);
        assert_eq!((ran.code, ran.err.as_str(), ran.text()), (Some(0), "", text), "{arguments:?}");
    };
    says(&["away", "--", "at lunch"], "away: at lunch\n");
    says(&["block", "add", "10.0.0.66"], "10.0.0.66:2425\n");
    says(&["block"], "10.0.0.66:2425\n");
    says(&["who"], "Nobody is in sight.\n");
    let node = Node::start_in(home, "li", "");
    assert_eq!(node.prints(&["block", "--json"]), "{\"blocked\":\"10.0.0.66:2425\"}\n");
    assert_eq!(node.prints(&["block", "remove", "10.0.0.66:2425"]), "Nobody is blocked.\n");
    assert_eq!(node.prints(&["away"]), "back\n");
    node.shows("away: at lunch");
}
