//! Who runs this program.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// What the person is called, as far as the account says; empty: it does not.
    pub real_name: String,
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
        let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
        from_passwd(&passwd, uid).unwrap_or_else(|| from_environment(uid, |name| std::env::var_os(name)))
    }
}

/// The first line of this user: `name:password:uid:gid:real name:home:shell`. Other lines may be of any bytes.
fn from_passwd(text: &[u8], uid: u32) -> Option<Account> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let fields: Vec<_> = line.split(|byte| *byte == b':').collect();
        let [name, _, number, _, about, home, shell] = fields[..] else { return None };
        let name = String::from_utf8_lossy(name).into_owned();
        let is_his = std::str::from_utf8(number).is_ok_and(|number| number.parse() == Ok(uid));
        is_his.then(|| Account {
            real_name: real_name(&String::from_utf8_lossy(about), &name),
            name,
            uid,
            home: existing(OsStr::from_bytes(home), "/"),
            shell: existing(OsStr::from_bytes(shell), "/bin/sh"),
        })
    })
}

fn from_environment(uid: u32, variable: impl Fn(&str) -> Option<OsString>) -> Account {
    let login = ["USER", "LOGNAME"].into_iter().filter_map(&variable).find(|login| !login.is_empty());
    Account {
        name: login.map_or_else(|| format!("uid{uid}"), |login| login.to_string_lossy().into_owned()),
        real_name: String::new(),
        uid,
        home: existing(&variable("HOME").unwrap_or_default(), "/"),
        shell: existing(&variable("SHELL").unwrap_or_default(), "/bin/sh"),
    }
}

/// The first part of the field; the rest is rooms and telephones. `&` stands for the login name (finger(1)).
fn real_name(about: &str, login: &str) -> String {
    about.split(',').next().unwrap_or_default().trim().replace('&', login)
}

fn existing(path: &OsStr, otherwise: &str) -> PathBuf {
    let path = Path::new(path);
    if path.is_absolute() { path.to_owned() } else { Path::new(otherwise).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] =
        "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:安妮 & Sons,Room 7,,:/home/ann:\n\
        bad:x:1001\nli:x:1002:1002::/home/li:/bin/sh\n"
            .as_bytes();

    #[test]
    fn passwd_says_name_home_and_shell() {
        let ann = from_passwd(PASSWD, 1000).unwrap();
        assert_eq!((ann.name.as_str(), ann.home), ("ann", "/home/ann".into()));
        assert_eq!(ann.shell, Path::new("/bin/sh"), "an empty shell is sh, as login(1) has it");
        assert_eq!(from_passwd(PASSWD, 1001), None);
    }

    #[test]
    fn a_person_is_called_as_in_his_account_if_it_says_so() {
        assert_eq!(from_passwd(PASSWD, 1000).unwrap().real_name, "安妮 ann Sons");
        assert_eq!(from_passwd(PASSWD, 1002).unwrap().real_name, "");
    }

    #[test]
    fn an_account_that_is_no_utf_8_hides_no_other() {
        let passwd = [b"wang:x:999:999:\xcd\xf5\xce\xb0:/home/\xcd\xf5:/bin/sh\n", PASSWD].concat();
        assert_eq!(from_passwd(&passwd, 1000).unwrap().name, "ann");
        assert_eq!(from_passwd(&passwd, 999).unwrap().home.as_os_str().as_bytes(), b"/home/\xcd\xf5");
    }

    #[test]
    fn an_account_that_is_kept_elsewhere_is_what_the_login_has_said() {
        let said = |name: &str, value: &str, asked: &str| (name == asked).then(|| value.into());
        assert_eq!(from_environment(5000, |name| said("USER", "zhao", name)).name, "zhao");
        assert_eq!(from_environment(5000, |name| said("LOGNAME", "zhao", name)).name, "zhao");
        let nobody = from_environment(5000, |_| Some(OsString::new()));
        assert_eq!((nobody.name.as_str(), nobody.shell.to_str()), ("uid5000", Some("/bin/sh")));
    }
}
