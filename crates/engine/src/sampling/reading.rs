//! Reading: the hidden state at a text's end, for heads that judge texts.
//!
//! It takes the sampler's way through the network, in which a row's numbers do not depend on what is computed beside it. So
//! what is read of a text depends on the text alone, to the last bit; and what a text has in common with the one before it, such
//! as a problem with another trace, is not computed again.

use super::cache::{Cache, Place};
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
    /// The text whose keys and values the cache holds.
    held: Vec<u32>,
    capacity: usize,
}

impl<'a> Reader<'a> {
    /// Buffers for a model.
    #[must_use]
    pub(super) fn new(packed: &'a Packed) -> Reader<'a> {
        Reader::with_capacity(packed, USUAL)
    }

    fn with_capacity(packed: &'a Packed, capacity: usize) -> Reader<'a> {
        Reader {
            packed,
            network: Network::new(packed, 1, CHUNK, capacity),
            cache: Cache::new(packed.config.layers, packed.heads, capacity),
            held: Vec::new(),
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
        // Until all of it is read, the cache holds nothing whole.
        let held = std::mem::take(&mut self.held);
        let common = held.iter().zip(tokens).take_while(|(held, token)| held == token).count();
        // The last token is asked for more than its keys and values.
        let start = common.min(tokens.len().saturating_sub(1));
        let place = Place::of(0, self.capacity);
        let mut rows = Vec::with_capacity(CHUNK.min(tokens.len() - start));
        for (at, chunk) in tokens[start..].chunks(CHUNK).enumerate() {
            rows.clear();
            let placed = (start + at * CHUNK..).zip(chunk);
            rows.extend(placed.map(|(position, &token)| Row { place, position, token }));
            with_team(1, |team| self.network.last_hidden(team, &mut self.cache, &rows, &mut hidden));
        }
        self.held = held;
        self.held.clear();
        self.held.extend_from_slice(tokens);
        hidden
    }
}
