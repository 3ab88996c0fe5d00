//! The programs of others that tests and benchmarks talk with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

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

impl Peer {
    fn remedy(&self) -> String {
        if FROM_PYPI.iter().any(|peer| peer.program == self.program) {
            format!("python3 -m pip, and a way to PyPI ({})", self.program)
        } else {
            format!("sudo apt-get install {}", self.package)
        }
    }
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

/// Those that Debian has not, or only too old. They are installed below `target/peers`, by anybody: a module of the Python
/// that runs, and its program in `bin`. A package is a line of pip's requirements.
const FROM_PYPI: &[Peer] = &[Peer {
    package: "ssh-audit==3.9.0 --hash=sha256:3dad48d4678e0de31f6332cc7674f9d7dd1805f86babf3796f41c2fd879cb812",
    program: "ssh-audit",
    purpose: "a judge of the SSH server's algorithms, and an attacker",
}];

/// Sees to it that every peer is there: as root, missing ones are installed with apt-get; those of PyPI with pip.
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
    for peer in FROM_PYPI.iter().filter(|peer| !is_there(peer.program)) {
        if let Err(error) = install_from_pypi(peer) {
            eprintln!("{error:#}");
            missing.push(peer);
        }
    }
    if !missing.is_empty() && std::env::var_os("CI").is_some_and(|value| value == "true") {
        bail!("with CI=true every peer must be there; missing: {}", names(&missing));
    }
    for peer in &missing {
        eprintln!("skipped: what needs {} ({}); to have it: {}", peer.program, peer.purpose, peer.remedy());
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
    command::is_installed(program) || is_library(program) || is_module(program) || is_of_pypi(program)
}

fn is_of_pypi(program: &str) -> bool {
    command::target("peers").is_ok_and(|peers| peers.join(program).join("bin").join(program).is_file())
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

/// pip is told what the package's hash is, so that nothing else is installed.
fn install_from_pypi(peer: &Peer) -> Result<()> {
    let folder = command::target("peers")?.join(peer.program);
    let doing = || format!("installing {} of PyPI", peer.program);
    std::fs::create_dir_all(&folder).with_context(doing)?;
    let requirements = folder.join("requirements.txt");
    std::fs::write(&requirements, peer.package).with_context(doing)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]);
    pip.arg("--requirement").arg(requirements).arg("--upgrade").arg("--target").arg(&folder);
    command::run(&mut pip).with_context(doing)
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
    fn what_is_missing_says_how_to_have_it() {
        let remedy = |program: &str| {
            PEERS.iter().chain(FROM_PYPI).find(|peer| peer.program == program).unwrap().remedy()
        };
        assert_eq!(remedy("dbclient"), "sudo apt-get install dropbear-bin");
        assert!(remedy("ssh-audit").contains("PyPI"));
    }

    #[test]
    fn nothing_missing_is_an_empty_list() {
        assert_eq!(names(&missing(|_| true)), "");
    }
}
