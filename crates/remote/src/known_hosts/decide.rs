//! Whether to go on with a host, with all that the person has set and says.

use std::sync::Arc;
use std::time::SystemTime;

use russh::keys::PublicKeyOrCertificate;

use super::refusal::{Reason, fingerprint, kind};
use super::{CertificateFault, KnownHosts, Name, Refusal, Verdict};
use crate::ask::{Answers, Question};
use crate::config::StrictHostKeyChecking;
use crate::machine::Hop;

/// How a host was let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Its key has changed or is revoked, and StrictHostKeyChecking is off: nothing secret may be sent there.
    pub keys_only: bool,
    /// What a person should read: that a key was added, why a certificate was not taken, what is unsafe.
    pub notes: Vec<String>,
}

impl KnownHosts {
    /// Decides about the key that a host has shown, as StrictHostKeyChecking has it: asks the person, and writes down what is
    /// new. Connections that show an unknown key at the same time wait for each other, so that each key is asked for once, and
    /// none after the person has said `all`.
    ///
    /// # Errors
    /// When the connection must not go on.
    pub async fn admit(
        self: &Arc<Self>,
        hop: &Hop,
        shown: &PublicKeyOrCertificate,
        answers: &dyn Answers,
    ) -> Result<Admission, Refusal> {
        let (name, key) = (Name::of(hop), shown.public_key());
        // As with ssh, nothing overrules this file.
        if let Some(place) = self.revoked.as_ref().and_then(|revoked| revoked.find(shown)) {
            return Err(Refusal { name, key, reason: Reason::Revoked(place) });
        }
        let (mut verdict, fault) = self.verdict(&name, shown);
        let mut admission = Admission::default();
        if let Some(fault) = fault {
            admission.notes.push(format!("the certificate of {name} was not taken: {fault}"));
        }
        let strict = hop.settings.strict;
        let may_be_added = match strict {
            StrictHostKeyChecking::Yes => false,
            StrictHostKeyChecking::Ask => hop.settings.ask,
            StrictHostKeyChecking::AcceptNew | StrictHostKeyChecking::No => true,
        };
        let mut turn = None;
        if verdict == Verdict::Unknown && may_be_added {
            turn = Some(self.asking.lock().await);
            verdict = self.check(&name, &key);
        }
        let reason = match verdict {
            Verdict::Known(_) => return Ok(admission),
            Verdict::Unknown => Reason::Unknown,
            Verdict::Changed(others) => Reason::Changed(others),
            Verdict::Revoked(place) => Reason::Revoked(place),
        };
        let is_new = reason == Reason::Unknown;
        let refusal = Refusal { name, key, reason };
        if !is_new && strict == StrictHostKeyChecking::No {
            admission.keys_only = true;
            admission.notes.push(format!(
                "{refusal}\nStrictHostKeyChecking is off, so keys are shown there all the same"
            ));
            return Ok(admission);
        }
        let (true, Some(mut all_are_right)) = (is_new, turn) else { return Err(refusal) };
        if strict == StrictHostKeyChecking::Ask && !refusal.is_overruled(answers, &mut all_are_right).await {
            return Err(refusal);
        }
        admission.notes.push(self.note_down(&refusal, hop.settings.hash_known_hosts).await);
        Ok(admission)
    }

    fn verdict(&self, name: &Name, shown: &PublicKeyOrCertificate) -> (Verdict, Option<CertificateFault>) {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => (self.check(name, key), None),
            PublicKeyOrCertificate::Certificate(certificate) => {
                self.check_certificate(name, certificate, SystemTime::now())
            }
        }
    }

    /// Like ssh, a file that cannot be written ends no connection.
    async fn note_down(self: &Arc<Self>, new: &Refusal, hash: bool) -> String {
        let (known, name, key) = (self.clone(), new.name.clone(), new.key.clone());
        let written = tokio::task::spawn_blocking(move || known.remember(&name, &key, hash)).await;
        let Refusal { name, key, .. } = new;
        match written {
            Ok(Ok(())) => format!("the {} key of {name} is known from now on", kind(key)),
            Ok(Err(error)) => format!("the {} key of {name} was not added: {error}", kind(key)),
            Err(error) => format!("the {} key of {name} was not added: {error}", kind(key)),
        }
    }
}

impl Refusal {
    /// Whether the person says, or has said, that it is the right machine.
    async fn is_overruled(&self, answers: &dyn Answers, all_are_right: &mut bool) -> bool {
        if *all_are_right {
            return true;
        }
        let question = Question::NewKey {
            host: self.name.to_string(),
            kind: kind(&self.key),
            fingerprint: fingerprint(&self.key),
        };
        let answer = answers.ask(&question).await;
        let answer = answer.as_ref().map_or("", |answer| answer.expose().trim());
        *all_are_right = answer == "all";
        *all_are_right || answer == "yes"
    }
}
