//! What the kernel counts and measures on a connection over TCP (TCP_INFO in tcp(7)).

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use serde::Serialize;

/// Bits of `tcpi_options` in include/uapi/linux/tcp.h.
const TIMESTAMPS: u8 = 1;
const SELECTIVE_ACKS: u8 = 2;
const WINDOW_SCALE: u8 = 4;

/// A connection as its kernel sees it at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TcpInfo {
    /// The largest segment we send, in bytes of payload.
    pub max_segment: u32,
    /// The largest packet that the way to the other end takes, in bytes.
    pub path_mtu: u32,
    /// By how many bits the other side's window is shifted, and ours, where both agreed on that (RFC 7323).
    pub window_scale: Option<(u8, u8)>,
    /// Both sides put timestamps into their segments (RFC 7323).
    pub timestamps: bool,
    /// Both sides acknowledge what lies behind a gap, too (RFC 2018).
    pub selective_acks: bool,
    /// How long a segment and its acknowledgement take, smoothed.
    #[serde(rename = "round_trip_us", serialize_with = "super::as_micros")]
    pub round_trip: Duration,
    /// Segments that went, those without data included.
    pub segments_out: u32,
    /// Segments with data that went.
    pub data_segments_out: u32,
    /// Segments that came, those without data included.
    pub segments_in: u32,
    /// Segments with data that came.
    pub data_segments_in: u32,
    /// Segments that had to go again.
    pub sent_again: u32,
}

impl TcpInfo {
    /// Asks the kernel.
    ///
    /// # Errors
    /// When the socket is none of TCP.
    pub fn of(socket: impl AsFd) -> io::Result<Self> {
        let info = ask(&socket)?;
        let scaled = info.tcpi_options & WINDOW_SCALE != 0;
        // Two bit fields share the byte; which is the lower half depends on the byte order (gcc's ABI).
        let (low, high) = (info.tcpi_snd_rcv_wscale & 15, info.tcpi_snd_rcv_wscale >> 4);
        let scales = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
        Ok(Self {
            max_segment: info.tcpi_snd_mss,
            path_mtu: info.tcpi_pmtu,
            window_scale: scaled.then_some(scales),
            timestamps: info.tcpi_options & TIMESTAMPS != 0,
            selective_acks: info.tcpi_options & SELECTIVE_ACKS != 0,
            round_trip: Duration::from_micros(info.tcpi_rtt.into()),
            segments_out: info.tcpi_segs_out,
            data_segments_out: info.tcpi_data_segs_out,
            segments_in: info.tcpi_segs_in,
            data_segments_in: info.tcpi_data_segs_in,
            sent_again: info.tcpi_total_retrans,
        })
    }
}

#[allow(unsafe_code, reason = "neither std, rustix nor socket2 offers TCP_INFO")]
fn ask(socket: &impl AsFd) -> io::Result<libc::tcp_info> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes to `info`, which has that many, and the descriptor is open
    // for as long as it is borrowed.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it consists of integers, for which zeros are values: what an older kernel does not write stays zero.
    Ok(unsafe { info.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn two_writes_are_two_segments_though_one_read_may_take_both() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"hello").unwrap();
        client.write_all(b"world").unwrap();
        let mut both = [0; 10];
        server.read_exact(&mut both).unwrap();
        let (sent, received) = (TcpInfo::of(&client).unwrap(), TcpInfo::of(&server).unwrap());
        assert_eq!((sent.data_segments_out, received.data_segments_in), (2, 2));
        assert!(sent.segments_out >= 4, "SYN, ACK and both with data: {sent:?}");
        assert!(sent.max_segment > 500 && sent.path_mtu > sent.max_segment, "{sent:?}");
        assert_eq!(sent.sent_again, 0);
    }

    #[test]
    fn the_window_scales_of_both_ends_mirror_each_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        // A small buffer needs no scaling, so that the two differ.
        client.set_recv_buffer_size(4096).unwrap();
        client.connect(&listener.local_addr().unwrap().into()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let (Some(client), Some(server)) =
            (TcpInfo::of(&client).unwrap().window_scale, TcpInfo::of(&server).unwrap().window_scale)
        else {
            return; // switched off: net.ipv4.tcp_window_scaling
        };
        assert_eq!(client, (server.1, server.0));
        assert_ne!(client.0, client.1);
    }

    #[test]
    fn a_socket_of_another_kind_has_no_such_counts() {
        TcpInfo::of(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap_err();
    }
}
