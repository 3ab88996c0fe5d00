//! The programs of others that tests and benchmarks talk with.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;

/// A program that is not ours, and where it comes from.
pub(crate) struct Peer {
    /// The Debian package, or several with spaces between.
    package: &'static str,
    /// Its name in `PATH`, or pkg-config's of a library to compile with, or a module of Debian's Python; a test asks for
    /// it by this name.
    pub(crate) program: &'static str,
    purpose: &'static str,
}

const PEERS: &[Peer] = &[
    Peer {
        package: "python3",
        program: "python3",
        purpose: "the tutorial's programs; `struct` as the oracle",
    },
    Peer {
        package: "netcat-openbsd",
        program: "nc.openbsd",
        purpose: "a client and a server; one-shot and bulk",
    },
    Peer { package: "ncat", program: "ncat", purpose: "a client and a server" },
    Peer { package: "socat", program: "socat", purpose: "a client and a server on every kind of socket" },
    Peer { package: "curl", program: "curl", purpose: "a client of the control socket" },
    Peer {
        package: "openssh-client",
        program: "ssh",
        purpose: "a client, with scp and sftp; keys and agents; `ssh -G`: what a configuration means",
    },
    Peer { package: "openssh-server", program: "sshd", purpose: "a server of SSH" },
    Peer { package: "dropbear-bin", program: "dropbear", purpose: "a server of SSH" },
    Peer { package: "dropbear-bin", program: "dbclient", purpose: "a client of the SSH server" },
    Peer { package: "python3-asyncssh", program: "asyncssh", purpose: "a client of the SSH server" },
    Peer { package: "python3-paramiko", program: "paramiko", purpose: "a client of the SSH server" },
    Peer { package: "sudo", program: "sudo", purpose: "asks for the password of `run --sudo`" },
    Peer { package: "genders", program: "nodeattr", purpose: "what a genders file means" },
    Peer { package: "ansible-core", program: "ansible-inventory", purpose: "what an inventory means" },
    Peer { package: "iproute2", program: "ss", purpose: "the kernel's view of a socket" },
    Peer { package: "iproute2", program: "ip", purpose: "networks made of namespaces" },
    Peer { package: "nftables", program: "nft", purpose: "a firewall that is in the way" },
    Peer { package: "iptables", program: "iptables", purpose: "a firewall that is in the way" },
    Peer { package: "g++", program: "g++", purpose: "compiles iptux without its window" },
    Peer {
        package: "iptux pkg-config libglib2.0-dev libjsoncpp-dev libsigc++-2.0-dev libgoogle-glog-dev",
        program: "iptux-core",
        purpose: "somebody to chat with",
    },
    Peer { package: "bash", program: "bash", purpose: "completions" },
    Peer { package: "zsh", program: "zsh", purpose: "completions" },
    Peer { package: "fish", program: "fish", purpose: "completions" },
    Peer { package: "tmux", program: "tmux", purpose: "a person at a terminal" },
    Peer { package: "strace", program: "strace", purpose: "system calls per message" },
    Peer {
        package: "clustershell",
        program: "nodeset",
        purpose: "the oracle of sets of names and of groups; a yardstick for them",
    },
    Peer {
        package: "pdsh",
        program: "pdsh",
        purpose: "what a list of hosts means; a yardstick for sets of names",
    },
    Peer { package: "pssh", program: "parallel-ssh", purpose: "a yardstick for commands on many machines" },
    Peer {
        package: "util-linux",
        program: "taskset",
        purpose: "server and load on cores of their own; hosts made by `unshare`",
    },
];

/// Sees to it that every peer is there: as root, missing ones are installed with apt-get.
///
/// Returns those that are still missing, each named on standard error with the way to install it.
///
/// # Errors
/// When an installation fails, and with `CI=true` when anything is missing.
pub(crate) fn ensure() -> Result<Vec<&'static Peer>> {
    let mut missing = missing(is_there);
    if !missing.is_empty() && rustix::process::geteuid().is_root() && command::is_installed("apt-get") {
        install(&missing)?;
        missing.retain(|peer| !is_there(peer.program));
    }
    if !missing.is_empty() && std::env::var_os("CI").is_some_and(|value| value == "true") {
        bail!("with CI=true every peer must be there; missing: {}", names(&missing));
    }
    for peer in &missing {
        eprintln!(
            "skipped: what needs {} ({}); to have it: sudo apt-get install {}",
            peer.program, peer.purpose, peer.package
        );
    }
    Ok(missing)
}

/// The programs' names with commas between, as `TRUNKLINE_SKIP` has them.
pub(crate) fn names(peers: &[&Peer]) -> String {
    peers.iter().map(|peer| peer.program).collect::<Vec<_>>().join(",")
}

fn missing(is_there: impl Fn(&str) -> bool) -> Vec<&'static Peer> {
    PEERS.iter().filter(|peer| !is_there(peer.program)).collect()
}

fn is_there(program: &str) -> bool {
    command::is_installed(program) || is_library(program) || is_module(program)
}

/// Whether Debian has installed it for its own Python.
fn is_module(name: &str) -> bool {
    Path::new("/usr/lib/python3/dist-packages").join(name).is_dir()
}

/// Whether pkg-config knows it and everything that it requires.
fn is_library(name: &str) -> bool {
    Command::new("pkg-config").args(["--exists", name]).status().is_ok_and(|status| status.success())
}

fn install(peers: &[&Peer]) -> Result<()> {
    command::run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--quiet", "--yes", "--no-install-recommends"]);
    apt.args(peers.iter().flat_map(|peer| peer.package.split(' '))).env("DEBIAN_FRONTEND", "noninteractive");
    command::run(&mut apt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_path_is_missing_by_the_name_a_test_asks_for() {
        let missing = missing(|program| !matches!(program, "nc.openbsd" | "socat"));
        assert_eq!(names(&missing), "nc.openbsd,socat");
    }

    #[test]
    fn what_is_neither_a_program_nor_a_library_nor_a_module_is_not_there() {
        assert!(is_there("sh"));
        assert!(!is_there("no-such-library"));
    }

    #[test]
    fn nothing_missing_is_an_empty_list() {
        assert_eq!(names(&missing(|_| true)), "");
    }
}
