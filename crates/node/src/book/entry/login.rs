//! `[user@]host[:port]`: where an SSH connection goes.

use std::fmt;
use std::str::FromStr;

use net::{AddressError, HostPort};
use thiserror::Error;

use crate::book::name::{Name, NameError};

/// Where SSH listens, unless told otherwise (RFC 4253 section 4.1).
pub const SSH_PORT: u16 = 22;

/// Where an SSH connection goes, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// None means the user that ssh_config(5) or the system gives.
    pub user: Option<String>,
    /// A name or an IP address, without brackets.
    pub host: String,
    /// None means the port that ssh_config(5) gives, or else [`SSH_PORT`].
    pub port: Option<u16>,
}

/// A machine on the way to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// A name of the book: what has neither `@` nor `:` in it.
    Name(Name),
    /// A machine that needs no entry.
    Login(Login),
}

/// Why a text is not `[user@]host[:port]`.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LoginError {
    /// A user with a space or a control character, or that an ssh program would take for an option.
    #[error("'{}' is no user: a user has no spaces and does not begin with '-'", user.escape_debug())]
    User {
        /// What stood before the `@`.
        user: String,
    },
    /// An ssh program would take it for an option.
    #[error("{host} is no host: a host does not begin with '-'")]
    Dash {
        /// What was given.
        host: String,
    },
    /// Nothing listens there.
    #[error("0 is not a port to connect to: write a number from 1 to 65535, or leave it out")]
    PortZero,
    /// What is wrong with host or port.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Only of [`Via`]: no name of the book either.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Login {
    /// From its parts, checked.
    ///
    /// # Errors
    /// When one of them is not what its name says.
    pub fn new(user: Option<&str>, host: &str, port: Option<u16>) -> Result<Self, LoginError> {
        user.map_or(Ok(()), Self::check_user)?;
        let parsed = HostPort::from_parts(host, "0")?;
        let host = parsed.host.ok_or_else(|| AddressError::Host { host: host.to_owned() })?;
        if host.starts_with('-') {
            return Err(LoginError::Dash { host });
        }
        if port == Some(0) {
            return Err(LoginError::PortZero);
        }
        Ok(Self { user: user.map(str::to_owned), host, port })
    }
}

impl Login {
    /// # Errors
    /// When nobody can be called so.
    pub(in crate::book) fn check_user(user: &str) -> Result<(), LoginError> {
        let wrong = |c: char| c.is_whitespace() || c.is_control();
        if user.is_empty() || user.starts_with('-') || user.contains(wrong) {
            return Err(LoginError::User { user: user.to_owned() });
        }
        Ok(())
    }
}

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        // The last one: users of a Windows domain have one in their name.
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        let (host, port) = host_and_port(rest)?;
        Self::new(user, &host, port)
    }
}

/// Reads back as the same.
impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.port {
            Some(port) => HostPort { host: Some(self.host.clone()), port }.fmt(f),
            None => f.write_str(&self.host),
        }
    }
}

impl FromStr for Via {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        Ok(if text.contains(['@', ':']) { Self::Login(text.parse()?) } else { Self::Name(text.parse()?) })
    }
}

/// Reads back as the same: a host alone, which would read back as a name, prints with its port.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Login(Login { user: None, host, port: None }) if !host.contains(':') => {
                write!(f, "{host}:{SSH_PORT}")
            }
            Self::Login(login) => login.fmt(f),
        }
    }
}

/// A host with or without a port. IPv6 needs brackets only where a port follows.
pub(super) fn host_and_port(text: &str) -> Result<(String, Option<u16>), AddressError> {
    let missing = || AddressError::Host { host: text.to_owned() };
    let (at, with_port) = match text.parse::<HostPort>() {
        Ok(at) => (at, true),
        Err(AddressError::NoPort { .. } | AddressError::BareIpv6 { .. }) => {
            (HostPort::from_parts(text, "0")?, false)
        }
        Err(error) => return Err(error),
    };
    Ok((at.host.ok_or_else(missing)?, with_port.then_some(at.port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: Option<&str>, host: &str, port: Option<u16>) -> Login {
        Login { user: user.map(str::to_owned), host: host.to_owned(), port }
    }

    fn error(text: &str) -> String {
        text.parse::<Login>().expect_err(text).to_string()
    }

    #[test]
    fn user_and_port_may_be_left_out() {
        assert_eq!("gate.lab".parse(), Ok(login(None, "gate.lab", None)));
        assert_eq!("admin@gate.lab:2222".parse(), Ok(login(Some("admin"), "gate.lab", Some(2222))));
        assert_eq!("10.0.0.1:22".parse(), Ok(login(None, "10.0.0.1", Some(22))));
        assert_eq!("u@[::1]:22".parse(), Ok(login(Some("u"), "::1", Some(22))));
        assert_eq!("u@fe80::1%eth0".parse(), Ok(login(Some("u"), "fe80::1%eth0", None)));
        assert_eq!("王@lab.example@10.0.0.1".parse(), Ok(login(Some("王@lab.example"), "10.0.0.1", None)));
    }

    #[test]
    fn logins_print_as_they_are_read() {
        for text in ["gate.lab", "admin@gate.lab:2222", "u@[::1]:22", "fe80::1%eth0"] {
            assert_eq!(text.parse::<Login>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_an_ssh_program_would_take_for_an_option_is_refused() {
        assert_eq!(error("-oProxyCommand=x"), "-oProxyCommand=x is no host: a host does not begin with '-'");
        assert_eq!(error("-l@h"), "'-l' is no user: a user has no spaces and does not begin with '-'");
    }

    #[test]
    fn what_is_no_login_is_refused_with_the_reason() {
        assert!(error("@h").starts_with("'' is no user"));
        assert!(error("a b@h").starts_with("'a b' is no user"));
        assert!(error("u@").contains("is not a host"));
        assert!(error(":22").contains("is not a host"));
        assert!(error("h:0").starts_with("0 is not a port to connect to"));
        assert!(error("h:22x").starts_with("22x is not a port"));
        assert!(error("tcp://h:22").contains("is not a host"));
    }

    #[test]
    fn a_machine_on_the_way_is_a_name_of_the_book_unless_it_has_a_user_or_a_port() {
        assert_eq!("gate".parse(), Ok(Via::Name("gate".parse().unwrap())));
        assert_eq!("gate:22".parse(), Ok(Via::Login(login(None, "gate", Some(22)))));
        assert_eq!("::1".parse(), Ok(Via::Login(login(None, "::1", None))));
        assert_eq!(
            Via::Login(login(None, "jump", None)).to_string(),
            "jump:22",
            "a bare one would be a name"
        );
        assert!("a/b".parse::<Via>().is_err());
    }
}
