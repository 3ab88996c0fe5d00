//! The stream of a folder, as iptux sends it.

use ipmsg::file::{Extra, ExtraKey, FileKind, FileName, Item, NameError, Record, RecordError};
use ipmsg::{Charset, Dialect, Reader};

/// What an iptux sent for a folder `d1` with `a.txt` and, in `sub`, `中.txt`.
const STREAM: &str = "002c:d1:000000000:2:14=6b02ee8f:16=6b02ee8f:\
                      002d:sub:000000000:2:14=6b02ee8f:16=6b02ee8f:\
                      0031:中.txt:000000002:1:14=6b02ee8f:16=6b02ee8f:BB\
                      0023:.:0:3:14=6b02ee8f:16=6b02ee8f:\
                      002f:a.txt:000000003:1:14=6b02ee8f:16=6b02ee8f:AAA\
                      0023:.:0:3:14=6b02ee8f:16=6b02ee8f:";

fn parse(stream: &[u8]) -> Result<Option<(Record, usize)>, RecordError> {
    Record::parse(stream, &mut Reader::new(Charset::GBK), false)
}

fn directory(name: &str) -> Item {
    Item::Directory { name: FileName::new(name) }
}

fn file(name: &str, size: u64) -> Item {
    Item::File { name: FileName::new(name), size }
}

#[test]
fn a_stream_is_the_same_records_in_one_piece_and_byte_by_byte() {
    let (mut items, mut contents) = (Vec::new(), Vec::new());
    let (mut start, mut come) = (0, 0);
    let stream = STREAM.as_bytes();
    while start < stream.len() {
        let Some((record, length)) = parse(&stream[start..come]).unwrap() else {
            come += 1;
            continue;
        };
        assert_eq!(parse(&stream[start..]), Ok(Some((record.clone(), length))), "in one piece");
        let times = [ExtraKey::MODIFIED, ExtraKey::CREATED].map(|key| Extra { key, value: 0x6b02_ee8f });
        assert_eq!(record.extras, times);
        start += length;
        if let Item::File { size, .. } = &record.item {
            let end = start + usize::try_from(*size).unwrap();
            contents.push(&STREAM[start..end]);
            start = end;
        }
        come = come.max(start);
        items.push(record.item);
    }
    assert_eq!(
        items,
        [directory("d1"), directory("sub"), file("中.txt", 2), Item::Parent, file("a.txt", 3), Item::Parent]
    );
    assert_eq!(contents, ["BB", "AAA"]);
}

#[test]
fn records_are_written_in_the_bytes_of_iptux() {
    let (record, length) = parse(STREAM.as_bytes()).unwrap().unwrap();
    let bytes = record.build(Dialect::UTF_8).unwrap();
    assert_eq!(bytes, STREAM.as_bytes()[..length]);
}

#[test]
fn a_head_in_the_charset_of_the_peer_is_read() {
    let gbk = b"0018:\xd6\xd0.txt:2:1:14=6b02:BB";
    let (record, length) = parse(gbk).unwrap().unwrap();
    assert_eq!((record.item, &gbk[length..]), (file("中.txt", 2), &b"BB"[..]));
}

#[test]
fn what_is_no_record_is_refused_as_soon_as_it_is_certain() {
    for (stream, error) in [
        (&b"x"[..], RecordError::NoLength),
        (b"00 ", RecordError::NoLength),
        (b"002cd", RecordError::NoLength),
        (b"GET / HTTP/1.1", RecordError::NoLength),
        (b"0000:", RecordError::Length { length: 0 }),
        (b"0005:", RecordError::Length { length: 5 }),
        (b"000d:a:1:1:xx", RecordError::Missing("colon at its end")),
        (b"0007:a:", RecordError::Missing("size")),
        (b"0009:a:0:", RecordError::Missing("attributes")),
        (b"000b:a:z:1:", RecordError::Missing("size")),
        (b"0008:a::", RecordError::Missing("name")),
    ] {
        assert_eq!(parse(stream), Err(error), "{}", stream.escape_ascii());
    }
    for unfinished in [&b""[..], b"0", b"002c", b"002c:", b"000b:a:0:1"] {
        assert_eq!(parse(unfinished), Ok(None), "{}", unfinished.escape_ascii());
    }
}

#[test]
fn a_name_that_is_not_safe_is_told_and_the_stream_goes_on() {
    let (record, _) = parse(b"0018:../../evil:0000a:1:").unwrap().unwrap();
    assert_eq!(record.item, Item::File { name: Err(NameError::Separator { separator: '/' }), size: 10 });
    let (record, _) = parse(b"000c:..:0:2:").unwrap().unwrap();
    assert_eq!(record.item, Item::Directory { name: Err(NameError::Dots) });
    let (record, _) = parse(b"0013:/etc/link:3:4:").unwrap().unwrap();
    assert_eq!(record.item, Item::Skipped { kind: FileKind::SYMLINK, size: 3 });
}
