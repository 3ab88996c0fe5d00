//! What somebody can fill who forges whatever he likes.

use std::net::SocketAddr;
use std::time::Duration;

use ipmsg::node::{
    Command, Config, Event, Interface, MAX_ADDRESSES, MAX_ASKED, MAX_PEERS, MAX_PEERS_AT_ONE_IP, MAX_QUEUED,
    MAX_QUEUED_FOR_ONE, MAX_TOLD, MAX_UNSTORED, Node, Now, Person, Refusal, Standing,
};
use ipmsg::{
    Body, Capabilities, Dialect, Listed, Message, NodeId, NodeTag, Options, Page, Presence, PresenceKind,
    Sender, Wants,
};

const NOW: Now = Now { elapsed: Duration::from_secs(1000), unix: 1000 };

/// A node in a subnet of 65,534 addresses.
fn node() -> Node {
    let mut node = Node::new(Config::new(NodeId(1), "alice", "hosta"), NOW, 1);
    let [address, everybody] = [place(0), place(65_535)];
    let interface = Interface { address: address.ip(), prefix: 16, everybody };
    node.handle_command(NOW, Command::Interfaces(vec![interface])).unwrap();
    node
}

fn place(host: u16) -> SocketAddr {
    let [high, low] = host.to_be_bytes();
    SocketAddr::from(([10, 77, high, low], 2425))
}

/// Presence of one of ours, or of a program of others.
fn presence(node: Option<u128>, page: Option<&Page<'_>>) -> Vec<u8> {
    let tag = |node| NodeTag { node: NodeId(node), capabilities: Capabilities(0), wants: Wants::Nothing };
    let page = page.map(|page| page.section().into());
    let presence = Presence { ours: node.map(tag), page, ..Presence::new(PresenceKind::Answer, "mallory") };
    build(1, &Body::Presence(presence))
}

fn build(number: u32, body: &Body<'_>) -> Vec<u8> {
    body.build(number, Sender { user: "mallory", host: "desk" }, Dialect::UTF_8).unwrap()
}

fn pages(nodes: impl Fn(u16) -> Vec<Listed<'static>>, others: impl Fn(u16) -> Vec<SocketAddr>) -> Node {
    let mut node = node();
    for host in 2..10_000 {
        let page =
            Page { answer: false, from: NodeId(0), to: NodeId(0), nodes: nodes(host), others: others(host) };
        node.handle_datagram(NOW, place(1), &presence(Some(2), Some(&page)));
    }
    node
}

#[test]
fn forged_presence_fills_the_table_and_no_more_and_that_is_told_once() {
    let mut node = node();
    for host in 1..u16::try_from(MAX_PEERS).unwrap() + 1000 {
        node.handle_datagram(NOW, place(host), &presence(None, None));
    }
    assert_eq!(node.peers().count(), MAX_PEERS);
    let full =
        std::iter::from_fn(|| node.poll_event()).filter(|event| matches!(event, Event::PeersFull { .. }));
    assert_eq!(full.count(), 1);
}

#[test]
fn one_address_has_a_bounded_number_of_peers() {
    let mut node = node();
    for port in 2000..4000 {
        node.handle_datagram(NOW, SocketAddr::new(place(1).ip(), port), &presence(None, None));
    }
    assert_eq!(node.peers().count(), MAX_PEERS_AT_ONE_IP);
}

#[test]
fn one_node_has_a_bounded_number_of_addresses() {
    let mut node = node();
    for host in 1..100 {
        node.handle_datagram(NOW, place(host), &presence(Some(2), None));
    }
    assert_eq!(node.peers().map(|peer| peer.addresses.len()).collect::<Vec<_>>(), [MAX_ADDRESSES]);
}

