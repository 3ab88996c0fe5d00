//! A stream through another connection.
//!
//! russh writes to a connection and reads from it in turns. Over TCP the kernel has room for both; but through another
//! connection of russh's, whoever waits for room to write reads nothing meanwhile, and then the other one, which waits to be
//! read, makes no room: all that goes through it would stand still for ever. So here there is always room to write.

use russh::ChannelStream;
use russh::client::Msg;
use tokio_util::sync::CancellationToken;

use crate::dial::Stream;

/// Bytes that wait for their way through. No more than the other end has room for are ever sent, and of the servers in use
/// none has more room than this; one that says so, and then reads nothing, has whoever writes to it wait.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// A channel to another machine, with room. What waits in it is gone with the cut.
pub(super) fn with_room(channel: ChannelStream<Msg>, cut: CancellationToken) -> impl Stream {
    let (incoming, mut outgoing) = tokio::io::split(channel);
    let (room, mut waiting) = tokio::io::duplex(MAX_WAITING);
    tokio::spawn(async move {
        tokio::select! {
            biased;
            _ = tokio::io::copy(&mut waiting, &mut outgoing) => {}
            () = cut.cancelled() => {}
        }
    });
    tokio::io::join(incoming, room)
}
