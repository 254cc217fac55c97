//! Histograms: bars over equal ranges of `[0, 1]`, before the outline of others that they are to be told from.

use crate::markup::Escaped;

const WIDTH: f64 = 290.0;
const HEIGHT: f64 = 110.0;
const TOP: f64 = 6.0;
const SIDE: f64 = 10.0;
const BOTTOM: f64 = 22.0;

/// A histogram with its caption.
#[derive(Clone, Debug)]
pub(crate) struct Histogram<'a> {
    pub(crate) title: &'a str,
    /// CSS classes that give the colour.
    pub(crate) classes: String,
    pub(crate) counts: &'a [usize],
    /// What the bars are compared with, over the same ranges.
    pub(crate) outline: Option<&'a [usize]>,
}

impl Histogram<'_> {
    /// The histogram as an HTML figure.
    pub(crate) fn figure(&self) -> String {
        let count: usize = self.counts.iter().sum();
        format!(
            "<figure class=\"chart\">\n<figcaption>{} <small>{count}</small></figcaption>\n{}</figure>\n",
            Escaped(self.title),
            self.svg()
        )
    }

    fn svg(&self) -> String {
        let bars = shares(self.counts);
        let outline = self.outline.map(shares).unwrap_or_default();
        let highest = bars.iter().chain(&outline).copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let bottom = HEIGHT - BOTTOM;
        let x = |place: f64| SIDE + place * (WIDTH - 2.0 * SIDE);
        let y = |share: f64| bottom - share / highest * (bottom - TOP);
        let edge = |at: usize, of: usize| x(at as f64 / of.max(1) as f64);
        let bars: String = bars
            .iter()
            .enumerate()
            .filter(|(_, share)| **share > 0.0)
            .map(|(at, share)| {
                let (left, right) = (edge(at, bars.len()) + 0.5, edge(at + 1, bars.len()) - 0.5);
                format!("M{left:.1} {bottom}V{:.1}H{right:.1}V{bottom}Z", y(*share))
            })
            .collect();
        let line: String = outline
            .iter()
            .enumerate()
            .map(|(at, share)| format!("V{:.1}H{:.1}", y(*share), edge(at + 1, outline.len())))
            .collect();
        let ticks: String = [0.0, 0.25, 0.5, 0.75, 1.0]
            .iter()
            .map(|tick| {
                let (place, label) = (x(*tick), bottom + 15.0);
                format!(
                    "<path class=\"tick\" d=\"M{place:.1} {bottom}v4\"/>\
                     <text class=\"x\" x=\"{place:.1}\" y=\"{label}\">{tick}</text>\n"
                )
            })
            .collect();
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n{ticks}\
             <path class=\"axis\" d=\"M{SIDE} {bottom}H{}\"/>\n\
             <g class=\"{}\"><path class=\"bars\" d=\"{bars}\"/></g>\n{}</svg>\n",
            Escaped(&format!("scores of {}", self.title)),
            WIDTH - SIDE,
            self.classes,
            match line.is_empty() {
                true => String::new(),
                false => format!("<path class=\"outline\" d=\"M{SIDE} {bottom}{line}V{bottom}\"/>\n"),
            },
        )
    }
}

fn shares(counts: &[usize]) -> Vec<f64> {
    let all: usize = counts.iter().sum();
    counts.iter().map(|count| *count as f64 / all.max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_before_an_outline() {
        let histogram = Histogram {
            title: "<slip>",
            classes: "c0".into(),
            counts: &[0, 3, 1, 0],
            outline: Some(&[0, 0, 0, 8]),
        };
        insta::assert_snapshot!(histogram.figure());
    }

    #[test]
    fn a_histogram_of_nothing_is_still_one() {
        let svg = Histogram { title: "", classes: String::new(), counts: &[0, 0], outline: None }.svg();
        assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
    }
}
