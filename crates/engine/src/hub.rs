//! Models by name: `org/name` is looked up in the cache that the Hugging Face tools share.
//!
//! Nothing is downloaded here: a run must not depend on what a name stands for today. What is missing is named, with the
//! command that fetches it. The cache is read as its layout is documented (`models--org--name/{refs,snapshots}/…`), which
//! is little enough that no client library is needed for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Why a name leads to no model.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The cache has never heard of it.
    #[error(
        "`{name}` is neither a directory here nor a model in the Hugging Face cache ({cache}); fetch it with \
         `{command}`, or correct the path"
    )]
    Absent {
        /// As it was given.
        name: String,
        /// Where was looked.
        cache: PathBuf,
        /// What fetches it.
        command: String,
    },
    /// The cache has the model, but not this revision.
    #[error(
        "the Hugging Face cache has `{repository}`, but not its revision `{revision}`; fetch it with `{command}`"
    )]
    Revision {
        /// The model.
        repository: String,
        /// The revision.
        revision: String,
        /// What fetches it.
        command: String,
    },
    /// Files were not fetched, or not to the end.
    #[error(
        "the Hugging Face cache has `{repository}` without {missing} ({snapshot}); fetch the rest with `{command}`"
    )]
    Incomplete {
        /// The model.
        repository: String,
        /// What is not there.
        missing: String,
        /// Where it should be.
        snapshot: PathBuf,
        /// What fetches it.
        command: String,
    },
    /// Nobody says where the cache is.
    #[error(
        "`{0}` is no directory here, and without HF_HUB_CACHE, HF_HOME or HOME there is no Hugging Face cache to look into"
    )]
    NoCache(String),
}

/// A model on the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    /// `org/name`
    repository: String,
    revision: String,
}

impl Name {
    /// `org/name` or `org/name@revision`; nothing else is a name.
    fn parse(text: &str) -> Option<Name> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, "main"));
        let (owner, model) = repository.split_once('/')?;
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                && !word.contains("..")
                && word.len() <= 96
        };
        // A revision may be a branch of several words: `refs/pr/1`.
        let valid = word(owner) && word(model) && revision.split('/').all(word);
        valid.then(|| Name { repository: repository.to_owned(), revision: revision.to_owned() })
    }

    fn command(&self) -> String {
        match self.revision.as_str() {
            "main" => format!("hf download {}", self.repository),
            revision => format!("hf download {} --revision {revision}", self.repository),
        }
    }
}

/// The directory of a checkpoint: `reference` itself if there is such a path, or if it cannot be a name on the hub;
/// otherwise the snapshot of that name (`org/name`, `org/name@revision`) in the Hugging Face cache.
///
/// # Errors
/// Says what is missing and which command fetches it.
pub fn resolve(reference: &Path) -> Result<PathBuf, HubError> {
    resolve_in(reference, cache().as_deref())
}

