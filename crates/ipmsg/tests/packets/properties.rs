//! Whatever the bytes, and whatever we say.

use std::borrow::Cow;

use ipmsg::file::{Extra, ExtraKey, FileKind, FileName, FileRequest, Item, Offer, Record, Wanted};
use ipmsg::{
    Body, Capabilities, Charset, Ciphers, Command, Dialect, Evidence, Message, MessageId, MessageTag, NodeId,
    NodeTag, Options, Packet, Part, Presence, PresenceKind, Reader, Receipt, ReceiptKind, Recipient, Sender,
    Topic, Wants,
};
use proptest::option;
use proptest::prelude::*;

const DIALECTS: [Dialect; 4] = [
    Dialect::UTF_8,
    Dialect::FLAGGED_UTF_8,
    Dialect { charset: Charset::GBK, utf8_option: false },
    Dialect { charset: Charset::SHIFT_JIS, utf8_option: false },
];

/// Characters that every charset of [`DIALECTS`] has.
const NAME: &str = "[a-z :;日本語,0-9]{0,20}";
const LOGIN: &str = "[a-z日本語 ,0-9]{0,20}";

fn text(pattern: &'static str) -> impl Strategy<Value = Cow<'static, str>> {
    pattern.prop_map(Cow::Owned)
}

/// A reader that knows the charset already, since short text can be valid in another.
fn reader(dialect: Dialect) -> Reader {
    let mut reader = Reader::new(Charset::GBK);
    reader.peer.learn(dialect.charset, Evidence::Announced);
    reader
}

prop_compose! {
    fn presence()(
        kind in prop::sample::select(&[
            PresenceKind::Entry, PresenceKind::Answer, PresenceKind::Change, PresenceKind::Exit,
            PresenceKind::Note,
        ][..]),
        bits: u32, number: u32, nick in text(NAME), group in text(NAME), user in option::of(text(NAME)),
        host in option::of(text(NAME)), client in option::of(text(NAME)), ours in option::of((any::<u128>(), any::<u32>())),
    ) -> Body<'static> {
        let options = Options::from_bits(bits).without(Options::UTF8);
        let lines = options.has(Options::CAPUTF8);
        let wants = [Wants::Nothing, Wants::List, Wants::Answer][number as usize % 3];
        let ours = ours.map(|(node, bits)| NodeTag { node: NodeId(node), capabilities: Capabilities(bits), wants });
        Body::Presence(Presence {
            kind, options, nick, group, ours, page: None,
            user: user.filter(|_| lines), host: host.filter(|_| lines), client: client.filter(|_| lines),
        })
    }
}

prop_compose! {
    fn tag()(from: u128, to: u128, id: u128, index in 0_u16..32, more in 1_u16..=32, after: u32) -> MessageTag {
        let part = Part::new(index, index.saturating_add(more).min(32)).unwrap();
        MessageTag { from: NodeId(from), to: NodeId(to), id: MessageId(id), part, after }
    }
}

prop_compose! {
    fn offer()(
        id: u32, name in "[a-z:日本語]{2,20}", size: u64, modified: u64, kind in 1_u8..0x30,
        extras in prop::collection::vec((any::<u32>(), any::<u64>()), 0..3),
    ) -> Option<Offer> {
        let extras = extras.into_iter().map(|(key, value)| Extra { key: ExtraKey(key), value }).collect();
        let name = FileName::new(name).ok()?;
        Some(Offer { id, name, size, modified, kind: FileKind(kind), attributes: Default::default(), extras })
    }
}

prop_compose! {
    fn message()(
        bits: u32, words in text("[a-z:\n日本語\t\x1b,0-9]{0,80}"), offers in prop::collection::vec(offer(), 0..4),
        recipients in prop::collection::vec((text(LOGIN), text(NAME)), 0..4), ours in option::of(tag()),
    ) -> Body<'static> {
        let codec = Options::UTF8 | Options::FILEATTACH | Options::ENCRYPT;
        Body::Message(Message {
            options: Options::from_bits(bits).without(codec),
            text: words,
            offers: offers.into_iter().flatten().map(Ok).collect(),
            recipients: recipients.into_iter().map(|(user, host)| Recipient { user, host }).collect(),
            ours,
        })
    }
}

