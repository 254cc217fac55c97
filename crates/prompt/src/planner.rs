//! A planner's prompts.

use crate::layout;
use crate::parts::{Parts, Said, probes};
use crate::preset::Side;
use crate::{End, Layout, PlannerPromptConfig, PromptError, template};
use serde_json::{Value, json};
use tracelift_domain::prompt::Prompt;
use tracelift_domain::{CLOSE, OPEN, Question, Trace};

/// How questions are put to a planner.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannerPrompt(Said);

impl PlannerPrompt {
    /// From its section; `key` is the section's name for messages, `fallback` the layout where nothing names one.
    ///
    /// # Errors
    /// A preset, a template or a file of examples that is none, by key.
    pub fn new(
        key: &str,
        config: &PlannerPromptConfig,
        fallback: Layout,
    ) -> Result<PlannerPrompt, PromptError> {
        let prompt = PlannerPrompt(Said::new(key, &config.0, Side::Planner, fallback)?);
        for question in probes() {
            prompt.prompt(&question)?;
        }
        Ok(prompt)
    }

    /// The embedded worlds' prompt.
    ///
    /// # Errors
    /// None, as long as the preset is sound.
    pub fn of_worlds() -> Result<PlannerPrompt, PromptError> {
        PlannerPrompt::new("planner.prompt", &PlannerPromptConfig::named("world"), Layout::Text)
    }

    /// What the planner is given for a question.
    ///
    /// # Errors
    /// When a template fails on it.
    pub fn prompt(&self, question: &Question) -> Result<Prompt, PromptError> {
        let PlannerPrompt(said) = self;
        let user = |parts: &Parts, variables: &_| said.render("user", &parts.user, variables);
        let last = user(said.of(question), &template::variables(question))?;
        let turns = said.turns(question, user, last)?;
        Ok(said.layout.lay_out(turns, self.prefill(question).to_owned(), layout::said(question, None)))
    }

    /// The beginning of the reply, which is given and not sampled. The completion is read with it.
    #[must_use]
    pub fn prefill(&self, question: &Question) -> &str {
        &self.0.of(question).prefill
    }

    /// The reply that states a trace, after what the prompt begins of it; `None` where that is more than an opening tag.
    #[must_use]
    pub fn reply(&self, question: &Question, trace: &Trace) -> Option<String> {
        let prefill = self.prefill(question);
        let close = |space: &str| format!("{}{space}{CLOSE}", trace.as_str());
        match prefill.split_once(OPEN) {
            // As it begins, so it ends.
            Some((_, space)) => space.trim().is_empty().then(|| close(space)),
            None if !prefill.is_empty() => None,
            None => {
                // Turns are written on lines of their own, as in the presets' examples; the worlds' texts in one.
                let space = if self.layout() == Layout::Text { " " } else { "\n" };
                Some(format!("{OPEN}{space}{}", close(space)))
            }
        }
    }

    /// Texts at which a reply ends; they are part of it.
    #[must_use]
    pub fn stop(&self, question: &Question) -> &[String] {
        &self.0.of(question).stop
    }

    /// What a reply is that ends without closing its tag.
    #[must_use]
    pub fn end(&self, question: &Question) -> End {
        self.0.of(question).end
    }

    /// The layout of all of them.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.0.layout
    }

    /// All that decides the prompts, for fingerprints.
    #[must_use]
    pub fn settled(&self) -> Value {
        self.0.settled(|Parts { system, user, prefill, stop, end, examples, layout: _, reasoning: _ }| {
            json!({
                "system": system,
                "user": user,
                "prefill": prefill,
                "stop": stop,
                "end": end,
                "examples": examples,
            })
        })
    }
}
