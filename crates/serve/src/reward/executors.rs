//! The executors that a server has, under their names, and which of them an item asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use tracelift_domain::Fingerprint;
use tracelift_executor::Executor;

/// The name of one that has no other.
pub const DEFAULT: &str = "default";

/// Frozen executors under their names, and those of which an item is appraised that names none.
pub struct Executors {
    all: Vec<Named>,
    usual: Readers,
}

/// An executor and its name.
pub(super) struct Named {
    pub name: Arc<str>,
    pub executor: Arc<dyn Executor>,
}

/// Executors by their places: those of which an item is appraised. There is at least one.
pub(super) type Readers = Arc<[usize]>;

/// Why executors cannot be had under these names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorsError {
    /// There is none.
    #[error("there is no executor")]
    Nobody,
    /// One that is asked for is not there.
    #[error("there is no executor {name:?}; there are: {known}")]
    Unknown {
        /// Its name.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// One is asked for twice, which would count it double.
    #[error("the executor {name:?} is named twice")]
    Twice {
        /// Its name.
        name: String,
    },
}

impl Executors {
    /// One alone.
    #[must_use]
    pub fn one(executor: Arc<dyn Executor>) -> Executors {
        Executors { all: vec![Named { name: DEFAULT.into(), executor }], usual: Arc::new([0]) }
    }

    /// Several, and those of which an item is appraised that names none.
    ///
    /// # Errors
    /// When one that is named is not there.
    pub fn several(
        all: Vec<(String, Arc<dyn Executor>)>,
        usual: &[String],
    ) -> Result<Executors, ExecutorsError> {
        let all: Vec<Named> =
            all.into_iter().map(|(name, executor)| Named { name: name.into(), executor }).collect();
        let names = Names::of(&all);
        let usual = names.readers(usual)?;
        Ok(Executors { all, usual })
    }

    pub(super) fn all(&self) -> &[Named] {
        &self.all
    }

    pub(super) fn names(&self) -> Names {
        Names { usual: Some(Arc::clone(&self.usual)), ..Names::of(&self.all) }
    }
}

/// Names alone, for whoever reads requests.
#[derive(Clone, Debug)]
pub(super) struct Names {
    all: Vec<Arc<str>>,
    usual: Option<Readers>,
}

impl Names {
    fn of(all: &[Named]) -> Names {
        Names { all: all.iter().map(|named| Arc::clone(&named.name)).collect(), usual: None }
    }

    #[cfg(test)]
    pub fn alone() -> Names {
        Names { all: vec![DEFAULT.into()], usual: None }
    }

    /// Those of which an item is appraised that names none.
    pub fn usual(&self) -> Readers {
        self.usual.clone().unwrap_or_else(|| Arc::new([0]))
    }

    /// The executors with these names.
    pub fn readers<S: AsRef<str>>(&self, names: &[S]) -> Result<Readers, ExecutorsError> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let name = name.as_ref();
            let shown = || name.chars().take(60).collect::<String>();
            let place = self.all.iter().position(|known| &**known == name);
            let place =
                place.ok_or_else(|| ExecutorsError::Unknown { name: shown(), known: self.all.join(", ") })?;
            if found.contains(&place) {
                return Err(ExecutorsError::Twice { name: shown() });
            }
            found.push(place);
        }
        match found.is_empty() {
            true => Err(ExecutorsError::Nobody),
            false => Ok(found.into()),
        }
    }

    /// The name of one, where that says anything: one alone needs none.
    pub fn shown(&self, place: usize) -> Option<&str> {
        match self.all.len() {
            0 | 1 => None,
            _ => self.all.get(place).map(|name| &**name),
        }
    }
}

/// The fingerprint of those that are asked together: of one its own.
pub(super) fn together<'f>(of: impl IntoIterator<Item = &'f Fingerprint>) -> Fingerprint {
    let all: Vec<&Fingerprint> = of.into_iter().collect();
    match all[..] {
        [one] => one.clone(),
        _ => Fingerprint::of(all.into_iter().map(|one| ("executor", one.as_str().as_bytes()))),
    }
}

/// Something for each executor, by name.
pub(super) fn by_name<T>(all: &[Named], mut of: impl FnMut(&Named) -> T) -> BTreeMap<String, T> {
    all.iter().map(|named| (named.name.to_string(), of(named))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_named_once_each() {
        let names = Names { all: ["a", "b"].map(Arc::from).to_vec(), usual: None };
        assert_eq!(*names.readers(&["b", "a"]).unwrap(), [1, 0]);
        assert_eq!((names.shown(1), Names::alone().shown(0)), (Some("b"), None));
        let said = names.readers(&["c"]).unwrap_err().to_string();
        assert_eq!(said, "there is no executor \"c\"; there are: a, b");
        assert_eq!(names.readers(&["a", "a"]), Err(ExecutorsError::Twice { name: "a".into() }));
        assert_eq!(names.readers::<&str>(&[]), Err(ExecutorsError::Nobody));
    }

    #[test]
    fn one_has_its_own_fingerprint_and_several_have_one_together() {
        let [a, b] = ["a", "b"].map(Fingerprint::of_text);
        assert_eq!(together([&a]), a);
        assert!(together([&a, &b]) != a && together([&a, &b]) != together([&b, &a]));
    }
}
