//! A node of ours in a host of a test's network.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc as answers;
use std::thread::JoinHandle;
use std::time::Duration;

use node::face::{Event, Message, Person, Refused, Reply, Request};
use node::home::Home;
use node::{Node, Plan};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::network::Host;
use super::watched::Watched;
use super::{PATIENCE, PORT};

/// One with a home of its own. It leaves with a goodbye when this is dropped.
pub(crate) struct Ours {
    host: Host,
    home: TempDir,
    name: &'static str,
    /// The only one that it uses; none for all.
    interface: Option<&'static str>,
    /// Everything that its faces were told since its last start, in its order.
    pub(crate) events: Watched<Vec<Event>>,
    running: Option<Running>,
}

struct Running {
    asks: mpsc::UnboundedSender<Ask>,
    thread: JoinHandle<()>,
}

type Ask = (Request, answers::Sender<Result<Reply, Refused>>);

impl Ours {
    /// Starts one that knows nobody.
    pub(crate) fn start(host: &Host, name: &'static str) -> Self {
        Self::start_with_book(host, name, "")
    }

    /// Starts one with this `book.toml`.
    pub(crate) fn start_with_book(host: &Host, name: &'static str, book: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home_in(&home).book(), book).unwrap();
        let mut ours = Self {
            host: host.clone(),
            home,
            name,
            interface: None,
            events: Watched::default(),
            running: None,
        };
        ours.start_again();
        ours
    }

    /// From its next start on it uses only this interface.
    pub(crate) fn stay_on(&mut self, interface: &'static str) {
        self.interface = Some(interface);
    }

    /// Stops it, with a goodbye.
    pub(crate) fn stop(&mut self) {
        if let Some(Running { asks, thread }) = self.running.take() {
            drop(asks);
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "a node of ours panicked");
        }
    }

    /// Starts it once more in its home, after a stop.
    pub(crate) fn start_again(&mut self) {
        self.events.change(Vec::clear);
        let (asks, asked) = mpsc::unbounded_channel();
        let (started, is_started) = answers::channel();
        let (home, events) = (home_in(&self.home), self.events.clone());
        let plan = Plan {
            port: Some(PORT),
            name: Some(self.name.to_owned()),
            group: None,
            interface: self.interface.map(str::to_owned),
            chat: true,
            says_goodbye: true,
        };
        // A thread that is started in the host stays there.
        let thread = self.host.run(|| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(live(&home, &plan, asked, &events, &started));
            })
        });
        is_started.recv_timeout(PATIENCE).expect("a node of ours starts");
        self.running = Some(Running { asks, thread });
    }

    pub(crate) fn ask(&self, request: Request) -> Result<Reply, Refused> {
        let (answer, answered) = answers::channel();
        let running = self.running.as_ref().expect("it was stopped");
        running.asks.send((request, answer)).expect("it runs");
        answered.recv_timeout(PATIENCE).expect("a node of ours answers")
    }

    /// Sends a text to one, and returns the message's number.
    #[track_caller]
    pub(crate) fn send(&self, to: &str, text: &str) -> i64 {
        let request = Request::Send { to: to.to_owned(), text: text.to_owned(), sealed: false };
        match self.ask(request) {
            Ok(Reply::Accepted { messages, unsent }) if messages.len() == 1 && unsent.is_empty() => {
                messages[0].id
            }
            other => panic!("sending to {to} gave {other:?}"),
        }
    }

    /// What `find` finds in the first event in which it finds something.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&Event) -> Option<T>) -> T {
        self.events.wait_for_one(what, PATIENCE, find)
    }

    /// Whoever comes at this address.
    #[track_caller]
    pub(crate) fn wait_for_person(&self, limit: Duration, at: Ipv4Addr) -> Person {
        self.events.wait_for_one(&format!("somebody at {at}"), limit, |event| match event {
            Event::Came { person } if is_at(person, at) => Some(person.clone()),
            _ => None,
        })
    }

    /// That somebody at this address leaves.
    #[track_caller]
    pub(crate) fn wait_for_goodbye(&self, at: Ipv4Addr) {
        self.wait_for(&format!("a goodbye of {at}"), |event| match event {
            Event::Left { person } => is_at(person, at).then_some(()),
            _ => None,
        });
    }

    /// A message with exactly this text.
    #[track_caller]
    pub(crate) fn wait_for_message(&self, text: &str) -> Message {
        self.wait_for(&format!("a message {text:?}"), |event| match event {
            Event::Message { message } if message.text == text => Some(message.clone()),
            _ => None,
        })
    }

    #[track_caller]
    pub(crate) fn wait_until_delivered(&self, limit: Duration, number: i64) {
        self.events.wait_for_one(
            &format!("that message {number} is delivered"),
            limit,
            |event| match event {
                Event::Delivered { message, .. } => (*message == number).then_some(()),
                _ => None,
            },
        );
    }

    /// That so many messages are delivered.
    #[track_caller]
    pub(crate) fn wait_for_deliveries(&self, limit: Duration, count: usize) {
        self.events.wait_for(&format!("{count} deliveries"), limit, |events| {
            let delivered = events.iter().filter(|event| matches!(event, Event::Delivered { .. })).count();
            (delivered >= count).then_some(())
        });
    }

    /// The texts of all messages, once there are so many. What is delivered has been told to faces, which may not have
    /// looked yet.
    #[track_caller]
    pub(crate) fn wait_for_texts(&self, count: usize) -> Vec<String> {
        self.events.wait_for(&format!("{count} messages"), PATIENCE, |events| {
            let texts = texts_of(events);
            (texts.len() >= count).then_some(texts)
        })
    }

    /// The texts of all messages that came so far.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.events.look(|events| texts_of(events))
    }
}

fn texts_of(events: &[Event]) -> Vec<String> {
    let texts = events.iter().filter_map(|event| match event {
        Event::Message { message } => Some(message.text.clone()),
        _ => None,
    });
    texts.collect()
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_at(person: &Person, address: Ipv4Addr) -> bool {
    person.addresses.iter().any(|one| one.ip() == IpAddr::V4(address))
}

fn home_in(folder: &TempDir) -> Home {
    let path = folder.path().as_os_str();
    Home::from_environment(|variable| (variable == "TRUNKLINE_HOME").then(|| path.to_owned())).unwrap()
}

/// Runs a node until nobody can ask anything of it any more.
async fn live(
    home: &Home,
    plan: &Plan,
    mut asked: mpsc::UnboundedReceiver<Ask>,
    events: &Watched<Vec<Event>>,
    started: &answers::Sender<()>,
) {
    let (node, running) = Node::start(home, plan).await.unwrap();
    let mut watch = node.watch().await.unwrap();
    started.send(()).unwrap();
    loop {
        tokio::select! {
            event = watch.next() => {
                let event = event.unwrap().event.clone();
                events.change(|events| events.push(event));
            }
            ask = asked.recv() => {
                let Some((request, answer)) = ask else { break };
                let node = node.clone();
                // Who asked may have lost patience.
                tokio::spawn(async move { drop(answer.send(node.request(request).await)) });
            }
        }
    }
    running.stop().await;
}
