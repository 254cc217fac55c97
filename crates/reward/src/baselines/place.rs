//! Where a store is.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A SQLite file, for the processes of one machine, or a database of a PostgreSQL server, for those of many.
///
/// It is read from text: `postgres://…` and `postgresql://…` are addresses, all else is a path.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// An address, which may hold a password.
    Postgres(String),
}

impl Place {
    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Place::File(path) => Some(path),
            Place::Postgres(_) => None,
        }
    }
}

impl From<String> for Place {
    fn from(text: String) -> Place {
        let address = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if address { Place::Postgres(text) } else { Place::File(text.into()) }
    }
}

impl From<&str> for Place {
    fn from(text: &str) -> Place {
        Place::from(text.to_owned())
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Place {
        Place::File(path.to_owned())
    }
}

impl From<Place> for String {
    fn from(place: Place) -> String {
        match place {
            Place::File(path) => path.to_string_lossy().into_owned(),
            Place::Postgres(address) => address,
        }
    }
}

/// Without what is secret in an address: all of its user and password, and its options.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(formatter),
            Place::Postgres(address) => {
                let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", ""));
                let shown = rest.split('?').next().unwrap_or_default();
                // A password may hold an `@` as it stands; a host may not.
                let shown = shown.rsplit_once('@').map_or(shown, |(_, host)| host);
                write!(formatter, "{scheme}://{shown}")
            }
        }
    }
}

/// As it is shown: settings are printed, and logged.
impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_no_path_and_shows_no_password() {
        for (text, shown) in [
            ("postgres://me:s3cret@db:5432/tracelift?sslmode=require", "postgres://db:5432/tracelift"),
            ("postgresql://me:s3c@ret@db/tracelift", "postgresql://db/tracelift"),
            ("postgres:///tracelift?host=/run/postgresql&password=s3cret", "postgres:///tracelift"),
            ("postgres.sqlite", "postgres.sqlite"),
            ("runs/baselines.sqlite", "runs/baselines.sqlite"),
        ] {
            let place = Place::from(text);
            assert_eq!(place.to_string(), shown);
            assert_eq!(format!("{place:?}"), shown);
            assert_eq!(place.file().is_some(), !text.contains("://"), "{text}");
            assert_eq!(String::from(place), text);
        }
    }
}
