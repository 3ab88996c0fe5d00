//! Any list of offers is so many files with safe names, each the same when we offer it, and so many refusals.
#![no_main]

use ipmsg::file::FileName;
use ipmsg::limits::MAX_OFFERS;
use ipmsg::{Body, Charset, Dialect, Message, Packet, Reader, Sender};

libfuzzer_sys::fuzz_target!(|list: &[u8]| {
    let datagram = [b"1:7:u:h:2097184:\0", list].concat();
    let Ok(packet) = Packet::parse(&datagram) else { return };
    let Message { offers, .. } = message(&packet);
    assert!(offers.len() <= MAX_OFFERS + 1);
    for offer in offers.into_iter().flatten() {
        let name = offer.name.as_str();
        assert_eq!(FileName::new(name).as_ref(), Ok(&offer.name));
        assert!(!name.contains(['/', '\\', '\0', '\x1b']) && !matches!(name, "" | "." | ".."));
        let alone = Body::Message(Message { offers: vec![Ok(offer.clone())], ..Message::new("") });
        let Ok(built) = alone.build(7, Sender { user: "u", host: "h" }, Dialect::UTF_8) else { continue };
        let packet = Packet::parse(&built).expect("what was written can be parsed");
        assert_eq!(message(&packet).offers, [Ok(offer)]);
    }
});

fn message<'a>(packet: &Packet<'a>) -> Message<'a> {
    match Body::parse(packet, &mut Reader::new(Charset::GBK)) {
        Ok(Body::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}
