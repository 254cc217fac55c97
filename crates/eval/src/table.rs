//! Tables: rows side by side, for one frozen executor.

use crate::{Difference, EvalError, Grid, Metric, Provenance, RowSummary, metric::signed, row::LevelSummary};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tracelift_domain::Fingerprint;

/// What may stand in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executors {
    /// Rows of one executor: a difference between rows is the planner's.
    Same,
    /// Rows of any executors: how planners transfer between executors is what the table shows.
    Transfer,
}

/// The evaluation table. It cannot hold rows that must not be compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    executors: Executors,
    rows: Vec<RowSummary>,
    differences: Vec<Difference>,
    /// What the results are of, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<Provenance>,
}

/// A count of a row, with what heads its column.
type Count = (&'static str, fn(&RowSummary) -> usize);

impl Table {
    /// Puts rows side by side.
    ///
    /// # Errors
    /// When executors differ although the table is to be of one, or two rows have one name and executor.
    pub fn new(rows: Vec<RowSummary>, executors: Executors) -> Result<Table, EvalError> {
        if let (Executors::Same, Some(first)) = (executors, rows.first())
            && let Some(other) = rows.iter().find(|row| row.executor != first.executor)
        {
            return Err(EvalError::MixedExecutors {
                first_row: first.row.clone(),
                first: first.executor.clone(),
                row: other.row.clone(),
                executor: other.executor.clone(),
            });
        }
        let mut seen = BTreeSet::new();
        for row in &rows {
            if !seen.insert((&row.row, &row.executor)) {
                return Err(EvalError::DuplicateRow { row: row.row.clone(), executor: row.executor.clone() });
            }
        }
        Ok(Table { executors, rows, differences: Vec::new(), made: None })
    }

    /// Says what the results are of.
    #[must_use]
    pub fn made(self, made: Provenance) -> Table {
        Table { made: Some(made), ..self }
    }

    /// What the results are of, where that is known.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.made.as_ref()
    }

    /// Adds a difference between two rows of the table.
    ///
    /// # Errors
    /// When one of them is not in the table with the executor of the difference.
    pub fn add_difference(&mut self, difference: Difference) -> Result<(), EvalError> {
        for name in [&difference.row, &difference.against] {
            if !self.rows.iter().any(|row| row.row == *name && row.executor == difference.executor) {
                let known: Vec<String> = self
                    .rows
                    .iter()
                    .map(|row| format!("`{}` (executor {})", row.row, row.executor))
                    .collect();
                let row = format!("{name} (executor {})", difference.executor);
                let known = known.join(", ");
                return Err(EvalError::UnknownRow { row, known });
            }
        }
        self.differences.push(difference);
        Ok(())
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[RowSummary] {
        &self.rows
    }

    /// The differences.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// `evaluation.json`.
    ///
    /// # Errors
    /// When a number cannot be written as JSON.
    pub fn json(&self) -> Result<String, EvalError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|source| EvalError::Encode { what: "an evaluation", source })?;
        Ok(text + "\n")
    }

    /// The rows by the metrics that any row has. What a sample costs stands in [`Table::cost_grid`].
    #[must_use]
    pub fn grid(&self) -> Grid {
        let metrics: Vec<Metric> =
            self.measured().filter(|metric| !metric.is_cost() && !self.is_expected(*metric)).collect();
        let counts = self.uneven_counts();
        let mut header = self.names_header();
        header.extend(metrics.iter().map(|metric| metric.title().to_owned()));
        header.extend(counts.iter().map(|(title, _)| (*title).to_owned()));
        let rows = self.rows.iter().map(|row| {
            let mut cells = self.names(row);
            cells.extend(metrics.iter().map(|metric| estimate_cell(*metric, &row.estimates)));
            cells.extend(counts.iter().map(|(_, count)| count(row).to_string()));
            cells
        });
        Grid { header, rows: rows.collect() }
    }

    /// The rows by the levels of difficulty, for one metric; `None` if there are not two levels or nothing is known.
    #[must_use]
    pub fn level_grid(&self, metric: Metric) -> Option<Grid> {
        self.grid_by("level", metric, |row| &row.levels)
    }

    /// The same by how far steps of procedures reach back.
    #[must_use]
    pub fn look_back_grid(&self, metric: Metric) -> Option<Grid> {
        self.grid_by("look-back", metric, |row| &row.look_backs)
    }

    fn grid_by(
        &self,
        title: &str,
        metric: Metric,
        of: fn(&RowSummary) -> &Vec<LevelSummary>,
    ) -> Option<Grid> {
        let levels: BTreeSet<u32> =
            self.rows.iter().flat_map(|row| of(row).iter().map(|summary| summary.level)).collect();
        if levels.len() < 2 || !self.measured().any(|measured| measured == metric) {
            return None;
        }
        let mut header = self.names_header();
        header.extend(levels.iter().map(|level| format!("{title} {level}")));
        let rows = self.rows.iter().map(|row| {
            let mut cells = self.names(row);
            cells.extend(levels.iter().map(|level| {
                let found = of(row).iter().find(|summary| summary.level == *level);
                found.map_or("–".to_owned(), |LevelSummary { estimates, .. }| {
                    estimate_cell(metric, estimates)
                })
            }));
            cells
        });
        Some(Grid { header, rows: rows.collect() })
    }

    /// The levels that any row has, in order.
    #[must_use]
    pub fn levels(&self) -> Vec<u32> {
        let levels: BTreeSet<u32> =
            self.rows.iter().flat_map(|row| row.levels.iter().map(|summary| summary.level)).collect();
        levels.into_iter().collect()
    }

    /// The differences between rows; `None` if none was asked for.
    #[must_use]
    pub fn difference_grid(&self) -> Option<Grid> {
        let rows: Vec<Vec<String>> = self.differences.iter().map(difference_cells).collect();
        let header = ["comparison", "metric", "difference", "95 % interval", "problems", "unpaired"];
        (!rows.is_empty()).then(|| Grid { header: header.map(str::to_owned).to_vec(), rows })
    }

    /// What must be said below the table: units, executor, counts, and whatever is unknown.
    #[must_use]
    pub fn footnotes(&self) -> Vec<String> {
        let mut notes = vec![
            "Means ± standard errors clustered by problem. Shares in per cent, uplift in percentage points."
                .to_owned(),
        ];
        if self.measured().any(|metric| metric == Metric::VerifiedAccuracy) {
            notes.push(
                "verified: answer and trace right. wrong reasons: answer right, trace not; wrong if right: the same as \
                 a share of right answers."
                    .to_owned(),
            );
        }
        if let (Executors::Same, Some(row)) = (self.executors, self.rows.first()) {
            notes.push(format!("Executor {}, the same in every row.", row.executor));
        }
        if let (Some(row), true) = (self.rows.first(), self.uneven_counts().is_empty()) {
            let unscored = unscored(row);
            notes.push(format!(
                "{} problems, {} samples, {unscored} unscored in each row.",
                row.problems, row.samples
            ));
        }
        notes.extend(self.suite_notes());
        notes.extend(self.unknown_notes());
        let missing: Vec<&str> = Metric::ALL
            .into_iter()
            .filter(|m| self.rows.iter().any(|row| row.estimate(*m).is_some()))
            .filter(|m| !self.measured().any(|n| n == *m))
            .map(Metric::title)
            .collect();
        if !missing.is_empty() {
            notes.push(format!("Not measured: {}.", missing.join(", ")));
        }
        notes
    }

    /// What is unknown beside the unscored answers; metrics and rows that lack the same are told together.
    fn unknown_notes(&self) -> Vec<String> {
        let mut lacks: Vec<(String, Vec<&str>)> = Vec::new();
        for row in &self.rows {
            let mut metrics: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
            for metric in self.measured().filter(|metric| *metric != Metric::Accuracy) {
                let unknown = row.estimate(metric).map_or(0, |estimate| estimate.unscored);
                metrics.entry(unknown).or_default().push(metric.title());
            }
            for (unknown, metrics) in metrics.into_iter().filter(|(unknown, _)| *unknown > 0) {
                let lack = format!("{unknown} of {} samples for {}", row.samples, metrics.join(", "));
                match lacks.iter_mut().find(|(known, _)| *known == lack) {
                    Some((_, rows)) => rows.push(&row.row),
                    None => lacks.push((lack, vec![&row.row])),
                }
            }
        }
        let note = |(lack, rows): (String, Vec<&str>)| {
            format!("Unknown and left out: {lack} ({}).", rows.join("; "))
        };
        lacks.into_iter().map(note).collect()
    }

    /// Everything as plain text for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.grid().text();
        for note in self.footnotes() {
            text.push_str(&format!("  {note}\n"));
        }
        for (title, grid) in self.further_grids() {
            text.push_str(&format!("\n{title}\n{}", grid.text()));
        }
        text
    }

    /// Everything as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = self.grid().markdown();
        text.push('\n');
        for note in self.footnotes() {
            text.push_str(&format!("- {note}\n"));
        }
        for (title, grid) in self.further_grids().into_iter().chain(self.benchmark_grids()) {
            text.push_str(&format!("\n**{title}**\n\n{}", grid.markdown()));
        }
        text
    }

    /// The grids below the main one, each with its title.
    #[must_use]
    pub fn further_grids(&self) -> Vec<(String, Grid)> {
        let levels = [Metric::Accuracy, Metric::VerifiedAccuracy, Metric::ExactlyExecuted]
            .into_iter()
            .filter_map(|metric| Some((format!("{} by level", metric.title()), self.level_grid(metric)?)));
        let look_backs = [Metric::Accuracy, Metric::ExactlyExecuted].into_iter().filter_map(|metric| {
            Some((format!("{} by look-back", metric.title()), self.look_back_grid(metric)?))
        });
        let differences = self.difference_grid().map(|grid| ("differences".to_owned(), grid));
        let suite = [Metric::Accuracy, Metric::Uplift].into_iter().filter_map(|metric| {
            Some((format!("{} by benchmark", metric.title()), self.benchmark_grid(metric)?))
        });
        let transfer = [Metric::Accuracy, Metric::Uplift].into_iter().filter_map(|metric| {
            Some((format!("{} by executor", metric.title()), self.transfer_grid(metric)?))
        });
        let cost = self.cost_grid().map(|grid| ("cost".to_owned(), grid));
        let several = self.several_grid().map(|grid| ("several samples a problem".to_owned(), grid));
        suite
            .chain(transfer)
            .chain(several)
            .chain(levels)
            .chain(look_backs)
            .chain(differences)
            .chain(cost)
            .collect()
    }

    /// The metrics that at least one row knows.
    pub fn measured(&self) -> impl Iterator<Item = Metric> {
        Metric::ALL.into_iter().filter(|metric| {
            self.rows.iter().any(|row| row.estimate(*metric).is_some_and(|estimate| estimate.mean.is_some()))
        })
    }

    /// Whether a metric is in every row what anybody expects.
    fn is_expected(&self, metric: Metric) -> bool {
        let means = self.rows.iter().filter_map(|row| row.estimate(metric)?.mean);
        means.into_iter().all(|mean| metric.is_expected(mean))
    }

    /// The counts that are not the same in every row; the others go into a footnote.
    fn uneven_counts(&self) -> Vec<Count> {
        let counts: [Count; 3] =
            [("problems", |row| row.problems), ("samples", |row| row.samples), ("unscored", unscored)];
        let uneven =
            counts.iter().any(|(_, count)| self.rows.windows(2).any(|w| count(&w[0]) != count(&w[1])));
        if uneven { counts.to_vec() } else { Vec::new() }
    }

    fn names_header(&self) -> Vec<String> {
        let executor = (self.executors == Executors::Transfer).then(|| "executor".to_owned());
        std::iter::once("planner".to_owned()).chain(executor).collect()
    }

    fn names(&self, row: &RowSummary) -> Vec<String> {
        let executor = (self.executors == Executors::Transfer).then(|| {
            let own = if self.is_trained_with(row) { " *" } else { "" };
            self.executor_name(&row.executor) + own
        });
        std::iter::once(row.row.clone()).chain(executor).collect()
    }

    /// What an executor is called: its name, or the beginning of its fingerprint.
    fn executor_name(&self, executor: &Fingerprint) -> String {
        let made = self.made.iter().flat_map(|made| &made.executors);
        let known = made.into_iter().find(|made| made.fingerprint == *executor);
        known.map_or_else(|| executor.to_string(), |made| made.name.clone())
    }

    /// Whether the planner of a row was trained with the row's executor.
    fn is_trained_with(&self, row: &RowSummary) -> bool {
        let planners = self.made.iter().flat_map(|made| &made.planners);
        let run = planners.into_iter().find(|made| made.row == row.row).and_then(|made| made.run.as_ref());
        run.is_some_and(|run| run.executor.as_ref() == Some(&row.executor))
    }
}
/// Samples of a row whose answer could not be judged.
fn unscored(row: &RowSummary) -> usize {
    row.estimate(Metric::Accuracy).map_or(0, |estimate| estimate.unscored)
}

fn estimate_cell(metric: Metric, estimates: &BTreeMap<Metric, crate::Estimate>) -> String {
    let Some((estimate, mean)) = estimates.get(&metric).and_then(|e| Some((e, e.mean?))) else {
        return "–".to_owned();
    };
    let error = estimate.standard_error.map(|error| format!(" ± {:.1}", metric.scaled(error)));
    metric.format(mean) + &error.unwrap_or_default()
}

fn difference_cells(d: &Difference) -> Vec<String> {
    let points = |value: f64| signed(d.metric.scaled(value));
    let error = d.standard_error.map(|error| format!(" ± {:.1}", d.metric.scaled(error)));
    vec![
        format!("{} − {}", d.row, d.against),
        d.metric.title().to_owned(),
        points(d.difference) + &error.unwrap_or_default(),
        format!("{} … {}", points(d.interval.0), points(d.interval.1)),
        d.problems.to_string(),
        d.unpaired.to_string(),
    ]
}

mod suite;
#[cfg(test)]
mod tests;
