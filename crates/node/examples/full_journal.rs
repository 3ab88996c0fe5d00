//! Fills a journal as full as it gets: `full_journal FOLDER`. Of a million messages ten have the words "zebra" and "斑马" in
//! them, and none has "unicorn" or "麒麟".
//!
//! `cargo xtask bench chat` starts a node with it, and the test `journal_search` searches in it.

use std::error::Error;
use std::path::Path;

use jiff::Timestamp;
use node::journal::{Change, Journal, MESSAGES_MAX, Party, ReceivedMessage, Writer};

/// What people write, all of it common.
const COMMON: [&str; 8] = [
    "收到",
    "好的，谢谢",
    "今天下午三点开会，请大家准时到",
    "the server is down again",
    "what time is the meeting",
    "请看一下这个文件",
    "我们的网络有问题吗",
    "ok",
];

/// Between two waits for the disk: less than the queue takes.
const AT_ONCE: i64 = 5_000;

#[allow(dead_code, reason = "the test uses the rest")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("full_journal FOLDER")?;
    fill(Path::new(&folder)).await
}

/// Writes [`MESSAGES_MAX`] messages of 41 people, a second apart.
pub(crate) async fn fill(folder: &Path) -> Result<(), Box<dyn Error>> {
    let writer = Writer::start(Journal::open(folder)?, |_| ())?;
    for nth in 0..MESSAGES_MAX {
        let (message, at) = (message(nth)?, Timestamp::from_second(nth)?);
        // What cannot be written is missed at the end.
        writer.write(Change::Received { message, at }, drop);
        if nth % AT_ONCE == 0 {
            writer.flush().await;
        }
    }
    writer.flush().await;
    let newest = Journal::open(folder)?.message(MESSAGES_MAX)?;
    newest.map(drop).ok_or_else(|| "the disk did not take every message".into())
}

fn message(nth: i64) -> Result<ReceivedMessage, Box<dyn Error>> {
    let is_rare = nth % (MESSAGES_MAX / 10) == 500;
    let mut text = COMMON[usize::try_from(nth * 7 % 8)?].to_owned();
    if is_rare {
        text.push_str(" zebra 斑马");
    }
    // And words that only some people use, as a language has them: numbers in letters, different in each message.
    for factor in [7_919, 104_729] {
        let digits = (nth * factor % 20_011).to_string();
        text.push(' ');
        text.extend(digits.bytes().map(|digit| char::from(digit - b'0' + b'q')));
    }
    let nick = if is_rare { "zoologist".to_owned() } else { format!("person{}", nth * 11 % 40) };
    let address = format!("10.0.0.{}:2425", nth * 11 % 40).parse().ok();
    let from = Party { user: nick.clone(), host: format!("host-{nick}"), nick, address, ..Party::default() };
    let number = u32::try_from(nth)?;
    Ok(ReceivedMessage { from, id: None, number, text, sealed: false, automatic: false, broadcast: false })
}
