//! What a consumer could not decode.

use serde::{Deserialize, Serialize};

use crate::ids::{Moment, Service};

/// Most bytes of an undecodable message that are kept.
pub const FIRST_BYTES_MAX: usize = 120;

/// A message that could not be decoded: put aside so that it holds nobody up, and shown among the dead letters.
/// It counts nowhere as an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The topic it was read from.
    pub topic: String,
    /// Its message id there, as `ledger:entry` or `ledger:entry:index`.
    pub message_id: String,
    /// Who could not read it.
    pub reader: Service,
    /// Why, beginning with "undecodable".
    pub reason: String,
    /// Its first bytes as text, whatever is not printable as `\xNN`.
    pub first_bytes: String,
    /// When it was met.
    pub at: Moment,
}

/// The first [`FIRST_BYTES_MAX`] bytes as text that can be shown anywhere: printable ASCII as it is, the rest escaped.
pub fn first_bytes(payload: &[u8]) -> String {
    let head = payload.get(..FIRST_BYTES_MAX).unwrap_or(payload);
    head.iter().fold(String::with_capacity(head.len()), |mut text, &byte| {
        if byte == b' ' || byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\x{byte:02x}"));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_can_be_shown_anywhere() {
        assert_eq!(first_bytes(b"{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(first_bytes(b"\x00\xffab\n"), "\\x00\\xffab\\x0a");
        assert_eq!(first_bytes(&[b'a'; 500]).len(), FIRST_BYTES_MAX);
    }
}
