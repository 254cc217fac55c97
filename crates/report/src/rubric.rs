//! What scorers are worth: tables, the reliability diagram, histograms of scores by kind.

use crate::{
    chart::{Chart, Point, Ruler, Scale, Series, Stroke},
    evaluation::grid,
    histogram::Histogram,
    markup::Escaped,
    page::{self, Head, Section},
    palette::Palette,
};
use std::path::Path;
use tracelift_eval::{ScorerTable, SolutionTable};
use tracelift_files::WriteError;

/// The kind that stands for unflawed traces.
const REFERENCE: &str = "reference";

/// Everything that a report on scorers shows. What is empty is left out.
#[derive(Clone, Debug, Default)]
pub struct RubricReport {
    /// What heads the page.
    pub title: String,
    /// On groups.
    pub groups: Option<ScorerTable>,
    /// On solutions with verdicts.
    pub solutions: Option<SolutionTable>,
    /// Models, files: what, and its value.
    pub facts: Vec<(String, String)>,
}

impl RubricReport {
    /// The whole HTML file.
    #[must_use]
    pub fn to_html(&self) -> String {
        let head = Head { title: &self.title, subtitle: "", notes: &[] };
        page::document(&head, &self.sections())
    }

    /// Writes the HTML file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        tracelift_files::write(path, self.to_html())
    }

    /// Its sections.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let names = self.groups.iter().flat_map(|table| table.scorers.iter().map(|(name, _)| name.as_str()));
        let palette = Palette::of(names);
        let mut sections = Vec::new();
        if let Some(table) = &self.groups {
            sections.push(("overview", "Side by side", overview(table)));
            sections.push(("reliability", "Reliability", reliability(table, &palette)));
            sections.push(("scores", "Scores by kind", histograms(table, &palette)));
            sections.push(("detail", "By dimension and kind", detail(table)));
        }
        if let Some(table) = &self.solutions {
            sections.push(("solutions", "Solutions", solutions(table)));
        }
        if !self.facts.is_empty() {
            sections.push(("facts", "Models and files", page::facts(&self.facts)));
        }
        sections
    }
}

fn overview(table: &ScorerTable) -> String {
    let count = table.scorers.first().map_or(0, |(_, assessment)| assessment.groups);
    format!(
        "<p>{count} groups. Errors are standard errors clustered by problem; a tie in a pair is half right. The constant is \
         the best one for these very traces; the surface probe is a linear model that sees how a trace is written and not \
         what it says of the problem.</p>\n{}",
        grid(&table.overview())
    )
}

fn reliability(table: &ScorerTable, palette: &Palette) -> String {
    let diagonal = [0.0, 1.0].map(|at| Point { x: at, y: Some(at), error: None });
    let calibrated =
        Series { name: "calibrated".into(), classes: "c6 dashed".into(), points: diagonal.to_vec() };
    let scorers = table.scorers.iter().map(|(name, assessment)| Series {
        name: name.clone(),
        classes: palette.classes(name),
        points: assessment
            .total
            .reliability
            .iter()
            .map(|bin| Point { x: bin.predicted, y: Some(bin.observed), error: None })
            .collect(),
    });
    let chart = Chart {
        title: "Mean gold total".into(),
        unit: String::new(),
        x_title: "mean predicted total".into(),
        ruler: Ruler::Round,
        scale: Scale::Linear,
        stroke: Stroke::Joined,
        series: std::iter::once(calibrated).chain(scorers).collect(),
        remarks: Vec::new(),
    };
    let numbers: String = table
        .scorers
        .iter()
        .map(|(name, assessment)| {
            format!("<h4>{}</h4>\n{}", Escaped(name), grid(&table.reliability(assessment)))
        })
        .collect();
    format!(
        "<p>Traces by their predicted total, in ten ranges of equal width: what was predicted on average, and what the gold \
         total is on average.</p>\n<div class=\"charts\">\n{}</div>\n<details><summary>In numbers</summary>\n{numbers}\
         </details>\n",
        chart.figure()
    )
}

