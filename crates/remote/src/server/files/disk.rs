//! Whether a file is on a disk of this machine: one on another's may keep whoever looks at it waiting for ever.

use std::path::Path;

use rustix::fs::statfs;

/// File systems of local disks and of memory, as statfs(2) and linux/magic.h number them: ext2 to ext4, tmpfs, overlayfs,
/// btrfs, xfs, f2fs, ZFS, ramfs. Whatever is not listed is taken for another machine's.
const LOCAL: &[u32] =
    &[0x0000_ef53, 0x0102_1994, 0x794c_7630, 0x9123_683e, 0x5846_5342, 0xf2f5_2010, 0x2fc1_2fc1, 0x8584_58f6];

/// Whether a look at the file waits for this machine only. For one that is not there, its folder tells, or the next one above
/// that is there.
pub(super) fn is_local(file: &Path) -> bool {
    // The type is a word of the machine's size; the numbers have 32 bits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the upper half is empty")]
    let is_listed = |number| LOCAL.contains(&(number as u32));
    file.ancestors().find_map(|place| statfs(place).ok()).is_some_and(|disk| is_listed(disk.f_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_file_is_on_this_machine_and_so_is_one_that_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_local(folder.path()));
        assert!(is_local(&folder.path().join("not/yet/there")));
    }

    #[test]
    fn what_is_no_disk_is_not_taken_for_one() {
        assert!(!is_local(Path::new("/proc/self/status")));
    }
}
