//! What a request asks for, whichever of the two routes it took.

use super::ServedModel;
use super::chat::conversation;
use super::fields::Fields;
use super::refusal::Refusal;
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use tracelift_domain::Seed;
use tracelift_engine::Sampling;

/// The two routes, and how their answers are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/completions`
    Completions,
}

impl Api {
    /// Where a request holds what is to be gone on from.
    pub fn prompt(self) -> &'static str {
        match self {
            Api::Chat => "messages",
            Api::Completions => "prompt",
        }
    }
}

/// A prompt as tokens, and the text that `echo` gives back.
pub(super) struct Begun {
    pub tokens: Vec<u32>,
    pub text: String,
}

/// What is told of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// Log-probabilities, and of so many tokens beside each.
    pub logprobs: Option<usize>,
    /// Their numbers.
    pub token_ids: bool,
    /// The prompt, before what was written.
    pub echo: bool,
}

/// A request, read.
pub(super) struct Asked {
    pub prompts: Vec<Begun>,
    /// Choices of each prompt.
    pub n: usize,
    pub seed: Seed,
    pub sampling: Sampling,
    /// Texts before which a choice ends.
    pub stop: Vec<String>,
    pub telling: Telling,
    pub stream: Option<Streaming>,
}

/// How a stream is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Streaming {
    /// Whether it ends with what was used.
    pub usage: bool,
}

/// The most choices of a prompt.
const MOST_CHOICES: i64 = 128;
/// The most tokens that are told beside each.
const MOST_BESIDE: i64 = 20;
/// The most stop texts.
const MOST_STOPS: usize = 64;
/// The budget of new tokens of `/v1/completions` where nothing is said, as OpenAI has it.
const USUAL_TOKENS: usize = 16;
/// That of a reply where nothing is said, if the context has room for it: room is reserved, and who asks for all of it waits for it.
const USUAL_REPLY: usize = 4096;

impl Asked {
    /// Reads what follows `model`.
    pub fn read(api: Api, mut fields: Fields, model: &ServedModel, longest: usize) -> Result<Asked, Refusal> {
        let prompts = match api {
            Api::Chat => vec![said(&mut fields, model)?],
            Api::Completions => begun(&mut fields, model)?,
        };
        let n = fields.whole("n", 1, MOST_CHOICES)?.unwrap_or(1);
        if let Some(best) = fields.whole("best_of", 1, MOST_CHOICES)?.filter(|best| *best != n) {
            return Err(Refusal::unsupported("best_of", &format!(" as {best}: it can only be `n`")));
        }
        let telling = telling(api, &mut fields)?;
        let most = max_tokens(api, &mut fields)?;
        let longest_prompt = prompts.iter().map(|prompt| prompt.tokens.len()).max().unwrap_or(0);
        let max_tokens = match (most, api) {
            (Some(most), _) => most,
            (None, Api::Completions) => USUAL_TOKENS,
            (None, Api::Chat) => longest.saturating_sub(longest_prompt).clamp(1, USUAL_REPLY),
        };
        if longest_prompt.saturating_add(max_tokens) > longest {
            return Err(Refusal::too_long(api.prompt(), longest_prompt, max_tokens, longest));
        }
        if max_tokens == 0 && !telling.scores_prompt() {
            let message = "`max_tokens` is 0; with `echo` and `logprobs` that scores a prompt, else it must be at least 1";
            return Err(Refusal::of("max_tokens", message));
        }
        let sampling = sampling(&mut fields, model, max_tokens)?;
        let stop = stops(&mut fields)?;
        let seed = fields.seed("seed")?.unwrap_or_else(|| RandomState::new().hash_one(0));
        let stream = streaming(&mut fields)?;
        fields.end()?;
        Ok(Asked { prompts, n: n as usize, seed: Seed(seed), sampling, stop, telling, stream })
    }

    /// The seeds of a prompt's choices: as `tracelift generate` has them.
    pub fn seeds(&self, prompt: usize) -> Vec<Seed> {
        let seed = self.seed.child("prompt", prompt as u64);
        (0..self.n).map(|sample| seed.child("sample", sample as u64)).collect()
    }
}

