//! Whose address it is: the book, read from both sides.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use anyhow::anyhow;
use net::{Address, HostPort, resolve};
use node::book::{Book, ChatAddress, Entry, NameSet};
use node::journal::{Connection, Site};

use crate::failure::Failure;

/// The names of the hosts whose addresses stand in the book.
pub(super) struct Names(HashMap<IpAddr, String>);

impl Names {
    /// Only addresses count that are written as numbers: looking up every host of a book would take long, and ask the
    /// network about all of them.
    pub(super) fn of(book: &Book) -> Self {
        let mut names = HashMap::new();
        let written = book.records().iter().map(|record| record.value.names().to_string());
        for name in NameSet::of(written).unwrap_or_default().iter() {
            let Ok(Some(entry)) = book.find(&name) else { continue };
            for host in hosts(&entry).filter_map(|host| host.parse().ok()) {
                names.entry(host).or_insert_with(|| name.clone());
            }
        }
        Self(names)
    }

    /// Who is at the other end of a connection.
    pub(super) fn of_remote(&self, connection: &Connection) -> Option<&str> {
        self.0.get(&connection.remote_host()?).map(String::as_str)
    }
}

/// Where the connections end that a target means.
pub(super) fn sites(target: &str, book: &Book) -> Result<Vec<Site>, Failure> {
    if let Ok(host) = target.parse() {
        return Ok(vec![Site::Host(host)]);
    }
    // No name has a colon in it.
    if target.contains(':') {
        return address(target);
    }
    let names = book.select(target).map_err(Failure::usage)?;
    let mut sites = Vec::new();
    for name in names.iter() {
        let entry = book.look_up(&name).map_err(|error| Failure::usage(anyhow!(error)))?;
        for host in hosts(&entry) {
            sites.extend(resolved(host, 0)?.map(|at| Site::Host(at.ip())));
        }
    }
    Ok(sites)
}

/// An address of the network stands in the journal as numbers.
fn address(target: &str) -> Result<Vec<Site>, Failure> {
    let address: Address = target.parse().map_err(Failure::usage)?;
    let (scheme, HostPort { host, port }) = match &address {
        Address::Tcp(at) => ("tcp", at),
        Address::Udp(at) => ("udp", at),
        Address::Unix(_) | Address::UnixDatagram(_) => return Ok(vec![Site::Address(address.to_string())]),
    };
    let host = host.as_ref().ok_or_else(|| {
        Failure::usage(anyhow!("{target} has no host")).hint(format_args!("write it: 127.0.0.1:{port}"))
    })?;
    Ok(resolved(host, *port)?.map(|at| Site::Address(format!("{scheme}://{at}"))).collect())
}

/// Where the lines of an entry lead.
fn hosts(entry: &Entry) -> impl Iterator<Item = &str> {
    let chat = entry.chat.as_ref().and_then(|line| match &line.value.at {
        ChatAddress::IpMessenger(at) | ChatAddress::Udp(at) => at.host.as_deref(),
    });
    let ssh = entry.ssh.as_ref().map(|line| line.value.at.host.as_str());
    let socket = entry.socket.as_ref().and_then(|line| match &line.value.at {
        Address::Tcp(at) | Address::Udp(at) => at.host.as_deref(),
        Address::Unix(_) | Address::UnixDatagram(_) => None,
    });
    [chat, ssh, socket].into_iter().flatten()
}

fn resolved(host: &str, port: u16) -> Result<impl Iterator<Item = SocketAddr>, Failure> {
    let at = HostPort { host: Some(host.to_owned()), port };
    Ok(resolve(&at).map_err(|error| Failure::from(anyhow!(error)))?.into_iter())
}
