//! Many nodes that power up together: what they send, against an answer from each to each.

use std::time::Duration;

use crate::simulation::impair::Impairment;
use crate::simulation::world::{Host, Program, Traffic, World, address};

#[test]
fn five_hundred_of_ours_that_power_up_together_send_a_fraction_of_the_naive_number() {
    is_calm_when_ours_power_up(Duration::from_secs(1));
}

#[test]
#[ignore = "cargo xtask soak ipmsg: a minute"]
fn five_hundred_of_ours_that_power_up_within_a_minute_send_a_fraction_of_the_naive_number() {
    for within in [10, 30, 60] {
        is_calm_when_ours_power_up(Duration::from_secs(within));
    }
}

#[test]
fn each_of_the_others_gets_an_answer_of_its_own_from_each_of_ours() {
    others_get_their_answers(90, 10);
}

#[test]
#[ignore = "cargo xtask soak ipmsg: a minute"]
fn each_of_fifty_others_gets_an_answer_of_its_own_from_each_of_four_hundred_and_fifty_of_ours() {
    others_get_their_answers(450, 50);
}

/// 500 of ours: fewer than 5,000 datagrams in all until everybody knows everybody.
fn is_calm_when_ours_power_up(within: Duration) {
    const NODES: usize = 500;
    let (mut world, _) = powered_up(NODES, 0, within);
    world.run_to(within + SETTLED);
    let sent = world.traffic.by_ours;
    say(&format!(
        "{NODES} of ours within {within:?}: {sent} datagrams; all to all are {}",
        NODES * (NODES - 1)
    ));
    assert!(sent < 5000, "{sent} datagrams");
    assert_eq!(unknown(&world, NODES), 0, "of one node to another");
}

/// Ours and others within a second: each of ours that was there before one of the others answers it, once; those that came
/// later have made themselves known to it; and ours need no more for that.
fn others_get_their_answers(ours: usize, others: usize) {
    let within = Duration::from_secs(1);
    let (mut world, started) = powered_up(ours, others, within);
    world.run_to(within + SETTLED);
    let Traffic { by_ours, by_others, to_others, .. } = world.traffic;
    say(&format!(
        "{ours} of ours and {others} others within {within:?}: {by_ours} datagrams by ours, {to_others} of them to single \
         others, {by_others} by others"
    ));
    for host in ours..ours + others {
        let other = world.other(host).unwrap();
        for node in 0..ours {
            let answers = other.answers.get(&address(node)).copied().unwrap_or(0);
            let was_there = started[node] < started[host];
            assert!(
                answers == 1 || answers == 0 && !was_there,
                "{answers} answers of node {node} to host {host}"
            );
            assert!(other.known.contains_key(&address(node)), "host {host} does not know node {node}");
        }
    }
    assert!(by_ours - to_others < 10 * ours, "{} datagrams to ours", by_ours - to_others);
    assert_eq!(unknown(&world, ours), 0, "of one of ours to another host");
}

/// After so long everything has been said: the longest jitter, the time between two lists, and some.
const SETTLED: Duration = Duration::from_secs(15);

/// A network with the delays of a switch, and these hosts, started within this time, in any order; and when each was.
fn powered_up(ours: usize, others: usize, within: Duration) -> (World, Vec<Duration>) {
    let lan = Impairment {
        delay: Duration::from_micros(200),
        jitter: Duration::from_micros(800),
        ..Impairment::NONE
    };
    let mut world = World::new(lan, 1);
    for host in 0..ours + others {
        match host {
            _ if host < ours => world.add_ours(),
            _ if host % 2 == 0 => world.add_other(Program::Iptux),
            _ => world.add_other(Program::IpMessenger),
        };
    }
    let starts: Vec<Duration> = (0..ours + others).map(|_| within.mul_f64(world.chance.f64())).collect();
    let mut order: Vec<usize> = (0..ours + others).collect();
    order.sort_by_key(|host| starts[*host]);
    for host in order {
        world.run_to(starts[host]);
        world.with(host, |host, now| match host {
            Host::Ours(ours) => ours.start(now),
            Host::Other(other) => other.start(now),
        });
    }
    (world, starts)
}

/// How many hosts ours do not know, counted for each of ours.
fn unknown(world: &World, ours: usize) -> usize {
    let known = |host: usize| {
        let node = world.ours(host).unwrap().node.as_ref().unwrap();
        node.peers().filter(|peer| peer.is_present()).count()
    };
    (0..ours).map(|host| world.hosts.len() - 1 - known(host)).sum()
}

#[allow(clippy::disallowed_macros, reason = "a soak prints its figures")]
fn say(figures: &str) {
    println!("{figures}");
}
