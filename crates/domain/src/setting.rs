//! Settings that cannot be used, and which ones they are.

use std::fmt;

/// A setting that cannot be used. Its key is counted from the section that was checked; whoever has that section puts its own
/// name before ([`SettingError::under`]), so that whoever has read the file can tell where the setting stands in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`{}{fault}", if fault.starts_with(':') { "" } else { " " })]
pub struct SettingError {
    key: String,
    fault: String,
}

impl SettingError {
    /// What is wrong with the setting, as a sentence that begins with its key ("is empty; name at least one"), or as what
    /// follows it and a colon.
    #[must_use]
    pub fn new(key: impl Into<String>, fault: impl Into<String>) -> SettingError {
        SettingError { key: key.into(), fault: fault.into() }
    }

    /// A value in place of one that would do.
    #[must_use]
    pub fn value(key: impl Into<String>, value: impl fmt::Display, expected: &str) -> SettingError {
        SettingError::new(key, format!("is {value}, expected {expected}"))
    }

    /// The same setting, seen from the section above.
    #[must_use]
    pub fn under(self, section: &str) -> SettingError {
        SettingError { key: format!("{section}.{}", self.key), ..self }
    }

    /// The same setting, where what is checked is part of the section and not one in it: `sampling.top_p` is `top_p`.
    #[must_use]
    pub fn without(mut self, section: &str) -> SettingError {
        if let Some(rest) = self.key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) {
            self.key = rest.to_owned();
        }
        self
    }

    /// The same fault of a setting that goes by another name.
    #[must_use]
    pub fn renamed(self, key: &str) -> SettingError {
        SettingError { key: key.to_owned(), ..self }
    }

    /// Which setting: its dotted key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The first setting of several that is not in order: key, whether it is, its value, what would do.
    ///
    /// # Errors
    /// That setting.
    pub fn first<K: Into<String>, E: AsRef<str>>(
        checks: impl IntoIterator<Item = (K, bool, String, E)>,
    ) -> Result<(), SettingError> {
        match checks.into_iter().find(|(_, fine, ..)| !fine) {
            None => Ok(()),
            Some((key, _, value, expected)) => Err(SettingError::value(key, value, expected.as_ref())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_counted_from_the_section_that_is_asked() {
        let error = SettingError::value("top_p", 2, "at most 1").under("sampling");
        assert_eq!(error.to_string(), "`sampling.top_p` is 2, expected at most 1");
        assert_eq!(error.clone().under("executor").key(), "executor.sampling.top_p");
        assert_eq!(error.clone().without("sampling").key(), "top_p");
        assert_eq!(error.clone().without("samp"), error);
    }

    #[test]
    fn the_first_setting_that_is_not_in_order_is_told() {
        let check = |key, value: u8| (key, value > 0, value.to_string(), "at least 1");
        assert_eq!(SettingError::first([check("a", 1)]), Ok(()));
        let error = SettingError::first([check("a", 1), check("b", 0), check("c", 0)]).unwrap_err();
        assert_eq!(error.to_string(), "`b` is 0, expected at least 1");
    }
}
