//! Reading: the hidden state at a text's end, for heads that judge texts.
//!
//! It takes the sampler's way through the network, in which a row's numbers do not depend on what is computed beside it. So
//! what is read of a text depends on the text alone, to the last bit.

use super::cache::Cache;
use super::network::{Network, Row};
use super::packed::Packed;
use super::team::with_team;

/// Rows that go through the network at a time.
const CHUNK: usize = 256;
/// Texts of up to this many tokens are read without laying out buffers anew.
const USUAL: usize = 256;

/// Reads texts one after another, on the thread that calls it. Its buffers grow to the longest text.
pub struct Reader<'a> {
    packed: &'a Packed,
    network: Network<'a>,
    cache: Cache,
    capacity: usize,
}

impl<'a> Reader<'a> {
    /// Buffers for a model.
    #[must_use]
    pub fn new(packed: &'a Packed) -> Reader<'a> {
        Reader::with_capacity(packed, USUAL)
    }

    fn with_capacity(packed: &'a Packed, capacity: usize) -> Reader<'a> {
        Reader {
            packed,
            network: Network::new(packed, 1, CHUNK, capacity),
            cache: Cache::new(packed.config.layers, packed.heads, 1, capacity),
            capacity,
        }
    }

    /// The hidden state after the last norm at the last token; zeros of no tokens. Tokens must be below the vocabulary's
    /// size.
    #[must_use]
    pub fn last_hidden(&mut self, tokens: &[u32]) -> Vec<f32> {
        if tokens.len() > self.capacity {
            *self = Reader::with_capacity(self.packed, tokens.len().next_power_of_two());
        }
        let mut hidden = vec![0.0; self.packed.config.hidden_size];
        let mut rows = Vec::with_capacity(CHUNK.min(tokens.len()));
        for (at, chunk) in tokens.chunks(CHUNK).enumerate() {
            rows.clear();
            let placed = (at * CHUNK..).zip(chunk);
            rows.extend(placed.map(|(position, &token)| Row { slot: 0, position, token }));
            with_team(1, |team| self.network.last_hidden(team, &mut self.cache, &rows, &mut hidden));
        }
        hidden
    }
}
