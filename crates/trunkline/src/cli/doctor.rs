//! The flags of `doctor`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct DoctorFlags {
    /// Print JSON lines, one per finding
    #[arg(long)]
    pub(crate) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  trunkline doctor
  sudo trunkline doctor           sees the firewall, and every program's name
See --help for more.";

const DETAILS: &str = "\
Each finding is good, a notice, or a problem. The last two say how it was found
and, where one command helps, that command. Nothing on this machine is changed.
What nft and iptables are told is forgotten when the machine is started again.

Looked at:
  interfaces   which has a network that the chat line can speak to
  ports        who holds 2425 (chat; UDP and TCP) and 2222 (SSH)
  firewall     what nftables and iptables do with datagrams and connections to 2425,
               also when ufw or firewalld wrote the rules (root only)
  broadcast    whether one of our own, to a free port, is heard back
  clock        whether it is set: packets are numbered by it
  kernel       half-open connections, TIME_WAIT, datagrams lost in full queues
  descriptors  how many connections may be open
  state        whether the folder of the journal is writable, and on a local disk

Exit codes:
  0 no problem, perhaps notices
  1 at least one problem
  2 wrong usage or configuration

Examples:
  Only what is wrong, for a program:
    trunkline doctor --json | jq 'select(.level == \"problem\")'";
