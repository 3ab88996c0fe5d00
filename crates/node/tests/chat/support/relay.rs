//! A bad way between two hosts: their interfaces are TAP devices, and what one host sends is read here and written to
//! the other, later, twice, damaged or not at all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ipmsg::simulation::impair::{Impairment, Way};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::network::Host;
use super::watched::Watched;
use super::{PORT, frame};

/// Does to datagrams from or to port 2425 what it was told; everything else (ARP, above all) passes as it is.
pub(crate) struct Relay {
    /// What became of the datagrams of the first host to the second, and of those back.
    pub(crate) tallies: Watched<[Tally; 2]>,
    /// Ends the thread when it is closed.
    stop: Option<io::PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

/// What the relay did on one way; numbers of datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) taken: usize,
    pub(crate) lost: usize,
    pub(crate) repeated: usize,
    /// Copies with a bit turned.
    pub(crate) damaged: usize,
    /// Copies that were handed to the receiver, damaged ones included.
    pub(crate) handed: usize,
}

impl Relay {
    /// Two hosts, 10.78.0.1 and 10.78.0.2, with the same impairment both ways; the chance of each way is its own.
    pub(crate) fn between_two_hosts(impairment: &Impairment, seed: u64) -> (Self, [Host; 2]) {
        let hosts = [1, 2].map(|number| Host::new(Ipv4Addr::new(10, 78, 0, number)));
        let taps = hosts.each_ref().map(|host| {
            let tap = host.run(open_tap);
            host.configure_interface();
            tap
        });
        let ways = [seed, seed.wrapping_add(1)].map(|seed| Way::new(impairment.clone(), seed));
        let tallies = Watched::default();
        let (stopped, stop) = io::pipe().unwrap();
        let carrier = Carrier {
            taps,
            ways,
            tallies: tallies.clone(),
            under_way: BinaryHeap::new(),
            begun: Instant::now(),
            _hosts: hosts.clone(),
        };
        let thread = std::thread::spawn(move || carrier.carry_until_closed(&stopped));
        hosts[0].wait_until_it_reaches(hosts[1].address);
        (Self { tallies, stop: Some(stop), thread: Some(thread) }, hosts)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        assert!(ended.is_ok() || std::thread::panicking(), "the relay panicked");
    }
}

struct Carrier {
    taps: [File; 2],
    ways: [Way; 2],
    tallies: Watched<[Tally; 2]>,
    /// The earliest first, in the order of their sending where two are due at once.
    under_way: BinaryHeap<Reverse<Passage>>,
    begun: Instant,
    /// Their devices must be there as long as this is.
    _hosts: [Host; 2],
}

/// A frame that arrives some time. Its first two fields, which no two share, put it in its place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Passage {
    at: Duration,
    number: usize,
    from: usize,
    frame: Vec<u8>,
}

impl Carrier {
    fn carry_until_closed(mut self, stopped: &io::PipeReader) {
        let mut buffer = vec![0; 65_536];
        let mut number = 0;
        loop {
            self.deliver_what_is_due();
            let (ready, is_over) = self.wait(stopped);
            if is_over {
                return;
            }
            for from in (0..2).filter(|from| ready[*from]) {
                let length = self.taps[from].read(&mut buffer).expect("reading a TAP device");
                number += 2;
                self.take(from, number, &buffer[..length]);
            }
        }
    }

    /// Until there is a frame to be read from a device, or one to be delivered, or the end.
    fn wait(&self, stopped: &io::PipeReader) -> ([bool; 2], bool) {
        let next = self.under_way.peek().map(|passage| passage.0.at.saturating_sub(self.begun.elapsed()));
        let timeout = next.map(|wait| Timespec::try_from(wait).unwrap());
        let [first, second] = &self.taps;
        let mut waited = [
            PollFd::new(first, PollFlags::IN),
            PollFd::new(second, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        poll(&mut waited, timeout.as_ref()).unwrap();
        let [first, second, stopped] = waited.map(|one| !one.revents().is_empty());
        ([first, second], stopped)
    }

    /// `number` and the one after it are for its copies.
    fn take(&mut self, from: usize, number: usize, frame: &[u8]) {
        let now = self.begun.elapsed();
        let Some(place) = frame::payload(frame, PORT) else {
            self.under_way.push(Reverse(Passage { at: now, number, from, frame: frame.to_vec() }));
            return;
        };
        let payload = &frame[place.clone()];
        let arrivals = self.ways[from].send(now, payload);
        self.tallies.change(|tallies| {
            let tally = &mut tallies[from];
            tally.taken += 1;
            tally.lost += usize::from(arrivals.is_empty());
            tally.repeated += usize::from(arrivals.len() > 1);
            tally.damaged += arrivals.iter().filter(|arrival| arrival.bytes != payload).count();
        });
        for (number, arrival) in (number..).zip(arrivals) {
            let frame = frame::with_payload(frame, &place, &arrival.bytes);
            self.under_way.push(Reverse(Passage { at: arrival.at, number, from, frame }));
        }
    }

    fn deliver_what_is_due(&mut self) {
        while let Some(next) = self.under_way.peek()
            && next.0.at <= self.begun.elapsed()
            && let Some(Reverse(passage)) = self.under_way.pop()
        {
            self.taps[1 - passage.from].write_all(&passage.frame).expect("writing to a TAP device");
            if frame::payload(&passage.frame, PORT).is_some() {
                self.tallies.change(|tallies| tallies[passage.from].handed += 1);
            }
        }
    }
}

/// `struct ifreq` of netdevice(7), as TUNSETIFF reads and writes it.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// A TAP device `eth0` in the namespace of this thread: what is read is what the host sends, a frame a time. It is gone
/// when it is closed. (Documentation/networking/tuntap.rst of Linux)
fn open_tap() -> File {
    const TUNSETIFF: rustix::ioctl::Opcode = rustix::ioctl::opcode::write::<i32>(b'T', 202);
    const IFF_TAP: u16 = 2;
    const IFF_NO_PI: u16 = 0x1000;
    let tap = File::options().read(true).write(true).open("/dev/net/tun").expect("opening /dev/net/tun");
    let mut request = InterfaceRequest { name: [0; 16], flags: IFF_TAP | IFF_NO_PI, rest: [0; 22] };
    request.name[..4].copy_from_slice(b"eth0");
    #[allow(unsafe_code, reason = "no crate offers this system call safely")]
    // SAFETY: TUNSETIFF reads and writes a `struct ifreq`, which is 40 bytes, and keeps no pointer to it.
    unsafe { rustix::ioctl::ioctl(&tap, rustix::ioctl::Updater::<TUNSETIFF, _>::new(&mut request)) }
        .expect("making a TAP device");
    tap
}
