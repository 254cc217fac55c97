//! A model that writes flawed traces.

use super::closeness::shared;
use crate::gate::{GateLimits, GateReason, gate};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, num::NonZeroU32};
use tracelift_domain::{Effect, FlawKind, Gold, SettingError, TaskDomain, Trace};
use tracelift_flaws::{Erratum, FlawSource, Proposal, SeedProblem, Span};
use tracelift_oracle::{
    Answer, BuiltIn, Failure, Inquiry, Oracle, OracleConfig, OracleError, Progress, Provenance, Schema,
    Template, load,
};

const FLAW: &[&str] = &["kind", "problem", "trace"];

/// The templates of a writer.
pub const TEMPLATES: [BuiltIn; 4] = [
    BuiltIn { name: "flaw-math", text: include_str!("../../templates/flaw-math.txt"), slots: FLAW },
    BuiltIn { name: "flaw-code", text: include_str!("../../templates/flaw-code.txt"), slots: FLAW },
    BuiltIn {
        name: "reference-math",
        text: include_str!("../../templates/reference-math.txt"),
        slots: &["problem"],
    },
    BuiltIn {
        name: "reference-code",
        text: include_str!("../../templates/reference-code.txt"),
        slots: &["problem"],
    },
];

/// The section `[llm]`: a model that writes traces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlmConfig {
    /// Where its flawed traces are wanted. Default: fill.
    #[serde(default)]
    pub flaws: FlawUse,
    /// Whether it writes a reference trace where a data set has none that can be used. Default: yes.
    #[serde(default = "yes")]
    pub references: bool,
    /// What becomes of a seed that stays without a reply although others are answered. Default: stop.
    #[serde(default)]
    pub unanswered: Unanswered,
    /// How often a trace that a gate refuses, or a reference that is not confirmed, is asked for. Default: 2.
    #[serde(default = "two")]
    pub attempts: NonZeroU32,
    /// The least share of the words of a flawed trace that must stand in the reference in the same order, and, unless its
    /// kind leaves words out, the least share of the reference's that must be left. Default: 0.5.
    #[serde(default = "half")]
    pub closeness: f64,
    /// The model.
    pub oracle: OracleConfig,
}

impl LlmConfig {
    /// Checks what can be checked without a server.
    ///
    /// # Errors
    /// The first setting that makes no sense, counted from the section of the writer.
    pub fn validate(&self) -> Result<(), SettingError> {
        const MOST_ATTEMPTS: u32 = 100;
        let attempts = self.attempts.get();
        SettingError::first([
            ("attempts", attempts <= MOST_ATTEMPTS, attempts.to_string(), "from 1 to 100"),
            (
                "closeness",
                (0.0..=1.0).contains(&self.closeness),
                self.closeness.to_string(),
                "a share from 0 to 1",
            ),
        ])?;
        self.oracle.validate().map_err(|error| error.under("oracle"))
    }
}

/// Where a model's flawed traces are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlawUse {
    /// For kinds of which rules make none, in groups that rules do not fill.
    #[default]
    Fill,
    /// For all kinds, beside those by rule, at equal chances.
    Mixed,
    /// For all kinds, instead of those by rule.
    Instead,
    /// Nowhere: the model writes references alone.
    Nowhere,
}

/// What becomes of a seed for which no reply came after all attempts, although the endpoint answers others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// The build ends there and goes on from there when it is run again.
    #[default]
    Stop,
    /// It is left out, and counted.
    Skip,
}

impl LlmConfig {
    /// Settings with every default, for this model.
    #[must_use]
    pub fn with(oracle: OracleConfig) -> LlmConfig {
        LlmConfig {
            flaws: FlawUse::default(),
            references: yes(),
            unanswered: Unanswered::default(),
            attempts: two(),
            closeness: half(),
            oracle,
        }
    }
}

fn yes() -> bool {
    true
}
fn two() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(1)
}
fn half() -> f64 {
    0.5
}