prop_compose! {
    fn receipt()(
        kind in prop::sample::select(&[
            ReceiptKind::Received, ReceiptKind::Opened, ReceiptKind::Discarded, ReceiptKind::OpenedNoted,
            ReceiptKind::FilesReleased,
        ][..]),
        number: u32, bits: u32, ours in option::of(tag()),
    ) -> Body<'static> {
        Body::Receipt(Receipt { kind, number, options: Options::from_bits(bits), ours })
    }
}

prop_compose! {
    fn request()(from in option::of(any::<u64>()), offered_in: u32, id: u32, bits: u32) -> Body<'static> {
        let wanted = from.map_or(Wanted::Records, |from| Wanted::Bytes { from });
        let options = Options::from_bits(bits).without(Options::UTF8 | Options::ENCRYPT);
        Body::FileRequest(FileRequest { wanted, offered_in, id, options, extra: b"" })
    }
}

fn body() -> impl Strategy<Value = Body<'static>> {
    let topic = prop::sample::select(&[Topic::Program, Topic::Absence][..]);
    prop_oneof![
        presence(),
        message(),
        receipt(),
        request(),
        topic.clone().prop_map(Body::Question),
        (topic, text(NAME)).prop_map(|(topic, text)| Body::Answer(topic, text)),
        any::<u32>().prop_map(|bits| Body::KeyRequest(Ciphers(bits))),
        any::<bool>().prop_map(|now| Body::Typing { now }),
    ]
}

/// What a body is made of.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\n",
    b":",
    b"::",
    b"\x07",
    b"UN:",
    b"NN:",
    b"GN:",
    b"VS:",
    b"TO:",
    b"utf-8",
    b"gbk",
    b"trunkline:1:",
    b"1:1",
    b"7:a.txt:4d2:6b02ee8e:1:\x07",
    b"{/font;-16 0 0 0 400;}",
    b"ff",
    b"\xd6\xd0",
    b"\xe4\xb8\xad",
];

/// Bytes that come near to being a packet, for any bytes seldom do.
fn nearly_a_packet() -> impl Strategy<Value = Vec<u8>> {
    let version =
        prop::sample::select(&["1", "1_iptux 0.8.3", "1_lbt6_0#128#020000000001#0", "1@x", "2", ""][..]);
    let number = "[0-9]{0,11}|-?[0-9a-f]{1,3}";
    let mode = prop::sample::select(
        &[0_u32, 1, 2, 3, 4, 0x20, 0x21, 0x30, 0x60, 0x61, 0x62, 0x72, 0x73, 0x79, 0xfb][..],
    );
    let piece = prop_oneof![
        prop::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    let pieces = prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat());
    (version, number, any::<u32>(), mode, pieces).prop_map(|(version, number, bits, mode, body)| {
        let command = bits & 0xffff_ff00 | mode;
        [format!("{version}:{number}:u:h:{command}:").into_bytes(), body].concat()
    })
}

/// Parses what can be parsed, and what of it can be written parses to the same.
fn check(bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else { return };
    let built = packet.build(65_507).unwrap();
    assert_eq!(Packet::parse(&built), Ok(packet));
    let Ok(body) = Body::parse(&packet, &mut Reader::new(Charset::GBK)) else { return };
    let Ok(again) = body.build(packet.number, Sender { user: "u", host: "h" }, Dialect::UTF_8) else {
        return;
    };
    let packet = Packet::parse(&again).unwrap();
    assert_eq!(Body::parse(&packet, &mut Reader::new(Charset::GBK)), Ok(body));
}

