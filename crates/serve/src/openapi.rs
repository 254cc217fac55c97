//! The description of several sections in one document.

use serde_json::{Map, Value, json};

/// The paths that are served (a route's `{*name}` takes slashes, too, and is described as `{name}`), and schemas of all; of those that two have, the first one's.
pub(crate) fn joined(documents: &[&str], served: &[&str]) -> String {
    let (mut paths, mut components) = (Map::new(), Map::<String, Value>::new());
    for document in documents {
        // They are files of this crate, which its tests read.
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let described = document["paths"].as_object().into_iter().flatten();
        for (path, item) in
            described.filter(|(path, _)| served.iter().any(|route| route.replace("{*", "{") == **path))
        {
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
            "description": "Rewards of reasoning traces, scores against the rubric, verdicts of answers and programs, frozen models.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "security": [{ "key": [] }, {}],
        "paths": paths,
        "components": components,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTS: [&str; 5] = [
        include_str!("../openapi/reward.json"),
        include_str!("../openapi/rubric.json"),
        include_str!("../openapi/code.json"),
        include_str!("../openapi/verdicts.json"),
        include_str!("../openapi/model.json"),
    ];

    /// Every reference leads somewhere.
    fn assert_whole(text: &str) {
        let document: Value = serde_json::from_str(text).unwrap();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} is not in the document");
        }
    }

    #[test]
    fn every_rule_is_described() {
        let document: Value = serde_json::from_str(DOCUMENTS[0]).unwrap();
        let described = &document["components"]["schemas"]["RewardRequest"]["properties"]["rule"]["enum"];
        assert_eq!(*described, json!(tracelift_reward::Rule::ALL.map(tracelift_reward::Rule::name)));
    }

    #[test]
    fn documents_are_whole_alone_and_together() {
        DOCUMENTS.into_iter().for_each(assert_whole);
        let served =
            ["/v1/reward", "/get_reward", "/v1/score", "/run_code", "/v1/models/{*model}", "/health"];
        let together = joined(&DOCUMENTS, &served);
        assert_whole(&together);
        let document: Value = serde_json::from_str(&together).unwrap();
        let mut paths: Vec<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            ["/get_reward", "/health", "/run_code", "/v1/models/{model}", "/v1/reward", "/v1/score"]
        );
        // Of a route that two sections have, the first one's is described.
        assert_eq!(document["paths"]["/get_reward"]["post"]["operationId"], "getWholeReward");
    }
}
