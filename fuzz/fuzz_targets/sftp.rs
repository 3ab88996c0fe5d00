//! Any requests of an SFTP client, and any bytes behind them: the server answers in whole packets, one for each request at most.
//!
//! The requests do what they say, so no path in them leads out of a folder made for each input: a slash, and the second of two
//! dots, are other bytes.
#![no_main]

use remote::server::sftp::{MAX_REQUEST, serve};

/// A number, or a string with its length.
type Field<'a> = Result<u32, &'a [u8]>;

/// Its kind, its number, and what stands in it.
type Request<'a> = (u8, u32, Vec<Field<'a>>);

libfuzzer_sys::fuzz_target!(|input: (Vec<Request<'_>>, &[u8])| {
    let (requests, rest) = input;
    let mut stream = Vec::new();
    for (kind, id, fields) in requests {
        let mut request = vec![kind];
        request.extend(id.to_be_bytes());
        for field in fields {
            match field {
                Ok(number) => request.extend(number.to_be_bytes()),
                Err(bytes) => request.extend(string(bytes)),
            }
        }
        stream.extend(string(&request));
    }
    stream.extend(rest);
    keep_inside(&mut stream);
    let home = tempfile::tempdir().expect("a folder");
    let mut answers = Vec::new();
    serve(stream.as_slice(), &mut answers, home.path());
    let requests = packets(&stream).0.len();
    let (answers, rest) = packets(&answers);
    assert!(rest.is_empty() && answers.len() <= requests);
    for answer in answers {
        // VERSION, STATUS to ATTRS, EXTENDED_REPLY; each has a number.
        assert!(matches!(answer[0], 2 | 101..=105 | 201), "{answer:?}");
        assert!((5..=MAX_REQUEST).contains(&answer.len()));
    }
});

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("inputs are short");
    [&length.to_be_bytes(), bytes].concat()
}

fn keep_inside(stream: &mut [u8]) {
    let mut before = 0;
    for byte in stream {
        if *byte == b'/' || (*byte == b'.' && before == b'.') {
            *byte = b'_';
        }
        before = *byte;
    }
}

/// The whole packets in a stream, and what stands behind the last of them.
fn packets(mut stream: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut packets = Vec::new();
    while let Some((length, rest)) = stream.split_first_chunk()
        && let Some((packet, rest)) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)
    {
        packets.push(packet);
        stream = rest;
    }
    (packets, stream)
}
