//! `shell` and `exec`: what is started, for whom, and what becomes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::process::Process;
use crate::serve::Serve;
use crate::wait_until;

#[test]
fn defect_open_to_all() {
    for (address, service) in [("0.0.0.0:0", "shell"), (":0", "shell"), ("[::]:0", "exec")] {
        let server =
            if service == "exec" { Serve::exec(address, &["date"]) } else { Serve::new(address, service) };
        let (code, error) = server.refused();
        assert_eq!(code, 2, "{error}");
        assert!(
            error.contains("shell and exec run programs for whoever connects")
                && error.contains("--insecure-remote-exec"),
            "{error}"
        );
    }
}

#[test]
fn over_udp_the_sender_is_a_claim_so_no_command_runs_even_on_this_machine() {
    for address in ["udp://127.0.0.1:0", "udp://:0"] {
        let (code, error) = Serve::new(address, "shell").refused();
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("is a claim") && error.contains("--insecure-remote-exec"), "{error}");
    }
}

#[test]
fn a_socket_file_that_lets_others_in_is_no_place_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:{}", folder.path().join("a").display());
    let (code, error) = Serve::new(&address, "shell").args(&["--mode", "0660"]).refused();
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("can be reached by others"), "{error}");
}

#[test]
fn whoever_says_so_opens_it_to_others() {
    let server = Serve::new("0.0.0.0:0", "shell").arg("--insecure-remote-exec").start();
    let mut client = server.client();
    client.say("echo hi");
    client.hears("hi\n[exit 0]\n");
}

#[test]
fn commands_over_a_socket_file_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let server = Serve::new(&format!("unix:{}", path.display()), "shell").start();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut client = server.client();
    client.say("echo $PROTO $UNIXLOCALPATH $UNIXREMOTEPID $UNIXREMOTEEUID");
    let (pid, uid) = (std::process::id(), rustix::process::geteuid().as_raw());
    client.hears(format!("UNIX {} {pid} {uid}\n[exit 0]\n", path.display()));
}

#[test]
fn another_user_of_this_machine_runs_no_command() {
    needs!("nc.openbsd");
    needs_root!();
    let folder = tempfile::tempdir().unwrap();
    for service in ["shell", "exec"] {
        let trace = folder.path().join(service);
        let touch = format!("touch {}", trace.display());
        let server = match service {
            "exec" => Serve::exec("tcp://127.0.0.1:0", &["sh", "-c", &touch]).start(),
            _ => Serve::new("tcp://127.0.0.1:0", service).start(),
        };
        let mut nobody = Command::new("setpriv");
        nobody.args([
            "--reuid=65534",
            "--clear-groups",
            "nc.openbsd",
            "-N",
            "127.0.0.1",
            &server.port().to_string(),
        ]);
        let mut nobody = Process::start(nobody.stdin(Stdio::piped()));
        nobody.type_line(&touch);
        nobody.end_of_typing();
        let closed = server.closing_line(1);
        assert!(
            closed.contains(
                ": error: the caller is uid 65534; commands run only for uid 0, who started this server"
            ),
            "{closed}"
        );
        nobody.exit_code();
        assert_eq!(nobody.screen.wait_for_all(), "");
        assert!(!trace.exists(), "{service} has run something");
    }
}

#[test]
fn a_web_page_runs_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    for server in [
        Serve::new("tcp://127.0.0.1:0", "shell").start(),
        Serve::exec("tcp://127.0.0.1:0", &["sh"]).start(),
        Serve::new("tcp://127.0.0.1:0", "shell").args(&["--frame", "line"]).start(),
    ] {
        let mut page = server.client();
        page.say(format!("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\ntouch {}\n", trace.display()));
        page.is_shown_out();
        let closed = server.closing_line(1);
        assert!(
            closed.contains(
                ": error: the first message looks like an HTTP request: a web page may be behind it"
            ),
            "{closed}"
        );
    }
    assert!(!trace.exists());
}

#[test]
fn a_datagram_of_another_kind_than_text_runs_no_command() {
    let server = Serve::new("udp://127.0.0.1:0", "shell").arg("--insecure-remote-exec").start();
    let mut client = server.client();
    client.say(b"\x00\x03\x00\x08!\x12\xa4Becho no\n");
    server.log.wait_for("trouble: running a datagram's command: the first message is not text: a command is");
    client.say("echo yes");
    assert_eq!(client.hear_once(), b"yes\n[exit 0]\n");
}