impl Telling {
    /// Whether the prompt's tokens have log-probabilities.
    pub fn scores_prompt(self) -> bool {
        self.echo && self.logprobs.is_some()
    }
}

/// The conversation, laid out.
fn said(fields: &mut Fields, model: &ServedModel) -> Result<Begun, Refusal> {
    let prompt = conversation(fields)?;
    let failed = |error: &dyn std::error::Error| Refusal::of("messages", error.to_string());
    if model.tokenizer.chat_template().is_none() {
        let message = "the model has no chat template to lay out `messages`; ask it to go on from a text, at /v1/completions";
        return Err(Refusal::of("messages", message));
    }
    model.tokenizer.usable_chat_template().map_err(|error| failed(&error))?;
    let tokens = model.tokenizer.prompt(&prompt).map_err(|error| failed(&error))?;
    Ok(Begun { tokens, text: String::new() })
}

/// The prompts: a text or tokens, or a list of either.
fn begun(fields: &mut Fields, model: &ServedModel) -> Result<Vec<Begun>, Refusal> {
    let prompt = fields.take("prompt").ok_or_else(|| Refusal::of("prompt", "`prompt` is missing"))?;
    let special = fields.flag("add_special_tokens")?.unwrap_or(true);
    let tokenizer = &model.tokenizer;
    let of_text = |text: String| {
        let tokens = if special { tokenizer.encode_prompt(&text) } else { tokenizer.encode(&text) };
        tokens.map(|tokens| Begun { tokens, text }).map_err(|error| Refusal::of("prompt", error.to_string()))
    };
    let of_tokens = |tokens: &[Value]| {
        let token = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        let tokens: Option<Vec<u32>> = tokens.iter().map(token).collect();
        let vocabulary = tokenizer.vocabulary();
        let tokens = tokens.filter(|tokens| tokens.iter().all(|token| (*token as usize) < vocabulary));
        let tokens = tokens.ok_or_else(|| {
            let message = format!("`prompt` holds a list that is not of token numbers below {vocabulary}");
            Refusal::of("prompt", message)
        })?;
        let text = tokenizer.decode(&tokens).map_err(|error| Refusal::of("prompt", error.to_string()))?;
        Ok(Begun { tokens, text })
    };
    let prompts = match prompt {
        Value::String(text) => vec![of_text(text)?],
        Value::Array(all) if all.first().is_some_and(Value::is_number) => vec![of_tokens(&all)?],
        Value::Array(all) => all
            .into_iter()
            .map(|one| match one {
                Value::String(text) => of_text(text),
                Value::Array(tokens) => of_tokens(&tokens),
                other => {
                    Err(fields.wrong("prompt", &other, "a text, a list of token numbers, or a list of those"))
                }
            })
            .collect::<Result<Vec<Begun>, Refusal>>()?,
        other => {
            return Err(fields.wrong(
                "prompt",
                &other,
                "a text, a list of token numbers, or a list of those",
            ));
        }
    };
    if prompts.is_empty() || prompts.iter().any(|prompt| prompt.tokens.is_empty()) {
        let message = "`prompt` is empty; a model needs at least one token to go on from";
        return Err(Refusal::of("prompt", message));
    }
    Ok(prompts)
}

fn telling(api: Api, fields: &mut Fields) -> Result<Telling, Refusal> {
    let token_ids = fields.flag("return_token_ids")?.unwrap_or(false);
    match api {
        Api::Completions => {
            let logprobs = fields.whole("logprobs", 0, MOST_BESIDE)?.map(|count| count as usize);
            let echo = fields.flag("echo")?.unwrap_or(false);
            Ok(Telling { logprobs, token_ids, echo })
        }
        Api::Chat => {
            let asked = fields.flag("logprobs")?.unwrap_or(false);
            let beside = fields.whole("top_logprobs", 0, MOST_BESIDE)?;
            if beside.is_some_and(|beside| beside > 0) && !asked {
                return Err(Refusal::of("top_logprobs", "`top_logprobs` goes with `logprobs` as true"));
            }
            let logprobs = asked.then(|| beside.unwrap_or(0) as usize);
            if fields.flag("echo")?.unwrap_or(false) {
                return Err(Refusal::unsupported("echo", " for conversations"));
            }
            Ok(Telling { logprobs, token_ids, echo: false })
        }
    }
}

