//! What a table shows of suites, of several samples a problem, and of several executors.

use super::{Executors, Table, estimate_cell};
use crate::row::Mean;
use crate::{Estimate, Grid, Metric, RowSummary, Several};
use std::collections::BTreeSet;
use tracelift_domain::{Fingerprint, TaskDomain};

/// What stands in a cell of which nothing is known.
const NOTHING: &str = "–";

impl Table {
    /// The benchmarks that any row has, in the order of the suite.
    #[must_use]
    pub fn benchmarks(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for summary in self.rows.iter().flat_map(|row| &row.benchmarks) {
            if !names.contains(&summary.benchmark.as_str()) {
                names.push(&summary.benchmark);
            }
        }
        names
    }

    /// The rows by the benchmarks and their averages, for one metric; `None` where no suite was evaluated or nothing is known.
    #[must_use]
    pub fn benchmark_grid(&self, metric: Metric) -> Option<Grid> {
        let names = self.benchmarks();
        if names.is_empty() || !self.measured().any(|measured| measured == metric) {
            return None;
        }
        let domains: BTreeSet<TaskDomain> = self
            .rows
            .iter()
            .flat_map(|row| row.averages.iter().filter_map(|average| average.domain))
            .collect();
        // An average over one benchmark is that benchmark.
        let several = |domain: Option<TaskDomain>| {
            self.rows.iter().any(|row| row.average(domain).is_some_and(|average| average.benchmarks > 1))
        };
        let averages: Vec<Option<TaskDomain>> =
            domains.into_iter().map(Some).chain([None]).filter(|domain| several(*domain)).collect();
        let mut header = self.names_header();
        header.extend(names.iter().map(|name| (*name).to_owned()));
        for domain in &averages {
            let of = domain.map_or_else(String::new, |domain| format!("{}, ", domain.name()));
            header.extend(["micro", "macro"].map(|kind| format!("{of}{kind}")));
        }
        let rows = self.rows.iter().map(|row| {
            let mut cells = self.names(row);
            cells.extend(names.iter().map(|name| {
                row.benchmark(name)
                    .map_or(NOTHING.to_owned(), |summary| estimate_cell(metric, &summary.estimates))
            }));
            for domain in &averages {
                let average = row.average(*domain);
                cells.push(average.map_or(NOTHING.to_owned(), |found| estimate_cell(metric, &found.micro)));
                cells.push(mean_cell(metric, average.and_then(|found| found.r#macro.get(&metric))));
            }
            cells
        });
        Some(Grid { header, rows: rows.collect() })
    }

    /// Each benchmark with all metrics, by name.
    pub(super) fn benchmark_grids(&self) -> Vec<(String, Grid)> {
        let grid = |name: &&str| {
            let of = |row: &RowSummary, metric: Metric| {
                row.benchmark(name).and_then(|summary| summary.estimates.get(&metric)?.mean)
            };
            let metrics: Vec<Metric> = Metric::ALL
                .into_iter()
                .filter(|metric| self.rows.iter().any(|row| of(row, *metric).is_some()))
                .collect();
            let mut header = self.names_header();
            header.extend(metrics.iter().map(|metric| metric.title().to_owned()));
            header.extend(["problems", "samples"].map(str::to_owned));
            let rows = self.rows.iter().filter_map(|row| {
                let summary = row.benchmark(name)?;
                let mut cells = self.names(row);
                cells.extend(metrics.iter().map(|metric| estimate_cell(*metric, &summary.estimates)));
                cells.extend([summary.problems.to_string(), summary.samples.to_string()]);
                Some(cells)
            });
            ((*name).to_owned(), Grid { header, rows: rows.collect() })
        };
        self.benchmarks().iter().map(grid).collect()
    }

    /// pass@k and majority@n, where problems have several samples.
    #[must_use]
    pub fn several_grid(&self) -> Option<Grid> {
        let found: Vec<(&RowSummary, &Several)> =
            self.rows.iter().filter_map(|row| Some((row, row.several.as_ref()?))).collect();
        let n = found.iter().map(|(_, several)| several.n).max()?;
        let sizes: BTreeSet<usize> =
            found.iter().flat_map(|(_, several)| several.pass_at.keys().copied()).collect();
        let voted = found.iter().any(|(_, several)| several.majority.is_some());
        let mut header = self.names_header();
        header.push(format!("average@{n}"));
        header.extend(sizes.iter().map(|k| format!("pass@{k}")));
        header.extend(voted.then(|| format!("majority@{n}")));
        let cell = |estimate: Option<&Estimate>| {
            let Some((estimate, mean)) = estimate.and_then(|found| Some((found, found.mean?))) else {
                return NOTHING.to_owned();
            };
            mean_cell(Metric::Accuracy, Some(&Mean { mean, standard_error: estimate.standard_error }))
        };
        let rows = found.into_iter().map(|(row, several)| {
            let mut cells = self.names(row);
            cells.push(estimate_cell(Metric::Accuracy, &row.estimates));
            cells.extend(sizes.iter().map(|k| cell(several.pass_at.get(k))));
            cells.extend(voted.then(|| cell(several.majority.as_ref())));
            cells
        });
        Some(Grid { header, rows: rows.collect() })
    }

    /// What the rows cost in all; `None` where nobody counted. Baselines count where they were asked for, beside the first row.
    #[must_use]
    pub fn cost_grid(&self) -> Option<Grid> {
        let of = |row: &RowSummary, metric: Metric| {
            let estimate = row.estimate(metric)?;
            Some(estimate.mean? * estimate.samples as f64)
        };
        let costs = [
            (Metric::TraceTokens, "planner tokens"),
            (Metric::ExecutorCalls, "executor calls"),
            (Metric::ExecutorTokens, "executor tokens"),
            (Metric::Seconds, "seconds"),
        ];
        let counted: Vec<(Metric, &str)> = costs
            .into_iter()
            .filter(|(metric, _)| self.rows.iter().any(|row| of(row, *metric).is_some()))
            .collect();
        if !counted.iter().any(|(metric, _)| metric.is_cost()) {
            return None;
        }
        let mut header = self.names_header();
        header.extend(counted.iter().map(|(_, title)| (*title).to_owned()));
        let rows =
            self.rows.iter().map(|row| {
                let mut cells = self.names(row);
                cells.extend(counted.iter().map(|(metric, _)| {
                    of(row, *metric).map_or(NOTHING.to_owned(), |sum| format!("{sum:.0}"))
                }));
                cells
            });
        Some(Grid { header, rows: rows.collect() })
    }

    /// The planners by the executors that read them, for one metric; `None` unless that is what the table shows.
    #[must_use]
    pub fn transfer_grid(&self, metric: Metric) -> Option<Grid> {
        if self.executors != Executors::Transfer || !self.measured().any(|measured| measured == metric) {
            return None;
        }
        let mut executors: Vec<&Fingerprint> = Vec::new();
        let mut planners: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !executors.contains(&&row.executor) {
                executors.push(&row.executor);
            }
            if !planners.contains(&row.row.as_str()) {
                planners.push(&row.row);
            }
        }
        let header = std::iter::once("planner".to_owned())
            .chain(executors.iter().map(|executor| self.executor_name(executor)));
        let row = |planner: &&str| {
            let cell = |executor: &&Fingerprint| {
                let found = self.rows.iter().find(|row| row.row == *planner && row.executor == **executor);
                let Some(row) = found else { return NOTHING.to_owned() };
                let own = if self.is_trained_with(row) { " *" } else { "" };
                estimate_cell(metric, &row.estimates) + own
            };
            std::iter::once((*planner).to_owned()).chain(executors.iter().map(cell)).collect()
        };
        Some(Grid { header: header.collect(), rows: planners.iter().map(row).collect() })
    }

    /// What must be said below of traces that cannot be used, and of what was trained with whom.
    pub(super) fn suite_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for row in self.rows.iter().filter(|row| !row.defects.is_empty()) {
            let defects: Vec<String> =
                row.defects.iter().map(|(name, count)| format!("{name} {count}")).collect();
            let under = match self.executors {
                Executors::Same => String::new(),
                Executors::Transfer => format!(" ({})", self.executor_name(&row.executor)),
            };
            let note = format!("Without a usable trace in {}{under}: {}.", row.row, defects.join(", "));
            notes.push(note);
        }
        if self.benchmarks().len() > 1 {
            notes.push("micro: every sample counts alike; macro: every benchmark does.".to_owned());
        }
        if self.measured().any(|metric| metric == Metric::ExactlyExecuted) {
            notes.push(
                "Procedures: the first answer stated, any of them, none; carried out with exactly as many steps as there are, with fewer, with \
                 more."
                    .to_owned(),
            );
        }
        if self.executors == Executors::Transfer && self.rows.iter().any(|row| self.is_trained_with(row)) {
            notes.push("* trained with this executor.".to_owned());
        }
        for data in self.made.iter().flat_map(|made| &made.data) {
            let Some(found) = data.contamination.as_ref() else { continue };
            let of = data.benchmark.as_deref().unwrap_or("the problems");
            notes.push(format!(
                "Contamination of {of}: {} of {} problems are like something that was trained on ({} are too short to tell).",
                found.problems.len(),
                data.problems,
                found.too_short
            ));
        }
        notes
    }
}

fn mean_cell(metric: Metric, mean: Option<&Mean>) -> String {
    let Some(Mean { mean, standard_error }) = mean else { return NOTHING.to_owned() };
    let error = standard_error.map(|error| format!(" ± {:.1}", metric.scaled(error)));
    metric.format(*mean) + &error.unwrap_or_default()
}
