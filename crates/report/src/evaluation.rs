//! The evaluation: its table, differences, and how it depends on the level of difficulty.

use crate::{
    chart::{Chart, Point, Ruler, Scale, Series, Stroke},
    markup::Escaped,
    palette::Palette,
};
use tracelift_eval::{Grid, Metric, Table};

/// The evaluation table with everything that goes with it.
pub(crate) fn section(table: &Table, palette: &Palette) -> String {
    let mut html = grid(&table.grid());
    html.push_str("<ul class=\"footnotes\">\n");
    for note in table.footnotes() {
        html.push_str(&format!("<li>{}</li>\n", Escaped(&note)));
    }
    html.push_str("</ul>\n");
    if let Some(differences) = table.difference_grid() {
        html.push_str(&format!("<h3>Differences</h3>\n{}", grid(&differences)));
    }
    html.push_str(&by_level(table, palette));
    html
}

/// How the metrics depend on the level: charts, and the numbers folded away below them.
pub(crate) fn by_level(table: &Table, palette: &Palette) -> String {
    let charts: String = [Metric::Accuracy, Metric::VerifiedAccuracy, Metric::Uplift]
        .into_iter()
        .filter_map(|metric| Some(level_chart(table, metric, palette)?.figure()))
        .collect();
    let numbers: String = [Metric::Accuracy, Metric::VerifiedAccuracy]
        .into_iter()
        .filter_map(|metric| Some((metric, table.level_grid(metric)?)))
        .map(|(metric, levels)| format!("<h4>{}</h4>\n{}", capitalised(metric.title()), grid(&levels)))
        .collect();
    match (charts.is_empty(), numbers.is_empty()) {
        (_, true) => String::new(),
        (true, false) => format!("<h3>By level</h3>\n{numbers}"),
        (false, false) => format!(
            "<h3>By level</h3>\n<div class=\"charts\">\n{charts}</div>\n<p class=\"note\">Whiskers are one standard \
             error.</p>\n<details><summary>In numbers</summary>\n{numbers}</details>\n"
        ),
    }
}

/// A metric over levels; `None` if there are fewer than three or nothing is known.
fn level_chart(table: &Table, metric: Metric, palette: &Palette) -> Option<Chart> {
    if table.levels().len() < 3 {
        return None;
    }
    let series: Vec<Series> = table
        .rows()
        .iter()
        .map(|row| Series {
            name: row.row.clone(),
            classes: palette.classes(&row.row),
            points: row
                .levels
                .iter()
                .map(|level| {
                    let estimate = level.estimates.get(&metric);
                    Point {
                        x: f64::from(level.level),
                        y: estimate.and_then(|e| e.mean).map(|mean| 100.0 * mean),
                        error: estimate.and_then(|e| e.standard_error).map(|error| 100.0 * error),
                    }
                })
                .collect(),
        })
        .filter(|series| series.points.iter().any(|point| point.y.is_some()))
        .collect();
    let unit = if metric == Metric::Uplift { "percentage points" } else { "%" };
    (!series.is_empty()).then(|| Chart {
        title: capitalised(metric.title()),
        unit: unit.to_owned(),
        x_title: "level".to_owned(),
        ruler: Ruler::Whole,
        scale: Scale::Linear,
        stroke: Stroke::Joined,
        series,
        remarks: Vec::new(),
    })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A grid as a table.
pub(crate) fn grid(grid: &Grid) -> String {
    let mut html = String::from("<div class=\"wide\"><table>\n<thead><tr>");
    for cell in &grid.header {
        html.push_str(&format!("<th scope=\"col\">{}</th>", Escaped(cell)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &grid.rows {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let content = match cell.split_once(" ± ") {
                Some((mean, error)) => format!("{} <small>± {}</small>", Escaped(mean), Escaped(error)),
                None => Escaped(cell).to_string(),
            };
            html.push_str(&match column {
                0 => format!("<th scope=\"row\">{content}</th>"),
                _ => format!("<td>{content}</td>"),
            });
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    html
}