/// The budget of new tokens, if one is said.
fn max_tokens(api: Api, fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    let least = i64::from(api == Api::Chat);
    let said = fields.whole("max_tokens", least, i64::from(u32::MAX))?;
    let newer = match api {
        Api::Chat => fields.whole("max_completion_tokens", least, i64::from(u32::MAX))?,
        Api::Completions => None,
    };
    match (said, newer) {
        (Some(said), Some(newer)) if said != newer => {
            let message =
                format!("`max_tokens` is {said} and `max_completion_tokens` {newer}; say one of them");
            Err(Refusal::of("max_completion_tokens", message))
        }
        (said, newer) => Ok(newer.or(said).map(|most| most as usize)),
    }
}

fn sampling(fields: &mut Fields, model: &ServedModel, max_tokens: usize) -> Result<Sampling, Refusal> {
    let temperature = fields.number("temperature")?.unwrap_or(1.0) as f32;
    let top_p = fields.number("top_p")?.unwrap_or(1.0) as f32;
    // Some say all tokens as -1.
    let top_k = fields.whole("top_k", -1, i64::from(u32::MAX))?.unwrap_or(0).max(0) as usize;
    let min_p = fields.number("min_p")?.unwrap_or(0.0) as f32;
    let mut stop = match fields.flag("ignore_eos")?.unwrap_or(false) {
        true => Vec::new(),
        false => model.tokenizer.eos().to_vec(),
    };
    match fields.take("stop_token_ids") {
        None => {}
        Some(Value::Array(ids)) if ids.len() <= MOST_STOPS => {
            for id in ids {
                let token = id.as_u64().and_then(|id| u32::try_from(id).ok());
                stop.push(
                    token.ok_or_else(|| fields.wrong("stop_token_ids", &id, "a list of token numbers"))?,
                );
            }
        }
        Some(other) => {
            return Err(fields.wrong(
                "stop_token_ids",
                &other,
                &format!("a list of at most {MOST_STOPS} token numbers"),
            ));
        }
    }
    let sampling = Sampling { temperature, top_k, top_p, min_p, max_tokens, stop };
    Sampling { max_tokens: max_tokens.max(1), ..sampling.clone() }.validate()?;
    Ok(sampling)
}

fn stops(fields: &mut Fields) -> Result<Vec<String>, Refusal> {
    let expected = format!("a text, or a list of at most {MOST_STOPS} texts; none of them empty");
    let wrong = |value: &Value, fields: &Fields| fields.wrong("stop", value, &expected);
    match fields.take("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(stop)) if !stop.is_empty() => Ok(vec![stop]),
        Some(Value::Array(all)) if all.len() <= MOST_STOPS => all
            .into_iter()
            .map(|stop| match stop {
                Value::String(stop) if !stop.is_empty() => Ok(stop),
                other => Err(wrong(&other, fields)),
            })
            .collect(),
        Some(other) => Err(wrong(&other, fields)),
    }
}

fn streaming(fields: &mut Fields) -> Result<Option<Streaming>, Refusal> {
    let streams = fields.flag("stream")?.unwrap_or(false);
    let mut usage = false;
    if let Some(mut options) = fields.object("stream_options")? {
        if !streams {
            return Err(Refusal::of("stream_options", "`stream_options` goes with `stream` as true"));
        }
        usage = options.flag("include_usage")?.unwrap_or(false);
        if options.flag("include_obfuscation")?.unwrap_or(false) {
            return Err(Refusal::unsupported("stream_options.include_obfuscation", ""));
        }
        options.end()?;
    }
    Ok(streams.then_some(Streaming { usage }))
}

