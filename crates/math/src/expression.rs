//! What an answer means: the typed tree that the parser makes and everything else reads.

use dashu_ratio::RBig;

/// Named numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    Pi,
    E,
    I,
    Infinity,
}

/// Functions with a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Function {
    Sqrt,
    /// `root(n, x)`.
    Root,
    Cbrt,
    Exp,
    Ln,
    /// `log(base, x)`.
    Log,
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Asin,
    Acos,
    Atan,
    Acot,
    Asec,
    Acsc,
    Sinh,
    Cosh,
    Tanh,
    Coth,
    Sech,
    Csch,
    Asinh,
    Acosh,
    Atanh,
    Abs,
    Floor,
    Ceil,
    Factorial,
    DoubleFactorial,
    Gamma,
    Binomial,
    Gcd,
    Lcm,
    Max,
    Min,
    Mod,
    Re,
    Im,
    Conjugate,
    /// `cos x + i sin x`.
    Cis,
    Determinant,
    Transpose,
}

/// Relations between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Approximately,
    Member,
    NotMember,
    Subset,
    Superset,
    Congruent,
    /// Parallel, perpendicular, similar, divides, maps to, implies: kept by name.
    Other(&'static str),
}

impl Relation {
    /// Whether it can be read from right to left, perhaps as another relation.
    pub(crate) fn is_reversible(self) -> bool {
        match self {
            Relation::Member | Relation::NotMember => false,
            Relation::Other(name) => matches!(name, "≅" | "~" | "∥" | "⊥" | "⇔" | "∝"),
            _ => true,
        }
    }

    /// The same relation read from right to left; only for those that can be.
    pub(crate) fn mirrored(self) -> Relation {
        match self {
            Relation::Subset => Relation::Superset,
            Relation::Superset => Relation::Subset,
            Relation::Less => Relation::Greater,
            Relation::LessEqual => Relation::GreaterEqual,
            Relation::Greater => Relation::Less,
            Relation::GreaterEqual => Relation::LessEqual,
            other => other,
        }
    }

    pub(crate) fn is_order(self) -> bool {
        matches!(self, Relation::Less | Relation::LessEqual | Relation::Greater | Relation::GreaterEqual)
    }

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Relation::Equal => "=",
            Relation::NotEqual => "≠",
            Relation::Less => "<",
            Relation::LessEqual => "≤",
            Relation::Greater => ">",
            Relation::GreaterEqual => "≥",
            Relation::Approximately => "≈",
            Relation::Member => "∈",
            Relation::NotMember => "∉",
            Relation::Subset => "⊂",
            Relation::Superset => "⊃",
            Relation::Congruent => "≡",
            Relation::Other(name) => name,
        }
    }
}

/// Operations on sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SetOperation {
    Union,
    Intersection,
    Difference,
}

/// Sets that have a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NamedSet {
    Empty,
    Naturals,
    Integers,
    Rationals,
    Reals,
    Complexes,
}

/// Sum or product over a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Series {
    Sum,
    Product,
}

/// Halves of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Half {
    Morning,
    Afternoon,
}

/// One parsed answer or part of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// An exact number; `decimals` is how many digits were printed after the point, if there was one.
    Number {
        value: RBig,
        decimals: Option<u32>,
    },
    /// An integer written in another base.
    Based {
        value: RBig,
        base: u32,
    },
    Symbol(String),
    Constant(Constant),
    Sum(Vec<Node>),
    Product(Vec<Node>),
    Negative(Box<Node>),
    Quotient(Box<Node>, Box<Node>),
    Power(Box<Node>, Box<Node>),
    /// `±x`, or `∓x` where flipped: stands for two values.
    PlusMinus {
        term: Box<Node>,
        flipped: bool,
    },
    Apply(Function, Vec<Node>),
    /// A function that is only a name: `f(x)`.
    Call(String, Vec<Node>),
    Percent(Box<Node>),
    Degrees(Box<Node>),
    Unit(Box<Node>, String),
    /// A time of day or a length of time: hours, minutes and seconds, how many of them were written, and a.m. or p.m.
    Clock {
        parts: [u32; 3],
        shown: usize,
        half: Option<Half>,
    },
    /// `a : b`, `a : b : c`.
    Ratio(Vec<Node>),
    Tuple(Vec<Node>),
    /// Elements separated by commas without brackets.
    List(Vec<Node>),
    Set(Vec<Node>),
    Interval {
        low: Box<Node>,
        high: Box<Node>,
        low_closed: bool,
        high_closed: bool,
    },
    /// A union or intersection of all, or the first without the others.
    Sets(SetOperation, Vec<Node>),
    NamedSet(NamedSet),
    /// `{ element | condition }`.
    Builder(Box<Node>, Box<Node>),
    Matrix(Vec<Vec<Node>>),
    /// One more expression than relations: `a = b`, `a < b < c`.
    Chain(Vec<Node>, Vec<Relation>),
    Series {
        series: Series,
        variable: String,
        low: Box<Node>,
        high: Box<Node>,
        body: Box<Node>,
    },
    Text(String),
    /// A construct that is compared by its form only: integrals, limits, derivatives, quantifiers.
    Form(String, Vec<Node>),
    Ellipsis,
}

