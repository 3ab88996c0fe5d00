//! What a trace tells, as sentences.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::event::{Direction, EndState, Event, Layer};
use super::tcp_info::TcpInfo;
use crate::Endpoint;
use crate::census::TcpState;

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Application => "application",
            Self::Message => "message",
            Self::Transport => "transport",
            Self::Network => "network",
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookedUp { name, took, addresses } => {
                write!(f, "looked up {name} in {}: ", milliseconds(*took))?;
                list(f, addresses.iter().map(SocketAddr::ip))
            }
            Self::Connecting { to: Endpoint::Tcp(address) } => write!(f, "SYN to {address}"),
            Self::Connecting { to } => write!(f, "connecting to {to}"),
            Self::Refused { to: Endpoint::Tcp(to), reason, by_host: true } => {
                write!(f, "RST from {to}: {reason}")
            }
            Self::Refused { to: Endpoint::Udp(to), reason, by_host: true } => {
                write!(f, "ICMP from {to}, port unreachable: {reason}")
            }
            Self::Refused { to, reason, .. } => write!(f, "no connection to {to}: {reason}"),
            Self::Connected { local: Endpoint::Tcp(local), remote: Endpoint::Tcp(remote), took } => {
                let took = milliseconds(*took);
                write!(f, "connected after {took}, by SYN, SYN+ACK and ACK: {local} to {remote}")
            }
            Self::Connected { local: Endpoint::Udp(local), remote: Endpoint::Udp(remote), .. } => {
                write!(f, "no handshake, UDP sends each datagram for itself: {local} to {remote}")
            }
            Self::Connected { remote, took, .. } => {
                write!(f, "connected after {}, within this kernel: {remote}", milliseconds(*took))
            }
            Self::Accepted { local: Endpoint::Tcp(local), remote: Endpoint::Tcp(remote) } => {
                write!(f, "accepted, by SYN, SYN+ACK and ACK: {remote} to {local}")
            }
            Self::Accepted { local, remote } => {
                write!(f, "accepted, within this kernel: {remote} to {local}")
            }
            Self::Route { from, to, path_mtu } => {
                let version = if to.is_ipv6() { "IPv6" } else { "IPv4" };
                write!(f, "{version} from {} to {}", from.ip(), to.ip())?;
                if on_this_machine(*from, *to) {
                    f.write_str(", within this machine")?;
                }
                path_mtu.map_or(Ok(()), |bytes| write!(f, ", packets of at most {bytes} bytes"))
            }
            Self::Agreed { tcp } => agreed(f, tcp),
            Self::Moved { direction, number, bytes, segments } => {
                let call = match direction {
                    Direction::In => "read",
                    Direction::Out => "write",
                };
                write!(f, "{call} {number}: {}", count(*bytes, "byte"))?;
                segments.map_or(Ok(()), |new| write!(f, ", {}", count(new, "new segment")))
            }
            Self::Datagram { direction, remote, bytes, preview } => {
                let bytes = count(*bytes, "byte");
                match direction {
                    Direction::In => write!(f, "datagram from {remote}, {bytes}: {preview}"),
                    Direction::Out => write!(f, "datagram to {remote}, {bytes}: {preview}"),
                }
            }
            Self::Unmarked { direction: Direction::In, number } => {
                write!(
                    f,
                    "read {number} counts as message {number}: raw keeps no boundaries, whatever was sent as one"
                )
            }
            Self::Unmarked { direction: Direction::Out, number } => {
                write!(f, "write {number} gets no mark: raw keeps no boundaries")
            }
            Self::Stuck { direction: Direction::In, number, first, last } => {
                write!(
                    f,
                    "read {number} held {}, stuck together: the frame takes them apart",
                    range(*first, *last)
                )
            }
            Self::Stuck { direction: Direction::Out, number, first, last } => {
                write!(f, "write {number} carries {} together", range(*first, *last))
            }
            Self::Marked { direction, message, mark, pieces } => {
                write!(f, "message {message} {}: {mark}", arrow(*direction))?;
                if *pieces > 1 {
                    write!(f, "; whole after {pieces} {}", calls(*direction))?;
                }
                Ok(())
            }
            Self::Split { direction, message, so_far, needed } => {
                write!(f, "message {message} {}: split, ", arrow(*direction))?;
                match needed {
                    Some(needed) => write!(f, "{so_far} of {needed} bytes so far"),
                    None => write!(f, "{} so far", count(*so_far, "byte")),
                }
            }
            Self::BadFrame { reason, .. } => f.write_str(reason),
            Self::Message { direction, message, bytes, preview } => {
                write!(f, "message {message} {}, {}: {preview}", arrow(*direction), count(*bytes, "byte"))
            }
            Self::NotShown { messages, .. } => {
                write!(f, "and {} not shown", count(*messages, "more message"))
            }
            Self::Ended { direction: Direction::In, tcp: true } => {
                f.write_str("FIN came: the other side will send nothing more")
            }
            Self::Ended { direction: Direction::Out, tcp: true } => {
                f.write_str("FIN sent: we will send nothing more, but still receive")
            }
            Self::Ended { direction: Direction::In, tcp: false } => {
                f.write_str("the other side will send nothing more")
            }
            Self::Ended { direction: Direction::Out, tcp: false } => {
                f.write_str("we will send nothing more, but still receive")
            }
            Self::Broken { reason, reset: true } => write!(f, "RST came: {reason}"),
            Self::Broken { reason, reset: false } => write!(f, "given up: {reason}"),
            Self::Counted { tcp } => write!(
                f,
                "in all {} out ({} with data, {} again), {} in ({} with data); round trip {}",
                count(tcp.segments_out, "segment"),
                tcp.data_segments_out,
                tcp.sent_again,
                tcp.segments_in,
                tcp.data_segments_in,
                milliseconds(tcp.round_trip),
            ),
            Self::States { here, there } => {
                write!(f, "here {here}, there {there}")?;
                let waits = [here, there].contains(&&EndState::In(TcpState::TimeWait));
                f.write_str(if waits { "; TIME_WAIT lasts 60 s, for stray segments to die" } else { "" })
            }
        }
    }
}

impl fmt::Display for EndState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(state) => state.fmt(f),
            Self::Gone => f.write_str("gone"),
            Self::Elsewhere => f.write_str("not visible from this machine"),
        }
    }
}

/// Whether both ends are here, so that this kernel knows the states of both.
pub(super) fn on_this_machine(local: SocketAddr, remote: SocketAddr) -> bool {
    local.ip() == remote.ip() || (local.ip().is_loopback() && remote.ip().is_loopback())
}

fn agreed(f: &mut fmt::Formatter<'_>, tcp: &TcpInfo) -> fmt::Result {
    write!(f, "agreed in the SYNs: segments of at most {} bytes", tcp.max_segment)?;
    if let Some((theirs, ours)) = tcp.window_scale {
        write!(f, ", windows shifted by {ours} here and {theirs} there")?;
    }
    if tcp.selective_acks {
        f.write_str(", selective acknowledgements")?;
    }
    if tcp.timestamps {
        f.write_str(", timestamps")?;
    }
    Ok(())
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = T>) -> fmt::Result {
    for (index, item) in items.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}

fn count<N: fmt::Display + Copy + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn range(first: u64, last: u64) -> String {
    let joint = if first + 1 == last { "and" } else { "to" };
    format!("messages {first} {joint} {last}")
}

fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

fn calls(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "reads",
        Direction::Out => "writes",
    }
}
