//! A server, a good client, and what an attack costs them.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Place;
use crate::home::Home;
use crate::needs::output_of;
use crate::node::Node;
use crate::process::Process;

/// Where the good client comes from. The attackers come from elsewhere: who attacks from one's own address
/// shares its limits.
const GOOD: &str = "127.0.0.2";

/// How often the good client is served before an attack, and during it.
const TIMES: usize = 5;

/// A node with an SSH line on a free port of 127.0.0.1, which lets one key in.
pub(crate) struct Host {
    pub(crate) place: Place,
    pub(crate) process: Process,
    home: Home,
}

/// Kibibytes of the server's memory.
struct Memory {
    now: u64,
    /// Since it was last forgotten.
    peak: u64,
}

impl Host {
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same, with more arguments.
    #[track_caller]
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let home = Home::empty();
        let key = home.path().join("key").display().to_string();
        output_of("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", &key]);
        home.shows(&["allow", "add", &format!("{key}.pub")]);
        let Node { process, place, home } = Node::start(home, arguments);
        Self { place, process, home }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.place.path(name).display().to_string()
    }

    /// Stock ssh with these keys from this address, which leaves this machine's own configuration and keys alone.
    pub(crate) fn ssh(&self, keys: &[String], from: &str) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(self.place.keyless_options()).args(["-b", from]);
        ssh.args(keys.iter().flat_map(|key| ["-i", key]));
        ssh.arg(self.place.target()).stdin(Stdio::null());
        ssh
    }

    pub(crate) fn good_client(&self) -> Command {
        self.ssh(&[self.file("key")], GOOD)
    }

    /// The good client logs in and runs a command. Returns how long it took.
    #[track_caller]
    pub(crate) fn serves(&self) -> Duration {
        let begun = Instant::now();
        let output = self.good_client().args(["echo", "in"]).output().unwrap();
        assert_eq!(output.stdout, b"in\n", "{output:?}\n{}", self.process.log.so_far());
        begun.elapsed()
    }

    /// Has the good client served before, during and after what `begin` begins and keeps up until its guard is
    /// dropped. Prints what it cost, and fails where the server took more than `mebibytes` of memory for it.
    #[track_caller]
    pub(crate) fn stands<G>(&self, attack: &str, mebibytes: u64, begin: impl FnOnce() -> G) {
        let alone = self.median();
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").unwrap();
        let before = self.memory().now;
        let guard = begin();
        let meanwhile = self.median();
        let peak = self.memory().peak;
        drop(guard);
        self.serves();
        let after = self.memory().now;
        let (mib, ms) = (|kib: u64| kib as f64 / 1024.0, |time: Duration| time.as_secs_f64() * 1000.0);
        println!(
            "| {attack} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} |",
            mib(before),
            mib(peak),
            mib(after),
            ms(alone),
            ms(meanwhile)
        );
        let taken = peak.saturating_sub(before);
        assert!(taken <= mebibytes * 1024, "{attack} took {taken} KiB\n{}", self.process.log.so_far());
    }

    /// How many rows its journal has with this text.
    pub(crate) fn kept(&self, text: &str) -> usize {
        self.home.shows(&["log", "-n", "all", "--json", "--search", text]).lines().count()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.process.pid().as_raw_nonzero().get()
    }

    #[track_caller]
    fn median(&self) -> Duration {
        let mut times: Vec<_> = (0..TIMES).map(|_| self.serves()).collect();
        times.sort();
        times[TIMES / 2]
    }

    fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        Memory { now: field("VmRSS:"), peak: field("VmHWM:") }
    }
}
