//! The kernel's reasons in words: what `connect_ex` returns, with its name and its meaning.

use std::io;

use serde::Serialize;

/// One of the kernel's error numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Errno {
    /// The number, as errno(3) has it on this machine.
    #[serde(rename = "errno")]
    pub code: i32,
    /// Its name, as in errno(3).
    pub name: &'static str,
    /// What it means for somebody who uses sockets.
    pub meaning: &'static str,
}

/// Those that the calls of socket(2), connect(2), send(2), recv(2) and bind(2) give.
const KNOWN: &[Errno] = &[
    errno(libc::EACCES, "EACCES", "permission denied"),
    errno(libc::EADDRINUSE, "EADDRINUSE", "address already in use"),
    errno(libc::EADDRNOTAVAIL, "EADDRNOTAVAIL", "no such address on this machine, or no free port left"),
    errno(libc::EAFNOSUPPORT, "EAFNOSUPPORT", "this machine does not speak that kind of address"),
    errno(libc::EAGAIN, "EAGAIN", "no room in the queue at the moment"),
    errno(libc::ECONNABORTED, "ECONNABORTED", "connection given up"),
    errno(libc::ECONNREFUSED, "ECONNREFUSED", "connection refused"),
    errno(libc::ECONNRESET, "ECONNRESET", "connection reset by the far side"),
    errno(libc::EHOSTDOWN, "EHOSTDOWN", "host is down"),
    errno(libc::EHOSTUNREACH, "EHOSTUNREACH", "no way to that host"),
    errno(libc::EINVAL, "EINVAL", "invalid argument"),
    errno(libc::EMFILE, "EMFILE", "too many open files in this process"),
    errno(libc::EMSGSIZE, "EMSGSIZE", "message too long for one datagram"),
    errno(libc::ENETDOWN, "ENETDOWN", "network is down"),
    errno(libc::ENETUNREACH, "ENETUNREACH", "no way to that network"),
    errno(libc::ENFILE, "ENFILE", "too many open files on this machine"),
    errno(libc::ENOBUFS, "ENOBUFS", "no memory for network buffers"),
    errno(libc::ENOENT, "ENOENT", "no such socket file"),
    errno(libc::ENOTCONN, "ENOTCONN", "not connected"),
    errno(libc::ENOTSOCK, "ENOTSOCK", "not a socket"),
    errno(libc::EPERM, "EPERM", "not permitted, perhaps by a firewall"),
    errno(libc::EPIPE, "EPIPE", "the far side takes no more"),
    errno(libc::EPROTOTYPE, "EPROTOTYPE", "a socket of the other kind, stream or datagram, listens there"),
    errno(libc::ETIMEDOUT, "ETIMEDOUT", "no answer in time"),
];

const fn errno(code: i32, name: &'static str, meaning: &'static str) -> Errno {
    Errno { code, name, meaning }
}

impl Errno {
    /// The number behind an error, where it is one of those that sockets give.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        let code = error.raw_os_error()?;
        KNOWN.iter().copied().find(|known| known.code == code)
    }
}

/// An error in words: `connection refused (ECONNREFUSED, 111)`; what has no number keeps its own words.
#[must_use]
pub fn explain(error: &io::Error) -> String {
    match Errno::of(error) {
        Some(Errno { code, name, meaning }) => format!("{meaning} ({name}, {code})"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_the_kernel_has_its_name_and_its_meaning() {
        let refused = io::Error::from_raw_os_error(libc::ECONNREFUSED);
        assert_eq!(explain(&refused), format!("connection refused (ECONNREFUSED, {})", libc::ECONNREFUSED));
    }

    #[test]
    fn what_has_no_number_keeps_its_own_words() {
        assert_eq!(explain(&io::Error::other("cut short")), "cut short");
        assert!(explain(&io::Error::from_raw_os_error(libc::EXDEV)).contains("os error"));
    }

    #[test]
    fn every_number_stands_once() {
        for (at, one) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..at].iter().all(|other| other.code != one.code), "{}", one.name);
        }
    }
}