impl Node {
    pub(crate) fn integer(n: i64) -> Node {
        Node::Number { value: RBig::from(n), decimals: None }
    }

    pub(crate) fn exact(value: RBig) -> Node {
        Node::Number { value, decimals: None }
    }

    /// Whether a part of this node satisfies the test; the parts are tried in order.
    pub(crate) fn any_child<'n>(&'n self, test: &mut dyn FnMut(&'n Node) -> bool) -> bool {
        match self {
            Node::Number { .. }
            | Node::Based { .. }
            | Node::Symbol(_)
            | Node::Constant(_)
            | Node::NamedSet(_)
            | Node::Text(_)
            | Node::Clock { .. }
            | Node::Ellipsis => false,
            Node::Sum(items)
            | Node::Product(items)
            | Node::Apply(_, items)
            | Node::Call(_, items)
            | Node::Ratio(items)
            | Node::Tuple(items)
            | Node::List(items)
            | Node::Set(items)
            | Node::Chain(items, _)
            | Node::Sets(_, items)
            | Node::Form(_, items) => items.iter().any(test),
            Node::Matrix(rows) => rows.iter().flatten().any(test),
            Node::Negative(x) | Node::Percent(x) | Node::Degrees(x) | Node::Unit(x, _) => test(x),
            Node::PlusMinus { term, .. } => test(term),
            Node::Quotient(a, b) | Node::Power(a, b) | Node::Builder(a, b) => test(a) || test(b),
            Node::Interval { low, high, .. } => test(low) || test(high),
            Node::Series { low, high, body, .. } => test(low) || test(high) || test(body),
        }
    }

    /// Shows the parts of this node, in order.
    pub(crate) fn each_child<'n>(&'n self, show: &mut dyn FnMut(&'n Node)) {
        self.any_child(&mut |child| {
            show(child);
            false
        });
    }

    /// Whether this node or any part of it satisfies the test.
    pub(crate) fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
        test(self) || self.any_child(&mut |child| child.any(test))
    }

    /// Whether a decimal number was printed anywhere in it.
    pub(crate) fn has_decimals(&self) -> bool {
        self.any(&|node| matches!(node, Node::Number { decimals: Some(_), .. }))
    }

    /// Whether the value depends on a letter.
    pub(crate) fn has_symbols(&self) -> bool {
        self.any(&|node| matches!(node, Node::Symbol(_) | Node::Call(..) | Node::Form(..) | Node::Text(_)))
    }

    /// Whether it is one number-valued expression, without brackets, relations or text at the top.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(
            self,
            Node::Number { .. }
                | Node::Based { .. }
                | Node::Symbol(_)
                | Node::Constant(_)
                | Node::Sum(_)
                | Node::Product(_)
                | Node::Negative(_)
                | Node::Quotient(..)
                | Node::Power(..)
                | Node::Apply(..)
                | Node::Call(..)
                | Node::Series { .. }
                | Node::Form(..)
        )
    }

    /// The same tree with every part replaced, from the leaves up.
    pub(crate) fn rebuilt(self, change: &dyn Fn(Node) -> Node) -> Node {
        let each =
            |items: Vec<Node>| -> Vec<Node> { items.into_iter().map(|item| item.rebuilt(change)).collect() };
        let one = |item: Box<Node>| -> Box<Node> { Box::new(item.rebuilt(change)) };
        let node = match self {
            Node::Sum(items) => Node::Sum(each(items)),
            Node::Product(items) => Node::Product(each(items)),
            Node::Apply(function, items) => Node::Apply(function, each(items)),
            Node::Call(name, items) => Node::Call(name, each(items)),
            Node::Ratio(items) => Node::Ratio(each(items)),
            Node::Tuple(items) => Node::Tuple(each(items)),
            Node::List(items) => Node::List(each(items)),
            Node::Set(items) => Node::Set(each(items)),
            Node::Chain(items, relations) => Node::Chain(each(items), relations),
            Node::Form(name, items) => Node::Form(name, each(items)),
            Node::Matrix(rows) => Node::Matrix(rows.into_iter().map(each).collect()),
            Node::Negative(x) => Node::Negative(one(x)),
            Node::Percent(x) => Node::Percent(one(x)),
            Node::Degrees(x) => Node::Degrees(one(x)),
            Node::Unit(x, unit) => Node::Unit(one(x), unit),
            Node::PlusMinus { term, flipped } => Node::PlusMinus { term: one(term), flipped },
            Node::Quotient(a, b) => Node::Quotient(one(a), one(b)),
            Node::Power(a, b) => Node::Power(one(a), one(b)),
            Node::Sets(operation, items) => Node::Sets(operation, each(items)),
            Node::Builder(a, b) => Node::Builder(one(a), one(b)),
            Node::Interval { low, high, low_closed, high_closed } => {
                Node::Interval { low: one(low), high: one(high), low_closed, high_closed }
            }
            Node::Series { series, variable, low, high, body } => {
                Node::Series { series, variable, low: one(low), high: one(high), body: one(body) }
            }
            leaf => leaf,
        };
        change(node)
    }
}
