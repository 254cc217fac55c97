//! What every page has: its head, the way back, its keys, and how faults are told.

use super::{Kind, Links, Page, Query, Scene, View, words::Name};
use maud::{DOCTYPE, Markup, Render, html};
use tracelift_archive::ArchiveError;

impl Scene<'_> {
    /// The address of a page; `None` where pages lead nowhere.
    pub(super) fn address(&self, path: &str, pairs: &[(&str, &str)]) -> Option<String> {
        (self.links == Links::Served).then(|| Query::of(pairs).at(path))
    }

    /// A link to a page; where pages lead nowhere, its text.
    pub(super) fn link(&self, path: &str, pairs: &[(&str, &str)], text: impl Render) -> Markup {
        match self.address(path, pairs) {
            Some(address) => html! { a href=(address) { (text) } },
            None => html! { (text) },
        }
    }

    /// A link to the same page with another value of a name.
    pub(super) fn other(&self, path: &str, name: &str, value: &str, text: impl Render) -> Markup {
        let chosen = self.query.get(name).unwrap_or_default() == value;
        html! { a href=(self.query.with(name, value).at(path)) aria-current=[chosen.then_some("true")] { (text) } }
    }

    /// What must be there for a page to be one.
    pub(super) fn needed(&self, name: &'static str) -> Result<&str, ArchiveError> {
        self.query.get(name).ok_or_else(|| ArchiveError::Nowhere { place: format!("({name} is missing)") })
    }

    /// The rest of a query as fields of a form that does not show it.
    pub(super) fn kept(&self, but: &[&str]) -> Markup {
        html! {
            @for (name, value) in self.query.pairs().filter(|(name, _)| !but.contains(name)) {
                input type="hidden" name=(name) value=(value);
            }
        }
    }

    /// Links to the pages of a long list. Pages count from 1.
    pub(super) fn pages(&self, path: &str, page: usize, count: usize) -> Markup {
        let to = |page: usize| self.query.with("page", &page.to_string()).at(path);
        html! {
            @if count > 1 {
                nav.pages aria-label="pages" {
                    @if page > 1 { a href=(to(page - 1)) rel="prev" { "← before" } }
                    span { "page " (page) " of " (count) }
                    @if page < count { a href=(to(page + 1)) rel="next" { "next →" } }
                }
            }
        }
    }
}

/// The part of a long list that a page shows: which page, of how many, and which entries.
pub(super) fn paged(query: &Query, entries: usize, each: usize) -> (usize, usize, std::ops::Range<usize>) {
    let count = entries.div_ceil(each).max(1);
    let page = query.number::<usize>("page").unwrap_or(1).clamp(1, count);
    let from = (page - 1) * each;
    (page, count, from..(from + each).min(entries))
}

/// A choice among names, as a field of a form.
pub(super) fn choice(label: &str, name: &str, chosen: Option<&str>, all: &[(&str, &str)]) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                @for (value, text) in all {
                    option value=(value) selected[chosen.unwrap_or_default() == *value] { (super::words::escaped(text)) }
                }
            }
        }
    }
}

/// A field for a text to search for.
pub(super) fn search(label: &str, query: &Query) -> Markup {
    html! { label { span { (label) } input type="search" name="q" value=[query.get("q")]; } }
}

/// The way from the folder to a page: names with addresses.
pub(super) fn way(steps: &[(&str, Option<String>)]) -> Markup {
    html! {
        nav.way aria-label="where this is" {
            ol {
                li { a href="/" { "All" } }
                @for (name, address) in steps {
                    li { @match address { Some(address) => a href=(address) { (Name(name)) }, None => span { (Name(name)) } } }
                }
            }
        }
    }
}

pub(super) fn page(scene: &Scene<'_>, path: &str, view: &View) -> Page {
    let events = view.live.then(|| scene.query.at("/events"));
    let folder =
        scene.archive.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (super::words::escaped(&view.title)) " · TraceLift" }
                link rel="stylesheet" href="/view.css";
                link rel="icon" href="data:,";
                @if let Some(before) = &view.before { link rel="prev" href=(before); }
                @if let Some(behind) = &view.behind { link rel="next" href=(behind); }
                script src="/view.js" defer {}
            }
            body data-events=[events] data-path=(path) {
                header.top {
                    a.home href="/" { "TraceLift" } " " span.folder { (Name(&folder)) }
                    span.beat role="status" aria-live="polite" { @if view.live { "live" } }
                    button.help type="button" aria-label="keys" title="keys (?)" { "?" }
                }
                main { (view.body) }
                (keys())
            }
        }
    };
    Page { status: 200, kind: Kind::Html, body: body.into_string(), file: None }
}

fn keys() -> Markup {
    let keys = [
        ("j k", "next and previous of what is listed"),
        ("Enter", "open it"),
        ("n p", "next and previous page, step or sample"),
        ("/", "search"),
        ("u", "up"),
        ("?", "these keys"),
    ];
    html! {
        dialog id="keys" aria-label="keys" {
            h2 { "Keys" }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { "close" } }
        }
    }
}

pub(super) fn fault(scene: &Scene<'_>, error: &ArchiveError) -> Page {
    let status = match error {
        ArchiveError::Nowhere { .. } | ArchiveError::Other { .. } => 404,
        _ => 500,
    };
    let view = View::of(
        "Not shown",
        html! { h1 { "This is not shown" } p { (super::words::Foreign(&error.to_string())) } p { a href="/" { "What there is" } } },
    );
    Page { status, ..page(scene, "/", &view) }
}
