//! What kind of program it is, and so what its plan is.

use super::syntax::{Line, Token};

/// What kind of program it is.
#[derive(Debug, Default)]
pub struct Shape {
    recursive: bool,
    nested: bool,
    loops: bool,
    sorts: bool,
    pattern: bool,
    counts: bool,
    comprehension: bool,
}

impl Shape {
    /// Looks at a program, whose own functions are these.
    pub fn of(program: &[Line], own: &[String]) -> Shape {
        let mut shape = Shape::default();
        let mut open: Vec<usize> = Vec::new();
        let mut within = String::new();
        for line in program {
            let words: Vec<&str> = line.tokens.iter().map(Token::word).collect();
            if words.first() == Some(&"def") {
                within = words.get(1).map_or_else(String::new, |name| (*name).to_owned());
                open.clear();
                continue;
            }
            open.retain(|indent| *indent < line.indent);
            let repeats = matches!(words.first(), Some(&("for" | "while")));
            shape.nested |= repeats && !open.is_empty();
            shape.loops |= repeats;
            if repeats {
                open.push(line.indent);
            }
            shape.comprehension |= !repeats && words.contains(&"for");
            shape.recursive |= own.contains(&within) && words.contains(&within.as_str());
            shape.sorts |= words.iter().any(|word| matches!(*word, "sorted" | "sort"));
            shape.pattern |= words.contains(&"re") && words.first() != Some(&"import");
            shape.counts |= words.iter().any(|word| matches!(*word, "Counter" | "defaultdict" | "dict"));
        }
        shape
    }

    /// Which of the [`STRATEGIES`] it follows.
    pub fn strategy(&self) -> usize {
        let order = [
            self.recursive,
            self.nested,
            self.sorts,
            self.pattern,
            self.counts,
            self.loops,
            self.comprehension,
            true,
        ];
        order.iter().position(|holds| *holds).unwrap_or(STRATEGIES.len() - 1)
    }
}

/// Plans, from the most telling sign of one to none.
pub const STRATEGIES: [&str; 8] = [
    "reduce the problem to a smaller one of the same form and solve that first",
    "compare every item with the others in nested passes",
    "bring the items into order first and read the result off",
    "match the text against a pattern",
    "keep a table with an entry for each distinct item",
    "make one pass over the input and update the result on the way",
    "build the result directly from the items of the input",
    "calculate the result directly from the input",
];
