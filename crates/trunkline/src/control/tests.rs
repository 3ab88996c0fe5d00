//! Both sides of the control socket, with a node of their own; and what an attacker of this user's could send.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use net::door::Shutdown;
use node::face::{Event, Reply, Request};
use node::home::Home;
use node::{Node, Plan, Running, WatchError};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::{pause, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::client::{Client, GREETING};
use super::server::{
    Api, EXCHANGES_MAX, HEAD_MAX, LINES_MAX, Patience, QUESTIONS_MAX, REQUEST_MAX, Socket, may_enter,
};
use super::{Face, wire};

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// For whoever has to be waited for.
const SOON: Duration = Duration::from_millis(100);

const PLAN: Plan =
    Plan { port: Some(0), name: None, group: None, interface: None, chat: true, says_goodbye: false };

const LOOK: &[u8] = b"GET /api/snapshot HTTP/1.1\r\nhost: node\r\n\r\n";

/// A node with its control socket.
struct Stage {
    folder: TempDir,
    node: Node,
    running: Running,
    api: Api,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

fn home(folder: &TempDir) -> Home {
    Home::from_environment(|name| (name == "TRUNKLINE_HOME").then(|| folder.path().into())).unwrap()
}

impl Stage {
    async fn open() -> Self {
        Self::impatient(PATIENCE).await
    }

    /// One that waits only so long for others.
    async fn impatient(patience: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (node, running) = Node::start(&home(&folder), &PLAN).await.unwrap();
        let socket = Socket::open(&folder.path().join("node.sock")).await.unwrap();
        let (mut api, shutdown) = (Api::new(node.clone()), Shutdown::default());
        api.patience = Patience { exchange: patience, unread: patience };
        let serving =
            tokio::spawn(socket.serve(api.clone(), shutdown.clone(), |trouble| eprintln!("{trouble}")));
        Self { folder, node, running, api, shutdown, serving }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("node.sock")
    }

    async fn client(&self) -> Client {
        Client::connect(&home(&self.folder)).await.unwrap().unwrap()
    }

    /// A line that reads nothing by itself.
    async fn line(&self) -> WebSocketStream<UnixStream> {
        let stream = UnixStream::connect(self.path()).await.unwrap();
        client_async("ws://node/api/line", stream).await.unwrap().0
    }

    async fn exchange(&self, bytes: &[u8]) -> String {
        exchange(&self.path(), bytes).await
    }

    async fn post(&self, body: &str) -> String {
        let head =
            format!("POST /api/request HTTP/1.1\r\nhost: node\r\ncontent-length: {}\r\n\r\n", body.len());
        self.exchange((head + body).as_bytes()).await
    }

    async fn rename(&self, name: &str) {
        assert_eq!(self.node.request(named(name)).await, Ok(Reply::Done));
    }
}

/// What a plain exchange gives, to its end.
async fn exchange(path: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // The other side may hang up before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn named(name: &str) -> Request {
    Request::Profile { name: Some(name.to_owned()), group: None }
}

async fn heard(line: &mut WebSocketStream<UnixStream>) -> Value {
    match line.next().await.unwrap().unwrap() {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_face_has_a_snapshot_and_then_what_led_to_an_answer_before_the_answer() {
    let stage = Stage::open().await;
    let mut line = stage.line().await;
    let number = heard(&mut line).await["snapshot"]["number"].as_u64().unwrap();
    let question = json!({"id": 7, "ask": {"request": "profile", "name": "王伟"}});
    line.send(Message::text(question.to_string())).await.unwrap();
    let event = heard(&mut line).await;
    assert_eq!((&event["number"], &event["event"]), (&json!(number + 1), &json!("me")));
    assert_eq!(event["me"]["name"], "王伟");
    assert_eq!(heard(&mut line).await, json!({"id": 7, "reply": {"reply": "done"}}));
}

#[tokio::test]
async fn a_client_keeps_the_events_that_come_while_it_waits_for_an_answer() {
    let stage = Stage::open().await;
    let mut client = stage.client().await;
    assert_eq!(client.request(named("li")).await, Ok(Reply::Done));
    assert_eq!(client.request(named("zhao")).await, Ok(Reply::Done));
    let first = client.snapshot().number + 1;
    for (number, name) in [(first, "li"), (first + 1, "zhao")] {
        let event = client.next().await.unwrap();
        assert_eq!(event.number, number);
        assert!(matches!(event.event, Event::Me { me } if me.name == name));
    }
    let refused = client.request(Request::Open { message: 99 }).await.unwrap_err();
    assert!(!refused.reason.is_empty());
}

#[tokio::test]
async fn every_client_hears_of_what_one_has_done_and_all_hear_of_the_end() {
    let stage = Stage::open().await;
    let (mut one, mut other) = (stage.client().await, stage.client().await);
    assert_eq!(one.request(named("li")).await, Ok(Reply::Done));
    assert_eq!(one.next().await.unwrap(), other.next().await.unwrap());
    stage.shutdown.drain.cancel();
    stage.running.stop().await;
    for client in [&mut one, &mut other] {
        assert_eq!(client.next().await, Err(WatchError::Ended));
        assert_eq!(client.request(Request::Look).await.unwrap_err().reason, "the node has ended");
    }
    stage.serving.await.unwrap();
    assert!(!stage.folder.path().join("node.sock").exists());
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_its_number_and_the_line_goes_on() {
    let stage = Stage::open().await;
    let mut line = stage.line().await;
    heard(&mut line).await;
    for (wrong, id) in [(r#"{"id": 3, "ask": {"request": "fly"}}"#, json!(3)), ("{", Value::Null)] {
        line.send(Message::text(wrong)).await.unwrap();
        let answer = heard(&mut line).await;
        assert_eq!(answer["id"], id);
        assert_eq!(answer["refused"]["is_usage"], true);
        assert!(answer["refused"]["reason"].as_str().unwrap().starts_with("the request is not understood: "));
    }
    line.send(Message::binary(r#"{"id": 4, "ask": {"request": "look"}}"#.as_bytes())).await.unwrap();
    assert_eq!(heard(&mut line).await["reply"]["reply"], "snapshot");
}

#[tokio::test]
async fn an_exchange_has_the_status_of_its_answer() {
    let stage = Stage::open().await;
    for (body, status) in [
        (r#"{"request": "look"}"#, "200 OK"),
        (r#"{"request": "send", "to": "nobody", "text": "hi"}"#, "400 Bad Request"),
        (r#"{"request": "cancel", "message": 99}"#, "409 Conflict"),
        ("[]", "400 Bad Request"),
    ] {
        let answer = stage.post(body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{body}: {answer}");
        let (_, json) = answer.split_once("\r\n\r\n").unwrap();
        assert!(serde_json::from_str::<Value>(json).unwrap().is_object());
    }
    let snapshot = stage.exchange(LOOK).await;
    assert!(snapshot.contains(r#""number":"#), "{snapshot}");
    let path = stage.path();
    stage.running.stop().await;
    let ended = exchange(&path, LOOK).await;
    assert!(ended.starts_with("HTTP/1.1 503 "), "{ended}");
}

#[tokio::test]
async fn nothing_that_a_terminal_obeys_is_in_an_answer() {
    let stage = Stage::open().await;
    stage.rename("li\u{202e}\u{9b}2J").await;
    let snapshot = stage.exchange(LOOK).await;
    assert!(snapshot.contains(r"li\u202e\u009b2J"), "{snapshot}");
    let client = stage.client().await;
    assert_eq!(client.snapshot().me.name, "li\u{202e}\u{9b}2J", "and it comes back whole");
}

#[tokio::test]
async fn a_request_or_a_head_that_is_too_large_is_refused_unread() {
    let stage = Stage::open().await;
    let look = r#"{"request": "look"}"#;
    let fits = look.to_owned() + &" ".repeat(REQUEST_MAX - look.len());
    assert!(stage.post(&fits).await.starts_with("HTTP/1.1 200 "));
    let answer = stage.post(&format!("{fits} ")).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("reason"), "{answer}");
    let head = format!("GET /api/snapshot HTTP/1.1\r\nhost: node\r\nx: {}\r\n\r\n", "x".repeat(HEAD_MAX));
    let answer = stage.exchange(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_question_that_is_too_large_ends_its_line_and_no_other() {
    let stage = Stage::open().await;
    let (mut line, mut other) = (stage.line().await, stage.client().await);
    heard(&mut line).await;
    // The other side hangs up while it is being sent.
    let _ = line.send(Message::text("x".repeat(REQUEST_MAX + 1))).await;
    while let Some(Ok(said)) = line.next().await {
        assert!(said.is_close(), "{said:?}");
    }
    assert!(other.request(Request::Look).await.is_ok());
}

#[tokio::test]
async fn whoever_sends_no_request_in_time_is_hung_up_on() {
    let stage = Stage::impatient(SOON).await;
    let mut silent = UnixStream::connect(stage.path()).await.unwrap();
    let mut slow = UnixStream::connect(stage.path()).await.unwrap();
    slow.write_all(b"POST /api/request HTTP/1.1\r\nhost: node\r\ncontent-length: 20\r\n\r\n{").await.unwrap();
    for stream in [&mut silent, &mut slow] {
        assert_eq!(timeout(PATIENCE, stream.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
    }
    let mut line = stage.client().await;
    let mut waiting = UnixStream::connect(stage.path()).await.unwrap();
    assert_eq!(waiting.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(line.request(Request::Look).await.is_ok(), "a line that is as old as that goes on");
}

#[tokio::test]
async fn connections_too_many_are_closed_and_lines_too_many_are_told_so() {
    let stage = Stage::open().await;
    let mut lines = Vec::new();
    for _ in 0..LINES_MAX {
        lines.push(stage.client().await);
    }
    let error = Client::connect(&home(&stage.folder)).await.unwrap_err().to_string();
    assert!(error.contains("503"), "{error}");
    let mut silent = Vec::new();
    for _ in 0..EXCHANGES_MAX {
        silent.push(UnixStream::connect(stage.path()).await.unwrap());
    }
    assert_eq!(stage.exchange(LOOK).await, "");
    assert!(lines[0].request(Request::Look).await.is_ok(), "those inside go on");
    drop(silent);
    drop(lines.pop());
    while Client::connect(&home(&stage.folder)).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_line_answers_all_questions_that_were_sent_without_waiting() {
    let stage = Stage::open().await;
    let mut line = stage.line().await;
    heard(&mut line).await;
    let many = QUESTIONS_MAX as u64 * 4;
    for id in 0..many {
        let question = json!({"id": id, "ask": {"request": "refresh"}});
        line.send(Message::text(question.to_string())).await.unwrap();
    }
    let mut answered = Vec::new();
    for _ in 0..many {
        answered.push(heard(&mut line).await["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..many).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_face_that_does_not_read_is_hung_up_on_and_the_node_and_the_others_go_on() {
    let stage = Stage::impatient(SOON).await;
    let _stopped = stage.line().await;
    let mut other = stage.client().await;
    let mut number = other.snapshot().number;
    while stage.api.lines_open() > 1 {
        stage.rename(&format!("{number:0200}")).await;
        number += 1;
        assert_eq!(other.next().await.unwrap().number, number);
    }
    assert!(other.request(Request::Look).await.is_ok());
}

#[tokio::test]
async fn a_face_that_reads_too_slowly_is_told_how_much_it_has_missed_and_how_things_stand() {
    let stage = Stage::open().await;
    let mut slow = stage.client().await;
    let mut number = slow.snapshot().number;
    let last = number + 6_000;
    for name in number..last {
        stage.rename(&name.to_string()).await;
    }
    loop {
        match slow.next().await {
            Ok(event) => {
                number += 1;
                assert_eq!(event.number, number);
            }
            Err(missed) => {
                let WatchError::Missed(missed) = missed else { panic!("{missed}") };
                assert!(missed > 0);
                assert_eq!(slow.snapshot().number, last, "{number} read, {missed} missed");
                break;
            }
        }
    }
    stage.rename("on").await;
    assert_eq!(slow.next().await.unwrap().number, last + 1);
}

#[tokio::test]
async fn where_no_node_runs_nobody_is_found_and_a_file_left_behind_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    assert!(Client::connect(&home(&folder)).await.unwrap().is_none());
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert!(Client::connect(&home(&folder)).await.unwrap().is_none());
    let socket = Socket::open(&path).await.unwrap();
    assert!(UnixStream::connect(&path).await.is_ok());
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_node_that_does_not_greet_is_told_of_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let _silent = UnixListener::bind(folder.path().join("node.sock")).unwrap();
    pause();
    let error =
        timeout(GREETING * 2, Client::connect(&home(&folder))).await.unwrap().unwrap_err().to_string();
    assert!(error.contains(&format!("does not answer (pid {})", std::process::id())), "{error}");
}

#[tokio::test]
async fn a_verb_has_a_node_of_its_own_where_none_runs_and_else_the_running_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut own = Face::attach(&home(&folder), &PLAN).await.unwrap();
    assert!(own.is_own());
    assert_eq!(own.request(named("li")).await, Ok(Reply::Done));
    assert_eq!(own.next().await.unwrap().number, own.snapshot().number + 1);
    own.leave().await;

    let stage = Stage::open().await;
    let face = Face::attach(&home(&stage.folder), &PLAN).await.unwrap();
    assert!(!face.is_own());
    assert_eq!(face.snapshot().me.port, stage.client().await.snapshot().me.port);
    face.leave().await;
    assert!(stage.node.request(Request::Look).await.is_ok(), "the running one goes on");
}

#[tokio::test]
async fn a_node_that_has_the_lock_but_no_socket_is_waited_for_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let lock = home(&folder).lock().unwrap();
    pause();
    let error = Face::attach(&home(&folder), &PLAN).await.unwrap_err().to_string();
    assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
    assert!(error.contains("hint: nobody answers at "), "{error}");
    drop(lock);
}

#[test]
fn only_this_user_and_root_may_enter() {
    let who = |uid| net::Endpoint::Process { pid: 7, uid };
    assert!(may_enter(&who(1000), 1000) && may_enter(&who(0), 1000));
    assert!(!may_enter(&who(1001), 1000) && !may_enter(&who(1000), 0));
    assert!(!may_enter(&net::Endpoint::Unix(Path::new("/x").to_owned()), 0));
}

#[test]
fn what_the_node_says_is_told_apart_by_its_shape() {
    let read = |value: Value| serde_json::from_value::<wire::Said>(value).unwrap();
    assert!(matches!(read(json!({"id": 1, "reply": {"reply": "done"}})), wire::Said::Reply { id: 1, .. }));
    assert!(matches!(read(json!({"refused": {"reason": "no"}})), wire::Said::Refused { id: None, .. }));
    assert!(matches!(read(json!({"number": 1, "event": "cancelled", "message": 2})), wire::Said::Event(_)));
    assert!(serde_json::from_value::<wire::Said>(json!({"number": 1, "event": "unheard-of"})).is_err());
}
