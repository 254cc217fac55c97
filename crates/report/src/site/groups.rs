//! Groups of reference and flawed traces: a list that can be searched, what the file holds, and one group with what was changed marked.

use super::{
    Links, Scene, View,
    frame::{choice, paged, search, way},
    words::{Foreign, Name, escaped, number, percent},
};
use crate::groups;
use maud::{Markup, PreEscaped, html};
use std::collections::BTreeMap;
use tracelift_archive::{ArchiveError, GroupEntry, GroupFile};
use tracelift_groups::survey::Survey;

/// Groups on a page.
const SHOWN: usize = 50;
/// Files of at most so many groups are counted without being asked.
const COUNTED: usize = 1000;

pub(super) fn list(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let file = scene.archive.groups(place)?;
    let query = scene.query;
    let (kind, source) = (query.get("kind"), query.get("source"));
    let word = query.get("q").map(str::to_lowercase);
    let fits = |entry: &GroupEntry| {
        kind.is_none_or(|kind| entry.kinds.iter().any(|(known, _)| known == kind))
            && source.is_none_or(|source| entry.source == source)
            && word.as_ref().is_none_or(|word| {
                entry.problem_id.to_lowercase().contains(word)
                    || entry.statement.to_lowercase().contains(word)
            })
    };
    let kept: Vec<(usize, &GroupEntry)> =
        file.entries().iter().enumerate().filter(|(_, entry)| fits(entry)).collect();
    let (page, pages, range) = paged(query, kept.len(), SHOWN);
    let body = html! {
        (way(&[(place, None)]))
        h1 { "Groups " small { (kept.len()) " of " (file.entries().len()) } }
        @for fault in file.faults() { p.warning { "Not a group: " (Foreign(fault)) } }
        (form(scene, place, &file))
        div.wide { table.list {
            thead { tr { th { "problem" } th { "source" } th { "flawed traces" } th { "statement" } } }
            tbody { @for (at, entry) in &kept[range] {
                tr data-item {
                    th scope="row" { (scene.link("/group", &[("at", place), ("n", &at.to_string())], Name(&entry.problem_id))) }
                    td.left { (Name(&entry.source)) }
                    td.left { @for (kind, count) in &entry.kinds { span.tag { (Name(kind)) @if *count > 1 { " ×" (count) } } " " } }
                    td.left.text { (Name(&entry.statement)) }
                }
            } }
        } }
        (scene.pages("/groups", page, pages))
        (statistics(scene, &file)?)
    };
    Ok(View::of("Groups", body))
}

fn form(scene: &Scene<'_>, place: &str, file: &GroupFile) -> Markup {
    let query = scene.query;
    let (mut kinds, mut sources): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) =
        (BTreeMap::new(), BTreeMap::new());
    for entry in file.entries() {
        *sources.entry(&entry.source).or_default() += 1;
        for (kind, count) in &entry.kinds {
            *kinds.entry(kind).or_default() += count;
        }
    }
    let told = |counts: &BTreeMap<&str, usize>| -> Vec<(String, String)> {
        let any = std::iter::once((String::new(), "any".to_owned()));
        any.chain(counts.iter().map(|(name, count)| ((*name).to_owned(), format!("{name} ({count})"))))
            .collect()
    };
    let (kinds, sources) = (told(&kinds), told(&sources));
    let kinds: Vec<(&str, &str)> =
        kinds.iter().map(|(value, text)| (value.as_str(), text.as_str())).collect();
    let sources: Vec<(&str, &str)> =
        sources.iter().map(|(value, text)| (value.as_str(), text.as_str())).collect();
    html! {
        form.filters method="get" action="/groups" {
            input type="hidden" name="at" value=(place);
            (search("search names and statements", query))
            (choice("with a flaw of kind", "kind", query.get("kind"), &kinds))
            (choice("source", "source", query.get("source"), &sources))
            button { "show" }
        }
    }
}

