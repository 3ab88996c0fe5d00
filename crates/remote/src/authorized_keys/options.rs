//! The options in front of a key.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, tz::TimeZone};

use super::pattern::Sources;

/// What a key may do.
#[derive(Clone, Debug)]
pub struct Options {
    /// `cert-authority`: the key signs certificates, and lets nobody in by itself.
    pub authority: bool,
    /// `command=`: runs in place of whatever is asked for.
    pub command: Option<String>,
    /// `from=`: where the key counts.
    pub from: Option<Sources>,
    /// `expiry-time=`: from then on it does not count. Of several, the earliest.
    pub expires: Option<Timestamp>,
    /// `principals=`: of a certificate, one must be among these; of an authority only.
    pub principals: Option<Vec<String>>,
    /// Terminals are given: not `no-pty`, not `restrict` without `pty`.
    pub pty: bool,
    /// Whether and where to connections are passed on.
    pub forwarding: Forwarding,
    /// `environment=`: read, and not obeyed.
    pub environment: Vec<String>,
}

/// Where connections may be passed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// At all: not `no-port-forwarding`, not `restrict` without `port-forwarding`.
    pub allowed: bool,
    /// `permitopen=`: to these only; empty: to all.
    pub only: Vec<PermitOpen>,
}

impl Forwarding {
    /// Whether connections may be passed on to there.
    #[must_use]
    pub fn permits(&self, host: &str, port: u16) -> bool {
        let matches = |permit: &PermitOpen| {
            (permit.host == "*" || permit.host.eq_ignore_ascii_case(host))
                && permit.port.is_none_or(|only| only == port)
        };
        self.allowed && (self.only.is_empty() || self.only.iter().any(matches))
    }
}

/// One place that connections may be passed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermitOpen {
    /// A name or an address, as the client must say it; `*` is any.
    pub host: String,
    /// A port; None is any.
    pub port: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            authority: false,
            command: None,
            from: None,
            expires: None,
            principals: None,
            pty: true,
            forwarding: Forwarding { allowed: true, only: Vec::new() },
            environment: Vec::new(),
        }
    }
}

impl Options {
    /// Reads a list with commas between.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = text;
        loop {
            rest = options.take(rest)?;
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None if rest.is_empty() => return Ok(options),
                None => return Err(format!("a comma is missing between options, before {rest}")),
            }
        }
    }

    /// Takes one option from the front and gives back what follows.
    fn take<'a>(&mut self, text: &'a str) -> Result<&'a str, String> {
        let end = text.find(['=', ',']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let Some(value) = rest.strip_prefix('=') else {
            self.flag(&name.to_ascii_lowercase())?;
            return Ok(rest);
        };
        let (value, rest) =
            unquote(value).ok_or_else(|| format!("the value of {name} must stand between double quotes"))?;
        self.set(&name.to_ascii_lowercase(), value)?;
        Ok(rest)
    }

    fn flag(&mut self, name: &str) -> Result<(), String> {
        match name {
            "cert-authority" => self.authority = true,
            "restrict" => (self.pty, self.forwarding.allowed) = (false, false),
            "pty" => self.pty = true,
            "no-pty" => self.pty = false,
            "port-forwarding" => self.forwarding.allowed = true,
            "no-port-forwarding" => self.forwarding.allowed = false,
            // None of these is ever done here, so there is nothing to forbid.
            "agent-forwarding"
            | "no-agent-forwarding"
            | "user-rc"
            | "no-user-rc"
            | "x11-forwarding"
            | "no-x11-forwarding" => {}
            // Of keys in security keys, which are not taken.
            "no-touch-required" => {}
            _ => return Err(format!("the option {name} is not known")),
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "command" => once(&mut self.command, name, value)?,
            "from" => once(&mut self.from, name, Sources::parse(&value)?)?,
            "principals" => {
                let names: Vec<_> = value.split(',').map(|name| name.trim().to_owned()).collect();
                if names.iter().any(String::is_empty) {
                    return Err("a name in principals= is empty".into());
                }
                once(&mut self.principals, name, names)?;
            }
            "expiry-time" => {
                let time = parse_time(&value)
                    .ok_or_else(|| format!("expiry-time {value} is not a time: write YYYYMMDDHHMM[SS][Z]"))?;
                self.expires = Some(self.expires.map_or(time, |earlier| earlier.min(time)));
            }
            "permitopen" => self.forwarding.only.push(parse_permit(&value)?),
            "environment" => self.environment.push(value),
            // Nothing listens here, and no tunnel is made.
            "permitlisten" | "tunnel" => {}
            _ => return Err(format!("the option {name} is not known")),
        }
        Ok(())
    }
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} stands there twice")),
    }
}

/// How many bytes of a line are options: they end at a blank outside of quotes.
pub(super) fn length(line: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b' ' | b'\t' if !quoted => return at,
            b'"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = byte == b'\\' && !escaped;
    }
    line.len()
}

/// The text between double quotes, in which `\"` is a quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut rest = text;
    loop {
        let at = rest.find(['"', '\\'])?;
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("\\\"") {
            value.push('"');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('"') {
            return Some((value, after));
        } else {
            value.push('\\');
            rest = &rest[1..];
        }
    }
}

/// `YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`; without Z in this machine's time zone.
fn parse_time(text: &str) -> Option<Timestamp> {
    let (digits, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let part = |at: usize, length: usize| {
        digits.get(at..at + length).map_or(Some(0), |text| text.parse::<i8>().ok())
    };
    let date = Date::new(digits[..4].parse().ok()?, part(4, 2)?, part(6, 2)?).ok()?;
    let time = Time::new(part(8, 2)?, part(10, 2)?, part(12, 2)?, 0).ok()?;
    Some(DateTime::from_parts(date, time).to_zoned(zone).ok()?.timestamp())
}

/// `HOST:PORT`, `[HOST]:PORT`, either of them `*`.
fn parse_permit(text: &str) -> Result<PermitOpen, String> {
    let wrong = || format!("permitopen {text} is not HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = match port {
        "*" => None,
        port => Some(port.parse().map_err(|_| wrong())?),
    };
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(PermitOpen { host: host.to_owned(), port })
}
