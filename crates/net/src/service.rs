//! What answers at an open line.

mod chargen;
mod converse;
mod datagrams;
mod forward;
mod guard;
mod loops;
mod process;
mod room;
mod shell;
mod talk;

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

pub use converse::Reply;
pub use talk::{Call, CallEvent, Desk};

use crate::buffer::Budget;
use crate::census;
use crate::frame::Framing;
use crate::report::Reporter;
use crate::session::{Observer, Session};
use crate::{Address, Bound, Ending, Endpoint, Peer, Stream, Tally};
use guard::Guarded;
use room::Room;

/// How long a connection that we end is still read from, so that our last words are not lost: a socket closed with
/// unread bytes in it is reset, and the reset overtakes what was sent (RFC 9293 section 3.6).
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a server does with what comes.
#[derive(Clone, Debug)]
pub enum Service {
    /// Each message has its answer at once: `upper`, `echo`, `discard`.
    Reply(Reply),
    /// Characters without end.
    Chargen,
    /// A person at this terminal answers.
    Talk(Arc<Desk>),
    /// What one says, all others hear.
    Room,
    /// Joins the connection with another address.
    Forward(Address),
    /// Each message is a command.
    Shell,
    /// A process per connection.
    Exec(Vec<OsString>),
}

impl Service {
    /// Whether it starts programs for those who connect.
    #[must_use]
    pub fn runs_programs(&self) -> bool {
        matches!(self, Self::Shell | Self::Exec(_))
    }

    /// Whether it may be opened at the places where `bound` listens, with socket files of this `mode`. Programs are
    /// started for the user of this process only, unless `same_user_only` is off.
    ///
    /// # Errors
    /// Why not, and what to do instead.
    pub fn check_place(&self, bound: &Bound, mode: u32, same_user_only: bool) -> Result<(), ServiceError> {
        let datagrams = matches!(bound, Bound::Datagram(_));
        if datagrams && matches!(self, Self::Exec(_)) {
            return Err(ServiceError::ExecOverDatagrams);
        }
        for at in bound.locals() {
            let beyond = match at.socket_addr() {
                Some(address) => !address.ip().to_canonical().is_loopback(),
                None => mode & 0o077 != 0,
            };
            if same_user_only && self.runs_programs() {
                if matches!(at, Endpoint::Udp(_)) {
                    return Err(ServiceError::ShellOverUdp);
                }
                if beyond {
                    return Err(ServiceError::OpenToOthers { at: at.clone() });
                }
            }
            if beyond && matches!((self, at), (Self::Chargen, Endpoint::Udp(_))) {
                return Err(ServiceError::ChargenOverUdp);
            }
        }
        Ok(())
    }

    /// Whether a frame makes sense for it at `address`.
    ///
    /// # Errors
    /// Why not.
    pub fn check_frame(&self, address: &Address) -> Result<(), ServiceError> {
        match self {
            Self::Exec(_) => Err(ServiceError::FrameOfProgram),
            Self::Chargen => Err(ServiceError::FrameOfChargen),
            Self::Forward(to) if to.is_datagram() == address.is_datagram() => {
                Err(ServiceError::FrameOfForward)
            }
            Self::Forward(_) => Ok(()),
            _ if address.is_datagram() => Err(ServiceError::FrameOverDatagrams),
            _ => Ok(()),
        }
    }
}

/// Why a service cannot be opened where it was asked for.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ServiceError {
    /// `shell` and `exec` beyond this machine.
    #[error(
        "shell and exec run programs for whoever connects, and {at} can be reached by others: listen on 127.0.0.1, \
         on [::1] or on a unix: socket of mode 0600, or say --insecure-remote-exec"
    )]
    OpenToOthers {
        /// Where it would listen.
        at: Endpoint,
    },
    /// Over UDP the kernel cannot tell for certain who sent a command.
    #[error(
        "shell over UDP would run commands for anyone: the sender of a datagram is a claim; listen on tcp://127.0.0.1, \
         on unix: or on unix-dgram:, or say --insecure-remote-exec"
    )]
    ShellOverUdp,
    /// `exec` needs a stream.
    #[error("exec gives a connection to a process, and datagrams have no connection: use tcp:// or unix:")]
    ExecOverDatagrams,
    /// `chargen` over UDP answers one small datagram, which may be forged, with a larger one.
    #[error(
        "chargen over UDP stays on this machine, for it can be turned against others: listen on 127.0.0.1, or use tcp://"
    )]
    ChargenOverUdp,
    /// A frame where datagrams are the messages.
    #[error("a datagram is a message already: --frame is for streams")]
    FrameOverDatagrams,
    /// A frame where there is nothing to cut.
    #[error(
        "forward needs --frame only between a stream and datagrams: two lines of one kind are joined as they are"
    )]
    FrameOfForward,
    /// A frame for a program's bytes.
    #[error(
        "exec passes bytes on as they are: the program makes its own messages, so --frame has no use here"
    )]
    FrameOfProgram,
    /// A frame for characters without end.
    #[error("chargen has no messages: --frame has no use here")]
    FrameOfChargen,
}

