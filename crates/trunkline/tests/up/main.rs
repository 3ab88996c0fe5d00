//! `trunkline up`, by the true binary, on ports of this machine that are free. Nodes on one machine hear no broadcast of
//! each other, so each has the other in its book.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[path = "../book/home.rs"]
#[allow(dead_code, reason = "shared with the tests of book")]
mod home;
#[path = "../server/lines.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod lines;
#[path = "../server/patience.rs"]
mod patience;
#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
#[path = "../server/process.rs"]
#[allow(dead_code, reason = "shared with the tests of serve")]
mod process;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use home::Home;
use lines::Lines;
use patience::{PATIENCE, wait_until};
use process::Process;
use rustix::process::Signal;
use serde_json::{Value, json};

const TRUNKLINE: &str = env!("CARGO_BIN_EXE_trunkline");

/// A node that others can reach.
struct Up {
    process: Process,
    socket: PathBuf,
}

impl Up {
    #[track_caller]
    fn start(home: &Home, arguments: &[&str]) -> Self {
        Self::started(home, &mut command(home, arguments))
    }

    #[track_caller]
    fn started(home: &Home, command: &mut Command) -> Self {
        let process = Process::start(command);
        process.log.wait_for("you are ");
        Self { process, socket: home.path().join("node.sock") }
    }

    fn shows(&self, text: &str) -> String {
        self.process.log.wait_for(text)
    }

    /// Where others write to it.
    fn address(&self) -> String {
        let line = self.shows("listening on udp port ");
        format!("127.0.0.1:{}", line.split_whitespace().nth(4).unwrap())
    }

