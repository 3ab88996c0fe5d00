//! Hosts that are network namespaces, and the network between them.
//!
//! The namespaces have no names: each lives as long as something in it does, so that a test that is killed leaves
//! nothing behind, and nothing of it is ever seen in the namespace of the machine.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use super::PATIENCE;

/// Subnets 10.77.1.0/24, 10.77.2.0/24 and so on. The hosts of each are on one bridge; between them is a router, which
/// lets no broadcast through.
pub(crate) struct Network {
    hub: Namespace,
    hosts: Cell<u8>,
}

/// A host with one interface, `eth0`, and its loopback. Clones are the same host.
#[derive(Clone)]
pub(crate) struct Host {
    namespace: Namespace,
    /// Of `eth0`.
    pub(crate) address: Ipv4Addr,
}

#[derive(Clone)]
struct Namespace(Arc<File>);

/// Whether this process may make namespaces: root may, but not in every container. Says so where it may not.
pub(crate) fn is_allowed() -> bool {
    let made = on_a_thread(enter_a_new_one);
    if let Err(error) = made {
        eprintln!(
            "skipped: needs network namespaces, and making one gives: {error}; root may, outside of containers"
        );
    }
    made.is_ok()
}

impl Network {
    pub(crate) fn new(subnets: u8) -> Self {
        let hub = Namespace::new();
        hub.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap());
        for subnet in 1..=subnets {
            hub.configure(&format!(
                "link add br{subnet} type bridge\n\
                 addr add 10.77.{subnet}.254/24 dev br{subnet}\n\
                 link set br{subnet} up\n"
            ));
        }
        Self { hub, hosts: Cell::new(0) }
    }

    /// One more host in a subnet, counted from 1.
    pub(crate) fn host(&self, subnet: u8) -> Host {
        let number = self.hosts.get() + 1;
        self.hosts.set(number);
        let host = Host::new(Ipv4Addr::new(10, 77, subnet, number));
        self.hub.configure(&format!(
            "link add port{number} type veth peer name eth0 netns {}\n\
             link set port{number} master br{subnet} up\n",
            host.namespace.path(),
        ));
        host.configure_interface();
        host.namespace.configure(&format!("route add default via 10.77.{subnet}.254\n"));
        host.wait_until_it_reaches(Ipv4Addr::new(10, 77, subnet, 254));
        host
    }

    /// Pulls the cable out of a host of this network.
    pub(crate) fn unplug(&self, host: &Host) {
        self.hub.configure(&format!("link set port{} down\n", host.address.octets()[3]));
    }

    /// Puts it in again.
    pub(crate) fn plug_in(&self, host: &Host) {
        self.hub.configure(&format!("link set port{} up\n", host.address.octets()[3]));
    }
}

impl Host {
    /// One that still has no `eth0`.
    pub(crate) fn new(address: Ipv4Addr) -> Self {
        Self { namespace: Namespace::new(), address }
    }

    /// Gives `eth0`, once it is there, its address in a /24 and takes it up.
    pub(crate) fn configure_interface(&self) {
        self.namespace.configure(&format!(
            "addr add {}/24 broadcast + dev eth0\n\
             link set eth0 up\n",
            self.address
        ));
    }

    /// One more interface, to which nobody else is joined.
    pub(crate) fn add_interface(&self, name: &str, address: &str) {
        self.namespace.configure(&format!(
            "link add {name} type veth peer name {name}far\n\
             link set {name}far up\n\
             addr add {address} broadcast + dev {name}\n\
             link set {name} up\n"
        ));
    }

    /// An interface that was taken up loses what is sent through it for up to a second more, until the kernel has seen
    /// its carrier. Both ways are open when the other refuses a datagram.
    pub(crate) fn wait_until_it_reaches(&self, other: Ipv4Addr) {
        const DISCARD: u16 = 9;
        let socket = self.run(|| UdpSocket::bind((self.address, 0)).unwrap());
        socket.connect((other, DISCARD)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let is_refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        while !socket.send(b"?").and_then(|_| socket.recv(&mut [0])).is_err_and(is_refused) {
            assert!(Instant::now() < deadline, "{} does not reach {other}", self.address);
        }
    }

    /// Where a datagram to everybody of its subnet goes.
    pub(crate) fn broadcast(&self) -> Ipv4Addr {
        let [a, b, c, _] = self.address.octets();
        Ipv4Addr::new(a, b, c, 255)
    }

    /// Runs it on a thread of its own in this host: sockets that it makes, threads and programs that it starts are in
    /// this host and stay there.
    ///
    /// /sys/class/net and /proc/net are still the machine's; /proc/thread-self/net is this host's.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.namespace.run(work)
    }

    /// Starts a program in this host.
    pub(crate) fn start(&self, command: &mut Command) -> Child {
        self.run(|| command.spawn().unwrap_or_else(|error| panic!("starting {command:?}: {error}")))
    }
}

impl Namespace {
    fn new() -> Self {
        let made = on_a_thread(|| {
            enter_a_new_one().expect("making a network namespace");
            File::open("/proc/thread-self/ns/net").unwrap()
        });
        let namespace = Self(Arc::new(made));
        namespace.configure("link set lo up\n");
        namespace
    }

    fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        on_a_thread(|| {
            move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        })
    }

    /// Runs these commands of `ip`, a line each.
    fn configure(&self, commands: &str) {
        let mut ip = Command::new("ip");
        ip.args(["-batch", "-"]).stdin(Stdio::piped());
        let mut ip = self.run(|| ip.spawn().expect("starting ip"));
        ip.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        assert!(ip.wait().unwrap().success(), "ip refused one of:\n{commands}");
    }

    /// As `ip` takes it, where it takes a name.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

fn enter_a_new_one() -> rustix::io::Result<()> {
    #[allow(unsafe_code, reason = "no crate offers this system call safely")]
    // SAFETY: unsafe is what this call does to descriptors that threads share, and with this flag it does nothing to them.
    unsafe {
        unshare_unsafe(UnshareFlags::NEWNET)
    }
}

/// A thread that has entered a namespace must end: it would be of use to nothing else.
fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let ended = std::thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
