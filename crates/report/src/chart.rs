//! Charts: lines over steps or levels, as inline SVG.

use crate::{
    axis::{Axis, readable},
    markup::Escaped,
};
use std::fmt::Write;

const WIDTH: f64 = 290.0;
const HEIGHT: f64 = 184.0;
const TOP: f64 = 10.0;
const RIGHT: f64 = 10.0;
const BOTTOM: f64 = 34.0;
/// How wide a digit of a tick label is, a little generously, for the margin to the left.
const DIGIT: f64 = 6.4;
/// At most this many points of a series are drawn, so that long runs do not make heavy pages.
const DRAWN: usize = 500;
/// At most this many series are named to whoever hears a chart.
const SPOKEN: usize = 8;

/// What a chart shows of one run or row.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// CSS classes that give the colour.
    pub(crate) classes: String,
    /// In order of `x`. A point without `y` is a gap.
    pub(crate) points: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: Option<f64>,
    /// Half the length of a whisker.
    pub(crate) error: Option<f64>,
}

/// How the points of a series are joined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stroke {
    /// Light dots, and a line through the mean of the last so many points.
    MovingAverage(usize),
    /// Strong dots with whiskers and a line through them.
    Joined,
    /// A line through the mean of the last so many points, in a band as wide as their errors.
    Banded(usize),
}

/// How values lie along a chart's `y` axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Scale {
    /// As they are.
    #[default]
    Linear,
    /// By their logarithms. What is not above zero has none, and is a gap.
    Logarithmic,
}

/// What is laid along a chart's `x` axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ruler {
    /// Steps or levels: whole numbers.
    Whole,
    /// Any numbers.
    Round,
}

/// A chart with its caption and legend.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What the numbers are, if the title does not say.
    pub(crate) unit: String,
    pub(crate) x_title: String,
    pub(crate) ruler: Ruler,
    pub(crate) scale: Scale,
    pub(crate) stroke: Stroke,
    pub(crate) series: Vec<Series>,
    /// Remarks for the legend: a name and what is to be said of it.
    pub(crate) remarks: Vec<(String, String)>,
}

impl Chart {
    /// The chart as an HTML figure.
    pub(crate) fn figure(&self) -> String {
        let mut html = String::from("<figure class=\"chart\">\n");
        let unit = if self.unit.is_empty() {
            String::new()
        } else {
            format!(" <small>{}</small>", Escaped(&self.unit))
        };
        html.push_str(&format!("<figcaption>{}{unit}</figcaption>\n", Escaped(&self.title)));
        html.push_str(&self.svg());
        html.push_str("<ul class=\"legend\">\n");
        for series in &self.series {
            let value = match self.stroke {
                Stroke::MovingAverage(window) | Stroke::Banded(window) => {
                    moving_average(&series.points, window).into_iter().rev().find_map(|point| point.y)
                }
                Stroke::Joined => None,
            };
            let value = value.map(|value| format!(" <b>{}</b>", readable(value))).unwrap_or_default();
            let name = Escaped(&series.name);
            html.push_str(&format!("<li class=\"{}\"><i></i>{name}{value}</li>\n", series.classes));
        }
        for (name, remark) in &self.remarks {
            html.push_str(&format!("<li class=\"remark\">{}: {}</li>\n", Escaped(name), Escaped(remark)));
        }
        html.push_str("</ul>\n</figure>\n");
        html
    }

