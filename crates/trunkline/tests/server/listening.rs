//! Opening the line: ready lines, ports, addresses that are taken, socket files, inherited sockets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};

use crate::client::Client;
use crate::serve::{Serve, TRUNKLINE};
use crate::wait_until;

#[test]
fn the_ready_line_has_the_address_with_the_real_port_and_the_service() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let line = server.log.wait_for("");
    let port = server.port();
    assert_ne!(port, 0);
    assert_eq!(line, format!("listening on tcp://127.0.0.1:{port} (upper)\n"));
    let mut client = server.client();
    client.say("hello");
    client.hears("HELLO");
}

#[test]
fn a_port_alone_serves_ipv4_and_ipv6_and_says_so() {
    let server = Serve::new(":0", "upper").start();
    let port = server.port();
    let ready = server.log.wait_for("");
    assert_eq!(ready, format!("listening on tcp://[::]:{port} (upper): every address, IPv4 and IPv6\n"));
    for host in ["127.0.0.1", "[::1]"] {
        let mut client = Client::of(&format!("tcp://{host}:{port}"));
        client.say("hello");
        client.hears("HELLO");
        let opened = server.log.wait_for(&client.name());
        assert!(
            opened.contains(&format!(" -> tcp://{host}:{port}\n")),
            "it says where it was called: {opened}"
        );
    }
}

#[test]
fn a_datagram_port_alone_serves_ipv4_and_ipv6() {
    let server = Serve::new("udp://:0", "upper").start();
    for host in ["127.0.0.1", "[::1]"] {
        let mut client = Client::of(&format!("udp://{host}:{}", server.port()));
        client.say("hello");
        client.hears("HELLO");
    }
}

#[test]
fn a_name_is_served_at_each_of_its_addresses_at_one_port() {
    let server = Serve::new("localhost:0", "upper").start();
    let mut client = server.client();
    client.say("hello");
    client.hears("HELLO");
    let port = format!(":{} (upper)\n", server.port());
    assert_eq!(server.log.count("listening on tcp://"), server.log.count(&port));
}

#[test]
fn an_address_in_use_names_the_program_that_holds_it() {
    needs!("python3");
    for kind in ["tcp", "udp"] {
        let (constant, listen) = if kind == "tcp" { ("STREAM", "s.listen()") } else { ("DGRAM", "") };
        let mut holder = std::process::Command::new("python3");
        holder.args(["-uc", &format!(
            "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_{constant})\ns.bind(('127.0.0.1', 0))\n\
             {listen}\nprint(s.getsockname()[1])\nsys.stdin.read()"
        )]);
        let holder = crate::process::Process::start(holder.stdin(std::process::Stdio::piped()));
        let port = holder.screen.wait_for("");
        let (code, error) = Serve::new(&format!("{kind}://127.0.0.1:{}", port.trim()), "upper").refused();
        let pid = holder.pid().as_raw_nonzero();
        assert_eq!(code, 1, "{error}");
        assert!(
            error.contains(&format!("{kind}://127.0.0.1:{}: the port is taken by python3", port.trim())),
            "{error}"
        );
        assert!(error.contains(&format!("(pid {pid}); stop it or choose another port")), "{error}");
    }
}

#[test]
fn a_port_below_1024_says_how_to_be_allowed() {
    let border = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if border.trim() == "0" {
        eprintln!("skipped: this machine lets everybody open every port");
        return;
    }
    // Of what root may do, this is taken away; who is not root has it not.
    let without = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"];
    let wrapper: &[&str] = if rustix::process::geteuid().is_root() { &without } else { &[] };
    let (code, error) = Serve::under(wrapper, "tcp://127.0.0.1:1", "upper").refused();
    assert_eq!(code, 1, "{error}");
    assert!(
        error.contains(&format!(
            "listening on tcp://127.0.0.1:1: a port below {} needs privilege",
            border.trim()
        )),
        "{error}"
    );
    assert!(error.contains(&format!("sudo setcap cap_net_bind_service=+ep {TRUNKLINE}")), "{error}");
    assert!(error.contains("sudo sysctl net.ipv4.ip_unprivileged_port_start=1"), "{error}");
}

#[test]
fn a_restarted_server_takes_its_port_again_while_old_connections_rest_in_time_wait() {
    let mut server = Serve::exec("tcp://127.0.0.1:0", &["true"]).start();
    let address = server.address();
    // The program is done at once, so it is our end that closes first, and rests.
    let mut client = server.client();
    assert_eq!(client.hear_to_end(), b"");
    let (ours, theirs) = (hex_port(server.port()), hex_port(client.port()));
    drop(client);
    wait_until("our end in TIME_WAIT", || {
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let rests = |line: &str| line.contains(&format!(":{ours} 0100007F:{theirs} 06"));
        table.lines().any(rests).then_some(())
    });
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), 0);
    let again = Serve::new(&address, "upper").start();
    assert_eq!(again.address(), address);
}

