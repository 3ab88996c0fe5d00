//! Why nothing could be listened on, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::census::{self, Holder};
use crate::sockopt::ApplyError;
use crate::{Address, Endpoint, ResolveError, Untrusted};

/// Why an address cannot be listened on. Every message names the address and says how to mend it.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The host is not known.
    #[error("listening on {at}: {source}")]
    Resolve {
        /// The address asked for.
        at: Address,
        /// What the resolver says.
        source: ResolveError,
    },
    /// An option that does not fit, or that the kernel refuses.
    #[error("listening on {at}: {source}")]
    Option {
        /// The address asked for.
        at: Endpoint,
        /// What is wrong with it.
        source: ApplyError,
    },
    /// Another program has the port.
    #[error("listening on {at}: the port is taken{}; stop it or choose another port", by(holder.as_ref()))]
    PortTaken {
        /// The address asked for.
        at: Endpoint,
        /// Who has it, where that can be seen.
        holder: Option<Holder>,
    },
    /// A port that not everybody may open (ip(7)).
    #[error(
        "listening on {at}: a port below {border} needs privilege; allow it to this program with \
         sudo setcap cap_net_bind_service=+ep {program}, to everybody with \
         sudo sysctl net.ipv4.ip_unprivileged_port_start={port}, or let a systemd socket unit open it"
    )]
    Privileged {
        /// The address asked for.
        at: Endpoint,
        /// Its port.
        port: u16,
        /// The first port that needs no privilege.
        border: u16,
        /// The file of this program.
        program: String,
    },
    /// An interface that is not here, or that this user may not choose.
    #[error(
        "listening at the interface {}, of those that ip link lists: {source}",
        Untrusted::from(interface.as_str())
    )]
    Interface {
        /// Its name.
        interface: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// An address that belongs to no interface of this machine.
    #[error(
        "listening on {at}: this machine does not have that address; ip address lists those it has, \
         and a port alone (:8080) serves them all"
    )]
    NotHere {
        /// The address asked for.
        at: Endpoint,
    },
    /// A link-local address that does not say of which link.
    #[error(
        "listening on {at}: a link-local address needs its interface; write it as [fe80::1%eth0]:8080, \
         ip address shows which"
    )]
    NoZone {
        /// The address asked for.
        at: Endpoint,
    },
    /// Another program listens at the socket file.
    #[error("listening on {at}: the socket file is in use{}; stop it or choose another path", by(holder.as_ref()))]
    FileTaken {
        /// The address asked for.
        at: Endpoint,
        /// Who has it, where that can be seen.
        holder: Option<Holder>,
    },
    /// Something else stands where the socket file should be. It is left alone.
    #[error(
        "listening on {at}: {what} of that name is there already, and is left alone; choose another path"
    )]
    NotASocket {
        /// The address asked for.
        at: Endpoint,
        /// What it is.
        what: &'static str,
    },
    /// The folder of the socket file does not exist.
    #[error("listening on {at}: there is no folder {}; make it with mkdir -p", folder.display())]
    NoFolder {
        /// The address asked for.
        at: Endpoint,
        /// The folder.
        folder: PathBuf,
    },
    /// The socket file may not be made, or a left-over one not be replaced.
    #[error(
        "listening on {at}: no permission to make a socket file in {}; choose a folder of yours, such as $XDG_RUNTIME_DIR",
        folder.display()
    )]
    Forbidden {
        /// The address asked for.
        at: Endpoint,
        /// The folder.
        folder: PathBuf,
    },
    /// A listener handed over by the service manager is not the one asked for.
    #[error(
        "listening on {at} with a socket that was handed over: {reason}; mend the socket unit or the address"
    )]
    Inherited {
        /// The address asked for.
        at: Address,
        /// What does not fit.
        reason: String,
    },
    /// Anything else that the kernel says.
    #[error("listening on {at}: {doing}: {source}")]
    System {
        /// The address asked for.
        at: Endpoint,
        /// The call that failed.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl ListenError {
    /// What the kernel's refusal of an address over TCP or UDP means.
    pub(super) fn at_port(at: &Endpoint, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let at = at.clone();
        move |source| {
            let port = at.socket_addr().map_or(0, |address| address.port());
            match source.kind() {
                io::ErrorKind::AddrInUse => Self::PortTaken { holder: census::holder(&at), at },
                io::ErrorKind::PermissionDenied if port != 0 => {
                    Self::Privileged { at, port, border: unprivileged_from(), program: this_program() }
                }
                io::ErrorKind::AddrNotAvailable => Self::NotHere { at },
                io::ErrorKind::InvalidInput if lacks_zone(&at) => Self::NoZone { at },
                _ => Self::System { at, doing, source },
            }
        }
    }

    /// What the kernel's refusal of a socket file means.
    pub(super) fn at_file(at: &Endpoint, path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let at = at.clone();
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        move |source| match source.kind() {
            io::ErrorKind::AddrInUse => Self::FileTaken { holder: census::holder(&at), at },
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NoFolder { at, folder },
            io::ErrorKind::PermissionDenied => Self::Forbidden { at, folder },
            _ => Self::System { at, doing, source },
        }
    }

    /// True where this address is not one of this machine, or its whole family is switched off.
    pub(super) fn is_not_of_this_machine(&self) -> bool {
        match self {
            Self::NotHere { .. } => true,
            Self::System { source, .. } => source.raw_os_error() == Some(libc::EAFNOSUPPORT),
            _ => false,
        }
    }
}

fn by(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => format!(" by {holder}"),
        None => " by a program that cannot be seen from here".to_owned(),
    }
}

fn lacks_zone(at: &Endpoint) -> bool {
    matches!(at.socket_addr(), Some(std::net::SocketAddr::V6(v6)) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0)
}

/// The first port that needs no privilege; 1024 since 4.2BSD, where the system says nothing else.
fn unprivileged_from() -> u16 {
    let setting = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    setting.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

fn this_program() -> String {
    std::env::current_exe().map_or_else(|_| "FILE".to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port_error(at: &str, errno: i32) -> String {
        let at = Endpoint::Tcp(at.parse().unwrap());
        ListenError::at_port(&at, "bind")(io::Error::from_raw_os_error(errno)).to_string()
    }

    #[test]
    fn a_privileged_port_names_the_three_ways_to_be_allowed() {
        let error = port_error("127.0.0.1:80", libc::EACCES);
        assert!(error.starts_with("listening on tcp://127.0.0.1:80: a port below "), "{error}");
        assert!(error.contains("sudo setcap cap_net_bind_service=+ep /"), "{error}");
        assert!(error.contains("sudo sysctl net.ipv4.ip_unprivileged_port_start=80"), "{error}");
        assert!(error.contains("systemd socket unit"), "{error}");
    }

    #[test]
    fn a_link_local_address_without_its_interface_says_how_to_name_it() {
        assert!(port_error("[fe80::1]:80", libc::EINVAL).contains("[fe80::1%eth0]:8080"));
        assert!(port_error("10.0.0.1:80", libc::EINVAL).contains("bind: Invalid argument"));
    }

    #[test]
    fn a_machine_without_ipv6_is_told_apart_from_a_refusal() {
        let error = |errno| {
            let at = Endpoint::Tcp("[::]:80".parse().unwrap());
            ListenError::at_port(&at, "socket")(io::Error::from_raw_os_error(errno))
        };
        assert!(error(libc::EAFNOSUPPORT).is_not_of_this_machine());
        assert!(error(libc::EADDRNOTAVAIL).is_not_of_this_machine());
        assert!(!error(libc::EADDRINUSE).is_not_of_this_machine());
    }
}
