//! Lanes: threads that each read one input from beginning to end, with buffers of their own.
//!
//! What is read of an input depends on its tokens alone, to the last bit, whatever is asked at the same time; and two inputs
//! on two cores do not wait for each other.

use crate::queue::Queue;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use tracelift_engine::{Packed, Reader};

/// The threads. They end when this is dropped.
pub(super) struct Lanes {
    inputs: Arc<Queue<Input>>,
    handles: Vec<JoinHandle<()>>,
}

struct Input {
    index: usize,
    tokens: Vec<u32>,
    reply: Sender<(usize, Option<Vec<f32>>)>,
}

impl Lanes {
    /// Starts `count` lanes.
    pub fn start(packed: Packed, count: NonZeroUsize) -> io::Result<Lanes> {
        let (packed, inputs) = (Arc::new(packed), Arc::new(Queue::new()));
        let mut lanes = Lanes { inputs, handles: Vec::new() };
        for lane in 0..count.get() {
            let (packed, inputs) = (Arc::clone(&packed), Arc::clone(&lanes.inputs));
            let thread = std::thread::Builder::new().name(format!("lane {lane}"));
            lanes.handles.push(thread.spawn(move || read(&packed, &inputs))?);
        }
        Ok(lanes)
    }

    /// Reads inputs and hands out the hidden state at the end of each, by its index and as soon as it is known; `None` where
    /// reading it panicked.
    pub fn read(
        &self,
        inputs: impl IntoIterator<Item = (usize, Vec<u32>)>,
        mut each: impl FnMut(usize, Option<Vec<f32>>),
    ) {
        let (reply, replies) = channel();
        let with_reply = |(index, tokens)| Input { index, tokens, reply: reply.clone() };
        self.inputs.push(inputs.into_iter().map(with_reply).collect::<Vec<_>>());
        drop(reply);
        // It ends once every input has been answered or dropped.
        for (index, hidden) in replies {
            each(index, hidden);
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.inputs.close();
        for handle in self.handles.drain(..) {
            // A lane catches the panics of its inputs, so there is nothing to learn here.
            let _ = handle.join();
        }
    }
}

fn read(packed: &Packed, inputs: &Queue<Input>) {
    let mut reader = Reader::new(packed);
    while let Some(Input { index, tokens, reply }) = inputs.pop() {
        let hidden = catch_unwind(AssertUnwindSafe(|| reader.last_hidden(&tokens))).ok();
        if hidden.is_none() {
            // Its buffers may be in any state.
            reader = Reader::new(packed);
        }
        // Whoever asked may have gone.
        let _ = reply.send((index, hidden));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use tracelift_engine::checkpoint::load_model_with_extra;

    #[test]
    fn an_input_reads_the_same_in_any_company_and_fails_alone() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden/qwen2-rm");
        let (model, _) = load_model_with_extra(&dir, |name| name.contains("head")).unwrap();
        let vocabulary = model.config.vocab_size as u32;
        let lanes = Lanes::start(Packed::new(&model), NonZeroUsize::new(3).unwrap()).unwrap();
        let inputs: Vec<Vec<u32>> =
            (1..60).map(|length| (0..length).map(|at| (at * 7 + length) % vocabulary).collect()).collect();
        let collect = |inputs: &mut dyn Iterator<Item = (usize, Vec<u32>)>| {
            let mut found = vec![None; 60];
            lanes.read(inputs, |index, hidden| found[index] = hidden);
            found
        };
        let together = collect(&mut inputs.iter().cloned().enumerate());
        for (index, input) in inputs.iter().enumerate() {
            let alone = collect(&mut std::iter::once((index, input.clone())));
            assert!(alone[index].is_some() && alone[index] == together[index], "input {index}");
        }
        // A token that the model does not have.
        let broken = collect(&mut [(0, vec![u32::MAX]), (1, inputs[1].clone())].into_iter());
        assert_eq!((&broken[0], &broken[1]), (&None, &together[1]));
    }
}
