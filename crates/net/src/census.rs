//! What the kernel knows of the sockets of this machine: who holds an address, who is at the other end of a local
//! connection, and the states of both ends.
//!
//! The tables of /proc are not read in one instant, so a socket that comes or goes meanwhile may be missed. Every
//! answer here is therefore an `Option`, and `None` means "not known", never "free" or "allowed".

mod diag;
mod tables;

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Endpoint;
use crate::endpoint::canonical;
use crate::untrusted::Untrusted;
use tables::{InetRow, inet_rows, unix_rows};

pub use tables::TcpState;

/// Who holds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A process that can be seen.
    Process {
        /// Its number.
        pid: u32,
        /// Its short name (`comm` in proc_pid_comm(5)).
        program: String,
        /// The user it runs as.
        uid: u32,
    },
    /// A process of another user, who alone can see which (and root).
    Hidden {
        /// That user, where the table says so.
        uid: Option<u32>,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, program, .. } => write!(f, "{program} (pid {pid})"),
            Self::Hidden { uid: Some(uid) } => {
                write!(f, "a program of uid {uid}, whose name only that user and root can see")
            }
            Self::Hidden { uid: None } => {
                f.write_str("a program of another user, whose name only that user and root can see")
            }
        }
    }
}

/// Who holds this address, so that it cannot be bound again. `None` when the tables do not show it: it may be in
/// another container, or bound without listening.
#[must_use]
pub fn holder(at: &Endpoint) -> Option<Holder> {
    match at {
        Endpoint::Tcp(address) => inet_holder(&tcp_tables(), *address),
        Endpoint::Udp(address) => inet_holder(&udp_tables(), *address),
        Endpoint::Unix(path) | Endpoint::UnixDatagram(path) => unix_holder(path),
        Endpoint::Process { .. } | Endpoint::Unnamed => None,
    }
}

/// The user at the other end of a connection whose both ends are on this machine; `local` is our end. Over UDP:
/// the user whose socket sent from `remote`.
///
/// `None` when it cannot be told for certain: the peer has closed already (the kernel then no longer knows whose
/// it was), is elsewhere, or two users share the address.
#[must_use]
pub fn owner_of_peer(local: &Endpoint, remote: &Endpoint) -> Option<u32> {
    match (local, remote) {
        (Endpoint::Tcp(here), Endpoint::Tcp(there)) => tcp_end(*there, *here).filter(held).map(|end| end.uid),
        (Endpoint::Udp(here), Endpoint::Udp(there)) => udp_owner(&udp_tables(), *here, *there),
        (Endpoint::Unix(_), Endpoint::Process { uid, .. }) => Some(*uid),
        _ => None,
    }
}

/// The states of a connection's two ends, ours first. An end that is gone, or on another machine, is `None`.
#[must_use]
pub fn tcp_states(local: SocketAddr, remote: SocketAddr) -> (Option<TcpState>, Option<TcpState>) {
    (tcp_end(local, remote).map(|end| end.state), tcp_end(remote, local).map(|end| end.state))
}

/// The states of all sockets of this machine over TCP: both ends of connections, also those that no process holds any
/// more, and listeners.
#[must_use]
pub fn all_tcp_states() -> Vec<TcpState> {
    rows(&tcp_tables()).map(|row| row.state).collect()
}

/// The texts of a table for IPv4 and one for IPv6. One that cannot be read counts as empty.
type Tables = [String; 2];

fn tcp_tables() -> Tables {
    ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default())
}

fn udp_tables() -> Tables {
    ["/proc/net/udp", "/proc/net/udp6"].map(|path| fs::read_to_string(path).unwrap_or_default())
}

fn rows(tables: &Tables) -> impl Iterator<Item = InetRow> {
    tables.iter().flat_map(|table| inet_rows(table))
}

/// The end of a connection over TCP whose own address is `local`.
fn tcp_end(local: SocketAddr, remote: SocketAddr) -> Option<InetRow> {
    let (local, remote) = (canonical(local), canonical(remote));
    match diag::tcp_end(local, remote) {
        Ok(end) => end,
        Err(_) => in_tables(&tcp_tables(), local, remote),
    }
}

fn in_tables(tables: &Tables, local: SocketAddr, remote: SocketAddr) -> Option<InetRow> {
    rows(tables).find(|row| row.local == local && row.remote == remote)
}

/// A socket that some process holds. Without a process the kernel gives uid 0, and a stranger who has just
/// closed must not pass for root.
fn held(row: &InetRow) -> bool {
    row.inode != 0
}

