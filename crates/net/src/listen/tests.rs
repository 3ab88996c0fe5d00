use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_getfd};
use rustix::net::sockopt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::census;
use crate::sockopt::DATAGRAM_RECEIVE_BUFFER;
use crate::testing::{Python, eventually};

async fn open_with(address: &str, options: &[&str]) -> Result<Bound, ListenError> {
    let options = options.iter().map(|option| option.parse().unwrap()).collect();
    listen(&address.parse().unwrap(), &ListenOptions { options, ..ListenOptions::default() }).await
}

async fn listener(address: &str) -> Listener {
    match open_with(address, &[]).await.unwrap() {
        Bound::Stream(mut listeners) => listeners.remove(0),
        Bound::Datagram(_) => panic!("{address} is for datagrams"),
    }
}

async fn datagrams(address: &str) -> DatagramSocket {
    match open_with(address, &[]).await.unwrap() {
        Bound::Datagram(mut sockets) => sockets.remove(0),
        Bound::Stream(_) => panic!("{address} is for streams"),
    }
}

async fn refusal(address: &str) -> String {
    open_with(address, &[]).await.expect_err(address).to_string()
}

fn port(local: &Endpoint) -> u16 {
    local.socket_addr().unwrap().port()
}

/// A folder, and the address of a socket file in it.
fn file_in(folder: &tempfile::TempDir, scheme: &str) -> (std::path::PathBuf, String) {
    let path = folder.path().join("line.sock");
    let address = format!("{scheme}:{}", path.display());
    (path, address)
}

mod tcp {
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
            assert_eq!(
                from,
                Endpoint::Tcp(client.local_addr().unwrap()),
                "an IPv4 client has its IPv4 address"
            );
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
        let addresses: Vec<SocketAddr> =
            ["192.0.2.1:0", "127.0.0.1:0"].map(|at| at.parse().unwrap()).to_vec();
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
        assert!(
            refusal(&format!(":{port}")).await.contains(&holder),
            "one address is enough to be in the way"
        );
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
        assert_eq!(listener(&address.to_string()).await.local(), &Endpoint::Tcp(address));
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
        assert_eq!(
            error,
            "listening on udp://127.0.0.1:0: nodelay=on does not fit a udp socket: it is for tcp"
        );
        let error = open_with("127.0.0.1:0", &["linger=5"]).await.unwrap_err().to_string();
        assert!(error.contains("use linger=0 or linger=off"), "{error}");
    }
}

mod udp {
    use super::*;

    #[tokio::test]
    async fn a_datagram_is_received_with_a_large_buffer() {
        let socket = datagrams("udp://127.0.0.1:0").await;
        let Datagrams::Udp(udp) = socket.transport() else { panic!() };
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"hello", socket.local().socket_addr().unwrap()).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(udp.recv_from(&mut buffer).await.unwrap(), (5, sender.local_addr().unwrap()));
        let cap: usize =
            std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse().unwrap();
        let granted = sockopt::socket_recv_buffer_size(udp).unwrap() / 2;
        assert!(granted >= cap.min(DATAGRAM_RECEIVE_BUFFER), "{granted} of {cap}");
        assert!(!sockopt::socket_reuseaddr(udp).unwrap());
    }

    #[tokio::test]
    async fn the_receive_buffer_may_be_chosen() {
        let bound = open_with("udp://127.0.0.1:0", &["rcvbuf=64K"]).await.unwrap();
        let Bound::Datagram(sockets) = bound else { panic!() };
        let Datagrams::Udp(udp) = sockets[0].transport() else { panic!() };
        assert_eq!(sockopt::socket_recv_buffer_size(udp).unwrap(), 2 * 64 * 1024);
    }

    #[tokio::test]
    async fn nobody_can_take_our_datagrams_and_we_take_nobodys() {
        let ours = datagrams("udp://127.0.0.1:0").await;
        let (_python, answer) = Python::run(
            "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n\
             try: s.bind(('127.0.0.1',int(sys.argv[1]))); print('bound')\n\
             except OSError: s.bind(('127.0.0.1',0)); print(s.getsockname()[1])",
            &port(ours.local()).to_string(),
        );
        assert_ne!(answer, "bound");
        assert!(refusal(&format!("udp://127.0.0.1:{answer}")).await.contains("the port is taken by python3"));
    }

    #[tokio::test]
    async fn a_port_alone_takes_datagrams_of_both_families() {
        let socket = datagrams("udp://:0").await;
        let Datagrams::Udp(udp) = socket.transport() else { panic!() };
        let hosts: &[&str] = if socket.local().socket_addr().unwrap().is_ipv6() {
            &["127.0.0.1", "::1"]
        } else {
            &["127.0.0.1"]
        };
        for host in hosts {
            let sender = std::net::UdpSocket::bind((*host, 0)).unwrap();
            sender.send_to(b"x", (*host, port(socket.local()))).unwrap();
            let (_, from) = udp.recv_from(&mut [0; 4]).await.unwrap();
            assert_eq!(Endpoint::udp(from), Endpoint::Udp(sender.local_addr().unwrap()));
        }
    }
}

mod unix {
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
            refusal(&format!("unix-dgram:{}", folder.path().display()))
                .await
                .contains("a folder of that name")
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
}

mod handed_over {
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
}

/// What a user meets who may not do everything. The tests run again as such a user where they were started by
/// root, who may.
mod without_privileges {
    use super::*;

    const NOBODY: u32 = 65534;

    /// Runs one test of this file again as nobody, with an argument in its environment. False: it is not root
    /// who asks, so the test can go on in this process.
    fn again_as_nobody(test: &str, argument: &str) -> bool {
        if !rustix::process::geteuid().is_root() {
            return false;
        }
        // By way of /proc it can be started even where the folder of the build is closed to others.
        let output = Command::new("/proc/self/exe")
            .args(["--exact", &format!("listen::tests::without_privileges::{test}")])
            .env("ARGUMENT", argument)
            .current_dir("/")
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("1 passed"), "{said}");
        true
    }

    #[tokio::test]
    async fn a_low_port_says_how_to_be_allowed() {
        let border = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
        let Some(port) = border.trim().parse::<u16>().unwrap().checked_sub(1).filter(|port| *port > 0) else {
            return;
        };
        if again_as_nobody("a_low_port_says_how_to_be_allowed", "") {
            return;
        }
        let error = refusal(&format!("127.0.0.1:{port}")).await;
        assert!(error.contains(&format!("a port below {} needs privilege", border.trim())), "{error}");
        assert!(error.contains("sudo setcap cap_net_bind_service=+ep /"), "{error}");
    }

    #[tokio::test]
    async fn a_folder_of_another_user_is_named() {
        if again_as_nobody("a_folder_of_another_user_is_named", "") {
            return;
        }
        let error = refusal("unix:/usr/line.sock").await;
        assert!(
            error.contains("no permission to make a socket file in /usr; choose a folder of yours"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_holder_who_is_another_user_is_known_by_the_user_alone() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        if again_as_nobody("a_holder_who_is_another_user_is_known_by_the_user_alone", &address) {
            return;
        }
        let Ok(address) = std::env::var("ARGUMENT") else { return };
        assert_eq!(
            refusal(&address).await,
            format!(
                "listening on tcp://{address}: the port is taken by a program of uid 0, whose name only that \
                 user and root can see; stop it or choose another port"
            )
        );
    }
}

/// The next connection: its stream, our end and the other end.
async fn accept(listener: &Listener) -> (Stream, Endpoint, Endpoint) {
    std::future::poll_fn(|cx| listener.poll_accept(cx)).await.unwrap()
}