fn histograms(table: &ScorerTable, palette: &Palette) -> String {
    let mut html = String::from(
        "<p>How the scores of each kind are spread, as bars; those of the reference traces as an outline.</p>\n",
    );
    for (name, assessment) in &table.scorers {
        let reference = assessment.kinds.get(REFERENCE).map(|kind| kind.histogram.as_slice());
        let figures: String = assessment
            .kinds
            .iter()
            .map(|(kind, found)| {
                let outline = reference.filter(|_| kind != REFERENCE);
                let classes = palette.classes(name);
                Histogram { title: kind, classes, counts: &found.histogram, outline }.figure()
            })
            .collect();
        html.push_str(&format!("<h3>{}</h3>\n<div class=\"charts\">\n{figures}</div>\n", Escaped(name)));
    }
    html
}

fn detail(table: &ScorerTable) -> String {
    table
        .scorers
        .iter()
        .map(|(name, assessment)| {
            let (aspects, kinds) = (grid(&table.aspects(assessment)), grid(&table.by_kind(assessment)));
            format!("<h3>{}</h3>\n{aspects}{kinds}", Escaped(name))
        })
        .collect()
}

fn solutions(table: &SolutionTable) -> String {
    let mut html = grid(&table.discrimination());
    for (name, assessment) in &table.scorers {
        html.push_str(&format!(
            "<h3>Best of n by {}</h3>\n{}",
            Escaped(name),
            grid(&table.best_of(assessment))
        ));
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{DIMENSIONS, Label, Rubric, TaskDomain};
    use tracelift_reward::RubricScore;
    use tracelift_reward::assessment::{
        Assessment, Constant, ScoredGroup, ScoredSolution, ScoredTrace, SolutionAssessment,
    };

    fn report(name: &str, kind: &str) -> RubricReport {
        let trace = |kind: Option<&str>, label: u8, score: f64| ScoredTrace {
            kind: kind.map(str::to_owned),
            gold: Rubric::from_labels([Label::new(label).unwrap(); DIMENSIONS]),
            score: Ok(RubricScore {
                dimensions: [4.0 * score; DIMENSIONS],
                derived: score,
                total: score,
                score,
            }),
        };
        let groups: Vec<ScoredGroup> = (0..4)
            .map(|i| ScoredGroup {
                problem: format!("p{i}"),
                traces: vec![trace(None, 4, 0.9), trace(Some(kind), 2, 0.2 * f64::from(i) + 0.31)],
            })
            .collect();
        let solutions = (0..6).map(|i| ScoredSolution {
            problem: format!("p{}", i / 3),
            correct: i % 2 == 0,
            score: Ok(f64::from(i) / 10.0),
        });
        let solutions = SolutionAssessment::of(&solutions.collect::<Vec<_>>(), &[1, 2]);
        RubricReport {
            title: name.into(),
            groups: Some(ScorerTable {
                domain: TaskDomain::Math,
                scorers: vec![(name.into(), Assessment::of(&groups))],
                constant: Constant::of(&groups),
                probe: None,
            }),
            solutions: Some(SolutionTable {
                scorers: vec![(name.into(), solutions)],
                first_errors: Vec::new(),
            }),
            facts: vec![("groups".into(), name.into())],
        }
    }

    #[test]
    fn a_small_report_on_scorers() {
        let report = report("model", "slip");
        let head = Head { title: &report.title, subtitle: "", notes: &[] };
        insta::assert_snapshot!(page::body(&head, &report.sections()));
    }

    #[test]
    fn it_is_one_file_and_every_text_is_escaped() {
        let evil = "<script>\"'&";
        let html = report(evil, evil).to_html();
        for outside in ["http:", "https:", "src=", "<link", "@import", "url(", "<script", "NaN"] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(html.matches("&lt;script&gt;&quot;&#39;&amp;").count() >= 8);
        assert!(RubricReport::default().to_html().contains("</html>"));
    }
}