fn inet_holder(tables: &Tables, wanted: SocketAddr) -> Option<Holder> {
    let wanted = canonical(wanted);
    let row = rows(tables)
        .filter(|row| held(row) && collide(row.local, wanted))
        // Connections share their listener's address: the listener is the one to name.
        .min_by_key(|row| (row.state != TcpState::Listen, row.local != wanted))?;
    Some(process_with(row.inode).unwrap_or(Holder::Hidden { uid: Some(row.uid) }))
}

/// Whether a socket at `taken` keeps another from `wanted`: the same port, and the same address or one that
/// stands for all (`[::]` also for those of IPv4).
fn collide(taken: SocketAddr, wanted: SocketAddr) -> bool {
    let covers = |wide: SocketAddr, narrow: SocketAddr| {
        wide.ip().is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4())
    };
    taken.port() == wanted.port()
        && (taken.ip() == wanted.ip() || covers(taken, wanted) || covers(wanted, taken))
}

fn unix_holder(path: &Path) -> Option<Holder> {
    let table = fs::read("/proc/net/unix").unwrap_or_default();
    let absolute = std::path::absolute(path).ok();
    let row = unix_rows(&table).find(|row| row.path == path || Some(row.path) == absolute.as_deref())?;
    Some(process_with(row.inode).unwrap_or(Holder::Hidden { uid: None }))
}

fn udp_owner(tables: &Tables, here: SocketAddr, there: SocketAddr) -> Option<u32> {
    let (here, there) = (canonical(here), canonical(there));
    let bound_there = |row: &InetRow| {
        row.local.port() == there.port() && (row.local.ip() == there.ip() || row.local.ip().is_unspecified())
    };
    // Unconnected, or connected to us.
    let may_send_here = |row: &InetRow| {
        row.remote.port() == 0
            || row.remote.port() == here.port()
                && (row.remote.ip() == here.ip() || here.ip().is_unspecified())
    };
    only(rows(tables).filter(|row| held(row) && bound_there(row) && may_send_here(row)).map(|row| row.uid))
}

