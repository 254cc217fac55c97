//! The checkpoints that come with the binary: per world, the base planner and the frozen executor.

use anyhow::Result;
use std::path::{Path, PathBuf};
use tracelift_worlds::WorldName;

macro_rules! checkpoint {
    ($world:literal, $part:literal) => {
        [
            (
                "config.json",
                include_bytes!(concat!("../../../../checkpoints/", $world, "/", $part, "/config.json"))
                    .as_slice(),
            ),
            (
                "model.safetensors",
                include_bytes!(concat!("../../../../checkpoints/", $world, "/", $part, "/model.safetensors"))
                    .as_slice(),
            ),
            (
                "tokenizer.json",
                include_bytes!(concat!("../../../../checkpoints/", $world, "/", $part, "/tokenizer.json"))
                    .as_slice(),
            ),
            (
                "tokenizer_config.json",
                include_bytes!(concat!(
                    "../../../../checkpoints/",
                    $world,
                    "/",
                    $part,
                    "/tokenizer_config.json"
                ))
                .as_slice(),
            ),
            (
                "tokenizer_as_written.py",
                include_bytes!(concat!(
                    "../../../../checkpoints/",
                    $world,
                    "/",
                    $part,
                    "/tokenizer_as_written.py"
                ))
                .as_slice(),
            ),
        ]
    };
}

macro_rules! world {
    ($world:literal) => {
        [("planner", checkpoint!($world, "planner")), ("executor", checkpoint!($world, "executor"))]
    };
}

/// Writes a world's two checkpoint directories into `folder`; returns the folder.
pub fn unpack(world: WorldName, folder: &Path) -> Result<PathBuf> {
    let parts = match world {
        WorldName::Steps => world!("steps"),
        WorldName::Words => world!("words"),
        WorldName::Programs => world!("programs"),
    };
    for (part, files) in parts {
        let dir = folder.join(part);
        tracelift_files::make_folder(&dir)?;
        for (name, bytes) in files {
            let path = dir.join(name);
            tracelift_files::write(&path, bytes)?;
        }
    }
    Ok(folder.to_owned())
}
