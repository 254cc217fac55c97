//! Texts that others wrote, and numbers, as parts of pages.

use crate::markup::Escaped;
use maud::{Markup, PreEscaped, Render, html};
use tracelift_archive::Process;

/// Characters of a text that are shown at once.
const SHOWN: usize = 3000;
/// Characters of a text that a page holds at all.
const HELD: usize = 2_000_000;

/// A text that somebody else wrote, as text: nothing of it is markup, nothing that cannot be seen is left out, it directs nothing beside
/// it, and what is very long unfolds.
pub(super) struct Foreign<'a>(pub &'a str);

impl Render for Foreign<'_> {
    fn render(&self) -> Markup {
        let length = self.0.chars().count();
        if length <= SHOWN {
            return html! { bdi { (escaped(self.0)) } };
        }
        let (head, rest) = self.0.split_at(place(self.0, SHOWN / 2));
        let (held, beyond) = rest.split_at(place(rest, HELD));
        html! {
            bdi { (escaped(head)) } "…"
            details.more {
                summary { "show all " (length) " characters" }
                bdi { (escaped(held)) }
                @if !beyond.is_empty() { em { "The rest is in the file." } }
            }
        }
    }
}

/// A name that somebody else chose, cut where it is long.
pub(super) struct Name<'a>(pub &'a str);

impl Render for Name<'_> {
    fn render(&self) -> Markup {
        const LONGEST: usize = 120;
        let cut = place(self.0, LONGEST);
        html! { bdi { (escaped(&self.0[..cut])) @if cut < self.0.len() { "…" } } }
    }
}

fn place(text: &str, characters: usize) -> usize {
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

/// A text without markup, by the one function that escapes.
pub(super) fn escaped(text: &str) -> PreEscaped<String> {
    PreEscaped(Escaped(text).to_string())
}

/// A text of several lines, as they are.
pub(super) fn block(text: &str) -> Markup {
    html! { pre { (Foreign(text)) } }
}

/// A number to three digits, or that it is unknown.
pub(super) fn number(value: Option<f64>) -> Markup {
    match value {
        Some(value) => html! { (crate::axis::readable(value)) },
        None => html! { span.unknown title="unknown" { "–" } },
    }
}

/// A share in per cent.
pub(super) fn percent(value: Option<f64>) -> Markup {
    match value {
        Some(value) => html! { (format!("{:.1}", 100.0 * value)) },
        None => number(None),
    }
}

/// A time, for people.
pub(super) fn time(seconds: u64) -> Markup {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(i64::try_from(day).unwrap_or(0));
    let (hour, minute) = (second / 3600, second % 3600 / 60);
    let told = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}");
    html! { time datetime=(format!("{}Z", told.replace(' ', "T"))) title="UTC" { (told) } }
}

/// The date of a day since 1970, in the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Hours, or minutes where it is less than one.
pub(super) fn hours(value: Option<f64>) -> Markup {
    match value {
        Some(hours) if hours < 1.0 => html! { (format!("{:.1} min", 60.0 * hours)) },
        Some(hours) => html! { (format!("{hours:.1} h")) },
        None => number(None),
    }
}

/// A mark that something is so, is not, or is unknown.
pub(super) fn mark(known: Option<bool>, [yes, no, unknown]: [&str; 3]) -> Markup {
    match known {
        Some(true) => html! { span.mark.yes { "✓ " (yes) } " " },
        Some(false) => html! { span.mark.no { "✗ " (no) } " " },
        None => html! { span.mark { "? " (unknown) } " " },
    }
}

/// A trace line by line. Where an exact checker has judged it, the first flaw is marked, and what belongs there stands beside it.
pub(super) fn lines(trace: &str, process: Option<&Process>) -> Markup {
    let Some(process) = process else {
        let lines: Vec<String> = crate::site::words::split(trace);
        return html! { ol.lines { @for line in &lines { li { (Foreign(line)) } } } };
    };
    let flaw = |at: usize| process.first_flaw == Some(at);
    let correction = html! {
        em { "first flaw" }
        @match &process.expected {
            Some(expected) => span.expected { "should be " b { (Foreign(expected)) } },
            None => span.expected { "should not be there" },
        }
    };
    html! {
        ol.lines {
            @for (at, line) in process.steps.iter().enumerate() {
                li.flaw[flaw(at)] { (Foreign(line)) @if flaw(at) { (correction) } }
            }
            @if flaw(process.steps.len()) {
                li.flaw.missing { i { "missing" } em { "first flaw" }
                    @if let Some(expected) = &process.expected { span.expected { "should be " b { (Foreign(expected)) } } }
                }
            }
        }
    }
}

