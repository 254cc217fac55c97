//! The page: sections in the order in which a reader wants them.

use crate::{Report, curves, evaluation, examples, markup::Escaped, palette::Palette};

const STYLE: &str = include_str!("style.css");

/// A section: identifier, title, content.
pub(crate) type Section = (&'static str, &'static str, String);

/// What stands above the sections.
pub(crate) struct Head<'a> {
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    pub(crate) notes: &'a [String],
}

/// The HTML document.
pub(crate) fn document(head: &Head<'_>, sections: &[Section]) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n{}</body>\n</html>\n",
        Escaped(head.title),
        body(head, sections)
    )
}

/// What the document shows.
pub(crate) fn body(head: &Head<'_>, sections: &[Section]) -> String {
    let mut html = format!("<header>\n<h1>{}</h1>\n", Escaped(head.title));
    if !head.subtitle.is_empty() {
        html.push_str(&format!("<p class=\"subtitle\">{}</p>\n", Escaped(head.subtitle)));
    }
    html.push_str("</header>\n<main>\n");
    for note in head.notes {
        html.push_str(&format!("<p class=\"lead\">{}</p>\n", Escaped(note)));
    }
    if sections.len() > 1 {
        html.push_str("<nav><ul>\n");
        for (id, title, _) in sections {
            html.push_str(&format!("<li><a href=\"#{id}\">{title}</a></li>\n"));
        }
        html.push_str("</ul></nav>\n");
    }
    for (id, title, content) in sections {
        html.push_str(&format!("<section id=\"{id}\">\n<h2>{title}</h2>\n{content}</section>\n"));
    }
    html.push_str("</main>\n");
    html
}

/// Rows come after runs, so that the runs, which share most charts, have the clearest colours.
fn palette(report: &Report) -> Palette {
    let runs = report.runs.iter().map(|run| run.name.as_str());
    let rows = report.evaluation.iter().flat_map(|table| table.rows().iter().map(|row| row.row.as_str()));
    let attempts = report.examples.iter().flat_map(|example| &example.attempts);
    Palette::of(runs.chain(rows).chain(attempts.map(|attempt| attempt.row.as_str())))
}

/// What stands above a report's sections.
pub(crate) fn head(report: &Report) -> Head<'_> {
    Head { title: &report.title, subtitle: &report.subtitle, notes: &report.notes }
}

/// The sections of a report that have something to show.
pub(crate) fn sections(report: &Report) -> Vec<Section> {
    let palette = &palette(report);
    let mut sections = Vec::new();
    if let Some(table) = &report.evaluation {
        sections.push(("evaluation", "Evaluation", evaluation::section(table, palette)));
    }
    if !report.runs.is_empty() {
        sections.push(("curves", "Learning curves", curves::section(&report.runs, palette)));
    }
    if !report.examples.is_empty() {
        sections.push(("traces", "Sample traces", examples::section(&report.examples, palette)));
    }
    if !report.facts.is_empty() {
        sections.push(("facts", "Environment and configuration", facts(&report.facts)));
    }
    sections
}

/// Names and values.
pub(crate) fn facts(facts: &[(String, String)]) -> String {
    let rows: String = facts
        .iter()
        .map(|(what, value)| format!("<dt>{}</dt><dd>{}</dd>\n", Escaped(what), Escaped(value)))
        .collect();
    format!("<dl>\n{rows}</dl>\n")
}
