//! The services over datagrams: each datagram is a message, and there is no connection that could end.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::loops::LoopGuard;
use super::{CallEvent, Desk, Reply, Server, Service, chargen, check_user, forward, guard, shell};
use crate::datagram::{Caller, DATAGRAM_MAX};
use crate::door::{Census, Place, Shutdown};
use crate::listen::DatagramSocket;
use crate::report::Event;
use crate::{Address, Endpoint, Limits, Peer, Tally};

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
    /// Answers the datagrams of `socket` until told to stop. There is nothing to drain: a datagram is answered or is
    /// not.
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
            shutdown.drain.cancelled().await;
            // What the person has said is still sent.
            if matches!(self.service, Service::Talk(_)) {
                std::future::pending().await
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
            Service::Forward(to) => self.forward(to).await,
            Service::Shell => self.shell().await,
            Service::Exec(_) => Err(io::Error::other(super::ServiceError::ExecOverDatagrams)),
        }
    }

    /// The fast loop: everything that is there is answered in place before the next wait.
    async fn reply(&self, reply: Reply) -> io::Result<()> {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut loops = LoopGuard::new();
        loop {
            self.socket.readable().await?;
            for _ in 0..BATCH {
                let (length, caller) = match self.socket.try_recv_from(&mut buffer) {
                    Ok(received) => received,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        self.trouble("receiving a datagram", &error);
                        break;
                    }
                };
                let datagram = &mut buffer[..length];
                if !self.takes(&caller, datagram) || reply == Reply::Discard {
                    continue;
                }
                // What upper-casing changes is not our own answer, so only what it does not change can be a loop.
                let could_loop = reply == Reply::Echo || !datagram.iter().any(u8::is_ascii_lowercase);
                reply.rewrite(datagram);
                if let Caller::Ip(sender) = caller
                    && could_loop
                {
                    if loops.is_loop(sender, datagram, Instant::now()) {
                        continue;
                    }
                    loops.answered(sender, datagram);
                }
                self.answer(datagram, &caller).await;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn chargen(&self) -> io::Result<()> {
        let mut buffer = vec![0; DATAGRAM_MAX];
        for count in 0.. {
            let (_, caller) = self.next(&mut buffer).await?;
            if caller.is_on_this_machine() {
                self.answer(chargen::datagram(count), &caller).await;
            }
        }
        Ok(())
    }

    async fn talk(&self, desk: &Desk, person_left: &CancellationToken) -> io::Result<()> {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut callers = Callers::default();
        let (sender, mut answers) = mpsc::channel(CALLERS);
        loop {
            tokio::select! {
                received = self.next(&mut buffer) => {
                    let (length, caller) = received?;
                    let (id, forgotten) = callers.meet(&caller, Instant::now());
                    if let Some(forgotten) = forgotten {
                        desk.leave(forgotten);
                    }
                    desk.enter(id, sender.clone());
                    let peer = Peer { id, local: self.local.clone(), remote: caller.endpoint() };
                    desk.tell(&peer, CallEvent::Said(buffer[..length].to_vec())).await;
                }
                Some((id, text)) = answers.recv() => {
                    if let Some(caller) = callers.by_id(id) {
                        self.answer(&text, &caller).await;
                    }
                }
                () = person_left.cancelled(), if answers.is_empty() => return Ok(()),
            }
        }
    }

    async fn room(&self) -> io::Result<()> {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut callers = Callers::default();
        loop {
            let (length, sender) = self.next(&mut buffer).await?;
            let now = Instant::now();
            callers.meet(&sender, now);
            for member in callers.heard_from_within(HEARS_FOR, now) {
                if member != sender {
                    self.answer(&buffer[..length], &member).await;
                }
            }
        }
    }

    async fn shell(&self) -> io::Result<()> {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let places = Arc::new(Semaphore::new(COMMANDS_AT_ONCE));
        // Dropped with this future, which ends the commands that still run.
        let mut commands = JoinSet::new();
        for id in 1.. {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            while commands.try_join_next().is_some() {}
            let (length, caller) = self.next(&mut buffer).await?;
            let command = buffer[..length].to_vec();
            let peer = Peer { id, local: self.local.clone(), remote: caller.endpoint() };
            let (socket, server) = (Arc::clone(&self.socket), Arc::clone(self.server));
            commands.spawn(async move {
                let checked = if server.same_user_only { check_user(&peer) } else { Ok(()) };
                let checked =
                    checked.and_then(|()| guard::check_is_text(&command).map_err(|error| error.to_string()));
                let answer = match checked {
                    Ok(()) => shell::whole_answer(&command, &peer, DATAGRAM_MAX).await.text,
                    Err(reason) => {
                        let error = io::Error::other(reason);
                        return server
                            .reporter
                            .report(Event::Trouble { doing: "running a datagram's command", error: &error });
                    }
                };
                if let Err(error) = socket.send_to(&answer, &caller).await {
                    server.reporter.report(Event::Trouble { doing: "answering a datagram", error: &error });
                }
                drop(place);
            });
        }
        Ok(())
    }

    /// Each sender has a line of its own to the far side.
    async fn forward(&self, to: &Address) -> io::Result<()> {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let inside = Arc::new(Census::default());
        let mut lines: HashMap<Caller, mpsc::Sender<Arc<[u8]>>> = HashMap::new();
        let mut running = JoinSet::new();
        let mut next_id = 1;
        loop {
            let (length, caller) = tokio::select! {
                received = self.next(&mut buffer) => received?,
                Some(Ok(ended)) = running.join_next(), if !running.is_empty() => {
                    lines.remove(&ended);
                    continue;
                }
            };
            if !lines.contains_key(&caller) {
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
                let peer = Arc::new(Peer { id: next_id, local: self.local.clone(), remote });
                next_id += 1;
                running.spawn(run_line(
                    Arc::clone(self.server),
                    Arc::clone(&self.socket),
                    Line { caller: caller.clone(), peer, datagrams, to: to.clone(), place },
                ));
            }
            // A far side that is slower than this sender loses datagrams, as a slow network would.
            let _ = lines[&caller].try_send(buffer[..length].into());
        }
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
        self.show(caller, datagram, true);
        true
    }

    async fn answer(&self, datagram: &[u8], caller: &Caller) {
        match self.socket.send_to(datagram, caller).await {
            Ok(()) => self.show(caller, datagram, false),
            Err(error) => self.trouble("answering a datagram", &error),
        }
    }

    fn show(&self, caller: &Caller, bytes: &[u8], came: bool) {
        if self.server.reporter.wants_datagrams() {
            self.server.reporter.report(Event::Datagram { remote: &caller.endpoint(), bytes, came });
        }
    }

    fn trouble(&self, doing: &'static str, error: &io::Error) {
        self.server.reporter.report(Event::Trouble { doing, error });
    }
}

/// One sender's line to the far side of a `forward`.
struct Line {
    caller: Caller,
    peer: Arc<Peer>,
    datagrams: mpsc::Receiver<Arc<[u8]>>,
    to: Address,
    place: Place,
}

/// Runs a line to its end and tells whose it was.
async fn run_line(server: Arc<Server>, socket: Arc<DatagramSocket>, line: Line) -> Caller {
    let Line { caller, peer, datagrams, to, place } = line;
    let (started, tally) = (Instant::now(), Arc::new(Tally::default()));
    server.reporter.report(Event::Opened { peer: &peer });
    let mut session = server.session(Arc::clone(&peer), Arc::clone(&tally), None);
    session.idle = Some(server.idle.unwrap_or(FORWARDED_FOR));
    let back = forward::WayBack { socket, caller };
    let ending = forward::forward_datagrams(datagrams, &mut session, &to, &back).await;
    server.reporter.report(Event::Closed {
        peer: &peer,
        tally: &tally,
        lasted: started.elapsed(),
        ending: &ending,
    });
    drop(place);
    back.caller
}

/// The senders of late.
#[derive(Default)]
struct Callers {
    known: HashMap<Caller, Known>,
    last_id: u64,
}

#[derive(Clone, Copy)]
struct Known {
    id: u64,
    heard: Instant,
}

impl Callers {
    /// The number of a caller, and the number of the one who was forgotten to make room for it.
    fn meet(&mut self, caller: &Caller, now: Instant) -> (u64, Option<u64>) {
        if let Some(known) = self.known.get_mut(caller) {
            known.heard = now;
            return (known.id, None);
        }
        let forgotten = if self.known.len() < CALLERS { None } else { self.forget_one() };
        self.last_id += 1;
        self.known.insert(caller.clone(), Known { id: self.last_id, heard: now });
        (self.last_id, forgotten)
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
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn caller(number: u32) -> Caller {
        let [a, b, c, d] = number.to_be_bytes();
        Caller::Ip(SocketAddr::from(([10, b, c, d], 5000 + u16::from(a))))
    }

    #[test]
    fn a_caller_keeps_its_number() {
        let (mut callers, now) = (Callers::default(), Instant::now());
        assert_eq!(callers.meet(&caller(1), now), (1, None));
        assert_eq!(callers.meet(&caller(2), now), (2, None));
        assert_eq!(callers.meet(&caller(1), now), (1, None));
        assert_eq!(callers.by_id(2), Some(caller(2)));
    }

    #[test]
    fn an_attacker_with_forged_senders_takes_a_bounded_number_of_places() {
        let (mut callers, start) = (Callers::default(), Instant::now());
        for number in 0..10_000 {
            callers.meet(&caller(number), start + Duration::from_millis(number.into()));
        }
        assert_eq!(callers.known.len(), CALLERS);
        assert!(callers.known.contains_key(&caller(9_999)), "the newest is known");
    }

    #[test]
    fn a_sender_who_is_silent_for_long_hears_no_more() {
        let (mut callers, start) = (Callers::default(), Instant::now());
        callers.meet(&caller(1), start);
        callers.meet(&caller(2), start + HEARS_FOR);
        assert_eq!(callers.heard_from_within(HEARS_FOR, start + HEARS_FOR), [caller(2)]);
    }
}