/// The lines of a trace: those of the text, or of a world's one-line trace the steps between its full stops.
pub(super) fn split(trace: &str) -> Vec<String> {
    if trace.contains(" . ") && !trace.trim().contains('\n') {
        trace
            .split(" . ")
            .map(|step| step.trim_end_matches(" .").to_owned())
            .filter(|step| !step.is_empty())
            .collect()
    } else {
        trace.lines().map(str::to_owned).collect()
    }
}

/// A bar from 0 to 1, with its number.
pub(super) fn meter(name: &str, value: f64, most: f64) -> Markup {
    let width = 100.0 * (value / most).clamp(0.0, 1.0);
    html! {
        div.meter {
            span { (Name(name)) }
            svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                rect.track width="100" height="8" {}
                rect.value width=(format!("{width:.1}")) height="8" {}
            }
            b { (crate::axis::readable(value)) }
        }
    }
}

/// What a reward is the sum of, as bars one behind the other from zero: what is positive to the right, what is not to the left.
pub(super) fn stack(terms: &[(&str, f64)]) -> Markup {
    const HALF: f64 = 60.0;
    let (mut right, mut left) = (HALF, HALF);
    let bars: Vec<(usize, f64, f64)> = terms
        .iter()
        .enumerate()
        .map(|(at, (_, value))| {
            let width = (value.abs() * HALF).min(HALF);
            if *value >= 0.0 {
                right += width;
                (at, right - width, width)
            } else {
                left -= width;
                (at, left, width)
            }
        })
        .collect();
    let told: Vec<String> =
        terms.iter().map(|(name, value)| format!("{name} = {}", crate::axis::readable(*value))).collect();
    html! {
        div.stack {
            svg viewBox="0 0 120 10" role="img" aria-label=(format!("reward parts: {}", told.join(", "))) {
                @for (at, x, width) in bars {
                    rect class=(format!("part{}", at % 5)) x=(format!("{x:.1}")) y="1" width=(format!("{width:.1}")) height="8" {}
                }
                path.zero d="M60 0V10" {}
            }
            ul {
                @for (at, (name, value)) in terms.iter().enumerate() {
                    li { i class=(format!("part{}", at % 5)) {} (name) " " b { (crate::axis::readable(*value)) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_are_texts() {
        let evil = "</script><img src=x onerror=alert(1)>\u{0}\u{1b}[2J\u{202e}\"'&";
        for shown in [Foreign(evil).render().0, Name(evil).render().0, block(evil).0, lines(evil, None).0] {
            assert!(!shown.contains("<img") && !shown.contains("</script"), "{shown}");
            assert!(shown.contains("␀␛[2J⟦U+202E⟧&quot;&#39;&amp;"), "{shown}");
            assert!(!shown.contains(['\u{0}', '\u{1b}', '\u{202e}']));
        }
    }

    #[test]
    fn what_is_long_unfolds() {
        let long = "ä".repeat(SHOWN + 5);
        let shown = Foreign(&long).render().0;
        assert!(shown.contains("show all 3005 characters"));
        assert_eq!(shown.matches('ä').count(), SHOWN + 5);
        let huge = Foreign(&"x".repeat(HELD + SHOWN)).render().0;
        assert!(huge.contains("The rest is in the file") && huge.len() < HELD + SHOWN + 1000);
        assert_eq!(Name(&long).render().0.matches('ä').count(), 120);
    }

    #[test]
    fn days_have_dates() {
        for (day, expected) in
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_787, (2026, 11, 30)), (-1, (1969, 12, 31))]
        {
            assert_eq!(date(day), expected);
        }
    }

    #[test]
    fn what_belongs_at_the_flaw_stands_beside_it() {
        let process = Process {
            steps: vec!["a = 1".into(), "b = 2".into()],
            first_flaw: Some(1),
            expected: Some("b = 3".into()),
            leaks: false,
            verified: false,
            level: 2,
        };
        let shown = lines("", Some(&process)).0;
        let flawed = shown.split("<li class=\"flaw\">").nth(1).unwrap();
        assert!(flawed.contains("b = 2") && flawed.contains("should be <b><bdi>b = 3</bdi></b>"), "{shown}");
        let missing = lines("", Some(&Process { first_flaw: Some(2), ..process })).0;
        assert!(missing.contains("missing") && missing.matches("first flaw").count() == 1, "{missing}");
    }
}
