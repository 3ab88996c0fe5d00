//! What a certificate allows (OpenSSH's PROTOCOL.certkeys). Its time and its signature have been checked.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use russh::keys::Certificate;
use russh::keys::ssh_key::certificate::CertType;

use super::access::{Grant, Login, Refusal};
use crate::authorized_keys::Options;

/// Decides on a certificate whose authority stands in a line with these options.
pub(super) fn judge(certificate: &Certificate, options: &Options, login: &Login) -> Result<Grant, Refusal> {
    let id = certificate.key_id();
    let refuse = |wrong: &str| Err(Refusal::Certificate { id: id.to_owned(), wrong: wrong.to_owned() });
    if certificate.cert_type() != CertType::User {
        return refuse("it is one of a host");
    }
    let names = certificate.valid_principals();
    let good = |name: &String| match &options.principals {
        Some(allowed) => allowed.contains(name),
        None => *name == login.user,
    };
    // One without names would be good for everybody.
    if !names.iter().any(good) {
        return refuse("none of its names may log in");
    }
    let mut command = options.command.clone();
    for (name, value) in certificate.critical_options().iter() {
        match name.as_str() {
            "force-command" => match &command {
                Some(other) if other != value => {
                    return refuse("it has another command than its authority's line");
                }
                _ => command = Some(value.clone()),
            },
            "source-address" => match contains(value, login.address) {
                Some(true) => {}
                Some(false) => return Err(Refusal::From { place: id.to_owned(), address: login.address }),
                None => return refuse("its source-address is not a list of networks"),
            },
            _ => return refuse(&format!("its critical option {name} is not known")),
        }
    }
    let permits = |name: &str| certificate.extensions().contains_key(name);
    let mut forwarding = options.forwarding.clone();
    forwarding.allowed &= permits("permit-port-forwarding");
    let end = certificate.valid_before_time().and_then(|time| Timestamp::try_from(time).ok());
    Ok(Grant {
        label: id.to_owned(),
        command,
        pty: options.pty && permits("permit-pty"),
        forwarding,
        until: [options.expires, end].into_iter().flatten().min(),
    })
}

/// None: this is no list of networks.
fn contains(list: &str, address: IpAddr) -> Option<bool> {
    let address = address.to_canonical();
    let mut found = false;
    for entry in list.split(',') {
        let network = entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).ok()?;
        found |= network.contains(&address);
    }
    Some(found)
}
