//! What servers say of themselves, made fit for an error: no longer than a person reads.

use std::sync::{Arc, Mutex, PoisonError};

use russh::ChannelOpenFailure;

/// Characters of a server's own words, or of russh's about it, in one error. A packet has room for 256 KiB of them, and a
/// list of algorithms for thousands of names.
const MAX_WORDS: usize = 500;

/// Why a connection ended, once it has.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<Option<String>>>);

impl LastWords {
    pub(super) fn hear(&self, words: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }

    /// Nothing, when it ended by our own wish.
    pub(super) fn heard(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn tell(&self) -> String {
        self.heard().unwrap_or_else(|| "the connection is closed".to_owned())
    }
}

/// At most [`MAX_WORDS`] of a text.
pub(crate) fn capped(text: &str) -> String {
    match text.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Why a channel was not opened (RFC 4254 section 5.1).
pub(super) fn not_opened(reason: &ChannelOpenFailure) -> String {
    let words = match reason {
        ChannelOpenFailure::AdministrativelyProhibited => "that is not allowed there",
        ChannelOpenFailure::ConnectFailed => "the connection failed",
        ChannelOpenFailure::UnknownChannelType => "it does not know how",
        ChannelOpenFailure::ResourceShortage => "it has no room for one more",
        ChannelOpenFailure::Other { .. } => "it does not say why",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_words_as_much_as_a_person_reads_is_kept() {
        assert_eq!(capped("short"), "short");
        assert_eq!(capped(&"师".repeat(100_000)), format!("{}...", "师".repeat(MAX_WORDS)));
    }
}
