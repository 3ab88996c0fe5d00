//! `trunkline doctor`, by the true binary, on hosts that are network namespaces.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test a failure is a panic")]

#[macro_use]
#[path = "../../../../tests/needs.rs"]
mod needs;
mod host;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use host::{Host, pair};
use serde_json::Value;

/// Leaves the test where no hosts can be made; `unshare` and `nsenter` come with `taskset`.
macro_rules! needs_hosts {
    () => {
        needs_root!();
        needs!("ip", "taskset");
    };
}

/// A program on a host that has opened what it was told to, and prints what comes.
const HOLDER: &str = "
import socket, sys
kind = {'udp': socket.SOCK_DGRAM, 'tcp': socket.SOCK_STREAM}[sys.argv[1]]
s = socket.socket(socket.AF_INET, kind)
s.bind(('0.0.0.0', 2425))
if sys.argv[1] == 'tcp':
    s.listen()
print('ready', flush=True)
if sys.argv[1] == 'tcp':
    s = s.accept()[0]
print(s.recv(100).decode(), flush=True)
";

/// Says hello to everybody, or to one.
const NEIGHBOUR: &str = "
import socket, sys
if sys.argv[1] == 'udp':
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.bind(('', 2425))
    s.sendto(b'hello', ('10.7.0.255', 2425))
else:
    s = socket.create_connection(('10.7.0.1', 2425))
    s.sendall(b'hello')
";

#[derive(Debug)]
struct Report {
    exit: i32,
    findings: Vec<Value>,
}

impl Report {
    /// What `doctor --json` says on a host.
    #[track_caller]
    fn on(host: &Host) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = host.command(env!("CARGO_BIN_EXE_trunkline"));
        let output = command.args(["doctor", "--json"]).env("TRUNKLINE_HOME", home.path()).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let findings = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { exit: output.status.code().unwrap(), findings }
    }

    /// The finding that begins so.
    #[track_caller]
    fn finding(&self, start: &str) -> &Value {
        let starts = |finding: &&Value| finding["what"].as_str().unwrap().starts_with(start);
        self.findings.iter().find(starts).unwrap_or_else(|| panic!("no {start} in {self:?}"))
    }

    fn problems(&self) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["level"] == "problem").collect()
    }
}

/// Does what a finding says, as root and so without sudo.
#[track_caller]
fn mend(host: &Host, finding: &Value) {
    let command = finding["remedy"].as_str().unwrap().replace("sudo ", "");
    host.run(&command);
}

#[test]
fn who_holds_the_port_is_named_and_the_printed_command_frees_it() {
    needs_hosts!();
    needs!("python3");
    let (near, _far) = pair();
    for protocol in ["udp", "tcp"] {
        let port = format!("{} 2425", protocol.to_uppercase());
        let mut holder = near.start("python3", &["-c", HOLDER, protocol]);
        assert_eq!(holder.line(), "ready");
        let report = Report::on(&near);
        let finding = report.finding(&format!("{port} is held by python3 (pid {}): ", holder.id()));
        assert_eq!((report.exit, &finding["level"]), (1, &Value::from("problem")));
        mend(&near, finding);
        holder.wait();
        let report = Report::on(&near);
        assert_eq!(report.finding(&port)["what"], format!("{port} is free"));
        assert_eq!((report.exit, report.problems().len()), (0, 0));
    }
}

#[test]
fn a_firewall_in_the_way_is_found_and_the_printed_command_lets_a_neighbour_in() {
    needs_hosts!();
    needs!("python3", "nft", "iptables");
    for rules in [
        "nft add table inet filter
         nft add chain inet filter input '{ type filter hook input priority 0; policy drop; }'
         nft add rule inet filter input ct state established,related accept",
        "nft add table ip mine
         nft add chain ip mine early '{ type filter hook prerouting priority -300; }'
         nft add chain ip mine others
         nft add rule ip mine early iifname near jump others
         nft add rule ip mine others meta l4proto '{ tcp, udp }' th dport 2000-3000 reject",
        "iptables-nft -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
         iptables-nft -A INPUT -i lo -j ACCEPT
         iptables-nft -P INPUT DROP",
        "iptables-legacy -A INPUT -p udp -m multiport --dports 2425 -j DROP
         iptables-legacy -A INPUT -p tcp --dport 2425 -j REJECT",
    ] {
        let (near, far) = pair();
        near.run(rules);
        for (protocol, other) in [("udp", "TCP 2425"), ("tcp", "UDP 2425")] {
            let start = format!("the firewall drops {} 2425 on near", protocol.to_uppercase());
            let report = Report::on(&near);
            let found = report.finding(&start).clone();
            assert_eq!((report.exit, &found["level"]), (1, &Value::from("problem")), "{rules}");
            mend(&near, &found);
            let report = Report::on(&near);
            assert!(
                report.problems().iter().all(|one| one["what"].as_str().unwrap().contains(other)),
                "{report:?}"
            );
            let mut holder = near.start("python3", &["-c", HOLDER, protocol]);
            assert_eq!(holder.line(), "ready");
            let _neighbour = far.start("python3", &["-c", NEIGHBOUR, protocol]);
            assert_eq!(holder.line(), "hello", "{rules}: {found}");
        }
        assert_eq!(Report::on(&near).finding("the firewall")["level"], "good", "{rules}");
    }
}

