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

use super::interfaces::has_chat;
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
struct Printed {
    tool: Tool,
    command: String,
    rules: Result<String, String>,
}

pub(super) fn look(all: &[Interface]) -> Vec<Finding> {
    if !all.iter().any(has_chat) {
        return Vec::new();
    }
    if !rustix::process::geteuid().is_root() {
        let what = "whether a firewall is in the way is not known: only root sees its rules";
        let how = "this is not root";
        return vec![Finding::new(Level::Notice, what, how).remedy("sudo trunkline doctor")];
    }
    judge(&printed(), all)
}

fn printed() -> Vec<Printed> {
    let mut all: Vec<Printed> = Vec::new();
    for (tool, words) in TOOLS {
        let is_other_iptables = |one: &Printed| tool == Tool::Iptables("iptables") && one.tool != Tool::Nft;
        if let Some(program) = find(words[0])
            && !all.iter().any(is_other_iptables)
        {
            all.push(Printed { tool, command: words.join(" "), rules: run(&program, &words[1..]) });
        }
    }
    all
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
    let commands: Vec<_> = printed.iter().map(|one| one.command.as_str()).collect();
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        for interface in all.iter().filter(|one| has_chat(one)) {
            let Some(packet) = Packet::from_neighbour(interface, protocol) else { continue };
            findings.extend(printed.iter().filter_map(|one| one.judge(&packet)));
        }
    }
    // What one tool cannot do, it cannot do for each packet.
    findings.dedup();
    let complaints = printed.iter().filter_map(|one| Some((one, one.rules.as_ref().err()?)));
    findings.extend(complaints.map(|(one, complaint)| one.unread(complaint)));
    if findings.is_empty() {
        findings.push(match commands.as_slice() {
            [] => Finding::new(
                Level::Good,
                "no firewall of this machine: neither nft nor iptables is installed",
                format!("looked for in PATH and {TOOL_FOLDERS}"),
            ),
            commands => Finding::new(
                Level::Good,
                format!("the firewall lets UDP and TCP {} in", super::ports::CHAT),
                commands.join(", "),
            ),
        });
    }
    findings
}

impl Printed {
    /// Says who drops the packet, if these rules do.
    fn judge(&self, packet: &Packet<'_>) -> Option<Finding> {
        let rules = self.rules.as_ref().ok()?;
        let chains = match self.tool {
            Tool::Nft => match nft::chains(rules, packet) {
                Ok(chains) => chains,
                Err(error) => return Some(self.unread(&error.to_string())),
            },
            Tool::Iptables(_) => iptables::chains(rules, packet),
        };
        let Fate::Dropped { table, base, chain, rule, certain } = chains.fate() else { return None };
        let port = format!("{} {}", packet.protocol.name().to_uppercase(), packet.port);
        let (interface, chain) = (Untrusted::from(packet.interface), Untrusted::from(chain));
        let what = match (certain, packet.protocol) {
            (true, Protocol::Udp) => format!("the firewall drops {port} on {interface}: no message comes in"),
            (true, Protocol::Tcp) => {
                format!("the firewall drops {port} on {interface}: nobody can fetch files")
            }
            (false, _) => {
                format!("the firewall drops {port} on {interface}, but for some that it may let in")
            }
        };
        let by = match rule {
            Some(rule) if self.tool == Tool::Nft => format!("the rule of handle {rule} in chain {chain}"),
            Some(rule) => format!("rule {rule} of chain {chain}"),
            None => format!("the policy of chain {chain}"),
        };
        let how = format!("{}: {by}, table {}", self.command, Untrusted::from(table));
        let level = if certain { Level::Problem } else { Level::Notice };
        Some(Finding::new(level, what, how).remedy(self.opening(packet, &chains, table, base)))
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

    fn unread(&self, complaint: &str) -> Finding {
        let what = format!("what {} has to say of the firewall could not be read", self.command);
        Finding::new(Level::Notice, what, Untrusted::from(complaint.trim()).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UFW: &str = include_str!("firewall/captured/ufw.txt");
    const FIREWALLD: &str = include_str!("firewall/captured/firewalld.json");
    const MANY: &str = include_str!("firewall/captured/nft.json");

    fn near() -> Interface {
        Interface {
            name: "near".to_owned(),
            index: Some(2),
            address: [10, 7, 0, 1].into(),
            prefix: 24,
            broadcast: Some([10, 7, 0, 255].into()),
            is_up: true,
            is_loopback: false,
            is_point_to_point: false,
        }
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
}