/// A port as `/proc/net/tcp` writes it.
fn hex_port(port: u16) -> String {
    format!("{port:04X}")
}

#[test]
fn another_program_cannot_share_a_datagram_port_with_ours() {
    let server = Serve::new("udp://127.0.0.1:0", "upper").start();
    let thief = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    thief.set_reuse_address(true).unwrap();
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], server.port()));
    let error = thief.bind(&at.into()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn a_socket_file_lets_only_its_user_in_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, mode) in [(&[][..], 0o600), (&["--mode", "0660"], 0o660), (&["--mode", "666"], 0o666)] {
        for scheme in ["unix", "unix-dgram"] {
            let path = folder.path().join(format!("{scheme}{mode:o}"));
            let _server =
                Serve::new(&format!("{scheme}:{}", path.display()), "upper").args(arguments).start();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{scheme} {arguments:?}");
        }
    }
}

#[test]
fn the_socket_file_of_a_server_that_is_gone_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for scheme in ["unix", "unix-dgram"] {
        if scheme == "unix" {
            drop(UnixListener::bind(&path).unwrap());
        } else {
            drop(UnixDatagram::bind(&path).unwrap());
        }
        assert!(path.exists());
        let mut server = Serve::new(&format!("{scheme}:{}", path.display()), "upper").start();
        let mut client = server.client();
        client.say("hello");
        client.hears("HELLO");
        drop(client);
        server.signal(Signal::TERM);
        assert_eq!(server.exit_code(), 0);
        assert!(!path.exists(), "it takes its file along");
    }
}

#[test]
fn the_socket_file_of_a_living_server_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serve::new(&format!("unix:{}", folder.path().join("a").display()), "upper").start();
    let (code, error) = Serve::new(&server.address(), "echo").refused();
    let pid = server.pid().as_raw_nonzero();
    assert_eq!(code, 1, "{error}");
    assert!(error.contains(&format!("the socket file is in use by trunkline (pid {pid})")), "{error}");
    let mut client = server.client();
    client.say("still here");
    client.hears("STILL HERE");
}

#[test]
fn what_is_no_socket_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("precious");
    fs::write(&path, "data").unwrap();
    let (code, error) = Serve::new(&format!("unix:{}", path.display()), "upper").refused();
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("a file of that name is there already, and is left alone"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "data");
}

/// Does what a service manager does: opens a socket, hands it over as descriptor 3, and becomes the server.
const SERVICE_MANAGER: &str = "\
import os, socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == 'udp' else socket.SOCK_STREAM
listener = socket.socket(socket.AF_INET, kind)
listener.bind(('127.0.0.1', int(sys.argv[2])))
if kind == socket.SOCK_STREAM:
    listener.listen()
if listener.fileno() == 3:
    os.set_inheritable(3, True)
else:
    os.dup2(listener.fileno(), 3)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[3], sys.argv[3:])
";

#[test]
fn call_fileno_a_listener_inherited_from_systemd_is_served() {
    needs!("python3");
    for kind in ["tcp", "udp"] {
        let manager = ["python3", "-c", SERVICE_MANAGER, kind, "0"];
        let server = Serve::under(&manager, &format!("{kind}://127.0.0.1:0"), "upper").start();
        let mut client = server.client();
        client.say("hello");
        client.hears("HELLO");
    }
}

#[test]
fn an_inherited_socket_that_is_not_the_one_asked_for_is_refused() {
    needs!("python3");
    let manager = ["python3", "-c", SERVICE_MANAGER, "tcp", "0"];
    let (code, error) = Serve::under(&manager, "udp://127.0.0.1:0", "upper").refused();
    assert_eq!(code, 1, "{error}");
    assert!(
        error.contains("with a socket that was handed over: it is a tcp socket; mend the socket unit"),
        "{error}"
    );
}

#[test]
fn an_inherited_socket_does_not_go_on_to_the_programs_that_are_started() {
    needs!("python3");
    let manager = ["python3", "-c", SERVICE_MANAGER, "tcp", "0"];
    let server = Serve::under(&manager, "tcp://127.0.0.1:0", "shell").start();
    let mut client = server.client();
    client.say("ls -l /proc/self/fd");
    let answer = client.hear_until("[exit 0]\n");
    assert!(!answer.contains("socket:"), "{answer}");
}

#[test]
fn an_address_of_another_machine_says_how_to_find_ones_own() {
    for address in ["tcp://192.0.2.1:8080", "udp://192.0.2.1:8080"] {
        let (code, error) = Serve::new(address, "upper").refused();
        assert_eq!(code, 1, "{error}");
        assert!(
            error.contains(&format!("listening on {address}: this machine does not have that address")),
            "{error}"
        );
    }
}

#[test]
fn a_backlog_is_set() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").args(&["--backlog", "7"]).start();
    needs!("ss");
    let table = crate::needs::output_of("ss", &["-ltnH", &format!("sport = :{}", server.port())]);
    assert_eq!(table.split_whitespace().nth(2), Some("7"), "the queue of a listener in {table}");
}
