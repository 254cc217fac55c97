//! The viewer: one self-contained page in which a person reads groups, with what was changed marked.

use crate::markup::Escaped;
use std::fmt::Write;
use tracelift_domain::{Group, Rubric, rubric::dimension_names};
use tracelift_groups::survey::Survey;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2733;--paper:#fdfdfb;--rule:#d9dde2;--quiet:#5d6975;--out:#ffd9d2;--in:#cdeccf}\n\
@media(prefers-color-scheme:dark){:root{--ink:#e4e7ea;--paper:#15191e;--rule:#333b44;--quiet:#9aa5b1;--out:#5c2a23;--in:#224d2a}}\n\
body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem}h3{font-size:1rem;margin:.2rem 0}\n\
pre{white-space:pre-wrap;font:14px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}\n\
article{border-top:1px solid var(--rule);padding-top:1rem;margin-top:2rem}\n\
.traces{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));gap:1rem}\n\
.trace{border:1px solid var(--rule);border-radius:6px;padding:.6rem .8rem}\n\
del{background:var(--out)}ins{background:var(--in);text-decoration:none}\n\
.quiet{color:var(--quiet);font-size:.85rem}summary{cursor:pointer}\n";

/// Most words of a trace that are compared; longer ones are shown without marks.
const COMPARED: usize = 1200;

/// The page: a file's survey, and some of its groups.
#[must_use]
pub fn groups_page(title: &str, survey: &Survey, groups: &[Group]) -> String {
    let articles: String = groups.iter().map(article).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{0}</h1>\n<p class=\"quiet\">What a flawed trace leaves out of its reference is <del>marked so</del>, what it \
         puts in <ins>so</ins>. {1} of {2} groups are shown.</p>\n<details open><summary>Counts and shortcut \
         report</summary>\n<pre>{3}</pre>\n</details>\n{articles}</body>\n</html>\n",
        escaped(title),
        groups.len(),
        survey.groups,
        escaped(&survey.to_string())
    )
}

/// A group: its problem, its reference traces, its flawed ones with what was changed.
pub(crate) fn article(group: &Group) -> String {
    let reference = group.positive_pool.first().map_or("", |positive| positive.reasoning.as_str());
    let mut html = format!(
        "<article>\n<h2>{}</h2>\n<p class=\"quiet\">{} · {}</p>\n<blockquote>{}</blockquote>\n<div class=\"traces\">\n",
        escaped(&group.problem_id),
        escaped(&group.source),
        group.task_type.name(),
        escaped(&group.problem)
    );
    for positive in &group.positive_pool {
        let rubric = rubric(group, &positive.rubric);
        let text = escaped(&positive.reasoning);
        // Writing to a string cannot fail.
        let _ = write!(
            html,
            "<section class=\"trace\">\n<h3>reference</h3>\n<p class=\"quiet\">{rubric}</p>\n<pre>{text}</pre>\n</section>\n"
        );
    }
    for negative in &group.negative_bank {
        let rubric = rubric(group, &negative.rubric);
        let told =
            |key: &str| negative.extra.get(key).filter(|value| !value.is_null()).map(ToString::to_string);
        let facts: Vec<String> =
            [("source", "made by"), ("rule", "form"), ("flaw_sort", "sort"), ("flaw_step", "step")]
                .into_iter()
                .filter_map(|(key, name)| {
                    told(key).map(|value| format!("{name} {}", value.trim_matches('"')))
                })
                .collect();
        let _ = write!(
            html,
            "<section class=\"trace\">\n<h3>{}</h3>\n<p class=\"quiet\">{}</p>\n<p class=\"quiet\">{rubric}</p>\n\
             <pre>{}</pre>\n</section>\n",
            escaped(&negative.negative_kind),
            escaped(&facts.join(" · ")),
            marked(reference, &negative.reasoning)
        );
    }
    html.push_str("</div>\n</article>\n");
    html
}

fn rubric(group: &Group, map: &std::collections::BTreeMap<String, f64>) -> String {
    match Rubric::from_map(group.task_type, map) {
        Ok(rubric) => {
            let labels: Vec<String> = dimension_names(group.task_type)
                .iter()
                .zip(rubric.labels)
                .map(|(name, label)| format!("{} {}", name.replace('_', " "), label.get()))
                .collect();
            format!("total {:.2} · {}", rubric.total, labels.join(" · "))
        }
        Err(message) => escaped(&message),
    }
}

/// The flawed text with what it lacks and what it adds, word by word.
pub(crate) fn marked(reference: &str, flawed: &str) -> String {
    let (a, b) = (pieces(reference), pieces(flawed));
    if a.len() > COMPARED || b.len() > COMPARED {
        return escaped(flawed);
    }
    // Longest common subsequence, from the end.
    let width = b.len() + 1;
    let mut common = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut html, mut i, mut j) = (String::new(), 0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            html.push_str(&escaped(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
            let _ = write!(html, "<del>{}</del>", escaped(a[i]));
            i += 1;
        } else {
            let _ = write!(html, "<ins>{}</ins>", escaped(b[j]));
            j += 1;
        }
    }
    html.replace("</del><del>", "").replace("</ins><ins>", "")
}

/// Words, spaces and marks.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let class = |c: char| if c.is_alphanumeric() || c == '.' { 0 } else { 1 };
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|before| class(before) != class(c) || class(c) == 1) {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(c);
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

fn escaped(text: &str) -> String {
    Escaped(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn changes_are_marked_word_by_word() {
        assert_eq!(
            marked("sold 48/2 = 24 <clips>.", "sold 48/2 = 26 <clips>."),
            "sold 48/2 = <del>24</del><ins>26</ins> &lt;clips&gt;."
        );
        assert_eq!(marked("a b c", "a c"), "a <del>b </del>c");
    }

    proptest! {
        #[test]
        fn marks_hide_nothing(a in "[a-c<&.1 ]{0,20}", b in "[a-c<&.1 ]{0,20}") {
            let html = marked(&a, &b);
            let mut rest = html.as_str();
            let mut kept = String::new();
            while let Some((before, after)) = rest.split_once("<del>") {
                kept.push_str(before);
                rest = after.split_once("</del>").unwrap().1;
            }
            kept.push_str(rest);
            prop_assert_eq!(kept.replace("<ins>", "").replace("</ins>", ""), escaped(&b));
        }
    }
}
