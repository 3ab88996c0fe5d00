//! What comes while somebody types.

use std::mem;
use std::time::Duration;

use net::charset::Charset;
use net::untrusted::Screen;

use super::super::incoming::Incoming;
use super::super::speech::Speech;
use super::super::trouble::Trouble;
use super::super::wire::Wire;
use crate::terminal::Voice;

/// How long the rest of a line is awaited before its beginning is shown alone.
const LINE_REST: Duration = Duration::from_millis(30);

/// Bytes of a line whose end is awaited; a longer one is shown in parts.
const LONGEST_LINE: usize = 64 * 1024;

/// Shows what comes until the far side sends no more.
pub(super) fn listen(wire: &Wire, speech: &Speech, voice: &Voice) -> Result<(), Trouble> {
    let charset = speech.charset.unwrap_or(Charset::UTF_8);
    let marked = speech.is_framed() || speech.datagrams;
    let mut incoming = Incoming::new(speech.decoder());
    let mut screen = Screen::new(charset);
    let mut text = String::new();
    loop {
        let read = incoming.read(wire);
        let ended = matches!(read, Ok(0)) && !speech.datagrams;
        if matches!(read, Ok(0)) && speech.datagrams {
            text.push('\n');
        }
        while let Some(message) = incoming.next(ended).map_err(Trouble::Frame)? {
            wire.note_message();
            text += &screen.show(message);
            if marked {
                text += &mem::replace(&mut screen, Screen::new(charset)).finish();
                if !text.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
        if ended {
            text += &mem::replace(&mut screen, Screen::new(charset)).finish();
        }
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole > 0 {
            voice.say_and_wait(text.drain(..whole).collect());
        }
        // A line that comes in pieces is shown in one, unless its rest is late.
        let goes_on = read.is_ok() && !ended && !text.is_empty() && text.len() < LONGEST_LINE;
        if goes_on && wire.connection.readable_within(Some(LINE_REST)).map_err(Trouble::Receive)? {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
            voice.say_and_wait(mem::take(&mut text));
        }
        match read {
            Err(error) => return Err(Trouble::Receive(error)),
            Ok(_) if ended => return Ok(()),
            Ok(_) => {}
        }
    }
}
