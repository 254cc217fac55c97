//! Matrices: element by element, after the arithmetic that is written with them.

use super::{Judge, Judgement, found};
use crate::expression::{Function, Node};
use crate::rule::Rule;

/// No product of larger matrices is written out.
const SIDE_LIMIT: usize = 12;
/// No cell of a factor may have more parts.
const CELL_LIMIT: usize = 24;
/// A determinant is written out up to this side.
const DETERMINANT_LIMIT: usize = 5;

impl Judge<'_> {
    pub(super) fn matrices(&mut self, gold: &Node, pred: &Node) -> Option<Judgement> {
        match (gold, pred) {
            (Node::Matrix(a), Node::Matrix(b)) => {
                let same_shape = a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.len() == y.len());
                if !same_shape {
                    return Some(found(false, Rule::MatrixShape));
                }
                let pairs: Vec<(Node, Node)> =
                    a.iter().flatten().cloned().zip(b.iter().flatten().cloned()).collect();
                Some(self.both(&pairs, Rule::Matrix))
            }
            // A column or a row is a vector, whatever brackets it has.
            (Node::Matrix(rows), Node::Tuple(items)) if !items.iter().any(is_row) => {
                self.vector(rows, items, false)
            }
            (Node::Tuple(items), Node::Matrix(rows)) if !items.iter().any(is_row) => {
                self.vector(rows, items, true)
            }
            (Node::Tuple(_), Node::Matrix(_)) => {
                rows_of(gold).map(|rows| self.judge(&Node::Matrix(rows), pred))
            }
            // Rows in square brackets: [[1, 2], [3, 4]], and [1, 2] for one row.
            (Node::Matrix(_), Node::Interval { .. } | Node::Tuple(_)) => {
                rows_of(pred).map(|rows| self.judge(gold, &Node::Matrix(rows)))
            }
            (Node::Interval { .. }, Node::Matrix(_)) => {
                rows_of(gold).map(|rows| self.judge(&Node::Matrix(rows), pred))
            }
            // A set of one matrix is that matrix: the collections know.
            (Node::Matrix(_), Node::Set(_) | Node::List(_))
            | (Node::Set(_) | Node::List(_), Node::Matrix(_)) => None,
            (Node::Matrix(rows), other) | (other, Node::Matrix(rows)) => {
                if rows.len() == 1 && rows[0].len() == 1 && other.is_scalar() {
                    None
                } else {
                    Some(found(false, Rule::Matrix))
                }
            }
            _ => None,
        }
    }

    fn vector(&mut self, rows: &[Vec<Node>], items: &[Node], gold_is_tuple: bool) -> Option<Judgement> {
        let flat: Vec<Node> = rows.iter().flatten().cloned().collect();
        let is_vector = rows.len() == 1 || rows.iter().all(|row| row.len() == 1);
        if !is_vector || flat.len() != items.len() {
            return Some(found(false, Rule::Vector));
        }
        let pairs: Vec<(Node, Node)> = if gold_is_tuple {
            items.iter().cloned().zip(flat).collect()
        } else {
            flat.into_iter().zip(items.iter().cloned()).collect()
        };
        Some(self.both(&pairs, Rule::Vector))
    }
}

fn is_row(node: &Node) -> bool {
    matches!(node, Node::Tuple(_) | Node::Interval { low_closed: true, high_closed: true, .. })
}

/// What stands in square brackets, as the rows of a matrix.
fn rows_of(node: &Node) -> Option<Vec<Vec<Node>>> {
    let items = |node: &Node| match node {
        Node::Tuple(items) => Some(items.clone()),
        Node::Interval { low, high, low_closed: true, high_closed: true } => {
            Some(vec![(**low).clone(), (**high).clone()])
        }
        _ => None,
    };
    let outer = items(node)?;
    if outer.iter().all(is_row) { outer.iter().map(items).collect() } else { Some(vec![outer]) }
}

/// One step of matrix arithmetic, where the operands are matrices already.
pub(super) fn reduced(node: Node) -> Node {
    match node {
        Node::Product(items) if items.iter().any(|item| matches!(item, Node::Matrix(_))) => product(items),
        Node::Sum(items) if items.len() > 1 && items.iter().all(|item| matches!(item, Node::Matrix(_))) => {
            sum(items)
        }
        Node::Negative(inner) => match *inner {
            Node::Matrix(rows) => Node::Matrix(map(rows, |cell| Node::Negative(Box::new(cell)))),
            other => Node::Negative(Box::new(other)),
        },
        Node::Quotient(a, b) => match (*a, *b) {
            (Node::Matrix(rows), b) if b.is_scalar() => {
                Node::Matrix(map(rows, |cell| Node::Quotient(Box::new(cell), Box::new(b.clone()))))
            }
            (a, b) => Node::Quotient(Box::new(a), Box::new(b)),
        },
        Node::Apply(Function::Transpose, mut items) => match items.pop() {
            Some(Node::Matrix(rows)) => Node::Matrix(transposed(&rows)),
            Some(other) => Node::Apply(Function::Transpose, vec![other]),
            None => Node::Apply(Function::Transpose, items),
        },
        Node::Apply(Function::Determinant, items) => match items.as_slice() {
            [Node::Matrix(rows)]
                if rows.len() <= DETERMINANT_LIMIT
                    && rows.iter().all(|row| row.len() == rows.len())
                    && rows.iter().flatten().all(|cell| parts(cell, CELL_LIMIT) < CELL_LIMIT) =>
            {
                determinant(rows)
            }
            _ => Node::Apply(Function::Determinant, items),
        },
        other => other,
    }
}