/// A model that is ready to write.
#[derive(Debug)]
pub struct Writer {
    pub(super) oracle: Oracle,
    pub(super) attempts: u32,
    closeness: f64,
    pub(super) templates: Vec<Template>,
    schema: Schema,
}

/// What a writer makes of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum FlawAnswer {
    /// A flawed trace.
    Proposed(Box<Proposal>),
    /// The writer finds no place for this kind, and says why.
    DoesNotApply(String),
}

/// What a writer makes of all kinds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flaws {
    /// What passed the gates, in the order of the kinds.
    pub proposals: Vec<Proposal>,
    /// What gates kept out.
    pub gated: BTreeMap<GateReason, u64>,
    /// Kinds for which the writer found no place.
    pub inapplicable: BTreeMap<FlawKind, u64>,
    /// Questions without a usable answer, by [`Failure::cause`].
    pub failures: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct WrittenFlaw {
    applies: bool,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    flawed_trace: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    why_wrong: String,
    #[serde(default)]
    implied_answer: String,
}

impl Writer {
    /// A writer with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`Oracle::new`], or a template with a mistake.
    pub fn new(config: LlmConfig) -> Result<Writer, OracleError> {
        config.validate()?;
        let templates = load(&TEMPLATES, config.oracle.templates.as_deref())?;
        let text = json!({ "type": "string" });
        let names = ["applies", "reason", "flawed_trace", "before", "after", "why_wrong", "implied_answer"];
        let properties: serde_json::Map<String, serde_json::Value> = names
            .iter()
            .map(|name| {
                (
                    (*name).to_owned(),
                    if *name == "applies" { json!({ "type": "boolean" }) } else { text.clone() },
                )
            })
            .collect();
        let value = json!({
            "type": "object", "required": names, "additionalProperties": false, "properties": properties,
        });
        Ok(Writer {
            oracle: Oracle::new(config.oracle)?,
            attempts: config.attempts.get(),
            closeness: config.closeness,
            templates,
            schema: Schema { name: "flawed_trace".into(), value },
        })
    }

