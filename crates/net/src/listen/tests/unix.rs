use super::*;

#[tokio::test]
async fn a_connection_comes_with_the_process_it_is_from() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix");
    let listener = listener(&address).await;
    assert_eq!(listener.local().to_string(), address);
    let _client = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let (stream, local, from) = accept(&listener).await;
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(from, Endpoint::Process { pid: std::process::id(), uid });
    assert_eq!(&local, listener.local());
    assert_eq!(census::owner_of_peer(&local, &from), Some(uid));
    assert!(matches!(stream, Stream::Unix(_)));
}

#[tokio::test]
async fn a_connection_has_the_options_of_its_listener() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix");
    let Bound::Stream(listeners) = open_with(&address, &["sndbuf=64K"]).await.unwrap() else { panic!() };
    let _client = std::os::unix::net::UnixStream::connect(path).unwrap();
    let (stream, ..) = accept(&listeners[0]).await;
    assert_eq!(sockopt::socket_send_buffer_size(&stream).unwrap(), 2 * 64 * 1024);
}

#[tokio::test]
async fn only_its_user_reaches_a_socket_file_unless_another_mode_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for scheme in ["unix", "unix-dgram"] {
        let (path, address) = file_in(&folder, scheme);
        for (mode, asked) in [(0o600, None), (0o666, Some(0o666)), (0o640, Some(0o640))] {
            let options =
                ListenOptions { mode: asked.unwrap_or(SOCKET_FILE_MODE), ..ListenOptions::default() };
            let _bound = listen(&address.parse().unwrap(), &options).await.unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
        }
    }
}

#[tokio::test]
async fn a_datagram_is_received_and_answered_by_its_senders_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix-dgram");
    let socket = datagrams(&address).await;
    let Datagrams::Unix(unix) = socket.transport() else { panic!() };
    let sender = std::os::unix::net::UnixDatagram::bind(folder.path().join("sender")).unwrap();
    sender.send_to(b"hello", path).unwrap();
    let mut buffer = [0; 16];
    let (length, from) = unix.recv_from(&mut buffer).await.unwrap();
    unix.send_to(&buffer[..length], from.as_pathname().unwrap()).await.unwrap();
    assert_eq!(sender.recv(&mut buffer).unwrap(), 5);
}

#[tokio::test]
async fn the_file_goes_with_its_listener() {
    let folder = tempfile::tempdir().unwrap();
    for scheme in ["unix", "unix-dgram"] {
        let (path, address) = file_in(&folder, scheme);
        let bound = open_with(&address, &[]).await.unwrap();
        assert!(path.exists());
        drop(bound);
        assert!(!path.exists(), "{scheme}");
    }
}

#[tokio::test]
async fn a_file_that_another_has_put_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix");
    let bound = open_with(&address, &[]).await.unwrap();
    std::fs::rename(&path, folder.path().join("moved")).unwrap();
    std::fs::write(&path, "another").unwrap();
    drop(bound);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "another");
}

#[tokio::test]
async fn the_file_of_a_killed_server_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for (scheme, kind) in [("unix", "SOCK_STREAM"), ("unix-dgram", "SOCK_DGRAM")] {
        let (path, address) = file_in(&folder, scheme);
        let program =
            format!("s=socket.socket(socket.AF_UNIX,socket.{kind}); s.bind(sys.argv[1]); print('ready')");
        drop(Python::run(&program, path.to_str().unwrap()));
        assert!(path.exists(), "it was killed before it could clean up");
        open_with(&address, &[]).await.expect(scheme);
    }
}

#[tokio::test]
async fn the_file_of_a_living_server_is_left_alone_and_its_holder_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix");
    for kind in ["SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"] {
        let program =
            format!("s=socket.socket(socket.AF_UNIX,socket.{kind}); s.bind(sys.argv[1]); print('ready')");
        let (python, _) = Python::run(&program, path.to_str().unwrap());
        let error = refusal(&address).await;
        assert!(
            error.starts_with(&format!("listening on {address}: the socket file is in use by ")),
            "{error}"
        );
        assert!(error.contains(&format!("(pid {})", python.id())), "{error}");
        assert!(path.metadata().unwrap().file_type().is_socket());
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_living_server_is_not_bothered_by_the_question_whether_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix");
    let living = std::os::unix::net::UnixListener::bind(path).unwrap();
    living.set_nonblocking(true).unwrap();
    refusal(&address).await;
    assert_eq!(living.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn what_is_no_socket_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, address) = file_in(&folder, "unix");
    std::fs::write(&path, "precious").unwrap();
    assert_eq!(
        refusal(&address).await,
        format!(
            "listening on {address}: a file of that name is there already, and is left alone; choose another path"
        )
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    assert!(refusal(&address).await.contains("a symbolic link of that name"));
    assert!(
        refusal(&format!("unix-dgram:{}", folder.path().display())).await.contains("a folder of that name")
    );
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = refusal(&format!("unix:{}/line.sock", missing.display())).await;
    assert!(
        error.contains(&format!("there is no folder {}; make it with mkdir -p", missing.display())),
        "{error}"
    );
}