#[test]
fn a_program_finds_both_addresses_in_its_environment() {
    let program = ["sh", "-c", "echo $PROTO $TCPLOCALIP $TCPLOCALPORT $TCPREMOTEIP $TCPREMOTEPORT"];
    let server = Serve::exec("tcp://127.0.0.1:0", &program).start();
    let mut client = server.client();
    let expected = format!("TCP 127.0.0.1 {} 127.0.0.1 {}\n", server.port(), client.port());
    assert_eq!(String::from_utf8(client.hear_to_end()).unwrap(), expected);
}

#[test]
fn no_byte_is_lost_at_half_close() {
    let server = Serve::exec("tcp://127.0.0.1:0", &["cat"]).start();
    let sent: Vec<u8> = (0..1_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut client = server.client();
    let mut listener = client.listener();
    let heard = std::thread::spawn(move || listener.hear_to_end());
    client.say(&sent);
    client.finish();
    assert!(heard.join().unwrap() == sent, "what comes back is what went");
    let closed = server.closing_line(1);
    assert!(
        closed.contains(": eof; received 1000000 bytes") && closed.contains("sent 1000000 bytes"),
        "{closed}"
    );
}

#[test]
fn a_program_that_answers_only_at_the_end_of_input_is_heard() {
    let server = Serve::exec("tcp://127.0.0.1:0", &["sort"]).start();
    let mut client = server.client();
    client.say("b\na\nc\n");
    client.finish();
    assert_eq!(client.hear_to_end(), b"a\nb\nc\n");
}

#[test]
fn a_program_that_stops_reading_still_delivers() {
    let server = Serve::exec("tcp://127.0.0.1:0", &["head", "-c", "10"]).start();
    let mut client = server.client();
    let mut listener = client.listener();
    let heard = std::thread::spawn(move || listener.hear_to_end());
    client.try_say("0123456789".repeat(100_000));
    assert_eq!(heard.join().unwrap(), b"0123456789");
    assert!(server.closing_line(1).contains(": eof; "));
}

#[test]
fn a_program_that_does_not_exist_is_refused_before_anybody_connects() {
    for program in ["/no/such/program", "no-such-program-in-the-path", "/etc/passwd", "/tmp"] {
        let (code, error) = Serve::exec("tcp://127.0.0.1:0", &[program]).refused();
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(&format!("the program {program} is not there, or may not be run")), "{error}");
    }
}

#[test]
fn a_program_that_is_gone_when_a_client_comes_ends_the_connection_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    fs::copy("/bin/true", &program).unwrap();
    let server = Serve::exec("tcp://127.0.0.1:0", &[program.to_str().unwrap()]).start();
    fs::remove_file(&program).unwrap();
    server.client().is_shown_out();
    let closed = server.closing_line(1);
    assert!(closed.contains(": error: starting ") && closed.contains(": No such file"), "{closed}");
}

/// Waits until the process has ended.
fn has_ended(pid: &str) {
    let stat = format!("/proc/{pid}/stat");
    wait_until("the process's end", || {
        // One that nobody has waited for yet is a zombie.
        fs::read_to_string(&stat).map_or(Some(()), |stat| stat.contains(") Z ").then_some(()))
    });
}

#[test]
fn what_was_started_ends_when_its_client_breaks_off() {
    let program = ["sh", "-c", "echo $$; exec sleep 1000"];
    let shell = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let exec = Serve::exec("tcp://127.0.0.1:0", &program).start();
    for server in [shell, exec] {
        let mut client = server.client();
        client.try_say("echo $$; exec sleep 1000");
        let pid = client.hear_until("\n");
        assert!(is_running(pid.trim()));
        client.reset();
        assert!(server.closing_line(1).contains(": reset; "));
        has_ended(pid.trim());
    }
}

