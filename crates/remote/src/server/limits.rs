//! What one client may cost. Every number that bounds the network has its name here, and an attacker's test in
//! `tests/server/attacks.rs` or beside the code that keeps it.

use std::time::Duration;

/// From the first byte until somebody is logged in. sshd allows 120 s for people who type passwords; a key needs none.
pub const LOGIN_GRACE: Duration = Duration::from_secs(30);

/// Keys that are refused before the connection ends, as with sshd.
pub const MAX_TRIES: usize = 6;

/// Keys that may be shown, known or not. A probe costs its sender nothing, and an answer tells whether the key is known
/// here: this bounds how many are told. An agent rarely holds more.
pub const MAX_OFFERS: usize = 20;

/// A refusal takes at least so long. Keys cannot be guessed, so this only slows down who counts them; an honest agent
/// with three wrong keys loses a third of a second.
pub const REFUSAL_TIME: Duration = Duration::from_millis(100);

/// Channels at one time on one connection, as with sshd.
pub const MAX_CHANNELS: usize = 10;

/// A silent client is asked after so long whether it is there...
pub const KEEPALIVE: Duration = Duration::from_secs(30);

/// ...and left when it has not answered so often. One that takes nothing of what it is sent cannot be asked; it is left after
/// the same time.
pub const KEEPALIVE_MAX: usize = 3;

/// Bytes that a client may send on a channel before it is told that there is room for more. 8 MiB keep a line of 600
/// Mbit/s full over 100 ms.
pub const WINDOW: u32 = 8 * 1024 * 1024;

/// Bytes in a packet of a channel. The protocol's own number is 32 KiB; larger ones save a tenth between two of ours.
pub const MAX_PACKET: u32 = 65_535;

/// Bytes of input that wait in memory for a command that does not read them, on one channel. Half a window: who reads at
/// all is back before that.
pub const INPUT_IN_MEMORY: usize = 4 * 1024 * 1024;

/// Bytes of input that wait in memory on all channels of a connection: what one client can take of it. Past it the disk has
/// them, which is the rare case: two commands that do not read on one connection.
pub const CONNECTION_IN_MEMORY: usize = 8 * 1024 * 1024;

/// Bytes of input that wait in memory for the only command of a connection before the connection is read more slowly: one
/// piece waits while another is given to the command.
pub const AMPLE_INPUT: usize = BUSY_READ;

/// How long a connection may be left unread for that, in all, while its client sends one [`WINDOW`]. A command that takes less
/// than 80 MB/s has the rest of its input on disk, so that what else comes on the connection never waits longer.
pub const READING_PAUSE: Duration = Duration::from_millis(100);

/// Bytes that are read from a connection at once where fewer are asked for, as for the length of a packet: those of twenty
/// small packets.
pub const READ_AHEAD: usize = 1024;

/// Bytes of input that wait on disk, on one channel, when those in memory are full.
pub const INPUT_ON_DISK: u64 = 1024 * 1024 * 1024;

/// A command whose waiting input is at its limit must take some of it within this time, or its channel ends. Until then
/// the connection waits for it, unless there are other channels on it.
pub const INPUT_STALLED: Duration = Duration::from_secs(10);

/// Bytes that one read takes from a busy command. Its packets are written to the network in one go.
pub const BUSY_READ: usize = 256 * 1024;

/// Bytes that one read takes from an idle command, for which it keeps no buffer.
pub const IDLE_READ: usize = 4 * 1024;

/// Variables that a client may set for one command.
pub const MAX_ENV: usize = 32;

/// Bytes in a variable's name: those that are allowed have up to 17 (`LC_IDENTIFICATION`).
pub const MAX_ENV_NAME: usize = 64;

/// Bytes in a variable's value.
pub const MAX_ENV_VALUE: usize = 4 * 1024;

/// Variables that a client may set: language and colours, nothing that makes a program load, read or run something. (`TZ`
/// may name a file.)
pub const ENV_ALLOWED: [&str; 6] = ["LANG", "LANGUAGE", "LC_*", "COLORTERM", "NO_COLOR", "TERM_PROGRAM"];

/// Bytes in a command: what the kernel takes as one argument of a program (`MAX_ARG_STRLEN` in execve(2)).
pub const MAX_COMMAND: usize = 128 * 1024 - 1;