    /// The chart alone.
    pub(crate) fn svg(&self) -> String {
        let scaled: Vec<Series> = self.series.iter().map(|series| self.scale.of(series)).collect();
        let frame = Frame::around(&scaled, self.ruler, self.scale);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" {}>\n",
            Escaped(&self.spoken()),
            frame.plane()
        );
        svg.push_str(&frame.grid(&self.x_title));
        for series in &scaled {
            let drawn = match self.stroke {
                Stroke::MovingAverage(window) => {
                    let dots = frame.dots(&thinned(&series.points));
                    let line = frame.line(&thinned(&moving_average(&series.points, window)));
                    format!("<path class=\"dots\" d=\"{dots}\"/><path class=\"line\" d=\"{line}\"/>")
                }
                Stroke::Banded(window) => {
                    let (band, line) = (
                        frame.band(&thinned(&series.points)),
                        thinned(&moving_average(&series.points, window)),
                    );
                    format!(
                        "<path class=\"band\" d=\"{band}\"/><path class=\"line\" d=\"{}\"/>",
                        frame.line(&line)
                    )
                }
                Stroke::Joined => {
                    let whiskers = frame.whiskers(&series.points);
                    let line = frame.line(&series.points);
                    let dots = frame.dots(&series.points);
                    format!(
                        "<path class=\"whiskers\" d=\"{whiskers}\"/><path class=\"line\" d=\"{line}\"/>\
                         <path class=\"marks\" d=\"{dots}\"/>"
                    )
                }
            };
            let name = Escaped(&series.name);
            svg.push_str(&format!("<g class=\"{}\"><title>{name}</title>{drawn}</g>\n", series.classes));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl Chart {
    /// What a reader hears in the place of the picture: what is drawn, and where each line ends.
    fn spoken(&self) -> String {
        let mut told = format!("{} over {}", self.title, self.x_title);
        for (at, series) in self.series.iter().take(SPOKEN).enumerate() {
            let ends = series.points.iter().rev().find_map(|point| point.y);
            let ends = ends.map_or_else(|| "unknown".to_owned(), readable);
            told.push_str(&format!("{} {} {ends}", if at == 0 { ":" } else { "," }, series.name));
        }
        told
    }
}

impl Scale {
    /// A series on it.
    fn of(self, series: &Series) -> Series {
        let of = |point: &Point| {
            let known = point.y.filter(|y| *y > 0.0);
            // To the first order, an error is one of the logarithm by `d log y = dy/y`.
            let error = point.error.zip(known).map(|(error, y)| error / y / std::f64::consts::LN_10);
            Point { y: known.map(f64::log10), error, ..*point }
        };
        match self {
            Scale::Linear => series.clone(),
            Scale::Logarithmic => Series { points: series.points.iter().map(of).collect(), ..series.clone() },
        }
    }
}

/// The mean of the known values among the last `window` points; unknown where the point itself is.
fn moving_average(points: &[Point], window: usize) -> Vec<Point> {
    let mean_at = |at: usize| {
        let (mut sum, mut count) = (0.0, 0u32);
        for y in points[(at + 1).saturating_sub(window)..=at].iter().filter_map(|point| point.y) {
            sum += y;
            count += 1;
        }
        points[at].y.map(|_| sum / f64::from(count))
    };
    (0..points.len()).map(|at| Point { y: mean_at(at), ..points[at] }).collect()
}

/// Every so many-th point, the last one among them, so that at most [`DRAWN`] remain.
fn thinned(points: &[Point]) -> Vec<Point> {
    let every = points.len().div_ceil(DRAWN).max(1);
    let first = (points.len() + every - 1) % every;
    points.iter().skip(first).step_by(every).copied().collect()
}

/// The plane of a chart: axes and where they lie.
struct Frame {
    x: Axis,
    y: Axis,
    scale: Scale,
    left: f64,
}

impl Frame {
    fn around(series: &[Series], ruler: Ruler, scale: Scale) -> Frame {
        let (mut x, mut y) = (Extent::default(), Extent::default());
        for point in series.iter().flat_map(|series| &series.points) {
            x.cover(point.x);
            if let Some(value) = point.y {
                y.cover(value - point.error.unwrap_or(0.0));
                y.cover(value + point.error.unwrap_or(0.0));
            }
        }
        let x = match ruler {
            Ruler::Whole => Axis::whole(x.low(), x.high(), 5),
            Ruler::Round => Axis::rounded(x.low(), x.high(), 5),
        };
        let y = Axis::rounded(y.low(), y.high(), 4);
        let frame = Frame { x, y, scale, left: 0.0 };
        let widest = y.ticks().into_iter().map(|tick| frame.label(tick).chars().count()).max().unwrap_or(1);
        Frame { left: widest as f64 * DIGIT + 12.0, ..frame }
    }

    /// A tick of the `y` axis as text.
    fn label(&self, tick: f64) -> String {
        match self.scale {
            Scale::Linear => self.y.label(tick),
            Scale::Logarithmic => readable(10f64.powf(tick)),
        }
    }

    /// Where the plane lies and what its edges stand for, for whoever points at it.
    fn plane(&self) -> String {
        let scale = if self.scale == Scale::Linear { "linear" } else { "log" };
        format!(
            "data-plane=\"{:.1} {} {TOP} {} {} {} {} {} {scale}\"",
            self.left,
            WIDTH - RIGHT,
            HEIGHT - BOTTOM,
            self.x.low,
            self.x.high,
            self.y.low,
            self.y.high
        )
    }

    fn at_x(&self, x: f64) -> f64 {
        self.left + self.x.position(x) * (WIDTH - RIGHT - self.left)
    }

    fn at_y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.position(y) * (HEIGHT - BOTTOM - TOP)
    }

    fn grid(&self, x_title: &str) -> String {
        let mut svg = String::new();
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in self.y.ticks() {
            let (y, label) = (self.at_y(tick), self.label(tick));
            svg.push_str(&format!(
                "<path class=\"grid\" d=\"M{:.1} {y:.1}H{right}\"/><text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>\n",
                self.left,
                self.left - 6.0,
                y + 3.5
            ));
        }
        for tick in self.x.ticks() {
            let (x, label) = (self.at_x(tick), self.x.label(tick));
            svg.push_str(&format!(
                "<path class=\"tick\" d=\"M{x:.1} {bottom}v4\"/><text class=\"x\" x=\"{x:.1}\" y=\"{}\">{label}</text>\n",
                bottom + 15.0
            ));
        }
        svg.push_str(&format!("<path class=\"axis\" d=\"M{:.1} {bottom}H{right}\"/>\n", self.left));
        svg.push_str(&format!(
            "<text class=\"x title\" x=\"{:.1}\" y=\"{}\">{}</text>\n",
            (self.left + right) / 2.0,
            HEIGHT - 5.0,
            Escaped(x_title)
        ));
        svg
    }

    /// A line that is broken where points are unknown; a lone point between gaps becomes a dot.
    fn line(&self, points: &[Point]) -> String {
        let mut path = String::new();
        let mut pen_is_down = false;
        for (at, point) in points.iter().enumerate() {
            let Some(y) = point.y else {
                pen_is_down = false;
                continue;
            };
            let command = if pen_is_down { 'L' } else { 'M' };
            push(&mut path, command, self.at_x(point.x), self.at_y(y));
            let lone = !pen_is_down && points.get(at + 1).is_none_or(|next| next.y.is_none());
            if lone {
                path.push_str("h0");
            }
            pen_is_down = true;
        }
        path
    }

    /// Lines of no length, which round caps make dots.
    fn dots(&self, points: &[Point]) -> String {
        let mut path = String::new();
        for (x, y) in points.iter().filter_map(|point| Some((point.x, point.y?))) {
            push(&mut path, 'M', self.at_x(x), self.at_y(y));
            path.push_str("h0");
        }
        path
    }

    /// The area between `y` − error and `y` + error, without the parts in which either is unknown.
    fn band(&self, points: &[Point]) -> String {
        let mut path = String::new();
        for part in points.split(|point| point.y.is_none() || point.error.is_none()) {
            let edge = |point: &Point, side: f64| {
                let (y, error) = (point.y.unwrap_or_default(), point.error.unwrap_or_default());
                (self.at_x(point.x), self.at_y(y + side * error))
            };
            let above = part.iter().map(|point| edge(point, 1.0));
            let below = part.iter().rev().map(|point| edge(point, -1.0));
            for (at, (x, y)) in above.chain(below).enumerate() {
                push(&mut path, if at == 0 { 'M' } else { 'L' }, x, y);
            }
            if !part.is_empty() {
                path.push('Z');
            }
        }
        path
    }

    fn whiskers(&self, points: &[Point]) -> String {
        let mut path = String::new();
        for (x, y, error) in points.iter().filter_map(|point| Some((point.x, point.y?, point.error?))) {
            push(&mut path, 'M', self.at_x(x), self.at_y(y - error));
            push(&mut path, 'L', self.at_x(x), self.at_y(y + error));
        }
        path
    }
}

fn push(path: &mut String, command: char, x: f64, y: f64) {
    // Writing to a string cannot fail.
    let _ = write!(path, "{command}{x:.1} {y:.1}");
}

/// The range of some numbers.
#[derive(Default)]
struct Extent(Option<(f64, f64)>);

impl Extent {
    fn cover(&mut self, value: f64) {
        let (low, high) = self.0.unwrap_or((value, value));
        self.0 = Some((low.min(value), high.max(value)));
    }

