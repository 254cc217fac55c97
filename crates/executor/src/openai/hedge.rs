//! A request that takes long, sent a second time: whichever endpoint completes it first is heard.
//!
//! Most requests are as quick as usual, and the few that are not (a replica that is stuck, a long queue) hold up a whole group of rewards. The
//! second request costs what the first does, so hedging is asked for and counted. The requests are the same, seed and all.

use super::{Asked, Line, Reply, Request, lost};
use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// Sends a request to an endpoint and, where that does not reply in time, to another one. The replies that were waited for: one
/// completion, or failures alone; and an empty one for a request that is still under way.
pub(super) fn attempt(
    line: &Arc<Line>,
    asked: Asked,
    request: &Request,
    after: Duration,
    first: usize,
) -> Vec<Reply> {
    let (sender, replies) = mpsc::channel();
    let mut under_way = vec![asked.place];
    begin(line, asked, request, &sender);
    let mut heard = Vec::new();
    match replies.recv_timeout(after) {
        Ok(reply) => return vec![reply],
        Err(_) => {
            if let Some(spare) = line.replicas.spare(first, &under_way) {
                under_way.push(spare.place);
                begin(line, spare, request, &sender);
            }
        }
    }
    drop(sender);
    while heard.len() < under_way.len() {
        let Ok(reply) = replies.recv() else { break };
        let completed = matches!(reply.result, Some(Ok(_)));
        heard.push(reply);
        if completed {
            break;
        }
    }
    let missing = under_way.len() - heard.len();
    heard.extend(under_way.into_iter().take(missing).map(|place| Reply { place, result: None }));
    heard
}

/// Sends on a thread of its own, which nobody need wait for.
fn begin(line: &Arc<Line>, asked: Asked, request: &Request, replies: &mpsc::Sender<Reply>) {
    let (line, request, place) = (Arc::clone(line), request.clone(), asked.place);
    let sender = replies.clone();
    // Whoever asked may have heard the other one already.
    let work = move || drop(sender.send(line.attempt(asked, &request)));
    if thread::Builder::new().name("request".into()).spawn(work).is_err() {
        let _ = replies.send(Reply { place, result: Some(Err(lost().into())) });
    }
}
