//! Bytes seen on the wire, most of them between iptux 0.8.3 of Debian 12 and a scripted peer; and exactly what they
//! are.

use ipmsg::file::{FileKind, FileName, FileRequest, Offer, Wanted};
use ipmsg::{
    Body, Charset, Dialect, Message, Mode, Options, Packet, Presence, PresenceKind, Reader, Receipt,
    ReceiptKind, Sender,
};

const IPTUX: &str = "1_iptux 0.8.3";
const FEIQ: &str = "1_lbt6_0#128#020000000001#0#0#0#4001#9";
const ROOT: Sender<'_> = Sender { user: "root", host: "vm" };
const BOB: Sender<'_> = Sender { user: "bob", host: "hostb" };

/// What GBK peers write is written with this.
const GBK: Dialect = Dialect { charset: Charset::GBK, utf8_option: false };

/// A packet and all that is in it.
struct Seen {
    bytes: Vec<u8>,
    version: &'static str,
    number: u32,
    from: Sender<'static>,
    command: u32,
    mode: Mode,
    body: Body<'static>,
    /// How a packet like this is written by us, but for the version; none where we say it in other bytes.
    written: Option<Dialect>,
}

/// A line of the table: the text with `\0` and the like in it, and bytes that are no UTF-8 put in for `%`.
fn bytes(text: &str, put_in: &[u8]) -> Vec<u8> {
    match text.split_once('%') {
        Some((before, after)) => [before.as_bytes(), put_in, after.as_bytes()].concat(),
        None => text.as_bytes().to_vec(),
    }
}

fn presence(kind: PresenceKind, nick: &'static str, group: &'static str, options: u32) -> Body<'static> {
    let options = Options::from_bits(options);
    Body::Presence(Presence { options, group: group.into(), ..Presence::new(kind, nick) })
}

fn message(text: &'static str) -> Body<'static> {
    Body::Message(Message::new(text))
}

fn offer(id: u32, name: &str, size: u64, modified: u64) -> Body<'static> {
    let offer = Offer {
        id,
        name: FileName::new(name).unwrap(),
        size,
        modified,
        kind: FileKind::REGULAR,
        attributes: Default::default(),
        extras: Vec::new(),
    };
    Body::Message(Message { options: Options::NONE, offers: vec![Ok(offer)], ..Message::new("") })
}

