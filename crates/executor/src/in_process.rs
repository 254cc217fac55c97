//! The executor that runs inside this process: a checkpoint and the engine.

use crate::call::{Call, CallFailure, Completion, Executor};
use crate::sampling::Sampling;
use crate::usage::{Meter, Usage};
use serde_json::json;
use std::collections::HashMap;
use tracelift_domain::fingerprint::canonical;
use tracelift_domain::prompt::Prompt;
use tracelift_domain::{Fingerprint, Question, SettingError, Trace};
use tracelift_engine::chat::ChatError;
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_engine::{Checkpoint, Device, Finish, Numbers, Request, Sampled, Sampler, Tokenizer};
use tracelift_prompt::{ExecutorPrompt, ExecutorPromptConfig, Layout, PromptError};

/// Why a checkpoint cannot be an executor.
#[derive(Debug, thiserror::Error)]
pub enum InProcessError {
    /// Settings that make no sense.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A tokenizer that cannot be part of a fingerprint.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Its prompts cannot be made.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A chat template is asked for, and there is none that can be read.
    #[error(transparent)]
    Chat(#[from] ChatError),
}

/// The section of the sampling.
pub(crate) const SAMPLING: &str = "executor.in_process.sampling";

/// How questions are put to a model with this tokenizer: in its chat template, where it has one and nothing else is said.
pub(crate) fn prompt(
    section: &ExecutorPromptConfig,
    tokenizer: &Tokenizer,
) -> Result<ExecutorPrompt, PromptError> {
    let fallback = Layout::of_model(tokenizer.chat_template());
    ExecutorPrompt::new("executor.in_process.prompt", section, fallback)
}

/// What decides, beside weights and tokenizer, how an executor behaves: canonical JSON with names of its own.
fn settled(prompt: &ExecutorPrompt, sampling: &Sampling, numbers: Numbers, eos: &[u32]) -> String {
    let Sampling { temperature, top_p, top_k, max_tokens, stop } = sampling;
    let mut settled = json!({
        "kind": "in-process",
        "prompt": prompt.settled(),
        "sampling": {
            "temperature": temperature,
            "top_p": top_p,
            "top_k": top_k,
            "max_tokens": max_tokens,
            "stop": stop,
        },
        "eos": eos,
    });
    // What is computed as it is stored needs no word: fingerprints are older than the choice.
    if numbers != Numbers::F32 {
        settled["numbers"] = json!(numbers);
    }
    canonical(&settled)
}

/// A frozen checkpoint that solves problems.
#[derive(Debug)]
pub struct InProcess {
    sampler: Sampler,
    tokenizer: Tokenizer,
    prompt: ExecutorPrompt,
    sampling: Sampling,
    fingerprint: Fingerprint,
    parameters: usize,
    numbers: Numbers,
    /// The longest sequence of the model.
    context: usize,
    meter: Meter,
}

impl InProcess {
    /// Freezes a checkpoint.
    ///
    /// # Errors
    /// When the sampling settings or the prompt's make no sense, the tokenizer cannot be fingerprinted, or there is no chat
    /// template where one is asked for.
    pub fn new(
        checkpoint: &Checkpoint,
        prompt: &ExecutorPromptConfig,
        sampling: Sampling,
        numbers: Numbers,
    ) -> Result<InProcess, InProcessError> {
        sampling.validate().map_err(|error| error.under(SAMPLING))?;
        let context = checkpoint.model.config.max_positions;
        if sampling.max_tokens as usize >= context {
            let expected = format!(
                "less than the {context} tokens that the model reads, prompt and completion together"
            );
            let error = SettingError::value("max_tokens", sampling.max_tokens, &expected);
            return Err(error.under(SAMPLING).into());
        }
        let prompt = self::prompt(prompt, &checkpoint.tokenizer)?;
        let template = match prompt.layout().needs_template() {
            false => None,
            true => Some(checkpoint.tokenizer.usable_chat_template()?.text().as_bytes()),
        };
        let tokenizer = checkpoint.tokenizer.clone();
        let settings = settled(&prompt, &sampling, numbers, tokenizer.eos());
        let weights = checkpoint.model.fingerprint();
        let vocabulary = tokenizer.to_json()?;
        let parts = [
            ("weights", weights.as_str().as_bytes()),
            ("tokenizer", vocabulary.as_bytes()),
            ("settings", settings.as_bytes()),
        ];
        let fingerprint =
            Fingerprint::of(parts.into_iter().chain(template.map(|template| ("chat template", template))));
        let parameters = checkpoint.model.parameters();
        let sampler = Sampler::on(Device::Cpu, &checkpoint.model, numbers);
        Ok(InProcess {
            sampler,
            tokenizer,
            prompt,
            sampling,
            fingerprint,
            parameters,
            numbers,
            context,
            meter: Meter::default(),
        })
    }