/// One service with what all its connections share.
pub struct Server {
    service: Service,
    framing: Arc<Framing>,
    max_frame: usize,
    idle: Option<Duration>,
    budget: Arc<Budget>,
    room: Room,
    last_id: AtomicU64,
    same_user_only: bool,
    reporter: Arc<dyn Reporter>,
}

impl Server {
    /// A server of `service` that cuts streams with `framing` into messages of at most `max_frame` bytes. With
    /// `same_user_only`, what starts programs does so only for a caller over TCP who is the user of this process.
    pub fn new(
        service: Service,
        framing: Framing,
        max_frame: usize,
        idle: Option<Duration>,
        same_user_only: bool,
        reporter: Arc<dyn Reporter>,
    ) -> Self {
        Self {
            service,
            framing: Arc::new(framing),
            max_frame,
            idle,
            budget: Arc::new(Budget::for_messages_of(max_frame)),
            room: Room::default(),
            last_id: AtomicU64::new(0),
            same_user_only,
            reporter,
        }
    }

    /// Serves one connection to its end.
    pub async fn attend(&self, mut stream: Stream, peer: Arc<Peer>, tally: Arc<Tally>) -> Ending {
        let observer = self.reporter.observe(&peer, stream.as_fd());
        let mut session = self.session(peer, tally, observer);
        let ending = self.answer(&mut stream, &mut session).await;
        if ending != Ending::Reset {
            let still_speaks = !session.input_ended;
            // Where both are done, closing says so too; a call of its own is for those who watch.
            if still_speaks || session.observer.is_some() {
                // Failing here is what happens when the other end is gone: then nobody listens to last words.
                let _ = stream.shutdown().await;
            }
            session.note_end_of_output();
            if still_speaks {
                let _ = Box::pin(tokio::time::timeout(LAST_WORDS, discard(&mut stream))).await;
            }
        }
        if let Some(observer) = &mut session.observer {
            observer.ended(&ending);
        }
        drop(stream);
        ending
    }

    /// A number for a sender of datagrams, by which every part of the program knows it: one server may answer several
    /// sockets.
    fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    fn session(&self, peer: Arc<Peer>, tally: Arc<Tally>, observer: Option<Box<dyn Observer>>) -> Session {
        Session {
            framing: Arc::clone(&self.framing),
            max_frame: self.max_frame,
            idle: self.idle,
            budget: Arc::clone(&self.budget),
            input_ended: false,
            output_ended: false,
            peer,
            tally,
            observer,
        }
    }

    /// The services that are many at a time stand in the connection's own task; the others, whose state is larger,
    /// are boxed, so that an idle connection costs what it needs.
    async fn answer<S>(&self, stream: &mut S, session: &mut Session) -> Ending
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        match &self.service {
            Service::Reply(reply) => converse::converse(stream, session, *reply).await,
            Service::Chargen => Box::pin(chargen::chargen(stream, session)).await,
            Service::Talk(desk) => Box::pin(desk.attend(stream, session)).await,
            Service::Room => Box::pin(self.room.attend(stream, session)).await,
            Service::Forward(to) => Box::pin(forward::forward(stream, session, to)).await,
            Service::Shell | Service::Exec(_) => Box::pin(self.run_programs(stream, session)).await,
        }
    }

    async fn run_programs<S>(&self, stream: &mut S, session: &mut Session) -> Ending
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.same_user_only
            && let Err(error) = check_user(&session.peer)
        {
            return Ending::Error(error);
        }
        let over_tcp = matches!(session.peer.local, Endpoint::Tcp(_));
        match &self.service {
            Service::Exec(program) if over_tcp && self.same_user_only => {
                process::exec(&mut Guarded::new(stream), session, program).await
            }
            Service::Exec(program) => process::exec(stream, session, program).await,
            // No command looks like an HTTP request, so there is no reason ever to let one through.
            _ if over_tcp => shell::shell(&mut Guarded::new(stream), session).await,
            _ => shell::shell(stream, session).await,
        }
    }
}

/// The kernel knows which user owns the other end of a connection within this machine.
fn check_user(peer: &Peer) -> Result<(), String> {
    let (Some(local), Some(remote)) = (peer.local.socket_addr(), peer.remote.socket_addr()) else {
        return Ok(());
    };
    let ours = rustix::process::geteuid().as_raw();
    match census::owner_of_peer(&peer.local, &peer.remote) {
        Some(uid) if uid == ours => Ok(()),
        Some(uid) => {
            Err(format!("the caller is uid {uid}; commands run only for uid {ours}, who started this server"))
        }
        None => Err(format!(
            "the user behind {remote} at {local} cannot be found; commands run only for uid {ours}"
        )),
    }
}

async fn discard<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests;