fn request(wanted: Wanted, offered_in: u32, id: u32, options: u32, extra: &'static [u8]) -> Body<'static> {
    Body::FileRequest(FileRequest { wanted, offered_in, id, options: Options::from_bits(options), extra })
}

fn table() -> Vec<Seen> {
    let received = |options, number| {
        let options = Options::from_bits(options);
        Body::Receipt(Receipt { options, ..Receipt::new(ReceiptKind::Received, number) })
    };
    let row = |text: &str, put_in: &[u8], version, number, from, command, mode, body, written| Seen {
        bytes: bytes(text, put_in),
        version,
        number,
        from,
        command,
        mode,
        body,
        written,
    };
    vec![
        row(
            "1_iptux 0.8.3:1:root:vm:257:root\0\0icon-tux.png\0utf-8\0",
            b"",
            IPTUX,
            1,
            ROOT,
            0x101,
            Mode::BR_ENTRY,
            presence(PresenceKind::Entry, "root", "", 0x100),
            None,
        ),
        row(
            "1:1795353650:bob:hostb:1:Bob\0grpB\0",
            b"",
            "1",
            1_795_353_650,
            BOB,
            0x1,
            Mode::BR_ENTRY,
            presence(PresenceKind::Entry, "Bob", "grpB", 0),
            None,
        ),
        row(
            "1_iptux 0.8.3:4:root:vm:259:root\0\0icon-tux.png\0utf-8\0",
            b"",
            IPTUX,
            4,
            ROOT,
            0x103,
            Mode::ANSENTRY,
            presence(PresenceKind::Answer, "root", "", 0x100),
            None,
        ),
        row(
            "1:1795353652:bob:hostb:288:hello from B\0",
            b"",
            "1",
            1_795_353_652,
            BOB,
            0x120,
            Mode::SENDMSG,
            message("hello from B"),
            Some(Dialect::UTF_8),
        ),
        row(
            "1_iptux 0.8.3:6:root:vm:289:1795353652\0",
            b"",
            IPTUX,
            6,
            ROOT,
            0x121,
            Mode::RECVMSG,
            received(0x100, 1_795_353_652),
            Some(Dialect::UTF_8),
        ),
        row(
            "1:1795353653:bob:hostb:8388896:你好 utf8 héllo 😀\0",
            b"",
            "1",
            1_795_353_653,
            BOB,
            0x80_0120,
            Mode::SENDMSG,
            message("你好 utf8 héllo 😀"),
            Some(Dialect::FLAGGED_UTF_8),
        ),
        row(
            "1:1795353654:bob:hostb:288:%\0",
            b"\xc4\xe3\xba\xc3,\xd5\xe2\xca\xc7GBK\xd6\xd0\xce\xc4\xcf\xfb\xcf\xa2",
            "1",
            1_795_353_654,
            BOB,
            0x120,
            Mode::SENDMSG,
            message("你好,这是GBK中文消息"),
            Some(GBK),
        ),
        row(
            "1_lbt6_0#128#020000000001#0#0#0#4001#9:1795354196:bob:hostb:1:%\0",
            b"\xb7\xc9\xc7\xef",
            FEIQ,
            1_795_354_196,
            BOB,
            0x1,
            Mode::BR_ENTRY,
            presence(PresenceKind::Entry, "飞秋", "", 0),
            None,
        ),
        row(
            "1_iptux 0.8.3:5:root:vm:288:你好 from iptux\0",
            b"",
            IPTUX,
            5,
            ROOT,
            0x120,
            Mode::SENDMSG,
            message("你好 from iptux"),
            Some(Dialect::UTF_8),
        ),
        row(
            "1:1795353655:bob:hostb:33:5\0",
            b"",
            "1",
            1_795_353_655,
            BOB,
            0x21,
            Mode::RECVMSG,
            received(0, 5),
            Some(Dialect::UTF_8),
        ),
        row(
            "1_iptux 0.8.3:8:root:vm:288:% GBK?\0",
            b"\xc4\xe3\xba\xc3",
            IPTUX,
            8,
            ROOT,
            0x120,
            Mode::SENDMSG,
            message("你好 GBK?"),
            Some(GBK),
        ),
        row(
            "1_iptux 0.8.3:6:root:vm:2097184:\x0010001:给你.txt:4d2:6b02ee8e:1:\x07\0",
            b"",
            IPTUX,
            6,
            ROOT,
            0x20_0020,
            Mode::SENDMSG,
            offer(10001, "给你.txt", 1234, 0x6b02_ee8e),
            Some(Dialect::UTF_8),
        ),
        row(
            "1:1795354252:bob:hostb:96:6:2711:0\0",
            b"",
            "1",
            1_795_354_252,
            BOB,
            0x60,
            Mode::GETFILEDATA,
            request(Wanted::Bytes { from: 0 }, 6, 10001, 0, b""),
            Some(Dialect::UTF_8),
        ),
        row(
            "1:1795354257:bob:hostb:2097184:\x001:big.bin:30d40:6b02ee91:1:\x07\0",
            b"",
            "1",
            1_795_354_257,
            BOB,
            0x20_0020,
            Mode::SENDMSG,
            offer(1, "big.bin", 200_000, 0x6b02_ee91),
            Some(Dialect::UTF_8),
        ),
        row(
            "1_iptux 0.8.3:9:root:vm:96:6b02ee94:1:0\0",
            b"",
            IPTUX,
            9,
            ROOT,
            0x60,
            Mode::GETFILEDATA,
            request(Wanted::Bytes { from: 0 }, 0x6b02_ee94, 1, 0, b""),
            Some(Dialect::UTF_8),
        ),
        row(
            "1_iptux 0.8.3:6:root:vm:2097250:6b02ed26:2:0\0",
            b"",
            IPTUX,
            6,
            ROOT,
            0x20_0062,
            Mode::GETDIRFILES,
            request(Wanted::Records, 0x6b02_ed26, 2, 0x20_0000, b"0"),
            Some(Dialect::UTF_8),
        ),
        row(
            "1_iptux 0.8.3:12:root:vm:65538:\0",
            b"",
            IPTUX,
            12,
            ROOT,
            0x1_0002,
            Mode::BR_EXIT,
            presence(PresenceKind::Exit, "", "", 0x1_0000),
            None,
        ),
    ]
}

#[test]
fn bytes_seen_on_the_wire_are_exactly_these_packets() {
    for seen in table() {
        let line = seen.bytes.escape_ascii();
        let packet = Packet::parse(&seen.bytes).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(packet.version, seen.version.as_bytes(), "{line}");
        assert_eq!(packet.number, seen.number, "{line}");
        assert_eq!(
            (packet.user, packet.host),
            (seen.from.user.as_bytes(), seen.from.host.as_bytes()),
            "{line}"
        );
        assert_eq!((packet.command.number(), packet.command.mode()), (seen.command, seen.mode), "{line}");
        assert_eq!(packet.build(65_507), Ok(seen.bytes.clone()), "{line}");
        let mut reader = Reader::new(Charset::GBK);
        assert_eq!(Body::parse(&packet, &mut reader), Ok(seen.body), "{line}");
        assert!(!reader.lossy, "{line}");
    }
}

#[test]
fn packets_of_the_kinds_we_send_are_written_in_the_bytes_that_were_seen() {
    let mut written = 0;
    for seen in table() {
        let Some(dialect) = seen.written else { continue };
        let bytes = seen.body.build(seen.number, seen.from, dialect).unwrap();
        let ours = Packet { version: b"1", ..Packet::parse(&seen.bytes).unwrap() };
        assert_eq!(bytes.escape_ascii().to_string(), ours.build(1400).unwrap().escape_ascii().to_string());
        written += 1;
    }
    assert_eq!(written, 12);
}

#[test]
fn the_start_of_iptux_byte_for_byte() {
    let hex = "31 5f 69 70 74 75 78 20 30 2e 38 2e 33 3a 31 3a 72 6f 6f 74 3a 76 6d 3a 32 35 37 3a 72 6f 6f 74 00 00 \
               69 63 6f 6e 2d 74 75 78 2e 70 6e 67 00 75 74 66 2d 38 00";
    let bytes: Vec<u8> =
        hex.split_ascii_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    assert_eq!(bytes, table()[0].bytes);
    let packet = Packet::parse(&bytes).unwrap();
    let sections: Vec<&[u8]> = packet.sections().collect();
    assert_eq!(sections, [&b"root"[..], b"", b"icon-tux.png", b"utf-8"]);
    let mut reader = Reader::new(Charset::GBK);
    Body::parse(&packet, &mut reader).unwrap();
    assert_eq!(reader.peer.charset(), Some(Charset::UTF_8), "iptux says what it speaks");
}

#[test]
fn a_datagram_may_lack_its_last_nul_or_have_many() {
    for end in ["", "\0", &"\0".repeat(65)] {
        let bytes = format!("1:7:bob:hostb:288:a:b:c{end}");
        let packet = Packet::parse(bytes.as_bytes()).unwrap();
        assert_eq!(packet.additional(), b"a:b:c", "only the first five colons separate");
        assert_eq!(Body::parse(&packet, &mut Reader::new(Charset::GBK)), Ok(message("a:b:c")));
        assert_eq!(packet.build(65_507).unwrap(), bytes.as_bytes());
    }
}

#[test]
fn versions_of_all_programs_are_taken_and_other_protocols_are_not() {
    for version in ["1", IPTUX, FEIQ, "1_lbt4_10#32899#001122334455#0#0#0", "1@shiyeline", "1 ", "1_"] {
        let bytes = format!("{version}:7:u:h:0:");
        assert_eq!(Packet::parse(bytes.as_bytes()).unwrap().version, version.as_bytes());
    }
    for (bytes, reason) in [
        (&b""[..], "the datagram is empty"),
        (b"10:7:u:h:0:", "the datagram does not begin with the version 1 of IP Messenger"),
        (b"2:7:u:h:0:", "the datagram does not begin with the version 1 of IP Messenger"),
        (b":7:u:h:0:", "the datagram does not begin with the version 1 of IP Messenger"),
        (b"\xff\xfe\x00\x01", "the datagram does not begin with the version 1 of IP Messenger"),
        (b"1", "the packet ends within the field version"),
        (b"1:2", "the packet ends within the field packet number"),
        (b"1:2:u", "the packet ends within the field user"),
        (b"1:2:u:h", "the packet ends within the field host"),
        (b"1:2:u:h:32", "the packet ends within the field command"),
        (b"1::u:h:32:", "the field packet number is not a decimal number of 32 bits"),
        (b"1:5000000001:u:h:32:", "the field packet number is not a decimal number of 32 bits"),
        (b"1:2:u:h:0x20:", "the field command is not a decimal number of 32 bits"),
        (b"1:2:u:h:4294967296:", "the field command is not a decimal number of 32 bits"),
        (b"1:2:u\0:h:32:", "the field user has a NUL or a colon in it"),
        (b"IP2:3:VER:1:3:Z", "the datagram is an IPDict (IP2:), which is not read here"),
    ] {
        assert_eq!(Packet::parse(bytes).unwrap_err().to_string(), reason, "{}", bytes.escape_ascii());
    }
}
