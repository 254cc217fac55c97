//! Batches without padding: sequences one after another, with offsets.

/// Packed sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    offsets: Vec<usize>,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch { tokens: Vec::new(), positions: Vec::new(), offsets: vec![0] }
    }
}

impl Batch {
    /// Packs sequences in the given order.
    #[must_use]
    pub fn of<S: AsRef<[u32]>>(sequences: impl IntoIterator<Item = S>) -> Batch {
        let mut batch = Batch::default();
        for sequence in sequences {
            batch.push(sequence.as_ref());
        }
        batch
    }

    /// Adds a sequence; returns the row of its first token.
    pub fn push(&mut self, sequence: &[u32]) -> usize {
        let first = self.tokens.len();
        self.tokens.extend_from_slice(sequence);
        self.positions.extend(0..sequence.len() as u32);
        self.offsets.push(self.tokens.len());
        first
    }

    /// All tokens.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The position of each token in its sequence.
    #[must_use]
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// Where each sequence starts, and the end of the last.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Rows, that is tokens.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tokens.len()
    }

    /// Sequences.
    #[must_use]
    pub fn sequences(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The length of the longest sequence.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.offsets.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    }
}
