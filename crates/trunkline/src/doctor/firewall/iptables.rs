//! The rules of iptables, as `iptables-save` prints them (iptables(8), iptables-extensions(8)).

use super::chains::{Base, Chain, Chains, Rule, Verdict};
use super::packet::{self, Packet, Truth};

/// The chains of the tables that may drop, decided for a packet. A line that is not understood counts as a condition that
/// may hold or not.
pub(super) fn chains(saved: &str, packet: &Packet<'_>) -> Chains {
    let mut chains = Chains::default();
    let mut table = "";
    for line in saved.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split(' ');
            let (name, policy) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let base = order(table, name).map(|order| Base { order, drops: policy == "DROP" });
            chains.0.push(Chain { table: table.to_owned(), name: name.to_owned(), base, rules: Vec::new() });
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let words = shlex::split(rule).unwrap_or_default();
            let Some((name, words)) = words.split_first() else { continue };
            let mut all = chains.0.iter_mut();
            if let Some(chain) = all.find(|chain| chain.table == table && &chain.name == name) {
                let number = u64::try_from(chain.rules.len()).unwrap_or(u64::MAX).saturating_add(1);
                chain.rules.push(read(words, packet, number));
            }
        }
    }
    chains
}

/// The order in which a packet on its way in comes to the built-in chains.
fn order(table: &str, chain: &str) -> Option<i64> {
    match (chain, table) {
        ("PREROUTING", "raw") => Some(0),
        ("PREROUTING", "mangle") => Some(1),
        ("INPUT", "mangle") => Some(2),
        ("INPUT", "filter") => Some(3),
        ("INPUT", "security") => Some(4),
        _ => None,
    }
}

fn read(words: &[String], packet: &Packet<'_>, number: u64) -> Rule {
    let mut rule = Rule { number, applies: Truth::Yes, verdict: Verdict::Next };
    let mut negated = false;
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        if word == "!" {
            negated = true;
            continue;
        }
        let mut value = || words.next().unwrap_or_default();
        match word {
            "-j" => rule.verdict = verdict(value()),
            "-g" => rule.verdict = Verdict::Goto(value().to_owned()),
            option => {
                let condition = holds(option, &mut value, packet).negated_if(negated);
                rule.applies = rule.applies.and(condition);
            }
        }
        // What belongs to an option that is not known here.
        while words.next_if(|word| !word.starts_with('-') && *word != "!").is_some() {}
        negated = false;
    }
    rule
}

/// A target that is none of these is a chain, or says something about the packet and lets it go on (LOG, MARK).
fn verdict(target: &str) -> Verdict {
    match target {
        "ACCEPT" => Verdict::Accept,
        "DROP" | "REJECT" => Verdict::Drop,
        "RETURN" => Verdict::Return,
        "LOG" | "NFLOG" | "MARK" | "CONNMARK" | "CT" | "TOS" | "DSCP" | "TTL" | "SET" | "TRACE"
        | "NOTRACK" => Verdict::Next,
        chain => Verdict::Jump(chain.to_owned()),
    }
}

fn holds<'a>(option: &str, value: &mut impl FnMut() -> &'a str, packet: &Packet<'_>) -> Truth {
    let lists = |list: &str, word: &str| Truth::from(list.split(',').any(|one| one == word));
    let ports = |list: &str, port: Option<u16>| port.map_or(Truth::Maybe, |port| lists_port(list, port));
    match option {
        "-i" => match value() {
            name if name.ends_with('+') => packet.interface.starts_with(name.trim_end_matches('+')).into(),
            name => (name == packet.interface).into(),
        },
        "-p" => match value() {
            "all" => Truth::Yes,
            name => (name == packet.protocol.name()).into(),
        },
        "-s" => packet::is_in_network(packet.source, value()),
        "-d" => packet::is_in_network(packet.destination, value()),
        "--dport" | "--dports" => ports(value(), Some(packet.port)),
        "--sport" | "--sports" => ports(value(), packet.source_port),
        "--ctstate" | "--state" => lists(value(), "NEW"),
        "--dst-type" => lists(value(), if packet.is_broadcast() { "BROADCAST" } else { "LOCAL" }),
        "--src-type" => lists(value(), "UNICAST"),
        "--pkt-type" => lists(value(), if packet.is_broadcast() { "broadcast" } else { "unicast" }),
        // A module is named; what it asks comes after, and so do words for people and for targets.
        "-m" | "--comment" | "--log-prefix" | "--log-level" | "--reject-with" => {
            value();
            Truth::Yes
        }
        _ => Truth::Maybe,
    }
}

