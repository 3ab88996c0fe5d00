//! Whose address it is: the book, read from both sides.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use anyhow::anyhow;
use net::{Address, HostPort, resolve};
use node::book::{Book, ChatAddress, Entry};
use node::journal::{Journal, MessageQuery, Site, Whose};

use crate::failure::Failure;

/// The names of the hosts whose addresses stand in the book.
pub(super) struct Names(HashMap<IpAddr, String>);

impl Names {
    /// Only addresses count that are written as numbers: looking up every host of a book would take long, and ask the
    /// network about all of them.
    pub(super) fn of(book: &Book) -> Self {
        let mut names = HashMap::new();
        for entry in book.entries(&book.names_where(|_| true)) {
            for host in hosts(&entry).filter_map(|host| host.parse().ok()) {
                names.entry(host).or_insert_with(|| entry.name.to_string());
            }
        }
        Self(names)
    }

    /// Who is at a host.
    pub(super) fn of_host(&self, host: IpAddr) -> Option<&str> {
        self.0.get(&host).map(String::as_str)
    }
}

/// Whose connections and messages are wanted.
pub(super) struct Target {
    pub(super) sites: Vec<Site>,
    pub(super) whose: Vec<Whose>,
}

impl Target {
    /// What a target means. Who is not in the book may be known by the name that he gives himself.
    pub(super) fn of(target: &str, book: &Book, journal: Option<&Journal>) -> Result<Self, Failure> {
        if let Ok(host) = target.parse() {
            return Ok(Self::at_hosts([host]));
        }
        // No name has a colon in it.
        if target.contains(':') {
            return Self::at_address(target);
        }
        let names = match book.select(target) {
            Ok(names) => names,
            Err(error) => {
                let nick = Whose::Nick(target.to_owned());
                return match is_in_journal(&nick, journal)? {
                    true => Ok(Self { sites: Vec::new(), whose: vec![nick] }),
                    false => Err(Failure::usage(error)),
                };
            }
        };
        let mut found = Vec::new();
        for name in names.iter() {
            let entry = book.look_up(&name).map_err(|error| Failure::usage(anyhow!(error)))?;
            for host in hosts(&entry) {
                found.extend(resolved(host, 0)?.map(|at| at.ip()));
            }
        }
        Ok(Self::at_hosts(found))
    }

    fn at_hosts(hosts: impl IntoIterator<Item = IpAddr>) -> Self {
        let (sites, whose) = hosts.into_iter().map(|host| (Site::Host(host), Whose::Host(host))).unzip();
        Self { sites, whose }
    }

    /// An address of the network stands in the journal as numbers. Messages go by UDP.
    fn at_address(target: &str) -> Result<Self, Failure> {
        let address: Address = target.parse().map_err(Failure::usage)?;
        let (scheme, HostPort { host, port }) = match &address {
            Address::Tcp(at) => ("tcp", at),
            Address::Udp(at) => ("udp", at),
            Address::Unix(_) | Address::UnixDatagram(_) => {
                return Ok(Self { sites: vec![Site::Address(address.to_string())], whose: Vec::new() });
            }
        };
        let host = host.as_ref().ok_or_else(|| {
            Failure::usage(anyhow!("{target} has no host")).hint(format_args!("write it: 127.0.0.1:{port}"))
        })?;
        let at: Vec<_> = resolved(host, *port)?.collect();
        Ok(Self {
            sites: at.iter().map(|at| Site::Address(format!("{scheme}://{at}"))).collect(),
            whose: at.into_iter().filter(|_| scheme == "udp").map(Whose::Address).collect(),
        })
    }
}

fn is_in_journal(whose: &Whose, journal: Option<&Journal>) -> Result<bool, Failure> {
    let Some(journal) = journal else { return Ok(false) };
    let query = MessageQuery { whose: Some(vec![whose.clone()]), newest: Some(1), ..MessageQuery::default() };
    Ok(!journal.messages(&query)?.is_empty())
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
