//! What a path holds where a checkpoint was asked for. People give what they have: a GGUF file, an adapter, a run's folder,
//! weights in another format. Each is told what it is and what to do next.

use super::files::{FileError, read_json};
use super::{CheckpointError, INDEX, SINGLE};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Whether the directory holds a model in the Hugging Face layout.
///
/// # Errors
/// Says what is there instead, and the next step.
pub fn require_model(dir: &Path) -> Result<(), CheckpointError> {
    let refuse =
        |what: String, next: String| Err(CheckpointError::Place { path: dir.to_owned(), what, next });
    if !dir.exists() {
        let next = "correct the path, or name a model of the Hugging Face cache as `org/name`".to_owned();
        return refuse("does not exist".to_owned(), next);
    }
    if !dir.is_dir() {
        let (what, next) = file(dir);
        return refuse(what, next);
    }
    let has = |name: &str| dir.join(name).exists();
    let names = names(dir)?;
    let of_kind = |ends: &str| names.iter().find(|name| name.ends_with(ends)).cloned();
    if !has("config.json") {
        if has("adapter_config.json") {
            return refuse("holds an adapter, not a model".to_owned(), merge(dir)?);
        }
        if let Some(gguf) = of_kind(".gguf") {
            let (what, next) = gguf_file();
            return refuse(format!("holds `{gguf}`, which {what}"), next);
        }
        let inner = names.iter().find(|name| dir.join(name).join("config.json").exists());
        let next = match inner {
            Some(inner) => format!("there is a model in {}", dir.join(inner).display()),
            None => "name the directory in which config.json and the weights are".to_owned(),
        };
        return refuse("holds no config.json".to_owned(), next);
    }
    let pointers = names.iter().find(|name| {
        let read =
            name.ends_with(".safetensors") || matches!(name.as_str(), "config.json" | "tokenizer.json");
        read && is_pointer(&dir.join(name))
    });
    if let Some(pointer) = pointers {
        return refuse(
            format!("holds in place of `{pointer}` what Git LFS points to it with"),
            "fetch the files themselves: `git lfs pull` there, or `hf download` of the whole model"
                .to_owned(),
        );
    }
    if !has(SINGLE) && !has(INDEX) {
        if has("adapter_config.json") {
            return refuse("holds an adapter and no weights of a model".to_owned(), merge(dir)?);
        }
        if let Some(gguf) = of_kind(".gguf") {
            let (what, next) = gguf_file();
            return refuse(format!("holds no {SINGLE}, and `{gguf}` {what}"), next);
        }
        let pickled = names.iter().find(|name| {
            let [bin, pt, pth] = [".bin", ".pt", ".pth"].map(|end| name.ends_with(end));
            bin || pt || pth
        });
        if let Some(pickled) = pickled {
            return refuse(
                format!("holds its weights as `{pickled}`, which can run code when it is read"),
                resave(dir),
            );
        }
        return refuse(
            format!("holds no {SINGLE} and no {INDEX}"),
            "fetch the weights as well; `hf download` of the whole model does".to_owned(),
        );
    }
    Ok(())
}

/// Whether the directory holds a `tokenizer.json`.
///
/// # Errors
/// Says what is there instead, and the next step.
pub fn require_tokenizer(dir: &Path) -> Result<(), CheckpointError> {
    if dir.join("tokenizer.json").exists() {
        return Ok(());
    }
    let slow = ["tokenizer.model", "vocab.json", "vocab.txt", "spiece.model"];
    let (what, next) = match slow.into_iter().find(|name| dir.join(name).exists()) {
        Some(slow) => (
            format!("holds its tokenizer as `{slow}` only"),
            format!(
                "convert it: python -c \"from transformers import AutoTokenizer as A; A.from_pretrained('{0}').save_pretrained('{0}')\"",
                dir.display()
            ),
        ),
        None => {
            ("holds no tokenizer.json".to_owned(), "put the tokenizer of the model's family there".to_owned())
        }
    };
    Err(CheckpointError::Place { path: dir.to_owned(), what, next })
}

/// Whether a file is a few lines of Git LFS that say which file should be there.
fn is_pointer(path: &Path) -> bool {
    const BEGINNING: &[u8] = b"version https://git-lfs.github.com/spec/";
    let mut start = [0; BEGINNING.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == BEGINNING
}

/// What a file is that stands where a directory should.
fn file(path: &Path) -> (String, String) {
    let mut magic = [0; 4];
    let gguf = File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && &magic == b"GGUF";
    let ends = |end: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    if gguf || ends("gguf") {
        return gguf_file();
    }
    let parent = path.parent().filter(|parent| parent.join("config.json").exists());
    let next = match parent {
        Some(parent) => format!("name the directory instead: {}", parent.display()),
        None => "name a directory with config.json, model.safetensors and tokenizer.json".to_owned(),
    };
    let what = if ends("safetensors") {
        "is a file of weights, not a model's directory"
    } else {
        "is a file, not a model's directory"
    };
    (what.to_owned(), next)
}

fn gguf_file() -> (String, String) {
    (
        "is a GGUF file of llama.cpp, whose weights are mostly quantised".to_owned(),
        "take the Hugging Face directory that it was made from; a server of GGUF files can be an executor \
         (`[executor.openai]`)"
            .to_owned(),
    )
}

/// The command that makes a model of an adapter.
fn merge(dir: &Path) -> Result<String, FileError> {
    let config = read_json(&dir.join("adapter_config.json"))?;
    let base =
        config.as_ref().and_then(|config| config.get("base_model_name_or_path")).and_then(Value::as_str);
    let base = base.filter(|base| !base.is_empty()).unwrap_or("BASE");
    Ok(format!("merge it with its base first: tracelift model merge {} MERGED --base {base}", dir.display()))
}

fn resave(dir: &Path) -> String {
    format!(
        "save them as safetensors: python -c \"from transformers import AutoModelForCausalLM as A; \
         A.from_pretrained('{0}', dtype='auto').save_pretrained('{0}')\"",
        dir.display()
    )
}

/// The names in a directory, in order.
fn names(dir: &Path) -> Result<Vec<String>, CheckpointError> {
    let entries = fs::read_dir(dir).map_err(super::io_error(dir))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}
