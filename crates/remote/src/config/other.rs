//! The keywords of ssh_config(5) that nothing here follows.

/// What it means for a connection that a keyword is not followed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Other {
    /// Nothing: it shows something, shares or keeps a connection, or offers a way to log in that is not taken here; or ssh
    /// itself takes no notice of it.
    Harmless,
    /// Something, unless it has this value. `no` stands for `false`, too.
    Unless(&'static str),
    /// Whom to trust, what is encrypted how, where the connection goes or what it carries is not as it says.
    Missed,
}

use Other::{Harmless, Missed, Unless};

/// By name, in lower case. Those of OpenSSH 10, of its older versions, and of Debian.
pub(super) const OTHERS: &[(&str, Other)] = &[
    ("addkeystoagent", Harmless),
    ("addressfamily", Unless("any")),
    ("afstokenpassing", Harmless),
    ("bindaddress", Missed),
    ("bindinterface", Missed),
    ("canonicaldomains", Harmless),
    ("canonicalizefallbacklocal", Harmless),
    ("canonicalizehostname", Unless("no")),
    ("canonicalizemaxdots", Harmless),
    ("canonicalizepermittedcnames", Unless("none")),
    ("casignaturealgorithms", Missed),
    ("channeltimeout", Harmless),
    ("checkhostip", Harmless),
    ("cipher", Harmless),
    ("clearallforwardings", Harmless),
    ("compression", Harmless),
    ("compressionlevel", Harmless),
    ("connectionattempts", Harmless),
    ("controlmaster", Harmless),
    ("controlpath", Harmless),
    ("controlpersist", Harmless),
    ("dynamicforward", Missed),
    ("enableescapecommandline", Harmless),
    ("enablesshkeysign", Harmless),
    ("escapechar", Harmless),
    ("exitonforwardfailure", Harmless),
    ("fallbacktorsh", Harmless),
    ("fingerprinthash", Harmless),
    ("forkafterauthentication", Unless("no")),
    ("forwardagent", Unless("no")),
    ("forwardx11", Unless("no")),
    ("forwardx11timeout", Harmless),
    ("forwardx11trusted", Harmless),
    ("gatewayports", Harmless),
    ("globalknownhostsfile2", Harmless),
    ("gssapiauthentication", Harmless),
    ("gssapiclientidentity", Harmless),
    ("gssapidelegatecredentials", Harmless),
    ("gssapikexalgorithms", Harmless),
    ("gssapikeyexchange", Harmless),
    ("gssapirenewalforcesrekey", Harmless),
    ("gssapiserveridentity", Harmless),
    ("gssapitrustdns", Harmless),
    ("hostbasedacceptedalgorithms", Harmless),
    ("hostbasedauthentication", Harmless),
    ("hostbasedkeytypes", Harmless),
    ("ipqos", Harmless),
    ("kbdinteractivedevices", Harmless),
    ("keepalive", Harmless),
    ("kerberosauthentication", Harmless),
    ("kerberostgtpassing", Harmless),
    ("knownhostscommand", Unless("none")),
    // Without PermitLocalCommand it means nothing to ssh either.
    ("localcommand", Harmless),
    ("localforward", Missed),
    ("loglevel", Harmless),
    ("logverbose", Harmless),
    ("nohostauthenticationforlocalhost", Unless("no")),
    ("numberofpasswordprompts", Harmless),
    ("obscurekeystroketiming", Harmless),
    ("permitlocalcommand", Unless("no")),
    ("permitremoteopen", Harmless),
    ("pkcs11provider", Unless("none")),
    ("protocol", Harmless),
    ("proxyusefdpass", Unless("no")),
    ("refuseconnection", Missed),
    ("rekeylimit", Unless("default")),
    ("remotecommand", Unless("none")),
    ("remoteforward", Missed),
    ("requesttty", Harmless),
    ("requiredrsasize", Missed),
    ("rhostsauthentication", Harmless),
    ("rhostsrsaauthentication", Harmless),
    ("rsaauthentication", Harmless),
    ("securitykeyprovider", Harmless),
    ("sessiontype", Unless("default")),
    ("smartcarddevice", Unless("none")),
    ("stdinnull", Unless("no")),
    ("streamlocalbindmask", Harmless),
    ("streamlocalbindunlink", Harmless),
    ("syslogfacility", Harmless),
    ("tag", Missed),
    ("tcpkeepalive", Harmless),
    ("tunnel", Unless("no")),
    ("tunneldevice", Harmless),
    ("updatehostkeys", Harmless),
    ("useprivilegedport", Harmless),
    ("userknownhostsfile2", Harmless),
    ("useroaming", Harmless),
    ("usersh", Harmless),
    ("verifyhostkeydns", Unless("no")),
    ("versionaddendum", Harmless),
    ("visualhostkey", Harmless),
    ("warnweakcrypto", Harmless),
    ("xauthlocation", Harmless),
];

/// A keyword that is not followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfollowed {
    pub(super) keyword: &'static str,
    missed: Other,
}

impl Unfollowed {
    /// Of a keyword in lower case.
    pub(super) fn find(keyword: &str) -> Option<Self> {
        let at = OTHERS.binary_search_by_key(&keyword, |(name, _)| name).ok()?;
        let (keyword, missed) = OTHERS[at];
        Some(Self { keyword, missed })
    }

    /// With this value the connection is not as the keyword wants it.
    pub(super) fn is_missed(&self, value: &str) -> bool {
        match self.missed {
            Harmless => false,
            Missed => true,
            Unless("no") => !["no", "false"].iter().any(|no| value.eq_ignore_ascii_case(no)),
            Unless(fine) => !value.eq_ignore_ascii_case(fine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_found_and_missed_where_its_value_asks_for_something() {
        let is_missed = |keyword: &str, value: &str| Unfollowed::find(keyword).unwrap().is_missed(value);
        assert!(OTHERS.is_sorted_by_key(|(keyword, _)| keyword), "they are looked for by halves");
        assert!(Unfollowed::find("port").is_none());
        assert!(is_missed("bindaddress", "10.0.0.1") && !is_missed("loglevel", "DEBUG"));
        assert!(is_missed("forwardagent", "yes") && is_missed("forwardagent", "$SOCKET"));
        assert!(!is_missed("forwardagent", "No") && !is_missed("forwardagent", "false"));
        assert!(is_missed("addressfamily", "no") && !is_missed("addressfamily", "any"));
    }
}