/// Where the Hugging Face tools keep models: `HF_HUB_CACHE`, `$HF_HOME/hub`, `$XDG_CACHE_HOME/huggingface/hub` or
/// `~/.cache/huggingface/hub`.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    of("HF_HUB_CACHE")
        .or_else(|| of("HUGGINGFACE_HUB_CACHE"))
        .or_else(|| of("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| of("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
        .or_else(|| of("HOME").map(|home| home.join(".cache/huggingface/hub")))
}

fn resolve_in(reference: &Path, cache: Option<&Path>) -> Result<PathBuf, HubError> {
    let name = reference.to_str().filter(|_| !reference.exists()).and_then(Name::parse);
    let Some(name) = name else { return Ok(reference.to_owned()) };
    let given = || reference.display().to_string();
    let cache = cache.ok_or_else(|| HubError::NoCache(given()))?;
    let command = name.command();
    let folder = cache.join(format!("models--{}", name.repository.replace('/', "--")));
    if !folder.is_dir() {
        return Err(HubError::Absent { name: given(), cache: cache.to_owned(), command });
    }
    let Name { repository, revision } = name;
    // A revision is a branch or a tag, which a file translates, or a commit, which is a folder.
    let commit = fs::read_to_string(folder.join("refs").join(&revision));
    let commit = commit.map_or_else(|_| revision.clone(), |commit| commit.trim().to_owned());
    let snapshot = folder.join("snapshots").join(&commit);
    if commit.contains(['/', '\\']) || !snapshot.is_dir() {
        return Err(HubError::Revision { repository, revision, command });
    }
    match missing(&snapshot) {
        missing if missing.is_empty() => Ok(snapshot),
        missing => Err(HubError::Incomplete { repository, missing: missing.join(", "), snapshot, command }),
    }
}

/// The files without which a snapshot is neither a model nor an adapter. What is being fetched is a link to nowhere yet.
fn missing(snapshot: &Path) -> Vec<String> {
    let absent = |name: &&str| !snapshot.join(name).exists();
    if snapshot.join("adapter_config.json").exists() {
        return ["adapter_model.safetensors"]
            .iter()
            .filter(|name| absent(name))
            .map(|name| (*name).to_owned())
            .collect();
    }
    let mut needed: Vec<String> = ["config.json", "tokenizer.json"].map(str::to_owned).into();
    let index = fs::read_to_string(snapshot.join("model.safetensors.index.json")).ok();
    let index: Option<serde_json::Value> = index.and_then(|text| serde_json::from_str(&text).ok());
    match index.as_ref().and_then(|index| index.get("weight_map")?.as_object()) {
        None => needed.push("model.safetensors".to_owned()),
        Some(map) => {
            let mut shards: Vec<String> =
                map.values().filter_map(|file| Some(file.as_str()?.to_owned())).collect();
            shards.sort_unstable();
            shards.dedup();
            needed.extend(shards);
        }
    }
    needed.retain(|name| absent(&name.as_str()));
    if holds_another_format(snapshot) { Vec::new() } else { needed }
}

/// Whether there are weights that are none of these: no command fetches what was never uploaded, and whoever reads the directory
/// says what to do with them.
fn holds_another_format(snapshot: &Path) -> bool {
    let entries = fs::read_dir(snapshot).into_iter().flatten().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let ends = |end: &str| names.iter().any(|name| name.ends_with(end));
    !ends(".safetensors") && !ends(".index.json") && (ends(".gguf") || ends(".bin") || ends(".pth"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn cache_with(files: &[&str]) -> tempfile::TempDir {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("models--org--name");
        fs::create_dir_all(folder.join("refs/pr")).unwrap();
        fs::write(folder.join("refs/main"), format!("{COMMIT}\n")).unwrap();
        fs::write(folder.join("refs/pr/1"), COMMIT).unwrap();
        let snapshot = folder.join("snapshots").join(COMMIT);
        fs::create_dir_all(&snapshot).unwrap();
        for file in files {
            let text = if file.ends_with("index.json") {
                r#"{"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors", "c": "model-1.safetensors"}}"#
            } else {
                "{}"
            };
            fs::write(snapshot.join(file), text).unwrap();
        }
        scratch
    }

    fn find(name: &str, cache: &Path) -> Result<PathBuf, String> {
        resolve_in(Path::new(name), Some(cache)).map_err(|error| error.to_string())
    }

    #[test]
    fn names_lead_to_snapshots() {
        let cache = cache_with(&["config.json", "tokenizer.json", "model.safetensors"]);
        let snapshot = cache.path().join("models--org--name/snapshots").join(COMMIT);
        for name in ["org/name", "org/name@main", "org/name@pr/1", &format!("org/name@{COMMIT}")] {
            assert_eq!(find(name, cache.path()).unwrap(), snapshot, "{name}");
        }
        let adapter = cache_with(&["adapter_config.json", "adapter_model.safetensors"]);
        assert!(find("org/name", adapter.path()).is_ok());
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_that_fetches_it() {
        let cache = cache_with(&["config.json", "model.safetensors.index.json", "model-2.safetensors"]);
        for (name, parts) in [
            ("other/name", ["neither a directory here", "`hf download other/name`"]),
            ("org/name@v2", ["not its revision `v2`", "`hf download org/name --revision v2`"]),
            ("org/name", ["without tokenizer.json, model-1.safetensors", "`hf download org/name`"]),
        ] {
            let message = find(name, cache.path()).unwrap_err();
            assert!(parts.iter().all(|part| message.contains(part)), "{name}: {message}");
        }
        assert!(resolve_in(Path::new("org/name"), None).unwrap_err().to_string().contains("HF_HUB_CACHE"));
    }

    #[test]
    fn a_path_stays_a_path() {
        let cache = cache_with(&[]);
        let here = cache.path().to_str().unwrap().to_owned();
        for path in [
            here.as_str(),
            "nowhere",
            "./org/name",
            "/org/name",
            "../name",
            "a/b/c",
            "~/name",
            "org/",
            "@x/y",
        ] {
            assert_eq!(find(path, cache.path()).unwrap(), Path::new(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leads_out_of_the_cache(name in "[a-zA-Z0-9._@/\\\\-]{0,24}") {
            let cache = cache_with(&["config.json", "tokenizer.json", "model.safetensors"]);
            if let Ok(found) = find(&name, cache.path()) {
                prop_assert!(found == Path::new(&name) || found.starts_with(cache.path()));
                prop_assert!(!found.starts_with(cache.path()) || !found.to_string_lossy().contains(".."));
            }
        }
    }
}
