//! How this node speaks: the packets that it says who it is with, and to whom.

use std::net::SocketAddr;

use super::peers::{Peer, PeerId};
use super::{Node, Transmit};
use crate::body::{Body, Sender};
use crate::charset::{Charset, Dialect};
use crate::command::{EntryOptions, Options};
use crate::extension::{Capabilities, NodeTag, Wants};
use crate::presence::{Presence, PresenceKind};

impl Node {
    /// Tells everybody in sight: those of our subnets at once, the others one by one, each in its charset.
    pub(super) fn broadcast(&mut self, kind: PresenceKind, wants: Wants) {
        let datagram = self.presence(kind, wants, Dialect::UTF_8, None);
        let everybody: Vec<SocketAddr> =
            self.sight.lines.values().map(|line| line.interface.everybody).collect();
        for to in everybody {
            self.transmit(to, datagram.clone());
        }
        let wants = if wants == Wants::List { Wants::Answer } else { wants };
        for (id, to) in self.outside(|_| true) {
            let dialect = self.dialect(id);
            let datagram = self.presence(kind, wants, dialect, None);
            self.transmit(to, datagram);
        }
    }

    /// Those who are present and not reached by a broadcast, as far as they are wanted.
    pub(super) fn outside(&self, wanted: impl Fn(&Peer) -> bool) -> Vec<(PeerId, SocketAddr)> {
        let outside =
            self.peers.iter().filter(|peer| peer.is_present() && wanted(peer) && self.is_outside(peer));
        outside.filter_map(|peer| Some((peer.id, *peer.addresses.first()?))).collect()
    }

    pub(super) fn is_outside(&self, peer: &Peer) -> bool {
        let is_inside = |address: &SocketAddr| self.sight.interface(address.ip()).is_some();
        peer.options.has(Options::DIALUP) || !peer.addresses.iter().any(is_inside)
    }

    /// How a peer is written to.
    pub(super) fn dialect(&self, id: PeerId) -> Dialect {
        match self.peers.get(id) {
            Some(peer) if peer.node.is_some() => Dialect::FLAGGED_UTF_8,
            Some(peer) if !peer.is_met => Dialect::UTF_8,
            Some(peer) => Dialect::of(peer.options, peer.charset, self.config.fallback),
            None => Dialect::UTF_8,
        }
    }

    /// A presence of ours, ready to be sent.
    pub(super) fn presence(
        &mut self,
        kind: PresenceKind,
        wants: Wants,
        dialect: Dialect,
        page: Option<Vec<u8>>,
    ) -> Vec<u8> {
        let number = self.next_number();
        let charset = dialect.charset;
        let config = &self.config;
        let (user, host) = (in_charset(&config.user, charset), in_charset(&config.host, charset));
        let presence = Presence {
            kind,
            options: self.options(),
            nick: in_charset(&config.profile.nick, charset).into(),
            group: in_charset(&config.profile.group, charset).into(),
            user: Some(config.user.as_str().into()),
            host: Some(config.host.as_str().into()),
            client: None,
            ours: Some(NodeTag { node: config.node, capabilities: Capabilities::default(), wants }),
            page: page.map(Into::into),
        };
        // All names are clean and short enough, and a page fits, so that this never fails.
        let sender = Sender { user: &user, host: &host };
        Body::Presence(presence).build(number, sender, dialect).unwrap_or_default()
    }

    /// What this node says that it can do and is.
    pub(super) fn options(&self) -> Options<EntryOptions> {
        let mut options = Options::CAPUTF8;
        if self.config.files {
            options = options | Options::FILEATTACH;
        }
        if self.config.profile.away.is_some() {
            options = options | Options::ABSENCE;
        }
        options
    }

    /// Sends what has no names or text of ours in it but those in its head.
    pub(super) fn send_plain(&mut self, to: SocketAddr, body: &Body<'_>, dialect: Dialect) {
        let datagram = self.plain(to, body, dialect);
        self.transmits.extend(datagram);
    }

    /// The same, to be sent; none for what cannot be written.
    pub(super) fn plain(&mut self, to: SocketAddr, body: &Body<'_>, dialect: Dialect) -> Option<Transmit> {
        let number = self.next_number();
        let user = in_charset(&self.config.user, dialect.charset);
        let host = in_charset(&self.config.host, dialect.charset);
        let bytes = body.build(number, Sender { user: &user, host: &host }, dialect).ok()?;
        Some(Transmit { to, bytes })
    }
}

/// A name with question marks for what the charset does not have. Names, and what a program says by itself, are better
/// said like this than not; what a person writes is never changed.
pub(super) fn in_charset(name: &str, charset: Charset) -> String {
    if charset.encode(name).is_ok() {
        return name.to_owned();
    }
    let exists = |character: char| charset.encode(character.encode_utf8(&mut [0; 4])).is_ok();
    name.chars().map(|character| if exists(character) { character } else { '?' }).collect()
}
