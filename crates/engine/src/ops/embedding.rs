//! Token embedding: a row of the table per token.

use crate::ops::for_rows;
use crate::real::{Real, axpy};

/// Writes the rows of `table` that `tokens` name.
pub fn forward<T: Real>(y: &mut [T], table: &[T], tokens: &[u32], width: usize) {
    for_rows(y, width, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            row.copy_from_slice(&table[tokens[first + i] as usize * width..][..width]);
        }
    });
}

/// Adds the gradient of each row to its token's row of the table. One thread and in order: tokens repeat.
pub fn backward<T: Real>(d_table: &mut [T], dy: &[T], tokens: &[u32], width: usize) {
    for (token, dy) in tokens.iter().zip(dy.chunks_exact(width)) {
        axpy(&mut d_table[*token as usize * width..][..width], T::ONE, dy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::differences::{assert_gradient, noise};
    use crate::real::dot;

    #[test]
    fn backward_adds_up_repeated_tokens() {
        let (width, tokens) = (3, [1, 0, 1, 3]);
        let (table, upstream) = (noise(9, 4 * width), noise(10, tokens.len() * width));
        let mut gradient = vec![0.0; table.len()];
        backward(&mut gradient, &upstream, &tokens, width);
        assert_gradient("table", &table, &gradient, |table| {
            let mut y = vec![0.0; tokens.len() * width];
            forward(&mut y, table, &tokens, width);
            dot(&y, &upstream)
        });
    }
}
