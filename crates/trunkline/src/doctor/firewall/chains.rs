//! The way of one packet through the chains of a firewall, whichever tool they were read with.

use super::packet::Truth;

/// How deep chains may jump into each other: the kernel's own limit (`NFT_JUMP_STACK_SIZE`). What a tool prints cannot
/// take more of our stack.
const MAX_DEPTH: usize = 16;

/// All chains, with the conditions of their rules decided for one packet.
#[derive(Debug, Default)]
pub(super) struct Chains(pub(super) Vec<Chain>);

#[derive(Debug)]
pub(super) struct Chain {
    /// The table that it is in, by which its tool knows it: `inet filter` of nftables, `filter` of iptables.
    pub(super) table: String,
    pub(super) name: String,
    pub(super) base: Option<Base>,
    pub(super) rules: Vec<Rule>,
}

/// What makes packets come to a chain from outside of its table.
#[derive(Debug)]
pub(super) struct Base {
    /// Where in the order of all such chains it stands; the lowest is the first.
    pub(super) order: i64,
    /// Whether what no rule has decided is dropped.
    pub(super) drops: bool,
}

#[derive(Debug)]
pub(super) struct Rule {
    /// What its tool finds it by: a handle of nftables, a place in the chain of iptables.
    pub(super) number: u64,
    pub(super) applies: Truth,
    pub(super) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// To the next rule: it only counts, logs or marks.
    Next,
    Accept,
    /// In silence or with an answer.
    Drop,
    /// Through another chain of the table, and on with the next rule.
    Jump(String),
    /// Into another chain of the table for good.
    Goto(String),
    /// Back to where the jump came from.
    Return,
}

/// What becomes of the packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate<'a> {
    Accepted,
    Dropped {
        /// The table and the first chain of the way that ended.
        table: &'a str,
        base: &'a str,
        /// The chain in which it ended, and the number of the rule; without one it was the policy.
        chain: &'a str,
        rule: Option<u64>,
        /// No rule whose condition is not certain would have let it in before.
        certain: bool,
    },
}

/// How a chain was left.
enum Left<'a> {
    AtEnd,
    Accepted,
    Dropped { chain: &'a str, rule: u64 },
}

impl Chains {
    /// Sends the packet through. Whoever drops it has the last word; who accepts it speaks for one base chain.
    pub(super) fn fate(&self) -> Fate<'_> {
        let mut bases: Vec<_> =
            self.0.iter().filter_map(|chain| chain.base.as_ref().map(|base| (base, chain))).collect();
        bases.sort_by_key(|(base, _)| base.order);
        for (base, first) in bases {
            let mut certain = true;
            let (chain, rule) = match self.through(first, MAX_DEPTH, &mut certain) {
                Left::Dropped { chain, rule } => (chain, Some(rule)),
                Left::AtEnd if base.drops => (first.name.as_str(), None),
                Left::AtEnd | Left::Accepted => continue,
            };
            return Fate::Dropped { table: &first.table, base: &first.name, chain, rule, certain };
        }
        Fate::Accepted
    }

    fn through<'a>(&'a self, chain: &'a Chain, depth: usize, certain: &mut bool) -> Left<'a> {
        for rule in &chain.rules {
            match (rule.applies, &rule.verdict) {
                (Truth::No, _) | (_, Verdict::Next) | (Truth::Maybe, Verdict::Drop) => {}
                (Truth::Maybe, _) => *certain = false,
                (Truth::Yes, Verdict::Accept) => return Left::Accepted,
                (Truth::Yes, Verdict::Drop) => {
                    return Left::Dropped { chain: &chain.name, rule: rule.number };
                }
                (Truth::Yes, Verdict::Return) => return Left::AtEnd,
                (Truth::Yes, Verdict::Jump(name) | Verdict::Goto(name)) => {
                    let Some(target) = self.named(&chain.table, name).filter(|_| depth > 0) else {
                        *certain = false;
                        continue;
                    };
                    let left = self.through(target, depth - 1, certain);
                    match left {
                        Left::AtEnd if matches!(rule.verdict, Verdict::Jump(_)) => {}
                        _ => return left,
                    }
                }
            }
        }
        Left::AtEnd
    }

    fn named(&self, table: &str, name: &str) -> Option<&Chain> {
        self.0.iter().find(|chain| chain.table == table && chain.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(applies: Truth, verdict: Verdict) -> Rule {
        Rule { number: 7, applies, verdict }
    }

    fn chain(name: &str, base: Option<Base>, rules: Vec<Rule>) -> Chain {
        Chain { table: "t".to_owned(), name: name.to_owned(), base, rules }
    }

    fn base(order: i64, drops: bool) -> Option<Base> {
        Some(Base { order, drops })
    }

    fn jump() -> Verdict {
        Verdict::Jump("other".to_owned())
    }

    #[test]
    fn the_first_rule_that_applies_decides_and_else_the_policy() {
        use Truth::{No, Yes};
        let of = |rules, drops| Chains(vec![chain("input", base(0, drops), rules)]);
        let open =
            of(vec![rule(No, Verdict::Drop), rule(Yes, Verdict::Accept), rule(Yes, Verdict::Drop)], true);
        assert_eq!(open.fate(), Fate::Accepted);
        let shut =
            of(vec![rule(Yes, Verdict::Next), rule(Yes, Verdict::Drop), rule(Yes, Verdict::Accept)], false);
        assert!(matches!(shut.fate(), Fate::Dropped { rule: Some(7), certain: true, .. }));
        assert!(matches!(of(vec![], true).fate(), Fate::Dropped { rule: None, certain: true, .. }));
        assert_eq!(of(vec![], false).fate(), Fate::Accepted);
        assert_eq!(Chains::default().fate(), Fate::Accepted);
    }

    #[test]
    fn a_jump_comes_back_and_a_goto_does_not() {
        let of = |verdict| {
            let first = vec![rule(Truth::Yes, verdict), rule(Truth::Yes, Verdict::Accept)];
            let other = vec![rule(Truth::Yes, Verdict::Return), rule(Truth::Yes, Verdict::Drop)];
            Chains(vec![chain("input", base(0, true), first), chain("other", None, other)])
        };
        assert_eq!(of(jump()).fate(), Fate::Accepted);
        let gone = of(Verdict::Goto("other".to_owned()));
        assert!(matches!(gone.fate(), Fate::Dropped { chain: "input", rule: None, .. }));
    }

    #[test]
    fn who_accepts_first_does_not_speak_for_those_behind() {
        let early = chain("early", base(-300, false), vec![rule(Truth::Yes, Verdict::Accept)]);
        let late = chain("late", base(0, true), vec![]);
        let chains = Chains(vec![late, early]);
        assert!(matches!(chains.fate(), Fate::Dropped { base: "late", .. }));
    }

    #[test]
    fn a_drop_is_not_certain_where_the_packet_may_have_been_let_in_before() {
        for (verdict, wanted) in [(Verdict::Accept, false), (jump(), false), (Verdict::Drop, true)] {
            let chains = Chains(vec![chain("input", base(0, true), vec![rule(Truth::Maybe, verdict)])]);
            assert!(matches!(chains.fate(), Fate::Dropped { certain, .. } if certain == wanted));
        }
    }

    #[test]
    fn chains_that_run_in_a_circle_end() {
        let first = vec![rule(Truth::Yes, jump())];
        let other = vec![rule(Truth::Yes, jump())];
        let chains = Chains(vec![chain("input", base(0, true), first), chain("other", None, other)]);
        assert!(matches!(chains.fate(), Fate::Dropped { certain: false, .. }));
    }
}