    /// As [`Oracle::observed`].
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(&Progress) + Send + Sync + 'static) -> Writer {
        self.oracle = self.oracle.observed(observer);
        self
    }

    /// The model behind it.
    #[must_use]
    pub fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// Name and version of each template.
    #[must_use]
    pub fn versions(&self) -> Vec<String> {
        self.templates.iter().map(|template| format!("{}@{}", template.name(), template.version())).collect()
    }

    /// Flawed traces of these kinds that pass the gates. A trace that a gate refuses is asked for again, as another
    /// sample, as often as the settings say.
    ///
    /// # Errors
    /// A failure that may pass: the group is to be made later. Whatever the model said by then is in the ledger.
    pub fn flaws(
        &self,
        seed: &SeedProblem,
        reference: &str,
        kinds: &[FlawKind],
        limits: &GateLimits,
    ) -> Result<Flaws, Failure> {
        let mut flaws = Flaws::default();
        for &kind in kinds {
            for sample in 0..u64::from(self.attempts) {
                match self.flaw(seed, reference, kind, sample) {
                    Ok(FlawAnswer::Proposed(proposal)) => match gate(seed, reference, &proposal, limits) {
                        Ok(()) => {
                            flaws.proposals.push(*proposal);
                            break;
                        }
                        Err(reason) => *flaws.gated.entry(reason).or_default() += 1,
                    },
                    Ok(FlawAnswer::DoesNotApply(_)) => {
                        *flaws.inapplicable.entry(kind).or_default() += 1;
                        break;
                    }
                    Err(failure) if failure.is_final() => {
                        *flaws.failures.entry(failure.cause().to_owned()).or_default() += 1;
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(flaws)
    }

    /// One flawed trace of this kind, not yet gated: what the model wrote, if it is the reference with a local change.
    ///
    /// # Errors
    /// There is no usable answer.
    pub fn flaw(
        &self,
        seed: &SeedProblem,
        reference: &str,
        kind: FlawKind,
        sample: u64,
    ) -> Result<FlawAnswer, Failure> {
        let template = match seed.problem.question.domain {
            TaskDomain::Math | TaskDomain::Steps => &self.templates[0],
            TaskDomain::Code => &self.templates[1],
        };
        let fillings = [
            ("kind", kind.name()),
            ("problem", seed.problem.question.statement.as_str()),
            ("trace", reference),
        ];
        let question = Inquiry { template, messages: template.fill(&fillings), schema: &self.schema, sample };
        let answer =
            self.oracle.ask(&question, |reply: &WrittenFlaw| reply.check(reference, kind, self.closeness))?;
        let Answer { value: reply, provenance } = answer;
        if !reply.applies {
            return Ok(FlawAnswer::DoesNotApply(reply.reason));
        }
        Ok(FlawAnswer::Proposed(Box::new(proposal(seed, reference, kind, reply, provenance))))
    }
}

fn proposal(
    seed: &SeedProblem,
    reference: &str,
    kind: FlawKind,
    reply: WrittenFlaw,
    provenance: Provenance,
) -> Proposal {
    let reasoning = reply.flawed_trace.trim().to_owned();
    let span = Span::between(reference, &reasoning);
    let implied = Some(reply.implied_answer.trim().to_owned()).filter(|answer| !answer.is_empty());
    let effect = match (&seed.problem.gold, &implied) {
        (Gold::Answer(gold), Some(implied)) if same_answer(gold, implied) => Some(Effect::Benign),
        (Gold::Answer(_), Some(_)) => Some(Effect::Spoiling),
        _ => None,
    };
    let flaw = Erratum {
        kind,
        source: FlawSource::Llm {
            model: provenance.model,
            temperature: provenance.temperature,
            template: provenance.template,
            why: reply.why_wrong.trim().to_owned(),
        },
        effect,
        step: span.as_ref().map(|span| reference[..span.start].matches('\n').count()),
        span,
        steps: reference.lines().filter(|line| !line.trim().is_empty()).count(),
        downstream: Vec::new(),
        implied,
    };
    Proposal { reasoning, flaw, rubric: None, program: None }
}

impl WrittenFlaw {
    fn check(&self, reference: &str, kind: FlawKind, closeness: f64) -> Result<(), String> {
        if !self.applies {
            return Ok(());
        }
        let flawed = self.flawed_trace.trim();
        check_text("flawed_trace", flawed)?;
        if flawed == reference.trim() {
            return Err("`flawed_trace` is the reference itself, without a mistake".into());
        }
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (field, piece, text, name) in [
            ("before", &self.before, reference, "the reference trace"),
            ("after", &self.after, flawed, "`flawed_trace`"),
        ] {
            if !squeeze(text).contains(&squeeze(piece)) {
                return Err(format!("the words of `{field}` do not stand in {name}"));
            }
        }
        if self.before.trim().is_empty() && self.after.trim().is_empty() {
            return Err("`before` and `after` are both empty".into());
        }
        let Some((of_flawed, of_reference)) = shared(flawed, reference) else {
            return Err("`flawed_trace` has too many words".into());
        };
        if of_flawed < closeness || (!leaves_out(kind) && of_reference < closeness) {
            return Err(
                "`flawed_trace` rewrites the reference; copy it word for word and change one place and what follows \
                 from it"
                    .into(),
            );
        }
        Ok(())
    }
}

/// Whether a trace with this kind of flaw is the reference less some of its words.
fn leaves_out(kind: FlawKind) -> bool {
    use FlawKind::*;
    matches!(kind, DroppedStep | PrematureConclusion | MissingEdgeCase | IgnoredConstraint | MissingTypeGuard)
}

/// What any trace from a model must be: text that fits between tags, without the control characters that LaTeX leaves
/// behind when its backslashes are read as escapes (`\frac` as a form feed and `rac`).
pub(super) fn check_text(field: &str, text: &str) -> Result<(), String> {
    if Trace::new(text).is_none() {
        return Err(format!("`{field}` is empty or holds reasoning tags"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r') {
        return Err(format!("`{field}` holds tabs or control characters; write plain text without LaTeX"));
    }
    Ok(())
}

/// Whether two answers are the same value, or the same words.
pub(super) fn same_answer(a: &str, b: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim().trim_end_matches('.').trim_start_matches('$').trim_end_matches('%');
        text.replace([',', ' '], "").to_lowercase()
    };
    let (a, b) = (plain(a), plain(b));
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = "Ann has 3 + 4 = 7 pens.\nShe gives 2 away.\nThat leaves 7 - 2 = 5 pens.";

    fn reply(flawed: &str, before: &str, after: &str) -> WrittenFlaw {
        WrittenFlaw {
            applies: true,
            reason: String::new(),
            flawed_trace: flawed.into(),
            before: before.into(),
            after: after.into(),
            why_wrong: String::new(),
            implied_answer: String::new(),
        }
    }

    fn complaint(flawed: &str, before: &str, after: &str, kind: FlawKind) -> String {
        reply(flawed, before, after).check(REFERENCE, kind, 0.5).err().unwrap_or_default()
    }

    #[test]
    fn a_flawed_trace_is_the_reference_with_a_local_change() {
        use FlawKind::*;
        let slip = REFERENCE.replace('7', "8").replace("= 5", "= 6");
        assert_eq!(complaint(&slip, "3 + 4 = 7", "3 + 4 = 8", ArithmeticSlip), "");
        let short = "Ann has 3 + 4 = 7 pens.";
        assert_eq!(complaint(short, "She gives 2\naway.", "", PrematureConclusion), "");
        for (text, before, after, words) in [
            (REFERENCE, "7", "7", "the reference itself"),
            ("", "7", "8", "is empty"),
            (&slip, "nine", "8", "`before` do not stand"),
            (&slip, "7", "nine", "`after` do not stand"),
            (&slip, " ", "", "both empty"),
            ("In all there are quite a few pens, that is 8.", "7", "8", "rewrites"),
            (short, "She gives 2 away.", "", "rewrites"),
            ("Ann has \u{c}rac 3 pens.", "7", "", "control characters"),
            ("<reasoning>Ann</reasoning>", "7", "", "tags"),
        ] {
            let complaint = complaint(text, before, after, ArithmeticSlip);
            assert!(complaint.contains(words), "{text}: {complaint}");
        }
    }

    #[test]
    fn templates_tell_of_all_kinds_of_their_domain() {
        let templates = load(&TEMPLATES, None).unwrap();
        for (template, domain) in templates.iter().zip([TaskDomain::Math, TaskDomain::Code]) {
            let messages = template.fill(&[("kind", "off_by_one"), ("problem", "P?"), ("trace", "T.")]);
            for kind in FlawKind::of(domain) {
                assert_eq!(
                    messages[0].content.matches(&format!("- {}: ", kind.name())).count(),
                    1,
                    "{kind:?}"
                );
            }
            assert!(
                messages[1].content.contains("Kind: off_by_one") && messages[1].content.contains("\nT.\n")
            );
        }
    }

    #[test]
    fn answers_are_compared_as_values() {
        assert!(same_answer("1,200", "$1200.") && same_answer("5.0", "5") && same_answer("Yes", "yes"));
        assert!(!same_answer("5", "6") && !same_answer("5", "five"));
    }

    #[test]
    fn settings_are_checked() {
        let config = |toml: &str| {
            let text = format!("{toml}\n[oracle]\nbase_urls = ['http://a']\nmodel = 'm'");
            toml::from_str::<LlmConfig>(&text).map_err(|error| error.to_string())
        };
        assert_eq!(config("").unwrap(), LlmConfig::with(OracleConfig::at("http://a", "m")));
        assert!(config("closenes = 1").unwrap_err().contains("closeness"));
        let error = Writer::new(config("closeness = 2.0").unwrap()).unwrap_err().to_string();
        assert!(error.contains("`closeness` is 2"), "{error}");
    }
}
