//! The optional API key.

use axum::http::{HeaderMap, header};
use std::fmt;
use subtle::ConstantTimeEq;

/// A key that callers must send as `Authorization: Bearer KEY`. It is never printed.
#[derive(Clone)]
pub struct ApiKey(String);

/// Why a text cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an API key consists of visible ASCII characters and is not empty")]
pub struct NoKey;

impl ApiKey {
    /// A key of visible ASCII characters.
    ///
    /// # Errors
    /// When it is empty or has other characters, which a header cannot carry.
    pub fn new(key: &str) -> Result<ApiKey, NoKey> {
        let key = key.trim();
        let visible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        if visible { Ok(ApiKey(key.to_owned())) } else { Err(NoKey) }
    }

    /// Whether a request carries the key. How long this takes depends on the length of what was sent, not on how much of
    /// it is right.
    #[must_use]
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        let Some((scheme, key)) = sent.and_then(|sent| sent.split_at_checked("Bearer ".len())) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(key.trim_ascii().ct_eq(self.0.as_bytes()))
    }

    /// Whether a text is the key; how long this takes depends on its length alone.
    pub(crate) fn is(&self, text: &str) -> bool {
        bool::from(text.as_bytes().ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn admits_the_key_alone() {
        let key = ApiKey::new("s3cret\n").unwrap();
        assert!(key.admits(&headers("Bearer s3cret")) && key.admits(&headers("bearer s3cret")));
        for wrong in ["Bearer s3cre", "Bearer s3cretx", "Bearer ", "Basic s3cret", "s3cret", "Bearer"] {
            assert!(!key.admits(&headers(wrong)), "{wrong}");
        }
        assert!(!key.admits(&HeaderMap::new()));
        assert!(!format!("{key:?}").contains("s3cret"));
    }

    #[test]
    fn a_key_is_visible() {
        for wrong in ["", "  ", "a b", "naïve"] {
            assert!(ApiKey::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
