//! An executor's prompts, with a trace and without.

use crate::layout::said;
use crate::parts::{Parts, Said, probes};
use crate::preset::Side;
use crate::{ExecutorPromptConfig, Layout, PromptError, template};
use serde_json::{Value, json};
use tracelift_domain::prompt::{Message, Prompt};
use tracelift_domain::{Question, Trace};

/// How questions are put to an executor.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutorPrompt(Said);

impl ExecutorPrompt {
    /// From its section; `key` is the section's name for messages, `fallback` the layout where nothing names one.
    ///
    /// # Errors
    /// A preset, a template or a file of examples that is none, by key; a `user` text that does not hold the reasoning once.
    pub fn new(
        key: &str,
        config: &ExecutorPromptConfig,
        fallback: Layout,
    ) -> Result<ExecutorPrompt, PromptError> {
        let prompt = ExecutorPrompt(Said::new(key, &config.0, Side::Executor, fallback)?);
        let trace = Trace::new("Add them.");
        for question in probes() {
            prompt.prompt(&question, trace.as_ref())?;
        }
        Ok(prompt)
    }

    /// What the executor is given: with a trace, or without.
    ///
    /// The user's text is filled in once for both, with a mark for the reasoning, so no template can see whether there is a
    /// trace; then the mark is taken for what `reasoning` makes of the trace, or for nothing.
    ///
    /// # Errors
    /// When a template fails on the question, or loses the mark.
    pub fn prompt(&self, question: &Question, trace: Option<&Trace>) -> Result<Prompt, PromptError> {
        let turns = self.turns(question, trace)?;
        Ok(self.0.layout.lay_out(turns, self.prefill(question).to_owned(), said(question, trace)))
    }

    /// The same as a conversation, for a server that lays it out itself.
    ///
    /// # Errors
    /// As [`ExecutorPrompt::prompt`].
    pub fn conversation(&self, question: &Question, trace: Option<&Trace>) -> Result<Prompt, PromptError> {
        let turns = self.turns(question, trace)?;
        Ok(Layout::Chat.lay_out(turns, self.prefill(question).to_owned(), said(question, trace)))
    }

    fn turns(&self, question: &Question, trace: Option<&Trace>) -> Result<Vec<Message>, PromptError> {
        let ExecutorPrompt(said) = self;
        let parts = said.of(question);
        let variables = template::variables(question);
        let mark = mark_beside(question, parts);
        let user = |parts: &Parts, variables: &_| -> Result<(String, String), PromptError> {
            let text = said.render("user", &parts.user, &template::with_reasoning(variables, &mark))?;
            let (before, after) = match text.split_once(&mark) {
                Some((before, after)) if !after.contains(&mark) => (before, after),
                found => {
                    let times = if found.is_some() { text.matches(&mark).count() } else { 0 };
                    return Err(PromptError::Reasoning { key: format!("{}.user", said.key), times });
                }
            };
            Ok((before.to_owned(), after.to_owned()))
        };
        let (mut last, after) = user(parts, &variables)?;
        if let Some(trace) = trace {
            last.push_str(&said.render(
                "reasoning",
                &parts.reasoning,
                &template::with_trace(&variables, trace),
            )?);
        }
        last.push_str(&after);
        said.turns(
            question,
            |parts, variables| user(parts, variables).map(|(before, after)| before + &after),
            last,
        )
    }

    /// The beginning of the reply, which is given and not sampled. The completion is read with it.
    #[must_use]
    pub fn prefill(&self, question: &Question) -> &str {
        &self.0.of(question).prefill
    }

    /// Texts before which a reply ends.
    #[must_use]
    pub fn stop(&self, question: &Question) -> &[String] {
        &self.0.of(question).stop
    }

    /// The layout of all of them.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.0.layout
    }

    /// All that decides the prompts, for fingerprints.
    #[must_use]
    pub fn settled(&self) -> Value {
        self.0.settled(|Parts { system, user, reasoning, prefill, stop, examples, layout: _, end: _ }| {
            json!({
                "system": system,
                "user": user,
                "reasoning": reasoning,
                "prefill": prefill,
                "stop": stop,
                "examples": examples,
            })
        })
    }
}

/// A text that stands nowhere in a question or in the words around it. Its first character is in it once, so it cannot
/// overlap with itself.
fn mark_beside(question: &Question, parts: &Parts) -> String {
    let mut mark = "\u{2}reasoning\u{1}".to_owned();
    let tests = question.tests_shown.iter().chain(&question.entry);
    let examples = parts.examples.iter().flat_map(|example| example.question.iter().chain(&example.tests));
    let texts: Vec<&String> = [&question.statement, &question.source, &parts.user]
        .into_iter()
        .chain(tests)
        .chain(examples)
        .collect();
    while texts.iter().any(|text| text.contains(&mark)) {
        mark.push('\u{1}');
    }
    mark
}
