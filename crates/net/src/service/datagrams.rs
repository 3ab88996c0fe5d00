//! The services over datagrams: each datagram is a message, and there is no connection that could end.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::forward::WayBack;
use super::loops::LoopGuard;
use super::{CallEvent, Desk, Reply, Server, Service, chargen, forward, guard, shell};
use crate::buffer::READ_SIZE;
use crate::datagram::{Caller, DATAGRAM_MAX};
use crate::door::{Census, Place, Shutdown};
use crate::listen::DatagramSocket;
use crate::report::Event;
use crate::{Address, Ending, Endpoint, Limits, Peer, Tally};

/// Datagrams answered in a row before the other tasks, and the signals, get their turn.
const BATCH: usize = 64;

/// Senders that `room` and `talk` know at one time; the one silent for longest is forgotten for a new one. A forged
/// sender costs one place, not memory without end.
const CALLERS: usize = 1024;

/// How long `room` speaks to a sender who is silent: long enough to think, short enough that a forged sender is
/// soon left alone.
const HEARS_FOR: Duration = Duration::from_secs(600);

/// Commands of `shell` that run at one time; further ones wait in the socket's buffer, and are lost there when it is
/// full, as datagrams are.
const COMMANDS_AT_ONCE: usize = 64;

/// How long a sender of `forward` may be silent before its line to the far side is closed.
const FORWARDED_FOR: Duration = Duration::from_secs(60);

/// Datagrams that wait for a far side which is slower than their sender.
const WAITING_FOR_FAR_SIDE: usize = 64;

impl Server {
    /// Answers the datagrams of `socket` until told to stop. There is little to drain: a datagram is answered or is
    /// not. What the person of `talk` has said is still sent, and the lines of `forward` report that they are closed.
    ///
    /// # Errors
    /// When the socket itself fails.
    pub async fn attend_datagrams(
        self: &Arc<Self>,
        socket: DatagramSocket,
        limits: &Limits,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        let local = socket.local().clone();
        let receiver = Receiver { server: self, socket: Arc::new(socket), limits, local };
        let drained = async {
            match self.service {
                // These end themselves.
                Service::Talk(_) | Service::Forward(_) => std::future::pending().await,
                _ => shutdown.drain.cancelled().await,
            }
        };
        tokio::select! {
            ended = receiver.run(shutdown) => ended,
            () = drained => Ok(()),
            () = shutdown.now.cancelled() => Ok(()),
        }
    }
}

/// The loop over a socket's datagrams, in the form that each service needs.
struct Receiver<'a> {
    server: &'a Arc<Server>,
    socket: Arc<DatagramSocket>,
    limits: &'a Limits,
    local: Endpoint,
}

