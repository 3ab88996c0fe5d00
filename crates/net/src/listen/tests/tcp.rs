use super::*;

#[tokio::test]
async fn a_connection_comes_with_the_address_of_its_client() {
    let listener = listener("127.0.0.1:0").await;
    assert_eq!(listener.local().to_string(), format!("tcp://127.0.0.1:{}", port(listener.local())));
    assert_ne!(port(listener.local()), 0, "the real port");
    let mut client = std::net::TcpStream::connect(listener.local().socket_addr().unwrap()).unwrap();
    let (mut stream, local, from) = accept(&listener).await;
    assert_eq!(from, Endpoint::Tcp(client.local_addr().unwrap()));
    assert_eq!(&local, listener.local());
    client.write_all(b"hello").unwrap();
    let mut got = [0; 5];
    stream.read_exact(&mut got).await.unwrap();
    stream.write_all(&got).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
}

#[tokio::test]
async fn a_port_alone_serves_every_address_of_both_families_and_says_so() {
    let listener = listener(":0").await;
    if listener.local().socket_addr().unwrap().is_ipv4() {
        assert_eq!(listener.note(), Some("every IPv4 address"));
        return;
    }
    assert_eq!(listener.note(), Some("every address, IPv4 and IPv6"));
    assert_eq!(listener.local().to_string(), format!("tcp://[::]:{}", port(listener.local())));
    for host in ["127.0.0.1", "::1"] {
        let client = std::net::TcpStream::connect((host, port(listener.local()))).unwrap();
        let (_, local, from) = accept(&listener).await;
        assert_eq!(from, Endpoint::Tcp(client.local_addr().unwrap()), "an IPv4 client has its IPv4 address");
        assert_eq!(local, Endpoint::Tcp(client.peer_addr().unwrap()), "the address that was called");
    }
}

#[tokio::test]
async fn a_name_with_several_addresses_is_served_at_each_of_them_with_one_port() {
    let addresses: Vec<SocketAddr> =
        ["127.0.0.1:0", "127.0.0.2:0", "127.0.0.3:0"].map(|at| at.parse().unwrap()).to_vec();
    let listeners = open_listed(&addresses, &ListenOptions::default(), Listener::tcp).unwrap();
    let ports: Vec<u16> = listeners.iter().map(Named::port).collect();
    assert_eq!(ports, [ports[0]; 3]);
    for listener in &listeners {
        std::net::TcpStream::connect(listener.local().socket_addr().unwrap()).unwrap();
        accept(listener).await;
    }
}

