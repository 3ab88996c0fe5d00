//! The flags of `up`.

use std::fmt;

use clap::Args;

use net::{Address, AddressError, HostPort};
use node::book::CHAT_PORT;
use node::sshd::{KeyExchanges, PORT};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct UpFlags {
    /// The name that others see, from now on [default: as before; at first that of the account]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// The group that others see, from now on; '' for none [default: as before; at first none]
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,

    /// The one interface of the chat line, such as eth0; or its port, where 0 picks a free one [default: every one, 2425]
    #[arg(long, value_name = "IFACE|PORT", value_parser = chat_at, default_value_t = ChatAt::Port(CHAT_PORT), hide_default_value = true)]
    pub(crate) chat: ChatAt,

    /// Open no chat line: nobody sees this node or writes to it
    #[arg(long, conflicts_with_all = ["name", "group", "chat"])]
    pub(crate) no_chat: bool,

    /// Let others log in here by SSH, as you: ADDRESS is HOST, HOST:PORT or :PORT [port: 2222]
    #[arg(long, value_name = "ADDRESS", value_parser = ssh_at)]
    pub(crate) ssh: Option<HostPort>,

    /// Let them be root, who runs this
    #[arg(long, requires = "ssh")]
    pub(crate) allow_root: bool,

    /// Pass their connections on to wherever they ask for: ssh -L, -D and -J
    #[arg(long, requires = "ssh")]
    pub(crate) allow_tcp_forwarding: bool,

    /// Agree on keys with them in these ways only: a list as sshd's KexAlgorithms, such as mlkem768x25519-sha256
    #[arg(long, value_name = "LIST", requires = "ssh", allow_hyphen_values = true)]
    pub(crate) ssh_kex: Option<KeyExchanges>,

    /// Print everything that happens as JSON lines on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the chat line opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatAt {
    /// At every interface, at this port.
    Port(u16),
    /// At this interface, at the usual port.
    Interface(String),
}

impl fmt::Display for ChatAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => port.fmt(f),
            Self::Interface(name) => name.fmt(f),
        }
    }
}

/// A number is a port: no interface is called so.
fn chat_at(text: &str) -> Result<ChatAt, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return text.parse().map(ChatAt::Port).map_err(|_| "a port is a number from 0 to 65535".to_owned());
    }
    // IFNAMSIZ of netdevice(7), with the NUL at the end.
    match text.len() {
        1..=15 if !text.contains(['/', ':']) => Ok(ChatAt::Interface(text.to_owned())),
        _ => Err("write a port, or the name of an interface: ip link lists them".to_owned()),
    }
}

/// An address of TCP, at the usual port where none is said.
fn ssh_at(text: &str) -> Result<HostPort, String> {
    let address = match text.parse() {
        Err(AddressError::NoPort { text }) => format!("{text}:{PORT}").parse(),
        read => read,
    };
    match address.map_err(|error: AddressError| error.to_string())? {
        Address::Tcp(at) => Ok(at),
        other => Err(format!("{other}: SSH goes over TCP; write HOST or HOST:PORT")),
    }
}

const EXAMPLES: &str = "\
Examples:
  trunkline up
  trunkline up --name 'Wang Wei' --group lab
  trunkline up --chat eth0                      at one interface only
  trunkline up --ssh 0.0.0.0                    who is allowed may log in here
  trunkline up --ssh :2222 --allow-tcp-forwarding       ... and go on from here
  trunkline up --ssh :2222 --ssh-kex mlkem768x25519-sha256      only new clients may
  trunkline up --no-chat --ssh :2223            only that: another user has the chat line
  trunkline up --json | jq -c .
See --help for more.";

const DETAILS: &str = "\
While it runs, others see this machine: those with IP Messenger, FeiQ or iptux,
and other trunklines. Messages that come are kept and shown; what could not be
delivered before is delivered when its receiver comes.

The chat line is open at every interface, unless one is named. Others find this machine by itself
only at port 2425; at another port it is found by those whose book says so. A machine
has one such port: a second user's node goes without a chat line, by --no-chat. What
waits to be delivered waits on, and `send` says that there is no chat line.

With --ssh, stock ssh, scp and sftp log in here, as you and nobody else, with the
keys of ~/.ssh/authorized_keys and of `trunkline allow`, and with certificates of
authorities in them; there are no passwords. The host key is made at the first
start; its fingerprint, and a line for known_hosts, are shown.
  Who is in            trunkline who       (with a number for each)
  Put somebody out     trunkline allow end 3
  What they did        trunkline log       (every session, with its key)
  Who was refused      trunkline log --search 'ssh: refused'
With --allow-tcp-forwarding, clients reach through this machine what it reaches, as
ssh -L, -D and -J ask for, unless their key says restrict, no-port-forwarding or
permitopen; without it nothing is passed on. It listens for nobody (ssh -R).
Where every client knows it (OpenSSH from 9.9 on, and trunkline),
--ssh-kex mlkem768x25519-sha256 lets nobody in whose session a quantum computer could
read some day; older clients say: no matching key exchange method found. LIST is names
with commas between, or -NAMES for all but those; * matches. All are
mlkem768x25519-sha256, curve25519-sha256 and curve25519-sha256@libssh.org, of which a
client that knows them takes the first.
When a connection is lost or ended, what runs in it gets SIGHUP, and SIGKILL five
seconds later; not what has left for a process group of its own (setsid, tmux, or
nohup with & at a terminal).

One node runs for each user. The verbs of the same user talk to it by a socket
file, $XDG_RUNTIME_DIR/trunkline/node.sock, or else one below the temporary
folder; TRUNKLINE_HOME replaces the folder. It speaks HTTP and WebSocket:
  curl --unix-socket FILE http://node/api/snapshot

Shown, on standard error:
  listening on ...         what is open, when others can reach it
  you are ...              what others see
  12:03:04 ... is here     who comes, changes and leaves: name, then in brackets
                           the account, the group, the address and the program
  12:05:11 wang: hello     a message that has come
  12:05:20 #7 to wang: hi  one that goes, with its number; then what became of it
Names and groups are what others say of themselves, unless the book has them.

With --json, each line of standard output is a JSON object: first how things
stand, {\"snapshot\": ...}, and then every event, with its time.

Ending:
  SIGTERM, Ctrl-C and the end of the terminal say goodbye to everybody and let
  the disk finish; a second one ends at once.
  As a service of systemd: contrib/trunkline.service.

Exit codes:
  0 ended by SIGTERM or the end of the terminal
  1 failed, or ended at once
  2 wrong usage or configuration
  130 Ctrl-C";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_ssh_may_be_left_out_and_nothing_but_tcp_is_taken() {
        let at = |text| ssh_at(text).map(|at| at.to_string());
        assert_eq!(at("0.0.0.0").as_deref(), Ok("0.0.0.0:2222"));
        assert_eq!(at("tcp://gate").as_deref(), Ok("gate:2222"));
        assert_eq!(at("[::1]").as_deref(), Ok("[::1]:2222"));
        assert_eq!(at(":22").as_deref(), Ok(":22"));
        assert!(at("udp://0.0.0.0:22").is_err_and(|error| error.contains("over TCP")));
        assert!(at("unix:/run/ssh").is_err_and(|error| error.contains("over TCP")));
    }
}
