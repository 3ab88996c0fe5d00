//! How many connections may be open at one time: each takes a descriptor.

use net::limits::MAX_CONNECTIONS;
use rustix::process::{Resource, Rlimit, getrlimit};

use super::{Finding, Level};

/// What a server opens besides its connections: listeners, the journal, the runtime, a person's terminal.
const BESIDES: u64 = 100;

pub(super) fn look() -> Vec<Finding> {
    vec![judge(getrlimit(Resource::Nofile))]
}

/// The soft limit does not matter: `serve` and `up` raise their own as far as the hard one allows ([`crate::descriptors`]).
fn judge(limit: Rlimit) -> Finding {
    let wanted = u64::try_from(MAX_CONNECTIONS).unwrap_or(u64::MAX).saturating_add(BESIDES);
    let show = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let how = format!("getrlimit: soft {}, hard {}", show(limit.current), show(limit.maximum));
    match limit.maximum {
        Some(hard) if hard < wanted => {
            let what = format!(
                "about {} connections may be open at one time, fewer than the {MAX_CONNECTIONS} that servers allow",
                hard.saturating_sub(BESIDES)
            );
            // For the shell that runs us, and what it starts from now on.
            let command = "sudo prlimit --nofile=65536 --pid $$";
            Finding::new(Level::Notice, what, how).remedy(command)
        }
        _ => Finding::new(Level::Good, format!("{MAX_CONNECTIONS} connections may be open at one time"), how),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_decides_and_both_are_told() {
        let judged = |current, maximum| judge(Rlimit { current, maximum });
        assert_eq!(judged(Some(1024), Some(524_288)).level, Level::Good);
        assert_eq!(judged(Some(1024), None).level, Level::Good);
        let low = judged(Some(1024), Some(4096));
        assert_eq!(low.level, Level::Notice);
        assert!(low.what.starts_with("about 3996 connections"), "{}", low.what);
        assert_eq!(low.how, "getrlimit: soft 1024, hard 4096");
    }
}
