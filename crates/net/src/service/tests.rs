use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::*;
use crate::report::Event;
use crate::testing::Seen;

/// Bytes that attending an idle connection may take; it was 480 when this was written. The front door's part of the
/// task, the socket's registration and what both ends are called come on top, and all together are to stay within
/// 2 KiB.
const ATTENDING: usize = 512;

/// Shows each connection's bytes to one observer, and keeps nothing else.
#[derive(Default)]
struct Watching(Seen);

impl Reporter for Watching {
    fn report(&self, _: Event<'_>) {}

    fn observe(&self, _: &Arc<Peer>, _: std::os::fd::BorrowedFd<'_>) -> Option<Box<dyn Observer>> {
        self.0.observer()
    }
}

fn server(service: Service, frame: &str, seen: &Seen) -> Server {
    let framing = Framing::parse(frame, None).unwrap();
    Server::new(service, framing, 100, None, true, Arc::new(Watching(seen.clone())))
}

fn connection() -> (UnixStream, Stream, Arc<Peer>) {
    let (client, stream) = UnixStream::pair().unwrap();
    let remote = Endpoint::Process { pid: 7, uid: 1000 };
    (client, stream.into(), Arc::new(Peer { id: 1, local: Endpoint::Unix("/test.sock".into()), remote }))
}

#[tokio::test]
async fn the_task_of_an_idle_connection_is_small() {
    let server = server(Service::Reply(Reply::Upper), "line", &Seen::default());
    let (_client, stream, peer) = connection();
    let size = size_of_val(&server.attend(stream, peer, Arc::default()));
    assert!(size <= ATTENDING, "{size} bytes");
}

#[tokio::test]
async fn a_client_that_is_ended_still_hears_the_answers_before_the_mistake() {
    let seen = Seen::default();
    let server = server(Service::Reply(Reply::Upper), "netstring", &seen);
    let (mut client, stream, peer) = connection();
    let asking = async {
        // What comes behind the mistake is never read as a message, and closing with it unread would be a reset.
        client.write_all(b"2:hi,mistake").await.unwrap();
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        client.write_all(b"more").await.unwrap();
        drop(client);
        heard
    };
    let (ending, heard) = tokio::join!(server.attend(stream, peer, Arc::default()), asking);
    assert_eq!(heard, "2:HI,");
    assert!(matches!(ending, Ending::Error(_)), "{ending}");
    let last: Vec<String> = seen.lines().into_iter().rev().take(2).collect();
    assert_eq!((&last[1][..], last[0].starts_with("ended error: ")), ("end of output", true), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attacker_who_never_stops_sending_delays_the_end_of_its_connection_a_bounded_time() {
    let server = server(Service::Reply(Reply::Upper), "netstring", &Seen::default());
    let (mut client, stream, peer) = connection();
    client.write_all(b"mistake").await.unwrap();
    let start = tokio::time::Instant::now();
    let ending = server.attend(stream, peer, Arc::default()).await;
    assert!(matches!(ending, Ending::Error(_)), "{ending}");
    assert_eq!(start.elapsed().as_secs(), LAST_WORDS.as_secs());
}

async fn place(
    service: &Service,
    address: &str,
    mode: u32,
    same_user_only: bool,
) -> Result<(), ServiceError> {
    let bound = crate::listen(&address.parse().unwrap(), &crate::ListenOptions::default()).await.unwrap();
    service.check_place(&bound, mode, same_user_only)
}

#[tokio::test]
async fn what_starts_programs_stays_on_this_machine_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("unix:{}", folder.path().join("socket").display());
    for service in [Service::Shell, Service::Exec(vec!["cat".into()])] {
        assert_eq!(place(&service, "tcp://127.0.0.1:0", 0o600, true).await, Ok(()));
        assert_eq!(place(&service, &file, 0o600, true).await, Ok(()));
        let to_others = place(&service, &file, 0o660, true).await.unwrap_err().to_string();
        assert!(to_others.contains("can be reached by others"), "{to_others}");
        assert!(place(&service, "tcp://0.0.0.0:0", 0o600, true).await.is_err());
        assert_eq!(place(&service, "tcp://0.0.0.0:0", 0o600, false).await, Ok(()));
    }
    assert_eq!(
        place(&Service::Exec(Vec::new()), "udp://127.0.0.1:0", 0o600, false).await,
        Err(ServiceError::ExecOverDatagrams)
    );
}

#[tokio::test]
async fn chargen_over_udp_stays_on_this_machine() {
    let chargen = Service::Chargen;
    assert_eq!(place(&chargen, "udp://127.0.0.1:0", 0o600, true).await, Ok(()));
    assert_eq!(place(&chargen, "udp://0.0.0.0:0", 0o600, false).await, Err(ServiceError::ChargenOverUdp));
    assert_eq!(place(&chargen, "tcp://0.0.0.0:0", 0o600, true).await, Ok(()));
}

#[test]
fn a_frame_is_for_streams_and_for_services_that_have_messages() {
    let check = |service: &Service, at: &str| service.check_frame(&at.parse().unwrap());
    let forward = |to: &str| Service::Forward(to.parse().unwrap());
    let (stream, datagrams) = ("tcp://h:1", "udp://h:1");
    assert_eq!(check(&Service::Room, stream), Ok(()));
    assert_eq!(check(&Service::Room, datagrams), Err(ServiceError::FrameOverDatagrams));
    assert_eq!(check(&Service::Chargen, stream), Err(ServiceError::FrameOfChargen));
    assert_eq!(check(&Service::Exec(Vec::new()), stream), Err(ServiceError::FrameOfProgram));
    assert_eq!(check(&forward(datagrams), stream), Ok(()));
    assert_eq!(check(&forward(stream), datagrams), Ok(()));
    assert_eq!(check(&forward(stream), stream), Err(ServiceError::FrameOfForward));
    assert_eq!(check(&forward(datagrams), datagrams), Err(ServiceError::FrameOfForward));
}
