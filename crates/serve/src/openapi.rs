//! The description of what is served, generated from the types that are read and written.
//!
//! Each section says its operations; their shapes are the Rust types, whose documentation becomes the document's. Requests that are read
//! field by field (so that one wrong item fails alone) have types for this alone, which tests hold against what is read.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// How a type is described, given what is described already.
type Shape = fn(&mut SchemaGenerator) -> Schema;

/// One method of one route.
#[derive(Clone)]
pub(crate) struct Operation {
    pub path: &'static str,
    method: &'static str,
    id: &'static str,
    summary: &'static str,
    /// What is sent, and an example that the route takes.
    body: Option<(Shape, Value)>,
    /// What comes back, by its content type.
    replies: Vec<(&'static str, Shape)>,
    parameters: Vec<Value>,
    access: Access,
}

/// Whether a key is needed, where the server has one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Keyed,
    Open,
}

const JSON: &str = "application/json";

/// Types that are described, of requests and of answers.
struct Schemas {
    asked: SchemaGenerator,
    told: SchemaGenerator,
}

fn shape<T: JsonSchema>() -> Shape {
    |schemas| schemas.subschema_for::<T>()
}

impl Operation {
    /// A route that takes a body.
    pub fn post<Q: JsonSchema, A: JsonSchema>(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        example: Value,
    ) -> Operation {
        Operation {
            path,
            method: "post",
            id,
            summary,
            body: Some((shape::<Q>(), example)),
            replies: vec![(JSON, shape::<A>())],
            parameters: Vec::new(),
            access: Access::Keyed,
        }
    }

    fn get<A: JsonSchema>(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
        Operation {
            path,
            method: "get",
            id,
            summary,
            body: None,
            replies: vec![(JSON, shape::<A>())],
            parameters: Vec::new(),
            access: Access::Keyed,
        }
    }

    /// By another method.
    pub fn by(self, method: &'static str, id: &'static str) -> Operation {
        Operation { method, id, ..self }
    }

    /// At another path.
    pub fn at(self, path: &'static str, id: &'static str) -> Operation {
        Operation { path, id, ..self }
    }

    /// It has an answer of another type as well.
    pub fn or<A: JsonSchema>(mut self, kind: &'static str) -> Operation {
        self.replies.push((kind, shape::<A>()));
        self
    }

    /// It takes an `Idempotency-Key`.
    pub fn keyed(mut self) -> Operation {
        self.parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "schema": { "type": "string", "maxLength": 255 },
            "description": "Whoever asks again under the same key within a day gets the same answer.",
        }));
        self
    }

    /// It takes `?detail=true`.
    pub fn detailed(mut self) -> Operation {
        self.parameters.push(json!({
            "name": "detail", "in": "query", "required": false, "schema": { "type": "boolean" },
            "description": "Whether the answer has all parts.",
        }));
        self
    }

    fn written(&self, schemas: &mut Schemas) -> Value {
        let mut operation = json!({ "operationId": self.id, "summary": self.summary });
        if !self.parameters.is_empty() {
            operation["parameters"] = json!(self.parameters);
        }
        let mut content = Map::new();
        for (kind, shape) in &self.replies {
            content.insert((*kind).to_owned(), json!({ "schema": shape(&mut schemas.told) }));
        }
        let fault = |description: &str, schema: Value| json!({ "description": description, "content": { JSON: { "schema": schema } } });
        let error = json!(schemas.told.subschema_for::<ErrorBody>());
        let mut responses = Map::new();
        let mut add = |status: &str, response: Value| drop(responses.insert(status.to_owned(), response));
        match (&self.body, self.access) {
            (Some((body, example)), _) => {
                operation["requestBody"] = json!({
                    "required": true, "content": { JSON: { "schema": body(&mut schemas.asked), "example": example } },
                });
                let reply = content.get(JSON).map(|content| content["schema"].clone());
                let either = json!({ "anyOf": [error.clone(), reply] });
                add("400", fault("The body is not JSON, or JSON of another shape.", error.clone()));
                add("401", fault("No key, or a wrong one.", error.clone()));
                add("408", fault("The body did not arrive in time.", error.clone()));
                add("413", fault("A body or a list that is too large.", error.clone()));
                add("422", fault("A field holds what cannot be done, or no item could be read.", either));
                add(
                    "429",
                    fault("No room in the queue; `Retry-After` says when to come back.", error.clone()),
                );
                add("500", fault("A bug; the log says more.", error.clone()));
                add("503", fault("It cannot be known now, or the server is about to stop.", error.clone()));
                add("504", fault("No answer in time.", error));
                add("200", json!({ "description": "The answer.", "content": content }));
            }
            (None, Access::Open) => {
                add("200", json!({ "description": "Yes.", "content": content.clone() }));
                add("503", json!({ "description": "No.", "content": content }));
                operation["security"] = json!([]);
            }
            (None, Access::Keyed) => {
                add("401", fault("No key, or a wrong one.", error));
                add("200", json!({ "description": "It is.", "content": content }));
            }
        }
        operation["responses"] = Value::Object(responses);
        operation
    }
}

