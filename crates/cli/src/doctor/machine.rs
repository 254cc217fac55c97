//! What this machine gives: cores and their instructions, memory, disk, models by name.

use crate::preflight::{Machine, gibibytes, row};
use std::fs;
use std::path::Path;
use std::thread;
use tracelift_engine::hub;

/// A line each of what holds for every command; `place` is where files will go.
#[must_use]
pub fn facts(place: &Path) -> String {
    let cores =
        thread::available_parallelism().map_or_else(|error| error.to_string(), |cores| cores.to_string());
    let memory = Machine::observe().map_or_else(
        || "unknown".to_owned(),
        |machine| format!("{}, {} of it free", gibibytes(machine.total), gibibytes(machine.available)),
    );
    [
        ("tracelift", env!("CARGO_PKG_VERSION").to_owned()),
        ("cores", format!("{cores}; {}", instructions())),
        ("memory", memory),
        ("disk", disk(place)),
        ("models by name", models()),
    ]
    .map(|(name, text)| row(name, &text) + "\n")
    .concat()
}

/// Which instructions the kernels of sampling and training find here.
#[cfg(target_arch = "x86_64")]
fn instructions() -> String {
    let found = [
        ("AVX2", is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
        ("AVX-512", is_x86_feature_detected!("avx512f")),
        ("bf16", is_x86_feature_detected!("avx512bf16")),
    ];
    let said: Vec<String> =
        found.iter().map(|(name, there)| format!("{name} {}", if *there { "yes" } else { "no" })).collect();
    said.join(", ")
}

#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> String {
    format!("{}, without kernels of our own", std::env::consts::ARCH)
}

/// What is free on the disk of a folder that need not be there yet.
fn disk(place: &Path) -> String {
    let there = place.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(there) {
        Ok(disk) => {
            format!("{} free for {}", gibibytes(disk.f_bavail.saturating_mul(disk.f_frsize)), place.display())
        }
        Err(error) => format!("unknown for {}: {error}", place.display()),
    }
}

/// How many models the Hugging Face cache holds, and where it is.
fn models() -> String {
    let Some(cache) = hub::cache() else {
        return "no Hugging Face cache: none of HF_HUB_CACHE, HF_HOME and HOME is set".to_owned();
    };
    let Ok(entries) = fs::read_dir(&cache) else {
        return format!("no Hugging Face cache in {}; `hf download` makes one", cache.display());
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_prefix("models--")?.replace("--", "/")))
        .collect();
    names.sort_unstable();
    let said = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("{said}, in {}", cache.display())
}
