//! However it ends, the terminal is as it was.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::ground::Ground;
use crate::needs::output_of;
use crate::person::{called, calling, says};
use crate::program::eventually;
use crate::terminal::Terminal;

/// The sshd of one connection, which does nothing any more, as if the network were gone.
struct Stopped(Pid);

impl Stopped {
    fn now(ground: &Ground, terminal: &mut Terminal) -> Self {
        let file = ground.path("pid");
        terminal.types(&format!("echo $PPID > {}\r", file.display()));
        let mut pid = None;
        eventually("the number of the process", || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            pid = text.strip_suffix('\n').and_then(|number| Pid::from_raw(number.parse().unwrap()));
            pid.is_some()
        });
        let stopped = Self(pid.unwrap());
        kill_process(stopped.0, Signal::STOP).unwrap();
        stopped
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

fn ends(mut terminal: Terminal, code: i32) {
    assert_eq!(terminal.end(), Some(code), "{:?}", terminal.lines());
    assert!(terminal.is_as_it_was());
}

#[test]
fn the_shell_over_there_ends() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    assert!(!terminal.is_as_it_was(), "it is raw");
    terminal.types("exit 3\r");
    ends(terminal, 3);
}

#[test]
fn each_shell_is_in_the_log_with_its_end_and_nothing_of_what_was_shown() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    says(&mut terminal, "echo se''cret", "secret");
    terminal.types("exit 3\r");
    ends(terminal, 3);
    let mut terminal = called(&ground, &[]);
    terminal.types("\r~.");
    ends(terminal, 255);
    ground.run(&["-p", &ground.closed.to_string(), "n1"]);
    let user = output_of("id", &["-un"]);
    let log = ground.log(&["n1"]);
    let lines: Vec<_> = log.text().lines().skip(1).collect();
    let [exited, left, refused] = lines[..] else { panic!("{}", log.text()) };
    for (line, result) in [(exited, "exit 3, "), (left, "cancelled, "), (refused, "no connection: ")] {
        assert!(line.contains(&format!("  shell  n1   {result}")), "{line}");
        assert!(line.ends_with(&format!("{} had a terminal", user.trim())), "{line}");
    }
    let journal: Vec<u8> = ["journal.db", "journal.db-wal"]
        .iter()
        .flat_map(|name| fs::read(ground.path(name)).unwrap_or_default())
        .collect();
    assert!(!journal.windows(6).any(|bytes| bytes == b"secret"));
    assert_eq!(ground.log(&["last"]).text(), "No run in the journal fits.\n");
}

#[test]
fn a_signal_ends_the_shell_over_there() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    terminal.types("kill -KILL $$\r");
    ends(terminal, 137);
}

#[test]
fn a_tilde_and_a_dot_leave_at_once_and_hang_up_what_runs_over_there() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    let mark = ground.path("mark");
    let command =
        format!("trap 'touch {}; exit' HUP; echo wai''ting; while :; do sleep 0.05; done", mark.display());
    says(&mut terminal, &command, "waiting");
    terminal.types("\r~.");
    terminal.until_shows("n1: left");
    ends(terminal, 255);
    eventually("the shell there to be hung up", || mark.exists());
}

#[test]
fn a_tilde_and_a_dot_leave_though_the_far_side_says_nothing_any_more() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    let _stopped = Stopped::now(&ground, &mut terminal);
    for _ in 0..300 {
        terminal.types("nobody reads this\r");
    }
    terminal.types("\r~.");
    terminal.until_shows("n1: left");
    ends(terminal, 255);
}

#[test]
fn escapes_are_told_on_request_and_count_only_at_the_beginning_of_a_line() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    terminal.types("\r~?");
    terminal.until_shows("~~  sends one ~");
    says(&mut terminal, "echo a~.$((40 + 2))", "a~.42");
    says(&mut terminal, "~~. || echo none-$((40 + 2))", "none-42");
    terminal.types("exit\r");
    ends(terminal, 0);
}

#[test]
fn the_connection_is_lost() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = called(&ground, &[]);
    terminal.types("kill -KILL $PPID\r");
    terminal.until_shows("trunkline: n1: connection lost: it closed the connection");
    ends(terminal, 255);
}

#[test]
fn a_connection_that_answers_no_more_is_noticed_where_that_is_asked_for() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let alive = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];
    let mut terminal = called(&ground, &alive);
    let _stopped = Stopped::now(&ground, &mut terminal);
    terminal.until_shows("connection lost: it answers no more");
    ends(terminal, 255);
}

#[test]
fn a_signal_ends_this_program() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let terminal = called(&ground, &[]);
        terminal.signals(signal);
        ends(terminal, code);
    }
}

#[test]
fn ctrl_c_while_connecting_leaves_and_so_it_does_at_a_question() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    ground.write("known_hosts", "");
    let mut terminal = calling(&ground, &[]);
    terminal.until_shows("(yes or no)");
    terminal.types("\x03");
    ends(terminal, 130);
}

#[test]
fn no_connection_is_255_and_says_why() {
    needs!("sshd", "ssh-keygen");
    let ground = Ground::of("shell");
    let mut terminal = calling(&ground, &["-p", &ground.closed.to_string()]);
    terminal.until_shows("trunkline: n1: no connection: ");
    ends(terminal, 255);
}
