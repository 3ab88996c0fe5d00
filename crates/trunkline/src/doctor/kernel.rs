//! What the kernel counts: connections half open or waiting to be forgotten, and datagrams that nobody took in time.

use std::fs;
use std::ops::RangeInclusive;
use std::str::FromStr;

use net::census::{self, TcpState};

use super::{Finding, Level};

/// Of so many datagrams one may be lost before it is worth a word: programs that are busy for a moment lose some.
const LOSS_WORTH_A_NOTICE: u64 = 1000;

/// What one looks at. What the kernel does not tell is not judged.
#[derive(Clone, Debug, Default)]
struct Facts {
    half_open: usize,
    /// How many half-open connections the kernel keeps for one listener without cookies.
    max_half_open: Option<usize>,
    /// 0 never, 1 when a queue is full, 2 always.
    syncookies: Option<u8>,
    time_waits: usize,
    /// The ports that connections from here get.
    ports: Option<RangeInclusive<u16>>,
    /// Received and lost since the machine was started.
    datagrams: Option<(u64, u64)>,
}

pub(super) fn look() -> Vec<Finding> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let states = census::all_tcp_states();
    let count = |wanted| states.iter().filter(|&&state| state == wanted).count();
    judge(&Facts {
        half_open: count(TcpState::SynReceived),
        max_half_open: number(&read("/proc/sys/net/ipv4/tcp_max_syn_backlog")),
        syncookies: number(&read("/proc/sys/net/ipv4/tcp_syncookies")),
        time_waits: count(TcpState::TimeWait),
        ports: range(&read("/proc/sys/net/ipv4/ip_local_port_range")),
        datagrams: datagrams(&read("/proc/net/snmp")),
    })
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.trim().split_once(char::is_whitespace)?;
    Some(number(first)?..=number(last)?)
}

/// `InDatagrams` and `RcvbufErrors` of the two lines that begin with `Udp:`, the names and below them the numbers.
fn datagrams(snmp: &str) -> Option<(u64, u64)> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, numbers) = (lines.next()?.split(' '), lines.next()?.split(' '));
    let pairs: Vec<_> = names.zip(numbers).collect();
    let of = |wanted| pairs.iter().find(|(name, _)| *name == wanted).and_then(|(_, text)| number(text));
    Some((of("InDatagrams")?, of("RcvbufErrors")?))
}

fn judge(facts: &Facts) -> Vec<Finding> {
    [half_open(facts), time_waits(facts), lost(facts)].into_iter().flatten().collect()
}

fn half_open(facts: &Facts) -> Option<Finding> {
    let (count, cookies) = (facts.half_open, facts.syncookies?);
    let plural = if count == 1 { "" } else { "s" };
    let shown = format!("{count} connection{plural} half open (SYN-RECV)");
    let how = format!("/proc/net/tcp, tcp6; net.ipv4.tcp_syncookies = {cookies}");
    let is_flood = count >= facts.max_half_open? / 2;
    let finding = |level, what| Some(Finding::new(level, what, &how));
    match (is_flood, cookies) {
        (true, 0) => {
            finding(Level::Problem, format!("{shown} and no SYN cookies: new clients are not let in"))
                .map(|finding| finding.remedy("sudo sysctl -w net.ipv4.tcp_syncookies=1"))
        }
        (true, _) => finding(Level::Notice, format!("{shown}: somebody knocks and does not come in"))
            .map(|finding| finding.remedy("ss -Htn state syn-recv")),
        (false, 0) => {
            finding(Level::Notice, "without SYN cookies a flood of them keeps clients out".to_owned())
                .map(|finding| finding.remedy("sudo sysctl -w net.ipv4.tcp_syncookies=1"))
        }
        (false, _) => finding(Level::Good, format!("{shown}, SYN cookies ready")),
    }
}

fn time_waits(facts: &Facts) -> Option<Finding> {
    let (count, ports) = (facts.time_waits, facts.ports.clone()?);
    let all = ports.len();
    let how =
        format!("/proc/net/tcp, tcp6; net.ipv4.ip_local_port_range = {} {}", ports.start(), ports.end());
    let shown = format!("{count} of {all} ports for connections from here wait in TIME_WAIT");
    // From four fifths on the kernel looks long for a free one.
    Some(if count >= all / 5 * 4 {
        Finding::new(Level::Notice, format!("{shown}: connecting may fail with EADDRNOTAVAIL"), how)
            .remedy("sudo sysctl -w net.ipv4.tcp_tw_reuse=1")
    } else {
        Finding::new(Level::Good, shown, how)
    })
}

fn lost(facts: &Facts) -> Option<Finding> {
    let (received, lost) = facts.datagrams?;
    let how = "RcvbufErrors and InDatagrams in /proc/net/snmp";
    let shown = format!("{lost} datagrams lost in full queues, {received} received");
    Some(if lost > received / LOSS_WORTH_A_NOTICE {
        Finding::new(Level::Notice, format!("{shown}: programs here are too slow for them"), how)
            .remedy("sudo sysctl -w net.core.rmem_default=4194304")
    } else {
        Finding::new(Level::Good, shown, how)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNMP: &str = "\
Ip: Forwarding DefaultTTL
Ip: 1 64
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 292780976 4151 0 292859539 17 0 0 3 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 0 0 0 0 0 0 0 0 0
";

    fn usual() -> Facts {
        Facts {
            half_open: 1,
            max_half_open: Some(2048),
            syncookies: Some(1),
            time_waits: 12,
            ports: range("32768\t60999\n"),
            datagrams: datagrams(SNMP),
        }
    }

    fn levels(facts: &Facts) -> Vec<Level> {
        judge(facts).iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn a_usual_machine_is_good_and_its_numbers_are_told() {
        let findings = judge(&usual());
        assert_eq!(levels(&usual()), [Level::Good; 3]);
        assert_eq!(findings[0].what, "1 connection half open (SYN-RECV), SYN cookies ready");
        assert_eq!(findings[1].what, "12 of 28232 ports for connections from here wait in TIME_WAIT");
        assert_eq!(findings[2].what, "17 datagrams lost in full queues, 292780976 received");
    }

    #[test]
    fn a_flood_is_a_problem_only_where_cookies_do_not_help() {
        let flood = Facts { half_open: 1024, ..usual() };
        assert_eq!(levels(&flood)[0], Level::Notice);
        let helpless = Facts { syncookies: Some(0), ..flood };
        assert_eq!(levels(&helpless)[0], Level::Problem);
        assert_eq!(levels(&Facts { syncookies: Some(0), ..usual() })[0], Level::Notice);
    }

    #[test]
    fn ports_that_run_out_are_worth_a_notice() {
        assert_eq!(levels(&Facts { time_waits: 22_583, ..usual() })[1], Level::Good);
        assert_eq!(levels(&Facts { time_waits: 22_584, ..usual() })[1], Level::Notice);
    }

    #[test]
    fn lost_datagrams_are_worth_a_notice_when_they_are_many() {
        assert_eq!(levels(&Facts { datagrams: Some((1_000_000, 1_000)), ..usual() })[2], Level::Good);
        assert_eq!(levels(&Facts { datagrams: Some((1_000_000, 1_001)), ..usual() })[2], Level::Notice);
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_not_judged() {
        assert_eq!(judge(&Facts::default()), []);
        assert_eq!((datagrams("Udp: InDatagrams\n"), range("32768")), (None, None));
    }
}