    /// The body of the answer to a request.
    fn ask(&self, request: &Value) -> Value {
        let body = request.to_string();
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        let head =
            format!("POST /api/request HTTP/1.1\r\nhost: node\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    #[track_caller]
    fn ends(mut self, signal: Signal) -> i32 {
        self.process.signal(signal);
        self.process.exit_code()
    }
}

fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(TRUNKLINE);
    command.args(["up", "--chat", "0"]).args(arguments).env("TZ", "UTC");
    command
}

/// A home in whose book somebody stands.
fn home_with(name: &str, address: &str) -> Home {
    Home::with_book(&format!("[entry.{name}]\nchat = \"{address}\"\n"))
}

fn curl(socket: &Path, arguments: &[&str]) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--unix-socket"])
        .arg(socket)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_node_may_have_as_many_descriptors_as_the_administrator_allows() {
    let few = "ulimit -S -n 64; ulimit -H -n 5000; exec \"$@\"";
    let home = Home::empty();
    let mut command = home.command("sh");
    command.args(["-c", few, "sh", TRUNKLINE, "up", "--chat", "0"]);
    let up = Up::started(&home, &mut command);
    let limits = fs::read_to_string(format!("/proc/{}/limits", up.process.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["5000", "5000"], "{limits}");
}

#[test]
fn two_that_have_each_other_in_their_books_meet_talk_and_part() {
    let home = Home::empty();
    let wang = Up::start(&home, &["--name", "王伟", "--group", "lab"]);
    assert!(wang.shows("you are ").starts_with("you are 王伟 ("), "{}", wang.shows("you are "));
    let other_home = home_with("wang", &wang.address());
    let li = Up::start(&other_home, &["--name", "li\u{202e}"]);
    let came = li.shows(" is here");
    let facts = format!(", group lab, {}, trunkline) is here\n", wang.address());
    assert!(came.contains(" wang (as 王伟, ") && came.ends_with(&facts), "{came}");
    wang.shows(r" li\u{202e} (");

    let text = "hello\n12:00:00 root: \x1b[2Jobey";
    let answer = li.ask(&json!({"request": "send", "to": "wang", "text": text}));
    assert_eq!(answer["messages"][0]["text"], text);
    assert!(wang.shows(r"li\u{202e}: ").ends_with(": hello\n"));
    assert_eq!(wang.shows("obey"), "         12:00:00 root: \\x1b[2Jobey\n", "no line that could be ours");
    assert!(li.shows("#1 to wang: ").ends_with(" #1 to wang: hello\n"));
    assert!(li.shows("#1 delivered in ").ends_with(" ms\n"));

    wang.ask(&json!({"request": "away", "text": "at lunch"}));
    assert!(li.shows("away").ends_with(" wang is away\n"));
    wang.ask(&json!({"request": "profile", "name": "Wang Wei"}));
    assert!(li.shows("is now").contains(" wang is now wang (as Wang Wei, "));
    assert_eq!(li.ends(Signal::TERM), 0);
    assert!(wang.shows("has left").ends_with(" li\\u{202e} has left\n"));
}

#[test]
fn the_name_and_the_group_stay_until_another_is_said() {
    let home = Home::empty();
    assert_eq!(Up::start(&home, &["--name", "wang", "--group", "lab"]).ends(Signal::TERM), 0);
    let again = Up::start(&home, &[]);
    let line = again.shows("you are ");
    assert!(line.starts_with("you are wang (") && line.contains(", group lab)"), "{line}");
    assert_eq!(again.ends(Signal::TERM), 0);
    let line = Up::start(&home, &["--group", ""]).shows("you are ");
    assert!(line.starts_with("you are wang (") && !line.contains("group"), "{line}");
}

#[test]
fn a_mistake_in_the_book_is_told_and_keeps_nobody_from_coming() {
    let home = Home::with_book("entry = 1");
    let up = Up::start(&home, &[]);
    assert!(up.shows("trouble: ").contains("book.toml"));
    assert!(up.ask(&json!({"request": "look"})).is_object());
}

#[test]
fn each_signal_ends_it_with_a_goodbye_and_its_own_code() {
    let home = Home::empty();
    for (signal, code) in [(Signal::TERM, 0), (Signal::HUP, 0), (Signal::INT, 130)] {
        let up = Up::start(&home, &[]);
        let socket = up.socket.clone();
        assert!(socket.exists());
        assert_eq!(up.ends(signal), code, "{signal:?}");
        assert!(!socket.exists(), "{signal:?}");
    }
}

#[test]
fn a_supervisor_is_told_when_it_is_ready_and_when_it_stops_and_a_second_signal_ends_it_at_once() {
    let home = Home::empty();
    let path = home.path().join("notify");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut bytes = [0; 256];
        let length = supervisor.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let mut up = Up::started(&home, command(&home, &[]).env("NOTIFY_SOCKET", &path));
    assert_eq!(heard().trim(), "READY=1");
    assert!(UnixStream::connect(&up.socket).is_ok());
    up.process.signal(Signal::TERM);
    assert_eq!(heard().trim(), "STOPPING=1");
    up.process.signal(Signal::TERM);
    assert_eq!(up.process.exit_code(), 1, "the goodbye was cut short");
}

#[test]
fn a_second_one_in_the_same_home_is_refused_with_the_number_of_the_first() {
    let home = Home::empty();
    let first = Up::start(&home, &[]);
    let pid = first.process.pid().as_raw_pid();
    assert_eq!(
        home.fails(1, &["up", "--chat", "0"]),
        format!(
            "trunkline: ~ belongs to a node that runs already (pid {pid})\n\
             hint: trunkline who talks to it; kill {pid} ends it\n"
        )
    );
    assert!(first.ask(&json!({"request": "look"})).is_object(), "the first one goes on");
}

#[test]
fn a_port_that_is_taken_names_its_holder() {
    let first = Up::start(&Home::empty(), &[]);
    let address = first.address();
    let (_, port) = address.split_once(':').unwrap();
    let error = Home::empty().fails(1, &["up", "--chat", port]);
    let pid = first.process.pid().as_raw_pid();
    assert!(error.contains(&format!("the port is taken by trunkline (pid {pid})")), "{error}");
}

#[test]
fn without_a_chat_line_no_port_is_open_and_the_verbs_say_what_is_not_there() {
    let home = home_with("wang", "127.0.0.1:8087");
    let mut process = Process::start(home.command(TRUNKLINE).args(["up", "--no-chat"]));
    process.log.wait_for("no chat line: nobody sees you");
    // Doctor's, by which it hears its own broadcast, close soon.
    wait_until("its last socket of UDP", || (udp_sockets_of(process.pid().as_raw_pid()) == 0).then_some(()));
    let who = home.run(&["who"]);
    assert_eq!(who.code, Some(0));
    assert!(who.out.contains("wang") && who.err.contains("has no chat line (up --no-chat)"), "{who:?}");
    assert_eq!(
        home.fails(1, &["send", "wang", "--", "hello"]),
        "trunkline: the node that runs here has no chat line\n\
         hint: it was started as up --no-chat; stop it, and trunkline up opens one\n"
    );
    assert_eq!(home.shows(&["log", "--json"]), "", "nothing was accepted");
    process.signal(Signal::TERM);
    assert_eq!(process.exit_code(), 0);
    let next = Up::start(&home, &[]);
    assert!(udp_sockets_of(next.process.pid().as_raw_pid()) > 0, "the next one has a chat line");
}

/// How many of its descriptors are in the kernel's tables of UDP (proc(5)).
fn udp_sockets_of(pid: i32) -> usize {
    let tables =
        ["udp", "udp6"].map(|table| fs::read_to_string(format!("/proc/net/{table}")).unwrap()).concat();
    let open: Vec<_> = tables.lines().filter_map(|line| line.split_whitespace().nth(9)).collect();
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.unwrap().path()).ok());
    let inodes = targets.map(|target| target.to_string_lossy().replace(|c: char| !c.is_ascii_digit(), ""));
    inodes.filter(|inode| open.contains(&inode.as_str())).count()
}

