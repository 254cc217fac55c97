//! What reward models and judges are worth, from a report on them.

use super::{Scene, View, frame::way, words::Name};
use crate::RubricReport;
use maud::{PreEscaped, html};
use tracelift_archive::{ArchiveError, ScorerReport};

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let report = scene.archive.scorers(place)?;
    let body = html! {
        (way(&[(place, None)]))
        h1 { "Reward models " small { (Name(place)) } }
        (content(&report))
    };
    Ok(View::of("Reward models", body))
}

pub(super) fn content(report: &ScorerReport) -> maud::Markup {
    let page = RubricReport {
        title: String::new(),
        groups: report.groups.clone(),
        solutions: report.solutions.clone(),
        facts: report.facts(),
    };
    html! {
        @for (id, title, content) in page.sections() {
            section id=(id) { h2 { (title) } (PreEscaped(content)) }
        }
    }
}
