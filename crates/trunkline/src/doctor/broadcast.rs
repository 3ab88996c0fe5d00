//! Whether a broadcast of ours leaves and comes back: the kernel gives a copy of each to the sockets of its own machine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use net::{Interface, Untrusted, errno};

use super::firewall::Firewall;
use super::{Finding, Level};

/// How long all of them may take to come back, which takes the kernel microseconds.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is sent. The port is a free one of this machine, so that others throw it away unread.
const TEXT: &[u8] = b"trunkline doctor hears itself";

/// What became of the broadcast to an interface's network.
#[derive(Debug)]
enum Echo {
    Heard,
    Silence,
    NotSent(io::Error),
}

pub(super) fn look(all: &[Interface], firewall: &Firewall) -> Vec<Finding> {
    let (interfaces, targets): (Vec<_>, Vec<_>) =
        all.iter().filter_map(|one| Some((one, one.everybody()?))).unzip();
    match echoes(&targets) {
        Ok((port, echoes)) => {
            let pairs = interfaces.into_iter().zip(echoes);
            let mut findings: Vec<_> =
                pairs.map(|(at, echo)| judge(at, &echo, firewall.drops_own_broadcast(at, port))).collect();
            // Two addresses in one network.
            findings.dedup();
            findings
        }
        Err(error) => {
            let what = "no broadcast could be tried: this machine gives no socket for it";
            vec![Finding::new(Level::Problem, what, errno::explain(&error))]
        }
    }
}

/// Sends to each address, at a free port, and waits for what comes back.
fn echoes(targets: &[Ipv4Addr]) -> io::Result<(u16, Vec<Echo>)> {
    let ear = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let port = ear.local_addr()?.port();
    let mut echoes = Vec::new();
    let mut mouths = Vec::new();
    for target in targets {
        // One for each target, so that its port says which one has been heard.
        let mouth = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        mouth.set_broadcast(true)?;
        let sent = mouth.send_to(TEXT, SocketAddr::from((*target, port)));
        echoes.push(sent.map_or_else(Echo::NotSent, |_| Echo::Silence));
        mouths.push((mouth.local_addr()?.port(), mouth));
    }
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = [0; TEXT.len() + 1];
    while echoes.iter().any(|echo| matches!(echo, Echo::Silence)) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        ear.set_read_timeout(Some(left))?;
        match ear.recv_from(&mut bytes) {
            Ok((length, from)) if &bytes[..length] == TEXT => {
                if let Some(which) = mouths.iter().position(|(port, _)| *port == from.port()) {
                    echoes[which] = Echo::Heard;
                }
            }
            // Somebody else's, or nothing in time: the clock decides.
            _ => {}
        }
    }
    Ok((port, echoes))
}

fn judge(interface: &Interface, echo: &Echo, is_dropped: bool) -> Finding {
    let name = Untrusted::from(interface.name.as_str());
    let to = interface.broadcast.map(|to| to.to_string()).unwrap_or_default();
    let (level, what) = match echo {
        Echo::Heard => (Level::Good, format!("our own broadcast to {to} is heard back")),
        Echo::Silence if is_dropped => {
            let what =
                format!("the firewall drops our own broadcast to {to}, on another port, which does no harm");
            (Level::Good, what)
        }
        Echo::Silence => (Level::Notice, format!("our own broadcast to {to} is not heard back")),
        Echo::NotSent(error) => {
            (Level::Problem, format!("no broadcast leaves for {to}: {}", errno::explain(error)))
        }
    };
    Finding::new(level, format!("{name}: {what}"), "sent a datagram there, to a free port of this machine")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::interface;

    fn eth0() -> Interface {
        interface("eth0", "10.7.0.1/24", Some("10.7.0.255"))
    }

    #[test]
    fn an_echo_is_good_and_silence_without_a_reason_is_worth_a_notice() {
        assert_eq!(
            judge(&eth0(), &Echo::Heard, false).what,
            "eth0: our own broadcast to 10.7.0.255 is heard back"
        );
        let silence = judge(&eth0(), &Echo::Silence, false);
        assert_eq!(silence.level, Level::Notice);
        assert_eq!(judge(&eth0(), &Echo::Silence, true).level, Level::Good, "the rules say so");
    }

    #[test]
    fn what_cannot_be_sent_is_a_problem_with_its_reason() {
        let refused = Echo::NotSent(io::Error::from_raw_os_error(libc::EPERM));
        let finding = judge(&eth0(), &refused, false);
        assert_eq!(finding.level, Level::Problem);
        assert!(
            finding.what.ends_with("not permitted, perhaps by a firewall (EPERM, 1)"),
            "{}",
            finding.what
        );
    }

    #[test]
    fn each_address_has_an_echo_of_its_own() {
        // The loopback has no broadcast address; whatever goes to one of its addresses is heard.
        let (_, heard) = echoes(&[Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2)]).unwrap();
        assert!(matches!(heard[..], [Echo::Heard, Echo::Heard]), "{heard:?}");
        assert_eq!(echoes(&[]).unwrap().1.len(), 0);
    }
}
