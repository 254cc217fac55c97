//! The operations of a pipeline: what each is called in a plan, how it is written in Python, and what it does.

use std::ops::RangeInclusive;

/// What an operation does to the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Verb {
    KeepEven,
    KeepOdd,
    KeepAbove,
    KeepFrom,
    KeepBelow,
    KeepUpTo,
    KeepMultiples,
    DropMultiples,
    DropFirst,
    DropLast,
    TakeFirst,
    TakeLast,
    Add,
    Subtract,
    Multiply,
    Square,
    Negate,
    Absolute,
    SortUp,
    SortDown,
    Reverse,
    DropRepeats,
    RunningSums,
}

impl Verb {
    pub(super) const ALL: [Verb; 23] = [
        Verb::KeepEven,
        Verb::KeepOdd,
        Verb::KeepAbove,
        Verb::KeepFrom,
        Verb::KeepBelow,
        Verb::KeepUpTo,
        Verb::KeepMultiples,
        Verb::DropMultiples,
        Verb::DropFirst,
        Verb::DropLast,
        Verb::TakeFirst,
        Verb::TakeLast,
        Verb::Add,
        Verb::Subtract,
        Verb::Multiply,
        Verb::Square,
        Verb::Negate,
        Verb::Absolute,
        Verb::SortUp,
        Verb::SortDown,
        Verb::Reverse,
        Verb::DropRepeats,
        Verb::RunningSums,
    ];

    /// The parameters it takes; `0..=0` where it takes none.
    pub(super) fn range(self) -> RangeInclusive<i64> {
        use Verb::*;
        match self {
            KeepAbove | KeepFrom | KeepBelow | KeepUpTo => 0..=20,
            KeepMultiples | DropMultiples => 3..=6,
            DropFirst | DropLast | TakeFirst | TakeLast => 2..=4,
            Add | Subtract => 2..=9,
            Multiply => 2..=5,
            KeepEven | KeepOdd | Square | Negate | Absolute | SortUp | SortDown | Reverse | DropRepeats
            | RunningSums => 0..=0,
        }
    }

    /// Whether it lets numbers through by what they are.
    pub(super) fn is_filter(self) -> bool {
        use Verb::*;
        matches!(
            self,
            KeepEven | KeepOdd | KeepAbove | KeepFrom | KeepBelow | KeepUpTo | KeepMultiples | DropMultiples
        )
    }

    /// Whether it can leave nothing of a list that holds something.
    pub(super) fn can_empty(self) -> bool {
        self.is_filter() || matches!(self, Verb::DropFirst | Verb::DropLast)
    }

    /// Its line in a plan.
    pub(super) fn line(self) -> &'static str {
        use Verb::*;
        match self {
            KeepEven => "keep the even ones",
            KeepOdd => "keep the odd ones",
            KeepAbove => "keep the ones greater than {k}",
            KeepFrom => "keep the ones at least {k}",
            KeepBelow => "keep the ones less than {k}",
            KeepUpTo => "keep the ones at most {k}",
            KeepMultiples => "keep the multiples of {k}",
            DropMultiples => "remove the multiples of {k}",
            DropFirst => "remove the first {k}",
            DropLast => "remove the last {k}",
            TakeFirst => "keep the first {k}",
            TakeLast => "keep the last {k}",
            Add => "add {k} to each",
            Subtract => "subtract {k} from each",
            Multiply => "multiply each by {k}",
            Square => "square each",
            Negate => "negate each",
            Absolute => "take the absolute value of each",
            SortUp => "sort them upward",
            SortDown => "sort them downward",
            Reverse => "reverse them",
            DropRepeats => "remove the repeats",
            RunningSums => "take the running sums",
        }
    }

    /// Its Python, on the list `x`.
    pub(super) fn code(self) -> &'static str {
        use Verb::*;
        match self {
            KeepEven => "x = [ v for v in x if v % 2 == 0 ]",
            KeepOdd => "x = [ v for v in x if v % 2 == 1 ]",
            KeepAbove => "x = [ v for v in x if v > {k} ]",
            KeepFrom => "x = [ v for v in x if v >= {k} ]",
            KeepBelow => "x = [ v for v in x if v < {k} ]",
            KeepUpTo => "x = [ v for v in x if v <= {k} ]",
            KeepMultiples => "x = [ v for v in x if v % {k} == 0 ]",
            DropMultiples => "x = [ v for v in x if v % {k} != 0 ]",
            DropFirst => "x = x [ {k} : ]",
            DropLast => "x = x [ : - {k} ]",
            TakeFirst => "x = x [ : {k} ]",
            TakeLast => "x = x [ - {k} : ]",
            Add => "x = [ v + {k} for v in x ]",
            Subtract => "x = [ v - {k} for v in x ]",
            Multiply => "x = [ v * {k} for v in x ]",
            Square => "x = [ v * v for v in x ]",
            Negate => "x = [ - v for v in x ]",
            Absolute => "x = [ abs ( v ) for v in x ]",
            SortUp => "x = sorted ( x )",
            SortDown => "x = sorted ( x ) [ : : - 1 ]",
            Reverse => "x = x [ : : - 1 ]",
            DropRepeats => "x = list ( dict . fromkeys ( x ) )",
            RunningSums => "s = 0 ; x = [ s := s + v for v in x ]",
        }
    }
}

/// An operation with its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Op {
    verb: Verb,
    k: i64,
}

