//! A folder of runs, evaluations, experiments and groups as pages, each of which is what its address says and nothing else.
//!
//! [`Site::page`] makes a page of a path and a query; whoever serves it decides who may ask. Every view is a link: what is shown stands
//! in the address. Texts that models wrote are escaped by type ([`words`]), and directed nowhere.

mod compared;
mod curves;
mod evaluation;
mod file;
mod frame;
mod groups;
mod home;
mod ledger;
mod query;
mod rollouts;
mod run;
mod sample;
mod scorers;
mod step;
#[cfg(test)]
mod tests;
mod trace;
mod words;

use maud::Markup;
use query::Query;
use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};
use tracelift_archive::{Archive, ArchiveError};

/// What a page is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page for people.
    Html,
    /// The style of pages.
    Css,
    /// The script of pages.
    Script,
    /// A file to keep.
    Text,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status, as HTTP has it.
    pub status: u16,
    /// What it is written in.
    pub kind: Kind,
    /// What it says.
    pub body: String,
    /// What it is called as a file, where it is one to keep.
    pub file: Option<String>,
}

/// A folder that is looked at.
pub struct Site {
    archive: Archive,
}

/// Whether pages lead to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    /// They are served.
    Served,
    /// They are parts of one file.
    Nowhere,
}

/// What a page is made from.
struct Scene<'a> {
    archive: &'a Archive,
    query: &'a Query,
    links: Links,
}

/// What a page shows.
struct View {
    title: String,
    body: Markup,
    /// The pages before and behind it, where it is one of several.
    before: Option<String>,
    behind: Option<String>,
    /// Whether it changes while it is looked at.
    live: bool,
}

impl View {
    fn of(title: impl Into<String>, body: Markup) -> View {
        View { title: title.into(), body, before: None, behind: None, live: false }
    }
}

const STYLE: &str = concat!(include_str!("../style.css"), include_str!("view.css"));
const SCRIPT: &str = include_str!("view.js");

impl Site {
    /// Opens a folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(folder: &Path) -> Result<Site, ArchiveError> {
        Ok(Site { archive: Archive::open(folder)? })
    }

    /// The page at a path with a query, both as they stand in an address.
    #[must_use]
    pub fn page(&self, path: &str, query: &str) -> Page {
        match path {
            "/view.css" => return Page { status: 200, kind: Kind::Css, body: STYLE.to_owned(), file: None },
            "/view.js" => {
                return Page { status: 200, kind: Kind::Script, body: SCRIPT.to_owned(), file: None };
            }
            _ => {}
        }
        let query = Query::read(query);
        let scene = Scene { archive: &self.archive, query: &query, links: Links::Served };
        if path == "/export" {
            return match compared::export(&scene) {
                Ok((file, body)) => Page { status: 200, kind: Kind::Text, body, file: Some(file) },
                Err(error) => frame::fault(&scene, &error),
            };
        }
        let view = match path {
            "/" => home::view(&scene),
            "/curves" => curves::view(&scene),
            "/run" => run::view(&scene),
            "/step" => step::view(&scene),
            "/trace" => trace::view(&scene),
            "/rollouts" => rollouts::view(&scene),
            "/evaluation" => evaluation::view(&scene),
            "/samples" => sample::list(&scene),
            "/sample" => sample::view(&scene),
            "/compare" => compared::view(&scene),
            "/groups" => groups::list(&scene),
            "/group" => groups::view(&scene),
            "/scorers" => scorers::view(&scene),
            "/ledger" => ledger::view(&scene),
            _ => Err(ArchiveError::Nowhere { place: path.chars().take(100).collect() }),
        };
        match view {
            Ok(view) => frame::page(&scene, path, &view),
            Err(error) => frame::fault(&scene, &error),
        }
    }

    /// Something that changes whenever what is shown at an address may have changed; `None` where nothing there does.
    #[must_use]
    pub fn revision(&self, query: &str) -> Option<String> {
        let query = Query::read(query);
        let mut hasher = DefaultHasher::new();
        let mut watched: Vec<PathBuf> = Vec::new();
        for place in query.all("run") {
            watched.extend(self.archive.run(place).ok()?.moving());
            self.archive.run(place).ok()?.overview().ok()?.state.word().hash(&mut hasher);
        }
        if watched.is_empty() {
            let contents = self.archive.contents();
            for run in &contents.runs {
                (&run.place, run.state.word(), run.done()).hash(&mut hasher);
            }
            for evaluation in &contents.evaluations {
                (&evaluation.place, evaluation.modified).hash(&mut hasher);
            }
            contents.files.len().hash(&mut hasher);
        }
        for path in watched {
            let about = fs::metadata(&path).ok();
            about.map(|about| (about.len(), about.modified().ok())).hash(&mut hasher);
        }
        Some(format!("{:016x}", hasher.finish()))
    }
}
