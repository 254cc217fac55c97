//! What is told of completions: whole, or piece by piece.

use super::ServedModel;
use super::asked::{Api, Asked, Begun};
use super::clerk::News;
use super::refusal::Refusal;
use serde_json::{Map, Value, json};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tracelift_engine::Finish;
use tracelift_engine::sampling::Scored;
use tracelift_engine::tokenizer::{Growing, Reply, TokenizerError, held_back};

/// What is said in place of `−∞`, which JSON cannot carry; as OpenAI does.
const NEVER: f32 = -9999.0;

/// An answer on its way.
pub(super) struct Talk {
    api: Api,
    model: Arc<ServedModel>,
    asked: Asked,
    id: String,
    created: u64,
    /// Of each prompt, one after another.
    choices: Vec<Choice>,
    /// Scores of the tokens of each prompt, from the second on.
    scores: Vec<Vec<Option<Scored>>>,
    /// Tokens of prompts that had been read for others.
    cached: usize,
    /// Choices that have not ended.
    open: usize,
}

#[derive(Default)]
struct Choice {
    tokens: Vec<u32>,
    scores: Vec<Scored>,
    growing: Growing,
    text: String,
    /// Bytes of the text, and tokens, that were told.
    sent: (usize, usize),
    begun: bool,
    /// Where the text of `logprobs` has come to.
    margin: Margin,
    /// What it says in the end, and why it ends.
    ended: Option<(Reply, &'static str)>,
}

/// A piece of a choice.
struct Piece<'t> {
    text: &'t str,
    tokens: &'t [u32],
    scores: &'t [Scored],
    finish: Option<&'static str>,
}

fn failed(error: &TokenizerError) -> Refusal {
    Refusal::broken(&error.to_string())
}

impl Talk {
    pub fn new(api: Api, model: Arc<ServedModel>, asked: Asked) -> Talk {
        let open = asked.prompts.len() * asked.n;
        let name = if api == Api::Chat { "chatcmpl" } else { "cmpl" };
        let id = format!("{name}-{:016x}", RandomState::new().hash_one(1));
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let choices = (0..open).map(|_| Choice::default()).collect();
        let scores = vec![Vec::new(); asked.prompts.len()];
        Talk { api, model, asked, id, created, choices, scores, cached: 0, open }
    }

    /// Whether all choices have ended.
    pub fn is_over(&self) -> bool {
        self.open == 0
    }

    /// Hears what became of a prompt; what is to be told of it at once, where that is wanted.
    pub fn hear(&mut self, prompt: usize, news: News) -> Result<Vec<Value>, Refusal> {
        let streams = self.asked.stream.is_some();
        match news {
            News::Refused(error) => Err(Refusal::of_engine(error, self.api.prompt())),
            News::Prompt(scores) => {
                self.scores[prompt].extend(scores);
                Ok(Vec::new())
            }
            News::Token { sample, token, scored } => {
                let index = prompt * self.asked.n + sample;
                let choice = &mut self.choices[index];
                choice.tokens.push(token);
                choice.scores.push(scored);
                if !streams {
                    return Ok(Vec::new());
                }
                let more =
                    choice.growing.push(&self.model.tokenizer, token).map_err(|error| failed(&error))?;
                choice.text += &more;
                let (sent, _) = choice.sent;
                let stops = &self.asked.stop;
                let stop = stops.iter().filter_map(|stop| choice.text[sent..].find(stop.as_str())).min();
                let certain = choice.text.len() - held_back(&choice.text, stops);
                let ready = stop.map_or(certain, |stop| certain.min(sent + stop));
                if ready <= sent {
                    return Ok(Vec::new());
                }
                let piece = choice.text[sent..ready].to_owned();
                let tokens = choice.tokens.len();
                let chunk = self.piece(prompt, index, &piece, tokens, None)?;
                self.choices[index].sent = (ready, tokens);
                Ok(chunk)
            }
            News::Ended { sample, sampled, reused } => {
                if sampled.finish == Finish::NonFinite {
                    let message = "the model's logits are not finite: its weights are damaged or overflow";
                    return Err(Refusal::broken(message));
                }
                let index = prompt * self.asked.n + sample;
                let reply = self.model.tokenizer.reply(&sampled.tokens, &self.asked.stop);
                let reply = reply.map_err(|error| failed(&error))?;
                let finish = match sampled.finish {
                    Finish::Length if !reply.stopped => "length",
                    _ => "stop",
                };
                self.open -= 1;
                if sample == 0 {
                    self.cached += reused;
                }
                let choice = &mut self.choices[index];
                if choice.scores.len() < sampled.tokens.len() {
                    let scored = |log_prob: &f32| Scored { log_prob: *log_prob, alternatives: Vec::new() };
                    choice.scores = sampled.log_probs.iter().map(scored).collect();
                }
                choice.tokens = sampled.tokens;
                let chunk = match streams {
                    false => Vec::new(),
                    true => {
                        // What was told is how the whole text begins, unless a decoder looks back further than most.
                        let rest = reply.text.get(choice.sent.0..).unwrap_or_default().to_owned();
                        self.piece(prompt, index, &rest, reply.tokens, Some(finish))?
                    }
                };
                self.choices[index].ended = Some((reply, finish));
                Ok(chunk)
            }
        }
    }

