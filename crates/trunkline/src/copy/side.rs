//! Which side a path is on.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

/// A path as it stands on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Here(PathBuf),
    There { targets: OsString, path: PathBuf },
}

impl Side {
    /// As with scp, a colon before any slash makes it a path on machines. Brackets hold ranges and IPv6 addresses, and their
    /// colons are their own.
    pub(super) fn of(argument: &OsStr) -> Self {
        let bytes = argument.as_bytes();
        let mut depth = 0_usize;
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                b':' if depth == 0 && at > 0 => {
                    let part = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
                    return Self::There { targets: part(&bytes[..at]), path: part(&bytes[at + 1..]).into() };
                }
                b':' if depth == 0 => break,
                b'/' => break,
                _ => {}
            }
        }
        Self::Here(argument.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(targets: &str, path: &str) -> Side {
        Side::There { targets: targets.into(), path: path.into() }
    }

    #[test]
    fn a_colon_before_any_slash_is_a_machine() {
        for (argument, targets, path) in [
            ("n1:/tmp/x", "n1", "/tmp/x"),
            ("n1:", "n1", ""),
            ("n[01-40]:/tmp", "n[01-40]", "/tmp"),
            ("@lab,-n07:a:b", "@lab,-n07", "a:b"),
            ("root@[fe80::1%eth0]:x", "root@[fe80::1%eth0]", "x"),
            ("[::1]:~/x", "[::1]", "~/x"),
        ] {
            assert_eq!(Side::of(argument.as_ref()), there(targets, path), "{argument}");
        }
    }

    #[test]
    fn what_is_here_has_none_or_a_slash_before() {
        for path in ["file", "./a:b", "/a:b", "a/b:c", ":x", "dir/", "a[b:c", "."] {
            assert_eq!(Side::of(path.as_ref()), Side::Here(path.into()));
        }
        let strange = OsStr::from_bytes(b"\xff\xfe");
        assert_eq!(Side::of(strange), Side::Here(strange.into()));
    }
}
