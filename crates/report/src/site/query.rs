//! What stands behind the `?` of an address.

use std::fmt::Write;

/// Names with values, in their order; a name may come several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads it as browsers write it. What is no UTF-8 is replaced.
    pub fn read(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Query(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    pub fn of(pairs: &[(&str, &str)]) -> Query {
        Query(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The value of a name; what is empty is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with another value of a name; without it, where the value is empty.
    pub fn with(&self, name: &str, value: &str) -> Query {
        let mut pairs: Vec<(String, String)> =
            self.0.iter().filter(|(known, _)| known != name).cloned().collect();
        if !value.is_empty() {
            pairs.push((name.to_owned(), value.to_owned()));
        }
        Query(pairs)
    }

    /// As it stands in an address, behind a path.
    pub fn at(&self, path: &str) -> String {
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

fn encoded(text: &str) -> String {
    let mut written = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                written.push(byte.into())
            }
            // Writing to a string cannot fail.
            byte => {
                let _ = write!(written, "%{byte:02X}");
            }
        }
    }
    written
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut read, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = digits.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| {
            // A sign is no digit, though numbers may have one.
            digits
                .bytes()
                .all(|digit| digit.is_ascii_hexdigit())
                .then(|| u8::from_str_radix(digits, 16).ok())?
        });
        match (byte, bytes[at]) {
            (Some(byte), _) => {
                read.push(byte);
                at += 2;
            }
            (None, b'+') => read.push(b' '),
            (None, byte) => read.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_as_browsers_write_them() {
        let query = Query::read("run=a%2Fb+c&run=d&empty=&q=%C3%A4%zz%+1&flag");
        assert_eq!(query.all("run").collect::<Vec<_>>(), ["a/b c", "d"]);
        assert_eq!((query.get("empty"), query.get("flag"), query.get("q")), (None, None, Some("ä%zz% 1")));
        assert_eq!(query.with("run", "x").with("q", "").at("/run"), "/run?run=x");
        assert_eq!(Query::default().at("/"), "/");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-z]{1,5}", value in "\\PC{1,20}|[%&=+#?<\"\u{0}\u{202e}]{1,9}") {
            let address = Query::of(&[(&name, &value)]).at("/x");
            prop_assert!(address.is_ascii() && !address[3..].contains(['<', '"', '#', '?', ' ']));
            let query = Query::read(address.split_once('?').unwrap().1);
            prop_assert_eq!(query.get(&name), Some(value.as_str()));
        }

        #[test]
        fn anything_is_a_query(text in "\\PC{0,60}") {
            let query = Query::read(&text);
            prop_assert_eq!(Query::read(&query.at("")[query.at("").find('?').map_or(0, |at| at + 1)..]), query);
        }
    }
}