#[tokio::test]
async fn an_address_that_a_name_has_but_this_machine_has_not_is_left_out() {
    let addresses: Vec<SocketAddr> = ["192.0.2.1:0", "127.0.0.1:0"].map(|at| at.parse().unwrap()).to_vec();
    let listeners = open_listed(&addresses, &ListenOptions::default(), Listener::tcp).unwrap();
    assert_eq!(listeners.len(), 1);
    let none = open_listed(&addresses[..1], &ListenOptions::default(), Listener::tcp);
    assert!(matches!(none, Err(ListenError::NotHere { .. })));
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused_with_what_to_do() {
    assert_eq!(
        refusal("192.0.2.1:8080").await,
        "listening on tcp://192.0.2.1:8080: this machine does not have that address; \
         ip address lists those it has, and a port alone (:8080) serves them all"
    );
}

#[tokio::test]
async fn a_wrong_name_is_refused_with_the_name() {
    assert!(
        refusal("prniter.invalid:80")
            .await
            .starts_with("listening on tcp://prniter.invalid:80: looking up the name prniter.invalid: ")
    );
}

#[tokio::test]
async fn a_taken_port_names_the_program_that_has_it() {
    let (python, port) =
        Python::run("s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1])", "");
    let program = std::fs::read_to_string(format!("/proc/{}/comm", python.id())).unwrap();
    let holder = format!("{} (pid {})", program.trim(), python.id());
    assert_eq!(
        refusal(&format!("127.0.0.1:{port}")).await,
        format!(
            "listening on tcp://127.0.0.1:{port}: the port is taken by {holder}; \
             stop it or choose another port"
        )
    );
    assert!(refusal(&format!(":{port}")).await.contains(&holder), "one address is enough to be in the way");
}

#[tokio::test]
async fn a_server_that_closed_its_connections_first_starts_again_at_once() {
    let first = listener("127.0.0.1:0").await;
    let address = first.local().socket_addr().unwrap();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    let (stream, _, from) = accept(&first).await;
    drop((stream, first));
    // End of stream: the FIN is here.
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    drop(client);
    let state = || census::tcp_states(address, from.socket_addr().unwrap()).0;
    while state() != Some(census::TcpState::TimeWait) {
        assert!(state().is_some(), "TIME_WAIT was not seen");
        tokio::task::yield_now().await;
    }
    // For TIME_WAIT one would wait a minute. A process that another test starts may hold the old listener until
    // it has become its program.
    let started = std::time::Instant::now();
    while let Err(error) = open_with(&address.to_string(), &[]).await {
        assert!(started.elapsed() < Duration::from_secs(10), "{error}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_has_the_options_of_its_listener() {
    let options = [
        "keepalive=60",
        "keepintvl=7",
        "keepcnt=3",
        "linger=0",
        "tos=16",
        "ttl=9",
        "rcvbuf=64K",
        "usertimeout=30",
    ];
    let Bound::Stream(listeners) = open_with("127.0.0.1:0", &options).await.unwrap() else { panic!() };
    let _client = std::net::TcpStream::connect(listeners[0].local().socket_addr().unwrap()).unwrap();
    let (stream, ..) = accept(&listeners[0]).await;
    assert!(sockopt::tcp_nodelay(&stream).unwrap(), "on without being asked for");
    assert!(sockopt::socket_keepalive(&stream).unwrap());
    assert_eq!(sockopt::tcp_keepidle(&stream).unwrap().as_secs(), 60);
    assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap().as_secs(), 7);
    assert_eq!(sockopt::tcp_keepcnt(&stream).unwrap(), 3);
    assert_eq!(sockopt::socket_linger(&stream).unwrap(), Some(Duration::ZERO));
    assert_eq!(sockopt::ip_tos(&stream).unwrap(), 16);
    assert_eq!(sockopt::ip_ttl(&stream).unwrap(), 9);
    assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 30_000);
    assert_eq!(sockopt::socket_recv_buffer_size(&stream).unwrap(), 2 * 64 * 1024);
}

#[tokio::test]
async fn no_more_connections_wait_than_the_backlog_allows() {
    for (backlog, state) in [(0, census::TcpState::SynSent), (8, census::TcpState::Established)] {
        let options = ListenOptions { backlog, ..ListenOptions::default() };
        let bound = listen(&"127.0.0.1:0".parse().unwrap(), &options).await.unwrap();
        let address = bound.locals()[0].socket_addr().unwrap();
        // The kernel lets one more in than it was told (listen(2) on Linux).
        let _first = std::net::TcpStream::connect(address).unwrap();
        let second = open(Domain::IPV4, Type::STREAM, None).unwrap();
        let _ = second.connect(&address.into());
        let local = second.local_addr().unwrap().as_socket().unwrap();
        eventually(&Some(state), || census::tcp_states(local, address).0);
    }
}

#[tokio::test]
async fn an_option_that_does_not_fit_is_refused_with_the_address() {
    let error = open_with("udp://127.0.0.1:0", &["nodelay=on"]).await.unwrap_err().to_string();
    assert_eq!(error, "listening on udp://127.0.0.1:0: nodelay=on does not fit a udp socket: it is for tcp");
    let error = open_with("127.0.0.1:0", &["linger=5"]).await.unwrap_err().to_string();
    assert!(error.contains("use linger=0 or linger=off"), "{error}");
}
