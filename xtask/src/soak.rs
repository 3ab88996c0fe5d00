//! `cargo xtask soak`: what takes too long for every change.

mod clients;

use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::bench::{release_build, stay_on_the_load_core};
use crate::command;
use crate::fuzz;
use crate::peers;
use crate::server::Program;

/// Run what is too long for CI: many connections, long fuzzing
///
/// Each soak fails when what it watches goes wrong, and prints its figures either way.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  cargo xtask soak                              all of them, hours: every fuzz target takes ten minutes
  cargo xtask soak connections held             two of them")]
pub(crate) struct Options {
    /// Which soaks; all of them when none is named
    #[arg(value_parser = PossibleValuesParser::new(SOAKS.iter().map(Soak::listed)))]
    names: Vec<String>,
}

struct Soak {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<()>,
}

impl Soak {
    fn listed(&self) -> PossibleValue {
        PossibleValue::new(self.name).help(self.about)
    }
}

const SOAKS: &[Soak] = &[
    Soak {
        name: "connections",
        about: "100,000 connections opened and closed one after another: none fails, the memory stays",
        run: || clients::one_after_another(&upper()?),
    },
    Soak {
        name: "held",
        about: "10,000 connections held at once by two clients, then all of them busy",
        run: || clients::held(&upper()?),
    },
    Soak {
        name: "slow",
        about: "a client that never reads and one that reads a byte a second, among 1,000 good ones",
        run: || clients::slow_among_good(&upper()?),
    },
    Soak {
        name: "ipmsg",
        about: "networks of IP Messengers on a virtual clock: 5,000 stories of 20 hosts, 3 of 1,000, and the storm when all power up",
        run: simulated_networks,
    },
    Soak {
        name: "chat",
        about: "real nodes over a bad way: 1,000 messages each way between ours, 100 to and from iptux",
        run: bad_ways,
    },
    Soak {
        name: "sshd",
        about: "the SSH server under attack, with figures; every algorithm that OpenSSH's client can offer with every other",
        run: ssh_server,
    },
    Soak {
        name: "fuzz",
        about: "every fuzz target for ten minutes",
        run: || fuzz::run(&fuzz::Options { seconds: 600, target: None }),
    },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    for soak in SOAKS {
        if options.names.is_empty() || options.names.iter().any(|name| name == soak.name) {
            println!("soak {}: {}", soak.name, soak.about);
            (soak.run)()?;
        }
    }
    Ok(())
}

/// The server of the soaks that need one.
fn upper() -> Result<Program> {
    let trunkline = release_build()?;
    stay_on_the_load_core()?;
    Ok(Program::new(&trunkline, &["serve", "tcp://127.0.0.1:0", "upper"]))
}

/// Needs the peers of the tests, and root.
fn bad_ways() -> Result<()> {
    let test = ["test", "--release", "--locked", "--package", "node", "--test", "chat"];
    command::run(command::cargo(test).args(["bad_way", "--", "--ignored"]))
}

/// Needs the peers of the tests.
fn ssh_server() -> Result<()> {
    peers::ensure()?;
    let test = ["test", "--release", "--locked", "--package"];
    println!("| attack | MiB before | at most | after | ms for a good client alone | meanwhile |");
    let attacks = ["trunkline", "--test", "ssh_attack", "--", "--nocapture", "--test-threads=1"];
    command::run(command::cargo(test).args(attacks))?;
    let matrix = ["remote", "--test", "server", "every_combination_that_openssh_can_offer"];
    command::run(command::cargo(test).args(matrix).args(["--", "--ignored", "--nocapture"]))
}

/// The tests of the simulation that are too long for every change. What fails prints the line that shows it again.
fn simulated_networks() -> Result<()> {
    let test = ["test", "--release", "--locked", "--package", "ipmsg", "--lib"];
    let long_ones = ["simulation", "--", "--ignored", "--nocapture", "--test-threads=1"];
    command::run(command::cargo(test).args(long_ones))
}
