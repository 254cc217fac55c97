//! Markup: text that is safe inside HTML and SVG.

use std::fmt::{self, Write};

/// Displays a text so that no character of it is markup, in an element or a quoted attribute.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // HTML has no way to write these, and terminals would obey them: their pictures show what was there.
                c @ '\0'..'\x20' if !matches!(c, '\n' | '\t') => {
                    f.write_char(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{FFFD}'))?;
                }
                '\x7f' => f.write_char('\u{2421}')?,
                c if c.is_control() && !matches!(c, '\n' | '\t') => f.write_char('\u{FFFD}')?,
                // These would turn around what stands beside them: they are told by name.
                c if turns(c) => write!(f, "⟦U+{:04X}⟧", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether a character directs the order in which others are shown, without being seen itself.
fn turns(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            Escaped("<b a=\"x\" c='y'>&amp;</b>\u{0}\n").to_string(),
            "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;amp;&lt;/b&gt;\u{2400}\n"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let shown = Escaped("a\x1b[31mb\u{202E}c\x7f\u{85}\u{200F}d\te").to_string();
        assert_eq!(shown, "a\u{241B}[31mb⟦U+202E⟧c\u{2421}\u{FFFD}⟦U+200F⟧d\te");
    }
}