#[test]
fn what_the_rules_drop_by_the_report_the_kernel_drops() {
    needs_hosts!();
    needs!("python3", "nft");
    let (near, far) = pair();
    near.run(
        "nft add table inet filter
         nft add chain inet filter input '{ type filter hook input priority 0; }'
         nft add rule inet filter input fib daddr type broadcast udp dport 2425 counter drop",
    );
    let report = Report::on(&near);
    assert_eq!(report.finding("the firewall drops UDP")["level"], "problem");
    far.start("python3", &["-c", NEIGHBOUR, "udp"]).wait();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !near.output("nft list ruleset").contains("counter packets 1 ") {
        assert!(Instant::now() < deadline, "the datagram was not dropped by this rule");
        std::thread::yield_now();
    }
}

#[test]
fn a_host_with_a_network_and_without_a_firewall_has_no_problem_and_hears_itself() {
    needs_hosts!();
    let (near, _far) = pair();
    let report = Report::on(&near);
    assert_eq!((report.exit, report.problems().len()), (0, 0), "{report:?}");
    assert_eq!(report.finding("near (10.7.0.1/24")["level"], "good");
    assert!(
        report.finding("near (")["what"].as_str().unwrap().ends_with("the chat line speaks to 10.7.0.255")
    );
    assert_eq!(report.finding("near: our own broadcast to 10.7.0.255 is heard back")["level"], "good");
    assert_eq!(report.finding("the firewall").get("remedy"), None);
}

#[test]
fn a_broadcast_that_may_not_leave_is_a_problem_and_one_that_a_shut_port_drops_is_none() {
    needs_hosts!();
    needs!("nft");
    let (near, _far) = pair();
    near.run(
        "nft add table inet filter
         nft add chain inet filter in '{ type filter hook input priority 0; }'
         nft add rule inet filter in udp dport != 2425 drop",
    );
    let report = Report::on(&near);
    assert_eq!(report.finding("near: the firewall drops our own broadcast")["level"], "good");
    assert_eq!(report.finding("the firewall lets UDP")["level"], "good");
    near.run(
        "nft add chain inet filter out '{ type filter hook output priority 0; }'
         nft add rule inet filter out ip daddr 10.7.0.255 drop",
    );
    let report = Report::on(&near);
    assert_eq!(report.finding("near: no broadcast leaves for 10.7.0.255: not permitted")["level"], "problem");
}

#[test]
fn a_host_without_a_network_is_told_so() {
    needs_hosts!();
    let alone = Host::new();
    let report = Report::on(&alone);
    assert_eq!(report.exit, 1);
    assert_eq!(report.finding("no interface leads to a network")["level"], "problem");
}

#[test]
fn a_common_user_is_told_what_only_root_may_see() {
    needs_hosts!();
    needs!("python3");
    let (near, _far) = pair();
    let mut holder = near.start("python3", &["-c", HOLDER, "udp"]);
    assert_eq!(holder.line(), "ready");
    // Where everybody may go.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("trunkline");
    fs::copy(env!("CARGO_BIN_EXE_trunkline"), &program).unwrap();
    let output = near
        .command("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .arg("doctor")
        .env("TRUNKLINE_HOME", folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "problem  UDP 2425 is held by a program of uid 0, whose name only that user and root can see",
        "         do:    sudo ss -Hlunp sport = :2425\n",
        "notice   whether a firewall is in the way is not known: only root sees its rules\n",
        "         do:    sudo trunkline doctor\n",
        "is not writable: no message can be kept\n",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(text.ends_with(" notices\n") || text.ends_with(" notice\n"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}
