//! The rollouts of a run by what is known of them.

use super::{
    Scene, View,
    frame::{choice, paged, way},
    trace::address,
    words::{Name, mark, number},
};
use maud::{Markup, html};
use tracelift_archive::{ArchiveError, RolloutIndex, RolloutNote};

/// Rollouts on a page.
const SHOWN: usize = 100;

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("run")?;
    let run = scene.archive.run(place)?;
    let filter = Filter::of(scene);
    let (all, count, page, pages, notes) = run.rollouts(|index| {
        let kept: Vec<&RolloutNote> = filter.kept(index);
        let (page, pages, range) = paged(scene.query, kept.len(), SHOWN);
        let notes: Vec<(RolloutNote, String)> = kept[range]
            .iter()
            .map(|note| ((*note).clone(), index.problems.get(note.problem).cloned().unwrap_or_default()))
            .collect();
        (index.all().count(), kept.len(), page, pages, notes)
    })?;
    let body = html! {
        (way(&[(place, scene.address("/run", &[("run", place)])), ("rollouts", None)]))
        h1 { "Rollouts " small { (count) " of " (all) } }
        (form(scene, place))
        div.wide { table.list {
            thead { tr { th { "step" } th { "problem" } th { "sample" } th { "answer" } th { "trace" } th { "reward" } th { "advantage" } th { "e" } th { "u" } th { "s" } th { "tokens" } } }
            tbody { @for (note, problem) in &notes { (row(scene, place, note, problem)) } }
        } }
        (scene.pages("/rollouts", page, pages))
    };
    Ok(View { live: true, ..View::of("Rollouts", body) })
}

/// What is wanted; what is not asked for is not looked at.
struct Filter<'a> {
    problem: Option<&'a str>,
    answer: Option<&'a str>,
    trace: Option<&'a str>,
    from: Option<u64>,
    to: Option<u64>,
    order: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn of(scene: &Scene<'a>) -> Filter<'a> {
        let query = scene.query;
        Filter {
            problem: query.get("problem"),
            answer: query.get("answer"),
            trace: query.get("trace"),
            from: query.number("from"),
            to: query.number("to"),
            order: query.get("order"),
        }
    }

    fn kept<'i>(&self, index: &'i RolloutIndex) -> Vec<&'i RolloutNote> {
        let mut problems: Vec<bool> = Vec::new();
        if let Some(wanted) = self.problem {
            problems = index.problems.iter().map(|problem| problem.contains(wanted)).collect();
        }
        let fits = |note: &&RolloutNote| {
            (self.problem.is_none() || problems.get(note.problem) == Some(&true))
                && self.from.is_none_or(|from| note.step >= from)
                && self.to.is_none_or(|to| note.step <= to)
                && self.answer.is_none_or(|answer| match answer {
                    "right" => note.e.is_some_and(|e| e >= 1.0),
                    "wrong" => note.e.is_some_and(|e| e < 1.0),
                    "unknown" => note.e.is_none(),
                    _ => true,
                })
                && self.trace.is_none_or(|trace| match trace {
                    "verified" => note.verified == Some(true),
                    "flawed" => note.verified == Some(false) && !note.defective,
                    "reasons" => note.verified == Some(false) && note.e.is_some_and(|e| e >= 1.0),
                    "none" => note.defective,
                    "leaked" => note.leaked == Some(true),
                    "cut" => note.truncated,
                    "unknown" => note.reward.is_none(),
                    _ => true,
                })
        };
        let mut kept: Vec<&RolloutNote> = index.all().filter(fits).collect();
        let key = |note: &RolloutNote| match self.order {
            Some("advantage" | "-advantage") => note.advantage,
            Some("reward" | "-reward") => note.total(),
            Some("u" | "-u") => note.u,
            Some("s" | "-s") => note.s,
            Some("tokens" | "-tokens") => Some(note.tokens as f64),
            _ => None,
        };
        match self.order {
            None => {}
            Some("newest") => kept.reverse(),
            // What is unknown comes last, either way.
            Some(order) => {
                let sign = if order.starts_with('-') { -1.0 } else { 1.0 };
                kept.sort_by(|one, other| {
                    let of = |note: &RolloutNote| key(note).map_or(f64::INFINITY, |value| sign * value);
                    of(one).total_cmp(&of(other))
                });
            }
        }
        kept
    }
}

fn form(scene: &Scene<'_>, place: &str) -> Markup {
    let query = scene.query;
    let answers = [("", "any"), ("right", "right"), ("wrong", "wrong"), ("unknown", "unknown")];
    let traces = [
        ("", "any"),
        ("verified", "verified"),
        ("flawed", "flawed"),
        ("reasons", "right for wrong reasons"),
        ("none", "no usable trace"),
        ("leaked", "answer leaked"),
        ("cut", "cut off"),
        ("unknown", "reward unknown"),
    ];
    let orders = [
        ("", "by step"),
        ("newest", "newest first"),
        ("-advantage", "highest advantage"),
        ("advantage", "lowest advantage"),
        ("-reward", "highest reward"),
        ("reward", "lowest reward"),
        ("-u", "highest uplift"),
        ("u", "lowest uplift"),
        ("-s", "highest rubric score"),
        ("s", "lowest rubric score"),
        ("-tokens", "longest"),
        ("tokens", "shortest"),
    ];
    html! {
        form.filters method="get" action="/rollouts" {
            input type="hidden" name="run" value=(place);
            label { span { "problem" } input type="search" name="problem" value=[query.get("problem")]; }
            (choice("answer", "answer", query.get("answer"), &answers))
            (choice("trace", "trace", query.get("trace"), &traces))
            label { span { "from step" } input type="number" name="from" min="1" value=[query.get("from")]; }
            label { span { "to step" } input type="number" name="to" min="1" value=[query.get("to")]; }
            (choice("order", "order", query.get("order"), &orders))
            button { "show" }
        }
    }
}

fn row(scene: &Scene<'_>, place: &str, note: &RolloutNote, problem: &str) -> Markup {
    html! {
        tr data-item {
            td { (note.step) }
            th scope="row" { @match address(scene, place, note) { Some(to) => a href=(to) { (Name(problem)) }, None => (Name(problem)) } }
            td { (note.group) "/" (note.sample) }
            td.left { (mark(note.e.map(|e| e >= 1.0), ["right", "wrong", "unknown"])) }
            td.left {
                @if note.defective { span.mark.no { "✗ none" } } @else { (mark(note.verified, ["verified", "flawed", "not checked"])) }
                @if note.leaked == Some(true) { span.mark.no { " leaked" } }
            }
            @for value in [note.total(), note.advantage, note.e, note.u, note.s] { td { (number(value)) } }
            td { (note.tokens) }
        }
    }
}
