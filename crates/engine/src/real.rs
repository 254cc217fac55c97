//! The two number types of the engine, and how loops over them reach the machine's vector units.
//!
//! Operators are generic over [`Real`], so that their backward passes are checked against central differences in
//! `f64` and run in `f32`.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32` or `f64`.
pub trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + std::fmt::Debug
    + 'static
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + SubAssign
    + Mul<Output = Self>
    + MulAssign
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The most negative finite number.
    const LOWEST: Self;
    /// Rounds from `f64`.
    fn of(value: f64) -> Self;
    /// Widens to `f64`.
    fn wide(self) -> f64;
    /// `e^self`; inlined and branch-free in `f32`, so that loops over it vectorise.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// `self · a + b`, rounded once where the machine can.
    fn fma(self, a: Self, b: Self) -> Self;
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const LOWEST: f64 = f64::MIN;
    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    #[inline(always)]
    fn exp(self) -> f64 {
        f64::exp(self)
    }
    #[inline(always)]
    fn ln(self) -> f64 {
        f64::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn fma(self, a: f64, b: f64) -> f64 {
        self.mul_add(a, b)
    }
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const LOWEST: f32 = f32::MIN;
    #[inline(always)]
    fn of(value: f64) -> f32 {
        value as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
    /// Range reduction by `ln 2` in two parts and a degree-6 polynomial; relative error below 3e-7 on
    /// `[-87, 88]`, saturating outside.
    #[inline(always)]
    fn exp(self) -> f32 {
        const ROUND: f32 = 12_582_912.0; // 1.5 · 2^23: adding it leaves the rounded integer in the low bits
        let x = self.clamp(-87.0, 88.0);
        let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
        let n = shifted - ROUND;
        let r = n.mul_add(-0.693_359_4, x);
        let r = n.mul_add(2.121_944_4e-4, r);
        let mut p = 1.388_894e-3_f32;
        p = p.mul_add(r, 8.333_361e-3);
        p = p.mul_add(r, 4.166_664e-2);
        p = p.mul_add(r, 1.666_666_6e-1);
        p = p.mul_add(r, 0.5);
        p = p.mul_add(r, 1.0);
        p = p.mul_add(r, 1.0);
        let power = (shifted.to_bits() << 23).wrapping_add(127 << 23);
        p * f32::from_bits(power)
    }
    #[inline(always)]
    fn ln(self) -> f32 {
        f32::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn fma(self, a: f32, b: f32) -> f32 {
        self.mul_add(a, b)
    }
}

/// Runs `body` compiled for the widest vector unit of this machine. Write `vectorized(#[inline(always)] || …)`: a
/// closure that is not inlined is compiled for the oldest machine, where every fused multiply-add is a call.
#[inline(always)]
pub fn vectorized<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

const LANES: usize = 16;

/// `Σ a_i · b_i`, in 16 partial sums that are added in a fixed order.
#[inline(always)]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] = x[lane].fma(y[lane], sums[lane]);
        }
    }
    let mut total = T::ZERO;
    for sum in sums {
        total += sum;
    }
    for (x, y) in a_rest.iter().zip(b_rest) {
        total = x.fma(*y, total);
    }
    total
}

/// `Σ a_i`, in the order of [`dot`].
#[inline(always)]
pub fn sum<T: Real>(a: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let (chunks, rest) = a.as_chunks::<LANES>();
    for x in chunks {
        for lane in 0..LANES {
            sums[lane] += x[lane];
        }
    }
    let mut total = T::ZERO;
    for sum in sums {
        total += sum;
    }
    for x in rest {
        total += *x;
    }
    total
}

/// The largest element; [`Real::LOWEST`] of nothing.
#[inline(always)]
pub fn max<T: Real>(a: &[T]) -> T {
    let mut tops = [T::LOWEST; LANES];
    let (chunks, rest) = a.as_chunks::<LANES>();
    for x in chunks {
        for lane in 0..LANES {
            tops[lane] = if x[lane] > tops[lane] { x[lane] } else { tops[lane] };
        }
    }
    let mut top = T::LOWEST;
    for &x in tops.iter().chain(rest) {
        top = if x > top { x } else { top };
    }
    top
}

/// `y += scale · x`.
#[inline(always)]
pub fn axpy<T: Real>(y: &mut [T], scale: T, x: &[T]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = scale.fma(*x, *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate_to_single_precision() {
        let mut worst = 0.0_f64;
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(Real::exp(x)) / exact - 1.0).abs());
        }
        assert!(worst < 3e-7, "relative error {worst}");
    }

    #[test]
    fn exp_saturates() {
        assert!(Real::exp(-1e30_f32) < 1e-37 && Real::exp(-1e30_f32) >= 0.0);
        assert!(Real::exp(1e30_f32).is_finite());
    }

    #[test]
    fn reductions_agree_with_plain_loops() {
        let a: Vec<f64> = (0..37).map(|i| f64::from(i) * 0.5 - 3.0).collect();
        let b: Vec<f64> = (0..37).map(|i| 1.0 / (f64::from(i) + 1.0)).collect();
        let plain: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
        assert!((dot(&a, &b) - plain).abs() < 1e-12);
        assert!((sum(&a) - a.iter().sum::<f64>()).abs() < 1e-12);
        assert_eq!(max(&a), 15.0);
    }
}
