//! The inner loops of sampling: a few rows against one panel of 32 outputs, and one query against its keys and values.
//!
//! Each result of a product is one running sum over the inputs in order, whatever the number of rows beside it, and
//! each of attention a sum whose order follows from the number of positions. So a row's result does not depend on its
//! company.

/// Outputs of a panel: two 512-bit vectors of `f32`.
pub const PANEL: usize = 32;
/// Rows that share one walk through a panel.
pub const ROWS: usize = 8;
/// Positions of a block of keys, and what channels of values are padded to: one 512-bit vector of `f32`.
pub const LANES: usize = 16;
/// Sums of up to [`ROWS`] rows.
pub type Sums = [[f32; PANEL]; ROWS];

/// Calls a kernel for so many rows, from 1 to [`ROWS`]: their number is known when it is compiled, so that sums stay in registers.
#[cfg(target_arch = "x86_64")]
macro_rules! for_rows {
    ($count:expr, $kernel:ident $arguments:tt) => {
        match $count {
            8 => avx512::$kernel::<8> $arguments,
            7 => avx512::$kernel::<7> $arguments,
            6 => avx512::$kernel::<6> $arguments,
            5 => avx512::$kernel::<5> $arguments,
            4 => avx512::$kernel::<4> $arguments,
            3 => avx512::$kernel::<3> $arguments,
            2 => avx512::$kernel::<2> $arguments,
            _ => avx512::$kernel::<1> $arguments,
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use for_rows;

/// `sums[r][j] += Σ_k x[r][k]·panel[k][j]` for `count` rows of `inputs`. `next` is what will be read after this panel: it is
/// asked for meanwhile, because one core alone waits longer for memory than it multiplies.
#[inline]
pub fn wide(sums: &mut Sums, x: &[f32], panel: &[f32], inputs: usize, count: usize, next: &[f32]) {
    assert!((1..=ROWS).contains(&count) && x.len() >= count * inputs && panel.len() >= inputs * PANEL);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        let next = Ahead::of(next, inputs);
        // SAFETY: the feature was just detected; the assertion above bounds every address.
        unsafe {
            for_rows!(count, wide(sums, x, panel, inputs, next));
        }
        return;
    }
    let _ = next;
    crate::real::vectorized(
        #[inline(always)]
        || {
            for (sums, x) in sums.iter_mut().zip(x.chunks_exact(inputs)).take(count) {
                for (x, column) in x.iter().zip(panel.as_chunks::<PANEL>().0) {
                    for (sum, w) in sums.iter_mut().zip(column) {
                        *sum = x.mul_add(*w, *sum);
                    }
                }
            }
        },
    );
}

/// [`wide`], to the last bit, where the weights are kept in bf16: `panel[k/2][j]` holds those of two inputs. Half of the
/// memory is read, and nothing is rounded. `inputs` is even.
#[inline]
pub fn mixed(sums: &mut Sums, x: &[f32], panel: &[u16], inputs: usize, count: usize, next: &[u16]) {
    assert!((1..=ROWS).contains(&count) && x.len() >= count * inputs && panel.len() >= inputs * PANEL);
    assert!(inputs.is_multiple_of(2), "bf16 products take inputs in pairs");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        let next = Ahead::of(next, inputs / 2);
        // SAFETY: the feature was just detected; the assertions above bound every address.
        unsafe {
            for_rows!(count, mixed(sums, x, panel, inputs, next));
        }
        return;
    }
    let _ = next;
    crate::real::vectorized(
        #[inline(always)]
        || {
            for (sums, x) in sums.iter_mut().zip(x.chunks_exact(inputs)).take(count) {
                for (x, pairs) in x.as_chunks::<2>().0.iter().zip(panel.as_chunks::<{ 2 * PANEL }>().0) {
                    for (sum, w) in sums.iter_mut().zip(pairs.as_chunks::<2>().0) {
                        *sum = x[1].mul_add(widen(w[1]), x[0].mul_add(widen(w[0]), *sum));
                    }
                }
            }
        },
    );
}

/// Memory that is asked for while something else is multiplied: a share at every turn of a loop.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    from: *const u8,
    /// Bytes a turn: none, or up to two cache lines.
    each: usize,
}

