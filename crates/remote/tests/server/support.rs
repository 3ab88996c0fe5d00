//! A server of a test, and clients that come to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use remote::dial::{Dial, Dialing, Stream};
use remote::server::{
    Account, Closed, Config, Event, Exit, HostKey, KeyExchanges, KeyFiles, Limits, Server, What,
};
use tempfile::TempDir;

pub(crate) use crate::client::{Place, Said, run, write_noise};

/// How long something may take that takes no time: long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of its own, with keys and a home of its own, until it is dropped.
pub(crate) struct Host {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) events: Events,
    place: Place,
    _folder: TempDir,
}

/// What has happened so far, in words.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Host {
    /// A server that lets `key` in.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same, and connections are passed on.
    pub(crate) fn that_forwards() -> Self {
        Self::with(|config| config.dial = Some(Arc::new(Tcp)))
    }

    /// The same, with a change of its configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let mut config = Config {
            host_key: HostKey::generate().unwrap(),
            key_exchanges: KeyExchanges::default(),
            account: Account { home, shell: "/bin/sh".into(), ..Account::of_this_process() },
            allow_root: true,
            limits: Limits { hangup_grace: Duration::from_millis(200), ..Limits::default() },
            folder: folder.path().into(),
            dial: None,
        };
        change(&mut config);
        let user = config.account.name.clone();
        let public = config.host_key.public().to_openssh().unwrap();
        let access = KeyFiles::new(vec![folder.path().join("allow")]);
        let server = Server::new(config, Arc::new(access));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let known = format!("[127.0.0.1]:{} {public}\n", address.port());
        std::fs::write(folder.path().join("known_hosts"), known).unwrap();
        let events = Events::default();
        std::thread::spawn({
            let (server, events) = (server.clone(), events.clone());
            move || listen(listener, &server, &events)
        });
        let place = Place { folder: folder.path().to_owned(), user, port: address.port() };
        let host = Self { server, address, events, place, _folder: folder };
        let key = host.key("key");
        host.allow(&format!("{key}\n"));
        host
    }

    /// Waits until something has happened that is told in all of these words.
    #[track_caller]
    pub(crate) fn hears(&self, words: &[&str]) {
        self.events.wait_for(words);
    }

    /// Writes the file of allowed keys.
    pub(crate) fn allow(&self, text: &str) {
        std::fs::write(self.path("allow"), text).unwrap();
    }
}

impl Deref for Host {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

/// One connection after the other, all on one thread.
fn listen(listener: std::net::TcpListener, server: &Server, events: &Events) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        while let Ok((stream, peer)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let local = stream.local_addr().unwrap();
            let (server, events) = (server.clone(), events.clone());
            let report = Arc::new(move |event: Event| events.add(&event));
            tokio::spawn(async move { server.serve(stream, peer, local, report).await });
        }
    });
}

impl Events {
    fn add(&self, event: &Event) {
        self.0.0.lock().unwrap().push(format!("{event:?}; {}", words(event)));
        self.0.1.notify_all();
    }

    /// How many events so far have this word.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.0.0.lock().unwrap().iter().filter(|event| event.contains(word)).count()
    }

    /// Waits for an event that has all of these words, and gives it.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        let fits = |event: &String| words.iter().all(|word| event.contains(word));
        let events = self.0.0.lock().unwrap();
        let (events, out) =
            self.0.1.wait_timeout_while(events, PATIENCE, |events| !events.iter().any(fits)).unwrap();
        assert!(!out.timed_out(), "nothing with {words:?} happened, but {events:#?}");
        events.iter().find(|event| fits(event)).unwrap().clone()
    }
}

/// Connects as it is told.
struct Tcp;

impl Dial for Tcp {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect((host, port)).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}

/// What has happened, in the words in which `trunkline up` tells it.
fn words(event: &Event) -> String {
    let closed = |why: &Closed| match why {
        Closed::ByClient => "the client left".to_owned(),
        Closed::Expired => "the key's time is over".to_owned(),
        other => format!("{other:?}"),
    };
    match event {
        Event::Refused { user, fingerprint, reason } => {
            format!("was refused as {user} with {fingerprint}: {reason}")
        }
        Event::LoggedIn { key, .. } => format!("{} {} is in", key.label, key.fingerprint),
        Event::Started { what, .. } => format!("runs {}", command(what)),
        Event::NotStarted { error, .. } => format!("could run nothing: {error}"),
        Event::Ended { exit, received, sent, .. } => {
            let exit = match exit {
                Exit::Status(status) => format!("status {status}"),
                Exit::Signal(signal) => format!("SIG{signal}"),
                Exit::Done => "done".to_owned(),
                Exit::HungUp => "hung up".to_owned(),
                other => format!("{other:?}"),
            };
            format!("ran something: {exit}, {received} bytes in, {sent} out")
        }
        Event::Closed { why, .. } => format!("is out: {}", closed(why)),
    }
}

fn command(what: &What) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes);
    match what {
        What::Shell { .. } => "a shell".to_owned(),
        What::Exec { command, .. } => text(command).into_owned(),
        What::Forced { command, asked } => format!("{command} (for: {})", text(asked)),
        What::Sftp => "sftp".to_owned(),
        What::Forward { host, port } => format!("a connection to {host}:{port}"),
    }
}
