//! One connection: let in, heard of, written down.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use net::door::{self, Census};
use net::limits::Refusal;
use net::report::Event as DoorEvent;
use net::tcp::QuickAck;
use net::throttle::{Throttle, Verdict, Visit};
use net::{Ending, Limits, Peer, Reporter, Stream};
use remote::server::{Closed, Event, Exit, Server};
use rustix::process::{Resource, getrlimit};
use tokio_util::sync::CancellationToken;

use super::happening::{self, Happening, What};
use super::refusals::{Keep, Refusals, Refused};
use super::strangers::{self, Room, Strangers};
use super::{CONNECTIONS_MAX, Guests, STRANGERS_MAX, STRANGERS_PER_ADDRESS};
use crate::face;
use crate::journal::{Change, Connection, Writer};
use crate::node::Node;

/// What all connections share.
pub(super) struct Host {
    pub(super) tell: Arc<dyn Fn(Happening) + Send + Sync>,
    pub(super) writer: Writer,
    /// Its faces are told who comes and goes.
    pub(super) node: Node,
    pub(super) guests: Guests,
    /// All connections that are served.
    pub(super) inside: Arc<Census>,
    /// Those of them on which nobody has logged in.
    pub(super) strangers: Arc<Strangers>,
    /// The addresses of which connections have ended without a login.
    pub(super) fruitless: Throttle,
    pub(super) refusals: Refusals,
}

impl Reporter for Host {
    fn report(&self, event: DoorEvent<'_>) {
        match event {
            DoorEvent::Refused { remote, refusal, .. } => {
                (self.tell)(turned_away(remote.unescaped(), refusal));
            }
            DoorEvent::Trouble { doing, error } => {
                (self.tell)(Happening::trouble(format!("{doing}: {error}")));
            }
            // What is told of those inside comes from the sessions.
            _ => {}
        }
    }
}

/// Serves a connection to its end.
pub(super) async fn attend(server: Server, host: Arc<Host>, stream: Stream, peer: Arc<Peer>) -> Ending {
    let (Stream::Tcp(stream), Some(from), Some(local)) =
        (stream, peer.remote.socket_addr(), peer.local.socket_addr())
    else {
        return Ending::Error("the line is for TCP".to_owned());
    };
    let visit = match host.fruitless.admit(from.ip(), Instant::now()) {
        Verdict::In(visit) => visit,
        Verdict::Out { first } => {
            if first {
                (host.tell)(kept_outside(peer.remote.unescaped()));
            }
            return Ending::Limit("too many have ended without a login".to_owned());
        }
    };
    let descriptors = getrlimit(Resource::Nofile).current;
    let (place, leave, _inside) = match places(&host.strangers, &host.inside, descriptors, from.ip()) {
        Ok(places) => places,
        Err(refusal) => {
            host.fruitless.welcome(&visit);
            (host.tell)(turned_away(peer.remote.unescaped(), refusal));
            return Ending::Limit("too many have not logged in yet".to_owned());
        }
    };
    if let Err(error) = stream.set_nodelay(true) {
        return Ending::from_io(&error);
    }
    let since = Instant::now();
    let state = Mutex::new(State { stranger: Some((place, visit)), ..State::default() });
    let guest = Arc::new(Guest { host, peer, state });
    let hears = Arc::clone(&guest);
    let report = Arc::new(move |event| hears.hear(event));
    tokio::select! {
        biased;
        () = leave.cancelled() => {
            let why = Closed::Failed("nobody had logged in, and another address needed the place".to_owned());
            guest.hear(Event::Closed { why, took: since.elapsed() });
            Ending::Limit("all places of those who have not logged in were taken".to_owned())
        }
        why = server.serve(QuickAck::new(stream), from, local, report) => ending(&why),
    }
}

