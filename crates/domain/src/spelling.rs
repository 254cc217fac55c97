//! What somebody who wrote a wrong name probably meant.

/// The known name that a wrong one is likely a slip of: at most one edit (a letter more, less, other, or two that changed
/// places) for every three letters, capitals and the sort of dash aside. `None` where nothing is that near: a guess at any
/// distance misleads.
#[must_use]
pub fn nearest<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let near = |name: &&str| {
        let name = plain(name);
        let edits = strsim::osa_distance(&wrong, &name);
        let letters = wrong.chars().count().max(name.chars().count());
        (3 * edits <= letters.max(3)).then_some(edits)
    };
    known
        .into_iter()
        .filter_map(|name| Some((near(&name)?, name)))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_and_other_words_are_not() {
        let known = ["group", "groups_file", "steps", "learning_rate", "model", "columns", "top_p"];
        for (wrong, meant) in [
            ("groups", Some("group")),
            ("step", Some("steps")),
            ("modle", Some("model")),
            ("Learning-Rate", Some("learning_rate")),
            ("learnign_rat", Some("learning_rate")),
            ("problems", None),
            ("temperature", None),
            ("lr", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known), meant, "{wrong}");
        }
    }
}
