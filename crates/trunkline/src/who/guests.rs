//! Who is logged in here by SSH, as a table.

use jiff::Zoned;
use net::Untrusted;
use node::face::Guest;

use crate::table::columns;

const HEADER: [&str; 6] = ["NUMBER", "KEY", "CERTIFICATE BY", "FROM", "SINCE", "RUNS"];

/// One row for each connection, with times by the clock of `now`.
pub(super) fn table(guests: &[Guest], now: &Zoned, width: Option<u16>) -> String {
    let row = |guest: &Guest| {
        let since = guest.since.to_zoned(now.time_zone().clone());
        let format = if since.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
        [
            guest.id.to_string(),
            Untrusted::from(guest.name()).to_string(),
            guest.authority.clone().unwrap_or_default(),
            guest.from.to_string(),
            since.strftime(format).to_string(),
            Untrusted::from(guest.runs.join("; ").as_str()).to_string(),
        ]
    };
    columns(HEADER, &["NUMBER"], &guests.iter().map(row).collect::<Vec<_>>(), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(id: u64, since: &str) -> Guest {
        Guest {
            id,
            label: "ann".to_owned(),
            fingerprint: "SHA256:a".to_owned(),
            authority: None,
            from: "10.0.0.7:50000".parse().unwrap(),
            since: since.parse().unwrap(),
            runs: Vec::new(),
        }
    }

    #[test]
    fn who_is_in_has_a_number_a_key_an_address_a_time_and_what_runs() {
        let now: Zoned = "2026-11-23T12:00:00+08:00[Asia/Shanghai]".parse().unwrap();
        let runs = vec!["sftp".to_owned(), "top\x1b[2J".to_owned()];
        let ann = Guest { runs, ..guest(3, "2026-11-23T03:04:05Z") };
        let nameless = Guest { label: String::new(), ..guest(12, "2026-11-22T03:04:05Z") };
        assert_eq!(
            table(&[ann, nameless], &now, None),
            "NUMBER  KEY       FROM            SINCE             RUNS\n\
             \x20    3  ann       10.0.0.7:50000  11:04:05          sftp; top\\x1b[2J\n\
             \x20   12  SHA256:a  10.0.0.7:50000  2026-11-22 11:04\n"
        );
    }
}