/// Bytes in the name of a user who is told of (`LOGIN_NAME_MAX` in limits.h). Nobody here has a longer one; a stranger may
/// send 200 KiB, and every try is written down.
pub const MAX_USER: usize = 256;

/// Bytes in the reason why a connection failed. russh quotes there what a client offered, which may be 16 KiB; honest lists and
/// ours beside them fit.
pub const MAX_REASON: usize = 1024;

/// Bytes in the name of a kind of terminal. terminfo's longest has 40.
pub const MAX_TERM: usize = 64;

/// Columns and rows of a terminal; more count as so many. Programs reserve memory for each cell.
pub const MAX_TERMINAL_SIDE: u32 = 2_000;

/// Between the SIGHUP and the SIGKILL to what a lost connection leaves behind: time to save something.
pub const HANGUP_GRACE: Duration = Duration::from_secs(5);

/// Those that a caller may want otherwise; [`Limits::default`] has the constants of this module.
#[derive(Clone, Debug)]
pub struct Limits {
    /// [`LOGIN_GRACE`].
    pub login_grace: Duration,
    /// [`MAX_TRIES`].
    pub max_tries: usize,
    /// [`MAX_OFFERS`].
    pub max_offers: usize,
    /// [`MAX_CHANNELS`].
    pub max_channels: usize,
    /// [`KEEPALIVE`].
    pub keepalive: Duration,
    /// [`KEEPALIVE_MAX`].
    pub keepalive_max: usize,
    /// [`INPUT_IN_MEMORY`].
    pub input_in_memory: usize,
    /// [`CONNECTION_IN_MEMORY`].
    pub connection_in_memory: usize,
    /// [`INPUT_ON_DISK`].
    pub input_on_disk: u64,
    /// [`INPUT_STALLED`].
    pub input_stalled: Duration,
    /// [`HANGUP_GRACE`].
    pub hangup_grace: Duration,
    /// Bytes each way after which new keys are agreed on: as RFC 4253 section 9 advises, 1 GiB.
    pub rekey_bytes: usize,
    /// Time after which new keys are agreed on: as RFC 4253 section 9 advises, an hour.
    pub rekey_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_grace: LOGIN_GRACE,
            max_tries: MAX_TRIES,
            max_offers: MAX_OFFERS,
            max_channels: MAX_CHANNELS,
            keepalive: KEEPALIVE,
            keepalive_max: KEEPALIVE_MAX,
            input_in_memory: INPUT_IN_MEMORY,
            connection_in_memory: CONNECTION_IN_MEMORY,
            input_on_disk: INPUT_ON_DISK,
            input_stalled: INPUT_STALLED,
            hangup_grace: HANGUP_GRACE,
            rekey_bytes: 1024 * 1024 * 1024,
            rekey_time: Duration::from_secs(3600),
        }
    }
}

impl Limits {
    /// How long a client may be silent, or take nothing.
    pub(super) fn silence(&self) -> Duration {
        let times = u32::try_from(self.keepalive_max).unwrap_or(u32::MAX).saturating_add(1);
        self.keepalive.saturating_mul(times)
    }
}

/// Whether a client may set this variable.
pub(super) fn env_is_allowed(name: &str) -> bool {
    let starts_so = |start| name.len() <= MAX_ENV_NAME && name.starts_with(start);
    ENV_ALLOWED.iter().any(|allowed| match allowed.strip_suffix('*') {
        Some(start) => starts_so(start),
        None => name == *allowed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_set_its_language_and_nothing_that_loads_reads_or_runs() {
        for name in ["LANG", "LC_ALL", "LC_TIME", "COLORTERM"] {
            assert!(env_is_allowed(name), "{name}");
        }
        let long = format!("LC_{}", "X".repeat(MAX_ENV_NAME - 2));
        let dangerous =
            ["LD_PRELOAD", "PATH", "BASH_ENV", "ENV", "HOME", "LANGX", "lang", "TZ", "PYTHONPATH", ""];
        for name in dangerous.into_iter().chain([long.as_str()]) {
            assert!(!env_is_allowed(name), "{name}");
        }
    }
}
