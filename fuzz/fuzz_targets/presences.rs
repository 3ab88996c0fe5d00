//! Any sections of a presence are refused, or are names within their cap that are the same when we write them.
#![no_main]

use ipmsg::limits::MAX_NAME;
use ipmsg::{Body, Charset, Command, Dialect, Packet, Reader, Sender};

libfuzzer_sys::fuzz_target!(|input: (u32, &[u8])| {
    let (bits, sections) = input;
    // One of BR_ENTRY, BR_EXIT, ANSENTRY, BR_ABSENCE.
    let command = Command::from_number(bits & !0xff | (1 + bits % 4));
    let packet = Packet { version: b"1", number: 7, user: b"u", host: b"h", command, body: sections };
    let Ok(body) = Body::parse(&packet, &mut Reader::new(Charset::SHIFT_JIS)) else { return };
    let Body::Presence(presence) = &body else { panic!("{body:?}") };
    assert!(presence.nick.len() <= MAX_NAME && presence.group.len() <= MAX_NAME);
    for dialect in [Dialect::UTF_8, Dialect::FLAGGED_UTF_8] {
        let Ok(built) = body.build(7, Sender { user: "u", host: "h" }, dialect) else { continue };
        let packet = Packet::parse(&built).expect("what was written can be parsed");
        assert_eq!(Body::parse(&packet, &mut Reader::new(Charset::SHIFT_JIS)).as_ref(), Ok(&body));
    }
});
