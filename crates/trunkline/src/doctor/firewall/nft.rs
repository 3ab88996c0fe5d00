//! The rules of nftables, as `nft --json list ruleset` has them (libnftables-json(5)).

use std::net::Ipv4Addr;

use serde_json::Value;

use super::chains::{Base, Chain, Chains, Rule, Verdict};
use super::packet::{self, Packet, Truth};

/// Statements that decide nothing and ask nothing.
const SILENT: [&str; 4] = ["counter", "log", "mangle", "notrack"];

/// The chains that take what comes in over IPv4, decided for a packet. Tables of iptables are left out: it shows its own
/// rules in full.
///
/// # Errors
/// When this is not JSON of nft.
pub(super) fn chains(json: &str, packet: &Packet<'_>) -> anyhow::Result<Chains> {
    let output: Value = serde_json::from_str(json)?;
    let objects = output["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let reader = Reader { objects, packet };
    let of = |kind: &str| objects.iter().filter_map(move |object| object.get(kind)).collect::<Vec<_>>();
    let mut chains = Chains::default();
    for chain in of("chain") {
        if matches!(chain["family"].as_str(), Some("ip" | "inet")) && !is_of_iptables(chain) {
            chains.0.push(Chain {
                table: table(chain),
                name: text(&chain["name"]).to_owned(),
                base: base(chain),
                rules: Vec::new(),
            });
        }
    }
    for rule in of("rule") {
        let (table, name) = (table(rule), text(&rule["chain"]));
        if let Some(chain) = chains.0.iter_mut().find(|chain| chain.table == table && chain.name == name) {
            let expressions = rule["expr"].as_array().map(Vec::as_slice).unwrap_or_default();
            chain.rules.extend(reader.rules(
                expressions,
                &table,
                rule["handle"].as_u64().unwrap_or_default(),
            ));
        }
    }
    Ok(chains)
}

/// As nft's commands name it.
fn table(of: &Value) -> String {
    format!("{} {}", text(&of["family"]), text(&of["table"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// One of the built-in chains of iptables-nft.
fn is_of_iptables(chain: &Value) -> bool {
    text(&chain["family"]) == "ip"
        && matches!(text(&chain["table"]), "raw" | "mangle" | "filter" | "security")
        && matches!(text(&chain["name"]), "INPUT" | "PREROUTING")
}

/// Chains that see a packet on its way in, and may drop it.
fn base(chain: &Value) -> Option<Base> {
    // Before all of prerouting, all of input: no priority goes that far.
    let stage = match text(&chain["hook"]) {
        "prerouting" => i64::from(i32::MIN),
        "input" => i64::from(i32::MAX),
        _ => return None,
    };
    let priority = chain["prio"].as_i64().unwrap_or_default();
    (text(&chain["type"]) == "filter")
        .then(|| Base { order: stage.saturating_add(priority), drops: text(&chain["policy"]) == "drop" })
}

struct Reader<'a> {
    objects: &'a [Value],
    packet: &'a Packet<'a>,
}

/// A value of the packet, as rules speak of it.
enum Known<'a> {
    /// One of a few words, with the number for which a word may stand.
    Word(&'a str, Option<u64>),
    Number(u64),
    Address(Ipv4Addr),
}

impl Reader<'_> {
    /// One for each verdict that the expressions of a rule hold: a map of verdicts has several.
    fn rules(&self, expressions: &[Value], table: &str, number: u64) -> Vec<Rule> {
        let mut applies = Truth::Yes;
        let mut rules = Vec::new();
        for (kind, inner) in expressions.iter().filter_map(Value::as_object).flatten() {
            if let Some(verdict) = verdict(kind, inner) {
                rules.push(Rule { number, applies, verdict });
            } else if kind == "match" {
                applies = applies.and(self.holds(inner, table));
            } else if kind == "vmap" {
                let verdicts = self.map(inner, table).into_iter();
                rules.extend(verdicts.map(|(fits, verdict)| Rule {
                    number,
                    applies: applies.and(fits),
                    verdict,
                }));
            } else if !SILENT.contains(&kind.as_str()) {
                applies = applies.and(Truth::Maybe);
            }
        }
        rules
    }

    /// What a map of verdicts says, and whether it does.
    fn map(&self, map: &Value, table: &str) -> Vec<(Truth, Verdict)> {
        let known = self.known(&map["key"]);
        let pair = |pair: &Value| {
            let fits = known.as_ref().map_or(Truth::Maybe, |known| self.fits(known, &pair[0], table));
            let (kind, inner) = pair[1].as_object()?.iter().next()?;
            Some((fits, verdict(kind, inner)?))
        };
        match map["data"]["set"].as_array() {
            Some(pairs) => pairs.iter().filter_map(pair).collect(),
            // One that has a name of its own: it may let in.
            None => vec![(Truth::Maybe, Verdict::Accept)],
        }
    }

    fn holds(&self, condition: &Value, table: &str) -> Truth {
        let left = &condition["left"];
        if let Some(asked) = left["payload"]["protocol"].as_str()
            && !self.has_header(asked)
        {
            // It does not hold whatever is asked of that header.
            return Truth::No;
        }
        let (Some(known), op) = (self.known(left), text(&condition["op"])) else { return Truth::Maybe };
        if !matches!(op, "==" | "!=" | "in") {
            return Truth::Maybe;
        }
        self.fits(&known, &condition["right"], table).negated_if(op == "!=")
    }

    /// Whether the packet may have such a header.
    fn has_header(&self, protocol: &str) -> bool {
        match protocol {
            "udp" | "tcp" => protocol == self.packet.protocol.name(),
            "icmp" | "icmpv6" | "ip6" | "sctp" | "dccp" | "igmp" | "arp" => false,
            _ => true,
        }
    }

    fn known(&self, left: &Value) -> Option<Known<'_>> {
        let packet = self.packet;
        let payload = &left["payload"];
        let protocol = Known::Word(packet.protocol.name(), Some(packet.protocol.number()));
        let is_type_of_destination = left["fib"]["flags"].as_array().is_some_and(|flags| flags == &["daddr"]);
        Some(match (text(&payload["protocol"]), text(&payload["field"])) {
            ("udp" | "tcp" | "th", "dport") => Known::Number(packet.port.into()),
            ("udp" | "tcp" | "th", "sport") => Known::Number(packet.source_port?.into()),
            ("ip", "saddr") => Known::Address(packet.source),
            ("ip", "daddr") => Known::Address(packet.destination),
            ("ip", "protocol") => protocol,
            _ => match (text(&left["meta"]["key"]), text(&left["ct"]["key"]), text(&left["fib"]["result"])) {
                ("iif" | "iifname", ..) => Known::Word(packet.interface, None),
                ("l4proto", ..) => protocol,
                ("nfproto", ..) => Known::Word("ipv4", Some(2)),
                ("protocol", ..) => Known::Word("ip", None),
                ("pkttype", ..) => {
                    Known::Word(if packet.is_broadcast() { "broadcast" } else { "host" }, None)
                }
                (_, "state", _) => Known::Word("new", None),
                // It was sent to this very address.
                (_, "status", _) => Known::Word("", None),
                (_, _, "type") if is_type_of_destination => {
                    Known::Word(if packet.is_broadcast() { "broadcast" } else { "local" }, None)
                }
                _ => return None,
            },
        })
    }

    /// Whether a value is the one on the right side of a condition, or one of those.
    fn fits(&self, known: &Known<'_>, right: &Value, table: &str) -> Truth {
        let any = |values: &Vec<Value>| Truth::any(values.iter().map(|value| self.fits(known, value, table)));
        match (known, right) {
            (_, Value::Array(values)) => any(values),
            (_, Value::Object(object)) if object.contains_key("set") => {
                right["set"].as_array().map_or(Truth::Maybe, any)
            }
            (_, Value::Object(object)) if object.contains_key("elem") => {
                self.fits(known, &right["elem"]["val"], table)
            }
            (_, Value::String(name)) if name.starts_with('@') => {
                self.set(&name[1..], table).map_or(Truth::Maybe, any)
            }
            (Known::Word(word, _), Value::String(wanted)) => match wanted.strip_suffix('*') {
                Some(start) => word.starts_with(start).into(),
                None => (word == wanted).into(),
            },
            (Known::Word(_, Some(number)), Value::Number(wanted)) => {
                (wanted.as_u64() == Some(*number)).into()
            }
            (Known::Number(number), Value::Number(wanted)) => (wanted.as_u64() == Some(*number)).into(),
            (Known::Number(number), Value::Object(_)) => {
                within(number, right["range"][0].as_u64(), right["range"][1].as_u64())
            }
            (Known::Address(address), Value::String(wanted)) => {
                wanted.parse().map_or(Truth::Maybe, |wanted: Ipv4Addr| (*address == wanted).into())
            }
            (Known::Address(address), Value::Object(object)) if object.contains_key("prefix") => {
                let prefix = format!("{}/{}", text(&right["prefix"]["addr"]), right["prefix"]["len"]);
                packet::is_in_network(*address, &prefix)
            }
            (Known::Address(address), Value::Object(_)) => {
                let end = |end: &Value| text(end).parse::<Ipv4Addr>().ok();
                within(address, end(&right["range"][0]), end(&right["range"][1]))
            }
            _ => Truth::Maybe,
        }
    }

    /// What a set holds, where its elements are told.
    fn set(&self, name: &str, of: &str) -> Option<&Vec<Value>> {
        let sets = self.objects.iter().filter_map(|object| object.get("set"));
        let mut named = sets.filter(|set| text(&set["name"]) == name && table(set) == of);
        named.next()?["elem"].as_array()
    }
}

fn within<T: PartialOrd>(value: &T, first: Option<T>, last: Option<T>) -> Truth {
    match (first, last) {
        (Some(first), Some(last)) => (first..=last).contains(value).into(),
        _ => Truth::Maybe,
    }
}

fn verdict(kind: &str, inner: &Value) -> Option<Verdict> {
    let target = || text(&inner["target"]).to_owned();
    Some(match kind {
        "accept" => Verdict::Accept,
        "drop" | "reject" => Verdict::Drop,
        "jump" => Verdict::Jump(target()),
        "goto" => Verdict::Goto(target()),
        "return" => Verdict::Return,
        "continue" => Verdict::Next,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::chains::Fate;
    use super::super::packet::Protocol::{self, Tcp, Udp};
    use super::*;

    /// Rules of many kinds, as nft 1.0.6 shows them.
    const MANY: &str = include_str!("captured/nft.json");

    fn packet(
        interface: &'static str,
        source: &str,
        destination: &str,
        protocol: Protocol,
        port: u16,
    ) -> Packet<'static> {
        Packet {
            interface,
            protocol,
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            port,
            source_port: (protocol == Udp).then_some(port),
        }
    }

    /// The chain and the handle that end the way of a packet from 10.7.0.2 to us.
    fn end(interface: &'static str, protocol: Protocol, port: u16) -> Option<(String, Option<u64>)> {
        let destination = if protocol == Udp { "10.7.0.255" } else { "10.7.0.1" };
        end_of(&packet(interface, "10.7.0.2", destination, protocol, port))
    }

    fn end_of(packet: &Packet<'_>) -> Option<(String, Option<u64>)> {
        match chains(MANY, packet).unwrap().fate() {
            Fate::Accepted => None,
            Fate::Dropped { chain, rule, certain, .. } => {
                assert!(certain, "{packet:?}");
                Some((chain.to_owned(), rule))
            }
        }
    }

    fn dropped(chain: &str, rule: Option<u64>) -> Option<(String, Option<u64>)> {
        Some((chain.to_owned(), rule))
    }

    #[test]
    fn ports_sets_ranges_and_headers_are_understood() {
        assert_eq!(end("near", Tcp, 80), None, "a set with a name");
        assert_eq!(end("near", Tcp, 443), None, "a set without");
        assert_eq!(end("near", Tcp, 8080), None, "a range");
        assert_eq!(end("near", Udp, 53), None, "either protocol");
        assert_eq!(end("near", Udp, 80), dropped("input", None), "the port of another protocol");
        assert_eq!(end("near", Udp, 68), dropped("input", None), "from another port");
        assert_eq!(end("near", Tcp, 8081), dropped("input", None));
    }

    #[test]
    fn addresses_and_networks_are_understood() {
        let from = |source, destination| end_of(&packet("near", source, destination, Udp, 2425));
        assert_eq!(from("10.9.1.1", "10.9.255.255"), None, "a network in a set");
        assert_eq!(from("192.168.1.1", "10.0.0.1"), None, "an address in a set");
        assert_eq!(from("192.168.1.2", "192.168.1.255"), None, "a network, and not another one");
        assert_eq!(from("192.168.1.2", "10.255.255.255"), dropped("input", None));
        assert_eq!(from("10.7.0.2", "10.7.0.255"), dropped("input", None));
    }

    #[test]
    fn interfaces_maps_and_jumps_are_understood() {
        assert_eq!(end("docker0", Udp, 2425), None, "by the front of its name");
        assert_eq!(end("lo", Udp, 2425), None);
        assert!(end("far", Tcp, 80).is_some_and(|(chain, rule)| chain == "early" && rule.is_some()));
        assert!(end("near", Udp, 9).is_some_and(|(chain, rule)| chain == "deeper" && rule.is_some()));
        assert_eq!(end("far", Udp, 2425), dropped("input", None), "let in by the first, not by the second");
    }

    #[test]
    fn what_is_not_understood_may_hold_or_not() {
        let packet = packet("near", "10.7.0.2", "10.7.0.255", Udp, 2425);
        let fate = |expression: &str| {
            let json = format!(
                r#"{{"nftables": [
                    {{"chain": {{"family": "ip", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0,
                        "policy": "drop"}}}},
                    {{"rule": {{"family": "ip", "table": "t", "chain": "c", "handle": 2, "expr": [{expression}]}}}}
                ]}}"#
            );
            match chains(&json, &packet).unwrap().fate() {
                Fate::Accepted => "in",
                Fate::Dropped { certain: true, .. } => "out",
                Fate::Dropped { certain: false, .. } => "perhaps",
            }
        };
        assert_eq!(fate(r#"{"accept": null}"#), "in");
        assert_eq!(fate(r#"{"counter": {}}, {"accept": null}"#), "in");
        assert_eq!(fate(r#"{"xt": null}, {"accept": null}"#), "perhaps");
        assert_eq!(
            fate(r#"{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@verdicts"}}"#),
            "perhaps"
        );
        assert_eq!(
            fate(
                r#"{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 1}}, {"accept": null}"#
            ),
            "perhaps"
        );
        assert_eq!(
            fate(
                r#"{"match": {"op": "<", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 9}},
                {"accept": null}"#
            ),
            "perhaps"
        );
        assert_eq!(
            fate(r#""accept", 7, {"match": null}, {"vmap": []}"#),
            "perhaps",
            "no shape that nft prints"
        );
    }

    #[test]
    fn what_is_no_json_of_nft_is_an_error() {
        let packet = packet("near", "10.7.0.2", "10.7.0.255", Udp, 2425);
        assert!(chains("table inet filter {", &packet).is_err());
        assert_eq!(chains("{}", &packet).unwrap().fate(), Fate::Accepted);
    }
}
