//! What a face of the node says and hears. The command line, the screen and the page use these types and nothing else;
//! as JSON they are what goes over the control socket.
//!
//! **Order and repeats.** A face that [watches](crate::node::Node::watch) gets a [`Snapshot`] and then every event after
//! it, once and in order; [`Numbered::number`] grows by one with each. A face that falls too far behind is told how
//! many it has missed, and watches anew: a slow face never makes the node wait. What an event says about a message is on
//! disk, but for its delivery: that is told when it is known, and may be told again after a power cut. Numbers begin at 1
//! with each start of the node; a message's own number ([`Message::id`]) stays.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a face asks of the node. Each gets one [`Reply`] or one [`Refused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// How things stand. The reply is a [`Reply::Snapshot`].
    Look,
    /// Everybody is asked again who is there. The reply is [`Reply::Done`], at once; who answers is told by events.
    Refresh,
    /// Finds out whom a text means. The reply is [`Reply::Found`].
    Find {
        /// As in [`Request::Send`].
        who: String,
    },
    /// Sends a text. The reply is [`Reply::Accepted`], when it is on disk for everybody it is for.
    Send {
        /// To whom: a name that somebody in sight goes by, or an expression of the book (`wang,@lab`), or addresses.
        to: String,
        /// The text, its lines separated by LF.
        text: String,
        /// Whether it is sealed: shown when the other opens it.
        #[serde(default)]
        sealed: bool,
    },
    /// Opens a sealed message that has come; its sender is told. The reply is [`Reply::Opened`].
    Open {
        /// Its number.
        message: i64,
    },
    /// A message that still waits is not sent any more. The reply is [`Reply::Done`].
    Cancel {
        /// Its number.
        message: i64,
    },
    /// Says something else of oneself from now on; what is left out stays. The reply is [`Reply::Done`].
    Profile {
        /// The name that others see.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The group that others see; empty for none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
    },
    /// Says why one is away, or that one is back. The reply is [`Reply::Done`].
    Away {
        /// What others are told; none for being back.
        text: Option<String>,
    },
    /// Messages of these are dropped without a word, and nobody is told. The reply is [`Reply::Done`].
    Block {
        /// A name that one person in sight goes by, or an address.
        who: String,
    },
    /// Takes that back. The reply is [`Reply::Done`].
    Unblock {
        /// As it is shown in [`Snapshot::blocked`].
        who: String,
    },
    /// Who is logged in here by SSH. The reply is [`Reply::Guests`].
    Guests,
    /// Ends a guest's connection, and what it has started. The reply is [`Reply::Done`], at once.
    PutOut {
        /// [`Guest::id`].
        guest: u64,
    },
}

/// What the node answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// It is done.
    Done,
    /// How things stand.
    Snapshot(Box<Snapshot>),
    /// These are meant; at least one.
    Found {
        /// In the order in which they were named.
        people: Vec<Person>,
    },
    /// These are on disk and will be delivered.
    Accepted {
        /// One for each receiver, in the order in which they were named.
        messages: Vec<Message>,
        /// Those who will not get it; nothing is kept for them.
        unsent: Vec<Unsent>,
    },
    /// The text of a message that was sealed.
    Opened {
        /// The text.
        text: String,
    },
    /// These are logged in.
    Guests {
        /// Who came first stands first.
        guests: Vec<Guest>,
    },
}

/// Somebody who is logged in here by SSH. Texts are as they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// No other connection has it, as long as the node runs.
    pub id: u64,
    /// Whose key it is: the comment of the key, or the identity in a certificate.
    pub label: String,
    /// `SHA256:...` of the key.
    pub fingerprint: String,
    /// `SHA256:...` of whoever signed the certificate; none: the key itself is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Where the connection comes from.
    pub from: SocketAddr,
    /// When it began.
    pub since: Timestamp,
    /// What runs in it.
    pub runs: Vec<String>,
}

impl Guest {
    /// The label of his key, or its fingerprint where it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.label.is_empty() { &self.fingerprint } else { &self.label }
    }
}

/// Somebody who will not get a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// Who.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// Why the node does not do what it was asked to: nothing has changed, unless the reason says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// What is wrong.
    pub reason: String,
    /// How to mend it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether what was asked is wrong, and not the state of things.
    #[serde(default)]
    pub is_usage: bool,
}

impl Refused {
    /// For this reason.
    #[allow(clippy::needless_pass_by_value, reason = "errors are made into it with map_err")]
    pub fn new(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), remedy: None, is_usage: false }
    }

    /// Because what was asked is wrong.
    #[allow(clippy::needless_pass_by_value, reason = "as above")]
    pub fn usage(reason: impl ToString) -> Self {
        Self { is_usage: true, ..Self::new(reason) }
    }
}

