//! One spelling per form: sums and products sorted, so that what differs only in order reads the same. The spelling is
//! what a comparison reports as the parsed answer, and the name of what has no number.

use std::fmt::Write;

use crate::expression::{Constant, Function, Half, NamedSet, Node, SetOperation};

/// The canonical spelling of a node.
pub(crate) fn form(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

fn sorted(items: &[Node]) -> Vec<String> {
    let mut forms: Vec<String> = items.iter().map(form).collect();
    forms.sort_unstable();
    forms
}

fn listed(items: &[Node], open: &str, close: &str, out: &mut String) {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
    out.push_str(close);
}

/// Whether it can stand beside an operator without brackets.
fn is_atom(node: &Node) -> bool {
    matches!(
        node,
        Node::Number { .. }
            | Node::Based { .. }
            | Node::Symbol(_)
            | Node::Constant(_)
            | Node::Apply(..)
            | Node::Call(..)
            | Node::Tuple(_)
            | Node::Set(_)
            | Node::NamedSet(_)
            | Node::Interval { .. }
            | Node::Matrix(_)
    )
}

fn operand(node: &Node, out: &mut String) {
    let negative = matches!(node, Node::Number { value, .. } if value.sign() == dashu_base::Sign::Negative);
    if is_atom(node) && !negative {
        write(node, out);
    } else {
        out.push('(');
        write(node, out);
        out.push(')');
    }
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Number { value, decimals } => match decimals {
            Some(digits) if *digits <= 4096 => out.push_str(&decimal(value, *digits)),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{value}");
            }
        },
        Node::Based { value, base } => {
            let _ = write!(out, "{value} (base {base})");
        }
        Node::Symbol(name) => out.push_str(name),
        Node::Constant(constant) => out.push_str(match constant {
            Constant::Pi => "π",
            Constant::E => "e",
            Constant::I => "i",
            Constant::Infinity => "∞",
        }),
        Node::Sum(items) => out.push_str(&sorted(items).join(" + ")),
        Node::Product(items) => {
            let mut forms: Vec<String> = items
                .iter()
                .map(|item| {
                    let mut text = String::new();
                    operand(item, &mut text);
                    text
                })
                .collect();
            forms.sort_unstable();
            out.push_str(&forms.join("·"));
        }
        Node::Negative(x) => {
            out.push('-');
            operand(x, out);
        }
        Node::Quotient(a, b) => {
            operand(a, out);
            out.push('/');
            operand(b, out);
        }
        Node::Power(a, b) => {
            operand(a, out);
            out.push('^');
            operand(b, out);
        }
        Node::PlusMinus { term, flipped } => {
            out.push(if *flipped { '∓' } else { '±' });
            operand(term, out);
        }
        Node::Apply(function, arguments) => {
            let name = format!("{function:?}").to_lowercase();
            out.push_str(&name);
            if matches!(function, Function::Gcd | Function::Lcm | Function::Max | Function::Min) {
                let _ = write!(out, "({})", sorted(arguments).join(", "));
            } else {
                listed(arguments, "(", ")", out);
            }
        }
        Node::Call(name, arguments) => {
            out.push_str(name);
            listed(arguments, "(", ")", out);
        }
        Node::Percent(x) => {
            operand(x, out);
            out.push('%');
        }
        Node::Degrees(x) => {
            operand(x, out);
            out.push('°');
        }
        Node::Unit(x, unit) => {
            write(x, out);
            out.push(' ');
            out.push_str(unit);
        }
        Node::Clock { parts: [hours, minutes, seconds], shown, half } => {
            let _ = write!(out, "{hours}:{minutes:02}");
            if *shown > 2 {
                let _ = write!(out, ":{seconds:02}");
            }
            out.push_str(match half {
                Some(Half::Morning) => " am",
                Some(Half::Afternoon) => " pm",
                None => "",
            });
        }
        Node::Ratio(items) => {
            let forms: Vec<String> = items.iter().map(form).collect();
            out.push_str(&forms.join(" : "));
        }
        Node::Tuple(items) => listed(items, "(", ")", out),
        Node::List(items) => listed(items, "", "", out),
        Node::Set(items) => {
            let _ = write!(out, "{{{}}}", sorted(items).join(", "));
        }
        Node::Interval { low, high, low_closed, high_closed } => {
            out.push(if *low_closed { '[' } else { '(' });
            write(low, out);
            out.push_str(", ");
            write(high, out);
            out.push(if *high_closed { ']' } else { ')' });
        }
        Node::Sets(operation, items) => {
            let symbol = match operation {
                SetOperation::Union => " ∪ ",
                SetOperation::Intersection => " ∩ ",
                SetOperation::Difference => " ∖ ",
            };
            let forms = if *operation == SetOperation::Difference {
                items.iter().map(form).collect()
            } else {
                sorted(items)
            };
            out.push_str(&forms.join(symbol));
        }
        Node::NamedSet(set) => out.push_str(match set {
            NamedSet::Empty => "∅",
            NamedSet::Naturals => "ℕ",
            NamedSet::Integers => "ℤ",
            NamedSet::Rationals => "ℚ",
            NamedSet::Reals => "ℝ",
            NamedSet::Complexes => "ℂ",
        }),
        Node::Builder(element, condition) => {
            out.push('{');
            write(element, out);
            out.push_str(" | ");
            write(condition, out);
            out.push('}');
        }
        Node::Matrix(rows) => {
            out.push('[');
            for (i, row) in rows.iter().enumerate() {
                listed(row, if i > 0 { "; " } else { "" }, "", out);
            }
            out.push(']');
        }
        Node::Chain(sides, relations) => {
            for (i, side) in sides.iter().enumerate() {
                if i > 0 {
                    let symbol = relations.get(i - 1).map_or("=", |relation| relation.symbol());
                    let _ = write!(out, " {symbol} ");
                }
                write(side, out);
            }
        }
        Node::Series { series, variable, low, high, body } => {
            let _ = write!(out, "{series:?}({variable} = ");
            write(low, out);
            out.push_str(" … ");
            write(high, out);
            out.push_str(": ");
            write(body, out);
            out.push(')');
        }
        Node::Text(words) => {
            let _ = write!(out, "“{words}”");
        }
        Node::Form(name, parts) => {
            out.push_str(name);
            listed(parts, "[", "]", out);
        }
        Node::Ellipsis => out.push('…'),
    }
}

/// A decimal with its printed digits.
fn decimal(value: &dashu_ratio::RBig, digits: u32) -> String {
    let scaled = value * dashu_ratio::RBig::from(dashu_int::IBig::from(10).pow(digits as usize));
    if !scaled.is_int() {
        return value.to_string();
    }
    let negative = scaled.sign() == dashu_base::Sign::Negative;
    let mut text = dashu_base::UnsignedAbs::unsigned_abs(scaled.numerator().clone()).to_string();
    while text.len() <= digits as usize {
        text.insert(0, '0');
    }
    text.insert(text.len() - digits as usize, '.');
    if negative {
        text.insert(0, '-');
    }
    text
}