/// A place among those who have not logged in, with what is cancelled when another needs it, and one among all.
fn places(
    strangers: &Arc<Strangers>,
    inside: &Arc<Census>,
    descriptors: Option<u64>,
    from: IpAddr,
) -> Result<(strangers::Place, CancellationToken, door::Place), Refusal> {
    let all = Limits { max_connections: CONNECTIONS_MAX, ..Limits::default() };
    let (place, leave) = strangers.admit(for_strangers(descriptors), from, Instant::now())?;
    Ok((place, leave, inside.admit(&all, None)?))
}

/// The places of those who have not logged in, where a program may have so many descriptors.
fn for_strangers(descriptors: Option<u64>) -> Room {
    let a_fifth = descriptors.map_or(STRANGERS_MAX, |all| usize::try_from(all / 5).unwrap_or(usize::MAX));
    let for_all = STRANGERS_MAX.min(a_fifth.max(2));
    Room { for_all, for_an_address: STRANGERS_PER_ADDRESS.min(for_all / 2) }
}

/// What is known of a connection.
struct Guest {
    host: Arc<Host>,
    peer: Arc<Peer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Until somebody is in.
    stranger: Option<(strangers::Place, Visit)>,
    /// What was refused before somebody is in.
    refused: Option<Refused>,
    /// Whose key it is.
    key: Option<String>,
    /// As faces were told of him.
    shown: Option<face::Guest>,
    /// What runs, by the sessions' numbers.
    commands: HashMap<u32, String>,
}

impl Guest {
    fn hear(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let what = match event {
            Event::Refused { user, fingerprint, reason } => {
                let reason = reason.to_string();
                state.refused = Some(Refused::after(state.refused.take(), &user, &fingerprint, &reason));
                What::Refused { user, fingerprint, reason }
            }
            Event::LoggedIn { id, key, .. } => {
                if let Some((_, visit)) = state.stranger.take() {
                    self.host.fruitless.welcome(&visit);
                }
                state.refused = None;
                state.key = Some(happening::key(&key));
                state.shown = self.host.guests.get(id);
                if let Some(guest) = state.shown.clone() {
                    self.host.node.tell(face::Event::GuestCame { guest });
                }
                What::LoggedIn
            }
            Event::Started { session, what } => {
                let command = happening::command(&what);
                state.commands.insert(session, command.clone());
                What::Started { command }
            }
            Event::NotStarted { error, .. } => What::NotStarted { error },
            Event::Ended { session, exit, received, sent, took } => {
                let command = state.commands.remove(&session).unwrap_or_default();
                self.keep_session(state.key.as_deref(), &command, &exit, (received, sent), took);
                let (exit, seconds) = (happening::exit(&exit), took.as_secs_f64());
                What::Ended { command, exit, received, sent, seconds }
            }
            Event::Closed { why, took } => {
                if let Some((_, visit)) = state.stranger.take() {
                    self.host.fruitless.blame(&visit, Instant::now());
                }
                if let Some(guest) = state.shown.take() {
                    self.host.node.tell(face::Event::GuestLeft { guest });
                }
                if let Some(refused) = state.refused.take() {
                    self.keep_refused(&refused, took);
                }
                What::Closed { reason: happening::closed(&why) }
            }
        };
        let (from, key) = (Some(self.peer.remote.unescaped()), state.key.clone());
        drop(state);
        (self.host.tell)(Happening { from, key, what });
    }

    fn keep_session(&self, key: Option<&str>, command: &str, exit: &Exit, bytes: (u64, u64), took: Duration) {
        let ending = match exit {
            Exit::Status(0) | Exit::Done => Ending::Eof,
            Exit::HungUp => Ending::Reset,
            Exit::Status(_) | Exit::Signal(_) | Exit::PutOut(_) | Exit::Failed(_) => {
                Ending::Error(happening::exit(exit))
            }
        };
        self.keep(format!("ssh: {command} (key {})", key.unwrap_or_default()), ending, bytes, took);
    }

