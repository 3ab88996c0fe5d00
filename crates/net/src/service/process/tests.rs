use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, split};

use super::*;
use crate::testing::{Script, eventually, is_alive, session};

fn sh(script: &str) -> Vec<OsString> {
    ["/bin/sh", "-c", script].map(OsString::from).to_vec()
}

/// What a client hears of a program that it sends this.
async fn converse(session: &mut Session, program: &[OsString], says: &[u8]) -> (Vec<u8>, Ending) {
    let (client, mut server) = duplex(1000);
    let (mut reader, mut writer) = split(client);
    let serving = async {
        let ending = exec(&mut server, session, program).await;
        drop(server);
        ending
    };
    let speaking = async {
        // A program may end before it has read all.
        let _ = writer.write_all(says).await;
        let _ = writer.shutdown().await;
    };
    let mut heard = Vec::new();
    let (ending, (), read) = tokio::join!(serving, speaking, reader.read_to_end(&mut heard));
    read.unwrap();
    (heard, ending)
}

#[tokio::test]
async fn no_byte_is_lost_when_the_client_says_its_last() {
    let text: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let (heard, ending) = converse(&mut session("raw"), &["/bin/cat".into()], &text).await;
    assert!(heard == text);
    assert_eq!(ending, Ending::Eof);
}

#[tokio::test]
async fn a_program_hears_that_its_input_is_over_and_may_still_answer() {
    let (heard, ending) = converse(&mut session("raw"), &sh("sort"), b"b\na\n").await;
    assert_eq!((&heard[..], ending), (&b"a\nb\n"[..], Ending::Eof));
}

#[tokio::test]
async fn a_program_that_closed_its_output_still_gets_the_whole_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy");
    let program = sh(&format!("exec >'{0}.part'; sleep 0.1; cat; mv '{0}.part' '{0}'", file.display()));
    let (heard, ending) = converse(&mut session("raw"), &program, &[b'x'; 60_000]).await;
    assert_eq!((heard, ending), (Vec::new(), Ending::Eof));
    assert_eq!(std::fs::read(file).unwrap().len(), 60_000);
}

#[tokio::test]
async fn when_the_program_ends_so_does_the_connection_though_the_client_stays() {
    let (mut client, mut server) = duplex(64);
    let mut session = session("raw");
    let ending = exec(&mut server, &mut session, &sh("echo bye")).await;
    drop(server);
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    assert_eq!((&heard[..], ending), ("bye\n", Ending::Eof));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named_in_the_error() {
    let (heard, ending) = converse(&mut session("raw"), &["/no/such/program".into()], b"").await;
    assert_eq!(heard, b"");
    assert!(matches!(&ending, Ending::Error(reason) if reason.contains("/no/such/program")), "{ending}");
}

#[tokio::test]
async fn when_the_client_breaks_off_the_program_ends_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    let (mut stream, break_off) = Script::new(&[], Some(ErrorKind::ConnectionReset)).when_told();
    let client = async {
        let mut pids = String::new();
        while pids.lines().count() < 2 || !pids.ends_with('\n') {
            tokio::task::yield_now().await;
            pids = std::fs::read_to_string(&file).unwrap_or_default();
        }
        assert!(pids.lines().all(is_alive));
        break_off.send(()).unwrap();
        pids
    };
    let program = sh(&format!("sleep 1000 & echo $! >'{0}'; echo $$ >>'{0}'; wait", file.display()));
    let mut session = session("raw");
    let (ending, pids) = tokio::join!(exec(&mut stream, &mut session, &program), client);
    assert_eq!(ending, Ending::Reset);
    for pid in pids.lines() {
        eventually(&false, || is_alive(pid));
    }
}

#[tokio::test]
async fn a_command_that_is_cut_leaves_no_zombie_although_nothing_else_happens_here() {
    let running = Running::start(b"exec sleep 1000", &session("raw").peer).unwrap();
    let entry = format!("/proc/{}", running.group.0.unwrap().as_raw_nonzero());
    drop(running);
    let look = move || eventually(&false, || std::path::Path::new(&entry).exists());
    tokio::task::spawn_blocking(look).await.unwrap();
}

#[tokio::test]
async fn a_program_that_neither_speaks_nor_ends_is_ended_by_the_idle_time() {
    let mut session = session("raw");
    session.idle = Some(Duration::from_millis(50));
    let (_, ending) = converse(&mut session, &sh("exec >/dev/null; exec sleep 1000"), b"").await;
    assert_eq!(ending, Ending::Timeout);
}

async fn environment_of(local: Endpoint, remote: Endpoint) -> Vec<String> {
    let mut session = session("raw");
    session.peer = Arc::new(Peer { id: 1, local, remote });
    let program = sh("env | grep -E '^(PROTO|TCP|UDP|UNIX)' | sort");
    let (heard, _) = converse(&mut session, &program, b"").await;
    String::from_utf8(heard).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn both_addresses_are_in_the_environment() {
    let [ours, theirs] =
        [SocketAddr::from(([127, 0, 0, 1], 8080)), SocketAddr::from(([127, 0, 0, 9], 50_000))];
    assert_eq!(
        environment_of(Endpoint::Tcp(ours), Endpoint::Tcp(theirs)).await,
        [
            "PROTO=TCP",
            "TCPLOCALIP=127.0.0.1",
            "TCPLOCALPORT=8080",
            "TCPREMOTEIP=127.0.0.9",
            "TCPREMOTEPORT=50000"
        ]
    );
    assert_eq!(
        environment_of(Endpoint::Udp(ours), Endpoint::Udp(theirs)).await,
        [
            "PROTO=UDP",
            "UDPLOCALIP=127.0.0.1",
            "UDPLOCALPORT=8080",
            "UDPREMOTEIP=127.0.0.9",
            "UDPREMOTEPORT=50000"
        ]
    );
    assert_eq!(
        environment_of(Endpoint::Unix("/run/a".into()), Endpoint::Process { pid: 7, uid: 1000 }).await,
        ["PROTO=UNIX", "UNIXLOCALPATH=/run/a", "UNIXREMOTEEUID=1000", "UNIXREMOTEPID=7"]
    );
    assert_eq!(
        environment_of(Endpoint::UnixDatagram("/run/a".into()), Endpoint::UnixDatagram("/run/b".into()))
            .await,
        ["PROTO=UNIX", "UNIXLOCALPATH=/run/a", "UNIXREMOTEPATH=/run/b"]
    );
}
