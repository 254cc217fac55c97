//! Whether a run that is in a folder is the one that is to be gone on with.

use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Table;
use tracelift_train::run::{RunDescription, RunLayout};

/// How a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// As it was begun.
    Same,
    /// With more steps than the number it was begun with.
    Prolonged {
        /// That number.
        from: u64,
    },
}

/// What may be otherwise in another attempt at the same run.
#[derive(Clone, Copy, Debug)]
pub struct Freedom {
    /// Settings that decide nothing of what training does, or name something that has a fingerprint.
    pub may_differ: &'static [&'static str],
    /// The one setting that may grow, if any may.
    pub grows: Option<&'static str>,
}

/// Refuses to go on with a run that was begun as another one: its two halves would not belong together.
///
/// # Errors
/// Names what is otherwise.
pub fn check(
    out: &Path,
    wanted: &RunDescription,
    config_text: &str,
    freedom: Freedom,
) -> Result<Continuation> {
    let layout = RunLayout::of(out);
    let (found, path) = (layout.read_comparable()?, layout.config());
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let before = settings(&text).with_context(|| format!("failed to read {}", path.display()))?;
    let now = settings(config_text)?;
    let steps = |settings: &BTreeMap<String, toml::Value>| settings.get(freedom.grows?)?.as_integer();
    let prolonged = steps(&before).zip(steps(&now)).filter(|(before, now)| before < now);
    let mut changes: Vec<String> = Vec::new();
    if found.kind != wanted.kind {
        changes.push(format!("purpose (`{}`)", found.kind));
    }
    for key in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
        let may_differ = freedom
            .may_differ
            .iter()
            .any(|part| key.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')));
        let grows = freedom.grows == Some(key) && prolonged.is_some();
        if !may_differ && !grows && before.get(key) != now.get(key) {
            let value = before.get(key).map_or_else(|| "not set".to_owned(), ToString::to_string);
            changes.push(format!("`{key}` ({value})"));
        }
    }
    if found.seed != wanted.seed && !before.contains_key("seed") {
        changes.push("seed".to_owned());
    }
    let differs = |name: &&String| found.fingerprints.get(*name) != wanted.fingerprints.get(*name);
    changes.extend(wanted.fingerprints.keys().filter(differs).map(|name| name.replace('_', " ")));
    ensure!(
        changes.is_empty(),
        "{} holds a run with other {}; go on with its own configuration, {}, or choose another `out`",
        out.display(),
        changes.join(", "),
        path.display()
    );
    match prolonged {
        Some((from, _)) => Ok(Continuation::Prolonged { from: u64::try_from(from)? }),
        None => Ok(Continuation::Same),
    }
}

/// The values of a configuration by their dotted keys.
fn settings(text: &str) -> Result<BTreeMap<String, toml::Value>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<(String, toml::Value)> = text.parse::<Table>()?.into_iter().collect();
    while let Some((key, value)) = open.pop() {
        match value {
            toml::Value::Table(table) => {
                open.extend(table.into_iter().map(|(inner, value)| (format!("{key}.{inner}"), value)));
            }
            value => {
                found.insert(key, value);
            }
        }
    }
    Ok(found)
}
