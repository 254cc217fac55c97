//! Complex balls.

use dashu_base::Sign;
use dashu_ratio::RBig;

use super::Stop;
use super::ball::Ball;
use super::elementary::{atan2, exp, ln, sin_cos};

/// A complex number, each part a ball; an imaginary part that is exactly zero means a real number.
#[derive(Clone, Debug)]
pub(crate) struct Complex {
    pub(crate) re: Ball,
    pub(crate) im: Ball,
}

impl Complex {
    pub(crate) fn real(re: Ball) -> Complex {
        Complex { re, im: Ball::integer(0) }
    }

    pub(crate) fn rational(r: &RBig, p: usize) -> Complex {
        Complex::real(Ball::rational(r, p))
    }

    pub(crate) fn is_real(&self) -> bool {
        self.im.is_exact_zero()
    }

    pub(crate) fn plus(&self, other: &Complex, p: usize) -> Complex {
        Complex { re: self.re.plus(&other.re, p), im: self.im.plus(&other.im, p) }
    }

    pub(crate) fn negated(&self) -> Complex {
        Complex { re: self.re.negated(), im: self.im.negated() }
    }

    pub(crate) fn minus(&self, other: &Complex, p: usize) -> Complex {
        self.plus(&other.negated(), p)
    }

    pub(crate) fn times(&self, other: &Complex, p: usize) -> Result<Complex, Stop> {
        if self.is_real() && other.is_real() {
            return Ok(Complex::real(self.re.times(&other.re, p)?));
        }
        let re = self.re.times(&other.re, p)?.minus(&self.im.times(&other.im, p)?, p);
        let im = self.re.times(&other.im, p)?.plus(&self.im.times(&other.re, p)?, p);
        Ok(Complex { re, im })
    }

    pub(crate) fn over(&self, other: &Complex, p: usize) -> Result<Complex, Stop> {
        if other.is_real() {
            let im = if self.is_real() { Ball::integer(0) } else { self.im.over(&other.re, p)? };
            return Ok(Complex { re: self.re.over(&other.re, p)?, im });
        }
        let norm = other.re.times(&other.re, p)?.plus(&other.im.times(&other.im, p)?, p);
        let conjugate = Complex { re: other.re.clone(), im: other.im.negated() };
        let product = self.times(&conjugate, p)?;
        Ok(Complex { re: product.re.over(&norm, p)?, im: product.im.over(&norm, p)? })
    }

    pub(crate) fn absolute(&self, p: usize) -> Result<Ball, Stop> {
        if self.is_real() {
            // A ball around zero is its own absolute value, up to the radius it has.
            return Ok(match self.re.sign() {
                Ok(Some(Sign::Negative)) => self.re.negated(),
                _ => self.re.clone(),
            });
        }
        self.re.times(&self.re, p)?.plus(&self.im.times(&self.im, p)?, p).sqrt(p)
    }

    pub(crate) fn exp(&self, p: usize) -> Result<Complex, Stop> {
        let scale = exp(&self.re, p)?;
        if self.is_real() {
            return Ok(Complex::real(scale));
        }
        let (sin, cos) = sin_cos(&self.im, p)?;
        Ok(Complex { re: scale.times(&cos, p)?, im: scale.times(&sin, p)? })
    }

    /// The principal logarithm.
    pub(crate) fn ln(&self, p: usize) -> Result<Complex, Stop> {
        if self.is_real() && self.re.sign()? == Some(Sign::Positive) {
            return Ok(Complex::real(ln(&self.re, p)?));
        }
        let size = self.absolute(p)?;
        if size.is_exact_zero() {
            return Err(Stop::Undefined);
        }
        Ok(Complex { re: ln(&size, p)?, im: atan2(&self.im, &self.re, p)? })
    }

    /// The principal square root.
    pub(crate) fn sqrt(&self, p: usize) -> Result<Complex, Stop> {
        if self.is_real() {
            return Ok(match self.re.sign()? {
                None => Complex::real(Ball::integer(0)),
                Some(Sign::Positive) => Complex::real(self.re.sqrt(p)?),
                Some(Sign::Negative) => Complex { re: Ball::integer(0), im: self.re.negated().sqrt(p)? },
            });
        }
        let size = self.absolute(p)?;
        if self.re.sign().unwrap_or(Some(Sign::Positive)) == Some(Sign::Negative) {
            let im = size.minus(&self.re, p).shifted(-1).sqrt(p)?;
            let im = if self.im.sign()? == Some(Sign::Negative) { im.negated() } else { im };
            return Ok(Complex { re: self.im.over(&im, p)?.shifted(-1), im });
        }
        let re = size.plus(&self.re, p).shifted(-1).sqrt(p)?;
        Ok(Complex { im: self.im.over(&re, p)?.shifted(-1), re })
    }

    /// `self^exponent`, principal.
    pub(crate) fn power(&self, exponent: &Complex, p: usize) -> Result<Complex, Stop> {
        exponent.times(&self.ln(p)?, p)?.exp(p)
    }

    /// `self^n` by squaring.
    pub(crate) fn integer_power(&self, n: u64, p: usize) -> Result<Complex, Stop> {
        let mut result = Complex::real(Ball::integer(1));
        let mut square = self.clone();
        let mut rest = n;
        while rest > 0 {
            if rest & 1 == 1 {
                result = result.times(&square, p)?;
            }
            rest >>= 1;
            if rest > 0 {
                square = square.times(&square, p)?;
            }
        }
        Ok(result)
    }

    pub(crate) fn times_i(&self) -> Complex {
        Complex { re: self.im.negated(), im: self.re.clone() }
    }

    /// Halved.
    pub(crate) fn half(&self) -> Complex {
        Complex { re: self.re.shifted(-1), im: self.im.shifted(-1) }
    }
}
