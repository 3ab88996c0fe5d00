//! Any datagram is refused, or is a packet that is written back whole; and what it says, written by us, says the same.
#![no_main]

use ipmsg::limits::MAX_RECEIVED;
use ipmsg::{Body, Charset, Dialect, Packet, Reader, Sender};

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    let Ok(packet) = Packet::parse(datagram) else { return };
    let built = packet.build(MAX_RECEIVED).expect("what was parsed can be written");
    assert_eq!(Packet::parse(&built), Ok(packet));
    let Ok(body) = Body::parse(&packet, &mut Reader::new(Charset::GBK)) else { return };
    let sender = Sender { user: "u", host: "h" };
    let Ok(built) = body.build(packet.number, sender, Dialect::UTF_8) else { return };
    let packet = Packet::parse(&built).expect("what was written can be parsed");
    assert_eq!(Body::parse(&packet, &mut Reader::new(Charset::GBK)), Ok(body));
});
