//! `chat --plain`: talking line by line, as in the tutorial.

mod datagrams;
mod partner;
mod screen;
mod typing;

use std::collections::HashMap;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::anyhow;
use net::Untrusted;
use node::WatchError;
use node::face::{Event, Message, Numbered, Person, Reply, Request};
use node::home::Home;
use tokio::time::{Instant, timeout};

use crate::cli::ChatFlags;
use crate::control::Face;
use crate::failure::{Exit, Failure, Outcome};
use crate::send::State;
use crate::sight;
use crate::terminal::Around;
use crate::up::Signals;
use partner::Partner;
use screen::Screen;
use typing::{Typed, Typing};

/// What leaves: a conversation first, then the program. A message that is just this word cannot be sent.
const QUIT: &str = "quit";

/// The prompt of the choice, and that of a conversation behind the name.
const TO_WHOM: &str = "to whom>>: ";

/// At the end of the input, the silence that ends the wait for receipts and answers.
const REST: Duration = Duration::from_secs(1);

/// What `chat` is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    home: Home,
    target: Option<String>,
}

impl Plan {
    pub(crate) fn new(flags: ChatFlags) -> Result<Self, Failure> {
        if !flags.plain {
            let target = flags.target.map_or_else(String::new, |target| format!(" {target}"));
            return Err(Failure::usage(anyhow!("chat has no screen yet"))
                .hint(format_args!("talk line by line: trunkline chat --plain{target}")));
        }
        Ok(Self { home: Home::of_this_user().map_err(Failure::usage)?, target: flags.target })
    }
}

/// Talks until the person leaves.
pub(crate) async fn run(plan: Plan) -> Outcome {
    let mut chat = Chat::new(plan.home);
    let outcome = match chat.begin(plan.target).await {
        Ok(()) => chat.sit_down().await,
        Err(failure) => Err(failure),
    };
    if let Some(face) = chat.face {
        face.leave().await;
    }
    outcome
}

/// A person's conversations, one after the other.
struct Chat {
    home: Home,
    /// None until somebody is meant whom only a node reaches.
    face: Option<Face>,
    there_since: Instant,
    partner: Option<Partner>,
    screen: Screen,
    /// Messages without a receipt, with the name of the receiver where there are several.
    unsettled: HashMap<i64, Option<String>>,
}

impl Chat {
    fn new(home: Home) -> Self {
        Self {
            home,
            face: None,
            there_since: Instant::now(),
            partner: None,
            screen: Screen::new(None),
            unsettled: HashMap::new(),
        }
    }

    /// Calls the running node, or starts one that is there for as long as the person is.
    async fn attach(&mut self) -> Result<(), Failure> {
        if self.face.is_none() {
            let plan = node::Plan { says_goodbye: true, ..sight::PLAN };
            self.face = Some(Face::attach(&self.home, &plan).await?);
            self.there_since = Instant::now();
        }
        Ok(())
    }

    /// With whom was said on the command line, perhaps.
    async fn begin(&mut self, target: Option<String>) -> Result<(), Failure> {
        match target {
            Some(target) => self.partner = Some(self.choose(&target).await?),
            None => self.attach().await?,
        }
        Ok(())
    }

    /// At the terminal, or at a pipe, until the person leaves or is told to.
    async fn sit_down(&mut self) -> Outcome {
        let mut signals = Signals::new()?;
        let (mut typing, around) = Typing::start();
        if let Some(around) = &around {
            around.keys.hold_keys();
        }
        self.screen = Screen::new(around.as_ref().map(|around| around.voice.clone()));
        let outcome = tokio::select! {
            outcome = self.talk(&mut typing) => outcome,
            exit = signals.next() => Ok(exit),
        };
        drop(typing);
        if let Some(Around { keys, voice, voice_ended }) = around {
            keys.restore();
            voice.end();
            voice_ended.wait();
        }
        outcome
    }

