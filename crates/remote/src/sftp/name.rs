//! Names of files: what one may be that comes from a machine, and what the unfinished are called.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::problem::Problem;

/// Bytes of the final name in the name of an unfinished file: with what stands around it, it must not be longer than a name
/// may be (NAME_MAX, 255).
const STEM_MAX: usize = 200;

/// A name from a listing, if it is one, and not a way to somewhere else.
pub(super) fn checked(name: &OsStr) -> Result<&OsStr, Problem> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') || bytes.contains(&0) {
        return Err(Problem::Own("it lists a name that is none, which leads out of the directory"));
    }
    Ok(name)
}

/// What stands before and behind the random part of the name of an unfinished file.
pub(super) fn around_random(path: &Path) -> (OsString, &'static str) {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let stem = &name[..name.len().min(STEM_MAX)];
    (OsString::from_vec([b".", stem, b".trunkline-"].concat()), ".part")
}

/// The name of an unfinished file over there, beside the final one.
pub(super) fn part(path: &Path) -> Result<PathBuf, Problem> {
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
        .map_err(std::io::Error::from)?;
    let (mut name, behind) = around_random(path);
    name.push(format!("{:016x}{behind}", u64::from_ne_bytes(random)));
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "../evil", "/etc/passwd", "a/b", "a\0b"] {
            assert!(checked(OsStr::new(name)).is_err(), "{name:?}");
        }
        for name in [&b"..."[..], b"a b", b"\xff\xfe", b"-rf", b"a\\b", b"\n"] {
            assert!(checked(OsStr::from_bytes(name)).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn the_unfinished_is_beside_the_final_and_no_name_is_too_long() {
        let part = part(Path::new("/tmp/file")).unwrap();
        assert_eq!(part.parent(), Some(Path::new("/tmp")));
        let name = part.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(".file.trunkline-") && name.ends_with(".part"), "{name}");
        let long = super::part(Path::new(&"x".repeat(255))).unwrap();
        assert!(long.as_os_str().len() <= 255);
        assert_ne!(super::part(Path::new("a")).unwrap(), super::part(Path::new("a")).unwrap());
    }
}