    fn keep_refused(&self, refused: &Refused, took: Duration) {
        let (service, reason) = match self.host.refusals.keep(Instant::now()) {
            Keep::It => refused.words(),
            Keep::ThatThereAreMore => {
                let reason = "more in this minute than are kept".to_owned();
                ("ssh: others are refused, too".to_owned(), reason)
            }
            Keep::Nothing => return,
        };
        self.keep(service, Ending::Error(reason), (0, 0), took);
    }

    /// Writes into the journal. The connection does not wait for the disk.
    fn keep(&self, service: String, ending: Ending, (received, sent): (u64, u64), took: Duration) {
        self.host.writer.note(Change::Connection(Connection {
            at: Timestamp::now(),
            lasted: took,
            service,
            local: self.peer.local.unescaped(),
            remote: self.peer.remote.unescaped(),
            ending,
            received,
            messages: 0,
            sent,
        }));
    }
}

/// Told of the first only: an attacker must not fill the log.
fn kept_outside(from: String) -> Happening {
    let reason = "too many connections from this address have ended without a login; further ones are closed for a while";
    Happening { from: Some(from), key: None, what: What::TurnedAway { reason: reason.to_owned() } }
}

fn turned_away(from: String, refusal: Refusal) -> Happening {
    let reason = match refusal {
        Refusal::Full(_) => "as many are here as may be at one time",
        Refusal::PerIp(_) => "too many from this address have not logged in yet",
        Refusal::Access => "the address is not allowed in",
    };
    Happening { from: Some(from), key: None, what: What::TurnedAway { reason: reason.to_owned() } }
}

fn ending(why: &Closed) -> Ending {
    match why {
        Closed::ByClient => Ending::Eof,
        Closed::LoginGrace(_) => Ending::Timeout,
        Closed::ByOwner | Closed::Expired | Closed::Failed(_) => Ending::Error(happening::closed(why)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn an_attacker_with_a_network_of_ipv6_leaves_half_of_the_places_to_others() {
        let (strangers, inside) = (Arc::default(), Arc::default());
        let come = |network, host| {
            let from = Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, host);
            places(&strangers, &inside, None, from.into())
        };
        let inside: Vec<_> = (1..=1000).filter_map(|host| come(7, host).ok()).collect();
        assert_eq!(inside.len(), STRANGERS_PER_ADDRESS);
        assert!(matches!(come(7, 1001), Err(Refusal::PerIp(_))));
        assert!(come(8, 1).is_ok());
        drop(inside);
        assert!(come(7, 1).is_ok(), "their places are free again");
    }

    #[test]
    fn who_has_a_key_fills_no_more_places_than_there_are_and_keeps_none_of_those_outside() {
        let (strangers, inside) = (Arc::default(), Arc::default());
        let come = || places(&strangers, &inside, None, Ipv6Addr::LOCALHOST.into());
        // Whoever logs in gives his place among the strangers back.
        let mut guests: Vec<_> = (0..1000).map_while(|_| come().ok()).map(|(_, _, inside)| inside).collect();
        assert_eq!(guests.len(), CONNECTIONS_MAX);
        for _ in 0..=STRANGERS_MAX {
            assert_eq!(come().unwrap_err(), Refusal::Full(CONNECTIONS_MAX));
        }
        guests.pop();
        assert!(come().is_ok(), "who was turned away has kept no place");
    }

    #[test]
    fn strangers_take_a_fifth_of_a_small_table_and_one_address_half_of_that() {
        let places = |descriptors| {
            let Room { for_all, for_an_address } = for_strangers(descriptors);
            (for_all, for_an_address)
        };
        assert_eq!(places(Some(1024)), (STRANGERS_MAX, STRANGERS_PER_ADDRESS));
        assert_eq!(places(None), (STRANGERS_MAX, STRANGERS_PER_ADDRESS));
        assert_eq!(places(Some(128)), (25, 12));
        assert_eq!(places(Some(3)), (2, 1), "somebody may come in all the same");
    }
}
