//! Whether what the program remembers has a good place, and who uses it now.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use net::Untrusted;
use rustix::fs::{Access, access};

use super::{Finding, Level};

/// File systems of other machines. SQLite's journal needs memory that several processes share, which these do not have
/// (<https://www.sqlite.org/wal.html>), and their locks come and go with the network.
const REMOTE: [&str; 12] = [
    "9p",
    "afs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.sshfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// File systems that are gone when the machine is switched off.
const FLEETING: [&str; 2] = ["ramfs", "tmpfs"];

/// The command that makes a folder ours, be it there or not.
const MAKE: &str = "sudo install -d -m 700 -o \"$(id -u)\"";

/// A mounted file system (proc_pid_mountinfo(5)).
#[derive(Debug, PartialEq, Eq)]
struct Mount<'a> {
    /// `major:minor`, in decimal.
    device: &'a str,
    kind: &'a str,
}

pub(super) fn look(folder: &Path) -> Vec<Finding> {
    let existing = existing(folder);
    let is_writable = access(&existing, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mount = mount_of(&existing, &mounts);
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut findings = vec![judge(folder, is_writable, mount.as_ref())];
    let device = mount.map(|mount| mount.device);
    findings.extend(device.and_then(|device| lock_in(folder, device, &locks)));
    findings
}

/// The folder itself, or what of the way to it is there.
fn existing(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.ancestors().find_map(|path| path.canonicalize().ok()).unwrap_or(absolute)
}

/// The file system that a path without links lies on: the longest mount point that leads to it, and of several on
/// one point the last.
fn mount_of<'a>(path: &Path, mountinfo: &'a str) -> Option<Mount<'a>> {
    let mut best = None;
    for line in mountinfo.lines() {
        let Some((front, back)) = line.split_once(" - ") else { continue };
        let mut front = front.split(' ').skip(2);
        let (Some(device), Some(point), Some(kind)) = (front.next(), front.nth(1), back.split(' ').next())
        else {
            continue;
        };
        let point = point.replace("\\040", " ");
        if path.starts_with(&point) && best.as_ref().is_none_or(|(length, _)| point.len() >= *length) {
            best = Some((point.len(), Mount { device, kind }));
        }
    }
    best.map(|(_, mount)| mount)
}

fn judge(folder: &Path, is_writable: bool, mount: Option<&Mount<'_>>) -> Finding {
    let shown = Untrusted::from(folder.as_os_str().as_bytes()).to_string();
    let kind = mount.map_or("an unknown file system", |mount| mount.kind);
    let on = Untrusted::from(kind);
    let how = format!("access, /proc/self/mountinfo: {on}");
    if !is_writable {
        let what = format!("{shown} is not writable: no message can be kept");
        let quoted = shlex::try_quote(&shown).unwrap_or_default();
        return Finding::new(Level::Problem, what, how).remedy(format!("{MAKE} {quoted}"));
    }
    if REMOTE.contains(&kind) {
        let what = format!("{shown} is on {on}: the journal needs a disk of this machine");
        let local = "/var/lib/trunkline-\"$USER\"";
        let remedy = format!("{MAKE} {local} && export XDG_STATE_HOME={local}");
        return Finding::new(Level::Problem, what, how).remedy(remedy);
    }
    if FLEETING.contains(&kind) {
        let what = format!("{shown} is on {on}: what is kept there is gone when the machine is switched off");
        return Finding::new(Level::Notice, what, how);
    }
    Finding::new(Level::Good, format!("{shown} is writable, on {on}"), how)
}

/// Who has locked a file of the folder, by the kernel's list of locks (proc_locks(5)). SQLite's own locks are of another
/// kind, and last for moments.
fn lock_in(folder: &Path, device: &str, locks: &str) -> Option<Finding> {
    let files = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    files.filter_map(|file| Some((file.file_name(), file.metadata().ok()?.ino()))).find_map(
        |(name, inode)| {
            let pid = locks.lines().find_map(|line| flock_on(line, device, inode))?;
            let program = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            let program = Untrusted::from(program.trim_end()).to_string();
            let level = if program == env!("CARGO_BIN_NAME") { Level::Good } else { Level::Notice };
            let what = format!(
                "{} is in use by {program} (pid {pid})",
                Untrusted::from(folder.as_os_str().as_bytes())
            );
            Some(Finding::new(
                level,
                what,
                format!("/proc/locks: it has locked {}", Untrusted::from(name.as_bytes())),
            ))
        },
    )
}

