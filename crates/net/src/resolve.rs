//! Names to addresses, with the system's own resolver: /etc/hosts, DNS, and whatever else is set up.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use thiserror::Error;

use crate::HostPort;

/// Why a host has no address.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// Neither /etc/hosts nor the DNS server knows it, or none could be asked.
    #[error("looking up the name {host}: {reason}; check the spelling, /etc/hosts or the DNS server")]
    NotFound {
        /// The name.
        host: String,
        /// The resolver's words (gai_strerror(3)).
        reason: String,
    },
    /// The interface behind the `%` of an IPv6 address is not here.
    #[error("{address}%{zone}: this machine has no interface {zone}; ip link lists those it has")]
    Zone {
        /// The address.
        address: String,
        /// What stood behind the percent sign.
        zone: String,
    },
}

/// Every address of a host, in the order to try them (RFC 6724). Without a host: this machine, by IPv6 and by
/// IPv4. Blocks while a DNS server is asked, which may take many seconds.
///
/// # Errors
/// When the host has no address; there is at least one in a good answer.
pub fn resolve(at: &HostPort) -> Result<Vec<SocketAddr>, ResolveError> {
    let Some(host) = &at.host else {
        let loopback = [IpAddr::from(Ipv6Addr::LOCALHOST), IpAddr::from(Ipv4Addr::LOCALHOST)];
        return Ok(loopback.map(|ip| SocketAddr::new(ip, at.port)).to_vec());
    };
    let mut addresses = Vec::new();
    for address in (host.as_str(), at.port).to_socket_addrs().map_err(|error| failure(host, &error))? {
        // A name that stands twice in /etc/hosts comes twice.
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(no_address(host));
    }
    Ok(addresses)
}

/// [`resolve`] on a thread of its own, so that the connections of this thread go on meanwhile.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_async(at: &HostPort) -> Result<Vec<SocketAddr>, ResolveError> {
    // Nothing to ask: a server that starts at an address needs no thread.
    if at.host.as_ref().is_none_or(|host| host.parse::<IpAddr>().is_ok()) {
        return resolve(at);
    }
    let at = at.clone();
    let host = at.host.clone().unwrap_or_default();
    tokio::task::spawn_blocking(move || resolve(&at))
        .await
        .unwrap_or_else(|stopped| Err(ResolveError::NotFound { host, reason: stopped.to_string() }))
}

/// Where datagrams for a host are sent, of which nobody sees whether they arrive: by IPv4, if it has such an address.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_one(at: &HostPort) -> Result<SocketAddr, ResolveError> {
    let found = resolve_async(at).await?;
    let best = found.into_iter().min_by_key(SocketAddr::is_ipv6);
    best.ok_or_else(|| no_address(at.host.as_deref().unwrap_or_default()))
}

fn no_address(host: &str) -> ResolveError {
    ResolveError::NotFound { host: host.to_owned(), reason: "it has no address".to_owned() }
}

fn failure(host: &str, error: &io::Error) -> ResolveError {
    if let Some((address, zone)) = host.split_once('%') {
        return ResolveError::Zone { address: address.to_owned(), zone: zone.to_owned() };
    }
    let reason = error.to_string();
    // std puts its own words before the resolver's.
    let reason = reason.strip_prefix("failed to lookup address information: ").unwrap_or(&reason).to_owned();
    ResolveError::NotFound { host: host.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> HostPort {
        text.parse().unwrap()
    }

    fn addresses(text: &str) -> Vec<String> {
        resolve(&at(text)).expect(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_number_is_its_own_address() {
        assert_eq!(addresses("127.0.0.1:80"), ["127.0.0.1:80"]);
        assert_eq!(addresses("[::1]:80"), ["[::1]:80"]);
    }

    #[test]
    fn no_host_is_this_machine_by_both_families() {
        assert_eq!(addresses(":80"), ["[::1]:80", "127.0.0.1:80"]);
    }

    #[test]
    fn localhost_is_looked_up_and_names_each_address_once() {
        let found = addresses("localhost:80");
        assert!(found.contains(&"127.0.0.1:80".to_owned()) || found.contains(&"[::1]:80".to_owned()));
        assert!(found.iter().enumerate().all(|(i, one)| !found[..i].contains(one)), "{found:?}");
    }

    #[test]
    fn a_zone_is_the_number_of_its_interface() {
        let interface = std::fs::read_to_string("/sys/class/net/lo/ifindex").unwrap();
        let found = resolve(&at("[fe80::1%lo]:80")).unwrap();
        let [SocketAddr::V6(address)] = found[..] else { panic!("{found:?}") };
        assert_eq!(address.scope_id().to_string(), interface.trim());
    }

    #[test]
    fn an_interface_that_is_not_here_is_named() {
        let error = resolve(&at("[fe80::1%nowhere0]:80")).unwrap_err().to_string();
        assert_eq!(
            error,
            "fe80::1%nowhere0: this machine has no interface nowhere0; ip link lists those it has"
        );
    }

    #[tokio::test]
    async fn a_wrong_name_is_quoted_with_the_places_to_look_at() {
        // RFC 6761 keeps `.invalid` free of hosts for ever.
        let error = resolve_async(&at("prniter.invalid:9100")).await.unwrap_err().to_string();
        assert!(error.starts_with("looking up the name prniter.invalid: "), "{error}");
        assert!(error.ends_with("; check the spelling, /etc/hosts or the DNS server"), "{error}");
        assert!(!error.contains("failed to lookup"), "{error}");
    }

    #[tokio::test]
    async fn both_ways_of_asking_agree() {
        for text in ["localhost:80", "127.0.0.1:80", ":80"] {
            assert_eq!(resolve_async(&at(text)).await.unwrap(), resolve(&at(text)).unwrap());
        }
    }

    #[tokio::test]
    async fn of_several_addresses_the_one_of_ipv4_is_taken() {
        for (text, taken) in [(":80", "127.0.0.1:80"), ("[::1]:80", "[::1]:80")] {
            assert_eq!(resolve_one(&at(text)).await.unwrap().to_string(), taken);
        }
    }
}
