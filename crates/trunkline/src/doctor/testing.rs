//! What the tests of several checks need.

use net::Interface;

/// An interface that is up; the address with its prefix, `10.7.0.1/24`.
pub(super) fn interface(name: &str, address: &str, broadcast: Option<&str>) -> Interface {
    let (address, prefix) = address.split_once('/').unwrap();
    Interface {
        name: name.to_owned(),
        index: Some(2),
        address: address.parse().unwrap(),
        prefix: prefix.parse().unwrap(),
        broadcast: broadcast.map(|to| to.parse().unwrap()),
        is_up: true,
        is_loopback: name == "lo",
        is_point_to_point: name.starts_with("wg"),
    }
}