fn statistics(scene: &Scene<'_>, file: &GroupFile) -> Result<Markup, ArchiveError> {
    let wanted = file.entries().len() <= COUNTED || scene.query.get("count").is_some();
    if !wanted {
        return Ok(html! {
            @if scene.links == Links::Served {
                p { (scene.other("/groups", "count", "all", "Count what is in the file, and look for shortcuts")) " (a pass over all of it, and the training of a probe)" }
            }
        });
    }
    Ok(html! { section id="statistics" { h2 { "What is in the file" } (surveyed(file.survey()?)) } })
}

/// What a file holds, counted.
fn surveyed(survey: &Survey) -> Markup {
    let auc = |kind: &str| survey.shortcuts.as_ref().and_then(|report| report.kinds.get(kind)).copied();
    let counts = |counts: &BTreeMap<String, u64>| {
        html! { @for (at, (name, count)) in counts.iter().enumerate() { @if at > 0 { ", " } (Name(name)) " " (count) } }
    };
    html! {
        dl.facts {
            dt { "groups" } dd { (survey.groups) }
            dt { "sources" } dd { (counts(&survey.sources)) }
            dt { "flawed traces made by" } dd { (counts(&survey.makers)) }
            dt { "totals" } dd { (survey.distinct_totals) " distinct; " (percent(survey.top_share)) " % of all traces at the top; spread within groups " (number(survey.spread)) }
            dt { "shortcuts" } dd {
                @match &survey.shortcuts {
                    Some(report) => { "a linear model on the surface of texts tells reference traces from flawed ones with an AUC of " b { (number(Some(report.auc))) } " (style alone " (number(Some(report.style_auc))) "; ½ is chance), over " (report.groups) " groups" },
                    None => { "too few groups to train and test a probe" },
                }
            }
        }
        div.wide { table {
            thead { tr { th { "trace" } th { "count" } th { "mean length" } th { "shortest" } th { "longest" } th title="area under the ROC curve of the surface probe" { "AUC" } } }
            tbody {
                tr { th scope="row" { "reference" } td { (survey.positives.count) } td { (number(survey.positives.mean())) } td { (survey.positives.least) } td { (survey.positives.most) } td { "–" } }
                @for (kind, lengths) in &survey.kinds {
                    tr { th scope="row" { (Name(kind)) } td { (lengths.count) } td { (number(lengths.mean())) } td { (lengths.least) } td { (lengths.most) } td { (number(auc(kind))) } }
                }
            }
        } }
        div.wide { table {
            thead { tr { th { "label of flawed traces" } @for label in 0..5 { th { (label) } } } }
            tbody { @for (dimension, labels) in &survey.labels {
                tr { th scope="row" { (Name(&dimension.replace('_', " "))) } @for count in labels { td { (count) } } }
            } }
        } }
    }
}

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let file = scene.archive.groups(place)?;
    let at: usize = scene.query.number("n").unwrap_or(0);
    let nowhere = || ArchiveError::Other { place: place.to_owned(), what: "group of that number" };
    let entry = file.entries().get(at).ok_or_else(nowhere)?;
    let group = file.group(entry)?;
    let to = |at: Option<usize>| {
        let at = at.filter(|at| *at < file.entries().len())?;
        scene.address("/group", &[("at", place), ("n", &at.to_string())])
    };
    let (before, behind) = (to(at.checked_sub(1)), to(Some(at + 1)));
    let body = html! {
        (way(&[(place, scene.address("/groups", &[("at", place)])), (&entry.problem_id, None)]))
        h1 { (Name(&group.problem_id)) " " small { (at + 1) " of " (file.entries().len()) } }
        nav.pages aria-label="groups" {
            @if let Some(before) = &before { a href=(before) rel="prev" { "← group before" } }
            @if let Some(behind) = &behind { a href=(behind) rel="next" { "group behind →" } }
        }
        p.note { "What a flawed trace leaves out of its reference is " del { "marked so" } ", what it puts in " ins { "so" } "." }
        (PreEscaped(groups::article(&group)))
        @if !group.reference_solution.is_empty() { details { summary { "gold solution" } pre { (escaped(&group.reference_solution)) } } }
    };
    Ok(View { before, behind, ..View::of(group.problem_id.clone(), body) })
}