/// How many parts a node has, counted up to the limit.
fn parts(node: &Node, limit: usize) -> usize {
    let mut count = 1;
    node.any_child(&mut |child| {
        if count < limit {
            count += parts(child, limit - count);
        }
        count >= limit
    });
    count
}

fn map(rows: Vec<Vec<Node>>, change: impl Fn(Node) -> Node) -> Vec<Vec<Node>> {
    rows.into_iter().map(|row| row.into_iter().map(&change).collect()).collect()
}

fn transposed(rows: &[Vec<Node>]) -> Vec<Vec<Node>> {
    let width = rows.iter().map(Vec::len).min().unwrap_or(0);
    (0..width).map(|column| rows.iter().map(|row| row[column].clone()).collect()).collect()
}

fn product(items: Vec<Node>) -> Node {
    let mut scalars = Vec::new();
    let mut matrix: Option<Vec<Vec<Node>>> = None;
    for item in items.iter().cloned() {
        match (item, matrix.take()) {
            (Node::Matrix(rows), None) => matrix = Some(rows),
            (Node::Matrix(rows), Some(left)) => match multiplied(&left, &rows) {
                Some(result) => matrix = Some(result),
                None => return Node::Product(items),
            },
            (item, before) => {
                matrix = before;
                if !item.is_scalar() {
                    return Node::Product(items);
                }
                scalars.push(item);
            }
        }
    }
    let Some(rows) = matrix else { return Node::Product(items) };
    if scalars.is_empty() {
        return Node::Matrix(rows);
    }
    Node::Matrix(map(rows, |cell| {
        let mut factors = scalars.clone();
        factors.push(cell);
        Node::Product(factors)
    }))
}

fn multiplied(a: &[Vec<Node>], b: &[Vec<Node>]) -> Option<Vec<Vec<Node>>> {
    let inner = b.len();
    let width = b.first()?.len();
    let fits = a.len() <= SIDE_LIMIT
        && inner <= SIDE_LIMIT
        && width <= SIDE_LIMIT
        && a.iter().all(|row| row.len() == inner)
        && b.iter().all(|row| row.len() == width);
    // Every product multiplies what its cells hold: beyond a little, it stays as it was written.
    let small = a.iter().chain(b).flatten().all(|cell| parts(cell, CELL_LIMIT) < CELL_LIMIT);
    if !fits || !small {
        return None;
    }
    Some(
        a.iter()
            .map(|row| {
                (0..width)
                    .map(|column| {
                        let terms = (0..inner)
                            .map(|k| Node::Product(vec![row[k].clone(), b[k][column].clone()]))
                            .collect();
                        folded(Node::Sum(terms))
                    })
                    .collect()
            })
            .collect(),
    )
}

/// A sum of products of plain numbers as one number.
fn folded(node: Node) -> Node {
    let Node::Sum(terms) = &node else { return node };
    let mut total = dashu_ratio::RBig::from(0);
    for term in terms {
        let Node::Product(factors) = term else { return node };
        let mut value = dashu_ratio::RBig::from(1);
        for factor in factors {
            match factor {
                Node::Number { value: number, .. } if crate::value::integers::size(number) < 256 => {
                    value *= number
                }
                Node::Negative(inner) => match &**inner {
                    Node::Number { value: number, .. } if crate::value::integers::size(number) < 256 => {
                        value *= -number.clone();
                    }
                    _ => return node,
                },
                _ => return node,
            }
        }
        total += value;
    }
    Node::exact(total)
}

fn sum(items: Vec<Node>) -> Node {
    let mut matrices = Vec::new();
    for item in &items {
        if let Node::Matrix(rows) = item {
            matrices.push(rows.clone());
        }
    }
    let shape = |rows: &Vec<Vec<Node>>| rows.iter().map(Vec::len).collect::<Vec<_>>();
    if matrices.iter().any(|rows| shape(rows) != shape(&matrices[0])) {
        return Node::Sum(items);
    }
    let rows = (0..matrices[0].len())
        .map(|i| {
            (0..matrices[0][i].len())
                .map(|j| Node::Sum(matrices.iter().map(|rows| rows[i][j].clone()).collect()))
                .collect()
        })
        .collect();
    Node::Matrix(rows)
}

fn determinant(rows: &[Vec<Node>]) -> Node {
    if let [row] = rows {
        return row[0].clone();
    }
    let terms = (0..rows.len())
        .map(|column| {
            let minor: Vec<Vec<Node>> = rows[1..]
                .iter()
                .map(|row| {
                    row.iter()
                        .enumerate()
                        .filter(|(j, _)| *j != column)
                        .map(|(_, cell)| cell.clone())
                        .collect()
                })
                .collect();
            let term = Node::Product(vec![rows[0][column].clone(), determinant(&minor)]);
            if column % 2 == 0 { term } else { Node::Negative(Box::new(term)) }
        })
        .collect();
    Node::Sum(terms)
}
