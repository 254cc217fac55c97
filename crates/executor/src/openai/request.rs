//! What is sent, and the fingerprint of it.

use super::config::{Api, Omissible, Settings, default_finished};
use crate::{call::Call, spending::Cost};
use serde_json::{Value, json};
use tracelift_domain::fingerprint::canonical;
use tracelift_domain::prompt::Prompt;
use tracelift_domain::{Fingerprint, PromptFormat, Question, TaskDomain, Trace};

/// The body of a call's request.
pub(super) fn payload(settings: &Settings, call: &Call<'_>) -> Value {
    let mut payload = settings.extra.clone();
    let sampling = &settings.sampling;
    let mut set = |key: &str, value: Value| payload.insert(key.to_owned(), value);
    set("model", json!(settings.model));
    match prompt(settings, call.question, call.trace) {
        Prompt::Text(text) => set("prompt", json!(text)),
        Prompt::Conversation { messages, .. } => set("messages", json!(messages)),
    };
    for (field, value) in [
        (Omissible::Temperature, Some(json!(sampling.temperature))),
        (Omissible::TopP, Some(json!(sampling.top_p))),
        (Omissible::MaxTokens, Some(json!(sampling.max_tokens))),
        (Omissible::TopK, sampling.top_k.map(|top_k| json!(top_k))),
        (Omissible::Stop, (!sampling.stop.is_empty()).then(|| json!(sampling.stop))),
        // Servers keep seeds in signed 32-bit integers.
        (Omissible::Seed, Some(json!(call.seed.0 & 0x7fff_ffff))),
    ] {
        if let Some(value) = value.filter(|_| !settings.omit.contains(&field)) {
            set(field.name(), value);
        }
    }
    Value::Object(payload)
}

/// The most that a call may take.
pub(super) fn at_most(settings: &Settings, call: &Call<'_>) -> Cost {
    let max_tokens = settings.sampling.max_tokens;
    match prompt(settings, call.question, call.trace) {
        Prompt::Text(text) => Cost::at_most([text.as_str()], max_tokens),
        Prompt::Conversation { messages, .. } => {
            Cost::at_most(messages.iter().map(|message| message.content.as_str()), max_tokens)
        }
    }
}

/// Model name, set of endpoints, API and prompts, sampling, extra fields. The prompts go in as they are rendered for
/// fixed problems, so that a change of their wording changes the fingerprint.
pub(super) fn fingerprint(settings: &Settings) -> Fingerprint {
    let mut endpoints: Vec<&str> = settings.endpoints.iter().map(String::as_str).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    let mut settled = json!({
        "kind": "openai",
        "model": settings.model,
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

/// A text for `completions`, a conversation that the server lays out for `chat`.
pub(super) fn prompt(settings: &Settings, question: &Question, trace: Option<&Trace>) -> Prompt {
    // A format that only a server's template can lay out is refused for `completions` with the settings.
    let format = match settings.api {
        Api::Completions => settings.prompt,
        Api::Chat => PromptFormat::Chat,
    };
    format.executor(question, trace)
}

fn prompts(settings: &Settings) -> Vec<Value> {
    let trace = Trace::new("trace");
    [TaskDomain::Math, TaskDomain::Code, TaskDomain::Steps]
        .into_iter()
        .flat_map(|domain| [(domain, None), (domain, trace.as_ref())])
        .map(|(domain, trace)| {
            let question = Question::new("", domain, "statement");
            match prompt(settings, &question, trace) {
                Prompt::Text(text) => json!(text),
                Prompt::Conversation { messages, .. } => json!(messages),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::{OpenAi, OpenAiConfig};
    use crate::{Executor, Sampling};
    use std::num::NonZeroUsize;
    use tracelift_domain::Seed;

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
            OpenAiConfig { prompt: PromptFormat::Chatml, ..config() },
            OpenAiConfig { sampling: Sampling { top_k: Some(5), ..Sampling::default() }, ..config() },
            OpenAiConfig { extra, ..config() },
        ];
        for other in different {
            assert_ne!(print_of(other.clone()), base, "{other:?}");
        }
        // With chat the layout is the server's.
        let chat = |prompt| print_of(OpenAiConfig { api: Api::Chat, prompt, ..config() });
        assert_eq!(chat(PromptFormat::Plain), chat(PromptFormat::World));
    }

    #[test]
    fn a_seed_fits_into_31_bits() {
        let settings = Settings::of(config()).unwrap();
        let question = Question::new("s", TaskDomain::Math, "x");
        let call = Call { question: &question, trace: None, seed: Seed(u64::MAX) };
        assert_eq!(payload(&settings, &call)["seed"], json!(i32::MAX));
    }
}
