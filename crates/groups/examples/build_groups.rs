//! Builds groups from a configuration file, so that a test can kill it and start it again.
//!
//! `build_groups CONFIG.toml` prints what the build counted, as JSON.

use std::error::Error;
use tracelift_groups::build::{BuildConfig, build};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("expected CONFIG.toml")?;
    let config: BuildConfig = toml::from_str(&std::fs::read_to_string(path)?)?;
    let report = build(&config, &mut |_| {})?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
