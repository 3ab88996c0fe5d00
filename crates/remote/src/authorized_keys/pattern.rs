//! Where a key counts: ssh_config(5) "PATTERNS", and CIDR networks.

use std::net::IpAddr;

use ipnet::IpNet;

/// A list of addresses, networks and patterns. A `!` in front excludes, whatever else the list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    allowed: Vec<Source>,
    excluded: Vec<Source>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Network(IpNet),
    /// With `*` and `?`.
    Pattern(String),
}

impl Sources {
    /// Reads a list with commas between.
    ///
    /// # Errors
    /// What is wrong, in words: an empty entry, or a network with a bad mask.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut sources = Self { allowed: Vec::new(), excluded: Vec::new() };
        for entry in text.split(',') {
            let entry = entry.trim();
            match entry.strip_prefix('!') {
                Some(entry) => sources.excluded.push(Source::parse(entry)?),
                None => sources.allowed.push(Source::parse(entry)?),
            }
        }
        Ok(sources)
    }

    /// Whether a key counts when it comes from there. An IPv4 address that arrives on an IPv6 socket counts as itself.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let text = address.to_string();
        let any = |list: &[Source]| list.iter().any(|source| source.matches(address, &text));
        !any(&self.excluded) && any(&self.allowed)
    }
}

impl Source {
    fn parse(entry: &str) -> Result<Self, String> {
        if entry.is_empty() {
            return Err("an entry of from= is empty".into());
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Ok(Self::Network(address.to_canonical().into()));
        }
        if entry.contains('/') {
            let network = entry.parse::<IpNet>().map_err(|_| format!("from={entry} is not a network"))?;
            // As sshd: bits behind the mask are a slip that would let in more than is written there.
            if network.trunc() != network {
                return Err(format!("from={entry} has bits set behind its mask"));
            }
            return Ok(Self::Network(network));
        }
        Ok(Self::Pattern(entry.to_ascii_lowercase()))
    }

    fn matches(&self, address: IpAddr, text: &str) -> bool {
        match self {
            Self::Network(network) => network.contains(&address),
            Self::Pattern(pattern) => matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
}

/// `*` is any run of bytes, `?` any byte. In time proportional to the product of the lengths, whatever the pattern.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when the last star has to take one byte more.
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((after, taken)) => {
                    back = Some((after, taken + 1));
                    (p, t) = (after, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
