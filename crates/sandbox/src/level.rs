//! How strongly programs are kept apart from the machine.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A level of isolation; a higher one includes what the lower ones do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Level {
    /// Resource limits only. Model-written code then runs with the rights of this process.
    L0,
    /// Resource limits, a system call filter, and a user of its own where the runner is root.
    L1,
    /// [`Level::L1`] and Landlock: no file outside the work folder can be written, few can be read, no TCP.
    L2,
    /// [`Level::L2`] in namespaces of its own: users, processes, mounts, network, IPC.
    L3,
}

impl Level {
    /// All levels, the strongest first.
    pub const STRONGEST_FIRST: [Self; 4] = [Self::L3, Self::L2, Self::L1, Self::L0];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L0 => "L0",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
        })
    }
}

/// A text that names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no sandbox level: use L0, L1, L2 or L3")]
pub struct UnknownLevel(String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let same = |level: &Self| level.to_string().eq_ignore_ascii_case(text.trim());
        Self::STRONGEST_FIRST.into_iter().find(same).ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_read_back() {
        assert!(Level::L3 > Level::L2 && Level::L2 > Level::L1 && Level::L1 > Level::L0);
        for level in Level::STRONGEST_FIRST {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert_eq!("l2".parse(), Ok(Level::L2));
        assert!("L4".parse::<Level>().is_err());
    }
}
