//! The tables of /proc/net (proc_pid_net(5)), from text to rows.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::Serialize;

use crate::endpoint::canonical;

/// The state of one end of a connection over TCP (RFC 9293, section 3.3.2), with the kernel's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TcpState {
    /// Both directions are open.
    Established,
    /// Our SYN is on its way.
    SynSent,
    /// A SYN came and was answered.
    SynReceived,
    /// Our FIN is on its way.
    FinWait1,
    /// Our FIN was acknowledged; the other side may still send.
    FinWait2,
    /// Both FINs are acknowledged; this side, which closed first, waits for stray segments to die.
    TimeWait,
    /// Nothing is left.
    Close,
    /// The other side's FIN came; this side may still send.
    CloseWait,
    /// The other side's FIN came first, ours is on its way.
    LastAck,
    /// Waits for connections.
    Listen,
    /// Both FINs crossed.
    Closing,
}

impl TcpState {
    /// From its number in include/net/tcp_states.h.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Established,
            2 => Self::SynSent,
            3 | 12 => Self::SynReceived,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            7 => Self::Close,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            10 => Self::Listen,
            11 => Self::Closing,
            _ => return None,
        })
    }
}

impl fmt::Display for TcpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECEIVED",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Listen => "LISTEN",
            Self::Closing => "CLOSING",
        })
    }
}

/// One socket, as in /proc/net/{tcp,tcp6,udp,udp6}. An IPv4 address in an IPv6 table stands as IPv4.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InetRow {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) state: TcpState,
    /// Means nothing where `inode` is 0: the kernel says 0 there, as if it were root's.
    pub(super) uid: u32,
    /// 0 once no process holds the socket any more.
    pub(super) inode: u64,
}

/// The rows of a table; a line that is none (the heading) is passed over.
pub(super) fn inet_rows(table: &str) -> impl Iterator<Item = InetRow> {
    table.lines().filter_map(inet_row)
}

fn inet_row(line: &str) -> Option<InetRow> {
    let mut columns = line.split_ascii_whitespace().skip(1);
    let local = socket_addr(columns.next()?)?;
    let remote = socket_addr(columns.next()?)?;
    let state = TcpState::from_number(u8::from_str_radix(columns.next()?, 16).ok()?)?;
    // tx_queue:rx_queue, tr:tm->when, retrnsmt; behind the uid, timeout.
    let uid = columns.nth(3)?.parse().ok()?;
    let inode = columns.nth(1)?.parse().ok()?;
    Some(InetRow { local, remote, state, uid, inode })
}

/// `0100007F:1F90` is 127.0.0.1:8080 on a little-endian machine: each 32-bit word of the address is printed as
/// the machine reads it, the port as a number.
fn socket_addr(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |hex: &str| u32::from_str_radix(hex, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(word(address)?),
        32 => {
            let mut octets = [0; 16];
            for (i, four) in octets.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(address.get(8 * i..8 * i + 8)?)?);
            }
            IpAddr::from(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, port)))
}

/// One named socket of /proc/net/unix.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnixRow<'a> {
    pub(super) inode: u64,
    /// As the process wrote it when it bound the socket: it may be relative.
    pub(super) path: &'a Path,
}

/// The named rows of the table, which need not be UTF-8.
pub(super) fn unix_rows(table: &[u8]) -> impl Iterator<Item = UnixRow<'_>> {
    table.split(|byte| *byte == b'\n').filter_map(unix_row)
}

