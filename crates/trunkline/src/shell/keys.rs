//! Standard input: what a person types, or a pipe.

use std::io;
use std::thread;

use bytes::Bytes;
use net::bulk::read;
use rustix::stdio::stdin;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use super::escapes::{Escapes, Typed};
use super::output::Help;

/// Bytes of one read: what a packet of SSH has room for.
const PIECE: usize = 32 * 1024;

/// Reads on the way: of a pipe 4 MiB. What a person types fills them only if the far side has left megabytes unread before,
/// as after a paste; only then is `~.` not heard any more.
const ON_THE_WAY: usize = 128;

/// What is read, on a thread of its own: standard input may never end, so nobody waits for that thread.
pub(super) struct Keys {
    /// For the shell over there. An error is the last.
    pub(super) typed: Receiver<io::Result<Bytes>>,
    /// The person leaves. It does not wait behind what was typed, which nobody may take any more.
    pub(super) leaves: oneshot::Receiver<()>,
}

struct Reader {
    to: Sender<io::Result<Bytes>>,
    leave: oneshot::Sender<()>,
    /// A person types, and may want help.
    person: Option<(Escapes, Help)>,
}

impl Keys {
    /// With `help` a person types, who may leave.
    pub(super) fn start(help: Option<Help>) -> io::Result<Self> {
        let (to, typed) = channel(ON_THE_WAY);
        let (leave, leaves) = oneshot::channel();
        let person = help.map(|help| (Escapes::default(), help));
        thread::Builder::new().spawn(move || Reader { to, leave, person }.run())?;
        Ok(Self { typed, leaves })
    }
}

impl Reader {
    fn run(mut self) {
        let mut buffer = vec![0; PIECE];
        loop {
            let came = read(stdin(), &mut buffer).map(|bytes| &buffer[..bytes]);
            let goes_on = match (came, &mut self.person) {
                (Ok(keys @ [_, ..]), Some((escapes, help))) => {
                    let Typed { bytes, asks, leaves } = escapes.hear(keys);
                    if asks {
                        help.show();
                    }
                    let taken = bytes.is_empty() || self.to.blocking_send(Ok(bytes.into())).is_ok();
                    taken && !leaves
                }
                (Ok(bytes @ [_, ..]), None) => {
                    self.to.blocking_send(Ok(Bytes::copy_from_slice(bytes))).is_ok()
                }
                (Err(error), None) => {
                    let _ = self.to.blocking_send(Err(error));
                    false
                }
                // The end of a pipe, or a terminal that is gone.
                _ => false,
            };
            if !goes_on {
                break;
            }
        }
        if self.person.is_some() {
            // Nobody listens any more if all is over.
            let _ = self.leave.send(());
        }
    }
}
