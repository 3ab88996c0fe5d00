use tokio::io::{AsyncReadExt as _, duplex};
use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::dial::CONNECT_LIMIT;
use crate::testing::{full_listener, session};

/// What a client hears that says this through a `forward` to `to`.
async fn through(frame: &str, to: &str, says: &[u8]) -> (Vec<u8>, Ending) {
    let (mut client, mut server) = duplex(100_000);
    let mut session = session(frame);
    let to = to.parse().unwrap();
    let serving = async {
        let ending = forward(&mut server, &mut session, &to).await;
        drop(server);
        ending
    };
    let asking = async {
        client.write_all(says).await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        heard
    };
    let (ending, heard) = tokio::join!(serving, asking);
    (heard, ending)
}

#[tokio::test]
async fn a_stream_is_joined_with_a_stream_and_each_direction_ends_alone() {
    let far = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("tcp://{}", far.local_addr().unwrap());
    let answering = async {
        let (mut stream, _) = far.accept().await.unwrap();
        let mut question = String::new();
        stream.read_to_string(&mut question).await.unwrap();
        stream.write_all(question.to_uppercase().as_bytes()).await.unwrap();
    };
    let ((heard, ending), ()) = tokio::join!(through("raw", &to, b"hello"), answering);
    assert_eq!((&heard[..], ending), (&b"HELLO"[..], Ending::Eof));
}

#[tokio::test]
async fn each_message_of_a_stream_is_a_datagram_and_each_datagram_a_message() {
    let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = format!("udp://{}", far.local_addr().unwrap());
    let answering = async {
        let mut buffer = [0; 100];
        for expected in ["one", "two"] {
            let (length, from) = far.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], expected.as_bytes());
            far.send_to(expected.to_uppercase().as_bytes(), from).await.unwrap();
        }
        // Datagrams have no end: once the client is done, only silence tells that no more will come.
        tokio::time::pause();
    };
    let ((heard, ending), ()) = tokio::join!(through("netstring", &to, b"3:one,3:two,"), answering);
    assert_eq!((&heard[..], ending), (&b"3:ONE,3:TWO,"[..], Ending::Eof));
}

#[tokio::test]
async fn a_message_too_long_for_a_datagram_is_an_error_that_says_so() {
    let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = format!("udp://{}", far.local_addr().unwrap());
    let mut says = vec![b'x'; DATAGRAM_MAX + 1];
    says.push(b'\n');
    let (_, ending) = through("line", &to, &says).await;
    let expected = "a message of 65508 bytes does not fit into a datagram of 65507";
    assert_eq!(ending, Ending::Limit(expected.to_owned()));
}

#[tokio::test]
async fn a_far_side_that_refuses_is_named_by_its_address() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let to = format!("tcp://{free}");
    let (_, ending) = through("raw", &to, b"hello").await;
    let refused = format!("connecting to {to}: connection refused (ECONNREFUSED, 111)");
    assert!(matches!(&ending, Ending::Error(reason) if reason.starts_with(&refused)), "{ending}");
}

#[tokio::test(start_paused = true)]
async fn an_attacker_whose_far_side_never_answers_is_kept_no_longer_than_the_limit() {
    let (far, _waiting) = full_listener();
    let to = format!("tcp://{}", far.local_addr().unwrap());
    let started = tokio::time::Instant::now();
    let (heard, ending) = through("raw", &to, b"hello").await;
    assert_eq!(started.elapsed().as_secs(), CONNECT_LIMIT.as_secs());
    let expected = format!("connecting to {to}: no answer within 10 s; is the machine up?");
    assert_eq!((heard, ending), (Vec::new(), Ending::Error(expected)));
}

#[tokio::test]
async fn a_far_side_of_datagrams_that_is_not_there_is_named_by_its_address() {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let to = format!("udp://{free}");
    let (_, ending) = through("line", &to, b"hello\n").await;
    let refused = format!("the far side {to}: connection refused");
    assert!(matches!(&ending, Ending::Error(reason) if reason.starts_with(&refused)), "{ending}");
}
