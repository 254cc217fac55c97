//! Reading a configuration: a file, keys that the command line sets or replaces, and messages that say where a mistake is.
//!
//! A mistake is looked for where it was made. One in the file is shown with the file's own line, whatever the command line
//! sets besides; one that came by an argument is answered with that argument.

use super::renamed::Renamed;
use anyhow::{Context, Error, Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};
use tracelift_domain::{SettingError, spelling};
use tracelift_engine::Schedule;

/// A dotted key, the value that it gets, and the argument of the command line that says so.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub key: String,
    /// Nothing: the key is left out, where it stands.
    pub value: Option<Value>,
    pub argument: String,
}

/// An argument of `--set`. The value is read as TOML, and as a string where it is none.
pub(crate) fn assignment(text: &str) -> Result<Assignment> {
    let (key, value) = text.split_once('=').with_context(|| format!("--set {text}: expected KEY=VALUE"))?;
    let value = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    Ok(Assignment { key: key.to_owned(), value: Some(value), argument: format!("--set {text}") })
}

/// How messages call the place where a configuration comes from.
pub(crate) fn place(path: Option<&Path>) -> String {
    path.map_or_else(|| "the command line".to_owned(), |path| path.display().to_string())
}

/// Reads a file of any shape, if there is one, with keys set or replaced. Where a setting came from can be asked afterwards.
///
/// # Errors
/// Names the file and the line, or the argument, and the key; for a key that was renamed, its new name; for an unknown
/// key, the one that was probably meant; for a wrong value, those that there are.
pub(crate) fn read_as<T: DeserializeOwned>(
    path: Option<&Path>,
    set: &[Assignment],
    renamed: &[Renamed],
) -> Result<(T, Origin)> {
    let text = match path {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?
        }
        None => String::new(),
    };
    let origin = Origin { path: path.map(Path::to_owned), text, set: set.to_vec() };
    let broken = |error: toml::de::Error| anyhow!("{}: {}", place(path), error.to_string().trim_end());
    let mut table: Table = toml::from_str(&origin.text).map_err(broken)?;
    let written = DeTable::parse(&origin.text).map_err(broken)?;
    let given = Given { path, text: &origin.text, written: written.get_ref(), set };
    for assignment in set {
        assignment.apply(&mut table)?;
    }
    given.refuse_renamed(&table, renamed)?;
    let table = Value::Table(table);
    let read = serde_path_to_error::deserialize(table.clone()).map_err(|error| {
        let steps = steps(&error);
        let message =
            names_instead::<T>(&table, &steps).unwrap_or_else(|| error.inner().message().to_owned());
        given.mistake(&steps, &message)
    })?;
    drop(written);
    Ok((read, origin))
}

/// What a configuration was made of, for messages about settings that turn out to be wrong later on.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    path: Option<PathBuf>,
    text: String,
    set: Vec<Assignment>,
}

impl Origin {
    /// Where a setting stands: the argument that says it, or the line of the file; of one that nobody wrote, the line of the
    /// section that it would be in, or the file.
    pub(crate) fn of(&self, key: &str) -> String {
        let whole = place(self.path.as_deref());
        let Ok(written) = DeTable::parse(&self.text) else { return whole };
        let given = Given {
            path: self.path.as_deref(),
            text: &self.text,
            written: written.get_ref(),
            set: &self.set,
        };
        let steps = steps_of(key);
        (1..=steps.len())
            .rev()
            .find_map(|depth| {
                let steps = &steps[..depth];
                given.argument(&dotted(steps), steps).map(str::to_owned).or_else(|| {
                    let found = given.find(steps)?;
                    Some(format!("{whole}:{}", given.line_of(found.key.start)))
                })
            })
            .unwrap_or(whole)
    }

    /// Whether the file or an argument says a setting.
    pub(crate) fn says(&self, key: &str) -> bool {
        let steps = steps_of(key);
        let Ok(written) = DeTable::parse(&self.text) else { return false };
        let given = Given {
            path: self.path.as_deref(),
            text: &self.text,
            written: written.get_ref(),
            set: &self.set,
        };
        given.argument(key, &steps).is_some() || given.find(&steps).is_some()
    }

    /// What is wrong with a setting, and where it stands.
    pub(crate) fn refuse(&self, error: &SettingError) -> Error {
        anyhow!("{}: {error}", self.of(error.key()))
    }

