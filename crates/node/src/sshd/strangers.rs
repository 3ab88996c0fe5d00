//! Who has not logged in yet, and who of them makes room.
//!
//! Places are few, and whoever comes from several addresses could take them all and stay silent. So when they are all taken,
//! a newcomer gets the place of who has been here longest without a login, of the address that has most of them. Who attacks
//! from so few addresses that each needs several places keeps nobody else out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use net::limits::{Refusal, stranger};
use tokio_util::sync::CancellationToken;

use super::SETTLING;

/// How many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) for_all: usize,
    /// With IPv6 a /64 counts as one: see [`stranger`].
    pub(super) for_an_address: usize,
}

/// All that are here.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<Here>);

#[derive(Debug, Default)]
struct Here {
    last: u64,
    /// Those of each address, the first to come first.
    of: HashMap<IpAddr, BTreeMap<u64, Stranger>>,
}

#[derive(Debug)]
struct Stranger {
    since: Instant,
    leave: CancellationToken,
}

/// The place of one of them, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    strangers: Arc<Strangers>,
    from: IpAddr,
    number: u64,
}

impl Strangers {
    /// Takes a place. With it comes what is cancelled when another has got it.
    ///
    /// # Errors
    /// Which limit stands against it.
    pub(super) fn admit(
        self: &Arc<Self>,
        room: Room,
        from: IpAddr,
        now: Instant,
    ) -> Result<(Place, CancellationToken), Refusal> {
        let from = stranger(from);
        let mut here = self.here();
        let of_this = here.of.get(&from).map_or(0, BTreeMap::len);
        if of_this >= room.for_an_address {
            return Err(Refusal::PerIp(room.for_an_address));
        }
        if here.of.values().map(BTreeMap::len).sum::<usize>() >= room.for_all {
            here.make_room(of_this, now).ok_or(Refusal::Full(room.for_all))?;
        }
        here.last += 1;
        let (number, leave) = (here.last, CancellationToken::new());
        here.of.entry(from).or_default().insert(number, Stranger { since: now, leave: leave.clone() });
        Ok((Place { strangers: Arc::clone(self), from, number }, leave))
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    /// For a newcomer of whose address so many are here. None: everybody else has as good a right to be here.
    fn make_room(&mut self, of_this: usize, now: Instant) -> Option<()> {
        let crowd = self.of.values_mut().max_by_key(|crowd| crowd.len())?;
        if crowd.len() <= of_this + 1 {
            return None;
        }
        let oldest = crowd.first_entry()?;
        let has_settled = now.saturating_duration_since(oldest.get().since) >= SETTLING;
        has_settled.then(|| oldest.remove().leave.cancel())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.strangers.here();
        if let Some(crowd) = here.of.get_mut(&self.from) {
            // It may be another's by now.
            crowd.remove(&self.number);
            if crowd.is_empty() {
                here.of.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ROOM: Room = Room { for_all: 6, for_an_address: 3 };

    fn ip(number: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, number).into()
    }

    /// Those who come from these addresses, one after the other.
    fn crowd(
        strangers: &Arc<Strangers>,
        from: impl IntoIterator<Item = u8>,
        now: Instant,
    ) -> Vec<(Place, CancellationToken)> {
        from.into_iter().map(|from| strangers.admit(ROOM, ip(from), now).unwrap()).collect()
    }

    fn have_left(crowd: &[(Place, CancellationToken)]) -> Vec<bool> {
        crowd.iter().map(|(_, leave)| leave.is_cancelled()).collect()
    }

    #[test]
    fn when_all_places_are_taken_the_oldest_of_the_most_crowded_address_makes_room() {
        let (strangers, begun) = (Arc::<Strangers>::default(), Instant::now());
        let silent = crowd(&strangers, [1, 2, 2, 2, 3, 3], begun);
        let _good = strangers.admit(ROOM, ip(4), begun + SETTLING).unwrap();
        assert_eq!(have_left(&silent), [false, true, false, false, false, false]);
        assert_eq!(strangers.here().of.values().map(BTreeMap::len).sum::<usize>(), ROOM.for_all);
    }

    #[test]
    fn whoever_has_only_just_come_makes_no_room() {
        let (strangers, begun) = (Arc::<Strangers>::default(), Instant::now());
        let silent = crowd(&strangers, [1, 1, 1, 2, 2, 2], begun);
        let just_before = begun + SETTLING - std::time::Duration::from_millis(1);
        assert_eq!(strangers.admit(ROOM, ip(3), just_before).unwrap_err(), Refusal::Full(ROOM.for_all));
        assert_eq!(have_left(&silent), [false; 6]);
    }

    #[test]
    fn nobody_makes_room_for_one_whose_address_has_as_many() {
        let (strangers, begun) = (Arc::<Strangers>::default(), Instant::now());
        let crowded = crowd(&strangers, [1, 1, 2, 2, 3, 3], begun);
        for (from, is_let_in) in [(1, false), (2, false), (4, true)] {
            assert_eq!(strangers.admit(ROOM, ip(from), begun + SETTLING).is_ok(), is_let_in, "{from}");
        }
        assert_eq!(have_left(&crowded).into_iter().filter(|left| *left).count(), 1);

        let strangers = Arc::<Strangers>::default();
        let each_one = crowd(&strangers, 1..=6, begun);
        assert_eq!(strangers.admit(ROOM, ip(7), begun + SETTLING).unwrap_err(), Refusal::Full(ROOM.for_all));
        assert_eq!(have_left(&each_one), [false; 6]);
    }

    #[test]
    fn who_has_lost_his_place_gives_back_no_others() {
        let (strangers, begun) = (Arc::<Strangers>::default(), Instant::now());
        let mut silent = crowd(&strangers, [1, 1, 1, 2, 2, 3], begun);
        let good = strangers.admit(ROOM, ip(4), begun + SETTLING).unwrap();
        drop(silent.remove(0));
        assert_eq!(strangers.here().of[&ip(1)].len(), 2);
        drop((silent, good));
        assert!(strangers.here().of.is_empty(), "nothing is kept of those who have gone");
    }
}