/// The one value that all of them are.
fn only(mut values: impl Iterator<Item = u32>) -> Option<u32> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// The process that holds the socket, the lowest number first where several do (a server and its children).
fn process_with(inode: u64) -> Option<Holder> {
    let link = format!("socket:[{inode}]");
    let mut pids: Vec<u32> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    let holds = |pid: &u32| {
        fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|descriptors| {
            descriptors.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == &*link))
        })
    };
    let pid = pids.into_iter().find(holds)?;
    // A process may call itself anything.
    let program = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let program = Untrusted::from(program.trim_end_matches('\n')).to_string();
    let uid = fs::metadata(format!("/proc/{pid}")).ok()?.uid();
    Some(Holder::Process { pid, program, uid })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Python, eventually};
    use std::io::Write;
    use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};

    fn my_uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn the_holder_of_a_tcp_port_is_named() {
        let (python, port) =
            Python::run("s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1])", "");
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        let Some(Holder::Process { pid, program, uid }) = holder(&Endpoint::Tcp(address)) else {
            panic!("{:?}", holder(&Endpoint::Tcp(address)))
        };
        assert_eq!((pid, uid), (python.id(), my_uid()));
        assert!(program.starts_with("python3"), "{program}");
        assert_eq!(holder(&Endpoint::Udp(address)), None, "tcp and udp have ports of their own");
    }

    #[test]
    fn the_holder_of_a_udp_port_is_named_though_it_listens_on_every_address() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let address = SocketAddr::new([127, 0, 0, 1].into(), socket.local_addr().unwrap().port());
        let found = holder(&Endpoint::Udp(address));
        assert!(matches!(found, Some(Holder::Process { pid, .. }) if pid == std::process::id()), "{found:?}");
    }

    #[test]
    fn the_holder_of_a_socket_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b.sock");
        let (python, _) = Python::run(
            "s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print('ready')",
            path.to_str().unwrap(),
        );
        let found = holder(&Endpoint::Unix(path));
        assert!(matches!(found, Some(Holder::Process { pid, .. }) if pid == python.id()), "{found:?}");
    }

    #[test]
    fn a_free_port_has_no_holder() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        // A process that another test starts may hold it until it has become its program.
        eventually(&None, || holder(&Endpoint::Tcp(free)));
    }

    #[test]
    fn an_address_collides_with_itself_and_with_those_that_stand_for_all() {
        let collides = |taken: &str, wanted: &str| collide(taken.parse().unwrap(), wanted.parse().unwrap());
        assert!(collides("127.0.0.1:80", "127.0.0.1:80"));
        assert!(collides("0.0.0.0:80", "127.0.0.1:80"));
        assert!(collides("127.0.0.1:80", "[::]:80"));
        assert!(collides("[::]:80", "0.0.0.0:80"));
        assert!(!collides("127.0.0.1:80", "127.0.0.2:80"));
        assert!(!collides("127.0.0.1:80", "127.0.0.1:81"));
        assert!(!collides("0.0.0.0:80", "[::1]:80"));
    }

    #[test]
    fn the_peer_of_a_local_connection_has_its_users_uid() {
        for host in ["127.0.0.1", "::1"] {
            let Ok(listener) = TcpListener::bind((host, 0)) else { continue };
            let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, client) = listener.accept().unwrap();
            let local = Endpoint::Tcp(server.local_addr().unwrap());
            assert_eq!(owner_of_peer(&local, &Endpoint::Tcp(client)), Some(my_uid()));
        }
    }

    #[test]
    fn an_ipv4_peer_of_a_dual_stack_listener_is_found() {
        let Ok(listener) = TcpListener::bind("[::]:0") else { return };
        let port = listener.local_addr().unwrap().port();
        let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (server, client) = listener.accept().unwrap();
        let local = Endpoint::Tcp(server.local_addr().unwrap());
        assert_eq!(owner_of_peer(&local, &Endpoint::Tcp(client)), Some(my_uid()));
    }

    #[test]
    fn a_peer_who_has_closed_has_no_owner_and_does_not_pass_for_root() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"rm -rf /\n").unwrap();
        let (server, peer) = listener.accept().unwrap();
        let local = server.local_addr().unwrap();
        drop(client);
        eventually(&Some(TcpState::FinWait2), || tcp_states(local, peer).1);
        assert_eq!(owner_of_peer(&Endpoint::Tcp(local), &Endpoint::Tcp(peer)), None);
    }

    #[test]
    fn the_sender_of_a_datagram_is_found_connected_or_not() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let local = Endpoint::Udp(server.local_addr().unwrap());
        let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
        connected.connect(server.local_addr().unwrap()).unwrap();
        let unconnected = UdpSocket::bind("0.0.0.0:0").unwrap();
        unconnected.send_to(b"x", server.local_addr().unwrap()).unwrap();
        let sender = server.recv_from(&mut [0]).unwrap().1;
        let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
        elsewhere.connect(unconnected.local_addr().map(|at| ("127.0.0.1", at.port())).unwrap()).unwrap();
        for (address, owner) in [
            (connected.local_addr().unwrap(), Some(my_uid())),
            (sender, Some(my_uid())),
            (elsewhere.local_addr().unwrap(), None),
        ] {
            assert_eq!(owner_of_peer(&local, &Endpoint::Udp(address)), owner, "{address}");
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn an_address_that_two_users_share_has_no_owner() {
        let row = |uid: u32| {
            format!(
                "1: 0100007F:8B8F 00000000:0000 07 00000000:00000000 00:00000000 00000000 {uid} 0 128292 2 0 0\n"
            )
        };
        let owner = |first, second| {
            let tables = [row(first) + &row(second), String::new()];
            udp_owner(&tables, "127.0.0.1:9".parse().unwrap(), "127.0.0.1:35727".parse().unwrap())
        };
        assert_eq!(owner(1000, 1000), Some(1000));
        assert_eq!(owner(1000, 1001), None);
    }

    #[test]
    fn where_the_kernel_cannot_be_asked_the_tables_give_the_same_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (here, there) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        let found = in_tables(&tcp_tables(), here, there);
        assert!(found.is_some());
        assert_eq!(found, diag::tcp_end(here, there).unwrap());
    }

    #[test]
    fn a_connection_is_followed_from_established_to_time_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let (here, there) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        let open = (Some(TcpState::Established), Some(TcpState::Established));
        eventually(&open, || tcp_states(here, there));
        client.shutdown(Shutdown::Write).unwrap();
        eventually(&(Some(TcpState::FinWait2), Some(TcpState::CloseWait)), || tcp_states(here, there));
        drop(server);
        drop(client);
        eventually(&(Some(TcpState::TimeWait), None), || tcp_states(here, there));
        assert!(all_tcp_states().contains(&TcpState::TimeWait));
    }

    #[test]
    fn a_holder_reads_as_part_of_a_sentence() {
        let process = Holder::Process { pid: 4711, program: "python3".into(), uid: 1000 };
        assert_eq!(process.to_string(), "python3 (pid 4711)");
        assert!(Holder::Hidden { uid: Some(33) }.to_string().starts_with("a program of uid 33, "));
    }
}