/// A number that no 64-bit integer holds. Python would go on; we do not follow it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Op {
    /// `None` where the parameter is not one of [`Verb::range`].
    pub(super) fn new(verb: Verb, k: i64) -> Option<Op> {
        verb.range().contains(&k).then_some(Op { verb, k })
    }

    /// An operation without a parameter, or with the least one.
    pub(super) fn least(verb: Verb) -> Op {
        Op { verb, k: *verb.range().start() }
    }

    pub(super) fn verb(self) -> Verb {
        self.verb
    }

    pub(super) fn k(self) -> i64 {
        self.k
    }

    /// Does it to a list.
    pub(super) fn apply(self, x: &mut Vec<i64>) -> Result<(), TooLarge> {
        let k = self.k;
        // Parameters of these verbs are small and never negative.
        let count = usize::try_from(k).unwrap_or(0).min(x.len());
        match self.verb {
            Verb::KeepEven => x.retain(|v| v.rem_euclid(2) == 0),
            Verb::KeepOdd => x.retain(|v| v.rem_euclid(2) == 1),
            Verb::KeepAbove => x.retain(|&v| v > k),
            Verb::KeepFrom => x.retain(|&v| v >= k),
            Verb::KeepBelow => x.retain(|&v| v < k),
            Verb::KeepUpTo => x.retain(|&v| v <= k),
            Verb::KeepMultiples => x.retain(|v| v.rem_euclid(k) == 0),
            Verb::DropMultiples => x.retain(|v| v.rem_euclid(k) != 0),
            Verb::DropFirst => drop(x.drain(..count)),
            Verb::DropLast => x.truncate(x.len() - count),
            Verb::TakeFirst => x.truncate(count),
            Verb::TakeLast => drop(x.drain(..x.len() - count)),
            Verb::Add => each(x, |v| v.checked_add(k))?,
            Verb::Subtract => each(x, |v| v.checked_sub(k))?,
            Verb::Multiply => each(x, |v| v.checked_mul(k))?,
            Verb::Square => each(x, |v| v.checked_mul(v))?,
            Verb::Negate => each(x, i64::checked_neg)?,
            Verb::Absolute => each(x, i64::checked_abs)?,
            Verb::SortUp => x.sort_unstable(),
            Verb::SortDown => x.sort_unstable_by(|a, b| b.cmp(a)),
            Verb::Reverse => x.reverse(),
            Verb::DropRepeats => {
                let mut kept = 0;
                for i in 0..x.len() {
                    if !x[..kept].contains(&x[i]) {
                        x[kept] = x[i];
                        kept += 1;
                    }
                }
                x.truncate(kept);
            }
            Verb::RunningSums => {
                let mut sum = 0i64;
                each(x, |v| {
                    sum = sum.checked_add(v)?;
                    Some(sum)
                })?;
            }
        }
        Ok(())
    }
}

fn each(x: &mut [i64], mut map: impl FnMut(i64) -> Option<i64>) -> Result<(), TooLarge> {
    for v in x {
        *v = map(*v).ok_or(TooLarge)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(verb: Verb, k: i64, x: &[i64]) -> Vec<i64> {
        let mut x = x.to_vec();
        Op::new(verb, k).unwrap().apply(&mut x).unwrap();
        x
    }

    #[test]
    fn operations_do_what_their_names_say() {
        let x = [3, -2, 3, 8, -5];
        for (verb, k, expected) in [
            (Verb::KeepEven, 0, vec![-2, 8]),
            (Verb::KeepOdd, 0, vec![3, 3, -5]),
            (Verb::KeepAbove, 3, vec![8]),
            (Verb::KeepFrom, 3, vec![3, 3, 8]),
            (Verb::KeepBelow, 3, vec![-2, -5]),
            (Verb::KeepUpTo, 3, vec![3, -2, 3, -5]),
            (Verb::KeepMultiples, 5, vec![-5]),
            (Verb::DropMultiples, 3, vec![-2, 8, -5]),
            (Verb::DropFirst, 2, vec![3, 8, -5]),
            (Verb::DropLast, 2, vec![3, -2, 3]),
            (Verb::TakeFirst, 2, vec![3, -2]),
            (Verb::TakeLast, 2, vec![8, -5]),
            (Verb::Add, 2, vec![5, 0, 5, 10, -3]),
            (Verb::Subtract, 2, vec![1, -4, 1, 6, -7]),
            (Verb::Multiply, 2, vec![6, -4, 6, 16, -10]),
            (Verb::Square, 0, vec![9, 4, 9, 64, 25]),
            (Verb::Negate, 0, vec![-3, 2, -3, -8, 5]),
            (Verb::Absolute, 0, vec![3, 2, 3, 8, 5]),
            (Verb::SortUp, 0, vec![-5, -2, 3, 3, 8]),
            (Verb::SortDown, 0, vec![8, 3, 3, -2, -5]),
            (Verb::Reverse, 0, vec![-5, 8, 3, -2, 3]),
            (Verb::DropRepeats, 0, vec![3, -2, 8, -5]),
            (Verb::RunningSums, 0, vec![3, 1, 4, 12, 7]),
        ] {
            assert_eq!(after(verb, k, &x), expected, "{verb:?} {k}");
        }
    }

    #[test]
    fn short_lists_and_large_numbers_do_no_harm() {
        for verb in Verb::ALL {
            let op = Op::least(verb);
            assert_eq!(op.apply(&mut vec![]), Ok(()), "{verb:?}");
            assert_eq!(op.apply(&mut vec![7]), Ok(()), "{verb:?}");
        }
        assert_eq!(Op::least(Verb::Square).apply(&mut vec![i64::MAX]), Err(TooLarge));
        assert_eq!(Op::least(Verb::Negate).apply(&mut vec![i64::MIN]), Err(TooLarge));
        assert_eq!(Op::least(Verb::RunningSums).apply(&mut vec![i64::MAX, 1]), Err(TooLarge));
    }
}
