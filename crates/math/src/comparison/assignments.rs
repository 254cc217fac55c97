//! `x = 5` where 5 was asked for: what is a name for the answer, and which value it has.

use crate::expression::{Function, Node, Relation};

/// A name with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assignment {
    pub(super) name: Node,
    pub(super) value: Node,
    /// The rounded value behind `≈`, if there was one.
    pub(super) rounded: Option<Node>,
    /// Whether a value stood between (`z = 1 + 1 = 2`).
    pub(super) steps: usize,
}

/// Whether an expression only names something: `x`, `f(x)`, `|AB|`, `A:B`, `NO/BO`, `(p, q)`; no numbers, no sums.
pub(super) fn is_name(node: &Node) -> bool {
    match node {
        Node::Symbol(_) | Node::Call(..) | Node::Text(_) => true,
        // A constant's letter on the left of "=" is a name.
        Node::Constant(constant) => !matches!(constant, crate::expression::Constant::Infinity),
        Node::Product(items) => items.len() <= 4 && !items.is_empty() && items.iter().all(is_name),
        Node::Quotient(a, b) => is_name(a) && is_name(b),
        Node::Apply(
            Function::Abs
            | Function::Sin
            | Function::Cos
            | Function::Tan
            | Function::Cot
            | Function::Sec
            | Function::Csc,
            items,
        ) => items.iter().all(is_name),
        Node::Ratio(items) | Node::Tuple(items) | Node::List(items) => items.iter().all(is_name),
        Node::Unit(inner, _) | Node::Degrees(inner) => is_name(inner),
        _ => false,
    }
}

/// The assignment that a chain of equalities makes, if it makes one.
pub(super) fn assignment(node: &Node) -> Option<Assignment> {
    let Node::Chain(sides, relations) = node else { return None };
    let cut = relations.iter().position(|relation| *relation == Relation::Approximately);
    let (exact, rounded) = match cut {
        // `x ≈ 3.2` gives the value itself; `x = 16/5 ≈ 3.2` repeats it.
        Some(0) if is_name(&sides[0]) && !matches!(sides[0], Node::Constant(_)) => (&sides[..2], None),
        Some(at) => (&sides[..=at], sides.last().cloned()),
        None => (&sides[..], None),
    };
    let equalities = &relations[..exact.len() - 1];
    let all_equal = equalities.iter().all(|relation| {
        matches!(relation, Relation::Equal) || (exact.len() == 2 && *relation == Relation::Approximately)
    });
    if !all_equal {
        return None;
    }
    if exact.len() == 1 {
        return Some(Assignment {
            name: Node::Text(String::new()),
            value: exact[0].clone(),
            rounded,
            steps: 0,
        });
    }
    let (first, last) = (&exact[0], &exact[exact.len() - 1]);
    if is_name(first) && !(exact.len() == 2 && is_name(last) && !is_name_shape(first)) {
        return Some(Assignment {
            name: first.clone(),
            value: last.clone(),
            rounded,
            steps: exact.len() - 2,
        });
    }
    // 5 = x.
    if exact.len() == 2 && matches!(last, Node::Symbol(_)) && !first.has_symbols() && first.is_scalar() {
        return Some(Assignment { name: last.clone(), value: first.clone(), rounded, steps: 0 });
    }
    // A computation: 1/2 + 1/3 = 5/6, f(1) + f(2) = 5, or a longer chain that ends in a number.
    let computed = !last.has_symbols() && (exact.len() >= 3 || !has_bare_letters(first));
    computed.then(|| Assignment {
        name: Node::Text(String::new()),
        value: last.clone(),
        rounded,
        steps: exact.len() - 2,
    })
}

/// `x + y = 7`, `r^2 + s^2 = 29` where the number was asked for: the value of a sum of letters or powers, each once.
pub(super) fn value_of_sum(node: &Node) -> Option<&Node> {
    let Node::Chain(sides, relations) = node else { return None };
    let ([Node::Sum(items), value], [Relation::Equal]) = (sides.as_slice(), relations.as_slice()) else {
        return None;
    };
    let once = items.iter().enumerate().all(|(at, item)| !items[..at].contains(item));
    (items.len() >= 2
        && once
        && items.iter().all(is_plain_letter)
        && !value.has_symbols()
        && value.is_scalar())
    .then_some(value)
}

/// A letter, a power of one, or a product of them.
fn is_plain_letter(node: &Node) -> bool {
    match node {
        Node::Symbol(_) => true,
        Node::Product(items) => items.iter().all(is_plain_letter),
        Node::Power(base, exponent) => matches!(**base, Node::Symbol(_)) && !exponent.has_symbols(),
        _ => false,
    }
}

fn is_name_shape(node: &Node) -> bool {
    matches!(node, Node::Symbol(_) | Node::Call(..) | Node::Text(_) | Node::Tuple(_))
}

/// Whether letters occur outside of calls.
fn has_bare_letters(node: &Node) -> bool {
    match node {
        Node::Symbol(_) | Node::Text(_) => true,
        Node::Call(..) => false,
        other => other.any_child(&mut has_bare_letters),
    }
}

/// The values of a list in which every element assigns, and whether all have the same name.
pub(super) fn assigned_values(items: &[Node]) -> Option<(Vec<Node>, bool)> {
    let assignments: Vec<Assignment> = items.iter().map(assignment).collect::<Option<_>>()?;
    if assignments.iter().any(|a| matches!(&a.name, Node::Text(name) if name.is_empty())) {
        return None;
    }
    let same = assignments.windows(2).all(|pair| same_name(&pair[0].name, &pair[1].name));
    Some((assignments.into_iter().map(|a| a.value).collect(), same))
}

/// Whether two names are the same: calls by function and number of arguments, the rest by form.
pub(super) fn same_name(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Call(f, x), Node::Call(g, y)) => {
            let letters = |items: &[Node]| items.iter().all(|item| matches!(item, Node::Symbol(_)));
            f == g && x.len() == y.len() && (letters(x) && letters(y) || x == y)
        }
        // y = x² draws what f(x) = x² names.
        (Node::Call(f, x), Node::Symbol(y)) | (Node::Symbol(y), Node::Call(f, x)) => {
            y == "y"
                && matches!(f.as_str(), "f" | "g" | "h" | "y")
                && matches!(x.as_slice(), [Node::Symbol(_)])
        }
        _ => crate::canonical::form(a) == crate::canonical::form(b),
    }
}

/// The value of `b` with its arguments named as in `a`: `f(x) = x²` and `f(t) = t²`.
pub(super) fn renamed(a: &Node, b: &Node, value: &Node) -> Node {
    let (Node::Call(_, x), Node::Call(_, y)) = (a, b) else { return value.clone() };
    let pairs: Vec<(String, Node)> = x
        .iter()
        .zip(y)
        .filter_map(|(x, y)| match y {
            Node::Symbol(name) if x != y => Some((name.clone(), x.clone())),
            _ => None,
        })
        .collect();
    if pairs.is_empty() {
        return value.clone();
    }
    value.clone().rebuilt(&|node| match &node {
        Node::Symbol(name) => {
            pairs.iter().find(|(from, _)| from == name).map_or(node.clone(), |(_, to)| to.clone())
        }
        _ => node,
    })
}
