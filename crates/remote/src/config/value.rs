//! The values of ssh_config(5), each from its text.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::expand::PROXY_JUMP;
use super::{Jump, StrictHostKeyChecking};

/// Why a text is not what its keyword takes.
pub(super) type Reason = String;

/// `none` in any case, by which a keyword takes nothing on purpose.
pub(super) fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, Reason> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("yes or no can stand here".to_owned()),
    }
}

/// Beside yes and no, the two ways to bind a key's signature to the host, which are more of a yes.
pub(super) fn public_key(text: &str) -> Result<bool, Reason> {
    match text.to_ascii_lowercase().as_str() {
        "unbound" | "host-bound" => Ok(true),
        _ => yes_or_no(text),
    }
}

pub(super) fn strict(text: &str) -> Result<StrictHostKeyChecking, Reason> {
    match text.to_ascii_lowercase().as_str() {
        "ask" => Ok(StrictHostKeyChecking::Ask),
        "accept-new" => Ok(StrictHostKeyChecking::AcceptNew),
        "yes" | "true" => Ok(StrictHostKeyChecking::Yes),
        "no" | "false" | "off" => Ok(StrictHostKeyChecking::No),
        _ => Err("yes, no, ask or accept-new can stand here".to_owned()),
    }
}

pub(super) fn port(text: &str) -> Result<u16, Reason> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("{text} is not a port: a port is a number from 1 to 65535")),
    }
}

pub(super) fn count(text: &str) -> Result<u32, Reason> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

/// A time as in sshd_config(5), TIME FORMATS: `90`, `1m30`, `2h`. `none` is no time, and zero is none either.
pub(super) fn time(text: &str) -> Result<Option<Duration>, Reason> {
    let wrong = || format!("{text} is not a time: a time is seconds, or 1h30m");
    let mut seconds = 0_u32;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let unit = match after.chars().next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            Some('w') => 7 * 24 * 60 * 60,
            Some(_) => return Err(wrong()),
        };
        let part = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
        seconds = part.and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(Some(Duration::from_secs(seconds.into())).filter(|time| !time.is_zero()))
}

/// Hosts with commas between.
pub(super) fn jumps(text: &str) -> Result<Vec<Jump>, Reason> {
    PROXY_JUMP.check(text)?;
    text.split(',').map(jump).collect()
}

/// `[user@]host[:port]` or the same as an `ssh://` address.
fn jump(text: &str) -> Result<Jump, Reason> {
    let bare = text.strip_prefix("ssh://").map(|uri| uri.strip_suffix('/').unwrap_or(uri)).unwrap_or(text);
    // The last one: users of a Windows domain have one in their name.
    let (user, rest) = match bare.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, bare),
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(|| no_host(text))?)),
        None if rest.parse::<Ipv6Addr>().is_ok() => (rest, None),
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    if user.is_some_and(|user| user.is_empty() || user.contains(char::is_whitespace)) {
        return Err(format!("{text} has no user before its @"));
    }
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || "/[]@".contains(c)) {
        return Err(no_host(rest));
    }
    Ok(Jump { user: user.map(str::to_owned), host: host.to_owned(), port: port.map(self::port).transpose()? })
}

fn no_host(text: &str) -> Reason {
    format!("{text} is not a host: a host is a name or an IP address, without port, spaces and slashes")
}
