//! `n[01:50]:2222`: hosts as Ansible writes them, in the notation of the book.

use std::net::IpAddr;

/// Hosts that ranges of letters make: ranges of the book are of numbers, so these stand each for itself.
const MAX_BY_LETTERS: usize = 1000;

/// Ranges in one host: each is a level of recursion here.
const MAX_RANGES: usize = 16;

/// The hosts, with numbers as ranges, and their port as it is written.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<(Vec<String>, Option<&str>), String> {
    let (hosts, port) = port_of(text).map_or((text, None), |(hosts, port)| (hosts, Some(port)));
    if hosts.matches('[').count() > MAX_RANGES {
        return Err(format!("it has more than {MAX_RANGES} ranges"));
    }
    Ok((expanded(hosts)?, port))
}

/// What stands before and behind the only colon that is not in brackets.
fn port_of(text: &str) -> Option<(&str, &str)> {
    let (hosts, port) = text.rsplit_once(':')?;
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let address = hosts.strip_prefix('[').and_then(|hosts| hosts.strip_suffix(']'));
    if let Some(address) = address.filter(|address| address.parse::<IpAddr>().is_ok()) {
        return Some((address, port));
    }
    let mut in_brackets = false;
    let has_colon = hosts.chars().any(|c| {
        in_brackets = c == '[' || in_brackets && c != ']';
        c == ':' && !in_brackets
    });
    (!has_colon && !in_brackets).then_some((hosts, port))
}

/// Every way to write a letter for each range of letters.
fn expanded(hosts: &str) -> Result<Vec<String>, String> {
    let Some((head, rest)) = hosts.split_once('[') else { return Ok(vec![hosts.to_owned()]) };
    let (bounds, tail) = rest.split_once(']').ok_or("a bracket is not closed")?;
    let (middles, tails) = (range(bounds)?, expanded(tail)?);
    if middles.len() * tails.len() > MAX_BY_LETTERS {
        return Err(format!("its letters make more than {MAX_BY_LETTERS} hosts"));
    }
    let ends = |middle: &String| tails.iter().map(|tail| format!("{head}{middle}{tail}")).collect::<Vec<_>>();
    Ok(middles.iter().flat_map(ends).collect())
}

/// `FIRST:LAST[:STEP]` as a range of numbers, or as its letters.
fn range(bounds: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("[{bounds}] is no range: write [FIRST:LAST] or [FIRST:LAST:STEP]");
    let mut parts = bounds.split(':');
    let (first, last) = (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
    let step =
        parts.next().unwrap_or("1").parse::<usize>().ok().filter(|step| *step > 0).ok_or_else(wrong)?;
    if parts.next().is_some() {
        return Err(wrong());
    }
    let first = if first.is_empty() { "0" } else { first };
    if let (Some(first), Some(last)) = (letter(first), letter(last)) {
        let letters: Vec<String> = LETTERS
            .chars()
            .skip(first)
            .take((last + 1).saturating_sub(first))
            .step_by(step)
            .map(String::from)
            .collect();
        return if letters.is_empty() { Err(wrong()) } else { Ok(letters) };
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Err(wrong());
    }
    let is_padded = first.starts_with('0') && first.len() > 1;
    if is_padded && first.len() != last.len() {
        return Err(format!("{first} and {last} need the same number of digits"));
    }
    let last = if is_padded { last } else { last.trim_start_matches('0') };
    let last = if last.is_empty() { "0" } else { last };
    let step = if step == 1 { String::new() } else { format!("/{step}") };
    Ok(vec![if first == last { first.to_owned() } else { format!("[{first}-{last}{step}]") }])
}

/// In the order in which ranges count them.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Its place there.
fn letter(text: &str) -> Option<usize> {
    LETTERS.find(text).filter(|_| text.len() == 1)
}