#[test]
fn forged_lists_of_ours_fill_a_part_of_the_table() {
    let listed = |host| Listed {
        node: NodeId(u128::from(host) + 100),
        address: place(host),
        options: Options::NONE,
        user: "ghost".into(),
        host: "desk".into(),
        nick: "ghost".into(),
        group: "".into(),
    };
    let node = pages(|host| vec![listed(host)], |_| vec![]);
    let told = node.peers().filter(|peer| peer.standing == Standing::Told).count();
    assert_eq!(told, MAX_TOLD as usize);
}

#[test]
fn forged_lists_of_others_fill_a_part_of_the_table_and_make_it_ask_at_a_bounded_rate() {
    let mut node = pages(|_| vec![], |host| vec![place(host)]);
    assert_eq!(node.peers().filter(|peer| !peer.is_present()).count(), MAX_TOLD as usize);
    let until = NOW.elapsed + Duration::from_secs(30);
    while let Some(elapsed) = node.poll_timeout().filter(|at| *at < until) {
        node.handle_timeout(Now { elapsed, ..NOW });
    }
    let sent = std::iter::from_fn(|| node.poll_transmit()).count();
    assert!((60..100).contains(&sent), "{sent} datagrams in half a minute");
}

#[test]
fn messages_that_the_disk_does_not_take_are_not_heaped_up() {
    let mut node = node();
    node.handle_datagram(NOW, place(1), &presence(None, None));
    for number in 1..5000 {
        let message = build(number, &Body::Message(Message::new("flood")));
        node.handle_datagram(NOW, place(1), &message);
    }
    let told =
        std::iter::from_fn(|| node.poll_event()).filter(|event| matches!(event, Event::Message { .. }));
    assert_eq!(told.count(), MAX_UNSTORED);
}

#[test]
fn the_outbox_of_one_receiver_is_bounded() {
    let mut node = node();
    let mut send = || {
        let (to, text) = (Person::Address(place(1)), "hello".to_owned());
        node.handle_command(NOW, Command::Send { to, text, sealed: false, reference: 0 })
    };
    assert!((0..MAX_QUEUED_FOR_ONE).all(|_| send().is_ok()));
    assert_eq!(send(), Err(Refusal::OutboxFull));
}

#[test]
fn the_outbox_of_all_receivers_together_is_bounded() {
    let mut node = node();
    let mut send = |receiver: u16| {
        let (to, text) = (Person::Address(place(receiver)), "hello".to_owned());
        node.handle_command(NOW, Command::Send { to, text, sealed: false, reference: 0 })
    };
    let full = u16::try_from(MAX_QUEUED / MAX_QUEUED_FOR_ONE).unwrap();
    for receiver in 1..=full {
        assert!((0..MAX_QUEUED_FOR_ONE).all(|_| send(receiver).is_ok()));
    }
    assert_eq!(send(full + 1), Err(Refusal::OutboxFull));
}

#[test]
fn of_what_one_of_another_program_writes_a_bounded_number_waits_for_the_disk() {
    let mut node = node();
    node.handle_datagram(NOW, place(1), &presence(None, None));
    while node.poll_event().is_some() {}
    for number in 1..20_000 {
        node.handle_datagram(NOW, place(1), &build(number, &Body::Message(Message::new("spam"))));
    }
    let told = std::iter::from_fn(|| node.poll_event())
        .filter(|event| matches!(event, Event::Message { .. }))
        .count();
    assert_eq!(told, MAX_UNSTORED);
}

#[test]
fn a_bounded_number_of_addresses_is_asked() {
    let mut node = node();
    while node.poll_transmit().is_some() {}
    node.handle_command(NOW, Command::Ask((1..60_000).map(place).collect())).unwrap();
    let mut asked = std::collections::BTreeSet::new();
    while let Some(elapsed) = node.poll_timeout().filter(|at| *at < NOW.elapsed + Duration::from_secs(2000)) {
        node.handle_timeout(Now { elapsed, ..NOW });
        asked.extend(std::iter::from_fn(|| node.poll_transmit()).map(|transmit| transmit.to));
    }
    // And everybody, from time to time.
    assert_eq!(asked.len(), MAX_ASKED + 1);
}
