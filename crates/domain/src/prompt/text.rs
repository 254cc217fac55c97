//! A text to go on from, with what of it was said by others.

use std::fmt;
use std::ops::Deref;

/// A prompt as one text. What others said of it (a problem's statement, a planner's trace) is text, whatever it looks like: in it
/// the control tokens of a model mean nothing. Two texts are the same that read the same.
#[derive(Clone, Debug, Eq)]
pub struct Text {
    written: String,
    said: Vec<String>,
}

impl Text {
    /// A text, and the parts of it that others said, wherever they stand in it.
    #[must_use]
    pub fn new(written: String, said: Vec<String>) -> Text {
        Text { written, said }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// What others said.
    #[must_use]
    pub fn said(&self) -> &[String] {
        &self.said
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.written == other.written
    }
}

/// All of it is the author's own.
impl From<String> for Text {
    fn from(written: String) -> Text {
        Text::new(written, Vec::new())
    }
}

impl From<&str> for Text {
    fn from(written: &str) -> Text {
        Text::from(written.to_owned())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.written
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.written
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
