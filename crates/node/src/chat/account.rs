//! Who a node is where nobody has said it: the account of whoever starts it.

use std::fs;

use rustix::process::getuid;
use rustix::system::uname;

/// The account of whoever runs this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// The login name.
    pub(super) user: String,
    /// The name of the person, or the login name.
    pub(super) name: String,
    /// The machine, without its domain.
    pub(super) host: String,
}

impl Account {
    pub(super) fn of_this_user() -> Self {
        let accounts = fs::read("/etc/passwd").unwrap_or_default();
        let login = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
        let host = uname().nodename().to_string_lossy().into_owned();
        Self::read(&String::from_utf8_lossy(&accounts), getuid().as_raw(), login, &host)
    }

    /// From passwd(5), or else the login name that the environment has: accounts may be kept elsewhere.
    fn read(accounts: &str, uid: u32, login: Option<String>, host: &str) -> Self {
        let mut found = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let found = found.find(|fields| fields.get(2).is_some_and(|id| id.parse() == Ok(uid)));
        let field = |index: usize| found.as_ref().and_then(|fields| fields.get(index)).copied();
        let user = field(0).map(str::to_owned).or(login).unwrap_or_else(|| format!("uid{uid}"));
        // The rest of the field is rooms and telephones.
        let real = field(4).and_then(|gecos| gecos.split(',').next()).filter(|name| !name.trim().is_empty());
        let name = real.map_or_else(|| user.clone(), |real| real.trim().replace('&', &user));
        let host = host.split('.').next().filter(|host| !host.is_empty()).unwrap_or("localhost");
        Self { user, name, host: host.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/bash\nwang:x:1000:1000:王伟,Room 7,,:/home/wang:/bin/sh\n\
        li:x:1001:1001::/home/li:/bin/sh\nbroken\n";

    fn account(uid: u32, login: Option<&str>) -> (String, String) {
        let account = Account::read(ACCOUNTS, uid, login.map(str::to_owned), "pc7.lab.example");
        assert_eq!(account.host, "pc7");
        (account.user, account.name)
    }

    #[test]
    fn a_person_is_called_as_in_his_account() {
        assert_eq!(account(1000, None), ("wang".to_owned(), "王伟".to_owned()));
        assert_eq!(account(1001, None), ("li".to_owned(), "li".to_owned()));
    }

    #[test]
    fn an_account_that_is_kept_elsewhere_has_the_name_of_the_login() {
        assert_eq!(account(5000, Some("zhao")), ("zhao".to_owned(), "zhao".to_owned()));
        assert_eq!(account(5000, None), ("uid5000".to_owned(), "uid5000".to_owned()));
    }
}
