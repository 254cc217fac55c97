//! What the caller may choose, with the defaults of the reference library.

/// What kinds of answers are looked for in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchTypes {
    /// Formulas: boxes, `$…$`, `\(…\)`, `\[…\]`, bare LaTeX.
    pub latex: bool,
    /// Plain numbers and arithmetic in prose.
    pub expr: bool,
    /// Letters of choices: A to D.
    pub string: bool,
}

impl Default for MatchTypes {
    fn default() -> MatchTypes {
        MatchTypes { latex: true, expr: true, string: false }
    }
}

impl MatchTypes {
    /// The kinds with these names: `latex`, `expr`, `string`, or `default` for the first two.
    ///
    /// # Errors
    ///
    /// The first name that is none of these.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<MatchTypes, String> {
        let mut types = MatchTypes { latex: false, expr: false, string: false };
        for name in names {
            match name {
                "latex" => types.latex = true,
                "expr" => types.expr = true,
                "string" => types.string = true,
                "default" => {
                    types.latex = true;
                    types.expr = true;
                }
                other => return Err(other.to_owned()),
            }
        }
        Ok(types)
    }
}

/// How answers are found and compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Letters must be the same letters and sets are not tuples. Otherwise letters are matched by position.
    pub strict: bool,
    /// Decimals after the point to which a printed decimal must agree with the other side.
    pub precision: u32,
    /// What is looked for in a text.
    pub match_types: MatchTypes,
    /// Whether a predicted inequality may stand for a set in gold. A set for an inequality in gold always may.
    pub allow_set_relation_comp: bool,
    /// Whether a number in prose counts when nothing else says what the answer is. Best off for rewards on MATH.
    pub last_number: bool,
    /// Only so many characters at the end of a prediction are read, where set.
    pub tail: Option<usize>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            strict: true,
            precision: 6,
            match_types: MatchTypes::default(),
            allow_set_relation_comp: false,
            last_number: true,
            tail: None,
        }
    }
}
