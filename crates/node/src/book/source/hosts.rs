//! The machines of `/etc/hosts` (hosts(5)).
//!
//! Every name of a line is one of the book, the canonical one and its aliases alike. It is reached by that name, not by
//! the address beside it: as with `ssh NAME`, the system looks it up, and the host's key is known by its name.
//!
//! Some names are no machines to reach, and left out without a word: what stands beside a loopback address is this
//! machine, `0.0.0.0` and `::` keep a program from reaching a name, broadcast and multicast addresses are many
//! machines, and `ip6-...` are Debian's names for parts of IPv6 itself.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use super::{Found, machine};
use crate::book::bounded;
use crate::book::note::{Note, Notes};
use crate::book::{Login, Origin, Source};

/// The largest file that is read: some people keep long lists there of names that nothing shall reach.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Names that are taken: as many as sets are made for.
const MAX_NAMES: usize = 100_000;

/// Reads the file. No file is no names.
#[must_use]
pub fn read(file: &Path) -> Found {
    match bounded::read(file, MAX_BYTES) {
        Ok(text) => parse(file, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::default(),
        Err(error) => Found { notes: vec![Note::on_file(file, error.to_string())], ..Found::default() },
    }
}

fn parse(file: &Path, text: &[u8]) -> Found {
    let path: Arc<Path> = file.into();
    let (mut records, mut notes) = (Vec::new(), Notes::default());
    let mut seen = HashSet::new();
    'lines: for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next() else { continue };
        let mut note = |text: &str, reason: &str| notes.push(Note::on_line(file, number, text, reason));
        let Some(ip) = ip(address) else {
            note(address, "it is no IP address: a line is an address and its names");
            continue;
        };
        for name in words.filter(|name| is_one_machine(ip) && !name.starts_with("ip6-")) {
            if !seen.insert(name.to_ascii_lowercase()) {
                continue;
            }
            if seen.len() > MAX_NAMES {
                note(name, &format!("from here on nothing is taken: the limit is {MAX_NAMES} names"));
                break 'lines;
            }
            let origin = Origin { source: Source::Hosts, path: Arc::clone(&path), line: number };
            let login = Login::new(None, name, None).map_err(|error| error.to_string());
            match login.and_then(|login| machine(name, &login, Vec::new(), origin)) {
                Ok(record) => records.push(record),
                Err(reason) => note(name, &reason),
            }
        }
    }
    Found { records, notes: notes.into_vec() }
}

/// With or without a zone, as in `fe80::1%eth0`.
fn ip(text: &str) -> Option<IpAddr> {
    text.split('%').next()?.parse().ok()
}

fn is_one_machine(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip == Ipv4Addr::BROADCAST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::book::{Record, Sourced};

    /// The names with their lines, and the notes.
    fn parsed(text: &str) -> (Vec<(String, usize)>, Vec<String>) {
        let found = parse(Path::new("hosts"), text.as_bytes());
        let line = |found: &Sourced<Record>| {
            let (name, ssh) = (found.value.names().to_string(), found.value.ssh.as_ref().unwrap());
            assert_eq!(ssh.at.to_string(), name, "reached by its name");
            (name, found.origin.line)
        };
        (found.records.iter().map(line).collect(), found.notes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_name_of_a_line_is_a_machine_and_each_is_taken_once() {
        let (names, notes) = parsed(
            "# the lab\n\
             10.0.0.1 n01.lab n01 # the first\n\
             10.0.0.2\tn02\r\n\
             fd00::2 n02 N01\n\
             fe80::9%eth0 switch\n\
             10.0.0.30 打印机",
        );
        let expected = [("n01.lab", 2), ("n01", 2), ("n02", 3), ("switch", 5), ("打印机", 6)];
        assert_eq!(names, expected.map(|(name, line)| (name.to_owned(), line)));
        assert_eq!(notes, [""; 0]);
    }

    #[test]
    fn what_is_no_other_machine_is_left_out_without_a_word() {
        let nothing = (vec![], vec![]);
        assert_eq!(
            parsed(
                "127.0.0.1 localhost\n\
                 127.0.1.1 this.lab this\n\
                 ::1 localhost ip6-localhost ip6-loopback\n\
                 ::ffff:127.0.0.1 mapped\n\
                 fe00::0 ip6-localnet\n\
                 ff00::0 ip6-mcastprefix\n\
                 ff02::1 allnodes\n\
                 255.255.255.255 broadcasthost\n\
                 0.0.0.0 ads.example.com\n\
                 :: ads.example.com\n",
            ),
            nothing
        );
    }

    #[test]
    fn what_is_no_line_of_hosts_5_is_noted_and_stops_nothing() {
        let (names, notes) = parsed("n01 10.0.0.1\n10.0.0.1.2 n02\n10.0.0.3 a/b n03 -oX=y\n\n10.0.0.4\n");
        assert_eq!(names, [("n03".to_owned(), 3)]);
        assert_eq!(
            notes,
            [
                "hosts:1: n01: it is no IP address: a line is an address and its names",
                "hosts:2: 10.0.0.1.2: it is no IP address: a line is an address and its names",
                "hosts:3: a/b: a/b is not a host: a host is a name or an IP address, without port, spaces and slashes",
                "hosts:3: -oX=y: -oX=y is no host: a host does not begin with '-'",
            ]
        );
    }

    #[test]
    fn no_file_is_no_names_and_one_without_end_is_noted() {
        assert_eq!(read(Path::new("/nonexistent/hosts")), Found::default());
        let notes = read(Path::new("/dev/zero")).notes;
        assert_eq!(notes[0].to_string(), "/dev/zero: it has more than 16777216 bytes, and is not read");
    }

    #[test]
    fn a_list_of_names_without_end_is_cut_with_a_note() {
        let lines: String = (0..=MAX_NAMES).map(|number| format!("10.0.0.1 n{number}\n")).collect();
        let (names, notes) = parsed(&lines);
        assert_eq!(names.len(), MAX_NAMES);
        assert_eq!(
            notes,
            ["hosts:100001: n100000: from here on nothing is taken: the limit is 100000 names"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in r"((10.0.0.1|fe80::1%x|::)[ \t#]\PC*\n|\PC*){0,4}") {
            let (names, _) = parsed(&text);
            prop_assert!(names.len() <= text.len());
        }
    }
}
