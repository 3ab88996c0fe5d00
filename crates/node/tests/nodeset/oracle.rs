//! clustershell's `NodeSet`: one process answers all questions of a test.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::needs::find;

const ORACLE: &str = include_str!("oracle.py");

/// Asks all questions at once, and gives an answer to each.
pub(crate) fn answers<T: DeserializeOwned>(questions: &[Value]) -> Vec<T> {
    let mut python = interpreter()
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nodeset's interpreter starts");
    let mut input = python.stdin.take().unwrap();
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines();
    let mut line = || lines.next().expect("an answer to each question").unwrap();
    let answers = thread::scope(|scope| {
        scope.spawn(move || questions.iter().for_each(|question| writeln!(input, "{question}").unwrap()));
        check_version(&serde_json::from_str::<String>(&line()).unwrap());
        questions.iter().map(|_| serde_json::from_str(&line()).unwrap()).collect()
    });
    assert!(python.wait().unwrap().success());
    answers
}

fn check_version(version: &str) {
    let numbers: Vec<u32> = version.split('.').map_while(|number| number.parse().ok()).collect();
    assert!(numbers >= vec![1, 9], "this is ClusterShell {version}: n1 and n01 are two names from 1.9 on");
}

/// What `nodeset` itself is run by, for that one has the module: `python3` may be another.
fn interpreter() -> Command {
    let script = fs::read_to_string(find("nodeset").unwrap()).unwrap();
    let line = script.lines().next().and_then(|line| line.strip_prefix("#!")).expect("nodeset is a script");
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}
