//! Who a node is where nobody has said it: the account of whoever starts it.

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
        let host = uname().nodename().to_string_lossy().into_owned();
        Self::new(remote::Account::of_this_process(), &host)
    }

    fn new(account: remote::Account, host: &str) -> Self {
        let remote::Account { name: user, real_name, .. } = account;
        let name = if real_name.is_empty() { user.clone() } else { real_name };
        let host = host.split('.').next().filter(|host| !host.is_empty()).unwrap_or("localhost");
        Self { user, name, host: host.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_called_as_in_his_account_or_as_he_logs_in() {
        let named = |real_name: &str| {
            let (name, real_name) = ("wang".to_owned(), real_name.to_owned());
            let account = remote::Account { name, real_name, ..remote::Account::of_this_process() };
            let Account { user, name, host } = Account::new(account, "pc7.lab.example");
            assert_eq!((user.as_str(), host.as_str()), ("wang", "pc7"));
            name
        };
        assert_eq!(named("王伟"), "王伟");
        assert_eq!(named(""), "wang");
    }
}
