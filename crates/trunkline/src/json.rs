//! JSON for those who may look at it on a terminal, whoever wrote the texts in it.

use net::untrusted::escape_json;
use serde::Serialize;

/// One line, without its end, in which nothing steers a terminal.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|json| escape_json(&json))
}
