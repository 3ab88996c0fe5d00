use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::UnixStream;

use super::*;
use crate::Endpoint;
use crate::testing::{Script, eventually, is_alive, session};

/// What a client hears that says this, and how its connection ended.
async fn converse(frame: &str, says: &[u8]) -> (String, Ending) {
    let (client, mut server) = duplex(4096);
    let mut session = session(frame);
    let serving = async {
        let ending = shell(&mut server, &mut session).await;
        drop(server);
        ending
    };
    let (ending, heard) = tokio::join!(serving, ask(client, says));
    (heard, ending)
}

async fn ask(client: DuplexStream, says: &[u8]) -> String {
    let (mut reader, mut writer) = tokio::io::split(client);
    let mut heard = Vec::new();
    let speaking = async {
        writer.write_all(says).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let ((), read) = tokio::join!(speaking, reader.read_to_end(&mut heard));
    read.unwrap();
    String::from_utf8(heard).unwrap()
}

async fn heard(frame: &str, says: &str) -> String {
    converse(frame, says.as_bytes()).await.0
}

#[tokio::test]
async fn the_answer_is_what_the_command_printed_and_its_exit_status_on_a_line_of_its_own() {
    assert_eq!(heard("line", "echo out; echo err >&2; exit 3\n").await, "out\nerr\n[exit 3]\n");
    assert_eq!(heard("line", "printf 'no newline'\n").await, "no newline\n[exit 0]\n");
}

#[tokio::test]
async fn a_silent_command_returns_at_once_with_its_exit_status() {
    assert_eq!(heard("line", "true\nfalse\n").await, "[exit 0]\n[exit 1]\n");
}

#[tokio::test]
async fn an_output_of_any_size_is_whole_and_answers_never_mix() {
    let numbers: String = (1..=30_000).map(|number| format!("{number}\n")).collect();
    let answers = heard("line", "seq 1 30000\necho next\n").await;
    assert!(answers == format!("{numbers}[exit 0]\nnext\n[exit 0]\n"));
}

#[tokio::test]
async fn a_full_pipe_of_errors_blocks_nothing() {
    let answer = heard("line", "head -c 200000 /dev/zero | tr '\\0' e >&2; echo done\n").await;
    assert_eq!(answer.len(), 200_000 + "done\n[exit 0]\n".len());
}

#[tokio::test]
async fn a_command_that_a_signal_ended_has_128_and_its_number() {
    assert_eq!(heard("line", "kill -TERM $$\n").await, "[exit 143]\n");
}

#[tokio::test]
async fn a_command_that_cannot_be_started_says_why_and_the_connection_goes_on() {
    // A zero byte is not allowed in an argument (execve(2)).
    let (heard, ending) = converse("line", b"echo one\necho a\0b\necho two\n").await;
    assert!(heard.starts_with("one\n[exit 0]\ntrunkline: running the command: "), "{heard}");
    assert!(heard.ends_with("\n[exit 126]\ntwo\n[exit 0]\n") && ending == Ending::Eof, "{heard}");
}

#[tokio::test]
async fn a_first_message_that_is_no_text_ends_the_connection() {
    let (heard, ending) = converse("line", b"\x16\x03\x01\n").await;
    assert_eq!(heard, "");
    assert!(matches!(&ending, Ending::Error(reason) if reason.contains("not text")), "{ending}");
}

#[tokio::test]
async fn a_framed_answer_is_one_message() {
    assert_eq!(heard("netstring", "9:echo a b;,").await, "13:a b\n[exit 0]\n,");
    assert_eq!(heard("!H", "\0\x06echo a\0\x04true").await, "\0\x0ba\n[exit 0]\n\0\x09[exit 0]\n");
}

#[tokio::test]
async fn an_answer_too_long_for_its_header_says_so_and_the_command_is_ended() {
    let answer = heard("!B", "\x13seq 1 1000; exit 3 ").await;
    let text = &answer[1..];
    assert_eq!(usize::from(answer.as_bytes()[0]), text.len());
    assert!(
        text.starts_with("trunkline: the answer is longer than the 255 bytes of one message")
            && text.ends_with("; the command was ended\n[exit 137]\n"),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_with_a_zero_byte_does_not_fit_between_zero_bytes_and_says_so() {
    let answer = heard("nul", "printf 'a\\0b'\0").await;
    assert!(answer.starts_with("trunkline: byte 1 of the message is a zero"), "{answer}");
    assert!(answer.ends_with("[exit 0]\n\0"), "{answer}");
}

#[tokio::test]
async fn an_answer_longer_than_a_message_may_be_ends_the_command_and_says_so() {
    let endless = heard("nul", "yes\0").await;
    assert_eq!(
        endless,
        "trunkline: the answer is longer than the 1048576 bytes of one message; the command was ended\n[exit 137]\n\0"
    );
}

#[tokio::test]
async fn a_background_job_outlives_its_command_and_ends_with_the_connection() {
    let (mut client, mut server) = duplex(4096);
    let mut session = session("line");
    let serving = tokio::spawn(async move { shell(&mut server, &mut session).await });
    client.write_all(b"sleep 1000 & echo $!\n").await.unwrap();
    let mut answer = vec![0; 64];
    let mut length = 0;
    while !answer[..length].ends_with(b"[exit 0]\n") {
        length += client.read(&mut answer[length..]).await.unwrap();
    }
    let text = String::from_utf8(answer).unwrap();
    let pid = text.lines().next().unwrap().to_owned();
    assert!(is_alive(&pid));
    drop(client);
    assert_eq!(serving.await.unwrap(), Ending::Eof);
    eventually(&false, || is_alive(&pid));
}

#[tokio::test]
async fn a_background_job_that_prints_without_end_does_not_hold_the_answer_up() {
    let answer = heard("line", "(while :; do echo noise; done) & echo told; exit 4\necho next\n").await;
    assert!(answer.contains("told\n") && answer.contains("[exit 4]\n"));
    assert!(answer.ends_with("next\n[exit 0]\n"));
}

/// A command that writes down its process and waits, for a client that breaks off meanwhile.
async fn client_breaks_off(frame: &str, command: &'static [u8]) -> (String, Ending) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let mut session = session(frame);
    // The command finds the file through its environment, as the path of our end.
    Arc::make_mut(&mut session.peer).local = Endpoint::Unix(file.clone());
    let (mut stream, break_off) = Script::new(&[command], Some(ErrorKind::ConnectionReset)).when_told();
    let client = async {
        let mut pid = String::new();
        while !pid.ends_with('\n') {
            tokio::task::yield_now().await;
            pid = std::fs::read_to_string(&file).unwrap_or_default();
        }
        assert!(is_alive(&pid));
        break_off.send(()).unwrap();
        pid
    };
    let (ending, pid) = tokio::join!(shell(&mut stream, &mut session), client);
    (pid, ending)
}

#[tokio::test]
async fn when_the_client_breaks_off_its_command_ends() {
    for (frame, command) in [
        ("line", &b"echo $$ >$UNIXLOCALPATH; sleep 1000; true\n"[..]),
        ("nul", &b"echo $$ >$UNIXLOCALPATH; sleep 1000; true\0"[..]),
    ] {
        let (pid, ending) = client_breaks_off(frame, command).await;
        assert_eq!(ending, Ending::Reset);
        eventually(&false, || is_alive(&pid));
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_command_ends_when_its_client_closed_a_socket_file() {
    for frame in ["line", "nul"] {
        let (mut client, mut server) = UnixStream::pair().unwrap();
        let mut session = session(frame);
        let end = if frame == "line" { '\n' } else { '\0' };
        client.write_all(format!("exec sleep 1000{end}").as_bytes()).await.unwrap();
        drop(client);
        assert_eq!(shell(&mut server, &mut session).await, Ending::Reset, "{frame}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_said_its_last_still_hears_a_command_that_was_silent_for_long() {
    let (mut client, mut server) = UnixStream::pair().unwrap();
    let mut session = session("line");
    // Until it prints, the paused clock runs through any number of looks.
    client.write_all(b"sleep 0.1; echo late\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(shell(&mut server, &mut session).await, Ending::Eof);
    drop(server);
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "late\n[exit 0]\n");
}

#[tokio::test]
async fn a_command_whose_output_nobody_takes_any_more_ends() {
    let (mut client, mut server) = duplex(64);
    let mut session = session("line");
    let serving = tokio::spawn(async move { shell(&mut server, &mut session).await });
    client.write_all(b"yes\n").await.unwrap();
    client.read_exact(&mut [0; 1000]).await.unwrap();
    drop(client);
    assert_eq!(serving.await.unwrap(), Ending::Reset);
}

#[tokio::test(start_paused = true)]
async fn only_a_client_without_a_command_is_idle() {
    let (mut client, mut server) = duplex(64);
    let mut session = session("line");
    session.idle = Some(Duration::from_secs(10));
    let start = tokio::time::Instant::now();
    let asking = async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        client.write_all(b"true\n").await.unwrap();
        client.read_exact(&mut [0; 9]).await.unwrap();
    };
    let (ending, ()) = tokio::join!(shell(&mut server, &mut session), asking);
    assert_eq!(ending, Ending::Timeout);
    assert!(start.elapsed() >= Duration::from_secs(19));
}
