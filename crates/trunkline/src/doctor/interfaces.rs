//! Which interfaces lead to a network that the chat line can speak to.

use net::{Interface, Untrusted};

use super::{Finding, Level};

/// Where the addresses come from.
const HOW: &str = "the kernel's list of addresses (getifaddrs)";

/// A finding for each interface but the loopback, and one more where none of them will do.
pub(super) fn judge(all: &[Interface]) -> Vec<Finding> {
    let mut groups: Vec<Vec<&Interface>> = Vec::new();
    for interface in all.iter().filter(|interface| !interface.is_loopback) {
        match groups.iter_mut().find(|group| group[0].name == interface.name) {
            Some(group) => group.push(interface),
            None => groups.push(vec![interface]),
        }
    }
    let mut findings: Vec<_> = groups.iter().map(|group| one(group)).collect();
    if all.iter().all(|one| one.everybody().is_none()) {
        let what = "no interface leads to a network: the chat line would reach nobody by itself";
        findings.push(Finding::new(Level::Problem, what, HOW).remedy("ip -brief link"));
    }
    findings
}

/// All addresses of one interface.
fn one(group: &[&Interface]) -> Finding {
    let name = Untrusted::from(group[0].name.as_str());
    let addresses: Vec<_> = group.iter().map(|one| format!("{}/{}", one.address, one.prefix)).collect();
    let addresses = addresses.join(", ");
    let spoken_to = || group.iter().filter_map(|one| Some((one, one.everybody()?)));
    let broadcasts: Vec<_> = spoken_to().map(|(_, to)| to.to_string()).collect();
    if !group[0].is_up {
        let what = format!("{name} ({addresses}) is switched off, or without a cable");
        return Finding::new(Level::Notice, what, "getifaddrs: it is not IFF_RUNNING")
            .remedy(format!("sudo ip link set {name} up"));
    }
    if broadcasts.is_empty() {
        let what = format!(
            "{name} ({addresses}): no IPv4 broadcast, so that the chat line speaks to nobody there by itself"
        );
        return Finding::new(Level::Good, what, HOW);
    }
    if spoken_to().all(|(one, _)| is_makeshift(one)) {
        let what =
            format!("{name} ({addresses}) has only an address that it gave itself: no DHCP server answered");
        return Finding::new(Level::Notice, what, "getifaddrs: 169.254.0.0/16 (RFC 3927)");
    }
    let what = format!("{name} ({addresses}): the chat line speaks to {}", broadcasts.join(", "));
    Finding::new(Level::Good, what, HOW)
}

/// An address that a machine takes when nobody gives it one (RFC 3927).
fn is_makeshift(interface: &Interface) -> bool {
    matches!(interface.address, std::net::IpAddr::V4(v4) if v4.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::interface;

    fn seen(all: &[Interface]) -> Vec<(Level, String)> {
        judge(all).into_iter().map(|finding| (finding.level, finding.what)).collect()
    }

    #[test]
    fn an_interface_stands_once_with_all_its_addresses_and_where_the_chat_line_speaks_to() {
        let lan = interface("eth0", "192.168.1.7/24", Some("192.168.1.255"));
        let all = [
            interface("lo", "127.0.0.1/8", None),
            lan,
            interface("wg0", "10.9.0.2/32", None),
            interface("eth0", "fe80::1/64", None),
        ];
        assert_eq!(
            seen(&all),
            [
                (
                    Level::Good,
                    "eth0 (192.168.1.7/24, fe80::1/64): the chat line speaks to 192.168.1.255".to_owned()
                ),
                (
                    Level::Good,
                    "wg0 (10.9.0.2/32): no IPv4 broadcast, so that the chat line speaks to nobody there by itself"
                        .to_owned()
                ),
            ]
        );
    }

    #[test]
    fn without_a_network_the_chat_line_reaches_nobody() {
        for all in
            [vec![], vec![interface("lo", "127.0.0.1/8", None)], vec![interface("wg0", "10.9.0.2/32", None)]]
        {
            let last = judge(&all).pop().unwrap();
            assert_eq!((last.level, last.remedy.as_deref()), (Level::Problem, Some("ip -brief link")));
        }
    }

    #[test]
    fn one_that_is_switched_off_is_switched_on_by_the_command() {
        let off = Interface { is_up: false, ..interface("eth1", "10.0.0.1/8", Some("10.255.255.255")) };
        let findings = judge(&[off]);
        assert_eq!(findings.iter().map(|one| one.level).collect::<Vec<_>>(), [Level::Notice, Level::Problem]);
        assert_eq!(findings[0].remedy.as_deref(), Some("sudo ip link set eth1 up"));
    }

    #[test]
    fn an_address_that_nobody_gave_is_worth_a_notice() {
        let alone = interface("eth0", "169.254.7.7/16", Some("169.254.255.255"));
        assert_eq!(judge(&[alone])[0].level, Level::Notice);
    }

    #[test]
    fn a_name_from_outside_prints_safely() {
        let evil = interface("a\x1b[2J", "10.0.0.1/8", Some("10.255.255.255"));
        assert!(judge(&[evil])[0].what.starts_with(r"a\x1b[2J ("));
    }
}
