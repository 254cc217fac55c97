//! `tracelift data …`: problem sets, as they are published.

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use tracelift_domain::Fingerprint;
use tracelift_files::Draft;

/// What to do with problem sets.
#[derive(Subcommand)]
pub enum DataCommand {
    /// Fetch published problem sets to where `tracelift eval` and the configurations look for them.
    Fetch(Fetch),
}

/// Settings of `data fetch`.
#[derive(Args)]
pub struct Fetch {
    /// Which.
    #[arg(required = true)]
    sets: Vec<Set>,
    /// The folder that gets a folder for each of them.
    #[arg(long, default_value = "data")]
    out: PathBuf,
    /// A server to ask instead of those that publish them: what stands behind the host's name stays.
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

/// A problem set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Set {
    Gsm8k,
    Math500,
    Svamp,
    Aime24,
    Humaneval,
}

/// A file as it was published: of one commit, so that its bytes are known.
struct Published {
    /// Below the folder of the data.
    file: &'static str,
    host: &'static str,
    path: &'static str,
    sha256: &'static str,
    licence: &'static str,
}

const RAW: &str = "https://raw.githubusercontent.com";
/// Where GitHub keeps what a repository holds by Git LFS.
const MEDIA: &str = "https://media.githubusercontent.com";

impl Set {
    fn files(self) -> &'static [Published] {
        match self {
            Set::Gsm8k => &[
                Published {
                    file: "gsm8k/train.jsonl",
                    host: RAW,
                    path: "/openai/grade-school-math/3101c7d5072418e28b9008a6636bde82a006892c/grade_school_math/data/train.jsonl",
                    sha256: "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
                    licence: "MIT",
                },
                Published {
                    file: "gsm8k/test.jsonl",
                    host: RAW,
                    path: "/openai/grade-school-math/3101c7d5072418e28b9008a6636bde82a006892c/grade_school_math/data/test.jsonl",
                    sha256: "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
                    licence: "MIT",
                },
            ],
            Set::Math500 => &[Published {
                file: "math500/test.jsonl",
                host: MEDIA,
                path: "/media/openai/prm800k/00811d6de065642a6967b9017d4cee59550c0ef4/prm800k/math_splits/test.jsonl",
                sha256: "35dc41080a3680858b27fa7e0533d2d547825316fc5dafe5d316f4ccc5a06132",
                licence: "MIT",
            }],
            Set::Svamp => &[Published {
                file: "svamp/test.jsonl",
                host: RAW,
                path: "/QwenLM/Qwen2.5-Math/a45202bd16f1ec06f433442dc1152d0074773465/evaluation/data/svamp/test.jsonl",
                sha256: "d0826ff1264f3860e46fc4e71db9e31d2d188960db87090e22677f9493e67a0d",
                licence: "MIT",
            }],
            Set::Aime24 => &[Published {
                file: "aime24/test.jsonl",
                host: RAW,
                path: "/QwenLM/Qwen2.5-Math/a45202bd16f1ec06f433442dc1152d0074773465/evaluation/data/aime24/test.jsonl",
                sha256: "af2b8bd2aa911b6333ad0df32f3ca05c7ae8ed10f1731f4372c8ae26990bf7ac",
                licence: "MIT",
            }],
            Set::Humaneval => &[Published {
                file: "humaneval/HumanEval.jsonl.gz",
                host: RAW,
                path: "/openai/human-eval/6d43fb980f9fee3c892a914eda09951f772ad10d/data/HumanEval.jsonl.gz",
                sha256: "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
                licence: "MIT",
            }],
        }
    }
}

/// The most that a file may have; the largest has 4 MB.
const LIMIT: u64 = 64 << 20;
/// How long a file may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a command.
pub fn run(command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::Fetch(settings) => fetch(settings),
    }
}

fn fetch(settings: &Fetch) -> Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build()
        .into();
    for published in settings.sets.iter().flat_map(|set| set.files()) {
        let place = settings.out.join(published.file);
        match fs::read(&place) {
            Ok(there) if Fingerprint::of_bytes(&there).as_str() == published.sha256 => {
                println!("{}: is there", place.display());
                continue;
            }
            Ok(_) => bail!(
                "{} is there and is another file; move it away, or choose another --out",
                place.display()
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", place.display())),
        }
        let host = settings.mirror.as_deref().unwrap_or(published.host).trim_end_matches('/');
        let url = format!("{host}{}", published.path);
        let bytes = download(&agent, &url).with_context(|| {
            format!(
                "cannot fetch {}; where this machine has no network, copy it to {} from one that has",
                url,
                place.display()
            )
        })?;
        let found = Fingerprint::of_bytes(&bytes);
        let found = found.as_str();
        ensure!(
            found == published.sha256,
            "{url} is not what was published: its SHA-256 is {found}, not {}; nothing was written",
            published.sha256
        );
        write(&place, &bytes)?;
        println!("{}: {} bytes ({})", place.display(), bytes.len(), published.licence);
    }
    Ok(())
}

fn download(agent: &ureq::Agent, url: &str) -> Result<Vec<u8>> {
    let mut answer = agent.get(url).call()?;
    ensure!(answer.status().is_success(), "the server says {}", answer.status());
    Ok(answer.body_mut().with_config().limit(LIMIT).read_to_vec()?)
}

fn write(place: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut draft = Draft::begin(place)?;
    draft.write_all(bytes).map_err(|error| draft.failed(error))?;
    Ok(draft.finish()?)
}
