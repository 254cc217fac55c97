//! Fingerprints: "frozen" is checked, not assumed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// SHA-256 over everything that decides how an executor (or any model) behaves: weights, tokenizer, prompt
/// style and sampling settings, or endpoint, model name and settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Hashes named parts. The order of the parts matters; their boundaries are part of the hash.
    pub fn of<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Fingerprint {
        let mut all = Parts::default();
        parts.into_iter().for_each(|(name, bytes)| all.add(name, bytes));
        all.fingerprint()
    }

    /// Plain SHA-256 of a text in UTF-8, so that anybody can compare it with a text that he has.
    #[must_use]
    pub fn of_text(text: &str) -> Fingerprint {
        Fingerprint::of_bytes(text.as_bytes())
    }

    /// Plain SHA-256 of bytes: what `sha256sum` prints of a file with them.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Fingerprint {
        Fingerprint::told(Sha256::new_with_prefix(bytes))
    }

    fn told(hash: Sha256) -> Fingerprint {
        Fingerprint(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Plain SHA-256 of bytes that are nowhere in one piece, such as a file's: what `sha256sum` prints.
    pub fn of_pieces<E>(give: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), E>) -> Result<Fingerprint, E> {
        let mut hash = Sha256::new();
        give(&mut |piece| hash.update(piece))?;
        Ok(Fingerprint::told(hash))
    }

    /// A fingerprint as [`Fingerprint::as_str`] writes it: 64 hexadecimal digits in small letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Fingerprint> {
        let digits = text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| Fingerprint(text.to_owned()))
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

/// [`Fingerprint::of`] for parts that are nowhere in one piece.
#[derive(Default)]
pub struct Parts(Sha256);

impl Parts {
    /// The next part.
    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        self.add_in_pieces(name, bytes.len() as u64, |add| add(bytes));
    }

    /// The next part, `length` bytes of which `give` hands over one piece after another.
    pub fn add_in_pieces(&mut self, name: &str, length: u64, give: impl FnOnce(&mut dyn FnMut(&[u8]))) {
        self.0.update((name.len() as u64).to_le_bytes());
        self.0.update(name.as_bytes());
        self.0.update(length.to_le_bytes());
        give(&mut |piece| self.0.update(piece));
    }

    /// The hash of them all.
    #[must_use]
    pub fn fingerprint(self) -> Fingerprint {
        Fingerprint(self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// JSON with sorted keys, whatever order the map type keeps.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, String> =
                map.iter().map(|(key, value)| (key, canonical(value))).collect();
            let fields: Vec<String> =
                sorted.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_hash_that_every_tool_gives_it() {
        assert_eq!(
            Fingerprint::of_text("abc").as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn part_boundaries_count() {
        let joined = Fingerprint::of([("a", b"bc".as_slice())]);
        let split = Fingerprint::of([("ab", b"c".as_slice())]);
        assert_ne!(joined, split);
        assert_eq!(joined.as_str().len(), 64);
        assert_eq!(joined.short().len(), 12);
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value: Value = serde_json::from_str(r#"{"b":[{"d":1,"c":"x\"y"}],"a":null}"#).unwrap();
        assert_eq!(canonical(&value), r#"{"a":null,"b":[{"c":"x\"y","d":1}]}"#);
    }

    /// Run folders, baselines and tables hold fingerprints: one that moved would make strangers of all of them.
    #[test]
    fn a_fingerprint_of_settings_is_the_same_in_every_release() {
        let settings = json!({ "b": [1, 0.5, null], "a": { "d": "x", "c": true } });
        let print = Fingerprint::of([("settings", canonical(&settings).as_bytes())]);
        assert_eq!(print.as_str(), "195cb11b443968ed8ce3798497be20114bf66d22b4dc23a328f2220bd675ba88");
    }
}
