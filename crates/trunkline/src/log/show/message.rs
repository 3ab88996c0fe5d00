//! A message, shown.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use net::Untrusted;
use node::journal::{Message, State};
use serde::Serialize;

use super::{Cells, span};
use crate::log::people::Names;

#[derive(Debug, Serialize)]
pub(in crate::log) struct Line<'a> {
    pub(super) time: Timestamp,
    /// What became of it; what was received came, all else went.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// When it was delivered, failed or was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    /// How long the delivery took.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// In the book.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// This and what follows up to the address is what the other says of itself.
    nick: &'a str,
    group: &'a str,
    user: &'a str,
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    number: u32,
    /// None while it is sealed.
    text: Option<&'a str>,
    sealed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<Timestamp>,
    discarded: bool,
    automatic: bool,
    broadcast: bool,
    #[serde(skip)]
    took: Duration,
}

impl<'a> Line<'a> {
    pub(super) fn new(message: &'a Message, names: &'a Names) -> Self {
        let party = &message.party;
        let (state, ended, took, reason) = match &message.state {
            State::Received => ("received", None, None, None),
            State::Waiting => ("waiting", None, None, None),
            State::Delivered { at, took } => ("delivered", Some(*at), Some(*took), None),
            State::Failed { at, reason } => ("failed", Some(*at), None, Some(reason.as_str())),
            State::Cancelled { at } => ("cancelled", Some(*at), None, None),
        };
        Self {
            time: message.at,
            state,
            reason,
            ended,
            seconds: took.map(|took| took.as_secs_f64()),
            name: party.address.and_then(|address| names.of_host(address.ip())),
            nick: &party.nick,
            group: &party.group,
            user: &party.user,
            host: &party.host,
            node: party.node.map(|node| node.to_string()),
            address: party.address,
            id: message.id.map(|id| id.to_string()),
            number: message.number,
            text: message.text.as_deref(),
            sealed: message.sealed,
            opened: message.opened.map(|opened| opened.at),
            discarded: message.opened.is_some_and(|opened| opened.discarded),
            automatic: message.automatic,
            broadcast: message.broadcast,
            took: took.unwrap_or_default(),
        }
    }

    pub(super) fn cells(&self) -> Cells {
        let text = self.text.map(|text| Untrusted::from(text).multiline().to_string());
        [
            if self.state == "received" { "from" } else { "to" }.to_owned(),
            self.who(),
            self.result(),
            text.unwrap_or_else(|| "(sealed, and not opened yet)".to_owned()),
        ]
    }

    /// The name in the book. Whoever is not in it may call himself like somebody who is, so the address stands beside.
    fn who(&self) -> String {
        if let Some(name) = self.name {
            return Untrusted::from(name).to_string();
        }
        let claimed = [self.nick, self.user].into_iter().find(|name| !name.is_empty()).unwrap_or("?");
        let claimed = Untrusted::from(claimed);
        match self.address.map(|address| address.ip()) {
            Some(ip) => format!("{claimed} ({ip})"),
            None => claimed.to_string(),
        }
    }

    fn result(&self) -> String {
        let state = match (self.state, self.reason) {
            ("received", _) => None,
            ("delivered", _) => Some(format!("delivered in {}", span(self.took))),
            (state, Some(reason)) => Some(format!("{state}: {}", Untrusted::from(reason))),
            (state, None) => Some(state.to_owned()),
        };
        let seal = match (self.opened, self.discarded) {
            (Some(_), true) => Some("thrown away unread"),
            (Some(_), false) => Some("opened"),
            (None, _) => self.sealed.then_some("sealed"),
        };
        let flags = [seal, self.automatic.then_some("automatic"), self.broadcast.then_some("to everybody")];
        let words: Vec<_> = state.into_iter().chain(flags.into_iter().flatten().map(str::to_owned)).collect();
        words.join(", ")
    }
}
