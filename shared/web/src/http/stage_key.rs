//! The key by which the shop recognises the stage's orders: a crowd has no limit, even from another machine or
//! container. Shop and stage share it in their data folder.

use std::path::Path;

use axum::http::HeaderMap;
use subtle::ConstantTimeEq as _;

use crate::http::{cookies::kept_or_made, presenter::bearer};

const FILE: &str = "stage-key";
const LETTERS: usize = 32;

/// The key, sent as a bearer token.
#[derive(Clone)]
pub struct StageKey(String);

impl StageKey {
    /// The key in this folder, created by the first process that asks.
    pub fn kept_in(data_dir: &Path) -> anyhow::Result<Self> {
        Ok(StageKey(kept_or_made(&data_dir.join(FILE), LETTERS)?))
    }

    /// The value of the `Authorization` header.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }

    pub fn is_sent(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|key| key.as_bytes().ct_eq(self.0.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[test]
    fn only_the_key_itself_is_taken_for_it() {
        let key = StageKey("k3y".to_owned());
        let sent = |value: &str| {
            key.is_sent(&HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())]))
        };
        assert!(sent(&key.authorization()));
        for wrong in ["Bearer k3", "Bearer k3y2", "Bearer ", "k3y", "Basic k3y"] {
            assert!(!sent(wrong), "{wrong}");
        }
        assert!(!key.is_sent(&HeaderMap::new()));
    }
}
