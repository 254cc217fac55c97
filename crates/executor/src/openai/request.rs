//! What is sent, and the fingerprint of it.

use super::config::{Api, Omissible, Settings, default_finished};
use crate::{call::Call, spending::Cost};
use serde_json::{Value, json};
use tracelift_domain::Fingerprint;
use tracelift_domain::fingerprint::canonical;
use tracelift_domain::prompt::{Message, Prompt, Role};

/// The body of a call's request.
pub(super) fn payload(settings: &Settings, call: &Call<'_>, prompt: Prompt) -> Value {
    let mut payload = settings.extra.clone();
    let sampling = &settings.sampling;
    let mut set = |key: &str, value: Value| payload.insert(key.to_owned(), value);
    set("model", json!(settings.names.asked));
    match prompt {
        Prompt::Text(text) => {
            set("prompt", json!(text.as_str()));
        }
        Prompt::Conversation { mut messages, prefill, .. } => {
            // The last turn is the reply's beginning, as vLLM and SGLang are told to go on from it; llama.cpp does so anyway.
            if !prefill.is_empty() {
                messages.push(Message { role: Role::Assistant, content: prefill });
                set("continue_final_message", json!(true));
                set("add_generation_prompt", json!(false));
            }
            set("messages", json!(messages));
        }
    }
    let stop: Vec<&String> = sampling.stop.iter().chain(settings.prompt.stop(call.question)).collect();
    for (field, value) in [
        (Omissible::Temperature, Some(json!(sampling.temperature))),
        (Omissible::TopP, Some(json!(sampling.top_p))),
        (Omissible::MaxTokens, Some(json!(sampling.max_tokens))),
        (Omissible::TopK, sampling.top_k.map(|top_k| json!(top_k))),
        (Omissible::Stop, (!stop.is_empty()).then(|| json!(stop))),
        // Servers keep seeds in signed 32-bit integers.
        (Omissible::Seed, Some(json!(call.seed.0 & 0x7fff_ffff))),
    ] {
        if let Some(value) = value.filter(|_| !settings.omit.contains(&field)) {
            set(field.name(), value);
        }
    }
    Value::Object(payload)
}

/// The most that a call with this prompt may take.
pub(super) fn at_most(settings: &Settings, prompt: &Prompt) -> Cost {
    let max_tokens = settings.sampling.max_tokens;
    match prompt {
        Prompt::Text(text) => Cost::at_most([text.as_str()], max_tokens),
        Prompt::Conversation { messages, prefill, .. } => {
            let turns = messages.iter().map(|message| message.content.as_str());
            Cost::at_most(turns.chain([prefill.as_str()]), max_tokens)
        }
    }
}

/// Model name, set of endpoints, API and prompts, sampling, extra fields. The prompts go in word for word, so that a change
/// of their wording changes the fingerprint.
pub(super) fn fingerprint(settings: &Settings) -> Fingerprint {
    let mut endpoints: Vec<&str> = settings.endpoints.iter().map(String::as_str).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    let mut settled = json!({
        "kind": "openai",
        "model": settings.names.asked,
        "endpoints": endpoints,
        "prompts": prompts(settings),
        "sampling": settings.sampling,
        "extra": settings.extra,
    });
    // Only where they are set, so that executors of before keep their names.
    if !settings.omit.is_empty() {
        let mut omit = settings.omit.clone();
        omit.sort_unstable();
        omit.dedup();
        settled["omit"] = json!(omit);
    }
    if settings.finished != default_finished() {
        let mut finished = settings.finished.clone();
        finished.sort_unstable();
        finished.dedup();
        settled["finished"] = json!(finished);
    }
    Fingerprint::of([("executor", canonical(&settled).as_bytes())])
}

/// All that decides the prompts. With `chat` the layout is the server's.
fn prompts(settings: &Settings) -> Value {
    let mut prompts = settings.prompt.settled();
    prompts["layout"] = match settings.api {
        Api::Completions => json!(settings.prompt.layout()),
        Api::Chat => json!("messages"),
    };
    prompts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::{OpenAi, OpenAiConfig};
    use crate::{Executor, Sampling};
    use std::num::NonZeroUsize;
    use tracelift_domain::{Question, Seed, TaskDomain};
    use tracelift_prompt::ExecutorPromptConfig;

    fn config() -> OpenAiConfig {
        toml::from_str("base_urls = ['http://a', 'http://b']\nmodel = 'm'\napi = 'completions'").unwrap()
    }

    fn print_of(config: OpenAiConfig) -> Fingerprint {
        OpenAi::new(config).unwrap().fingerprint().clone()
    }

    #[test]
    fn the_fingerprint_covers_behaviour_alone() {
        let base = print_of(config());
        let same = [
            OpenAiConfig { base_urls: vec!["http://b/v1".into(), "http://a/".into()], ..config() },
            OpenAiConfig { timeout_s: 1.0, retries: 0, backoff_s: 0.0, ..config() },
            OpenAiConfig { concurrency: NonZeroUsize::MIN, ..config() },
            OpenAiConfig { api_key_env: Some("PATH".into()), ..config() },
        ];
        for other in same {
            assert_eq!(print_of(other.clone()), base, "{other:?}");
        }
        let mut extra = serde_json::Map::new();
        extra.insert("min_p".into(), json!(0.1));
        let different = [
            OpenAiConfig { base_urls: vec!["http://a".into()], ..config() },
            OpenAiConfig { model: "n".into(), ..config() },
            OpenAiConfig { api: Api::Chat, ..config() },
            OpenAiConfig { prompt: ExecutorPromptConfig::named("chatml"), ..config() },
            OpenAiConfig { prompt: ExecutorPromptConfig::named("hashes"), ..config() },
            OpenAiConfig { sampling: Sampling { top_k: Some(5), ..Sampling::default() }, ..config() },
            OpenAiConfig { extra, ..config() },
        ];
        for other in different {
            assert_ne!(print_of(other.clone()), base, "{other:?}");
        }
        // With chat the layout is the server's.
        let chat = |name| {
            print_of(OpenAiConfig { api: Api::Chat, prompt: ExecutorPromptConfig::named(name), ..config() })
        };
        assert_eq!(chat("plain"), chat("chatml"));
        assert_ne!(chat("plain"), chat("hashes"));
    }

    #[test]
    fn a_seed_fits_into_31_bits() {
        let settings = Settings::of(config()).unwrap();
        let question = Question::new("s", TaskDomain::Math, "x");
        let call = Call { question: &question, trace: None, seed: Seed(u64::MAX) };
        assert_eq!(payload(&settings, &call, Prompt::Text("x".into()))["seed"], json!(i32::MAX));
    }
}