    fn low(&self) -> f64 {
        self.0.map_or(0.0, |(low, _)| low)
    }

    fn high(&self) -> f64 {
        self.0.map_or(1.0, |(_, high)| high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(ys: &[Option<f64>]) -> Vec<Point> {
        ys.iter().enumerate().map(|(i, y)| Point { x: i as f64 + 1.0, y: *y, error: None }).collect()
    }

    fn chart() -> Chart {
        let rising = (0..12).map(|i| (i != 5).then_some(0.3 + 0.05 * f64::from(i))).collect::<Vec<_>>();
        let series = |name: &str, classes: &str, ys: &[Option<f64>]| Series {
            name: name.into(),
            classes: classes.into(),
            points: points(ys),
        };
        Chart {
            title: "Mean reward".into(),
            unit: "".into(),
            x_title: "step".into(),
            ruler: Ruler::Whole,
            scale: Scale::Linear,
            stroke: Stroke::MovingAverage(3),
            series: vec![
                series("TraceLift", "c0", &rising),
                series("<exec>", "c1", &[Some(-0.1), Some(0.4)]),
            ],
            remarks: vec![("base & co".into(), "not recorded".into())],
        }
    }

    #[test]
    fn a_learning_curve() {
        insta::assert_snapshot!(chart().figure());
    }

    #[test]
    fn levels_with_whiskers() {
        let mut chart = chart();
        chart.stroke = Stroke::Joined;
        chart.series.truncate(1);
        chart.series[0].points = points(&[Some(90.0), Some(71.5), Some(40.0)]);
        chart.series[0].points[1].error = Some(3.0);
        insta::assert_snapshot!(chart.svg());
    }

    #[test]
    fn an_unknown_value_breaks_the_line() {
        let frame = Frame::around(&chart().series, Ruler::Whole, Scale::Linear);
        let line = frame.line(&points(&[Some(0.1), Some(0.2), None, Some(0.3), None]));
        assert_eq!(line.matches('M').count(), 2, "{line}");
        assert!(line.ends_with("h0"), "the lone point is a dot: {line}");
        assert_eq!(frame.dots(&points(&[None, Some(0.1)])).matches('M').count(), 1);
    }

    #[test]
    fn the_average_is_of_known_values() {
        let mean = moving_average(&points(&[Some(1.0), None, Some(3.0), Some(5.0)]), 2);
        let ys: Vec<Option<f64>> = mean.iter().map(|point| point.y).collect();
        assert_eq!(ys, [Some(1.0), None, Some(3.0), Some(4.0)]);
    }

    #[test]
    fn long_runs_are_thinned_but_keep_their_end() {
        for length in [0, 1, DRAWN, DRAWN + 1, 12_345] {
            let all = points(&vec![Some(0.0); length]);
            let few = thinned(&all);
            assert!(few.len() <= DRAWN && few.len() >= length.min(DRAWN / 2));
            assert_eq!(few.last().map(|p| p.x), all.last().map(|p| p.x));
        }
    }

    #[test]
    fn a_band_lies_around_its_line_and_breaks_with_it() {
        let mut chart = chart();
        chart.stroke = Stroke::Banded(1);
        chart.series.truncate(1);
        for point in &mut chart.series[0].points {
            point.error = Some(0.05);
        }
        let svg = chart.svg();
        let band = svg.split("class=\"band\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(
            (band.matches('M').count(), band.matches('Z').count()),
            (2, 2),
            "one point is unknown: {band}"
        );
        assert_eq!(band.matches('L').count(), 2 * 11 - 2);
    }

    #[test]
    fn what_has_no_logarithm_is_a_gap() {
        let mut chart = chart();
        chart.scale = Scale::Logarithmic;
        chart.series.truncate(1);
        chart.series[0].points = points(&[Some(0.01), Some(0.0), Some(-3.0), Some(1.0), Some(100.0)]);
        let svg = chart.svg();
        let line = svg.split("class=\"line\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(line.matches('M').count(), 2, "{line}");
        for tick in [">0.010<", ">1.00<", ">100.0<"] {
            assert!(svg.contains(tick), "{tick} {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_chart_of_nothing_is_still_a_chart() {
        let empty = Chart { series: vec![], ..chart() };
        assert!(empty.svg().contains("</svg>") && !empty.svg().contains("NaN"));
    }
}
