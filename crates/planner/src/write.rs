//! The one way from questions to traces.

use crate::Sampling;
use tracelift_domain::{
    Ending, Field, Fingerprint, Question, Seed, SettingError, Trace, TraceDefect, completion,
};
use tracelift_engine::sampling::GenerateError;
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_engine::{Device, Finish, Learner, Model, Numbers, Request, Sampler, Tokenizer};
use tracelift_prompt::{End, PlannerPrompt, PromptError};

/// A model at work as a planner: what it is, how it is asked, and how it is sampled.
#[derive(Clone, Copy)]
pub struct Planner<'a> {
    /// Whose weights write.
    pub weights: Weights<'a>,
    /// Its tokenizer; it says which tokens end a completion.
    pub tokenizer: &'a Tokenizer,
    /// How questions are put to it.
    pub prompt: &'a PlannerPrompt,
    /// How it is sampled.
    pub sampling: &'a Sampling,
    /// The numbers in which products are computed meanwhile.
    pub numbers: Numbers,
}

/// The weights of a planner.
#[derive(Clone, Copy)]
pub enum Weights<'a> {
    /// Of a model that stays as it is.
    Frozen(&'a Model),
    /// Of one that learns: as they are when it is asked, sampled on the device where it learns.
    Learning(&'a Learner),
}

impl Weights<'_> {
    fn sampler(self, numbers: Numbers) -> Sampler {
        match self {
            Weights::Frozen(model) => Sampler::on(Device::Cpu, model, numbers),
            Weights::Learning(learner) => learner.sampler(numbers),
        }
    }
}

/// A question, and how many traces are wanted.
#[derive(Clone, Debug)]
pub struct Asked<'q> {
    /// What is to be reasoned about.
    pub question: &'q Question,
    /// One trace a seed. A trace follows from the planner, the question and its seed alone, whatever else is asked.
    pub seeds: Vec<Seed>,
}

/// What a planner wrote about one question.
#[derive(Clone, Debug)]
pub struct Traces {
    /// The tokens of the prompt.
    pub prompt: Vec<u32>,
    /// In the order of the seeds.
    pub written: Vec<Written>,
}

/// One completion of a planner.
#[derive(Clone, Debug)]
pub struct Written {
    /// The tokens that it chose; the end token included, where it ended with one. What the prompt began of the reply is not
    /// among them, and not learned.
    pub tokens: Vec<u32>,
    /// `log p` of each under the whole distribution at the sampling temperature, before top-p.
    pub log_probs: Vec<f32>,
    /// The reply as text: what the prompt began of it and the tokens, without the end token.
    pub completion: String,
    /// The trace in it, or what keeps it from being one: a known failure of the planner.
    pub trace: Result<Trace, TraceDefect>,
    /// Whether the token budget ended it.
    pub truncated: bool,
    /// The hash of what was asked.
    pub prompt: Fingerprint,
}

/// Why a planner cannot write.
#[derive(Debug, thiserror::Error)]
pub enum PlannerError {
    /// Settings that make no sense.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A prompt cannot be made.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A prompt cannot be encoded, or a completion not be read.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A prompt that the model cannot go on from.
    #[error("the planner cannot be sampled: {0}")]
    Generate(#[from] GenerateError),
}

impl Planner<'_> {
    /// The tokens of the prompt for a question.
    ///
    /// # Errors
    /// When a text of the prompt fails on it, the layout needs a chat template and there is none, or it cannot be encoded.
    pub fn prompt(&self, question: &Question) -> Result<Vec<u32>, PlannerError> {
        Ok(self.tokenizer.prompt(&self.prompt.prompt(question)?)?)
    }

    /// How many tokens of the model's context are left where a question has its prompt and its longest completion; what is
    /// missing is negative.
    ///
    /// # Errors
    /// As [`Planner::prompt`].
    pub fn room(&self, question: &Question) -> Result<isize, PlannerError> {
        let taken = self.prompt(question)?.len() + self.sampling.max_tokens;
        let context = match self.weights {
            Weights::Frozen(model) => model.config.max_positions,
            Weights::Learning(learner) => learner.model().config.max_positions,
        };
        Ok(context.cast_signed().wrapping_sub(taken.cast_signed()))
    }

    /// Traces for each question, in the order asked. A completion without a usable trace is no error: it says so itself.
    ///
    /// # Errors
    /// When nothing can be sampled, or something that was sampled cannot be decoded.
    pub fn write(&self, asked: &[Asked<'_>]) -> Result<Vec<Traces>, PlannerError> {
        self.sampling.validate().map_err(|error| error.under("planner.sampling"))?;
        let mut requests = Vec::with_capacity(asked.len());
        let mut said = Vec::with_capacity(asked.len());
        for Asked { question, seeds } in asked {
            let prompt = self.prompt.prompt(question)?;
            requests.push(Request { prompt: self.tokenizer.prompt(&prompt)?, seeds: seeds.clone() });
            said.push(prompt.fingerprint());
        }
        let sampling = self.sampling.until(self.tokenizer.eos().to_vec());
        let stops = |request: usize, tokens: &[u32]| {
            self.tokenizer.stops(tokens, self.prompt.stop(asked[request].question))
        };
        let sampled = self.weights.sampler(self.numbers).generate_until(&requests, &sampling, &stops)?;
        let mut traces = Vec::with_capacity(asked.len());
        for (at, (Request { prompt, .. }, samples)) in requests.into_iter().zip(sampled).enumerate() {
            let question = asked[at].question;
            let mut written = Vec::with_capacity(samples.len());
            for sample in samples {
                let ending = match sample.finish {
                    Finish::Stop => match self.prompt.end(question) {
                        End::Says => Ending::Stopped,
                        End::Closes => Ending::Closes,
                    },
                    Finish::Length => Ending::TokenLimit,
                    Finish::NonFinite => return Err(GenerateError::NonFinite(at).into()),
                };
                let completion =
                    self.prompt.prefill(question).to_owned() + &self.tokenizer.decode(&sample.tokens)?;
                written.push(Written {
                    trace: completion::read(&completion, Field::Completion, ending),
                    completion,
                    truncated: sample.finish == Finish::Length,
                    prompt: said[at].clone(),
                    tokens: sample.tokens,
                    log_probs: sample.log_probs,
                });
            }
            traces.push(Traces { prompt, written });
        }
        Ok(traces)
    }
}