#[cfg(target_arch = "x86_64")]
impl Ahead {
    pub fn of<T>(next: &[T], turns: usize) -> Ahead {
        Ahead { from: next.as_ptr().cast(), each: (size_of_val(next) / turns.max(1)).min(128) }
    }

    /// Asks for the share of a turn.
    #[inline(always)]
    pub fn fetch(self, turn: usize) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        let at = self.from.wrapping_add(turn * self.each);
        // SAFETY: every x86-64 has it, and whatever the address is, nothing happens but that memory may come nearer.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(at.cast());
            _mm_prefetch::<_MM_HINT_T1>(at.wrapping_add(self.each / 2).cast());
        }
    }
}

/// Whether this machine multiplies bf16 itself.
pub fn multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512bf16") {
        return true;
    }
    false
}

/// The same with both sides in bf16, multiplied as such, and sums in `f32`: inputs come in pairs, `panel[k/2][j]` holds the weights of both. `inputs` is
/// even.
#[inline]
pub fn narrow(sums: &mut Sums, x: &[u16], panel: &[u16], inputs: usize, count: usize) {
    assert!((1..=ROWS).contains(&count) && x.len() >= count * inputs && panel.len() >= inputs * PANEL);
    assert!(inputs.is_multiple_of(2), "bf16 products take inputs in pairs");
    #[cfg(target_arch = "x86_64")]
    if multiplies_bf16() {
        // SAFETY: the features were just detected; the assertions above bound every address.
        unsafe {
            for_rows!(count, narrow(sums, x, panel, inputs));
        }
        return;
    }
    crate::real::vectorized(
        #[inline(always)]
        || {
            for (sums, x) in sums.iter_mut().zip(x.chunks_exact(inputs)).take(count) {
                for (x, pairs) in x.as_chunks::<2>().0.iter().zip(panel.as_chunks::<{ 2 * PANEL }>().0) {
                    for (sum, w) in sums.iter_mut().zip(pairs.as_chunks::<2>().0) {
                        *sum = widen(x[0]).mul_add(widen(w[0]), widen(x[1]).mul_add(widen(w[1]), *sum));
                    }
                }
            }
        },
    );
}

/// `scores[j] = scale · Σ_c query[c]·key_j[c]`, where `keys` holds blocks of [`LANES`] positions, channel by channel.
#[inline]
pub fn scores(scores: &mut [f32], query: &[f32], keys: &[f32], scale: f32) {
    assert!(scores.len().is_multiple_of(LANES) && keys.len() == scores.len() * query.len());
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the feature was just detected; the assertion above bounds every address.
        unsafe { avx512::scores(scores, query, keys, scale) };
        return;
    }
    crate::real::vectorized(
        #[inline(always)]
        || {
            let blocks = keys.chunks_exact(LANES * query.len());
            for (scores, block) in scores.chunks_exact_mut(LANES).zip(blocks) {
                let mut sums = [0.0_f32; LANES];
                for (q, key) in query.iter().zip(block.as_chunks::<LANES>().0) {
                    for (sum, k) in sums.iter_mut().zip(key) {
                        *sum = q.mul_add(*k, *sum);
                    }
                }
                for (score, sum) in scores.iter_mut().zip(&sums) {
                    *score = sum * scale;
                }
            }
        },
    );
}

/// `out[c] = share · Σ_j weights[j]·values[j][c]`, where a value has `channels` channels (a multiple of [`LANES`], at
/// least as many as `out`); even and odd positions are summed apart.
#[inline]
pub fn mix(out: &mut [f32], weights: &[f32], values: &[f32], channels: usize, share: f32) {
    assert!(channels.is_multiple_of(LANES) && out.len() <= channels);
    assert!(values.len() >= weights.len() * channels);
    for (i, out) in out.chunks_mut(4 * LANES).enumerate() {
        let first = i * 4 * LANES;
        let mut sums = [[0.0; LANES]; 4];
        let vectors = out.len().div_ceil(LANES);
        mix_vectors(&mut sums, vectors, weights, &values[first..], channels);
        for (out, sum) in out.iter_mut().zip(sums.as_flattened()) {
            *out = sum * share;
        }
    }
}

