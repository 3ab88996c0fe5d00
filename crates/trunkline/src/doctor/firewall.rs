//! Whether a firewall of this machine keeps others from the chat line.
//!
//! The rules are read as their tools print them, and the first packet of a neighbour is followed through them. Front ends
//! such as ufw and firewalld are known by the chains that they write.

mod chains;
mod iptables;
mod nft;
mod packet;

use std::path::{Path, PathBuf};
use std::process::Command;

use net::{Interface, Untrusted};
use node::book::CHAT_PORT;

use super::{Finding, Level};
use chains::{Chains, Fate};
use packet::{Packet, Protocol};

/// Where system tools are when `PATH` does not say.
const TOOL_FOLDERS: &str = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin";

/// A tool that prints rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Nft,
    /// Its program for rules, behind the name of the one that prints them.
    Iptables(&'static str),
}

/// The tools, each as a command line. The two kinds of iptables do not see each other's rules; under its plain name it
/// is looked for where the others are not.
const TOOLS: [(Tool, &[&str]); 4] = [
    (Tool::Nft, &["nft", "--json", "list", "ruleset"]),
    (Tool::Iptables("iptables-nft"), &["iptables-nft-save"]),
    (Tool::Iptables("iptables-legacy"), &["iptables-legacy-save"]),
    (Tool::Iptables("iptables"), &["iptables-save"]),
];

/// What a tool printed, or its complaint.
pub(super) struct Printed {
    tool: Tool,
    command: String,
    rules: Result<String, String>,
}

/// What is known of the rules.
pub(super) enum Firewall {
    /// Only root may see them.
    Hidden,
    Read(Vec<Printed>),
}

impl Firewall {
    pub(super) fn read() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Hidden;
        }
        let mut all: Vec<Printed> = Vec::new();
        for (tool, words) in TOOLS {
            let is_other_iptables =
                |one: &Printed| tool == Tool::Iptables("iptables") && one.tool != Tool::Nft;
            if let Some(program) = find(words[0])
                && !all.iter().any(is_other_iptables)
            {
                all.push(Printed { tool, command: words.join(" "), rules: run(&program, &words[1..]) });
            }
        }
        Self::Read(all)
    }

    /// Who of the neighbours on these interfaces is kept out.
    pub(super) fn look(&self, all: &[Interface]) -> Vec<Finding> {
        match self {
            _ if all.iter().all(|one| one.everybody().is_none()) => Vec::new(),
            Self::Read(printed) => judge(printed, all),
            Self::Hidden => {
                let what = "whether a firewall is in the way is not known: only root sees its rules";
                vec![Finding::new(Level::Notice, what, "this is not root").remedy("sudo trunkline doctor")]
            }
        }
    }

    /// Whether the rules say that our own broadcast to a port is dropped when it comes back.
    pub(super) fn drops_own_broadcast(&self, interface: &Interface, port: u16) -> bool {
        let Self::Read(printed) = self else { return false };
        let packet = Packet::own_broadcast(interface, port);
        packet.is_some_and(|packet| printed.iter().any(|one| matches!(one.barrier(&packet), Ok(Some(_)))))
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(std::env::split_paths(TOOL_FOLDERS));
    folders.map(|folder| folder.join(program)).find(|program| program.is_file())
}

