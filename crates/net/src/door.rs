//! The front door: the one accept loop. It lets in whom the limits allow, writes down who came and how it ended, and
//! when told to close lets those who are inside finish.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::Refusal;
use crate::listen::Listener;
use crate::report::{Event, Reporter};
use crate::{Ending, Endpoint, Limits, Peer, Stream, Tally};

/// How long the door rests when accepting fails, most often because the process or the machine has no descriptor or
/// memory left for one more connection. Those inside go on; those outside wait in the backlog.
const REST_IN_TROUBLE: Duration = Duration::from_millis(100);

/// What the closing line says of a connection that was cut short.
const CUT: &str = "the server was ended";

/// How a server is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Let nobody in any more, and end when everybody has left.
    pub drain: CancellationToken,
    /// End at once.
    pub now: CancellationToken,
}

/// Accepts connections from `listeners` until told to stop. Each one that the limits let in runs through `handle` in
/// a task of its own, which must move its bytes itself, count them in the tally and say how it ended. Tells how many
/// connections were cut short because it had to end at once.
pub async fn serve<H, F>(
    mut listeners: Vec<Listener>,
    limits: &Limits,
    shutdown: &Shutdown,
    reporter: Arc<dyn Reporter>,
    handle: H,
) -> usize
where
    H: Fn(Stream, Arc<Peer>, Arc<Tally>) -> F,
    F: Future<Output = Ending> + Send + 'static,
{
    let (inside, cut) = (TaskTracker::new(), CancellationToken::new());
    let census = Arc::new(Census::default());
    let mut next_id = 1;
    let mut troubled = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.now.cancelled() => break,
            () = shutdown.drain.cancelled() => break,
            accepted = accept_any(&listeners) => accepted,
        };
        // The next listener is looked at first, or one that is never at rest, or always fails, would shut out the others.
        listeners.rotate_left(1);
        let (stream, local, remote) = match accepted {
            Ok(connection) => connection,
            // The client was gone before it was let in: its own affair.
            Err(error) if is_about_one_connection(&error) => continue,
            Err(error) => {
                if !std::mem::replace(&mut troubled, true) {
                    reporter.report(Event::Trouble { doing: "accepting a connection", error: &error });
                }
                tokio::time::sleep(REST_IN_TROUBLE).await;
                continue;
            }
        };
        troubled = false;
        let place = match census.admit(limits, remote.socket_addr().map(|address| address.ip())) {
            Ok(place) => place,
            Err(refusal) => {
                reporter.report(Event::Refused { local: &local, remote: &remote, refusal });
                continue;
            }
        };
        let peer = Arc::new(Peer { id: next_id, local, remote });
        next_id += 1;
        reporter.report(Event::Opened { peer: &peer });
        let tally = Arc::new(Tally::default());
        let started = Instant::now();
        let connection = handle(stream, Arc::clone(&peer), Arc::clone(&tally));
        let (reporter, cut) = (Arc::clone(&reporter), cut.clone());
        inside.spawn(async move {
            let ending = tokio::select! {
                biased;
                ending = connection => ending,
                () = cut.cancelled() => Ending::Error(CUT.to_owned()),
            };
            reporter.report(Event::Closed {
                peer: &peer,
                tally: &tally,
                lasted: started.elapsed(),
                ending: &ending,
            });
            drop(place);
        });
    }
    listeners.clear();
    inside.close();
    if !inside.is_empty() && !shutdown.now.is_cancelled() {
        reporter.report(Event::Draining { connections: inside.len() });
    }
    // Counted before those inside hear of it.
    let cut_short = tokio::select! {
        () = inside.wait() => 0,
        () = shutdown.now.cancelled() => inside.len(),
    };
    cut.cancel();
    inside.wait().await;
    cut_short
}

