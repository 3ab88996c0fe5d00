//! An account that only one server sees.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Person;
use crate::needs::find;

/// The name of the account, and its password.
pub(crate) const GUEST: &str = "guest";
pub(crate) const PASSWORD: &str = "secret";

/// The password as `openssl passwd -6 -salt trunkline` has it.
const PASSWORD_HASH: &str =
    "$6$trunkline$RXL3zN5JpUbI03mW7mJExPYdDCThxq0BRyRYBrg0daV.ri3c5j7iYL1n6kcmngxmdgd8gW8TMFTJA5FGQVeZL0";

/// Files that take the place of `/etc/passwd` and `/etc/shadow`, and the account's home.
pub(crate) struct Guest {
    folder: TempDir,
}

impl Guest {
    /// An account that lets a person in by his key.
    pub(crate) fn new(person: &Person, shell: &Path) -> Self {
        let guest = Self { folder: tempfile::tempdir().unwrap() };
        let home = guest.path("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        fs::set_permissions(guest.folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(home.join(".ssh/authorized_keys"), person.public_key("id_ed25519")).unwrap();
        let add = |file: &str, line: &str| {
            let known = fs::read_to_string(Path::new("/etc").join(file)).unwrap();
            fs::write(guest.path(file), known + line).unwrap();
        };
        add("passwd", &format!("{GUEST}:x:65533:65534::{}:{}\n", home.display(), shell.display()));
        add("shadow", &format!("{GUEST}:{PASSWORD_HASH}:19000:0:99999:7:::\n"));
        guest
    }

    /// Of whom sudoers(5) says this, and of nobody else anything.
    pub(crate) fn with_sudoers(self, text: &str) -> Self {
        // Its file must be root's and nobody's to write.
        let path = self.path("sudoers");
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o440)).unwrap();
        self
    }

    /// A server, to be started where the account is.
    pub(crate) fn server(&self, program: &str) -> Command {
        let mut unshare = Command::new("unshare");
        let script = r#"for file in passwd shadow sudoers; do
                test ! -e "$1/$file" || mount --bind "$1/$file" "/etc/$file" || exit
            done
            shift && exec "$@""#;
        unshare.args(["--mount", "sh", "-c", script, "sh"]);
        unshare.arg(self.folder.path()).arg(find(program).unwrap());
        unshare
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Whether such an account can be made; says so where not.
pub(crate) fn may_mount() -> bool {
    let made =
        Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    if !made {
        eprintln!("skipped: needs mount namespaces; root may make them, outside of containers");
    }
    made
}