fn run(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn judge(printed: &[Printed], all: &[Interface]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in printed {
        match one.judge(all) {
            Ok(found) => findings.extend(found),
            Err(complaint) => {
                let what = format!("what `{}` says of the firewall could not be read", one.command);
                let how = Untrusted::from(complaint.trim()).to_string();
                findings.push(Finding::new(Level::Notice, what, how));
            }
        }
    }
    if findings.is_empty() {
        let commands: Vec<_> = printed.iter().map(|one| one.command.as_str()).collect();
        findings.push(match commands.as_slice() {
            [] => Finding::new(
                Level::Good,
                "no firewall of this machine: neither nft nor iptables is installed",
                format!("looked for in PATH and {TOOL_FOLDERS}"),
            ),
            commands => Finding::new(
                Level::Good,
                format!("the firewall lets UDP and TCP {CHAT_PORT} in"),
                commands.join(", "),
            ),
        });
    }
    findings
}

/// How a packet is kept out, and by which command it is let in.
#[derive(PartialEq, Eq)]
struct Barrier {
    certain: bool,
    how: String,
    remedy: String,
}

impl Printed {
    /// Says who keeps out the neighbours on which interfaces.
    fn judge(&self, all: &[Interface]) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let mut barriers: Vec<(Barrier, Vec<&str>)> = Vec::new();
            for interface in all.iter().filter(|one| one.everybody().is_some()) {
                let Some(packet) = Packet::from_neighbour(interface, protocol) else { continue };
                let Some(barrier) = self.barrier(&packet)? else { continue };
                match barriers.iter_mut().find(|(other, _)| *other == barrier) {
                    // One with several addresses.
                    Some((_, names)) if names.contains(&interface.name.as_str()) => {}
                    Some((_, names)) => names.push(&interface.name),
                    None => barriers.push((barrier, vec![&interface.name])),
                }
            }
            findings.extend(barriers.into_iter().map(|(barrier, names)| barrier.finding(protocol, &names)));
        }
        Ok(findings)
    }

    /// What drops the packet, if these rules do.
    fn barrier(&self, packet: &Packet<'_>) -> Result<Option<Barrier>, String> {
        let rules = self.rules.as_ref()?;
        let chains = match self.tool {
            Tool::Nft => nft::chains(rules, packet).map_err(|error| error.to_string())?,
            Tool::Iptables(_) => iptables::chains(rules, packet),
        };
        let Fate::Dropped { table, base, chain, rule, certain } = chains.fate() else { return Ok(None) };
        let by = match rule {
            Some(handle) if self.tool == Tool::Nft => format!("rule with handle {handle}"),
            Some(place) => format!("rule {place}"),
            None => "policy".to_owned(),
        };
        let (chain, table_shown) = (Untrusted::from(chain), Untrusted::from(table));
        let how = format!("{}: {by} of chain {chain}, table {table_shown}", self.command);
        Ok(Some(Barrier { certain, how, remedy: self.opening(packet, &chains, table, base) }))
    }

    /// The command that lets the packet in.
    fn opening(&self, packet: &Packet<'_>, chains: &Chains, table: &str, base: &str) -> String {
        let (protocol, port) = (packet.protocol.name(), packet.port);
        let has = |name: &str| chains.0.iter().any(|chain| chain.name == name);
        let (table, base) = (Untrusted::from(table), Untrusted::from(base));
        match self.tool {
            _ if has("ufw-user-input") => format!("sudo ufw allow {port}/{protocol}"),
            _ if has("INPUT_ZONES") || has("filter_INPUT_ZONES") => {
                let open = format!("sudo firewall-cmd --add-port={port}/{protocol}");
                format!("{open} && {open} --permanent")
            }
            Tool::Nft => format!("sudo nft insert rule {table} {base} {protocol} dport {port} accept"),
            Tool::Iptables(program) => {
                format!("sudo {program} -t {table} -I {base} -p {protocol} --dport {port} -j ACCEPT")
            }
        }
    }
}

