//! Any stream of a folder is the same records, or the same error, in any pieces; and no record waits beyond its cap.
#![no_main]

use ipmsg::file::{Item, Record, RecordError};
use ipmsg::limits::MAX_RECORD;
use ipmsg::{Charset, Reader};

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (piece, stream) = input;
    assert_eq!(records(stream, usize::from(piece).max(1)), records(stream, usize::MAX));
});

fn records(stream: &[u8], piece: usize) -> (Vec<Record>, Result<(), RecordError>) {
    let mut reader = Reader::new(Charset::GBK);
    let (mut records, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        match Record::parse(&stream[start..end], &mut reader, false) {
            Ok(Some((record, length))) => {
                start += length;
                if let Item::File { size, .. } | Item::Skipped { size, .. } = record.item {
                    let contents = usize::try_from(size).unwrap_or(usize::MAX);
                    start = start.saturating_add(contents).min(stream.len());
                }
                end = end.max(start);
                records.push(record);
            }
            Ok(None) if end < stream.len() => {
                assert!(end - start < MAX_RECORD);
                end = end.saturating_add(piece).min(stream.len());
            }
            Ok(None) => return (records, Ok(())),
            Err(error) => return (records, Err(error)),
        }
    }
}
