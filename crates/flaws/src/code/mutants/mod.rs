//! Mutants: the canonical program with one thing wrong.
//!
//! A rule edits tokens or statements of the program and leaves the rest of its text alone. A flawed outline is the outline
//! of a mutant, so it is written by the same hand as its reference, tells of everything that follows, and what it leads to
//! can be tried out.

mod statements;
mod tokens;

use super::syntax::{Line, lines};
use std::ops::Range;
use tracelift_domain::FlawKind;

/// A program with one thing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The kind of flaw that it has.
    pub kind: FlawKind,
    /// The form of the kind's rule.
    pub rule: &'static str,
    /// The program.
    pub program: String,
}

/// All mutants of a program that rules make; none of a program that cannot be read. Some may be no program at all.
#[must_use]
pub fn mutants(program: &str) -> Vec<Mutant> {
    let program = program.replace("\r\n", "\n");
    let Some(lines) = lines(&program) else { return Vec::new() };
    let mut bench = Bench { program: &program, lines: &lines, made: Vec::new() };
    for (at, line) in lines.iter().enumerate() {
        if matches!(line.first(), "import" | "from" | "class" | "global" | "nonlocal") {
            continue;
        }
        if line.first() != "def" {
            tokens::mutate(&mut bench, line);
        }
        statements::mutate(&mut bench, at);
    }
    bench.made
}

/// Bytes of the program, and what stands there instead.
type Edit<'e> = (Range<usize>, &'e str);

/// A program under edit.
struct Bench<'p> {
    program: &'p str,
    lines: &'p [Line],
    made: Vec<Mutant>,
}

impl Bench<'_> {
    /// Makes a mutant by edits in the order of the program; edits that overlap make none.
    fn make(&mut self, kind: FlawKind, rule: &'static str, edits: &[Edit<'_>]) {
        let mut program = String::with_capacity(self.program.len() + 16);
        let mut at = 0;
        for (range, text) in edits {
            let Some(kept) = self.program.get(at..range.start) else { return };
            program.push_str(kept);
            program.push_str(text);
            at = range.end;
        }
        let Some(rest) = self.program.get(at..) else { return };
        program.push_str(rest);
        self.made.push(Mutant { kind, rule, program });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(program: &str) -> Vec<(&'static str, String)> {
        mutants(program).into_iter().map(|mutant| (mutant.rule, mutant.program)).collect()
    }

    fn has(program: &str, rule: &str, mutant: &str) {
        let all = made(program);
        assert!(
            all.iter().any(|(own, text)| *own == rule && text == mutant),
            "{rule} of {program}: {all:#?}"
        );
    }

    #[test]
    fn tokens_are_edited_in_place() {
        for (program, rule, mutant) in [
            ("x = a < b  # why", "bound", "x = a <= b  # why"),
            ("x = a < b", "opposite_condition", "x = a > b"),
            ("x = a + b", "other_operation", "x = a - b"),
            ("x = n + 1", "missing_one", "x = n"),
            ("x = xs[0]", "next_item", "x = xs[1]"),
            ("x = xs[-1]", "next_item", "x = xs[-2]"),
            ("x = 0", "other_start", "x = 1"),
            ("x = max(a, b)", "other_extreme", "x = min(a, b)"),
            ("x = int(a)", "no_conversion", "x = (a)"),
            ("x = sorted(a)", "other_order", "x = sorted(a, reverse=True)"),
            ("x = sorted(a, key=k)", "forgotten_key", "x = sorted(a)"),
            ("x = sorted(a)", "no_sorting", "x = (a)"),
            ("x = range(n)", "range_end", "x = range(n + 1)"),
            ("x = range(2, n, 3)", "forgotten_step", "x = range(2, n)"),
            ("x = range(n)", "range_start", "x = range(1, n)"),
            ("x = s[:k]", "slice_end", "x = s[:k + 1]"),
            ("x = s[k:]", "slice_start", "x = s[k + 1:]"),
            ("x = s[::-1]", "forgotten_reversal", "x = s"),
            ("x = not a", "negation", "x = a"),
            ("x = a not in b", "opposite_condition", "x = a in b"),
            ("x = a is None", "opposite_condition", "x = a is not None"),
            ("x = [y for y in a if y > 1]", "forgotten_condition", "x = [y for y in a]"),
            ("x = a and b and c", "other_connective", "x = a or b and c"),
            ("if a and b:\n  c()", "forgotten_part", "if a:\n  c()"),
            ("if a and b:\n  c()", "forgotten_part", "if b:\n  c()"),
            ("n += 1", "other_update", "n -= 1"),
            ("x = s.lower()", "forgotten_form", "x = s"),
        ] {
            has(program, rule, mutant);
        }
        // Loops are no memberships, unpacking no product, and a name in a text is none.
        assert!(made("for x in xs:\n  f(*xs)").iter().all(|(rule, _)| *rule != "opposite_condition"));
        assert!(made("f(*xs)").is_empty());
        assert!(made("'max(a) < b'").is_empty());
    }

    #[test]
    fn statements_are_taken_out_with_what_hangs_on_them() {
        let guard = "def f(a):\n    if not a:\n        return 0\n    for x in a:\n        if x:\n            g(x)\n    return 1\n";
        has(guard, "left_out", "def f(a):\n    for x in a:\n        if x:\n            g(x)\n    return 1\n");
        has(
            guard,
            "condition_not_checked",
            "def f(a):\n    if not a:\n        return 0\n    for x in a:\n        g(x)\n    return 1\n",
        );
        has(guard, "printed_result", &guard.replace("return 1", "print(1)"));
        has(guard, "other_output", &guard.replace("return 1", "return str(1)"));
        let branch = "if a:\n  b()\nelif c:\n  d()\nelse:\n  e()\n";
        has(branch, "left_out_branch", "if a:\n  b()\nelse:\n  e()\n");
        has(branch, "left_out_branch", "if a:\n  b()\nelif c:\n  d()\n");
        has("try:\n  a()\nexcept E:\n  b()\nc()\n", "no_fallback", "a()\nc()\n");
        has("a = 1\na.sort()\nb()\n", "no_sorting", "a = 1\nb()\n");
        has("xs.append(a)", "other_place", "xs.insert(0, a)");
        assert!(
            made("if a:\n  return 0").iter().all(|(rule, _)| *rule != "left_out"),
            "nothing would be left"
        );
    }

    proptest! {
        #[test]
        fn no_program_makes_it_panic(
            lines in prop::collection::vec("[ ]{0,6}(if|for|def|else|elif|try|except|return|not|x =|x \\+=|range\\(|sorted\\(|\\[) ?[a-c0-9()\\[\\]:.,+<= é]{0,12}:?", 0..12)
        ) {
            let program = lines.join("\n");
            for mutant in mutants(&program) {
                prop_assert_ne!(&mutant.program, &program);
            }
        }
    }
}