    /// Takes lines and shows what comes, until the person leaves.
    async fn talk(&mut self, typing: &mut Typing) -> Outcome {
        if self.partner.is_none() {
            self.show_people().await?;
        }
        loop {
            let prompt = match &self.partner {
                Some(partner) => format!("{partner}>>: "),
                None => TO_WHOM.to_owned(),
            };
            let happened = tokio::select! {
                typed = typing.next(&prompt) => match typed {
                    Typed::Line(line) if self.take(line.trim()).await? => continue,
                    Typed::Line(_) => return Ok(Exit::Good),
                    Typed::End => return self.rest().await,
                    Typed::Interrupted => return Ok(Exit::Interrupted),
                    Typed::Failed(error) => return Err(error.into()),
                },
                happened = happening(&mut self.face, &mut self.partner) => happened,
            };
            self.show(happened).await?;
        }
    }

    /// Takes a line. Returns whether the person stays.
    async fn take(&mut self, line: &str) -> Result<bool, Failure> {
        match (line, self.partner.is_some()) {
            (QUIT, false) => return Ok(false),
            (QUIT, true) => self.partner = None,
            ("", true) => {}
            ("", false) => self.show_people().await?,
            (text, true) => self.send(text).await,
            (name, false) => match self.choose(name).await {
                Ok(partner) => self.partner = Some(partner),
                Err(failure) => self.screen.say(failure),
            },
        }
        Ok(true)
    }

    /// Whom a name means.
    async fn choose(&mut self, name: &str) -> Result<Partner, Failure> {
        if let Some(partner) = Partner::at_datagrams(name).await? {
            return Ok(partner);
        }
        self.attach().await?;
        let Some(face) = &mut self.face else { return Err(ended()) };
        let find = Request::Find { who: name.to_owned() };
        let mut meanwhile = Vec::new();
        let found = sight::ask(face, find, self.there_since, |event| meanwhile.push(event)).await;
        for event in meanwhile {
            self.hear(event).await;
        }
        match found? {
            Reply::Found { people } => Ok(Partner::People { to: name.to_owned(), people }),
            _ => Err(anyhow!("the node answers something else").into()),
        }
    }

    /// Who may be chosen.
    async fn show_people(&mut self) -> Result<(), Failure> {
        let mut names = partner::names_of_datagrams();
        if let Some(face) = &mut self.face {
            names.extend(face.look().await?.people.iter().map(partner::described));
        }
        self.screen.aside(match &names[..] {
            [] => "nobody is in sight yet".to_owned(),
            names => partner::listed(names),
        });
        Ok(())
    }

    async fn send(&mut self, text: &str) {
        let refused = match (&mut self.partner, &mut self.face) {
            (Some(Partner::Datagrams { line, .. }), _) => {
                line.send(text).await.err().map(|error| error.to_string())
            }
            (Some(Partner::People { to, people }), Some(face)) => {
                let several = people.len() > 1;
                let send = Request::Send { to: to.clone(), text: text.to_owned(), sealed: false };
                match face.request(send).await {
                    Ok(Reply::Accepted { messages, unsent }) => {
                        for message in messages {
                            self.unsettled.insert(message.id, several.then_some(message.with.name));
                        }
                        let unsent = unsent.iter().map(|unsent| format!("{}: {}", unsent.to, unsent.reason));
                        Some(unsent.collect::<Vec<_>>().join("; ")).filter(|unsent| !unsent.is_empty())
                    }
                    Ok(_) => Some("the node answers something else".to_owned()),
                    Err(refused) => Some(refused.reason),
                }
            }
            _ => None,
        };
        if let Some(reason) = refused {
            self.screen.say(format_args!("trunkline: not sent: {}", Untrusted::from(reason.as_str())));
        }
    }

