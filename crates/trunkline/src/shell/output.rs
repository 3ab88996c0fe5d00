//! What the shell over there prints, written in the order in which it came, by a thread: a terminal may be slow, and neither
//! the keys nor the connection wait for it.

use std::io;
use std::thread;

use net::bulk::write_all;
use node::ssh::Piece;
use rustix::stdio::{stderr, stdout};
use tokio::sync::mpsc::{Permit, Sender, WeakSender, channel};
use tokio::sync::oneshot;

use super::escapes::HELP;

/// Pieces that wait, of at most 32 KiB each; the connection has more.
const WAITING: usize = 4;

/// Where it goes.
pub(super) struct Output {
    to: Sender<Piece>,
    written: oneshot::Receiver<io::Result<()>>,
}

/// Shows the help among what the shell prints.
pub(super) struct Help(WeakSender<Piece>);

impl Output {
    pub(super) fn start() -> io::Result<(Self, Help)> {
        let (to, mut pieces) = channel(WAITING);
        let (tell, written) = oneshot::channel();
        let help = Help(to.downgrade());
        thread::Builder::new().spawn(move || {
            let mut result = Ok(());
            while let (Ok(()), Some(piece)) = (&result, pieces.blocking_recv()) {
                result = match piece {
                    Piece::Out(bytes) => write_all(stdout(), &bytes),
                    Piece::Err(bytes) => write_all(stderr(), &bytes),
                    Piece::End(_) => Ok(()),
                };
            }
            // Who left does not wait for it.
            let _ = tell.send(result);
        })?;
        Ok((Self { to, written }, help))
    }

    /// Waits until one more piece may come. `None`: it cannot be written any more, and [`Output::finish`] says why.
    pub(super) async fn room(&self) -> Option<Permit<'_, Piece>> {
        self.to.reserve().await.ok()
    }

    /// Waits until all of it is written.
    pub(super) async fn finish(self) -> io::Result<()> {
        drop(self.to);
        self.written.await.map_err(io::Error::other)?
    }
}

impl Help {
    /// Where there is no room for it, nobody could read it.
    pub(super) fn show(&self) {
        if let Some(to) = self.0.upgrade() {
            let _ = to.try_send(Piece::Out(HELP.into()));
        }
    }
}