/// The sums of up to four vectors of channels from the start of `values` on.
#[inline]
fn mix_vectors(
    sums: &mut [[f32; LANES]; 4],
    vectors: usize,
    weights: &[f32],
    values: &[f32],
    channels: usize,
) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the feature was just detected; `mix` checked that every position has `channels` channels, of which
        // `vectors` whole vectors follow the start of `values`.
        unsafe {
            match vectors {
                1 => avx512::mix::<1>(sums, weights, values, channels),
                2 => avx512::mix::<2>(sums, weights, values, channels),
                3 => avx512::mix::<3>(sums, weights, values, channels),
                _ => avx512::mix::<4>(sums, weights, values, channels),
            }
        }
        return;
    }
    crate::real::vectorized(
        #[inline(always)]
        || {
            for (t, sums) in sums.iter_mut().take(vectors).enumerate() {
                let mut halves = [[0.0_f32; LANES]; 2];
                for (j, weight) in weights.iter().enumerate() {
                    let value = &values[j * channels + t * LANES..][..LANES];
                    for (sum, v) in halves[j % 2].iter_mut().zip(value) {
                        *sum = weight.mul_add(*v, *sum);
                    }
                }
                for ((sum, even), odd) in sums.iter_mut().zip(&halves[0]).zip(&halves[1]) {
                    *sum = even + odd;
                }
            }
        },
    );
}