impl Barrier {
    fn finding(self, protocol: Protocol, interfaces: &[&str]) -> Finding {
        let names: Vec<_> = interfaces.iter().map(|name| Untrusted::from(*name).to_string()).collect();
        let drops = format!(
            "the firewall drops {} {CHAT_PORT} on {}",
            protocol.name().to_uppercase(),
            names.join(", ")
        );
        let (level, what) = match (self.certain, protocol) {
            (true, Protocol::Udp) => (Level::Problem, format!("{drops}: no message comes in")),
            (true, Protocol::Tcp) => (Level::Problem, format!("{drops}: nobody can fetch files from here")),
            (false, _) => (Level::Notice, format!("{drops}, but for some that it may let in")),
        };
        Finding::new(level, what, self.how).remedy(self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::interface;

    const UFW: &str = include_str!("firewall/captured/ufw.txt");
    const FIREWALLD: &str = include_str!("firewall/captured/firewalld.json");
    const MANY: &str = include_str!("firewall/captured/nft.json");

    fn near() -> Interface {
        interface("near", "10.7.0.1/24", Some("10.7.0.255"))
    }

    fn nft(rules: &str) -> Printed {
        Printed { tool: Tool::Nft, command: "nft".to_owned(), rules: Ok(rules.to_owned()) }
    }

    fn iptables(rules: &str) -> Printed {
        let tool = Tool::Iptables("iptables-nft");
        Printed { tool, command: "iptables-nft-save".to_owned(), rules: Ok(rules.to_owned()) }
    }

    fn judged(printed: &Printed) -> Vec<(Level, String)> {
        let findings = judge(std::slice::from_ref(printed), &[near()]);
        findings.into_iter().map(|finding| (finding.level, finding.remedy.unwrap_or(finding.what))).collect()
    }

    fn problem(remedy: &str) -> (Level, String) {
        (Level::Problem, remedy.to_owned())
    }

    #[test]
    fn the_command_is_one_for_the_tool_whose_rules_they_are() {
        assert_eq!(
            judged(&nft(MANY)),
            [
                problem("sudo nft insert rule inet filter input udp dport 2425 accept"),
                problem("sudo nft insert rule inet filter input tcp dport 2425 accept")
            ]
        );
        assert_eq!(
            judged(&iptables("*filter\n:INPUT DROP [0:0]\nCOMMIT\n")),
            [
                problem("sudo iptables-nft -t filter -I INPUT -p udp --dport 2425 -j ACCEPT"),
                problem("sudo iptables-nft -t filter -I INPUT -p tcp --dport 2425 -j ACCEPT")
            ]
        );
    }

    #[test]
    fn the_front_ends_are_known_and_their_own_commands_given() {
        assert_eq!(
            judged(&iptables(UFW)),
            [problem("sudo ufw allow 2425/udp"), problem("sudo ufw allow 2425/tcp")]
        );
        let open = |port| {
            format!("sudo firewall-cmd --add-port={port} && sudo firewall-cmd --add-port={port} --permanent")
        };
        assert_eq!(judged(&nft(FIREWALLD)), [problem(&open("2425/udp")), problem(&open("2425/tcp"))]);
    }

    #[test]
    fn ufw_that_has_been_told_lets_in() {
        let allow = "-A ufw-user-input -p udp -m udp --dport 2425 -j ACCEPT\n\
                     -A ufw-user-input -p tcp -m tcp --dport 2425 -j ACCEPT\nCOMMIT\n";
        let findings = judged(&iptables(&UFW.replace("COMMIT\n", allow)));
        assert_eq!(findings, [(Level::Good, "the firewall lets UDP and TCP 2425 in".to_owned())]);
    }

    #[test]
    fn what_may_be_let_in_is_worth_a_notice() {
        let set = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set friends src -j ACCEPT\nCOMMIT\n";
        assert!(judged(&iptables(set)).iter().all(|(level, _)| *level == Level::Notice));
    }

    #[test]
    fn without_tools_and_without_rules_all_is_good() {
        assert_eq!(judge(&[], &[near()])[0].level, Level::Good);
        assert_eq!(judged(&nft(r#"{"nftables": []}"#))[0].0, Level::Good);
        assert_eq!(judged(&iptables(""))[0].0, Level::Good);
    }

    #[test]
    fn a_tool_that_complains_is_quoted_once_and_safely() {
        let complaint = Printed { rules: Err("\x1b[2Jnot permitted\n".to_owned()), ..nft("") };
        let findings = judge(&[complaint], &[near()]);
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].level, findings[0].how.as_str()), (Level::Notice, r"\x1b[2Jnot permitted"));
        assert_eq!(judged(&nft("no json")).len(), 1);
    }

    #[test]
    fn interfaces_that_are_kept_out_alike_stand_in_one_finding() {
        let other = Interface { name: "other".to_owned(), address: [10, 8, 0, 1].into(), ..near() };
        let again = Interface { address: [10, 9, 0, 1].into(), ..near() };
        let shut = iptables("*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
        let findings = judge(&[shut], &[near(), other, again]);
        assert_eq!(
            findings.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(),
            [
                "the firewall drops UDP 2425 on near, other: no message comes in",
                "the firewall drops TCP 2425 on near, other: nobody can fetch files from here"
            ]
        );
        assert_eq!(findings[0].how, "iptables-nft-save: policy of chain INPUT, table filter");
    }
}