    /// The length of each call's prompt, and what was sampled after it.
    fn sampled(&self, calls: &[Call<'_>]) -> Vec<Result<(usize, Sampled), CallFailure>> {
        let engine = |error: &dyn std::error::Error| CallFailure::Engine { detail: error.to_string() };
        // Calls with the same prompt (K runs of one arm) share one reading of it.
        let mut requests: Vec<Request> = Vec::new();
        let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut stops: Vec<Vec<&str>> = Vec::new();
        let (max_tokens, context) = (self.sampling.max_tokens as usize, self.context);
        let mut place = |call: &Call<'_>| {
            let prompt = self.prompt(call.question, call.trace)?;
            let prompt = self.tokenizer.prompt(&prompt).map_err(|error| engine(&error))?;
            if prompt.len() + max_tokens > context {
                return Err(CallFailure::TooLong { prompt: prompt.len(), max_tokens, context });
            }
            let request = *known.entry(prompt).or_insert_with_key(|prompt| {
                requests.push(Request { prompt: prompt.clone(), seeds: Vec::new() });
                stops.push(self.stops(call.question));
                requests.len() - 1
            });
            requests[request].seeds.push(call.seed);
            Ok((request, requests[request].seeds.len() - 1))
        };
        let places: Vec<Result<(usize, usize), CallFailure>> = calls.iter().map(&mut place).collect();
        let settings = tracelift_engine::Sampling {
            temperature: self.sampling.temperature as f32,
            top_k: self.sampling.top_k.map_or(0, |k| k as usize),
            top_p: self.sampling.top_p as f32,
            min_p: 0.0,
            max_tokens,
            stop: self.tokenizer.eos().to_vec(),
        };
        let ended = |request: usize, tokens: &[u32]| self.tokenizer.stops(tokens, &stops[request]);
        let samples = self.sampler.generate_until(&requests, &settings, &ended);
        let samples = samples.map_err(|error| engine(&error));
        places
            .into_iter()
            .map(|place| {
                let (request, sample) = place?;
                let samples = samples.as_ref().map_err(Clone::clone)?;
                Ok((requests[request].prompt.len(), samples[request][sample].clone()))
            })
            .collect()
    }

    /// The texts before which a reply ends.
    fn stops<'a>(&'a self, question: &Question) -> Vec<&'a str> {
        self.sampling.stop.iter().chain(self.prompt.stop(question)).map(String::as_str).collect()
    }

    fn completion(
        &self,
        question: &Question,
        prompt_tokens: usize,
        sampled: &Sampled,
    ) -> Result<Completion, CallFailure> {
        if sampled.finish == Finish::NonFinite {
            return Err(CallFailure::NonFinite);
        }
        let text = self.tokenizer.decode(&sampled.tokens);
        let mut text = text.map_err(|error| CallFailure::Engine { detail: error.to_string() })?;
        let mut truncated = sampled.finish == Finish::Length;
        if let Some(end) = self.stops(question).iter().filter_map(|stop| text.find(stop)).min() {
            text.truncate(end);
            truncated = false;
        }
        Ok(Completion {
            text: self.prompt.prefill(question).to_owned() + &text,
            prompt_tokens: u32::try_from(prompt_tokens).ok(),
            completion_tokens: u32::try_from(sampled.tokens.len()).ok(),
            truncated,
        })
    }
}

impl Executor for InProcess {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn describe(&self) -> String {
        let numbers = match self.numbers {
            Numbers::F32 => "",
            Numbers::Bf16 => " in bf16",
            Numbers::Int8 => " in int8",
        };
        format!("in-process, {:.1} M parameters{numbers}, {}", self.parameters as f64 / 1e6, self.fingerprint)
    }

    fn prompt(&self, question: &Question, trace: Option<&Trace>) -> Result<Prompt, CallFailure> {
        Ok(self.prompt.prompt(question, trace)?)
    }

    fn room(&self, question: &Question, trace: Option<&Trace>) -> Option<isize> {
        // A prompt that cannot be made is for the call to report.
        let prompt = self.tokenizer.prompt(&self.prompt(question, trace).ok()?).ok()?;
        let taken = prompt.len() + self.sampling.max_tokens as usize;
        Some(self.context.cast_signed().wrapping_sub(taken.cast_signed()))
    }

    fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>> {
        let samples = self.sampled(calls).into_iter();
        let results: Vec<_> = samples
            .zip(calls)
            .map(|(sampled, call)| {
                sampled.and_then(|(tokens, sampled)| self.completion(call.question, tokens, &sampled))
            })
            .collect();
        for result in &results {
            self.meter.record(result, 0);
        }
        results
    }

    fn usage(&self) -> Usage {
        self.meter.usage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_in_a_fingerprint_are_pinned() {
        let sampling = Sampling { top_k: Some(5), stop: vec!["\n".into()], ..Sampling::default() };
        let section = ExecutorPromptConfig::named("world");
        let prompt = ExecutorPrompt::new("executor.in_process.prompt", &section, Layout::Plain).unwrap();
        assert!(settled(&prompt, &sampling, Numbers::Int8, &[2]).contains(r#""numbers":"int8","#));
        assert_eq!(
            settled(&prompt, &sampling, Numbers::F32, &[2, 7]),
            r#"{"eos":[2,7],"kind":"in-process","prompt":{"layout":"text","texts":{"answer":TEXTS,"function":TEXTS,"program":TEXTS}},"sampling":{"max_tokens":512,"stop":["\n"],"temperature":0.5,"top_k":5,"top_p":1.0}}"#
                .replace("TEXTS", r#"{"examples":[],"prefill":"","reasoning":"<reasoning> {{ trace }} </reasoning> ","stop":[],"system":"","user":"<problem> {{ question }} </problem> {{ reasoning }}<answer>"}"#)
        );
    }
}
