//! Whose address it is: the book, read from both sides.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use anyhow::anyhow;
use net::{Address, HostPort, resolve};
use node::book::{Book, ChatAddress, Entry};
use node::journal::{Journal, MessageQuery, RunQuery, Site, Whose};

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

/// Whose connections, messages and runs are wanted.
#[derive(Default)]
pub(super) struct Target {
    pub(super) sites: Vec<Site>,
    pub(super) whose: Vec<Whose>,
    /// Names and hosts of machines.
    pub(super) machines: Vec<String>,
}

impl Target {
    /// What a target means. Who is not in the book may be known by the name that he gives himself, and a machine by the one
    /// under which something was run there.
    pub(super) fn of(target: &str, book: &Book, journal: Option<&Journal>) -> Result<Self, Failure> {
        if let Ok(host) = target.parse() {
            return Ok(Self::at_hosts([host]));
        }
        // No name has a colon in it.
        if target.contains(':') {
            return Self::at_address(target);
        }
        match Self::of_book(target, book) {
            Ok(found) => Ok(found),
            Err(error) => Self::of_journal(target, journal)?.ok_or(error),
        }
    }

    fn of_book(target: &str, book: &Book) -> Result<Self, Failure> {
        let (mut found, mut machines) = (Vec::new(), Vec::new());
        for name in book.select(target).map_err(Failure::usage)?.iter() {
            let entry = book.look_up(&name).map_err(|error| Failure::usage(anyhow!(error)))?;
            for host in hosts(&entry) {
                found.extend(resolved(host, 0)?.map(|at| at.ip()));
            }
            machines.push(name);
        }
        let mut target = Self::at_hosts(found);
        target.machines.extend(machines);
        Ok(target)
    }

    fn of_journal(target: &str, journal: Option<&Journal>) -> Result<Option<Self>, Failure> {
        let Some(journal) = journal else { return Ok(None) };
        let target = target.to_owned();
        let found =
            Self { sites: Vec::new(), whose: vec![Whose::Nick(target.clone())], machines: vec![target] };
        let messages =
            MessageQuery { whose: Some(found.whose.clone()), newest: Some(1), ..MessageQuery::default() };
        let runs =
            RunQuery { machines: Some(found.machines.clone()), newest: Some(1), ..RunQuery::default() };
        let is_there = !journal.messages(&messages)?.is_empty() || !journal.runs(&runs)?.is_empty();
        Ok(is_there.then_some(found))
    }

    fn at_hosts(hosts: impl IntoIterator<Item = IpAddr>) -> Self {
        let mut target = Self::default();
        for host in hosts {
            target.sites.push(Site::Host(host));
            target.whose.push(Whose::Host(host));
            target.machines.push(host.to_string());
        }
        target
    }

    /// An address of the network stands in the journal as numbers. Messages go by UDP.
    fn at_address(target: &str) -> Result<Self, Failure> {
        let address: Address = target.parse().map_err(Failure::usage)?;
        let (scheme, HostPort { host, port }) = match &address {
            Address::Tcp(at) => ("tcp", at),
            Address::Udp(at) => ("udp", at),
            Address::Unix(_) | Address::UnixDatagram(_) => {
                return Ok(Self { sites: vec![Site::Address(address.to_string())], ..Self::default() });
            }
        };
        let host = host.as_ref().ok_or_else(|| {
            Failure::usage(anyhow!("{target} has no host")).hint(format_args!("write it: 127.0.0.1:{port}"))
        })?;
        let at: Vec<_> = resolved(host, *port)?.collect();
        Ok(Self {
            sites: at.iter().map(|at| Site::Address(format!("{scheme}://{at}"))).collect(),
            whose: at.into_iter().filter(|_| scheme == "udp").map(Whose::Address).collect(),
            // Of a machine that is in no book the address is the name.
            machines: vec![target.to_owned()],
        })
    }
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
