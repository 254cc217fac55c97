//! What a reward server has rewarded, the latest first.

use super::{
    Scene, View,
    frame::way,
    trace::runs,
    words::{self, Foreign, Name, block, number, time},
};
use maud::html;
use tracelift_archive::{ArchiveError, LedgerEntry, read_ledger};

/// Items that are shown.
const SHOWN: usize = 100;

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let (entries, more) = read_ledger(&scene.archive.resolve(place)?, SHOWN)?;
    let body = html! {
        (way(&[(place, None)]))
        h1 { "Rewards " small { (Name(place)) } }
        p.note { "The latest " (entries.len()) " items" @if more { "; there are more in the file" } "." }
        @for entry in &entries { (item(entry)) }
    };
    Ok(View::of("Rewards", body))
}

fn item(entry: &LedgerEntry) -> maud::Markup {
    let names = ["e", "w", "b", "u", "s", "reward"];
    html! {
        article.example data-item {
            h2 { @if let Some(id) = &entry.problem_id { (Name(id)) } @if let Some(at) = entry.at { " " small { (time(at as u64)) } } }
            @if let Some(question) = &entry.question { blockquote { (Foreign(question)) } }
            p.numbers { @for (name, value) in names.iter().zip(entry.numbers) { span { (name) " " b { (number(value)) } } " " } }
            @if let Some(why) = &entry.unknown { p.warning { "unknown: " (Foreign(why)) } }
            div.attempts {
                section.attempt.c0 { h3 { "trace" }
                    @match (&entry.trace, &entry.completion) {
                        (Some(trace), _) => (words::lines(trace, None)),
                        (None, Some(completion)) => { p.none { "no usable trace: " @if let Some(defect) = &entry.defect { (Name(defect)) } } (block(completion)) },
                        (None, None) => p.none { "nothing was kept" },
                    }
                }
                section.attempt.c1 { h3 { "with it" } (runs(&entry.completions, &[], &entry.verdicts)) }
                section.attempt.c2 { h3 { "without any" } (runs(&entry.baseline_completions, &[], &entry.baseline_verdicts)) }
            }
        }
    }
}
