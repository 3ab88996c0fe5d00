//! What stays when a connection is lost.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Command;

use crate::client::{lives, run};
use crate::support::Host;

#[test]
fn what_runs_under_nohup_behind_a_terminals_shell_outlives_a_lost_connection_and_the_shell_does_not() {
    needs!("ssh");
    let host = Host::start();
    let (pty, pts) = pty_process::blocking::open().unwrap();
    let ssh = host.ssh(&["-tt"]);
    // With job control, as a shell that a person types to has it: each job is a process group of its own.
    let mut child = pty_process::blocking::Command::new("ssh")
        .args(ssh.get_args())
        .arg("exec sh -i")
        .env("TERM", "dumb")
        .spawn(pts)
        .unwrap();
    (&pty).write_all(b"nohup sleep 1003 >/dev/null 2>&1 & echo shell=$$ job=$!.\n").unwrap();
    let line = BufReader::new(&pty)
        .lines()
        .map(|line| line.unwrap())
        .find(|line| line.trim_end().ends_with('.') && !line.contains('$'))
        .unwrap();
    let number = |name: &str| {
        let digits = line.split_once(name).unwrap().1;
        digits.chars().take_while(char::is_ascii_digit).collect::<String>()
    };
    let (shell, job) = (number("shell="), number("job="));
    child.kill().unwrap();
    child.wait().unwrap();
    host.hears(&["ran", "hung up"]);
    assert!(!lives(&shell), "the shell is still there: {line}");
    assert!(lives(&job), "the job is gone: {line}");
    run(Command::new("kill").arg(job));
}