    /// The chunks for a piece of a choice: its text, and its tokens up to the `tokens`-th.
    fn piece(
        &mut self,
        prompt: usize,
        index: usize,
        text: &str,
        tokens: usize,
        finish: Option<&'static str>,
    ) -> Result<Vec<Value>, Refusal> {
        let mut chunks = Vec::new();
        if !std::mem::replace(&mut self.choices[index].begun, true) {
            chunks.extend(self.beginning(prompt, index)?);
        }
        let choice = &mut self.choices[index];
        let from = choice.sent.1.min(tokens);
        let piece = Piece {
            text,
            tokens: &choice.tokens[from..tokens],
            scores: &choice.scores[from..tokens],
            finish,
        };
        let mut margin = std::mem::take(&mut choice.margin);
        let told = told(self.api, &self.model, &self.asked, &piece, &mut margin, Put::Delta);
        choice.margin = margin;
        chunks.push(self.chunk(index, told));
        Ok(chunks)
    }

    /// What a stream's choice begins with: the role of who speaks, or the prompt.
    fn beginning(&mut self, prompt: usize, index: usize) -> Result<Option<Value>, Refusal> {
        let told = match self.api {
            Api::Chat => {
                json!({ "delta": { "role": "assistant", "content": "" }, "logprobs": null, "finish_reason": null })
            }
            Api::Completions if self.asked.telling.echo => {
                let begun = &self.asked.prompts[prompt];
                let (lists, margin) = self.echoed(prompt)?;
                self.choices[index].margin = margin;
                let logprobs = lists.map(Lists::into_json);
                json!({ "text": begun.text, "logprobs": logprobs, "finish_reason": null })
            }
            Api::Completions => return Ok(None),
        };
        Ok(Some(self.chunk(index, told)))
    }

    /// What is told of a prompt's tokens, and where their text ends.
    fn echoed(&self, prompt: usize) -> Result<(Option<Lists>, Margin), Refusal> {
        let Begun { tokens, .. } = &self.asked.prompts[prompt];
        let mut margin = Margin::default();
        let Some(beside) = self.asked.telling.logprobs else { return Ok((None, margin)) };
        let scores = &self.scores[prompt];
        if scores.len() + 1 != tokens.len() || scores.iter().any(Option::is_none) {
            return Err(Refusal::broken("the model's logits after the prompt are not finite"));
        }
        let mut lists = Lists::default();
        for (token, scored) in tokens.iter().zip([None].into_iter().chain(scores.iter().map(Option::as_ref)))
        {
            lists.add(&self.model, *token, scored, beside, &mut margin);
        }
        Ok((Some(lists), margin))
    }

    fn chunk(&self, index: usize, mut told: Value) -> Value {
        told["index"] = json!(index);
        let mut chunk =
            self.head(if self.api == Api::Chat { "chat.completion.chunk" } else { "text_completion" });
        chunk["choices"] = json!([told]);
        if self.asked.stream.is_some_and(|stream| stream.usage) {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn head(&self, object: &str) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model.name,
            "system_fingerprint": self.model.system_fingerprint(),
        })
    }

    fn usage(&self) -> Value {
        let prompt: usize = self.asked.prompts.iter().map(|prompt| prompt.tokens.len()).sum();
        let ended = self.choices.iter().filter_map(|choice| choice.ended.as_ref());
        let completion: usize = ended.map(|(reply, _)| reply.tokens).sum();
        json!({
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": { "cached_tokens": self.cached },
        })
    }

    /// The last chunk of a stream, where it was asked for.
    pub fn last_chunk(&self) -> Option<Value> {
        self.asked.stream.filter(|stream| stream.usage)?;
        let mut chunk =
            self.head(if self.api == Api::Chat { "chat.completion.chunk" } else { "text_completion" });
        chunk["choices"] = json!([]);
        chunk["usage"] = self.usage();
        Some(chunk)
    }

    /// The whole answer.
    pub fn answer(&self) -> Result<Value, Refusal> {
        let mut choices = Vec::with_capacity(self.choices.len());
        for (index, choice) in self.choices.iter().enumerate() {
            let prompt = index / self.asked.n;
            let Some((reply, finish)) = &choice.ended else {
                return Err(Refusal::broken("a choice came to no end"));
            };
            let count = reply.tokens;
            let (mut text, mut before, mut margin) = (reply.text.clone(), None, Margin::default());
            if self.asked.telling.echo {
                text.insert_str(0, &self.asked.prompts[prompt].text);
                (before, margin) = self.echoed(prompt)?;
            }
            let (tokens, scores) = (&choice.tokens[..count], &choice.scores[..count]);
            let piece = Piece { text: &text, tokens, scores, finish: Some(finish) };
            let mut told = told(self.api, &self.model, &self.asked, &piece, &mut margin, Put::Whole(before));
            told["index"] = json!(index);
            if self.asked.telling.token_ids {
                told["prompt_token_ids"] = json!(self.asked.prompts[prompt].tokens);
            }
            choices.push(told);
        }
        let mut answer = self.head(if self.api == Api::Chat { "chat.completion" } else { "text_completion" });
        answer["choices"] = Value::Array(choices);
        answer["usage"] = self.usage();
        Ok(answer)
    }
}

