//! The service `chargen`: characters without end (RFC 864), for printers, terminals and throughput.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Ending;
use crate::buffer::with_scratch;
use crate::messages::poll_write;
use crate::session::{IdleTimer, Session};

/// The printing characters of ASCII, a space to a tilde.
const CHARACTERS: usize = 95;

/// Characters in a line, before its CR LF (RFC 864).
const LINE: usize = 72;

/// The whole pattern, several times over, so that one write moves much: each line starts one character later.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let line = |first: usize| {
        (first..first + LINE).map(|at| b' ' + u8::try_from(at % CHARACTERS).unwrap_or(0)).chain(*b"\r\n")
    };
    (0..CHARACTERS * 8).flat_map(line).collect()
});

/// Sends the pattern until the client goes. What the client sends is thrown away; that it stops sending changes
/// nothing.
pub(crate) async fn chargen<S>(stream: &mut S, session: &mut Session) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut idle = IdleTimer::new(session.idle);
    let (mut at, mut listening) = (0, true);
    poll_fn(|cx| {
        if listening {
            match poll_discard(cx, stream, session) {
                Poll::Ready(Ok(())) => listening = false,
                Poll::Ready(Err(ending)) => return Poll::Ready(ending),
                Poll::Pending => {}
            }
        }
        while let Poll::Ready(written) = poll_write(cx, stream, &PATTERN[at..]) {
            match written {
                Ok(count) => {
                    session.note_wrote(&PATTERN[at..at + count]);
                    at = (at + count) % PATTERN.len();
                    idle.touch();
                }
                Err(ending) => return Poll::Ready(ending),
            }
        }
        idle.poll_expired(cx).map(|()| Ending::Timeout)
    })
    .await
}

/// One datagram's worth: a line of the pattern that starts at `count`.
pub(crate) fn datagram(count: u64) -> &'static [u8] {
    let line = usize::try_from(count % CHARACTERS as u64).unwrap_or(0);
    &PATTERN[line * (LINE + 2)..][..LINE + 2]
}

/// Whether a datagram is a part of the pattern, as another `chargen` sends it, or an `echo` sends it back: answering
/// it would go on for ever.
pub(crate) fn is_from_chargen(datagram: &[u8]) -> bool {
    datagram.len() >= LINE && memchr::memmem::find(&PATTERN, datagram).is_some()
}

/// Ready when the client will send no more.
fn poll_discard<S>(cx: &mut Context<'_>, stream: &mut S, session: &mut Session) -> Poll<Result<(), Ending>>
where
    S: AsyncRead + Unpin,
{
    with_scratch(|scratch| {
        loop {
            let mut space = ReadBuf::new(scratch);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut space))
                .map_err(|error| Ending::from_io(&error))?;
            if space.filled().is_empty() {
                session.note_end_of_input();
                return Poll::Ready(Ok(()));
            }
            session.note_read(space.filled());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_72_characters_and_each_starts_one_later() {
        let lines: Vec<_> = PATTERN.split_inclusive(|&byte| byte == b'\n').collect();
        assert!(lines[0].starts_with(b" !\"#") && lines[1].starts_with(b"!\"#$"));
        assert!(lines.iter().all(|line| line.len() == LINE + 2 && line.ends_with(b"\r\n")));
        assert_eq!(lines[0], lines[CHARACTERS]);
        assert_eq!(datagram(96), lines[1]);
    }

    #[test]
    fn what_any_chargen_sends_is_known_and_what_a_person_sends_is_not() {
        assert!((0..200).all(|count| is_from_chargen(datagram(count))));
        assert!(is_from_chargen(&PATTERN[100..612]), "inetd sends up to 512 bytes");
        assert!(!is_from_chargen(b"") && !is_from_chargen(b"ABC") && !is_from_chargen(&[b'A'; 80]));
    }
}
