//! Getting a reply: from the ledger, or through the turnstile from an endpoint and into the ledger.

use crate::{
    failure::{Failure, Stop},
    ledger::{Key, LedgerError, Reply},
    oracle::{Inquiry, Oracle},
    request::{self, Schema},
    settings::Structured,
};
use serde_json::Value;
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tracelift_domain::{Message, Seed};
use tracelift_executor::spending::Cost;
use tracelift_executor::{CallFailure, Unanswered, openai::back_off};

/// What [`Structured::Auto`] tries, in this order.
const WAYS: [Structured; 3] = [Structured::JsonSchema, Structured::JsonObject, Structured::None];

impl Oracle {
    /// The reply to a conversation: from the ledger, or from the endpoint and then in the ledger.
    pub(crate) fn reply(&self, inquiry: &Inquiry<'_>, messages: &[Message]) -> Result<Reply, Failure> {
        let key = request::key(&self.config, messages, inquiry.schema, inquiry.sample);
        let Some(ledger) = &self.ledger else { return self.fetch(key, messages, inquiry.schema) };
        let _turn = self.take_turn(key);
        let known = ledger.reply(key).map_err(|error| self.give_up(&error))?;
        if let Some(reply) = known {
            self.counts().from_ledger += 1;
            return Ok(reply);
        }
        self.fetch(key, messages, inquiry.schema)
    }

