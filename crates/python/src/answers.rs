//! Answers: whether a prediction is the gold answer.

use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};
use tracelift_domain::completion;
use tracelift_math::{Comparison, Gold, MatchTypes, Options, Verdict as Said};

/// What a comparison says.
#[pyclass(frozen, get_all, module = "tracelift_rl")]
pub struct Verdict {
    /// Whether the prediction is the gold answer; `None` where that is not known.
    equal: Option<bool>,
    /// `Equal`, `Different`, `Undecided`, `NoAnswer` or `GoldUnparsable`.
    verdict: &'static str,
    /// The gold answer as it was read.
    gold: Option<String>,
    /// The prediction's answer as it was read.
    prediction: Option<String>,
    /// What was taken from the prediction to be its answer.
    extracted: Option<String>,
    /// Where it was found: `boxed`, `hashes`, `final answer`, …
    by: Option<&'static str>,
    /// The rule that decided.
    rule: &'static str,
}

#[pymethods]
impl Verdict {
    /// Whether it is equal. Unknown is neither: it raises, so that no `if` takes it for wrong.
    fn __bool__(&self) -> PyResult<bool> {
        self.equal.ok_or_else(|| {
            PyTypeError::new_err(format!(
                "the verdict is {} ({}): neither equal nor different; ask for `.equal`, which is None",
                self.verdict, self.rule
            ))
        })
    }

    fn __repr__(&self) -> String {
        let answer =
            |text: &Option<String>| text.as_deref().map_or("None".to_owned(), |text| format!("{text:?}"));
        format!(
            "Verdict({}, gold={}, prediction={}, rule={:?})",
            self.verdict,
            answer(&self.gold),
            answer(&self.prediction),
            self.rule
        )
    }
}

impl From<Comparison> for Verdict {
    fn from(comparison: Comparison) -> Verdict {
        let Comparison { verdict, gold, pred, extracted, rule } = comparison;
        let (by, extracted) = extracted.map(|(rung, text)| (rung.name(), text)).unzip();
        let (equal, name): (Option<bool>, _) = (Said::equal(verdict), verdict.name());
        Verdict { equal, verdict: name, gold, prediction: pred, extracted, by, rule: rule.name() }
    }
}

fn options(
    strict: bool,
    precision: u32,
    match_types: Option<Vec<String>>,
    allow_set_relation_comp: bool,
    last_number: bool,
    tail: Option<usize>,
) -> PyResult<Options> {
    let match_types = match match_types {
        None => MatchTypes::default(),
        Some(names) => MatchTypes::from_names(names.iter().map(String::as_str)).map_err(|name| {
            PyValueError::new_err(format!(
                "`match_types` has {name:?}; there are `latex`, `expr`, `string` and `default`"
            ))
        })?,
    };
    if precision > MOST_DECIMALS {
        return Err(PyValueError::new_err(format!("`precision` is {precision}; at most {MOST_DECIMALS}")));
    }
    Ok(Options { strict, precision, match_types, allow_set_relation_comp, last_number, tail })
}

/// More decimals than any data set prints.
const MOST_DECIMALS: u32 = 50;

/// Whether the answer in `prediction` is the answer in `gold`.
///
/// Both may be whole texts; what was only thought is no answer. `last_number=False` lets a number in prose count only where
/// something says that it is the answer. The other arguments are those of Math-Verify that have such names.
#[pyfunction]
#[pyo3(signature = (gold, prediction, *, strict=true, precision=6, match_types=None, allow_set_relation_comp=false, last_number=true, tail=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn verify_answer(
    py: Python<'_>,
    gold: &str,
    prediction: &str,
    strict: bool,
    precision: u32,
    match_types: Option<Vec<String>>,
    allow_set_relation_comp: bool,
    last_number: bool,
    tail: Option<usize>,
) -> PyResult<Verdict> {
    let options = options(strict, precision, match_types, allow_set_relation_comp, last_number, tail)?;
    let compare =
        || tracelift_math::compare(gold, completion::said(prediction).unwrap_or_default(), &options);
    // Handing the lock over and back costs more than most comparisons; only a long text is worth it.
    let comparison = if gold.len() + prediction.len() > SHORT { py.detach(compare) } else { compare() };
    Ok(comparison.into())
}

/// Texts that are compared in microseconds, in bytes.
const SHORT: usize = 256;

/// As `verify_answer`, of many; a gold answer that several predictions in a row share is read once.
#[pyfunction]
#[pyo3(signature = (golds, predictions, *, strict=true, precision=6, match_types=None, allow_set_relation_comp=false, last_number=true, tail=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn verify_answers(
    py: Python<'_>,
    golds: Vec<String>,
    predictions: Vec<String>,
    strict: bool,
    precision: u32,
    match_types: Option<Vec<String>>,
    allow_set_relation_comp: bool,
    last_number: bool,
    tail: Option<usize>,
) -> PyResult<Vec<Verdict>> {
    if golds.len() != predictions.len() {
        return Err(PyValueError::new_err(format!(
            "there are {} gold answers and {} predictions; each needs the other",
            golds.len(),
            predictions.len()
        )));
    }
    let options = options(strict, precision, match_types, allow_set_relation_comp, last_number, tail)?;
    let mut verdicts = Vec::with_capacity(golds.len());
    let mut read: Option<(&str, Gold)> = None;
    let mut pairs = golds.iter().zip(&predictions);
    // Between pieces of the work a signal may end it.
    loop {
        let piece: Vec<_> = pairs.by_ref().take(PIECE).collect();
        if piece.is_empty() {
            return Ok(verdicts);
        }
        py.detach(|| {
            for (gold, prediction) in piece {
                let known = read.as_ref().is_some_and(|(text, _)| text == gold);
                if !known {
                    read = Some((gold, Gold::parse(gold, &options)));
                }
                if let Some((_, gold)) = &read {
                    verdicts.push(gold.compare(completion::said(prediction).unwrap_or_default()).into());
                }
            }
        });
        py.check_signals()?;
    }
}

/// Pairs that are compared between two looks for a signal.
const PIECE: usize = 1024;

/// What of a text its answer is, as predictions are read; `None` where there is none.
#[pyfunction]
#[pyo3(signature = (text, *, last_number=true))]
pub fn extract_answer(py: Python<'_>, text: &str, last_number: bool) -> Option<String> {
    let options = Options { last_number, ..Options::default() };
    let said = completion::said(text)?;
    py.detach(|| tracelift_math::compare("0", said, &options).extracted.map(|(_, text)| text))
}