    /// Holds a section's warm-up to come near its peak before the training ends. One that only does not end in time is said on
    /// standard error, so that a few steps can be tried of a configuration that was made for more; and so is one that nobody wrote.
    ///
    /// # Errors
    /// Names the warm-up that was written.
    pub(crate) fn require_warm_up(&self, section: &str, schedule: &Schedule) -> Result<()> {
        let Schedule { warmup, total, .. } = *schedule;
        let key = format!("{section}.warmup");
        if schedule.warms_up_in_time() {
            return Ok(());
        }
        // A tenth of the rate is what a few steps for a trial have of a schedule that was made for more; less is no rate that
        // anybody asked for.
        if self.says(&key) && warmup > total.saturating_mul(10) {
            let fault = format!(
                "is {warmup}, and the training has {total} steps: its rate would never come near `{section}.learning_rate`; make it \
                 less than the steps, or 0 for none"
            );
            return Err(self.refuse(&SettingError::new(key, fault)));
        }
        let by_default = if self.says(&key) { "" } else { " by default" };
        eprintln!(
            "warning: {} is {warmup}{by_default}, and there are {total} steps: the rate never comes to `{section}.learning_rate`",
            self.blame(&key)
        );
        Ok(())
    }

    /// What is to be said before an error that a setting led to: where it stands, and its key.
    pub(crate) fn blame(&self, key: &str) -> String {
        format!("{}: `{key}`", self.of(key))
    }
}

/// The steps of a dotted key, in which lists are counted: `seeds[1].limit`.
fn steps_of(key: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in key.split('.') {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        steps.push(Step::Key(name.to_owned()));
        let indices = indices.split(['[', ']']).filter_map(|index| index.parse().ok());
        steps.extend(indices.map(Step::Index));
    }
    steps
}

/// What is said of a name that nobody gave in place of a value that is no name. Of a value of the wrong type the
/// deserializer says which type would do; where names would, this says which ones. `None` where none would.
fn names_instead<T: DeserializeOwned>(table: &Value, steps: &[Step]) -> Option<String> {
    let mut table = table.clone();
    let mut place = &mut table;
    for step in steps {
        place = match step {
            Step::Key(key) => place.get_mut(key.as_str())?,
            Step::Index(index) => place.get_mut(*index)?,
        };
    }
    if place.is_str() || place.is_table() {
        return None;
    }
    let shown = place.to_string();
    *place = Value::String(NO_NAME.to_owned());
    let error = serde_path_to_error::deserialize::<_, T>(table).err()?;
    if dotted(&self::steps(&error)) != dotted(steps) {
        return None;
    }
    let expected = error.inner().message().strip_prefix(&format!("unknown variant `{NO_NAME}`, "))?;
    Some(format!("unknown variant `{shown}`, {expected}"))
}

/// No name that anything has.
const NO_NAME: &str = "\u{0}";

impl Assignment {
    fn apply(&self, table: &mut Table) -> Result<()> {
        let (parents, last) = self.key.rsplit_once('.').unwrap_or(("", &self.key));
        let mut place = table;
        for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
            let entry = place.entry(parent).or_insert_with(|| Value::Table(Table::new()));
            place =
                entry.as_table_mut().with_context(|| format!("{}: `{parent}` is no table", self.argument))?;
        }
        match &self.value {
            Some(value) => place.insert(last.to_owned(), value.clone()),
            None => place.remove(last),
        };
        Ok(())
    }

    /// Whether it says what stands at this key, or at one that this key is part of.
    fn decides(&self, key: &str) -> bool {
        key == self.key || key.strip_prefix(self.key.as_str()).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// All that a configuration was made of.
struct Given<'a> {
    path: Option<&'a Path>,
    text: &'a str,
    written: &'a DeTable<'a>,
    set: &'a [Assignment],
}

/// A step on the way from the top of a file to one of its values.
enum Step {
    Key(String),
    Index(usize),
}

/// Where in the file something stands.
#[derive(Clone)]
struct Found {
    key: Range<usize>,
    value: Range<usize>,
}