    async fn show(&mut self, happened: Happened) -> Result<(), Failure> {
        match happened {
            Happened::Node(Ok(event)) => self.hear(*event).await,
            Happened::Node(Err(WatchError::Ended)) => return Err(ended()),
            Happened::Node(Err(missed)) => self.screen.aside(missed),
            Happened::Datagram(from, Ok(text)) => self.screen.datagram(from, &text),
            Happened::Datagram(_, Err(error)) => self.screen.say(format_args!("trunkline: {error}")),
        }
        Ok(())
    }

    /// Shows what concerns this person.
    async fn hear(&mut self, numbered: Numbered) {
        let concerns = |person: &Person| self.partner.as_ref().is_none_or(|partner| partner.includes(person));
        match numbered.event {
            Event::Message { message } => self.read(message).await,
            Event::Delivered { message, took } => self.settle(message, &State::Delivered { took }),
            Event::Failed { message, reason } => self.settle(message, &State::Failed { reason }),
            Event::Cancelled { message } => self.settle(message, &State::Cancelled),
            Event::Queued { message } => self.tell(self.unsettled.get(&message), &State::Queued),
            Event::Came { person } if concerns(&person) => self.tell_of(&person, "is here"),
            Event::Left { person } if concerns(&person) => self.tell_of(&person, "has left"),
            Event::Notice { text } => self.screen.aside(Untrusted::from(text.as_str())),
            _ => {}
        }
    }

    /// Shows a message. A sealed one is opened by that, and its sender learns of it.
    async fn read(&mut self, mut message: Message) {
        if message.sealed
            && let Some(face) = &mut self.face
            && let Ok(Reply::Opened { text }) = face.request(Request::Open { message: message.id }).await
        {
            message.text = text;
        }
        let is_plain = self.partner.as_ref().is_some_and(|partner| partner.is_only(&message.with));
        self.screen.message(&message, !is_plain);
    }

    fn settle(&mut self, message: i64, state: &State) {
        let receiver = self.unsettled.remove(&message);
        self.tell(receiver.as_ref(), state);
    }

    /// Tells what became of a message, if it was sent from here.
    fn tell(&self, receiver: Option<&Option<String>>, state: &State) {
        match receiver {
            Some(Some(name)) => {
                self.screen.aside(format_args!("{}: {state}", Untrusted::from(name.as_str())));
            }
            Some(None) => self.screen.aside(state),
            None => {}
        }
    }

    fn tell_of(&self, person: &Person, what: &str) {
        self.screen.aside(format_args!("{} {what}", Untrusted::from(person.name.as_str())));
    }

    /// The input has ended: what was sent may still be answered.
    async fn rest(&mut self) -> Outcome {
        while self.awaits_something() {
            let Ok(happened) = timeout(REST, happening(&mut self.face, &mut self.partner)).await else {
                break;
            };
            self.show(happened).await?;
        }
        Ok(Exit::Good)
    }

    fn awaits_something(&self) -> bool {
        let is_unanswered =
            |partner: &Partner| matches!(partner, Partner::Datagrams { line, .. } if line.unanswered > 0);
        !self.unsettled.is_empty() || self.partner.as_ref().is_some_and(is_unanswered)
    }
}

/// Something that no key has caused.
enum Happened {
    Node(Result<Box<Numbered>, WatchError>),
    Datagram(SocketAddr, anyhow::Result<String>),
}

/// Waits until something happens. When this is dropped while it waits, nothing is lost.
async fn happening(face: &mut Option<Face>, partner: &mut Option<Partner>) -> Happened {
    let node = async {
        match face {
            Some(face) => face.next().await,
            None => pending().await,
        }
    };
    let datagram = async {
        match partner {
            Some(Partner::Datagrams { line, .. }) => (line.at, line.next().await),
            _ => pending().await,
        }
    };
    tokio::select! {
        event = node => Happened::Node(event.map(Box::new)),
        (from, text) = datagram => Happened::Datagram(from, text),
    }
}

fn ended() -> Failure {
    anyhow!(WatchError::Ended).into()
}
