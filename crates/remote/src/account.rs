//! Who runs this program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// 0 is root.
    pub uid: u32,
    /// Where sessions begin.
    pub home: PathBuf,
    /// What runs commands.
    pub shell: PathBuf,
}

impl Account {
    /// Who runs this process: by passwd(5), or where it does not know him (a directory service), by the variables that
    /// his login set.
    #[must_use]
    pub fn of_this_process() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        from_passwd(&passwd, uid).unwrap_or_else(|| {
            let variable = |name| std::env::var_os(name).unwrap_or_else(OsString::new);
            Self {
                name: variable("USER").to_string_lossy().into_owned(),
                uid,
                home: existing(variable("HOME").into(), "/"),
                shell: existing(variable("SHELL").into(), "/bin/sh"),
            }
        })
    }
}

/// The first line of this user: `name:password:uid:gid:real name:home:shell`.
fn from_passwd(text: &str, uid: u32) -> Option<Account> {
    text.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, number, _, _, home, shell] = fields[..] else { return None };
        (number.parse() == Ok(uid)).then(|| Account {
            name: name.to_owned(),
            uid,
            home: existing(home.into(), "/"),
            shell: existing(shell.into(), "/bin/sh"),
        })
    })
}

fn existing(path: PathBuf, otherwise: &str) -> PathBuf {
    if path.is_absolute() { path } else { Path::new(otherwise).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwd_says_name_home_and_shell() {
        let text = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann,,,:/home/ann:\nbad:x:1001\n";
        let ann = from_passwd(text, 1000).unwrap();
        assert_eq!((ann.name.as_str(), ann.home), ("ann", "/home/ann".into()));
        assert_eq!(ann.shell, Path::new("/bin/sh"), "an empty shell is sh, as login(1) has it");
        assert_eq!(from_passwd(text, 1001), None);
    }
}