fn is_running(pid: &str) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_background_job_does_not_hold_up_the_answer_and_ends_with_the_connection() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = server.client();
    client.say("sleep 1000 & echo $!");
    let answer = client.hear_until("[exit 0]\n");
    let pid = answer.lines().next().unwrap();
    client.say("echo next");
    client.hears("next\n[exit 0]\n");
    assert!(is_running(pid), "it lives as long as the connection");
    drop(client);
    has_ended(pid);
}

#[test]
fn a_job_with_a_session_of_its_own_stays() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = server.client();
    client.say("setsid sleep 1000 >/dev/null 2>&1 & echo $!");
    let answer = client.hear_until("[exit 0]\n");
    let pid = answer.lines().next().unwrap();
    // The session is made a moment after the answer.
    wait_until("the session", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        (stat.rsplit_once(')').unwrap().1.split_whitespace().nth(3) == Some(pid)).then_some(())
    });
    client.finish();
    assert_eq!(client.hear_to_end(), b"");
    server.closing_line(1);
    assert!(is_running(pid));
    kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn commands_that_come_stuck_together_in_lines_are_answered_one_after_the_other() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").args(&["--frame", "line"]).start();
    let mut client = server.client();
    client.say("echo one\necho two >&2\nprintf three\n");
    client.finish();
    assert_eq!(client.hear_to_end(), b"one\n[exit 0]\ntwo\n[exit 0]\nthree\n[exit 0]\n");
}

#[test]
fn a_command_has_no_standard_input_to_wait_for() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").start();
    let mut client = server.client();
    client.say("cat");
    client.hears("[exit 0]\n");
}

/// Asks for a command in a frame of an unsigned length, and gives the answer.
fn ask(client: &mut Client, header: usize, command: &str) -> String {
    let length = command.len().to_be_bytes();
    client.say([&length[length.len() - header..], command.as_bytes()].concat());
    let announced = client.hear(header).iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
    String::from_utf8(client.hear(announced)).unwrap()
}

#[test]
fn an_answer_too_long_for_its_header_is_replaced_by_one_that_says_so() {
    let server = Serve::new("tcp://127.0.0.1:0", "shell").args(&["--frame", "!H"]).start();
    let mut client = server.client();
    let answer = ask(&mut client, 2, "seq 1 300000");
    assert!(
        answer.starts_with("trunkline: the answer is longer than the 65535 bytes of one message"),
        "{answer}"
    );
    assert!(answer.ends_with("; the command was ended\n[exit 137]\n"), "{answer}");
    assert_eq!(ask(&mut client, 2, "echo next"), "next\n[exit 0]\n");
}

#[test]
fn an_answer_longer_than_the_longest_message_ends_its_command_and_says_so() {
    let server =
        Serve::new("tcp://127.0.0.1:0", "shell").args(&["--frame", "!I", "--max-frame", "1k"]).start();
    let mut client = server.client();
    for endless in ["yes", "seq 1 300000"] {
        let answer = ask(&mut client, 4, endless);
        assert!(
            answer.starts_with("trunkline: the answer is longer than the 1024 bytes of one message"),
            "{answer}"
        );
        assert!(answer.ends_with("; the command was ended\n[exit 137]\n"), "{answer}");
    }
    assert_eq!(ask(&mut client, 4, "echo next"), "next\n[exit 0]\n");
}

#[test]
fn commands_over_udp_are_answered_in_one_datagram() {
    let server = Serve::new("udp://127.0.0.1:0", "shell").arg("--insecure-remote-exec").start();
    let mut client = server.client();
    client.say("echo out; echo err >&2; exit 3");
    assert_eq!(client.hear_once(), b"out\nerr\n[exit 3]\n");
    client.say("seq 1 300000");
    let answer = String::from_utf8(client.hear_once()).unwrap();
    assert!(answer.contains("the answer is longer than the 65507 bytes of one message"), "{answer}");
}

#[test]
fn a_process_of_its_own_for_each_connection() {
    let server = Serve::exec("tcp://127.0.0.1:0", &["sh", "-c", "echo $$; cat"]).start();
    let mut clients: [Client; 3] = [server.client(), server.client(), server.client()];
    let mut pids: Vec<String> = clients.iter_mut().map(|client| client.hear_until("\n")).collect();
    pids.dedup();
    assert_eq!(pids.len(), 3);
    for client in &mut clients {
        client.say("hi");
        client.hears("hi");
    }
}
