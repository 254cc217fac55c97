//! Fingerprints: "frozen" is checked, not assumed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 over everything that decides how an executor (or any model) behaves: weights, tokenizer, prompt
/// style and sampling settings, or endpoint, model name and settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Hashes named parts. The order of the parts matters; their boundaries are part of the hash.
    pub fn of<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Fingerprint {
        let mut hash = Sha256::new();
        for (name, bytes) in parts {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        Fingerprint(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The first twelve hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_boundaries_count() {
        let joined = Fingerprint::of([("a", b"bc".as_slice())]);
        let split = Fingerprint::of([("ab", b"c".as_slice())]);
        assert_ne!(joined, split);
        assert_eq!(joined.as_str().len(), 64);
        assert_eq!(joined.short().len(), 12);
    }
}
