//! How options are written, and what is made of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use strsim::levenshtein;

use super::{KeepAlive, SocketOption};

/// How one option is written.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) takes: &'static str,
    pub(super) read: fn(&str) -> Option<SocketOption>,
}

/// Every option, in alphabetical order. The bounds are the kernel's (tcp(7), ip(7)), so that a value out of
/// bounds is refused before anything is opened.
pub(super) const FORMS: [Form; 13] = {
    use SocketOption as Opt;
    const ON_OFF: &str = "on|off";
    const BYTES: &str = "BYTES (also 64K, 4M; below 1G)";
    [
        Form { name: "broadcast", takes: ON_OFF, read: |text| switch(text).map(Opt::Broadcast) },
        Form { name: "keepalive", takes: "on|off|SECONDS (1 to 32767)", read: keep_alive },
        Form {
            name: "keepcnt",
            takes: "PROBES (1 to 127)",
            read: |text| number(text, 1..=127).map(Opt::KeepCount),
        },
        Form {
            name: "keepintvl",
            takes: "SECONDS (1 to 32767)",
            read: |text| seconds(text, 1..=32767).map(Opt::KeepInterval),
        },
        Form { name: "linger", takes: "off|SECONDS (0 resets)", read: linger },
        Form {
            name: "mss",
            takes: "BYTES (88 to 32767)",
            read: |text| number(text, 88..=32767).map(Opt::MaxSegment),
        },
        Form { name: "nodelay", takes: ON_OFF, read: |text| switch(text).map(Opt::NoDelay) },
        Form { name: "rcvbuf", takes: BYTES, read: |text| size(text).map(Opt::ReceiveBuffer) },
        Form { name: "reuseaddr", takes: ON_OFF, read: |text| switch(text).map(Opt::ReuseAddress) },
        Form { name: "sndbuf", takes: BYTES, read: |text| size(text).map(Opt::SendBuffer) },
        Form { name: "tos", takes: "0 to 255 (also 0x10)", read: |text| byte(text).map(Opt::TypeOfService) },
        Form {
            name: "ttl",
            takes: "1 to 255",
            read: |text| byte(text).filter(|routers| *routers > 0).map(Opt::TimeToLive),
        },
        Form {
            name: "usertimeout",
            takes: "SECONDS (1 to 86400)",
            read: |text| seconds(text, 1..=86400).map(Opt::UserTimeout),
        },
    ]
};

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn keep_alive(text: &str) -> Option<SocketOption> {
    Some(SocketOption::KeepAlive(match switch(text) {
        Some(true) => KeepAlive::On,
        Some(false) => KeepAlive::Off,
        None => KeepAlive::After(seconds(text, 1..=32767)?),
    }))
}

fn linger(text: &str) -> Option<SocketOption> {
    let time = if text == "off" { None } else { Some(seconds(text, 0..=32767)?) };
    Some(SocketOption::Linger(time))
}

fn number(text: &str, bounds: RangeInclusive<u32>) -> Option<u32> {
    // `u32::from_str` takes a leading plus sign; an option does not.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && bounds.contains(number))
}

fn seconds(text: &str, bounds: RangeInclusive<u32>) -> Option<Duration> {
    number(text, bounds).map(|seconds| Duration::from_secs(seconds.into()))
}

fn byte(text: &str) -> Option<u8> {
    match text.strip_prefix("0x") {
        Some(hex) if hex.len() <= 2 && !hex.starts_with('+') => u8::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => number(text, 0..=255).and_then(|number| u8::try_from(number).ok()),
    }
}

/// The kernel keeps twice the size in an `int`, so 1 GiB does not fit any more; nobody needs so much.
fn size(text: &str) -> Option<usize> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        b'g' | b'G' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let bytes = number(digits, 1..=u32::MAX)?.checked_mul(unit)?;
    usize::try_from(bytes).ok().filter(|bytes| *bytes < 1 << 30)
}

pub(super) fn list() -> String {
    FORMS.map(|form| format!("{}={}", form.name, form.takes)).join(", ")
}

/// `; did you mean NAME?` for the nearest name, where one is near. `TCP_NODELAY` and `SO_RCVBUF` are near, too.
pub(super) fn did_you_mean(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let bare = ["so_", "tcp_", "ip_"].iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
    let spoken = match bare {
        "maxseg" => "mss",
        "keepidle" => "keepalive",
        other => other,
    };
    let nearest = FORMS.iter().map(|form| (levenshtein(spoken, form.name), form.name)).min();
    nearest
        .filter(|(edits, _)| *edits <= 2)
        .map_or_else(String::new, |(_, near)| format!(", did you mean {near}?"))
}