    /// Waits until nobody else asks the same.
    fn take_turn(&self, key: Key) -> impl Drop + use<'_> {
        struct Turn<'a>(&'a Oracle, Key);
        impl Drop for Turn<'_> {
            fn drop(&mut self) {
                self.0.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
                self.0.settled.notify_all();
            }
        }
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pending = self
            .settled
            .wait_while(pending, |pending| pending.contains(&key))
            .unwrap_or_else(PoisonError::into_inner);
        pending.insert(key);
        Turn(self, key)
    }

    /// The ledger fails: without it nothing may be asked.
    fn give_up(&self, error: &LedgerError) -> Stop {
        let stop = Stop::Ledger(error.to_string());
        self.turnstile.stop(stop.clone());
        stop
    }

    /// Asks an endpoint, again and again while that makes sense.
    fn fetch(&self, key: Key, messages: &[Message], schema: &Schema) -> Result<Reply, Failure> {
        let at_most = request::at_most(&self.config, messages);
        let endpoints = self.chat.endpoints().len();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let base = Duration::from_secs_f64(self.config.backoff_s);
        let mut tried = 0;
        loop {
            let place = (first + tried) % endpoints;
            if tried > 0 && tried.is_multiple_of(endpoints) {
                let pause = back_off(base, Seed(key.0 as u64), tried / endpoints);
                self.turnstile.sleep(pause).map_err(Failure::Stopped)?;
            }
            self.let_rest(place)?;
            let way = self.way.load(Ordering::Relaxed);
            let body = request::body(&self.config, messages, schema, key, WAYS[usize::from(way).min(2)]);
            match self.attempt(key, place, &body, at_most)? {
                Ok(reply) => {
                    self.misses.store(0, Ordering::Relaxed);
                    return Ok(reply);
                }
                Err(Unanswered { failure, retry_after }) => {
                    if let Some(pause) = retry_after {
                        let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
                        rests[place] = Some(Instant::now() + pause);
                    }
                    if self.config.structured == Structured::Auto && way < 2 && refuses_format(&failure) {
                        // Not an attempt: another thread may have found out at the same time.
                        let _ = self.way.compare_exchange(way, way + 1, Ordering::Relaxed, Ordering::Relaxed);
                        continue;
                    }
                    if is_denial(&failure) {
                        let stop = Stop::Denied(failure);
                        self.turnstile.stop(stop.clone());
                        return Err(stop.into());
                    }
                    if tried == self.config.retries as usize || !failure.is_transient() {
                        return Err(self.missed(failure));
                    }
                    tried += 1;
                }
            }
        }
    }

    /// Waits until an endpoint may be asked again.
    fn let_rest(&self, place: usize) -> Result<(), Stop> {
        let until = self.rests.lock().unwrap_or_else(PoisonError::into_inner)[place];
        match until {
            Some(moment) => self.turnstile.sleep(moment.saturating_duration_since(Instant::now())),
            None => Ok(()),
        }
    }

    /// One request, with its entries in the ledger.
    fn attempt(
        &self,
        key: Key,
        place: usize,
        body: &Value,
        at_most: Cost,
    ) -> Result<Result<Reply, Unanswered>, Failure> {
        let broken = |error: LedgerError| Failure::Stopped(self.give_up(&error));
        let mut pass = self.turnstile.enter(at_most)?;
        if let Some(ledger) = &self.ledger {
            ledger.asked(key, at_most).map_err(broken)?;
        }
        self.counts().requests += 1;
        match self.chat.send(place, body) {
            Ok(reply) => {
                let cost = Cost {
                    input: reply.prompt_tokens.map_or(at_most.input, u64::from),
                    output: reply.completion_tokens.map_or(at_most.output, u64::from),
                };
                let estimated = reply.prompt_tokens.is_none() || reply.completion_tokens.is_none();
                pass.spent = Some((cost, estimated));
                let reply = Reply::from(reply);
                if let Some(ledger) = &self.ledger {
                    ledger.answered(key, cost, estimated, reply.clone()).map_err(broken)?;
                }
                self.counts().replies += 1;
                Ok(Ok(reply))
            }
            Err(unanswered) => {
                let cost = unanswered.failure.may_be_billed().then_some(at_most);
                pass.spent = cost.map(|cost| (cost, true));
                let cause = unanswered.failure.cause();
                if let Some(ledger) = &self.ledger {
                    ledger.unanswered(key, cost, cause).map_err(broken)?;
                }
                *self.counts().failed_attempts.entry(cause.to_owned()).or_default() += 1;
                Ok(Err(unanswered))
            }
        }
    }

    /// An inquiry stays without a reply; after several in a row the work stops.
    fn missed(&self, failure: CallFailure) -> Failure {
        let misses = self.misses.fetch_add(1, Ordering::Relaxed) + 1;
        if misses >= self.config.patience.get() {
            self.turnstile.stop(Stop::Unreachable { questions: misses, last: failure.clone() });
        }
        // A server that has never answered may refuse everything, for a field that it does not know: then it is not the
        // inquiry that is at fault.
        let answers =
            self.counts().replies > 0 || self.ledger.as_ref().is_some_and(|ledger| ledger.answered_before());
        if answers && !failure.is_transient() {
            Failure::Rejected(failure)
        } else {
            Failure::Unanswered(failure)
        }
    }
}

/// Whether the server would say this to any inquiry.
fn is_denial(failure: &CallFailure) -> bool {
    matches!(failure, CallFailure::Status { code: 401..=404, .. })
}

/// Whether it is the request's `response_format` that the server does not like.
fn refuses_format(failure: &CallFailure) -> bool {
    let CallFailure::Status { code: 400 | 404 | 415 | 422 | 500 | 501, excerpt, .. } = failure else {
        return false;
    };
    let excerpt = excerpt.to_lowercase();
    ["response_format", "json_schema", "json_object", "guided", "structured output", "grammar"]
        .iter()
        .any(|word| excerpt.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complaints_about_the_format_change_the_format() {
        let status =
            |code, excerpt: &str| CallFailure::Status { endpoint: "e".into(), code, excerpt: excerpt.into() };
        assert!(refuses_format(&status(400, "unknown field `response_format`")));
        assert!(!refuses_format(&status(400, "context length exceeded")));
        assert!(!refuses_format(&status(429, "response_format")));
        assert!(is_denial(&status(401, "x")) && !is_denial(&status(400, "x")));
    }
}
