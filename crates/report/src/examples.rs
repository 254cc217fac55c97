//! Sample traces: what the planners wrote, side by side.

use crate::{Attempt, Example, markup::Escaped, palette::Palette};

/// All examples, one below the other.
pub(crate) fn section(examples: &[Example], palette: &Palette) -> String {
    examples.iter().map(|example| article(example, palette)).collect()
}

fn article(example: &Example, palette: &Palette) -> String {
    let level = example.level.map(|level| format!(" <small>level {level}</small>")).unwrap_or_default();
    let gold = example
        .gold
        .as_ref()
        .map(|gold| format!("<p class=\"gold\"><span>gold</span> {}</p>\n", Escaped(gold)))
        .unwrap_or_default();
    let attempts: String = example.attempts.iter().map(|a| attempt(a, palette)).collect();
    format!(
        "<article class=\"example\">\n<h3>{}{level}</h3>\n<blockquote>{}</blockquote>\n{gold}\
         <div class=\"attempts\">\n{attempts}</div>\n</article>\n",
        Escaped(&example.problem_id),
        Escaped(&example.statement)
    )
}

fn attempt(attempt: &Attempt, palette: &Palette) -> String {
    let answer = mark(attempt.correct, ["answer right", "answer wrong", "answer unscored"]);
    let trace = if attempt.steps.is_empty() {
        String::new()
    } else {
        mark(attempt.verified, ["trace verified", "trace flawed", "trace not checked"])
    };
    let leaked =
        if attempt.leaked == Some(true) { "<span class=\"mark no\">✗ answer leaked</span>" } else { "" };
    let mut steps = String::new();
    for (index, step) in attempt.steps.iter().enumerate() {
        let flawed = attempt.first_flaw == Some(index);
        let (class, label) = if flawed { (" class=\"flaw\"", "<em>first flaw</em>") } else { ("", "") };
        steps.push_str(&format!("<li{class}>{}{label}</li>\n", Escaped(step)));
    }
    let trace_text = if steps.is_empty() {
        "<p class=\"none\">no trace</p>\n".to_owned()
    } else {
        format!("<ol>\n{steps}</ol>\n")
    };
    let part = |name: &str, text: &Option<String>| match text {
        Some(text) => format!("<p class=\"label\">{name}</p>\n<pre>{}</pre>\n", Escaped(text)),
        None => format!("<p class=\"none\">no {name}</p>\n"),
    };
    let completion = part("completion", &attempt.completion);
    // The completion of most executors is its artifact and nothing else.
    let artifact = match attempt.artifact == attempt.completion {
        true => String::new(),
        false => part("artifact", &attempt.artifact),
    };
    let verdict = match (&attempt.verdict, attempt.unknown_because.is_empty()) {
        (Some(verdict), true) => format!("<p class=\"label\">verdict: {}</p>\n", Escaped(verdict)),
        (verdict, false) => {
            let verdict = verdict.as_deref().unwrap_or("unknown");
            let causes = attempt.unknown_because.join(", ");
            format!("<p class=\"label\">verdict: {} ({})</p>\n", Escaped(verdict), Escaped(&causes))
        }
        (None, true) => String::new(),
    };
    format!(
        "<section class=\"attempt {}\">\n<h4><i></i>{}</h4>\n<p class=\"marks\">{answer}{trace}{leaked}</p>\n\
         {trace_text}{completion}{artifact}{verdict}</section>\n",
        palette.classes(&attempt.row),
        Escaped(&attempt.row)
    )
}

fn mark(known: Option<bool>, [yes, no, unknown]: [&str; 3]) -> String {
    match known {
        Some(true) => format!("<span class=\"mark yes\">✓ {yes}</span>"),
        Some(false) => format!("<span class=\"mark no\">✗ {no}</span>"),
        None => format!("<span class=\"mark\">? {unknown}</span>"),
    }
}