impl Receiver<'_> {
    async fn run(&self, shutdown: &Shutdown) -> io::Result<()> {
        match &self.server.service {
            Service::Reply(reply) => self.reply(*reply).await,
            Service::Chargen => self.chargen().await,
            Service::Talk(desk) => self.talk(desk, &shutdown.drain).await,
            Service::Room => self.room().await,
            Service::Forward(to) => self.forward(to, &shutdown.drain).await,
            Service::Shell => self.shell().await,
            Service::Exec(_) => Err(io::Error::other(super::ServiceError::ExecOverDatagrams)),
        }
    }

    /// The fast loop: everything that is there is answered in place before the next wait.
    async fn reply(&self, reply: Reply) -> io::Result<()> {
        let mut buffer = vec![0; READ_SIZE];
        let mut loops = LoopGuard::new();
        loop {
            self.socket.readable().await?;
            let mut taken = 0;
            while taken < BATCH {
                let (length, caller) = match self.socket.try_recv_from(&mut buffer) {
                    Ok(received) => received,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        self.trouble("receiving a datagram", &error);
                        break;
                    }
                };
                taken += 1;
                let datagram = &mut buffer[..length];
                if self.takes(&caller, datagram) && Self::rewrite(reply, datagram, &caller, &mut loops) {
                    self.answer(datagram, &caller).await;
                }
            }
            if taken == BATCH {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Turns a datagram into its answer; false when there is none.
    fn rewrite(reply: Reply, datagram: &mut [u8], caller: &Caller, loops: &mut LoopGuard) -> bool {
        if reply == Reply::Discard {
            return false;
        }
        // What upper-casing changes is not our own answer, so only what it does not change can be a loop.
        let could_loop = reply == Reply::Echo || !datagram.iter().any(u8::is_ascii_lowercase);
        reply.rewrite(datagram);
        match caller {
            Caller::Ip(sender) if could_loop => {
                let is_loop = loops.is_loop(*sender, datagram, Instant::now());
                if !is_loop {
                    loops.answered(*sender, datagram);
                }
                !is_loop
            }
            _ => true,
        }
    }

    async fn chargen(&self) -> io::Result<()> {
        let mut buffer = vec![0; READ_SIZE];
        for count in 0.. {
            let (length, caller) = self.next(&mut buffer).await?;
            if caller.is_on_this_machine() && !chargen::is_from_chargen(&buffer[..length]) {
                self.answer(chargen::datagram(count), &caller).await;
            }
        }
        Ok(())
    }

    async fn talk(&self, desk: &Desk, person_left: &CancellationToken) -> io::Result<()> {
        let mut buffer = vec![0; READ_SIZE];
        let mut callers = Callers::default();
        let (sender, mut answers) = mpsc::channel::<(u64, Vec<u8>)>(CALLERS);
        loop {
            tokio::select! {
                biased;
                Some((id, text)) = answers.recv() => {
                    if let Some(caller) = callers.by_id(id) {
                        self.answer(&text, &caller).await;
                    }
                }
                () = person_left.cancelled() => return Ok(()),
                received = self.next(&mut buffer) => {
                    let (length, caller) = received?;
                    let (id, forgotten) = callers.meet(&caller, Instant::now(), || self.server.next_id());
                    if let Some(forgotten) = forgotten {
                        desk.leave(forgotten);
                    }
                    desk.enter(id, sender.clone());
                    let peer = Peer { id, local: self.local.clone(), remote: caller.endpoint() };
                    tokio::select! {
                        () = desk.tell(&peer, CallEvent::Said(buffer[..length].to_vec())) => {}
                        () = person_left.cancelled() => {}
                    }
                }
            }
        }
    }

    async fn room(&self) -> io::Result<()> {
        let mut buffer = vec![0; READ_SIZE];
        let mut callers = Callers::default();
        loop {
            let (length, sender) = self.next(&mut buffer).await?;
            let now = Instant::now();
            callers.meet(&sender, now, || self.server.next_id());
            for member in callers.heard_from_within(HEARS_FOR, now) {
                if member != sender {
                    self.answer(&buffer[..length], &member).await;
                }
            }
        }
    }

    async fn shell(&self) -> io::Result<()> {
        let mut buffer = vec![0; READ_SIZE];
        let places = Arc::new(Semaphore::new(COMMANDS_AT_ONCE));
        // Dropped with this future, which ends the commands that still run.
        let mut commands = JoinSet::new();
        loop {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            while commands.try_join_next().is_some() {}
            let (length, caller) = self.next(&mut buffer).await?;
            let command = buffer[..length].to_vec();
            let id = self.server.next_id();
            let peer = Peer { id, local: self.local.clone(), remote: caller.endpoint() };
            let (socket, server) = (Arc::clone(&self.socket), Arc::clone(self.server));
            commands.spawn(async move {
                let answer = match guard::check_is_text(&command) {
                    Ok(()) => shell::whole_answer(&command, &peer, DATAGRAM_MAX).await.text,
                    Err(error) => {
                        let error = io::Error::other(error);
                        return server
                            .reporter
                            .report(Event::Trouble { doing: "running a datagram's command", error: &error });
                    }
                };
                answer_to(&server, &socket, &answer, &caller).await;
                drop(place);
            });
        }
    }

    /// Each sender has a line of its own to the far side.
    async fn forward(&self, to: &Address, drain: &CancellationToken) -> io::Result<()> {
        let mut buffer = vec![0; READ_SIZE];
        let inside = Arc::new(Census::default());
        let mut lines: HashMap<Caller, mpsc::Sender<Arc<[u8]>>> = HashMap::new();
        let mut running = JoinSet::new();
        loop {
            let (length, caller) = tokio::select! {
                received = self.next(&mut buffer) => received?,
                Some(_) = running.join_next() => {
                    lines.retain(|_, line| !line.is_closed());
                    continue;
                }
                () = drain.cancelled() => break,
            };
            if lines.get(&caller).is_none_or(mpsc::Sender::is_closed) {
                let remote = caller.endpoint();
                let place = match inside.admit(self.limits, remote.socket_addr().map(|address| address.ip()))
                {
                    Ok(place) => place,
                    Err(refusal) => {
                        self.server.reporter.report(Event::Refused {
                            local: &self.local,
                            remote: &remote,
                            refusal,
                        });
                        continue;
                    }
                };
                let (line, datagrams) = mpsc::channel(WAITING_FOR_FAR_SIDE);
                lines.insert(caller.clone(), line);
                let peer = Arc::new(Peer { id: self.server.next_id(), local: self.local.clone(), remote });
                let back = WayBack { socket: Arc::clone(&self.socket), caller: caller.clone() };
                let line = Line { peer, datagrams, to: to.clone(), back, place };
                running.spawn(line.run(Arc::clone(self.server), drain.clone()));
            }
            // A far side that is slower than this sender loses datagrams, as a slow network would.
            let _ = lines[&caller].try_send(buffer[..length].into());
        }
        while running.join_next().await.is_some() {}
        Ok(())
    }

    /// The next datagram that is to be answered.
    async fn next(&self, buffer: &mut [u8]) -> io::Result<(usize, Caller)> {
        loop {
            match self.socket.recv_from(buffer).await {
                Ok((length, caller)) if self.takes(&caller, &buffer[..length]) => {
                    return Ok((length, caller));
                }
                Ok(_) => {}
                Err(error) => {
                    self.trouble("receiving a datagram", &error);
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Whether a sender may be answered, by the lists and by [`LoopGuard`]'s rule. What is taken is shown.
    fn takes(&self, caller: &Caller, datagram: &[u8]) -> bool {
        if let Caller::Ip(sender) = caller
            && !(self.limits.access.admits(sender.ip()) && LoopGuard::may_answer(*sender))
        {
            return false;
        }
        show(self.server, caller, datagram, true);
        true
    }

    async fn answer(&self, datagram: &[u8], caller: &Caller) {
        answer_to(self.server, &self.socket, datagram, caller).await;
    }

    fn trouble(&self, doing: &'static str, error: &io::Error) {
        self.server.reporter.report(Event::Trouble { doing, error });
    }
}

/// Sends an answer, where there is a way back.
async fn answer_to(server: &Server, socket: &DatagramSocket, answer: &[u8], caller: &Caller) {
    match socket.send_to(answer, caller).await {
        Ok(()) if *caller == Caller::Unnamed => {}
        Ok(()) => show(server, caller, answer, false),
        Err(error) => server.reporter.report(Event::Trouble { doing: "answering a datagram", error: &error }),
    }
}

fn show(server: &Server, caller: &Caller, bytes: &[u8], came: bool) {
    if server.reporter.wants_datagrams() {
        server.reporter.report(Event::Datagram { remote: &caller.endpoint(), bytes, came });
    }
}

/// One sender's line to the far side of a `forward`.
struct Line {
    peer: Arc<Peer>,
    datagrams: mpsc::Receiver<Arc<[u8]>>,
    to: Address,
    back: WayBack,
    place: Place,
}

impl Line {
    async fn run(self, server: Arc<Server>, drain: CancellationToken) {
        let Self { peer, datagrams, to, back, place } = self;
        let (started, tally) = (Instant::now(), Arc::new(Tally::default()));
        server.reporter.report(Event::Opened { peer: &peer });
        let mut session = server.session(Arc::clone(&peer), Arc::clone(&tally), None);
        session.idle = Some(server.idle.unwrap_or(FORWARDED_FOR));
        let ending = tokio::select! {
            ending = forward::forward_datagrams(datagrams, &mut session, &to, &back) => ending,
            () = drain.cancelled() => Ending::Eof,
        };
        let lasted = started.elapsed();
        server.reporter.report(Event::Closed { peer: &peer, tally: &tally, lasted, ending: &ending });
        drop(place);
    }
}

/// The senders of late.
#[derive(Default)]
struct Callers {
    known: HashMap<Caller, Known>,
}

#[derive(Clone, Copy)]
struct Known {
    id: u64,
    heard: Instant,
}

impl Callers {
    /// The number of a caller, and the number of the one who was forgotten to make room for it.
    fn meet(&mut self, caller: &Caller, now: Instant, new_id: impl FnOnce() -> u64) -> (u64, Option<u64>) {
        if let Some(known) = self.known.get_mut(caller) {
            known.heard = now;
            return (known.id, None);
        }
        let forgotten = if self.known.len() < CALLERS { None } else { self.forget_one() };
        let id = new_id();
        self.known.insert(caller.clone(), Known { id, heard: now });
        (id, forgotten)
    }

    fn forget_one(&mut self) -> Option<u64> {
        let silent_longest = self.known.iter().min_by_key(|(_, known)| known.heard)?.0.clone();
        self.known.remove(&silent_longest).map(|known| known.id)
    }

    fn by_id(&self, id: u64) -> Option<Caller> {
        self.known.iter().find(|(_, known)| known.id == id).map(|(caller, _)| caller.clone())
    }

    fn heard_from_within(&self, time: Duration, now: Instant) -> Vec<Caller> {
        let recent = self.known.iter().filter(|(_, known)| now.duration_since(known.heard) < time);
        recent.map(|(caller, _)| caller.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
