use super::*;

async fn inherit(socket: impl Into<OwnedFd>, address: &str) -> Result<Bound, ListenError> {
    Bound::inherit(vec![socket.into()], &address.parse().unwrap(), &ListenOptions::default()).await
}

fn tcp_socket() -> (std::net::TcpListener, u16) {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn a_listener_serves_as_if_it_had_been_opened_here() {
    let (socket, port) = tcp_socket();
    rustix::io::fcntl_setfd(&socket, FdFlags::empty()).unwrap();
    let Bound::Stream(listeners) = inherit(socket, &format!("127.0.0.1:{port}")).await.unwrap() else {
        panic!()
    };
    let _client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (stream, ..) = accept(&listeners[0]).await;
    assert!(sockopt::tcp_nodelay(&stream).unwrap());
    let Door::Tcp(listener) = &listeners[0].door else { panic!() };
    assert_eq!(fcntl_getfd(listener.as_fd()).unwrap(), FdFlags::CLOEXEC, "commands must not get it");
}

#[tokio::test]
async fn each_kind_can_be_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix");
    let bound = inherit(std::os::unix::net::UnixListener::bind(&path).unwrap(), &address).await.unwrap();
    drop(bound);
    assert!(path.exists(), "the file is the service manager's");
    std::fs::remove_file(&path).unwrap();
    let (path, address) = file_in(&folder, "unix-dgram");
    inherit(std::os::unix::net::UnixDatagram::bind(path).unwrap(), &address).await.unwrap();
    inherit(std::net::UdpSocket::bind("127.0.0.1:0").unwrap(), "udp://127.0.0.1:0").await.unwrap();
    inherit(std::net::TcpListener::bind("0.0.0.0:0").unwrap(), "tcp://:0").await.unwrap();
    inherit(tcp_socket().0, "localhost:0").await.unwrap();
}

#[tokio::test]
async fn what_was_not_asked_for_is_refused_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = file_in(&folder, "unix");
    let refused = |result: Result<Bound, ListenError>| result.unwrap_err().to_string();
    let (socket, port) = tcp_socket();
    assert_eq!(
        refused(inherit(socket, "127.0.0.1:1").await),
        format!(
            "listening on tcp://127.0.0.1:1 with a socket that was handed over: it waits at \
             tcp://127.0.0.1:{port}; mend the socket unit or the address"
        )
    );
    let wide = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    assert!(refused(inherit(wide, "127.0.0.1:0").await).contains("it waits at tcp://0.0.0.0:"));
    assert!(refused(inherit(tcp_socket().0, "udp://127.0.0.1:0").await).contains("it is a tcp socket"));
    assert!(refused(inherit(tcp_socket().0, "unix:/x").await).contains("it is a tcp socket"));
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(refused(inherit(file, "127.0.0.1:0").await).contains("it is no socket"));
    let other = std::os::unix::net::UnixListener::bind(path).unwrap();
    assert!(refused(inherit(other, "unix:/other").await).contains("line.sock"));
    let (listening, port) = tcp_socket();
    let connected = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert!(refused(inherit(connected, "127.0.0.1:0").await).contains("it does not listen"));
    drop(listening);
    let none = Bound::inherit(vec![], &"127.0.0.1:0".parse().unwrap(), &ListenOptions::default()).await;
    assert!(refused(none).contains("there is none"));
}