/// A bf16 as the `f32` that it stands for.
#[inline(always)]
pub fn widen(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

/// The nearest bf16, ties to even; NaN stays NaN.
#[inline(always)]
pub fn round(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    let bits = if x.is_nan() { bits | 0x0040_0000 } else { rounded };
    (bits >> 16) as u16
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Ahead, LANES, PANEL, Sums};
    use std::arch::x86_64::{
        __m512bh, __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_add_ps, _mm512_and_si512, _mm512_castsi512_ps,
        _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mul_ps,
        _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi32, _mm512_storeu_ps,
    };

    /// How many inputs ahead of their use weights are asked for: far enough to hide the way from memory.
    const AHEAD: usize = 64;
    /// The same for channels of keys.
    const AHEAD_KEYS: usize = 12;
    /// The same for positions of values.
    const AHEAD_VALUES: usize = 16;

    /// `N` rows against one panel, all sums in registers.
    ///
    /// # Safety
    /// The machine has AVX-512F; `x` holds `N·inputs` and `panel` `inputs·PANEL` elements.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn wide<const N: usize>(
        sums: &mut Sums,
        x: &[f32],
        panel: &[f32],
        inputs: usize,
        next: Ahead,
    ) {
        // SAFETY: the caller's contract bounds every address below.
        unsafe {
            let mut low = [_mm512_setzero_ps(); N];
            let mut high = [_mm512_setzero_ps(); N];
            for r in 0..N {
                low[r] = _mm512_loadu_ps(sums[r].as_ptr());
                high[r] = _mm512_loadu_ps(sums[r].as_ptr().add(16));
            }
            let (x, panel) = (x.as_ptr(), panel.as_ptr());
            for k in 0..inputs {
                next.fetch(k);
                let left = _mm512_loadu_ps(panel.add(k * PANEL));
                let right = _mm512_loadu_ps(panel.add(k * PANEL + 16));
                for r in 0..N {
                    let value = _mm512_set1_ps(*x.add(r * inputs + k));
                    low[r] = _mm512_fmadd_ps(value, left, low[r]);
                    high[r] = _mm512_fmadd_ps(value, right, high[r]);
                }
            }
            for r in 0..N {
                _mm512_storeu_ps(sums[r].as_mut_ptr(), low[r]);
                _mm512_storeu_ps(sums[r].as_mut_ptr().add(16), high[r]);
            }
        }
    }

    /// As [`wide`], with weights that are pairs of bf16: an `f32` is a bf16 with zeros behind it.
    ///
    /// # Safety
    /// The machine has AVX-512F; `x` holds `N·inputs` and `panel` `inputs·PANEL` elements, and `inputs` is even.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn mixed<const N: usize>(
        sums: &mut Sums,
        x: &[f32],
        panel: &[u16],
        inputs: usize,
        next: Ahead,
    ) {
        // SAFETY: the caller's contract bounds every address below.
        unsafe {
            let mut low = [_mm512_setzero_ps(); N];
            let mut high = [_mm512_setzero_ps(); N];
            for r in 0..N {
                low[r] = _mm512_loadu_ps(sums[r].as_ptr());
                high[r] = _mm512_loadu_ps(sums[r].as_ptr().add(16));
            }
            let second = _mm512_set1_epi32(0xffff_0000_u32.cast_signed());
            let (x, panel) = (x.as_ptr(), panel.as_ptr());
            for k in 0..inputs / 2 {
                next.fetch(k);
                let left = _mm512_loadu_si512(panel.add(k * 2 * PANEL).cast());
                let right = _mm512_loadu_si512(panel.add(k * 2 * PANEL + PANEL).cast());
                let first = [left, right].map(|pairs| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(pairs)));
                let second = [left, right].map(|pairs| _mm512_castsi512_ps(_mm512_and_si512(pairs, second)));
                for r in 0..N {
                    let value = _mm512_set1_ps(*x.add(r * inputs + 2 * k));
                    low[r] = _mm512_fmadd_ps(value, first[0], low[r]);
                    high[r] = _mm512_fmadd_ps(value, first[1], high[r]);
                }
                for r in 0..N {
                    let value = _mm512_set1_ps(*x.add(r * inputs + 2 * k + 1));
                    low[r] = _mm512_fmadd_ps(value, second[0], low[r]);
                    high[r] = _mm512_fmadd_ps(value, second[1], high[r]);
                }
            }
            for r in 0..N {
                _mm512_storeu_ps(sums[r].as_mut_ptr(), low[r]);
                _mm512_storeu_ps(sums[r].as_mut_ptr().add(16), high[r]);
            }
        }
    }

    /// As [`wide`], on pairs of bf16.
    ///
    /// # Safety
    /// The machine has AVX-512F and AVX512-BF16; `x` holds `N·inputs` and `panel` `inputs·PANEL` elements.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub unsafe fn narrow<const N: usize>(sums: &mut Sums, x: &[u16], panel: &[u16], inputs: usize) {
        // SAFETY: the caller's contract bounds every address below; both vector types are 64 plain bytes.
        unsafe {
            let pair = |v: __m512i| std::mem::transmute::<__m512i, __m512bh>(v);
            let mut low = [_mm512_setzero_ps(); N];
            let mut high = [_mm512_setzero_ps(); N];
            for r in 0..N {
                low[r] = _mm512_loadu_ps(sums[r].as_ptr());
                high[r] = _mm512_loadu_ps(sums[r].as_ptr().add(16));
            }
            let (x, panel) = (x.as_ptr(), panel.as_ptr());
            for k in 0..inputs / 2 {
                _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add((k + AHEAD) * 2 * PANEL).cast());
                _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add((k + AHEAD) * 2 * PANEL + PANEL).cast());
                let left = pair(_mm512_loadu_si512(panel.add(k * 2 * PANEL).cast()));
                let right = pair(_mm512_loadu_si512(panel.add(k * 2 * PANEL + PANEL).cast()));
                for r in 0..N {
                    let both = x.add(r * inputs + 2 * k).cast::<i32>().read_unaligned();
                    let value = pair(_mm512_set1_epi32(both));
                    low[r] = _mm512_dpbf16_ps(low[r], value, left);
                    high[r] = _mm512_dpbf16_ps(high[r], value, right);
                }
            }
            for r in 0..N {
                _mm512_storeu_ps(sums[r].as_mut_ptr(), low[r]);
                _mm512_storeu_ps(sums[r].as_mut_ptr().add(16), high[r]);
            }
        }
    }

    /// Blocks of positions whose sums are in registers at a time.
    const BLOCKS: usize = 8;

    /// # Safety
    /// The machine has AVX-512F; `scores` are whole vectors, and `keys` holds `query.len()` times as many elements.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn scores(scores: &mut [f32], query: &[f32], keys: &[f32], scale: f32) {
        let (blocks, size) = (scores.len() / LANES, query.len() * LANES);
        let mut done = 0;
        while done < blocks {
            // SAFETY: `done` and what follows it stay below `blocks`; the contract bounds the rest.
            unsafe {
                let (scores, keys) = (scores.as_mut_ptr().add(done * LANES), keys.as_ptr().add(done * size));
                match blocks - done {
                    1 => score_blocks::<1>(scores, query, keys, scale),
                    2 => score_blocks::<2>(scores, query, keys, scale),
                    3 => score_blocks::<3>(scores, query, keys, scale),
                    4 => score_blocks::<4>(scores, query, keys, scale),
                    5 => score_blocks::<5>(scores, query, keys, scale),
                    6 => score_blocks::<6>(scores, query, keys, scale),
                    7 => score_blocks::<7>(scores, query, keys, scale),
                    _ => score_blocks::<BLOCKS>(scores, query, keys, scale),
                }
                done += BLOCKS;
            }
        }
    }

    /// # Safety
    /// The machine has AVX-512F; `scores` has room for `B` vectors, `keys` holds as many blocks.
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn score_blocks<const B: usize>(scores: *mut f32, query: &[f32], keys: *const f32, scale: f32) {
        let size = query.len() * LANES;
        let mut sums = [_mm512_setzero_ps(); B];
        for (c, q) in query.iter().enumerate() {
            let q = _mm512_set1_ps(*q);
            for (b, sum) in sums.iter_mut().enumerate() {
                // SAFETY: block `b` and channel `c` lie inside `keys`.
                let key = unsafe { _mm512_loadu_ps(keys.add(b * size + c * LANES)) };
                _mm_prefetch::<_MM_HINT_T0>(keys.wrapping_add(b * size + (c + AHEAD_KEYS) * LANES).cast());
                *sum = _mm512_fmadd_ps(q, key, *sum);
            }
        }
        for (b, sum) in sums.iter().enumerate() {
            // SAFETY: vector `b` lies inside `scores`.
            unsafe { _mm512_storeu_ps(scores.add(b * LANES), _mm512_mul_ps(*sum, _mm512_set1_ps(scale))) };
        }
    }

    /// `V` vectors of channels over all positions, even and odd ones apart.
    ///
    /// # Safety
    /// The machine has AVX-512F; every one of the positions, `channels` apart, has `V` whole vectors in `values`.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn mix<const V: usize>(
        sums: &mut [[f32; LANES]; 4],
        weights: &[f32],
        values: &[f32],
        channels: usize,
    ) {
        let mut even = [_mm512_setzero_ps(); V];
        let mut odd = [_mm512_setzero_ps(); V];
        let values = values.as_ptr();
        for j in 0..weights.len() / 2 {
            let (left, right) = (_mm512_set1_ps(weights[2 * j]), _mm512_set1_ps(weights[2 * j + 1]));
            for v in 0..V {
                // SAFETY: by the contract.
                let (a, b) = unsafe {
                    let at = values.add(2 * j * channels + v * LANES);
                    _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD_VALUES * channels).cast());
                    _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add((AHEAD_VALUES + 1) * channels).cast());
                    (_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(channels)))
                };
                even[v] = _mm512_fmadd_ps(left, a, even[v]);
                odd[v] = _mm512_fmadd_ps(right, b, odd[v]);
            }
        }
        if !weights.len().is_multiple_of(2) {
            let last = weights.len() - 1;
            let left = _mm512_set1_ps(weights[last]);
            for (v, even) in even.iter_mut().enumerate() {
                // SAFETY: by the contract.
                let a = unsafe { _mm512_loadu_ps(values.add(last * channels + v * LANES)) };
                *even = _mm512_fmadd_ps(left, a, *even);
            }
        }
        for ((sums, even), odd) in sums.iter_mut().zip(even).zip(odd) {
            // SAFETY: a vector of sums.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), _mm512_add_ps(even, odd)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_rounds_to_nearest_even() {
        for i in 0..1_000_000_u32 {
            let x = f32::from_bits(i.wrapping_mul(4297));
            assert_eq!(round(x), half::bf16::from_f32(x).to_bits(), "{x}");
        }
        assert!(widen(round(f32::NAN)).is_nan());
        assert_eq!(widen(round(f32::INFINITY)), f32::INFINITY);
    }
}
