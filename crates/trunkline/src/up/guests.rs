//! Who logs in here by SSH, in words.

use std::net::SocketAddr;

use net::{Endpoint, Untrusted};
use node::sshd::{Happening, Sshd, What};

use crate::failure::say;

/// sshd's port, which known_hosts(5) leaves out.
const STANDARD_PORT: u16 = 22;

/// Says where the line is, and how clients know it again.
pub(super) fn announce(ssh: &Sshd) {
    for place in &ssh.places {
        say(format_args!("listening on {place} (ssh)"));
    }
    say(format_args!("the host key is {}", ssh.fingerprint));
    for place in ssh.places.iter().filter_map(Endpoint::socket_addr) {
        say(format_args!("for known_hosts: {} {}", host(place), ssh.public_key));
    }
}

/// One line about what has happened. All of it may be a stranger's text.
pub(super) fn words(happening: &Happening) -> String {
    let shown = |text: &str| Untrusted::from(text).to_string();
    let from = happening.from.as_deref().map(shown).unwrap_or_default();
    let key = happening.key.as_deref().map_or_else(|| "nobody".to_owned(), shown);
    let said = match &happening.what {
        What::Trouble { reason } => return format!("trouble: ssh: {}", shown(reason)),
        What::TurnedAway { reason } => format!("{from} was turned away: {}", shown(reason)),
        What::Refused { user, fingerprint, reason } => {
            format!("{from} was refused as {} with {}: {}", shown(user), shown(fingerprint), shown(reason))
        }
        What::LoggedIn => format!("{key} is in, from {from}"),
        What::Started { command } => format!("{key} from {from} runs {}", shown(command)),
        What::NotStarted { error } => format!("{key} from {from} could run nothing: {}", shown(error)),
        What::Ended { command, exit, received, sent, seconds } => format!(
            "{key} from {from} ran {}: {} after {seconds:.1} s, {received} bytes in, {sent} out",
            shown(command),
            shown(exit)
        ),
        What::Closed { reason } if happening.key.is_none() => format!("{from} is gone: {}", shown(reason)),
        What::Closed { reason } => format!("{key} from {from} is out: {}", shown(reason)),
    };
    format!("ssh: {said}")
}

/// A host as known_hosts(5) has it; a place at every address is this machine's name.
fn host(place: SocketAddr) -> String {
    let name = if place.ip().is_unspecified() {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    } else {
        place.ip().to_string()
    };
    if place.port() == STANDARD_PORT { name } else { format!("[{name}]:{}", place.port()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hosts_has_a_port_only_where_it_is_not_the_standard_one() {
        assert_eq!(host("10.0.0.9:2222".parse().unwrap()), "[10.0.0.9]:2222");
        assert_eq!(host("10.0.0.9:22".parse().unwrap()), "10.0.0.9");
        assert_eq!(host("[::1]:2222".parse().unwrap()), "[::1]:2222");
        assert!(!host("0.0.0.0:22".parse().unwrap()).contains("0.0.0.0"));
    }

    #[test]
    fn what_a_stranger_sends_steers_no_terminal() {
        let what = What::Refused {
            user: "a\x1b[2J\n12:00:00 you".to_owned(),
            fingerprint: "SHA256:x".to_owned(),
            reason: "the key is not known here".to_owned(),
        };
        let from = Some("tcp://10.0.0.66:5".to_owned());
        let words = words(&Happening { from, key: None, what });
        assert!(!words.contains(['\x1b', '\n']), "{words}");
        assert!(words.contains("the key is not known here"), "{words}");
    }
}
