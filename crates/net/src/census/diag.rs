//! One end of one connection, asked for by its addresses (sock_diag(7)). The kernel finds it at once, where reading
//! /proc/net/tcp walks a table that grows with the machine's memory: tens of milliseconds even when it is empty.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

use super::TcpState;
use super::tables::InetRow;

/// `SOCK_DIAG_BY_FAMILY` in include/uapi/linux/sock_diag.h.
const BY_FAMILY: u16 = 20;

/// `NLM_F_REQUEST` in include/uapi/linux/netlink.h.
const REQUEST: u16 = 1;

/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;

/// Bytes of `struct inet_diag_sockid`: two ports, two addresses, an interface and a cookie.
const SOCKET_ID: usize = 48;

/// The end whose own address is `local`, with IPv4 addresses as such; none when there is no such connection.
///
/// # Errors
/// When the kernel cannot be asked: some sandboxes have no such sockets.
pub(super) fn tcp_end(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<InetRow>> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    send(&socket, &request(local, remote), SendFlags::empty())?;
    // The answer is there when the question has been sent.
    let mut buffer = [0; 512];
    let (length, _) = recv(&socket, &mut buffer, RecvFlags::DONTWAIT)?;
    answer(&buffer[..length], local, remote)
}

/// `struct nlmsghdr`, `struct inet_diag_req_v2` (include/uapi/linux/inet_diag.h).
fn request(local: SocketAddr, remote: SocketAddr) -> Vec<u8> {
    const LENGTH: u8 = 72;
    const NO_COOKIE: [u8; 8] = [0xff; 8];
    let (family, interface) = match local {
        SocketAddr::V4(_) => (libc::AF_INET, 0),
        SocketAddr::V6(v6) => (libc::AF_INET6, v6.scope_id()),
    };
    let protocol = libc::IPPROTO_TCP;
    let mut bytes = Vec::with_capacity(LENGTH.into());
    bytes.extend(u32::from(LENGTH).to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST.to_ne_bytes());
    // Sequence number and port are for those who ask more than once.
    bytes.extend([0; 8]);
    bytes.extend([family, protocol].map(|number| number.to_le_bytes()[0]));
    bytes.extend([0; 2]);
    // In any state.
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(local.port().to_be_bytes());
    bytes.extend(remote.port().to_be_bytes());
    bytes.extend(octets(local.ip()));
    bytes.extend(octets(remote.ip()));
    bytes.extend(interface.to_ne_bytes());
    bytes.extend(NO_COOKIE);
    bytes
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(v4) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&v4.octets());
            octets
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// `struct nlmsghdr`, then `struct inet_diag_msg` or the number of an error.
fn answer(bytes: &[u8], local: SocketAddr, remote: SocketAddr) -> io::Result<Option<InetRow>> {
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_ne_bytes(four))
    };
    let kind = bytes.get(4..6).ok_or_else(short)?;
    if kind != BY_FAMILY.to_ne_bytes() {
        let error = number(HEADER).ok_or_else(short)?.cast_signed().wrapping_neg();
        return match error {
            libc::ENOENT => Ok(None),
            _ => Err(io::Error::from_raw_os_error(error)),
        };
    }
    let [_family, state, _timer, _retransmits] = number(HEADER).ok_or_else(short)?.to_ne_bytes();
    // Behind the socket's addresses: expires, receive queue, send queue, uid, inode.
    let after_id = HEADER + 4 + SOCKET_ID;
    let uid = number(after_id + 12).ok_or_else(short)?;
    let inode = number(after_id + 16).ok_or_else(short)?.into();
    let Some(state) = TcpState::from_number(state) else { return Ok(None) };
    // Without such a connection the kernel names the listener that would take it.
    Ok((state != TcpState::Listen).then_some(InetRow { local, remote, state, uid, inode }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn both_ends_of_a_connection_are_found_and_their_listener_is_neither() {
        for host in ["127.0.0.1", "::1"] {
            let Ok(listener) = TcpListener::bind((host, 0)) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, _) = listener.accept().unwrap();
            let (here, there) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
            let (near, far) =
                (tcp_end(here, there).unwrap().unwrap(), tcp_end(there, here).unwrap().unwrap());
            assert_eq!((near.local, near.remote, near.state), (here, there, TcpState::Established));
            assert_eq!(near.uid, rustix::process::geteuid().as_raw());
            let link = |socket: &TcpStream| {
                use std::os::fd::AsRawFd as _;
                std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap()
            };
            assert_eq!(link(&client).to_str().unwrap(), format!("socket:[{}]", near.inode));
            assert_eq!(link(&server).to_str().unwrap(), format!("socket:[{}]", far.inode));
            let stranger = SocketAddr::new(here.ip(), 1);
            assert_eq!(tcp_end(there, stranger).unwrap(), None, "only the listener is there");
            assert_eq!(tcp_end(stranger, there).unwrap(), None);
        }
    }

    #[test]
    fn the_ipv6_end_of_an_ipv4_connection_is_found_by_ipv4_addresses() {
        let Ok(listener) = TcpListener::bind("[::]:0") else { return };
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (here, there) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        assert_eq!(tcp_end(there, here).unwrap().unwrap().state, TcpState::Established);
    }

    #[test]
    fn an_answer_that_is_cut_or_an_error_is_no_connection() {
        let at: SocketAddr = "127.0.0.1:1".parse().unwrap();
        answer(&[], at, at).unwrap_err();
        let mut bytes = vec![0; HEADER + 20];
        bytes[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
        answer(&bytes, at, at).unwrap_err();
        bytes[4..6].copy_from_slice(&2_u16.to_ne_bytes());
        bytes[HEADER..HEADER + 4].copy_from_slice(&(-libc::EPERM).to_ne_bytes());
        assert_eq!(answer(&bytes, at, at).unwrap_err().raw_os_error(), Some(libc::EPERM));
        bytes[HEADER..HEADER + 4].copy_from_slice(&(-libc::ENOENT).to_ne_bytes());
        assert_eq!(answer(&bytes, at, at).unwrap(), None);
    }
}