fn unix_row(line: &[u8]) -> Option<UnixRow<'_>> {
    // Num RefCount Protocol Flags Type St Inode, then the path, which may hold spaces.
    let mut rest = line;
    let mut column = &line[..0];
    for _ in 0..7 {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|byte| *byte == b' ')?;
        (column, rest) = rest.split_at(end);
    }
    let inode = std::str::from_utf8(column).ok()?.parse().ok()?;
    let path = Path::new(OsStr::from_bytes(rest.get(1..)?));
    Some(UnixRow { inode, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taken from a live machine (x86-64): a listener, a connection that a client has half-closed, its FIN_WAIT2.
    #[cfg(target_endian = "little")]
    const TCP: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:EA37 00000000:0000 0A 00000000:00000001 00:00000000 00000000  1000        0 128286 2 00000000272dc89c 100 0 0 10 0                    
   3: 0100007F:8C06 0100007F:EA37 05 00000000:00000000 03:00001770 00000000     0        0 0 3 000000004a61f9f0                                      
   5: 0100007F:EA37 0100007F:8C06 08 00000000:00000001 00:00000000 00000000 65534        0 128288 1 00000000ed3fc723 20 4 0 10 -1                    
";

    #[cfg(target_endian = "little")]
    const TCP6: &str = "\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:AD05 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 128289 1 0000000051a54a7d 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:AD05 0000000000000000FFFF00000100007F:DE88 01 00000000:00000000 00:00000000 00000000     0        0 128291 1 0000000079308593 20 0 0 10 -1
   2: B80D0120000000000000000001000000:0016 000080FE00000000FF00FC00010000FE:DE88 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000079308593 20 0 0 10 -1
";

    const UNIX: &[u8] = b"\
Num       RefCount Protocol Flags    Type St Inode Path
000000009690120b: 00000003 00000000 00000000 0001 03  1593
00000000c4f1b105: 00000002 00000000 00010000 0001 01 128294 /tmp/a b.sock
00000000311b6161: 00000002 00000000 00000000 0001 01 128295 @abs
00000000311b6162: 00000002 00000000 00000000 0002 01   295 \xff.sock
";

    #[test]
    #[cfg(target_endian = "little")]
    fn a_row_of_tcp_gives_both_ends_the_state_and_the_owner() {
        let rows: Vec<_> = inet_rows(TCP).collect();
        let seen =
            |row: &InetRow| (row.local.to_string(), row.remote.to_string(), row.state, row.uid, row.inode);
        assert_eq!(rows.len(), 3);
        assert_eq!(
            seen(&rows[0]),
            ("127.0.0.1:59959".into(), "0.0.0.0:0".into(), TcpState::Listen, 1000, 128_286)
        );
        assert_eq!(
            seen(&rows[1]),
            ("127.0.0.1:35846".into(), "127.0.0.1:59959".into(), TcpState::FinWait2, 0, 0)
        );
        assert_eq!(
            seen(&rows[2]),
            ("127.0.0.1:59959".into(), "127.0.0.1:35846".into(), TcpState::CloseWait, 65534, 128_288)
        );
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn ipv6_addresses_are_read_word_by_word_and_mapped_ones_are_ipv4() {
        let ends: Vec<_> =
            inet_rows(TCP6).map(|row| (row.local.to_string(), row.remote.to_string())).collect();
        assert_eq!(
            ends,
            [
                ("[::]:44293".into(), "[::]:0".into()),
                ("127.0.0.1:44293".into(), "127.0.0.1:56968".into()),
                ("[2001:db8::1]:22".into(), "[fe80::fc:ff:fe00:1]:56968".into()),
            ] as [(String, String); 3]
        );
    }

    #[test]
    fn a_line_that_is_no_row_is_passed_over() {
        for line in
            ["", "sl local", "0: 0100007F:EA37", "0: 0100007:1 00000000:0 0A a b c 0 0 1", "é: é:é é:é 0A"]
        {
            assert_eq!(inet_rows(line).count(), 0, "{line}");
        }
        assert_eq!(unix_rows(b"000: 1 2 3 4 5 not-a-number /x").count(), 0);
    }

    #[test]
    fn the_path_of_a_unix_socket_may_hold_spaces_and_any_byte() {
        let rows: Vec<_> = unix_rows(UNIX).map(|row| (row.inode, row.path.as_os_str().as_bytes())).collect();
        assert_eq!(rows, [(128_294, b"/tmp/a b.sock".as_slice()), (128_295, b"@abs"), (295, b"\xff.sock")]);
    }
}
