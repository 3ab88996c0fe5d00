//! A connection to elsewhere, for a client (RFC 4254 section 7.2).

use std::sync::Arc;

use russh::ChannelOpenFailure;
use russh::server::ChannelOpenHandle;

use super::event::Exit;
use super::session::{Line, feed, pump};
use crate::dial::Dial;

/// Connects, and moves bytes both ways until each direction has ended.
pub(super) async fn run(
    dial: Arc<dyn Dial>,
    host: String,
    port: u16,
    reply: ChannelOpenHandle,
    line: Line,
) -> Exit {
    let Line { channel, input, counters, over, .. } = line;
    let connected = tokio::select! {
        connected = dial.dial(&host, port) => connected,
        () = over.cancelled() => return Exit::HungUp,
    };
    let (reader, writer) = match connected {
        Ok(stream) => tokio::io::split(stream),
        Err(error) => {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Exit::Failed(error.to_string());
        }
    };
    reply.accept().await;
    let back = async {
        pump(Box::new(reader), &channel, None, &counters.sent, input.budget()).await;
        let _ = channel.eof().await;
    };
    let both = async { tokio::join!(back, feed(&input, Box::new(writer), &counters.received)) };
    let exit = tokio::select! {
        ((), given) = both => match given {
            Ok(()) => Exit::Done,
            Err(error) => Exit::Failed(error.to_string()),
        },
        () = over.cancelled() => Exit::HungUp,
    };
    let _ = channel.close().await;
    exit
}