proptest! {
    #[test]
    fn any_bytes_parse_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn what_parses_and_is_written_parses_to_the_same(bytes in nearly_a_packet()) {
        check(&bytes);
    }

    #[test]
    fn whatever_we_say_is_read_as_it_was_said(
        body in body(), number: u32, user in LOGIN, host in LOGIN, dialect in prop::sample::select(&DIALECTS[..]),
    ) {
        let bytes = match body.build(number, Sender { user: &user, host: &host }, dialect) {
            Ok(bytes) => bytes,
            Err(error) => {
                prop_assert!(error.to_string().contains("at most 1400 are allowed"), "{}", error);
                return Ok(());
            }
        };
        let packet = Packet::parse(&bytes).unwrap();
        prop_assert_eq!(packet.number, number);
        let mut reader = reader(dialect);
        prop_assert_eq!(Body::parse(&packet, &mut reader).unwrap(), body);
        prop_assert!(!reader.lossy);
        prop_assert_eq!(reader.read(packet.user, dialect.utf8_option), user);
    }

    #[test]
    fn packets_that_nobody_knows_are_kept_whole(
        version in "1[^0-9:\0]{0,20}", number: u32, command: u32, body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let command = Command::from_number(command);
        let packet = Packet { version: version.as_bytes(), number, user: b"", host: b"", command, body: &body };
        let bytes = packet.build(65_507).unwrap();
        prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
    }

    #[test]
    fn any_stream_is_a_record_or_is_refused_the_same_in_one_piece_and_byte_by_byte(
        stream in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "00[0-4][0-9a-f]:[a-z:./]{0,9}:[0-9a-f]{0,9}:[0-9]{1,3}:([0-9a-f]{1,2}=[0-9a-f]{1,9}:)?".prop_map(String::into_bytes),
        ],
    ) {
        let parse = |stream: &[u8]| Record::parse(stream, &mut Reader::new(Charset::GBK), false);
        let whole = parse(&stream);
        let first = (0..=stream.len()).map(|end| parse(&stream[..end])).find(|result| *result != Ok(None));
        prop_assert_eq!(&first.unwrap_or(Ok(None)), &whole);
        if let Ok(Some((record, _))) = whole
            && let Ok(bytes) = record.build(Dialect::UTF_8)
        {
            prop_assert_eq!(parse(&bytes), Ok(Some((record, bytes.len()))));
        }
    }

    #[test]
    fn whatever_record_we_write_is_read_as_it_was_written(
        name in "[a-z:日本語]{2,20}", size: u64, kind in 0..3, dialect in prop::sample::select(&DIALECTS[..]),
        extras in prop::collection::vec((any::<u32>(), any::<u64>()), 0..4),
    ) {
        let name = FileName::new(name);
        prop_assume!(name.is_ok());
        let item = match kind {
            0 => Item::Directory { name },
            1 => Item::File { name, size },
            _ => Item::Parent,
        };
        let extras = extras.into_iter().map(|(key, value)| Extra { key: ExtraKey(key), value }).collect();
        let record = Record { item, attributes: Default::default(), extras };
        let bytes = record.build(dialect).unwrap();
        prop_assert_eq!(Record::parse(&bytes, &mut reader(dialect), dialect.utf8_option), Ok(Some((record, bytes.len()))));
    }
}

proptest! {
    // Each is some thousand characters.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_long_text_is_cut_into_datagrams_and_is_the_same_put_together(
        text in "[a-z日本語\n]{0,3000}", ours in option::of(tag()), offers in prop::collection::vec(offer(), 0..3),
        dialect in prop::sample::select(&DIALECTS[..]),
    ) {
        let offers: Vec<_> = offers.into_iter().flatten().map(Ok).collect();
        let message = Message { ours, offers: offers.clone(), ..Message::new(&text) };
        let sender = Sender { user: "user", host: "host" };
        let messages = message.split(sender, dialect).unwrap();
        let (mut together, mut offered) = (String::new(), Vec::new());
        for (index, part) in messages.iter().enumerate() {
            let bytes = Body::Message(part.clone()).build(u32::MAX, sender, dialect).unwrap();
            prop_assert!(bytes.len() <= 1400);
            let packet = Packet::parse(&bytes).unwrap();
            let mut reader = reader(dialect);
            let Ok(Body::Message(read)) = Body::parse(&packet, &mut reader) else { panic!("no message") };
            prop_assert!(!reader.lossy, "a broken character");
            prop_assert_eq!(read.ours.map(|tag| tag.id), ours.map(|tag| tag.id));
            if messages.len() > 1 {
                prop_assert_eq!(read.ours.map(|tag| usize::from(tag.part.index())), ours.map(|_| index));
                prop_assert_eq!(read.ours.map(|tag| usize::from(tag.part.count())), ours.map(|_| messages.len()));
            }
            together.push_str(&read.text);
            offered.extend(read.offers);
        }
        prop_assert_eq!(together, text);
        prop_assert_eq!(offered, offers);
    }
}
