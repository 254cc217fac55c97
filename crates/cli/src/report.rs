//! `tracelift report`: runs, evaluations and experiments as one file.

use anyhow::{Context, Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use tracelift_report::Site;

/// Settings of `report`.
#[derive(Args)]
pub struct Report {
    /// Folders of runs, evaluations or experiments, folders of those, or reports on reward models (`rm eval --json`).
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The file.
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    /// What heads it [default: what is shown].
    #[arg(long)]
    title: Option<String>,
}

/// Writes it.
pub fn run(args: &Report) -> Result<()> {
    let paths: Vec<PathBuf> = args
        .paths
        .iter()
        .map(|path| path.canonicalize().with_context(|| format!("failed to open {}", path.display())))
        .collect::<Result<_>>()?;
    let root = common(&paths).context("there is nothing to show")?;
    let site = Site::open(&root)?;
    let mut places = Vec::new();
    for path in &paths {
        match path.strip_prefix(&root).ok().and_then(Path::to_str) {
            Some("") => places.push(".".to_owned()),
            Some(place) => places.push(place.to_owned()),
            None => bail!("{} has a name that is no UTF-8", path.display()),
        }
    }
    let named: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
    let title = args.title.clone().unwrap_or_else(|| named.join(", "));
    tracelift_files::write(&args.out, site.file(&title, &places)?)?;
    println!("report: {}", args.out.display());
    Ok(())
}

/// The deepest folder in which all of them lie.
fn common(paths: &[PathBuf]) -> Option<PathBuf> {
    let first = paths.first()?;
    let folder =
        |path: &Path| if path.is_dir() { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) };
    let mut common = folder(first)?;
    while !paths.iter().all(|path| path.starts_with(&common)) {
        common = common.parent()?.to_owned();
    }
    Some(common)
}