/// In which form.
enum Put {
    /// All of a choice, after what is told of its prompt.
    Whole(Option<Lists>),
    /// A piece of a stream.
    Delta,
}

fn told(
    api: Api,
    model: &ServedModel,
    asked: &Asked,
    piece: &Piece<'_>,
    margin: &mut Margin,
    put: Put,
) -> Value {
    let Piece { text, tokens, scores, finish } = piece;
    let scored = || tokens.iter().copied().zip(scores.iter());
    let mut told = match api {
        Api::Chat => {
            let logprobs = asked.telling.logprobs.map(|beside| {
                let content: Vec<Value> =
                    scored().map(|(token, scored)| entry(model, token, scored, beside)).collect();
                json!({ "content": content, "refusal": null })
            });
            let mut told = json!({ "logprobs": logprobs });
            match put {
                Put::Whole(_) => {
                    told["message"] = json!({ "role": "assistant", "content": text, "refusal": null });
                }
                Put::Delta if text.is_empty() => told["delta"] = json!({}),
                Put::Delta => told["delta"] = json!({ "content": text }),
            }
            told
        }
        Api::Completions => {
            let logprobs = asked.telling.logprobs.map(|beside| {
                let mut lists = match put {
                    Put::Whole(Some(before)) => before,
                    Put::Whole(None) | Put::Delta => Lists::default(),
                };
                scored().for_each(|(token, scored)| lists.add(model, token, Some(scored), beside, margin));
                lists.into_json()
            });
            json!({ "text": text, "logprobs": logprobs })
        }
    };
    told["finish_reason"] = json!(finish);
    if asked.telling.token_ids {
        told["token_ids"] = json!(tokens);
    }
    told
}

fn finite(log_prob: f32) -> f32 {
    if log_prob.is_finite() { log_prob } else { NEVER }
}

/// A token as a text: bytes that are none by themselves as OpenAI writes them.
fn written(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().fold("bytes:".to_owned(), |text, byte| format!("{text}\\x{byte:02x}")),
    }
}

/// A token of a conversation's reply.
fn entry(model: &ServedModel, token: u32, scored: &Scored, beside: usize) -> Value {
    let one = |token: u32, log_prob: f32| {
        let bytes = model.speller.bytes(&model.tokenizer, token);
        json!({ "token": written(&bytes), "logprob": finite(log_prob), "bytes": bytes })
    };
    let top: Vec<Value> =
        scored.alternatives.iter().take(beside).map(|(token, log_prob)| one(*token, *log_prob)).collect();
    let mut entry = one(token, scored.log_prob);
    entry["top_logprobs"] = Value::Array(top);
    entry
}

/// Where each token's text begins.
#[derive(Default)]
struct Margin {
    growing: Growing,
    characters: usize,
}

/// `logprobs` of `/v1/completions`.
#[derive(Default)]
struct Lists {
    tokens: Vec<String>,
    token_logprobs: Vec<Option<f32>>,
    top_logprobs: Vec<Option<Map<String, Value>>>,
    text_offset: Vec<usize>,
}

impl Lists {
    fn add(
        &mut self,
        model: &ServedModel,
        token: u32,
        scored: Option<&Scored>,
        beside: usize,
        margin: &mut Margin,
    ) {
        let bytes = model.speller.bytes(&model.tokenizer, token);
        self.text_offset.push(margin.characters);
        // A token that has no text takes no place in it.
        let more = margin.growing.push(&model.tokenizer, token).unwrap_or_default();
        margin.characters += more.chars().count();
        self.token_logprobs.push(scored.map(|scored| finite(scored.log_prob)));
        self.top_logprobs.push(scored.map(|scored| {
            let mut top = Map::new();
            let alternatives = scored.alternatives.iter().take(beside).copied();
            for (token, log_prob) in alternatives.chain([(token, scored.log_prob)]) {
                let text = written(&model.speller.bytes(&model.tokenizer, token));
                // Of two that are written alike, the more probable one.
                top.entry(text).or_insert_with(|| json!(finite(log_prob)));
            }
            top
        }));
        self.tokens.push(written(&bytes));
    }

    fn into_json(self) -> Value {
        json!({
            "tokens": self.tokens,
            "token_logprobs": self.token_logprobs,
            "top_logprobs": self.top_logprobs,
            "text_offset": self.text_offset,
        })
    }
}
