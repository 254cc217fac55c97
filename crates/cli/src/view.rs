//! `tracelift view`: a folder of runs, evaluations, experiments and groups in a browser.

use crate::serve::key_of;
use anyhow::{Result, ensure};
use clap::Args;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracelift_report::{Kind, Site};
use tracelift_serve::{
    ListenConfig, LogFormat, LogLevel, Shown, ShownKind, Viewer, serve, start_log, view_service,
};

/// Settings of `view`.
#[derive(Args)]
pub struct View {
    /// The folder: runs, evaluations, experiments, group files, reward ledgers, in it or below.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The port to listen on; 0 for a free one.
    #[arg(long, default_value_t = 8090)]
    port: u16,
    /// The address to listen on; any but this machine's own needs a key.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The environment variable with the key that must stand in the first address that is opened, as `?key=KEY`.
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// What the log on standard error looks like: text or json.
    #[arg(long, default_value = "text")]
    log: LogFormat,
    /// What is logged: off, error, warn, info (every request) or debug.
    #[arg(long, default_value = "warn")]
    log_level: LogLevel,
}

/// How long pages in progress are waited for at the end.
const GRACE: Duration = Duration::from_secs(3);

/// A site as who serves it knows it.
struct Served {
    site: Site,
    folder: String,
}

impl Viewer for Served {
    fn page(&self, path: &str, query: &str) -> Shown {
        let page = self.site.page(path, query);
        let kind = match page.kind {
            Kind::Html => ShownKind::Html,
            Kind::Css => ShownKind::Css,
            Kind::Script => ShownKind::Script,
            Kind::Text => ShownKind::Text,
        };
        Shown { status: page.status, kind, body: page.body, file: page.file }
    }

    fn revision(&self, query: &str) -> Option<String> {
        self.site.revision(query)
    }

    fn describe(&self) -> String {
        self.folder.clone()
    }
}

/// Shows it until it is told to stop.
pub fn run(args: &View) -> Result<()> {
    let site = Site::open(&args.folder)?;
    let api_key = args.api_key_env.as_deref().map(|name| key_of("--api-key-env", name)).transpose()?;
    ensure!(
        api_key.is_some() || args.host.is_loopback(),
        "whoever reaches {} could read what is shown there; put a key into an environment variable and name it with \
         --api-key-env, or listen on 127.0.0.1",
        args.host
    );
    start_log(args.log, args.log_level);
    let listen = ListenConfig {
        address: SocketAddr::new(args.host, args.port).to_string(),
        api_key,
        grace: GRACE,
        ..ListenConfig::default()
    };
    let folder = args.folder.display().to_string();
    let service = view_service(Arc::new(Served { site, folder: folder.clone() }), &listen)?;
    // Pages are asked for anew: what was not answered at the end is no loss.
    serve(service, listen, |address| announce(&folder, args.api_key_env.as_deref(), address))?;
    Ok(())
}

fn announce(folder: &str, keyed: Option<&str>, address: SocketAddr) {
    let key = keyed.map(|name| format!("/?key=${name}")).unwrap_or_default();
    let text = format!("{folder} at http://{address}{key}\nCtrl-C stops\n");
    // A server goes on where nobody reads what it says.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