/// Why a request is not answered.
#[derive(JsonSchema)]
#[schemars(rename = "Error")]
#[expect(dead_code, reason = "it describes what `Fault` writes, and a test holds it to that")]
struct ErrorBody {
    error: ErrorTold,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "as `ErrorBody`")]
struct ErrorTold {
    /// By which a program tells faults apart.
    code: String,
    message: String,
    /// When to try again, where that is known.
    #[schemars(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

/// Whether the server takes requests, and what it serves.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a section says its own part")]
struct Health {
    #[schemars(extend("enum" = ["ok", "draining"]))]
    status: String,
    service: Map<String, Value>,
}

/// Whether the server can do now what it is for.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "checks say their own part")]
struct Ready {
    #[schemars(extend("enum" = ["ready", "not ready", "draining"]))]
    status: String,
    checks: std::collections::BTreeMap<String, Checked>,
}

/// What a look found.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "checks say their own part")]
struct Checked {
    ready: bool,
    #[schemars(skip_serializing_if = "Option::is_none")]
    is: Option<Value>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// What every server answers.
fn own() -> [Operation; 4] {
    let open = |operation: Operation| Operation { access: Access::Open, ..operation };
    let metrics = Operation::get::<String>("/metrics", "metrics", "Counters, gauges and histograms.");
    [
        open(Operation::get::<Health>(
            "/health",
            "health",
            "Whether the server takes requests, and what it serves. Needs no API key.",
        )),
        open(Operation::get::<Ready>(
            "/ready",
            "ready",
            "Whether the server can do now what it is for: what it needs from elsewhere is looked at. Needs no API key.",
        )),
        Operation { replies: vec![("text/plain", shape::<String>())], ..metrics },
        Operation::get::<Map<String, Value>>("/openapi.json", "openapi", "This document."),
    ]
}

/// The document of operations, of which the first one of a path and method counts, as it does where they are served; and of sections
/// that bring a document of their own, what they serve.
pub(crate) fn document(
    operations: impl IntoIterator<Item = Operation>,
    written: &[&str],
    served: &[&str],
) -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    // What may be left out of a request is not what may be missing in an answer.
    let mut schemas = Schemas {
        asked: settings.clone().for_deserialize().into_generator(),
        told: settings.for_serialize().into_generator(),
    };
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations.into_iter().chain(own()) {
        let methods = paths.entry(operation.path).or_insert_with(|| json!({}));
        if methods.get(operation.method).is_none() {
            methods[operation.method] = operation.written(&mut schemas);
        }
    }
    let mut described = schemas.told.take_definitions(true);
    described.extend(schemas.asked.take_definitions(true));
    for document in written {
        // They are files of this crate, which its tests read.
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        // A route's `{*name}` takes slashes, too, and is described as `{name}`.
        let is_served = |path: &str| served.iter().any(|route| route.replace("{*", "{") == path);
        for (path, item) in
            document["paths"].as_object().into_iter().flatten().filter(|(path, _)| is_served(path))
        {
            paths.entry(path).or_insert_with(|| item.clone());
        }
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            described.entry(name).or_insert_with(|| schema.clone());
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
        "components": {
            "schemas": described,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use serde::Serialize;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "a shape")]
    struct Question {
        text: String,
        more: Option<String>,
    }

    #[derive(JsonSchema, Serialize)]
    struct Answer {
        text: Option<String>,
    }

    fn described() -> Value {
        let ask = Operation::post::<Question, Answer>("/ask", "ask", "Ask.", json!({ "text": "?" }));
        let other = Operation::post::<Answer, Answer>("/ask", "other", "Of another section.", json!(null));
        let model = include_str!("../openapi/model.json");
        let served = ["/ask", "/v1/models/{*model}"];
        serde_json::from_str(&document([ask.keyed(), other], &[model], &served)).unwrap()
    }

    #[test]
    fn every_reference_leads_somewhere_and_the_first_section_has_a_route() {
        let document = described();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} is not in the document");
        }
        assert_eq!(document["paths"]["/ask"]["post"]["operationId"], "ask");
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        for own in ["/health", "/ready", "/metrics", "/openapi.json", "/v1/models/{model}"] {
            assert!(paths.iter().any(|path| *path == own), "{own}");
        }
        assert_eq!(paths.len(), 6, "what is not served is not described: {paths:?}");
    }

    #[test]
    fn what_may_be_left_out_differs_between_questions_and_answers() {
        let document = described();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Question"]["required"], json!(["text"]));
        assert_eq!(schemas["Answer"]["required"], json!(["text"]), "an answer says null");
    }

    #[tokio::test]
    async fn faults_are_as_they_are_described() {
        use axum::response::IntoResponse;
        use http_body_util::BodyExt;
        let document = described();
        let again = std::time::Duration::from_secs(3);
        for fault in [Fault::Unauthorized, Fault::QueueFull { retry_after: again }, Fault::ShuttingDown] {
            let body = fault.into_response().into_body().collect().await.unwrap().to_bytes();
            let told: Value = serde_json::from_slice(&body).unwrap();
            let error = &document["components"]["schemas"]["Error"];
            assert_eq!(tracelift_testing::schema::misfit(&document, error, &told), None);
        }
    }
}