/// How things stand at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The number of the last event before this moment.
    pub number: u64,
    /// Who this node is.
    pub me: Me,
    /// Everybody in sight, and everybody of the book who has a chat line; by name.
    pub people: Vec<Person>,
    /// Whose messages are dropped.
    pub blocked: Vec<String>,
    /// Messages that wait to be delivered.
    pub waiting: usize,
    /// What is wrong and may go on being so: a mistake in the book, two people of one name.
    pub troubles: Vec<String>,
}

/// Who this node is, to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The name that others see.
    pub name: String,
    /// The group that others see; empty for none.
    pub group: String,
    /// Why one is away, if one is.
    pub away: Option<String>,
    /// The login name.
    pub user: String,
    /// The host name.
    pub host: String,
    /// The number that this node has chosen for itself, in hexadecimal.
    pub node: String,
    /// Where the chat line is open; none if the node has no chat line.
    pub port: Option<u16>,
    /// The addresses at which others can write to this node.
    pub addresses: Vec<std::net::IpAddr>,
}

/// Somebody else. All that he says of himself is a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Which of those this node knows; for as long as it runs. None for somebody of the book who was not heard yet.
    pub id: Option<u32>,
    /// What to call him: his name in the book, or else what he calls himself.
    pub name: String,
    /// His name in the book, if his address stands there.
    pub book: Option<String>,
    /// The machine at which he sits, by the book.
    pub seat: Option<String>,
    /// What he calls himself.
    pub nick: String,
    /// The group that he says he is of; empty for none.
    pub group: String,
    /// His login name.
    pub user: String,
    /// His host name.
    pub host: String,
    /// Where he was heard; he is written to at the first.
    pub addresses: Vec<SocketAddr>,
    /// The program he uses, as far as it can be told.
    pub program: String,
    /// The number that a node of ours has chosen for itself, in hexadecimal; none for other programs.
    pub node: Option<String>,
    /// Whether he is there.
    pub presence: Presence,
    /// Whether he says that he is away.
    pub away: bool,
    /// Whether his messages are dropped.
    pub blocked: bool,
}

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// He was heard, and has not left.
    Here,
    /// Another node of ours says that he is there.
    Told,
    /// He is not there (any more).
    #[default]
    Gone,
}

/// A message, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number in the journal. Later messages have larger ones.
    pub id: i64,
    /// When it came, or was written.
    pub at: Timestamp,
    /// Who sent it, or for whom it is.
    pub with: Person,
    /// Whether it came or goes.
    pub direction: Direction,
    /// The text; it may have anything in it. Empty for a sealed one that came and is not opened.
    pub text: String,
    /// Whether it is to be opened first.
    pub sealed: bool,
    /// Whether a program wrote it, as the text of somebody who is away.
    pub automatic: bool,
    /// Whether it went to everybody.
    pub broadcast: bool,
    /// Names of the files that are offered with it.
    pub files: Vec<String>,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To this node.
    In,
    /// From this node.
    Out,
}

/// An event and its place in the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// One more than that of the event before.
    pub number: u64,
    /// What has happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Somebody has come.
    Came {
        /// Who.
        person: Person,
    },
    /// Something of somebody has changed.
    Changed {
        /// Who, as he is now.
        person: Person,
    },
    /// Somebody is there no more.
    Left {
        /// Who.
        person: Person,
    },
    /// Somebody is written to at another address from now on. Names are claims: this may be another machine.
    Moved {
        /// Who, as he is now.
        person: Person,
        /// Where he was.
        from: SocketAddr,
    },
    /// A message has come.
    Message {
        /// The message.
        message: Message,
    },
    /// A face has written a message, which waits to be delivered.
    Accepted {
        /// The message.
        message: Message,
    },
    /// A message has reached its receiver's program.
    Delivered {
        /// Which.
        message: i64,
        /// Microseconds since it was first sent.
        took: u64,
    },
    /// Nobody has answered to all that was sent; the message waits and is sent again in time.
    Queued {
        /// Which.
        message: i64,
    },
    /// A message can never be delivered, and waits no more.
    Failed {
        /// Which.
        message: i64,
        /// Why.
        reason: String,
    },
    /// A message was cancelled.
    Cancelled {
        /// Which.
        message: i64,
    },
    /// A sealed message was opened by its receiver, or thrown away unread.
    Opened {
        /// Which.
        message: i64,
        /// Whether it was thrown away.
        discarded: bool,
    },
    /// Somebody writes to us, or has stopped.
    Typing {
        /// Who.
        person: Person,
        /// Writes.
        now: bool,
    },
    /// Somebody has logged in here by SSH.
    GuestCame {
        /// Who.
        guest: Guest,
    },
    /// Somebody who was logged in here by SSH is out, and so is everything that he ran.
    GuestLeft {
        /// Who, as he came.
        guest: Guest,
    },
    /// Something of this node itself has changed.
    Me {
        /// As it is now.
        me: Me,
    },
    /// Something that a person should know: a trouble, or a claim that contradicts another.
    Notice {
        /// What; it may have names from outside in it.
        text: String,
    },
}