impl Given<'_> {
    fn refuse_renamed(&self, table: &Table, renamed: &[Renamed]) -> Result<()> {
        let mut told = Vec::new();
        for Renamed { old, new } in renamed {
            if !is_set(table, old) {
                continue;
            }
            let message = format!("`{old}` is now `{new}`");
            let steps: Vec<Step> = old.split('.').map(|key| Step::Key(key.to_owned())).collect();
            told.push(match self.argument(old, &steps) {
                Some(argument) => format!("{argument}: {message}"),
                None => match self.find(&steps) {
                    Some(found) => {
                        format!("{}:{}: {message}", place(self.path), self.line_of(found.key.start))
                    }
                    None => format!("{}: {message}", place(self.path)),
                },
            });
        }
        if told.is_empty() { Ok(()) } else { bail!("{}", told.join("\n")) }
    }

    /// A mistake at a place, in the deserializer's words.
    fn mistake(&self, steps: &[Step], said: &str) -> Error {
        let key = dotted(steps);
        let message = explained(&key, said);
        if let Some(argument) = self.argument(&key, steps) {
            return anyhow!("{argument}: {message}");
        }
        match self.find(steps).filter(|_| !steps.is_empty()) {
            Some(found) => {
                let at = if said.starts_with("unknown field") { found.key } else { found.value };
                anyhow!("{}: {}\n{message}", place(self.path), self.shown(at))
            }
            None => anyhow!("{}: {message}", place(self.path)),
        }
    }

    /// The argument by which a key has come: the last that decides it, or one that made it where the file has none.
    fn argument(&self, key: &str, steps: &[Step]) -> Option<&str> {
        let decided = self.set.iter().rev().find(|one| one.decides(key));
        let made = || {
            let below = |one: &&Assignment| {
                !key.is_empty() && one.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
            };
            self.set.iter().rev().find(below).filter(|_| self.find(steps).is_none())
        };
        decided.or_else(made).map(|one| one.argument.as_str())
    }

    fn find(&self, steps: &[Step]) -> Option<Found> {
        let (first, rest) = steps.split_first()?;
        let Step::Key(first) = first else { return None };
        let (key, mut value) = entry(self.written, first)?;
        let mut found = Found { key, value: value.span() };
        for step in rest {
            match (step, value.get_ref()) {
                (Step::Key(name), DeValue::Table(table)) => {
                    let (key, inner) = entry(table, name)?;
                    (found, value) = (Found { key, value: inner.span() }, inner);
                }
                (Step::Index(index), DeValue::Array(values)) => {
                    value = values.get(*index)?;
                    found = Found { key: value.span(), value: value.span() };
                }
                _ => return None,
            }
        }
        Some(found)
    }

    fn line_of(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    /// The line of the file, as the parser shows it.
    fn shown(&self, at: Range<usize>) -> String {
        let line = self.line_of(at.start);
        let start = self.text[..at.start].rfind('\n').map_or(0, |end| end + 1);
        let text = self.text[start..].lines().next().unwrap_or_default();
        let before = self.text[start..at.start].chars().count();
        let end = at.end.min(start + text.len()).max(at.start);
        let marked = self.text[at.start..end].chars().count().max(1);
        let margin = " ".repeat(line.to_string().len());
        format!(
            "TOML parse error at line {line}, column {}\n{margin} |\n{line} | {text}\n{margin} | {}{}",
            before + 1,
            " ".repeat(before),
            "^".repeat(marked)
        )
    }
}

fn entry<'t, 'd>(table: &'t DeTable<'d>, name: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'d>>)> {
    let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == name)?;
    Some((key.span(), value))
}

fn is_set(table: &Table, key: &str) -> bool {
    match key.split_once('.') {
        None => table.contains_key(key),
        Some((first, rest)) => {
            table.get(first).and_then(Value::as_table).is_some_and(|table| is_set(table, rest))
        }
    }
}

/// Where a mistake is.
fn steps(error: &serde_path_to_error::Error<toml::de::Error>) -> Vec<Step> {
    let mut steps = Vec::new();
    for segment in error.path() {
        match segment {
            Segment::Map { key } => steps.push(Step::Key(key.clone())),
            Segment::Seq { index } => steps.push(Step::Index(*index)),
            // What lies within a variant stands under its name, as a key of the file.
            Segment::Enum { variant } => steps.push(Step::Key(variant.clone())),
            Segment::Unknown => break,
        }
    }
    steps
}

fn dotted(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// The deserializer's message for people: with the key that was probably meant, or the values that there are.
fn explained(key: &str, message: &str) -> String {
    if message.starts_with("unknown field") {
        let mut quoted = message.split('`').skip(1).step_by(2);
        let near = quoted.next().and_then(|unknown| spelling::nearest(unknown, quoted));
        return match near {
            Some(near) => format!("{message}\nthe nearest known key is `{near}`"),
            None => message.to_owned(),
        };
    }
    if let Some((value, expected)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", "))
    {
        return format!("`{key}` is {value}, {expected}");
    }
    if key.is_empty() || message.starts_with("missing field") {
        return message.to_owned();
    }
    format!("`{key}`: {message}")
}

#[cfg(test)]
#[path = "reading/tests.rs"]
mod tests;
