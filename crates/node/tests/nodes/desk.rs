//! A node with a home of its own, and what it has seen.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use node::face::{Event, Message, Numbered, Person, Refused, Reply, Request, Snapshot};
use node::home::Home;
use node::journal::{Journal, MessageQuery, State};
use node::{Node, Plan, Running, Watch};
use tempfile::TempDir;
use tokio::time::timeout;

/// Far beyond what anything here takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One of the nodes: who it is, and where.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) node: Node,
    pub(crate) running: Option<Running>,
    pub(crate) watch: Watch,
}

impl Desk {
    pub(crate) async fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (node, running) = start(&folder, name, 0).await;
        let watch = node.watch().await.unwrap();
        let port = watch.snapshot.me.port.unwrap();
        Self { folder, name, port, node, running: Some(running), watch }
    }

    pub(crate) fn home(&self) -> Home {
        home(&self.folder)
    }

    /// Writes the others into its book.
    pub(crate) async fn knows(&self, others: &[&Self]) {
        let entry = |other: &&Self| format!("[entry.{}]\nchat = \"127.0.0.1:{}\"\n", other.name, other.port);
        let book: String = others.iter().map(entry).collect();
        fs::write(self.home().book(), book).unwrap();
        self.ask(Request::Look).await.unwrap();
    }

    pub(crate) async fn ask(&self, request: Request) -> Result<Reply, Refused> {
        timeout(PATIENCE, self.node.request(request)).await.expect("the node answers")
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        let Ok(Reply::Snapshot(snapshot)) = self.ask(Request::Look).await else { panic!("no snapshot") };
        *snapshot
    }

    pub(crate) async fn send(&self, to: &str, text: &str) -> Result<Vec<Message>, Refused> {
        let request = Request::Send { to: to.to_owned(), text: text.to_owned(), sealed: false };
        let Reply::Accepted { messages, unsent } = self.ask(request).await? else {
            panic!("no reply to send")
        };
        assert_eq!(unsent, []);
        Ok(messages)
    }

    /// The first event that fits, from now on.
    pub(crate) async fn sees<T>(&mut self, mut fits: impl FnMut(&Event) -> Option<T>) -> T {
        let seen = timeout(PATIENCE, async {
            loop {
                let numbered: Arc<Numbered> = self.watch.next().await.unwrap();
                if let Some(found) = fits(&numbered.event) {
                    return found;
                }
            }
        });
        seen.await.unwrap_or_else(|_| panic!("{} has waited in vain", self.name))
    }

    pub(crate) async fn sees_come(&mut self, name: &str) -> Person {
        self.sees(|event| match event {
            Event::Came { person } if person.name == name => Some(person.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn gets(&mut self) -> Message {
        self.sees(|event| match event {
            Event::Message { message } => Some(message.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn sees_delivered(&mut self) -> i64 {
        self.sees(|event| match event {
            Event::Delivered { message, .. } => Some(*message),
            _ => None,
        })
        .await
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            timeout(PATIENCE, running.stop()).await.expect("the node ends");
        }
    }

    pub(crate) async fn start_again(&mut self) {
        let (node, running) = start(&self.folder, self.name, self.port).await;
        self.watch = node.watch().await.unwrap();
        (self.node, self.running) = (node, Some(running));
    }

    pub(crate) fn history(&self) -> Vec<(String, State)> {
        let journal = Journal::open(self.home().state()).unwrap();
        let mut messages = journal.messages(&MessageQuery::default()).unwrap();
        messages.reverse();
        messages.into_iter().map(|message| (message.text.unwrap_or_default(), message.state)).collect()
    }
}

pub(crate) fn home(folder: &TempDir) -> Home {
    home_at(folder.path())
}

pub(crate) fn home_at(folder: &Path) -> Home {
    Home::from_environment(|variable| (variable == "TRUNKLINE_HOME").then(|| folder.into())).unwrap()
}

pub(crate) async fn start(folder: &TempDir, name: &str, port: u16) -> (Node, Running) {
    let plan = Plan {
        port: Some(port),
        name: Some(name.to_owned()),
        group: None,
        interface: None,
        chat: true,
        says_goodbye: true,
    };
    Node::start(&home(folder), &plan).await.unwrap()
}

/// Two that see each other.
pub(crate) async fn two() -> (Desk, Desk) {
    let (mut anna, mut wang) = (Desk::new("anna").await, Desk::new("wang").await);
    anna.knows(&[&wang]).await;
    wang.knows(&[&anna]).await;
    anna.sees_come("wang").await;
    wang.sees_come("anna").await;
    (anna, wang)
}
