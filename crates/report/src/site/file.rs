//! The same views as one file that needs nothing else: for sending on.

use super::{
    Links, Query, STYLE, Scene, Site, compared, curves, evaluation, run, sample, scorers,
    words::{Name, escaped},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tracelift_archive::{ArchiveError, Contents, What};

/// Problems of an evaluation that are shown whole.
const EXAMPLES: usize = 8;

impl Site {
    /// Some places of the folder as one file.
    ///
    /// # Errors
    /// When a place holds nothing that could be shown, or is damaged.
    pub fn file(&self, title: &str, places: &[String]) -> Result<String, ArchiveError> {
        let contents = self.archive.contents();
        let mut body = html! {};
        for place in places {
            let part = self.part(place, &contents)?;
            body = html! { (body) (part) };
        }
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    title { (escaped(title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        h1 { (Name(title)) }
                        (body)
                        p.note { "Made by tracelift " (env!("CARGO_PKG_VERSION")) ". What was not measured is left out or shown as –, never as zero." }
                    }
                }
            }
        };
        Ok(page.into_string())
    }

    /// What there is to show of a place: runs by their curves, evaluations by their tables and examples, several by their comparison.
    fn part(&self, place: &str, contents: &Contents) -> Result<Markup, ArchiveError> {
        self.archive.resolve(place)?;
        let below = |other: &str| place == "." || other == place || other.starts_with(&format!("{place}/"));
        let runs: Vec<&str> =
            contents.runs.iter().map(|run| run.place.as_str()).filter(|run| below(run)).collect();
        let evaluations: Vec<&str> = contents
            .evaluations
            .iter()
            .map(|found| found.place.as_str())
            .filter(|found| below(found))
            .collect();
        let reports: Vec<&str> =
            contents.of(What::Scorers).map(|file| file.place.as_str()).filter(|file| below(file)).collect();
        if runs.is_empty() && evaluations.is_empty() && reports.is_empty() {
            return Err(ArchiveError::Other {
                place: place.to_owned(),
                what: "run, evaluation, experiment or report on reward models",
            });
        }
        let query = Query::of(&[("at", place)]);
        let scene = Scene { archive: &self.archive, query: &query, links: Links::Nowhere };
        let trained: Vec<&str> = runs
            .iter()
            .copied()
            .filter(|place| contents.runs.iter().any(|run| run.place == *place && run.kind == "grpo"))
            .collect();
        let mut body = html! { h2.place { (Name(place)) } };
        for found in &evaluations {
            let samples = self.archive.samples(found)?;
            body = html! { (body) section { h2 { "Evaluation " small { (Name(found)) } } (evaluation::content(&scene, &samples)?) } };
        }
        if trained.len() > 1 && !evaluations.is_empty() {
            body = html! { (body) (compared::content(&scene)?) };
        }
        for (title, of) in [("Learning curves", &trained), ("Other trainings", &self.others(&runs, &trained))]
        {
            if !of.is_empty() {
                let drawn = match curves::of(&scene, of) {
                    Ok(drawn) => curves::panel(&scene, &drawn),
                    Err(error) => curves::fault(&error),
                };
                body = html! { (body) section { h2 { (title) } (drawn) } };
            }
        }
        for found in &evaluations {
            let samples = self.archive.samples(found)?;
            body = html! { (body) section { h2 { "Sample traces " small { (Name(found)) } } (sample::telling(&samples, EXAMPLES)) } };
        }
        for report in reports {
            body = html! { (body) section { h2 { "Reward models " small { (Name(report)) } } (scorers::content(&*self.archive.scorers(report)?)) } };
        }
        if let [only] = runs[..] {
            let found = self.archive.run(only)?;
            body = html! { (body) section { (run::head(&scene, &found, &found.overview()?)) } };
        }
        Ok(body)
    }

    fn others<'r>(&self, runs: &[&'r str], trained: &[&str]) -> Vec<&'r str> {
        runs.iter().copied().filter(|run| !trained.contains(run)).collect()
    }
}
