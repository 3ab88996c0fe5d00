//! Logins that were refused, as far as the journal keeps them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections of a minute that are kept with the reason why nobody was let in. Honest ones are a few; an attacker makes
/// hundreds, from as many addresses as he has, and must not fill the disk: at most 15 MB in a day, which `log --forget` takes away.
pub const REFUSALS_KEPT: u32 = 30;

const MINUTE: Duration = Duration::from_secs(60);

/// How many were kept of late.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Option<Minute>>);

#[derive(Debug)]
struct Minute {
    begun: Instant,
    kept: u32,
}

/// What becomes of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Keep {
    It,
    /// Instead of it: that there are more than are kept.
    ThatThereAreMore,
    Nothing,
}

/// Of one connection.
#[derive(Debug)]
pub(super) struct Refused {
    /// As whom somebody wanted in last, with which key, and why not.
    user: String,
    fingerprint: String,
    reason: String,
    /// Keys, all in all.
    keys: u32,
}

impl Refusals {
    pub(super) fn keep(&self, now: Instant) -> Keep {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = match &mut *minute {
            Some(minute) if now.saturating_duration_since(minute.begun) < MINUTE => minute,
            other => other.insert(Minute { begun: now, kept: 0 }),
        };
        minute.kept = minute.kept.saturating_add(1);
        match minute.kept {
            ..=REFUSALS_KEPT => Keep::It,
            kept if kept == REFUSALS_KEPT + 1 => Keep::ThatThereAreMore,
            _ => Keep::Nothing,
        }
    }
}

impl Refused {
    /// One more key of a connection.
    pub(super) fn after(before: Option<Self>, user: &str, fingerprint: &str, reason: &str) -> Self {
        let keys = before.map_or(0, |before| before.keys).saturating_add(1);
        Self { user: user.to_owned(), fingerprint: fingerprint.to_owned(), reason: reason.to_owned(), keys }
    }

    /// What was wanted, and why it is not had.
    pub(super) fn words(&self) -> (String, String) {
        let Self { user, fingerprint, reason, keys } = self;
        let others = match keys {
            ..=1 => String::new(),
            2 => ", after another one".to_owned(),
            keys => format!(", after {} others", keys - 1),
        };
        (format!("ssh: refused as {user} (key {fingerprint}{others})"), reason.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attacker_gets_so_many_rows_in_a_minute_and_one_that_says_so() {
        let refusals = Refusals::default();
        let begun = Instant::now();
        let attack = |from: u64| {
            let kept = (0..100_000).map(|number| {
                let now = begun + Duration::from_secs(from) + Duration::from_micros(number);
                refusals.keep(now)
            });
            kept.filter(|keep| *keep != Keep::Nothing).collect::<Vec<_>>()
        };
        for minute in [0, 61, 500] {
            let mut kept = attack(minute);
            assert_eq!(kept.pop(), Some(Keep::ThatThereAreMore));
            assert_eq!(kept.len(), REFUSALS_KEPT as usize);
        }
    }

    #[test]
    fn a_connection_is_told_once_with_its_last_key_and_how_many_there_were() {
        let mut refused = None;
        let mut said = Vec::new();
        for key in ["SHA256:a", "SHA256:b", "SHA256:c"] {
            refused = Some(Refused::after(refused, "ann", key, "the key is not known here"));
            said.extend(refused.as_ref().map(|refused| refused.words().0));
        }
        assert_eq!(
            said,
            [
                "ssh: refused as ann (key SHA256:a)",
                "ssh: refused as ann (key SHA256:b, after another one)",
                "ssh: refused as ann (key SHA256:c, after 2 others)"
            ]
        );
    }
}