#[cfg(test)]
mod tests {
    use super::super::ModelServiceConfig;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, json};
    use tracelift_domain::Fingerprint;
    use tracelift_engine::{Config, Device, Model, Numbers, Sampler, Tokenizer};
    use tracelift_testing::TinyModel;

    fn model() -> ServedModel {
        let tiny = Model::random(Config::from_json(&TinyModel::BYTES.config()).unwrap(), Seed(1));
        let mut tokenizer = Tokenizer::byte_level().unwrap();
        tokenizer.set_chat_template("{% for m in messages %}{{ m.content }}<eos>{% endfor %}").unwrap();
        let sampler = Sampler::on(Device::Cpu, &tiny, Numbers::F32);
        ServedModel::new(
            "tiny",
            sampler,
            tokenizer,
            Fingerprint::of_text("tiny"),
            ModelServiceConfig::default(),
        )
    }

    fn read(api: Api, body: Value, model: &ServedModel) -> Result<Asked, Refusal> {
        Asked::read(api, Fields::of(body)?, model, 1024)
    }

    #[test]
    fn control_tokens_that_are_said_end_no_turn() {
        let model = model();
        let messages = json!([{"role": "user", "content": "a<eos>b"}]);
        let asked = read(Api::Chat, json!({"messages": messages}), &model).unwrap();
        let (end, tokens) = (model.tokenizer.eos()[0], &asked.prompts[0].tokens);
        assert_eq!(tokens.iter().filter(|token| **token == end).count(), 1, "the template's own");
        assert_eq!(tokens.len(), "a<eos>b".len() + 1);
        assert_eq!(asked.sampling.max_tokens, 1024 - tokens.len());
        let asked = read(Api::Completions, json!({"prompt": "a<eos>b"}), &model).unwrap();
        assert_eq!(asked.prompts[0].tokens, [97, end, 98]);
        assert_eq!((asked.sampling.max_tokens, asked.sampling.temperature), (16, 1.0));
    }

    #[test]
    fn a_reply_that_was_begun_is_gone_on_from() {
        let model = model();
        let messages = json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]);
        let body =
            json!({"messages": messages, "continue_final_message": true, "add_generation_prompt": false});
        let asked = read(Api::Chat, body, &model).unwrap();
        assert_eq!(asked.prompts[0].tokens, [97, 257, 98]);
    }

    /// Any value of JSON, small ones that are nearly right among them.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3..200_i64).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!({"role": "user", "content": "x"})),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(name(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect::<Map<String, Value>>())),
            ]
        })
    }

    fn name() -> impl Strategy<Value = String> {
        let known = [
            "messages",
            "prompt",
            "n",
            "best_of",
            "seed",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "max_tokens",
            "stop",
            "logprobs",
            "top_logprobs",
            "max_completion_tokens",
            "echo",
            "stream",
            "stream_options",
            "include_usage",
            "role",
            "content",
            "type",
            "text",
            "tools",
            "stop_token_ids",
            "chat_template_kwargs",
            "enable_thinking",
            "continue_final_message",
            "suffix",
            "user",
        ];
        prop_oneof![9 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
    }

    proptest! {
        #[test]
        fn any_request_is_read_or_refused_by_a_name(fields in proptest::collection::btree_map(name(), value(), 0..6), said in any::<bool>()) {
            let model = model();
            for api in [Api::Chat, Api::Completions] {
                let mut map: Map<String, Value> = fields.clone().into_iter().collect();
                if said {
                    map.insert("messages".into(), json!([{"role": "user", "content": "x"}]));
                    map.insert("prompt".into(), json!("x"));
                    map.remove(if api == Api::Chat { "prompt" } else { "messages" });
                }
                match read(api, Value::Object(map), &model) {
                    Ok(asked) => {
                        prop_assert!(asked.n >= 1 && !asked.prompts.is_empty());
                        for prompt in &asked.prompts {
                            prop_assert!(prompt.tokens.len() + asked.sampling.max_tokens <= 1024);
                        }
                    }
                    Err(refusal) => {
                        let told = refusal.to_json();
                        prop_assert!(told["error"]["param"].is_string(), "{told}");
                    }
                }
            }
        }
    }
}
