//! The description of several sections in one document.

use serde_json::{Map, Value, json};

/// The paths that are served, and schemas of all; of those that two have, the first one's.
pub(crate) fn joined(documents: &[&str], served: &[&str]) -> String {
    let (mut paths, mut components) = (Map::new(), Map::<String, Value>::new());
    for document in documents {
        // They are files of this crate, which its tests read.
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let described = document["paths"].as_object().into_iter().flatten();
        for (path, item) in described.filter(|(path, _)| served.contains(&path.as_str())) {
            paths.entry(path).or_insert_with(|| item.clone());
        }
        for (kind, all) in document["components"].as_object().into_iter().flatten() {
            let Value::Object(known) = components.entry(kind).or_insert_with(|| json!({})) else { continue };
            for (name, component) in all.as_object().into_iter().flatten() {
                known.entry(name).or_insert_with(|| component.clone());
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "TraceLift",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Rewards of reasoning traces, scores against the rubric, verdicts of answers and programs.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "security": [{ "key": [] }, {}],
        "paths": paths,
        "components": components,
    })
    .to_string()
}