/// `22`, `22,80`, `8000:8080`.
fn lists_port(list: &str, port: u16) -> Truth {
    Truth::any(list.split(',').map(|item| {
        let (first, last) = item.split_once(':').unwrap_or((item, item));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&port).into(),
            _ => Truth::Maybe,
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::chains::Fate;
    use super::super::packet::Protocol::{self, Tcp, Udp};
    use super::*;

    /// As iptables-nft-save 1.8.9 prints a few rules.
    const FEW: &str = include_str!("captured/iptables.txt");

    fn packet(protocol: Protocol, source: &str, port: u16) -> Packet<'static> {
        let destination = if protocol == Udp { [10, 7, 0, 255] } else { [10, 7, 0, 1] };
        Packet {
            interface: "near",
            protocol,
            source: source.parse().unwrap(),
            destination: destination.into(),
            port,
            source_port: None,
        }
    }

    #[test]
    fn rules_are_followed_to_the_one_that_drops() {
        let udp = packet(Udp, "10.7.0.2", 2425);
        assert_eq!(
            chains(FEW, &udp).fate(),
            Fate::Dropped { table: "filter", base: "INPUT", chain: "INPUT", rule: Some(5), certain: true }
        );
        for accepted in
            [packet(Udp, "192.168.3.3", 2425), packet(Udp, "10.7.0.2", 2426), packet(Tcp, "10.7.0.2", 2425)]
        {
            assert_eq!(chains(FEW, &accepted).fate(), Fate::Accepted, "{accepted:?}");
        }
    }

    /// Whether rules of the filter's INPUT, in front of a policy of DROP, let in a datagram to everybody on port 2425.
    fn fate(rules: &str) -> &'static str {
        let saved = format!("*filter\n:INPUT DROP [0:0]\n:other - [0:0]\n{rules}\nCOMMIT\n");
        match chains(&saved, &packet(Udp, "10.7.0.2", 2425)).fate() {
            Fate::Accepted => "in",
            Fate::Dropped { certain: true, .. } => "out",
            Fate::Dropped { certain: false, .. } => "perhaps",
        }
    }

    #[test]
    fn each_condition_is_decided_and_what_is_not_known_may_hold() {
        for (condition, wanted) in [
            ("", "in"),
            ("-i near", "in"),
            ("-i ne+", "in"),
            ("-i eth+", "out"),
            ("! -i eth0", "in"),
            ("! -i near", "out"),
            ("-p tcp", "out"),
            ("-p udp -m udp --dport 2425", "in"),
            ("-p udp -m udp --dport 2000:3000", "in"),
            ("-p udp -m udp ! --dport 2425", "out"),
            ("-p udp -m multiport --dports 22,2425", "in"),
            ("-p udp -m multiport --dports 22,80", "out"),
            ("-s 10.7.0.0/16", "in"),
            ("-s 10.8.0.0/16", "out"),
            ("-d 10.7.0.1/32", "out"),
            ("-m conntrack --ctstate RELATED,ESTABLISHED", "out"),
            ("-m state --state NEW", "in"),
            ("-m addrtype --dst-type BROADCAST", "in"),
            ("-m addrtype --dst-type LOCAL", "out"),
            (r#"-m comment --comment "-j DROP \"x\"""#, "in"),
            ("-m limit --limit 3/min --limit-burst 10", "perhaps"),
            ("-m limit --limit 3/min -p tcp", "out"),
            ("-s 10.7.0.0/255.0.255.0", "perhaps"),
        ] {
            assert_eq!(fate(&format!("-A INPUT {condition} -j ACCEPT")), wanted, "{condition}");
        }
    }

    #[test]
    fn targets_that_do_not_decide_are_passed() {
        assert_eq!(fate("-A INPUT -j LOG --log-prefix \"a b\" --log-level 7\n-A INPUT -j ACCEPT"), "in");
        assert_eq!(fate("-A INPUT -j other\n-A other -j RETURN\n-A INPUT -j ACCEPT"), "in");
        assert_eq!(fate("-A INPUT -g other\n-A INPUT -j ACCEPT"), "out");
        assert_eq!(fate("-A INPUT -j UNHEARDOF --x y"), "perhaps");
    }

    #[test]
    fn a_table_that_comes_earlier_decides_earlier() {
        let saved = format!("{FEW}*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -j DROP\nCOMMIT\n");
        let fate = chains(&saved, &packet(Udp, "192.168.3.3", 2425));
        assert!(matches!(fate.fate(), Fate::Dropped { table: "raw", base: "PREROUTING", .. }));
    }

    #[test]
    fn what_is_no_output_of_iptables_has_no_chains() {
        for text in ["", "-A", "-A INPUT", "*", ":", "*filter\n-A INPUT -j DROP", "\u{0}*\n:\n-A  -j"] {
            assert_eq!(chains(text, &packet(Udp, "10.7.0.2", 2425)).fate(), Fate::Accepted, "{text}");
        }
    }
}
