//! An Ethernet frame, as far as a relay must understand it.

use std::ops::Range;

const ETHERNET_HEADER: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;

/// Where in a frame the payload of a UDP datagram from or to `port` lies; none in a frame of anything else. Of a
/// datagram that was cut into fragments the first one counts.
pub(crate) fn payload(frame: &[u8], port: u16) -> Option<Range<usize>> {
    let ip = frame.get(ETHERNET_HEADER..)?;
    let length = usize::from(number(ip, 2)?);
    let ip = ip.get(..length)?;
    let is_first_fragment = number(ip, 6)? & 0x1fff == 0;
    if frame[12..ETHERNET_HEADER] != IPV4 || ip[9] != UDP || !is_first_fragment {
        return None;
    }
    let start = 4 * usize::from(ip[0] & 0xf);
    let is_ours = number(ip, start)? == port || number(ip, start + 2)? == port;
    let payload = ETHERNET_HEADER + start + UDP_HEADER..ETHERNET_HEADER + length;
    (is_ours && payload.start <= payload.end).then_some(payload)
}

/// The frame with another payload of the same length. Its UDP checksum says that there is none (RFC 768), so that a
/// damaged payload reaches its receiver.
pub(crate) fn with_payload(frame: &[u8], place: &Range<usize>, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[place.clone()].copy_from_slice(payload);
    frame[place.start - 2..place.start].fill(0);
    frame
}

/// 16 bits, the most significant first.
fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]))
}
