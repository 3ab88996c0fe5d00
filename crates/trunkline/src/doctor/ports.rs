//! Who holds the ports that a node needs.

use std::net::{Ipv4Addr, SocketAddr};

use net::Endpoint;
use net::census::{Holder, holder};
use node::book::CHAT_PORT;

use super::{Finding, Level};

/// A port, and what is not to be had while another program holds it.
struct Port {
    at: fn(SocketAddr) -> Endpoint,
    protocol: &'static str,
    number: u16,
    without: &'static str,
    level: Level,
}

const PORTS: [Port; 3] = [
    Port {
        at: Endpoint::Udp,
        protocol: "udp",
        number: CHAT_PORT,
        without: "the chat line cannot open",
        level: Level::Problem,
    },
    Port {
        at: Endpoint::Tcp,
        protocol: "tcp",
        number: CHAT_PORT,
        without: "nobody can fetch files from here",
        level: Level::Problem,
    },
    Port {
        at: Endpoint::Tcp,
        protocol: "tcp",
        number: 2222,
        without: "an SSH line needs another port",
        level: Level::Notice,
    },
];

pub(super) fn look() -> Vec<Finding> {
    let holder_of = |port: &Port| holder(&(port.at)((Ipv4Addr::UNSPECIFIED, port.number).into()));
    PORTS.iter().map(|port| judge(port, holder_of(port))).collect()
}

fn judge(port: &Port, holder: Option<Holder>) -> Finding {
    let Port { protocol, number, without, level, .. } = port;
    let shown = format!("{} {number}", protocol.to_uppercase());
    let tables = format!("/proc/net/{protocol} and {protocol}6");
    match holder {
        None => Finding::new(Level::Good, format!("{shown} is free"), tables),
        Some(ours @ Holder::Process { .. }) if is_ours(&ours) => {
            Finding::new(Level::Good, format!("{shown} is held by {ours}"), tables)
        }
        Some(other @ Holder::Process { pid, .. }) => {
            let what = format!("{shown} is held by {other}: {without}");
            let finding = Finding::new(*level, what, format!("{tables}, /proc/{pid}/fd"));
            // Where there is a choice of ports, nobody needs to go.
            if *level == Level::Problem { finding.remedy(format!("kill {pid}")) } else { finding }
        }
        Some(hidden @ Holder::Hidden { .. }) => {
            let letter = &protocol[..1];
            let what = format!("{shown} is held by {hidden}: {without}");
            Finding::new(*level, what, format!("{tables}; /proc/PID/fd of other users is closed to this one"))
                .remedy(format!("sudo ss -Hl{letter}np sport = :{number}"))
        }
    }
}

/// A node of this machine; who else is called so is a friend as well.
fn is_ours(holder: &Holder) -> bool {
    matches!(holder, Holder::Process { program, .. } if program == env!("CARGO_BIN_NAME"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(holder: Option<Holder>) -> Finding {
        judge(&PORTS[0], holder)
    }

    #[test]
    fn a_port_that_is_free_or_held_by_a_node_is_good() {
        assert_eq!(judged(None).what, "UDP 2425 is free");
        let node = judged(Some(Holder::Process { pid: 7, program: "trunkline".into(), uid: 0 }));
        assert_eq!((node.level, node.what.as_str()), (Level::Good, "UDP 2425 is held by trunkline (pid 7)"));
    }

    #[test]
    fn another_program_is_named_and_the_command_ends_it() {
        let other = judged(Some(Holder::Process { pid: 4711, program: "iptux".into(), uid: 1000 }));
        assert_eq!(other.level, Level::Problem);
        assert_eq!(other.what, "UDP 2425 is held by iptux (pid 4711): the chat line cannot open");
        assert_eq!(other.how, "/proc/net/udp and udp6, /proc/4711/fd");
        assert_eq!(other.remedy.as_deref(), Some("kill 4711"));
        let ssh = judge(&PORTS[2], Some(Holder::Process { pid: 22, program: "sshd".into(), uid: 0 }));
        assert_eq!((ssh.level, ssh.remedy), (Level::Notice, None), "it has a port to choose");
    }

    #[test]
    fn who_may_not_see_the_program_is_told_how_to_see_it() {
        let hidden = judged(Some(Holder::Hidden { uid: Some(33) }));
        assert!(hidden.what.contains("a program of uid 33, whose name only that user and root can see"));
        assert_eq!(hidden.remedy.as_deref(), Some("sudo ss -Hlunp sport = :2425"));
    }
}