async fn accept_any(listeners: &[Listener]) -> io::Result<(Stream, Endpoint, Endpoint)> {
    poll_fn(|cx| {
        let mut ready = listeners.iter().map(|listener| listener.poll_accept(cx));
        ready.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
}

/// Errors that accept(2) passes on from the one connection. All others are about this process, this machine or the
/// listener, and stay for a while, so trying again at once would only spin.
fn is_about_one_connection(error: &io::Error) -> bool {
    [
        Errno::CONNABORTED,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::NONET,
        Errno::NOPROTOOPT,
        Errno::OPNOTSUPP,
        Errno::PERM,
        Errno::PROTO,
    ]
    .iter()
    .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Who is inside: of a front door, or of a narrower one behind it, such as that of who has yet to say who he is.
#[derive(Debug, Default)]
pub struct Census {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_ip: HashMap<IpAddr, usize>,
}

impl Census {
    /// Takes a place.
    ///
    /// # Errors
    /// Which limit stands against it.
    pub fn admit(self: &Arc<Self>, limits: &Limits, ip: Option<IpAddr>) -> Result<Place, Refusal> {
        if ip.is_some_and(|ip| !limits.access.admits(ip)) {
            return Err(Refusal::Access);
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= limits.max_connections {
            return Err(Refusal::Full(limits.max_connections));
        }
        if let Some(ip) = ip {
            let from_here = counts.by_ip.get(&ip).copied().unwrap_or(0);
            if from_here >= limits.per_ip {
                return Err(Refusal::PerIp(limits.per_ip));
            }
            counts.by_ip.insert(ip, from_here + 1);
        }
        counts.all += 1;
        Ok(Place { census: Arc::clone(self), ip })
    }
}

/// A place inside, given back when dropped.
#[derive(Debug)]
pub struct Place {
    census: Arc<Census>,
    ip: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.census.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(ip) = self.ip
            && let Some(count) = counts.by_ip.get_mut(&ip)
        {
            *count -= 1;
            if *count == 0 {
                counts.by_ip.remove(&ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::{Bound, ListenOptions, listen};

    fn ip(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_connection_too_many_is_refused_and_a_place_given_back_is_free_again() {
        let (census, limits) =
            (Arc::new(Census::default()), Limits { max_connections: 2, ..Limits::default() });
        let first = census.admit(&limits, ip(1)).ok().unwrap();
        let _second = census.admit(&limits, None).ok().unwrap();
        assert_eq!(census.admit(&limits, ip(2)).err(), Some(Refusal::Full(2)));
        drop(first);
        assert!(census.admit(&limits, ip(2)).is_ok());
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let (census, limits) = (Arc::new(Census::default()), Limits { per_ip: 1, ..Limits::default() });
        let place = census.admit(&limits, ip(1)).ok().unwrap();
        assert_eq!(census.admit(&limits, ip(1)).err(), Some(Refusal::PerIp(1)));
        assert!(census.admit(&limits, ip(2)).is_ok());
        drop(place);
        assert!(census.counts.lock().unwrap().by_ip.is_empty(), "addresses that left are forgotten");
    }

    #[test]
    fn an_address_on_the_deny_list_is_refused() {
        let access = crate::Access::parse(&[], &["192.0.2.0/24"]).unwrap();
        let limits = Limits { access, ..Limits::default() };
        assert_eq!(Arc::new(Census::default()).admit(&limits, ip(1)).err(), Some(Refusal::Access));
    }

    #[test]
    fn an_attacker_with_many_addresses_is_forgotten_where_none_is_let_in() {
        let (census, limits) = (Arc::new(Census::default()), Limits { per_ip: 0, ..Limits::default() });
        for last in 0..=255 {
            assert_eq!(census.admit(&limits, ip(last)).err(), Some(Refusal::PerIp(0)));
        }
        assert!(census.counts.lock().unwrap().by_ip.is_empty());
    }

    #[test]
    fn what_one_client_causes_is_not_what_rests_the_door() {
        let is_its_own = |errno: Errno| is_about_one_connection(&io::Error::from(errno));
        assert!(is_its_own(Errno::CONNABORTED) && is_its_own(Errno::PROTO));
        assert!(!is_its_own(Errno::MFILE) && !is_its_own(Errno::NOMEM) && !is_its_own(Errno::INVAL));
    }

    /// What the door told, a line each.
    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Reporter for Told {
        fn report(&self, event: Event<'_>) {
            self.0.lock().unwrap().push(match event {
                Event::Opened { peer } => format!("opened {}", peer.id),
                Event::Closed { peer, tally, ending, .. } => {
                    format!("closed {} {} {ending}", peer.id, tally.received())
                }
                Event::Refused { refusal, .. } => format!("refused: {refusal}"),
                Event::Draining { connections } => format!("draining {connections}"),
                other => format!("{other:?}"),
            });
        }
    }

    async fn listener() -> (Listener, SocketAddr) {
        let address = "tcp://127.0.0.1:0".parse().unwrap();
        let Bound::Stream(mut listeners) = listen(&address, &ListenOptions::default()).await.unwrap() else {
            panic!("{address}")
        };
        let at = listeners[0].local().socket_addr().unwrap();
        (listeners.remove(0), at)
    }

    /// A listener with which accept(2) fails, as it does with every one when the process has no descriptor left.
    async fn failing_listener() -> Listener {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, handle) = ("tcp://127.0.0.1:0".parse().unwrap(), socket.try_clone().unwrap());
        let bound = Bound::inherit(vec![socket.into()], &address, &ListenOptions::default()).await.unwrap();
        let Bound::Stream(mut listeners) = bound else { panic!("{address}") };
        rustix::net::shutdown(handle, rustix::net::Shutdown::Read).unwrap();
        listeners.remove(0)
    }

    /// A door whose connections end when their client does.
    fn door(listeners: Vec<Listener>, limits: Limits) -> (Shutdown, Arc<Told>, JoinHandle<usize>) {
        let (shutdown, told) = (Shutdown::default(), Arc::new(Told::default()));
        let (stop, reporter) = (shutdown.clone(), Arc::clone(&told));
        let serving = tokio::spawn(async move {
            let attend = |mut stream: Stream, _, tally: Arc<Tally>| async move {
                let mut bytes = Vec::new();
                tally.add_received(stream.read_to_end(&mut bytes).await.unwrap());
                Ending::Eof
            };
            serve(listeners, &limits, &stop, reporter, attend).await
        });
        (shutdown, told, serving)
    }

    /// A door on this machine, and its address.
    async fn open(limits: Limits) -> (SocketAddr, Shutdown, Arc<Told>, JoinHandle<usize>) {
        let (listener, at) = listener().await;
        let (shutdown, told, serving) = door(vec![listener], limits);
        (at, shutdown, told, serving)
    }

    async fn told(told: &Told, line: &str) {
        let waiting = async {
            while !told.0.lock().unwrap().iter().any(|told| told == line) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        assert!(came.is_ok(), "{line} is not in {:?}", told.0.lock().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_fails_again_and_again_rests_the_door_and_shuts_out_no_other() {
        let (good, at) = listener().await;
        let begun = tokio::time::Instant::now();
        let (_shutdown, reports, _serving) = door(vec![failing_listener().await, good], Limits::default());
        for number in 1..=3 {
            let _client = std::net::TcpStream::connect(at).unwrap();
            told(&reports, &format!("opened {number}")).await;
            assert!(begun.elapsed() >= REST_IN_TROUBLE * number, "{:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_is_closed_and_those_inside_go_on() {
        let (at, _shutdown, reports, _serving) =
            open(Limits { max_connections: 1, ..Limits::default() }).await;
        let mut first = TcpStream::connect(at).await.unwrap();
        told(&reports, "opened 1").await;
        let mut second = TcpStream::connect(at).await.unwrap();
        assert_eq!(second.read(&mut [0; 1]).await.unwrap(), 0, "it is closed");
        told(&reports, "refused: 1 connections are open already (--max-connections)").await;
        first.write_all(b"hello").await.unwrap();
        drop(first);
        told(&reports, "closed 1 5 eof").await;
        let _third = TcpStream::connect(at).await.unwrap();
        told(&reports, "opened 2").await;
    }

    #[tokio::test]
    async fn draining_lets_those_inside_finish_and_nobody_in() {
        let (at, shutdown, reports, serving) = open(Limits::default()).await;
        let inside = TcpStream::connect(at).await.unwrap();
        told(&reports, "opened 1").await;
        shutdown.drain.cancel();
        told(&reports, "draining 1").await;
        let outside = TcpStream::connect(at).await.unwrap_err();
        assert_eq!(outside.kind(), io::ErrorKind::ConnectionRefused, "the listeners are closed");
        assert!(!serving.is_finished());
        drop(inside);
        assert_eq!(serving.await.unwrap(), 0, "none is cut short");
        told(&reports, "closed 1 0 eof").await;
    }

    #[tokio::test]
    async fn ending_at_once_closes_every_connection_and_tells_how_many_also_in_the_middle_of_a_drain() {
        for drain_first in [false, true] {
            let (at, shutdown, reports, serving) = open(Limits::default()).await;
            let _inside = (TcpStream::connect(at).await.unwrap(), TcpStream::connect(at).await.unwrap());
            told(&reports, "opened 2").await;
            if drain_first {
                shutdown.drain.cancel();
                told(&reports, "draining 2").await;
            }
            shutdown.now.cancel();
            assert_eq!(serving.await.unwrap(), 2);
            told(&reports, "closed 1 0 error: the server was ended").await;
            told(&reports, "closed 2 0 error: the server was ended").await;
        }
    }
}