/// The process of a line such as `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF`, if the lock is on this file.
fn flock_on(line: &str, device: &str, inode: u64) -> Option<u32> {
    let (major, minor) = device.split_once(':')?;
    let file = format!("{:02x}:{:02x}:{inode}", major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?);
    let words: Vec<_> = line.split_whitespace().collect();
    match words[..] {
        [_, "FLOCK", _, "WRITE", pid, at, ..] if at == file => pid.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = r"22 1 254:0 / / rw,relatime - ext4 /dev/root rw
25 22 0:5 / /proc rw,nosuid - proc proc rw
30 22 0:40 / /home rw,relatime shared:7 - autofs systemd-1 rw
31 22 0:44 / /home rw,relatime shared:8 - nfs4 server:/home rw,vers=4.2
32 22 0:46 / /home/my\040disk rw,relatime - btrfs /dev/sdb rw
33 22 0:47 / /tmp rw - tmpfs tmpfs rw
";

    fn verdict(path: &str, is_writable: bool) -> Finding {
        judge(Path::new(path), is_writable, mount_of(Path::new(path), MOUNTS).as_ref())
    }

    #[test]
    fn a_path_lies_on_the_nearest_and_latest_mount() {
        let kind = |path: &str| mount_of(Path::new(path), MOUNTS).unwrap().kind;
        assert_eq!(kind("/home/wang/.local/state"), "nfs4");
        assert_eq!(kind("/home/my disk/state"), "btrfs");
        assert_eq!(kind("/homes"), "ext4");
        assert_eq!(mount_of(Path::new("/"), "not such a table\n"), None);
    }

    #[test]
    fn a_folder_of_this_machine_that_is_writable_is_good() {
        let finding = verdict("/var/lib/trunkline", true);
        assert_eq!(
            (finding.level, finding.what.as_str()),
            (Level::Good, "/var/lib/trunkline is writable, on ext4")
        );
    }

    #[test]
    fn a_folder_that_is_shut_or_on_another_machine_is_a_problem() {
        let shut = verdict("/var/lib/my state", false);
        assert_eq!(shut.level, Level::Problem);
        let command = "sudo install -d -m 700 -o \"$(id -u)\" '/var/lib/my state'";
        assert_eq!(shut.remedy.as_deref(), Some(command));
        let remote = verdict("/home/wang/.local/state/trunkline", true);
        assert_eq!(remote.level, Level::Problem);
        assert!(remote.what.contains("nfs4") && remote.remedy.is_some());
        assert_eq!(verdict("/tmp/state", true).level, Level::Notice);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_what_is() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(existing(&folder.path().join("not/yet")), real);
    }

    #[test]
    fn a_lock_is_known_by_its_device_and_inode_and_kind() {
        let line = |kind, at| format!("1: {kind}  ADVISORY  WRITE 4711 {at} 0 EOF");
        assert_eq!(flock_on(&line("FLOCK", "fe:00:131"), "254:0", 131), Some(4711));
        assert_eq!(flock_on(&line("POSIX", "fe:00:131"), "254:0", 131), None);
        assert_eq!(flock_on(&line("FLOCK", "fe:01:131"), "254:0", 131), None);
        assert_eq!(flock_on(&line("FLOCK", "fe:00:132"), "254:0", 131), None);
        assert_eq!(flock_on("2: -> FLOCK", "254:0", 131), None);
    }

    #[test]
    fn who_has_locked_a_file_of_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("node.lock")).unwrap();
        file.lock().unwrap();
        let found = look(folder.path());
        let lock = found.last().unwrap();
        assert!(lock.what.ends_with(&format!("(pid {})", std::process::id())), "{found:?}");
        assert!(lock.how.ends_with("node.lock"), "{found:?}");
    }
}
