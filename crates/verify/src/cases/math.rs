//! Pairs of answers to be compared, one JSON object a line:
//! `{"id", "gold", "pred", "expected"?, "strict"?, "precision"?, "match_types"?, "allow_set_relation_comp"?}`. Fields for people
//! are `source`, `kind`, `name`, `note` and `tags`, and what Math-Verify's own tests say besides: `test`, `status`, `gold_type`,
//! `pred_type`, `boxed_match_priority`. Any other is an error: a misspelt option is no remark.

use super::{CaseError, CaseId, Times, named};
use crate::answers::{
    AnswerJudge,
    math_verify::MathVerifyError,
    native::{Extracted, MatchTypes, MathOptions, MathVerdict},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

/// One pair.
#[derive(Clone, Debug, PartialEq)]
pub struct MathCase {
    /// Its name in the file.
    pub id: CaseId,
    /// The gold answer.
    pub gold: String,
    /// The prediction.
    pub pred: String,
    /// What a person says of the pair, if the file tells.
    pub expected: Option<bool>,
    /// How they are compared.
    pub options: MathOptions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: CaseId,
    gold: String,
    pred: String,
    expected: Option<bool>,
    strict: Option<bool>,
    precision: Option<u32>,
    match_types: Option<Vec<String>>,
    allow_set_relation_comp: Option<bool>,
    #[serde(rename = "source")]
    _source: Option<IgnoredAny>,
    #[serde(rename = "kind")]
    _kind: Option<IgnoredAny>,
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "note")]
    _note: Option<IgnoredAny>,
    #[serde(rename = "tags")]
    _tags: Option<IgnoredAny>,
    #[serde(rename = "test")]
    _test: Option<IgnoredAny>,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
    #[serde(rename = "gold_type")]
    _gold_type: Option<IgnoredAny>,
    #[serde(rename = "pred_type")]
    _pred_type: Option<IgnoredAny>,
    #[serde(rename = "boxed_match_priority")]
    _boxed_match_priority: Option<IgnoredAny>,
}

/// Reads a case file.
///
/// # Errors
/// Names the file and the line.
pub fn read(path: &Path) -> Result<Vec<MathCase>, CaseError> {
    let case = |row: Row| {
        let usual = MathOptions::default();
        let match_types = match &row.match_types {
            None => usual.match_types,
            Some(names) if names.is_empty() => {
                return Err("`match_types` is empty, expected some of latex, expr and string".into());
            }
            Some(names) => MatchTypes::from_names(names.iter().map(String::as_str))
                .map_err(|name| format!("`match_types` has `{name}`, expected latex, expr and string"))?,
        };
        let options = MathOptions {
            strict: row.strict.unwrap_or(usual.strict),
            precision: row.precision.unwrap_or(usual.precision),
            match_types,
            allow_set_relation_comp: row.allow_set_relation_comp.unwrap_or(usual.allow_set_relation_comp),
            ..usual
        };
        if options.precision > 30 {
            return Err(format!("`precision` is {}, expected at most 30 digits", options.precision));
        }
        Ok(MathCase { id: row.id, gold: row.gold, pred: row.pred, expected: row.expected, options })
    };
    named(path, case, |case| &case.id)
}

/// What was found out about a pair: a line of the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MathOutcome {
    /// The pair.
    pub id: CaseId,
    /// `Equal`, `Different`, `Undecided`, `NoAnswer` or `GoldUnparsable`.
    pub verdict: &'static str,
    /// Whether they are the same; `null` where that is not known. A prediction without an answer is not.
    pub equal: Option<bool>,
    /// What was read from the gold answer.
    pub gold_parsed: Option<String>,
    /// What was read from the prediction.
    pub pred_parsed: Option<String>,
    /// What was taken from the prediction to be its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extracted: Option<Extracted>,
    /// Which rule decided.
    pub rule: String,
    /// Why it is undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How long it took.
    #[serde(skip)]
    pub time: Duration,
}

impl MathOutcome {
    /// Compares a pair.
    ///
    /// # Errors
    /// When the mode needs a Python library that cannot be used.
    pub fn of(case: &MathCase, judge: &AnswerJudge) -> Result<MathOutcome, MathVerifyError> {
        let start = Instant::now();
        let compared = judge.compare(&case.gold, &case.pred, &case.options)?;
        let time = start.elapsed();
        let (verdict, equal, why) = match compared.verdict {
            MathVerdict::Equal => ("Equal", Some(true), None),
            MathVerdict::Different => ("Different", Some(false), None),
            MathVerdict::NoAnswer => ("NoAnswer", Some(false), None),
            MathVerdict::Undecided(why) => ("Undecided", None, Some(why)),
            MathVerdict::GoldUnparsable => ("GoldUnparsable", None, None),
        };
        Ok(MathOutcome {
            id: case.id.clone(),
            verdict,
            equal,
            gold_parsed: compared.gold,
            pred_parsed: compared.pred,
            extracted: compared.extracted,
            rule: compared.rule,
            why,
            time,
        })
    }
}

