//! The addresses of this machine's interfaces, and word of their changes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use if_addrs::{IfAddr, IfOperStatus};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use tokio::net::UnixDatagram;

/// One address of an interface; an interface with several addresses stands once for each, one without any not at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    /// The interface's name. Whoever made the interface chose it, so that it prints through
    /// [`Untrusted`](crate::Untrusted).
    pub name: String,
    /// Its number (`if_nametoindex(3)`), the scope of its link-local addresses; none when it has gone since.
    pub index: Option<u32>,
    /// The address.
    pub address: IpAddr,
    /// How many leading bits of the address name the network.
    pub prefix: u8,
    /// Where a datagram reaches everybody on an IPv4 network. None over IPv6, on the loopback, between two points, and in
    /// a network too small for one (RFC 3021).
    pub broadcast: Option<Ipv4Addr>,
    /// Switched on, and with a carrier (`IFF_RUNNING` in netdevice(7)).
    pub is_up: bool,
    /// Leads to this machine itself.
    pub is_loopback: bool,
    /// Leads to one other machine, as tunnels do.
    pub is_point_to_point: bool,
}

impl Interface {
    /// Where a datagram reaches everybody at this moment: [`Interface::broadcast`], while the interface is up.
    #[must_use]
    pub fn everybody(&self) -> Option<Ipv4Addr> {
        self.broadcast.filter(|_| self.is_up)
    }
}

/// The number of the loopback in every network namespace (`LOOPBACK_IFINDEX` in the kernel's include/net/flow.h).
const LOOPBACK_INDEX: u32 = 1;

/// The interfaces with their addresses, as they are at this moment.
///
/// # Errors
/// When the kernel cannot be asked (getifaddrs(3)).
pub fn interfaces() -> io::Result<Vec<Interface>> {
    Ok(if_addrs::get_if_addrs()?.into_iter().map(Interface::from).collect())
}

impl From<if_addrs::Interface> for Interface {
    fn from(found: if_addrs::Interface) -> Self {
        // The loopback may have addresses beside those of 127.0.0.0/8.
        let is_loopback = found.is_loopback() || found.index == Some(LOOPBACK_INDEX);
        let is_point_to_point = found.is_p2p();
        let (prefix, broadcast) = match &found.addr {
            IfAddr::V4(v4) => {
                // Where none has been set, glibc gives the address itself.
                let set = v4.broadcast.filter(|&broadcast| broadcast != v4.ip);
                (v4.prefixlen, set.or_else(|| directed_broadcast(v4.ip, v4.prefixlen)))
            }
            IfAddr::V6(v6) => (v6.prefixlen, None),
        };
        Self {
            address: found.ip(),
            is_up: found.oper_status == IfOperStatus::Up,
            name: without_label(&found.name).to_owned(),
            index: found.index,
            prefix,
            broadcast: broadcast.filter(|_| !is_loopback && !is_point_to_point),
            is_loopback,
            is_point_to_point,
        }
    }
}

