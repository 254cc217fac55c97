//! Batches without padding: sequences one after another. A sequence that begins like the one before it may branch off from
//! it, and costs only the tokens in which it differs.

use std::ops::Range;

/// Where a sequence lies in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Rows of an earlier sequence with which this one begins; empty for a sequence that stands for itself.
    pub prefix: Range<usize>,
    /// The rows that follow, which are its own.
    pub own: Range<usize>,
}

impl Span {
    /// How many tokens the sequence has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefix.len() + self.own.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row of the sequence's token at `position`.
    #[must_use]
    pub fn row(&self, position: usize) -> usize {
        match position.checked_sub(self.prefix.len()) {
            Some(further) => self.own.start + further,
            None => self.prefix.start + position,
        }
    }
}

/// Packed sequences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    spans: Vec<Span>,
    /// The latest sequence that stands for itself.
    trunk: usize,
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
        self.trunk = self.spans.len();
        self.append(0..0, sequence)
    }

    /// Adds a sequence that begins like the latest one that was [pushed](Batch::push), as far as the two are the same. What
    /// comes out is what comes out of the whole sequence, beyond rounding.
    pub fn branch(&mut self, sequence: &[u32]) {
        let Some(trunk) = self.spans.get(self.trunk).map(|span| span.own.clone()) else {
            self.push(sequence);
            return;
        };
        let same = self.tokens[trunk.clone()].iter().zip(sequence).take_while(|(a, b)| a == b).count();
        // Its last token stays its own, so that every sequence has a last row that is nobody else's.
        let same = same.min(sequence.len().saturating_sub(1));
        if same == 0 {
            self.push(sequence);
        } else {
            self.append(trunk.start..trunk.start + same, &sequence[same..]);
        }
    }

    fn append(&mut self, prefix: Range<usize>, own: &[u32]) -> usize {
        let first = self.tokens.len();
        self.tokens.extend_from_slice(own);
        let start = prefix.len();
        self.positions.extend((start..start + own.len()).map(|position| position as u32));
        self.spans.push(Span { prefix, own: first..self.tokens.len() });
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

    /// Where each sequence lies. Branches follow the sequence from which they branch off.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Rows, that is tokens.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tokens.len()
    }

    /// Sequences.
    #[must_use]
    pub fn sequences(&self) -> usize {
        self.spans.len()
    }

    /// The length of the longest sequence.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.spans.iter().map(Span::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_shares_what_is_the_same_and_keeps_its_last_token() {
        let mut batch = Batch::default();
        batch.push(&[9]);
        batch.push(&[1, 2, 3, 4]);
        batch.branch(&[1, 2, 5]);
        batch.branch(&[1, 2, 3, 4]);
        batch.branch(&[7, 8]);
        batch.branch(&[7, 6]);
        assert_eq!(batch.tokens(), [9, 1, 2, 3, 4, 5, 4, 7, 8, 6]);
        assert_eq!(batch.positions(), [0, 0, 1, 2, 3, 2, 3, 0, 1, 1]);
        let spans = batch.spans();
        assert_eq!(spans[2], Span { prefix: 1..3, own: 5..6 });
        assert_eq!(spans[3], Span { prefix: 1..4, own: 6..7 });
        assert_eq!(spans[4], Span { prefix: 0..0, own: 7..9 });
        assert_eq!(spans[5], Span { prefix: 7..8, own: 9..10 });
        assert_eq!([0, 1, 2].map(|position| spans[2].row(position)), [1, 2, 5]);
        assert_eq!((batch.longest(), batch.sequences()), (4, 6));
    }
}