/// What is to be said of a whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct MathSummary {
    /// Pairs.
    pub cases: usize,
    /// Pairs of which the file says what is expected.
    pub judged: usize,
    /// As expected.
    pub agree: usize,
    /// Said to be equal, and are not.
    pub false_accepts: usize,
    /// Said to be different, and are equal.
    pub false_rejects: usize,
    /// Not known, whatever was expected.
    pub undecided: usize,
    /// Where there are disagreements, the first of them.
    pub disagreements: Vec<CaseId>,
    /// Per pair.
    pub times: Times,
}

/// How many disagreements are named.
const NAMED: usize = 20;

impl MathSummary {
    /// Of cases and what was found out about them, in the same order.
    #[must_use]
    pub fn of(cases: &[MathCase], outcomes: &[MathOutcome]) -> MathSummary {
        let told =
            || cases.iter().zip(outcomes).filter_map(|(case, outcome)| Some((case.expected?, outcome)));
        let count = |wanted: &dyn Fn(bool, Option<bool>) -> bool| {
            told().filter(|(expected, outcome)| wanted(*expected, outcome.equal)).count()
        };
        let disagreements = told().filter(|(expected, outcome)| outcome.equal != Some(*expected));
        MathSummary {
            cases: cases.len(),
            judged: told().count(),
            agree: count(&|expected, found| found == Some(expected)),
            false_accepts: count(&|expected, found| !expected && found == Some(true)),
            false_rejects: count(&|expected, found| expected && found == Some(false)),
            undecided: outcomes.iter().filter(|outcome| outcome.equal.is_none()).count(),
            disagreements: disagreements.map(|(_, outcome)| outcome.id.clone()).take(NAMED).collect(),
            times: Times::of(outcomes.iter().map(|outcome| outcome.time).collect()),
        }
    }
}

impl fmt::Display for MathSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cases          {}", self.cases)?;
        if self.judged > 0 {
            let share = 100.0 * self.agree as f64 / self.judged as f64;
            writeln!(f, "agree          {} of {} ({share:.2} %)", self.agree, self.judged)?;
            writeln!(f, "false accepts  {}", self.false_accepts)?;
            writeln!(f, "false rejects  {}", self.false_rejects)?;
        }
        writeln!(f, "undecided      {}", self.undecided)?;
        let Times { median_ms, p95_ms, max_ms } = self.times;
        writeln!(f, "time per item  median {median_ms:.4} ms, p95 {p95_ms:.4} ms, max {max_ms:.4} ms")?;
        if !self.disagreements.is_empty() {
            let names: Vec<String> = self.disagreements.iter().map(ToString::to_string).collect();
            let more = self.judged - self.agree - self.disagreements.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            writeln!(f, "disagreements  {}{more}", names.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::VerifierConfig;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_file_is_summed_up() {
        let file = file(concat!(
            "{\"id\": 1, \"gold\": \"1/2\", \"pred\": \"0.5\", \"expected\": true}\n\n",
            "{\"id\": \"b\", \"gold\": \"2\", \"pred\": \"3\", \"expected\": true, \"note\": 1}\n",
            "{\"id\": \"c\", \"gold\": \"2\", \"pred\": \"3\", \"expected\": false}\n",
            "{\"id\": \"d\", \"gold\": \"2\", \"pred\": \"\"}\n",
        ));
        let cases = read(file.path()).unwrap();
        let judge = AnswerJudge::new(&VerifierConfig::default());
        let outcomes: Vec<MathOutcome> =
            cases.iter().map(|case| MathOutcome::of(case, &judge).unwrap()).collect();
        let mut summary = MathSummary::of(&cases, &outcomes);
        summary.times = Times::default();
        insta::assert_snapshot!(summary, @r"
        cases          4
        agree          2 of 3 (66.67 %)
        false accepts  0
        false rejects  1
        undecided      0
        time per item  median 0.0000 ms, p95 0.0000 ms, max 0.0000 ms
        disagreements  b
        ");
        assert_eq!(outcomes[3].verdict, "NoAnswer");
        assert_eq!(outcomes[3].equal, Some(false));
    }

    #[test]
    fn a_bad_line_is_named() {
        for (line, what) in [
            ("{\"id\": 1, \"gold\": \"1\"}", "missing field `pred`"),
            ("{\"id\": [], \"gold\": \"1\", \"pred\": \"1\"}", "an id is []"),
            ("{\"id\": 1, \"gold\": \"1\", \"pred\": \"1\", \"match_types\": []}", "`match_types` is empty"),
            (
                "{\"id\": 1, \"gold\": \"1\", \"pred\": \"1\", \"match_types\": [\"sql\"]}",
                "`match_types` has `sql`",
            ),
            ("{\"id\": \"0\", \"gold\": \"2\", \"pred\": \"1\"}", "the id `0` stands on line 1 already"),
        ] {
            let file = file(&format!("{{\"id\": 0, \"gold\": \"1\", \"pred\": \"1\"}}\n{line}\n"));
            let message = read(file.path()).unwrap_err().to_string();
            assert!(message.contains(":2: ") && message.contains(what), "{message}");
        }
        assert!(read(file("\n").path()).unwrap_err().to_string().ends_with("holds no cases"));
    }
}