/// The name of an interface, which getifaddrs(3) replaces by the label of an address: `eth0:1` for `eth0`. No interface
/// has a colon in its name.
fn without_label(name: &str) -> &str {
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// The last address of a network, which stands for everybody in it (RFC 919). The kernel takes it as such also where
/// nobody has said so: `ip address add` leaves it out unless told `broadcast +`.
fn directed_broadcast(address: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    let hosts = u32::MAX.checked_shr(prefix.into()).filter(|&hosts| hosts > 1)?;
    Some(address | Ipv4Addr::from_bits(hosts))
}

/// Word that links or addresses of this machine have changed.
#[derive(Debug)]
pub struct Watch {
    /// A netlink socket, of which nothing is asked but to receive: whatever has datagrams does that the same way.
    socket: UnixDatagram,
}

/// The groups of rtnetlink(7) that hear of links and of addresses.
const GROUPS: i32 = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR;

impl Watch {
    /// Watches from now on; to be called within a tokio runtime, and before [`interfaces`], so that no change falls
    /// between the two.
    ///
    /// # Errors
    /// When there is no such socket to be had: some sandboxes allow none.
    pub fn new() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // Of the protocols of netlink, the one of number 0 is NETLINK_ROUTE.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS.cast_unsigned()))?;
        Ok(Self { socket: UnixDatagram::from_std(socket.into())? })
    }

    /// Waits for a change since the last time, whatever it is: [`interfaces`] tells. One event of the world (a cable, a
    /// wireless network) makes several changes within some hundred milliseconds, so a caller waits a moment before it
    /// looks. Nothing is lost when this is dropped while it waits.
    ///
    /// # Errors
    /// When the kernel takes the socket away, which it does not do by itself.
    pub async fn changed(&self) -> io::Result<()> {
        // What a message says does not matter, so that it may be cut short.
        match self.socket.recv(&mut [0; 16]).await {
            // There were more than fit, which is a change, too.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => {}
            received => drop(received?),
        }
        // What has come together with it is the same change.
        while self.socket.try_recv(&mut [0; 16]).is_ok() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::eventually;
    use std::process::Command;
    use std::time::Duration;

    /// Runs on a thread of its own with a network of its own, in which a pair of interfaces, both switched off, is joined
    /// by a cable: `near` and `far`. Only root may; others get a word.
    fn in_own_network(test: impl FnOnce() + Send + 'static) {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let thread = std::thread::spawn(|| {
            #[allow(unsafe_code, reason = "no safe crate moves a thread into another network namespace")]
            // SAFETY: no pointers; only this thread is moved, and it ends with the test.
            let moved = unsafe { libc::unshare(libc::CLONE_NEWNET) };
            assert_eq!(moved, 0, "{}", io::Error::last_os_error());
            ip("link add near type veth peer name far");
            test();
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }

    #[track_caller]
    fn ip(arguments: &str) {
        let status = Command::new("ip").args(arguments.split(' ')).status().expect("this test needs ip");
        assert!(status.success(), "ip {arguments}");
    }

    fn of_near() -> Vec<Interface> {
        interfaces().unwrap().into_iter().filter(|interface| interface.name == "near").collect()
    }

    #[test]
    fn the_loopback_has_its_address_and_no_broadcast() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let found = interfaces().unwrap();
        let loopback = found.iter().find(|interface| interface.address == address).unwrap();
        assert_eq!((loopback.name.as_str(), loopback.prefix, loopback.broadcast), ("lo", 8, None));
        assert!(loopback.is_loopback && loopback.is_up && !loopback.is_point_to_point);
        assert!(loopback.index.is_some());
    }

    #[test]
    fn a_broadcast_address_is_the_last_of_its_network() {
        let of = |address: &str, prefix| directed_broadcast(address.parse().unwrap(), prefix);
        assert_eq!(of("192.168.7.9", 24), Some(Ipv4Addr::new(192, 168, 7, 255)));
        assert_eq!(of("10.1.2.3", 20), Some(Ipv4Addr::new(10, 1, 15, 255)));
        assert_eq!(of("10.0.0.1", 30), Some(Ipv4Addr::new(10, 0, 0, 3)));
        assert_eq!(of("10.0.0.1", 31), None);
        assert_eq!(of("10.0.0.1", 32), None);
        assert_eq!(of("10.0.0.1", 0), Some(Ipv4Addr::BROADCAST));
    }

    #[test]
    fn an_interface_is_up_once_it_is_switched_on_and_each_address_has_its_broadcast() {
        in_own_network(|| {
            ip("address add 10.7.0.1/24 dev near");
            ip("address add 10.8.0.1/24 broadcast 10.8.0.127 dev near label near:1");
            let seen = of_near();
            assert_eq!(
                seen.iter().map(|one| (one.address.to_string(), one.broadcast)).collect::<Vec<_>>(),
                [
                    ("10.7.0.1".to_owned(), Some(Ipv4Addr::new(10, 7, 0, 255))),
                    ("10.8.0.1".to_owned(), Some(Ipv4Addr::new(10, 8, 0, 127)))
                ]
            );
            assert!(seen.iter().all(|one| !one.is_up && !one.is_loopback && !one.is_point_to_point));
            assert!(seen.iter().all(|one| one.everybody().is_none()));
            ip("link set far up");
            ip("link set near up");
            eventually(&true, || of_near().iter().all(|one| one.is_up && one.everybody() == one.broadcast));
        });
    }

    #[test]
    fn whatever_address_the_loopback_has_it_leads_nowhere_else() {
        in_own_network(|| {
            ip("address add 10.7.0.1/24 dev lo");
            let found = interfaces().unwrap();
            assert!(found.iter().all(|one| one.is_loopback && one.broadcast.is_none()), "{found:?}");
            assert!(!found.is_empty());
        });
    }

    #[test]
    fn a_watch_hears_of_addresses_and_links_and_of_nothing_else() {
        in_own_network(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let watch = Watch::new().unwrap();
                for change in [
                    "address add 10.7.0.1/24 dev near",
                    "address add fd00::1/64 dev near",
                    "address del 10.7.0.1/24 dev near",
                    "link set far mtu 1400",
                    "link del near",
                ] {
                    let nothing = tokio::time::timeout(Duration::ZERO, watch.changed()).await;
                    nothing.expect_err("nothing has changed yet");
                    ip(change);
                    watch.changed().await.unwrap();
                }
            });
        });
    }
}
