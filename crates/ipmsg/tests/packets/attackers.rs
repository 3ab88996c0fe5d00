//! What somebody sends who wants to fill our memory, confuse us, or write where he should not: one test for each cap.

use ipmsg::file::{NameError, OfferError, Record, RecordError};
use ipmsg::{
    Body, BodyError, BuildError, Charset, Dialect, Field, Message, Packet, PacketError, Presence,
    PresenceKind, Reader, Recipient, Sender, limits, seal,
};

const SENDER: Sender<'_> = Sender { user: "u", host: "h" };

fn parse(datagram: &[u8]) -> Result<Body<'_>, BodyError> {
    Body::parse(&Packet::parse(datagram).unwrap(), &mut Reader::new(Charset::GBK))
}

fn message(datagram: &[u8]) -> Message<'_> {
    match parse(datagram) {
        Ok(Body::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// A datagram of the greatest size, full of this.
fn full_of(head: &str, repeated: &str) -> Vec<u8> {
    let mut datagram = head.as_bytes().to_vec();
    while datagram.len() + repeated.len() <= limits::MAX_RECEIVED {
        datagram.extend_from_slice(repeated.as_bytes());
    }
    datagram
}

#[test]
fn a_datagram_beyond_what_udp_carries_is_refused() {
    let mut datagram = b"1:1:u:h:32:".to_vec();
    datagram.resize(limits::MAX_RECEIVED, b'x');
    assert!(Packet::parse(&datagram).is_ok());
    datagram.push(b'x');
    let error = PacketError::TooLong { length: 65_508, most: 65_507 };
    assert_eq!(Packet::parse(&datagram), Err(error));
}

#[test]
fn nothing_is_sent_that_a_router_would_cut() {
    let head = "1:7:u:h:288:\0".len();
    let text = "x".repeat(limits::MAX_SENT - head);
    let build = |text: &str| Body::Message(Message::new(text)).build(7, SENDER, Dialect::UTF_8);
    assert_eq!(build(&text).unwrap().len(), limits::MAX_SENT);
    let error = build(&(text + "x")).unwrap_err();
    assert_eq!(error, BuildError::Packet(PacketError::TooLong { length: 1401, most: 1400 }));
}

#[test]
fn names_beyond_their_cap_are_refused() {
    let long = "n".repeat(limits::MAX_NAME + 1);
    for (datagram, field) in [
        (format!("1_{long}:1:u:h:1:"), Field::Version),
        (format!("1:1:{long}:h:1:"), Field::User),
        (format!("1:1:u:{long}:1:"), Field::Host),
    ] {
        let error = Packet::parse(datagram.as_bytes()).unwrap_err();
        assert!(matches!(error, PacketError::FieldTooLong(at, _) if at == field), "{error}");
    }
    for datagram in [
        format!("1:1:u:h:1:{long}\0g\0"),
        format!("1:1:u:h:1:n\0{long}\0"),
        format!("1:1:u:h:16777217:n\0g\0\nNN:{long}\0"),
        format!("1:1:u:h:16777217:n\0g\0\nUN:{long}\0"),
    ] {
        assert_eq!(parse(datagram.as_bytes()), Err(BodyError::NameTooLong { length: 256 }));
    }
    let recipients = format!("1:1:u:h:32:text\0\0TO:{long}:h\x07u:{long}\x07u:h\0");
    assert_eq!(message(recipients.as_bytes()).recipients.len(), 1);
    let sender = Sender { user: &long, host: "h" };
    let error = Body::Message(Message::new("")).build(1, sender, Dialect::UTF_8).unwrap_err();
    assert_eq!(error, BuildError::Packet(PacketError::FieldTooLong(Field::User, 256)));
}

#[test]
fn a_name_that_would_be_cut_in_two_is_never_sent() {
    for user in ["a:b", "a\0b"] {
        let error =
            Body::Message(Message::new("")).build(1, Sender { user, host: "h" }, Dialect::UTF_8).unwrap_err();
        assert_eq!(error, BuildError::Packet(PacketError::Separator(Field::User)));
    }
    for nick in ["a\0b", "a\nNN:admin"] {
        let presence = Body::Presence(Presence::new(PresenceKind::Entry, nick));
        let error = presence.build(1, SENDER, Dialect::UTF_8).unwrap_err();
        assert!(matches!(error, BuildError::Separator { .. }), "{error}");
    }
    for group in ["trunkline:1:", "trunkline-sum:00000000"] {
        let presence = Presence { group: group.into(), ..Presence::new(PresenceKind::Entry, "a") };
        let error = Body::Presence(presence).build(1, SENDER, Dialect::UTF_8).unwrap_err();
        assert_eq!(error, BuildError::Reserved);
    }
    let error = Body::Message(Message::new("a\0trunkline:1:")).build(1, SENDER, Dialect::UTF_8).unwrap_err();
    assert_eq!(error, BuildError::Separator { character: '\0' });
}

#[test]
fn of_tens_of_thousands_of_sections_sixteen_are_looked_at() {
    let datagram = full_of("1:1:u:h:1:n", "\0x");
    assert_eq!(Packet::parse(&datagram).unwrap().sections().count(), limits::MAX_SECTIONS);
    assert!(parse(&datagram).is_ok());
    let padded = full_of("1:1:u:h:1:n", "\0");
    assert_eq!(Packet::parse(&padded).unwrap().sections().count(), 1, "NULs at the end count for nothing");
}

#[test]
fn of_thousands_of_offers_256_are_taken_and_the_rest_refused_together() {
    let message_offers = |datagram: &[u8]| message(datagram).offers;
    let offers = message_offers(&full_of("1:1:u:h:2097184:\0", "1:a:1:1:1:\x07"));
    assert_eq!(offers.len(), limits::MAX_OFFERS + 1);
    assert_eq!(offers[limits::MAX_OFFERS], Err(OfferError::TooMany));
    assert!(offers[..limits::MAX_OFFERS].iter().all(Result::is_ok));
    assert_eq!(message_offers(&full_of("1:1:u:h:2097184:\0", "\x07")), []);
    let many = Message { offers: vec![offers[0].clone(); limits::MAX_OFFERS + 1], ..Message::new("") };
    let error = Body::Message(many).build(1, SENDER, Dialect::UTF_8).unwrap_err();
    assert_eq!(error.to_string(), "a message has at most 256 files, not 257: send several");
}

#[test]
fn of_thousands_of_recipients_thirty_are_read() {
    let datagram = full_of("1:1:u:h:32:text\0\0TO:", "u:h\x07");
    assert_eq!(message(&datagram).recipients.len(), limits::MAX_RECIPIENTS);
    let recipients = vec![Recipient { user: "u".into(), host: "h".into() }; limits::MAX_RECIPIENTS + 1];
    let error = Body::Message(Message { recipients, ..Message::new("") }).build(1, SENDER, Dialect::UTF_8);
    assert!(matches!(error, Err(BuildError::TooMany { what: "recipients", .. })), "{error:?}");
}

#[test]
fn a_bad_offer_costs_neither_the_text_nor_the_other_offers() {
    let datagram = b"1:1:u:h:2097184:read this\0\
        1:../../evil.bin:1:1:1:\x07\
        2:/etc/passwd:1:1:1:\x07\
        3:C\x3a:\\autoexec.bat:1:1:1:\x07\
        x:a:1:1:1:\x07\
        5:a:10000000000000000:1:1:\x07\
        6:a:1:1:\x07\
        7:\x07\
        8:good.txt:0:0:1:\x07\0";
    let message = message(datagram);
    assert_eq!(message.text, "read this");
    let refused: Vec<_> = message.offers.iter().filter_map(|offer| offer.as_ref().err()).collect();
    assert_eq!(
        refused,
        [
            &OfferError::Name(NameError::Separator { separator: '/' }),
            &OfferError::Name(NameError::Separator { separator: '/' }),
            &OfferError::Name(NameError::Separator { separator: '\\' }),
            &OfferError::Missing("id"),
            &OfferError::Missing("size"),
            &OfferError::Missing("attributes"),
            &OfferError::Missing("name"),
        ]
    );
    assert_eq!(message.offers[7].as_ref().unwrap().name.as_str(), "good.txt");
}

#[test]
fn attributes_without_end_are_not_all_kept() {
    let datagram = full_of("1:1:u:h:2097184:\x001:a:1:1:1", ":14=1");
    let message = message(&datagram);
    assert_eq!(message.offers[0].as_ref().unwrap().extras.len(), limits::MAX_EXTRAS);
}

#[test]
fn the_head_of_a_record_never_waits_for_more_than_its_cap() {
    let parse = |stream: &[u8]| Record::parse(stream, &mut Reader::new(Charset::GBK), false);
    assert_eq!(parse(b"1000:"), Ok(None));
    assert_eq!(parse(b"1001:"), Err(RecordError::Length { length: 4097 }));
    assert_eq!(parse(b"ffff:"), Err(RecordError::Length { length: 65_535 }));
    let mut longest = b"1000:a:0:1:".to_vec();
    longest.resize(limits::MAX_RECORD - 1, b'0');
    longest.push(b':');
    assert_eq!(parse(&longest).map(|record| record.map(|(_, length)| length)), Ok(Some(limits::MAX_RECORD)));
}

#[test]
fn a_key_is_no_longer_than_any_key() {
    let key = |digits: usize| format!("1:1:u:h:115:4:10001-{}\0", "A".repeat(digits));
    assert!(matches!(parse(key(limits::MAX_KEY_DIGITS).as_bytes()), Ok(Body::PublicKey(_))));
    assert_eq!(parse(key(limits::MAX_KEY_DIGITS + 1).as_bytes()), Err(BodyError::Missing("modulus")));
    let encrypted = |digits: usize| format!("1:1:u:h:4194592:100004:{}:aa\0", "A".repeat(digits));
    assert!(matches!(parse(encrypted(limits::MAX_KEY_DIGITS).as_bytes()), Ok(Body::Encrypted(_))));
    let error = parse(encrypted(limits::MAX_KEY_DIGITS + 1).as_bytes()).map(drop).unwrap_err();
    assert_eq!(error, BodyError::Missing("encrypted key"));
}

#[test]
fn a_part_of_more_parts_than_are_kept_is_no_message_of_ours() {
    let tagged = |part: &str| {
        let tag = format!("trunkline:1:{:032x}:{:032x}:{:032x}:{part}:0", 7, 8, 9);
        let mut datagram = format!("1:1:u:h:288:text\0\0\0{tag}\0").into_bytes();
        seal(&mut datagram);
        datagram
    };
    assert!(message(&tagged("1f:20")).ours.is_some());
    for part in ["20:21", "0:0", "1:1", "0:ffff", "0:10001", "0", "-1:1"] {
        assert_eq!(message(&tagged(part)).ours, None, "{part}");
    }
}

#[test]
fn a_text_between_ours_beyond_the_cap_is_not_cut_but_refused() {
    use ipmsg::{MessageId, MessageTag, NodeId, Part};
    let text = "x".repeat(1400 * usize::from(limits::MAX_PARTS));
    let ours =
        MessageTag { from: NodeId(1), to: NodeId(2), id: MessageId(u128::MAX), part: Part::WHOLE, after: 0 };
    let error =
        Message { ours: Some(ours), ..Message::new(&text) }.split(SENDER, Dialect::UTF_8).unwrap_err();
    assert!(matches!(error, BuildError::TooMany { what: "datagrams", most: 32, .. }), "{error}");
    assert!(Message::new(&text).split(SENDER, Dialect::UTF_8).is_ok(), "for others each is a message");
}
