//! Whether a certificate from a trusted authority is valid for a host (OpenSSH's PROTOCOL.certkeys).

use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg};
use thiserror::Error;

/// Why a certificate is not taken although its authority is trusted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CertificateFault {
    /// It lets a person in; it does not prove what a host is.
    #[error("it is the certificate of a user, not of a host")]
    Kind,
    /// Its time has not come, or this machine's clock is slow.
    #[error("it is not valid yet: check the clock of this machine")]
    NotYet,
    /// Its time is over.
    #[error("it has expired: have the host's certificate renewed")]
    Expired,
    /// It is for other hosts.
    #[error("it is for {}, not for {wanted}", principals.join(", "))]
    Principal {
        /// Whom it is for.
        principals: Vec<String>,
        /// This host.
        wanted: String,
    },
    /// It has conditions that are not understood here.
    #[error("it has the critical option {0}, which is not known here")]
    Critical(String),
    /// It is signed by an RSA key with SHA-1.
    #[error("it is signed with SHA-1, which can be forged: have it signed anew with rsa-sha2-512")]
    Sha1,
    /// The authority did not sign this.
    #[error("its signature is wrong")]
    Signature,
}

/// A certificate without principals is for every host.
pub(super) fn check(certificate: &Certificate, host: &str, now: SystemTime) -> Result<(), CertificateFault> {
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let principals = certificate.valid_principals();
    if certificate.cert_type() != CertType::Host {
        return Err(CertificateFault::Kind);
    }
    if now < certificate.valid_after() {
        return Err(CertificateFault::NotYet);
    }
    if now >= certificate.valid_before() {
        return Err(CertificateFault::Expired);
    }
    if !principals.is_empty() && !principals.iter().any(|principal| principal == host) {
        return Err(CertificateFault::Principal { principals: principals.to_vec(), wanted: host.to_owned() });
    }
    if let Some((option, _)) = certificate.critical_options().iter().next() {
        return Err(CertificateFault::Critical(option.clone()));
    }
    if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None }) {
        return Err(CertificateFault::Sha1);
    }
    let authority = certificate.signature_key().fingerprint(HashAlg::Sha256);
    certificate.validate_at(now, [&authority]).map_err(|_| CertificateFault::Signature)
}