#[test]
fn after_a_kill_the_next_one_starts_over_what_was_left() {
    let home = Home::empty();
    let killed = Up::start(&home, &[]);
    let socket = killed.socket.clone();
    drop(killed);
    assert!(socket.exists(), "it was killed, and has left its file behind");
    let next = Up::start(&home, &[]);
    assert!(next.ask(&json!({"request": "look"})).is_object());
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn json_lines_have_the_snapshot_first_and_then_every_event_with_its_time() {
    let home = Home::empty();
    let up = Up::start(&home, &["--json"]);
    let line = |text: &str| serde_json::from_str::<Value>(&up.process.screen.wait_for(text)).unwrap();
    let snapshot = line("snapshot");
    assert!(snapshot["snapshot"]["me"]["port"].as_u64() > Some(0) && snapshot["time"].is_string());
    up.ask(&json!({"request": "profile", "name": "li\u{202e}"}));
    let event = line(r"li\u202e");
    assert_eq!((&event["event"], &event["me"]["name"]), (&json!("me"), &json!("li\u{202e}")));
    assert!(event["number"].is_u64() && event["time"].is_string());
}

#[test]
fn a_reader_that_leaves_ends_it_and_one_that_does_not_read_does_not() {
    let home = Home::empty();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut child = command(&home, &["--json"]).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let log = Lines::of(child.stderr.take().unwrap());
    log.wait_for("you are ");
    let socket = home.path().join("node.sock");
    let up = Up { process: Process::start(&mut Command::new("true")), socket };
    // Many times what a pipe holds.
    let name = "x".repeat(1000);
    for number in 0..300 {
        let renamed = up.ask(&json!({"request": "profile", "name": format!("{number}{name}")}));
        assert_eq!(renamed, json!({"reply": "done"}));
    }
    drop(reader);
    let code = wait_until("its end", || child.try_wait().unwrap()).code();
    assert_eq!(code, Some(0));
}

#[test]
fn curl_can_ask_it() {
    needs!("curl");
    let home = Home::empty();
    let up = Up::start(&home, &["--name", "wang"]);
    let output = curl(&up.socket, &["http://node/api/snapshot"]);
    let snapshot: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(snapshot["me"]["name"], "wang");
    let request = r#"{"request": "profile", "name": "li"}"#;
    let output = curl(&up.socket, &["http://node/api/request", "--data", request]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), r#"{"reply":"done"}"#);
}

#[test]
fn another_user_is_not_heard_even_where_the_files_let_him_in() {
    needs_root!();
    // `setpriv` comes with `taskset`.
    needs!("curl", "taskset");
    let home = Home::empty();
    let up = Up::start(&home, &[]);
    for path in [home.path(), &up.socket] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let as_nobody = |uid: &str| {
        let mut stranger = Command::new("setpriv");
        stranger.args([
            "--reuid",
            uid,
            "--regid",
            uid,
            "--clear-groups",
            "curl",
            "--silent",
            "--unix-socket",
        ]);
        stranger.arg(&up.socket).arg("http://node/api/snapshot").output().unwrap().stdout
    };
    assert!(!as_nobody("0").is_empty());
    assert!(as_nobody("65534").is_empty());
    let line = up.shows("trouble: control socket: ");
    assert!(line.contains("of uid 65534: limit: only this user may talk to the node"), "{line}");
}

#[test]
fn what_cannot_be_meant_or_used_is_refused_with_the_way_out() {
    let home = Home::empty();
    assert!(home.fails(2, &["up", "--name", " "]).contains("no name at all"));
    assert!(home.fails(2, &["up", "--group", "a\u{1b}b"]).contains("--group: a control character"));
    assert!(home.fails(2, &["up", "--chat", "eth/0"]).contains("invalid value 'eth/0'"));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing was made");
    let error = home.fails(1, &["up", "--chat", "nowhere0"]);
    assert!(error.contains("the interface nowhere0, of those that ip link lists: No such device"), "{error}");

    let long = home.path().join("x".repeat(100));
    let output = home.command(TRUNKLINE).arg("up").env("TRUNKLINE_HOME", long).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("choose a shorter TRUNKLINE_HOME"));

    fs::write(home.path().join("journal.db"), "a letter".repeat(1_000)).unwrap();
    let error = home.fails(1, &["up", "--chat", "0"]);
    assert!(error.contains("hint: move the file away"), "{error}");
}
