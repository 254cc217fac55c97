//! The words of LaTeX and of plain text that mean something.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::token::{Bracket, Command, Token};
use super::words::Fnv;
use crate::expression::{Constant, Function, NamedSet, Relation, Series, SetOperation};

/// What a control word stands for.
pub(crate) enum Meaning {
    Token(Token),
    /// White space or pure presentation.
    Nothing,
    /// The next character or command is a delimiter.
    LeftDelimiter,
    RightDelimiter,
    /// `\text{…}` and its like: the braces hold words.
    Words,
    /// `\mathrm{…}` and its like: the braces hold letters in another face.
    Face,
    /// `\operatorname{…}`.
    OperatorName,
    /// `\mathbb{…}`.
    Blackboard,
    /// Takes one braced argument that does not matter.
    SkipArgument,
    Begin,
    End,
}

/// Functions by their names, as written after a backslash, in `\operatorname` or in plain text.
const FUNCTIONS: &[(&str, Function)] = &[
    ("sin", Function::Sin),
    ("cos", Function::Cos),
    ("tan", Function::Tan),
    ("tg", Function::Tan),
    ("cot", Function::Cot),
    ("ctg", Function::Cot),
    ("sec", Function::Sec),
    ("csc", Function::Csc),
    ("cosec", Function::Csc),
    ("arcsin", Function::Asin),
    ("asin", Function::Asin),
    ("arccos", Function::Acos),
    ("acos", Function::Acos),
    ("arctan", Function::Atan),
    ("atan", Function::Atan),
    ("arctg", Function::Atan),
    ("arccot", Function::Acot),
    ("arcctg", Function::Acot),
    ("acot", Function::Acot),
    ("arcsec", Function::Asec),
    ("asec", Function::Asec),
    ("arccsc", Function::Acsc),
    ("acsc", Function::Acsc),
    ("sinh", Function::Sinh),
    ("sh", Function::Sinh),
    ("cosh", Function::Cosh),
    ("ch", Function::Cosh),
    ("tanh", Function::Tanh),
    ("th", Function::Tanh),
    ("coth", Function::Coth),
    ("sech", Function::Sech),
    ("csch", Function::Csch),
    ("arcsinh", Function::Asinh),
    ("arsinh", Function::Asinh),
    ("asinh", Function::Asinh),
    ("arccosh", Function::Acosh),
    ("arcosh", Function::Acosh),
    ("acosh", Function::Acosh),
    ("arctanh", Function::Atanh),
    ("artanh", Function::Atanh),
    ("atanh", Function::Atanh),
    ("exp", Function::Exp),
    ("ln", Function::Ln),
    ("abs", Function::Abs),
    ("floor", Function::Floor),
    ("ceil", Function::Ceil),
    ("ceiling", Function::Ceil),
    ("gcd", Function::Gcd),
    ("GCD", Function::Gcd),
    ("hcf", Function::Gcd),
    ("lcm", Function::Lcm),
    ("LCM", Function::Lcm),
    ("max", Function::Max),
    ("min", Function::Min),
    ("det", Function::Determinant),
    ("Re", Function::Re),
    ("Im", Function::Im),
    ("conj", Function::Conjugate),
    ("cbrt", Function::Cbrt),
    ("cis", Function::Cis),
];

/// The function with this name.
pub(crate) fn function(name: &str) -> Option<Function> {
    static NAMES: LazyLock<HashMap<&str, Function, Fnv>> =
        LazyLock::new(|| FUNCTIONS.iter().copied().collect());
    NAMES.get(name).copied()
}

const GREEK: &[&str] = &[
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "rho",
    "varrho",
    "sigma",
    "varsigma",
    "tau",
    "upsilon",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
    "ell",
    "hbar",
    "nabla",
    "partial",
    "aleph",
    "wp",
];

/// The Greek letter with this name.
pub(crate) fn greek(name: &str) -> Option<&'static str> {
    static NAMES: LazyLock<HashSet<&str, Fnv>> = LazyLock::new(|| GREEK.iter().copied().collect());
    NAMES.get(name).copied()
}

fn operator(name: &str) -> Option<Token> {
    Some(match name {
        "cdot" | "times" | "ast" | "star" | "bullet" | "cdotp" => Token::Times,
        "div" => Token::Divide,
        "pm" => Token::PlusMinus,
        "mp" => Token::MinusPlus,
        "le" | "leq" | "leqslant" | "leqq" => Token::Relation(Relation::LessEqual),
        "lt" => Token::Relation(Relation::Less),
        "ge" | "geq" | "geqslant" | "geqq" => Token::Relation(Relation::GreaterEqual),
        "gt" => Token::Relation(Relation::Greater),
        "ne" | "neq" => Token::Relation(Relation::NotEqual),
        "eq" => Token::Relation(Relation::Equal),
        "approx" | "simeq" | "thickapprox" | "doteq" => Token::Relation(Relation::Approximately),
        "in" | "isin" => Token::Relation(Relation::Member),
        "notin" => Token::Relation(Relation::NotMember),
        "subset" | "subseteq" | "subsetneq" => Token::Relation(Relation::Subset),
        "supset" | "supseteq" | "supsetneq" => Token::Relation(Relation::Superset),
        "equiv" => Token::Relation(Relation::Congruent),
        "cong" => Token::Relation(Relation::Other("≅")),
        "sim" => Token::Relation(Relation::Other("~")),
        "propto" => Token::Relation(Relation::Other("∝")),
        "parallel" => Token::Relation(Relation::Other("∥")),
        "perp" | "bot" => Token::Relation(Relation::Other("⊥")),
        "to" | "rightarrow" | "longrightarrow" | "mapsto" | "longmapsto" => {
            Token::Relation(Relation::Other("→"))
        }
        "implies" | "Rightarrow" | "Longrightarrow" => Token::Relation(Relation::Other("⇒")),
        "iff" | "Leftrightarrow" | "Longleftrightarrow" => Token::Relation(Relation::Other("⇔")),
        "cup" | "bigcup" => Token::SetOperation(SetOperation::Union),
        "cap" | "bigcap" => Token::SetOperation(SetOperation::Intersection),
        "setminus" | "backslash" | "smallsetminus" => Token::SetOperation(SetOperation::Difference),
        "wedge" | "land" | "vee" | "lor" => Token::Connector,
        "ldots" | "cdots" | "dots" | "dotsc" | "dotsb" | "vdots" | "ddots" => Token::Ellipsis,
        "colon" => Token::Colon,
        "mid" => Token::Bar,
        "circ" | "degree" | "degrees" => Token::Degree,
        "prime" => Token::Prime,
        "percent" => Token::Percent,
        _ => return None,
    })
}

fn bracket(name: &str) -> Option<Token> {
    Some(match name {
        "lvert" | "lVert" => Token::Open(Bracket::Bar),
        "rvert" | "rVert" => Token::Close(Bracket::Bar),
        "vert" => Token::Bar,
        "Vert" => Token::DoubleBar,
        "lbrace" => Token::Open(Bracket::Set),
        "rbrace" => Token::Close(Bracket::Set),
        "lbrack" => Token::Open(Bracket::Square),
        "rbrack" => Token::Close(Bracket::Square),
        "lparen" | "lgroup" => Token::Open(Bracket::Round),
        "rparen" | "rgroup" => Token::Close(Bracket::Round),
        "langle" => Token::Open(Bracket::Angle),
        "rangle" => Token::Close(Bracket::Angle),
        "lfloor" | "llcorner" => Token::Open(Bracket::Floor),
        "rfloor" | "lrcorner" => Token::Close(Bracket::Floor),
        "lceil" | "ulcorner" => Token::Open(Bracket::Ceil),
        "rceil" | "urcorner" => Token::Close(Bracket::Ceil),
        _ => return None,
    })
}

fn structure(name: &str) -> Option<Meaning> {
    Some(match name {
        "frac" | "dfrac" | "tfrac" | "cfrac" | "sfrac" | "nicefrac" | "rfrac" => {
            Meaning::Token(Token::Command(Command::Fraction))
        }
        "sqrt" => Meaning::Token(Token::Command(Command::Root)),
        "binom" | "dbinom" | "tbinom" => Meaning::Token(Token::Command(Command::Binomial)),
        "choose" => Meaning::Token(Token::Command(Command::Choose)),
        "over" => Meaning::Token(Token::Command(Command::Over)),
        "log" | "lg" | "lb" => Meaning::Token(Token::Command(Command::Logarithm)),
        "sum" => Meaning::Token(Token::Command(Command::Series(Series::Sum))),
        "prod" => Meaning::Token(Token::Command(Command::Series(Series::Product))),
        "int" | "iint" | "iiint" | "oint" => Meaning::Token(Token::Command(Command::Integral)),
        "lim" | "limsup" | "liminf" | "sup" | "inf" => Meaning::Token(Token::Command(Command::Limit)),
        "bar" => Meaning::Token(Token::Command(Command::Accent("bar"))),
        "overline" => Meaning::Token(Token::Command(Command::Overline)),
        "hat" | "widehat" => Meaning::Token(Token::Command(Command::Accent("hat"))),
        "vec" | "overrightarrow" => Meaning::Token(Token::Command(Command::Accent("vec"))),
        "tilde" | "widetilde" => Meaning::Token(Token::Command(Command::Accent("tilde"))),
        "dot" => Meaning::Token(Token::Command(Command::Accent("dot"))),
        "ddot" => Meaning::Token(Token::Command(Command::Accent("ddot"))),
        "widearc" | "overarc" | "overparen" | "wideparen" => {
            Meaning::Token(Token::Command(Command::Accent("arc")))
        }
        "mod" | "bmod" => Meaning::Token(Token::Command(Command::Mod)),
        "pmod" | "pod" => Meaning::Token(Token::Command(Command::ParenMod)),
        "boxed" | "fbox" | "underline" | "displaylines" | "mathop" | "mathbin" | "smash" | "mathord" => {
            Meaning::Token(Token::Command(Command::Boxed))
        }
        "variable" => Meaning::Token(Token::Command(Command::Accent(""))),
        "forall" | "exists" | "nexists" | "neg" | "lnot" | "therefore" | "because" => {
            Meaning::Token(Token::Command(Command::Statement))
        }
        "top" | "intercal" => Meaning::Token(Token::Command(Command::Transpose)),
        "angle" | "measuredangle" | "triangle" | "square" | "diamond" => {
            Meaning::Token(Token::Letter(if name == "measuredangle" {
                "angle".to_owned()
            } else {
                name.to_owned()
            }))
        }
        "left" | "mleft" | "bigl" | "Bigl" | "biggl" | "Biggl" => Meaning::LeftDelimiter,
        "right" | "mright" | "bigr" | "Bigr" | "biggr" | "Biggr" => Meaning::RightDelimiter,
        "text" | "mbox" | "textbf" | "textit" | "textrm" | "textnormal" | "textsf" | "texttt" | "hbox"
        | "emph" | "textsc" | "textup" => Meaning::Words,
        "mathrm" | "mathbf" | "mathit" | "mathsf" | "mathtt" | "mathcal" | "mathscr" | "mathfrak"
        | "boldsymbol" | "bm" | "rm" | "bf" | "it" | "mathnormal" => Meaning::Face,
        "operatorname" => Meaning::OperatorName,
        "mathbb" | "Bbb" => Meaning::Blackboard,
        "begin" => Meaning::Begin,
        "end" => Meaning::End,
        "hspace" | "vspace" | "phantom" | "hphantom" | "vphantom" | "label" | "tag" | "color"
        | "textcolor" | "ref" => Meaning::SkipArgument,
        _ => return None,
    })
}

/// Control words that only arrange or embellish.
const PRESENTATION: &[&str] = &[
    "quad",
    "qquad",
    "displaystyle",
    "textstyle",
    "scriptstyle",
    "limits",
    "nolimits",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "middle",
    "hfill",
    "hline",
    "cline",
    "noindent",
    "newline",
    "par",
    "small",
    "large",
    "Large",
    "huge",
    "thinspace",
    "medspace",
    "thickspace",
    "enspace",
    "nonumber",
    "notag",
    "allowbreak",
    "left.",
    "right.",
    "bigstar",
    "checkmark",
    "strut",
    "centering",
    "cr",
    "protect",
    "itshape",
    "bfseries",
    "em",
];

/// What the control word means, if anything.
pub(crate) fn control_word(name: &str) -> Option<Meaning> {
    if let Some(meaning) = structure(name) {
        return Some(meaning);
    }
    if let Some(token) = operator(name).or_else(|| bracket(name)) {
        return Some(Meaning::Token(token));
    }
    let token = match name {
        "pi" => Token::Constant(Constant::Pi),
        "infty" | "infin" => Token::Constant(Constant::Infinity),
        "exponentialE" => Token::Constant(Constant::E),
        "imaginaryI" | "imaginaryJ" => Token::Constant(Constant::I),
        "emptyset" | "varnothing" | "O" => Token::NamedSet(NamedSet::Empty),
        "N" | "Z" | "Q" | "R" | "C" => Token::NamedSet(blackboard(name)?),
        "Gamma" => Token::Function(Function::Gamma),
        "euro" | "texteuro" => Token::Currency("euro"),
        "pounds" => Token::Currency("£"),
        "yen" => Token::Currency("yen"),
        "textdollar" | "dollar" => Token::Currency("dollar"),
        "cent" | "textcent" => Token::Text("cents".to_owned()),
        "arg" | "deg" | "dim" | "ker" | "Pr" | "rank" | "tr" => Token::Letter(name.to_owned()),
        _ => {
            if let Some(function) = function(name) {
                Token::Function(function)
            } else if let Some(letter) = greek(name) {
                Token::Letter(letter.to_owned())
            } else if PRESENTATION.contains(&name) {
                return Some(Meaning::Nothing);
            } else {
                return None;
            }
        }
    };
    Some(Meaning::Token(token))
}

/// The set that a blackboard letter names.
pub(crate) fn blackboard(name: &str) -> Option<NamedSet> {
    Some(match name {
        "N" => NamedSet::Naturals,
        "Z" => NamedSet::Integers,
        "Q" => NamedSet::Rationals,
        "R" => NamedSet::Reals,
        "C" => NamedSet::Complexes,
        _ => return None,
    })
}

/// A word for a token: whatever its case, or only as it is written; or the name of a unit.
enum Known {
    AnyCase(Token),
    AsWritten(Token),
    Unit,
}

/// Words that mean the same in any case.
fn words_in_any_case() -> impl Iterator<Item = (&'static str, Token)> {
    let tokens = [
        (&["and", "or"][..], Token::Connector),
        (&["pi"], Token::Constant(Constant::Pi)),
        (&["infinity", "oo", "inf"], Token::Constant(Constant::Infinity)),
        (&["sqrt"], Token::Command(Command::Root)),
        (&["choose"], Token::Command(Command::Choose)),
        (&["log", "lg"], Token::Command(Command::Logarithm)),
        (&["mod"], Token::Command(Command::Mod)),
        (&["percent", "percentage", "pct"], Token::Percent),
        (&["deg"], Token::Degree),
    ];
    tokens.into_iter().flat_map(|(words, token)| words.iter().map(move |word| (*word, token.clone())))
}

/// What a run of letters in plain text means, if it is a word that mathematics knows.
pub(crate) fn plain_word(word: &str) -> Option<Token> {
    Some(match known(word)? {
        PlainWord::Token(token) => token.clone(),
        PlainWord::Unit => Token::Text(word.to_owned()),
    })
}

/// A word of plain text that mathematics knows.
#[derive(Clone, Copy)]
pub(crate) enum PlainWord {
    Token(&'static Token),
    /// The name of a unit.
    Unit,
}

/// The same as it is looked up.
pub(crate) fn known(word: &str) -> Option<PlainWord> {
    // One look-up for all of them: most words are none of these, and each is asked about.
    static WORDS: LazyLock<HashMap<&str, Known, Fnv>> = LazyLock::new(|| {
        let mut words: HashMap<&str, Known, Fnv> = HashMap::default();
        words.extend(super::units::unit_words().map(|word| (word, Known::Unit)));
        let functions = FUNCTIONS.iter().filter(|(name, _)| name.len() > 2 || *name == "ln");
        words.extend(functions.map(|(name, function)| (*name, Known::AsWritten(Token::Function(*function)))));
        let letters = GREEK.iter().filter(|name| name.len() > 2);
        words.extend(letters.map(|name| (*name, Known::AsWritten(Token::Letter((*name).to_owned())))));
        words.extend(words_in_any_case().map(|(word, token)| (word, Known::AnyCase(token))));
        words
    });
    let lower = if word.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(word.to_ascii_lowercase())
    } else {
        Cow::Borrowed(word)
    };
    let found = WORDS.get(lower.as_ref());
    match found {
        Some(Known::AnyCase(token)) => return Some(PlainWord::Token(token)),
        Some(Known::AsWritten(token)) if lower == word => return Some(PlainWord::Token(token)),
        _ => {}
    }
    if lower != word
        && let Some(Known::AsWritten(token)) = WORDS.get(word)
    {
        return Some(PlainWord::Token(token));
    }
    // Plurals, and units whose names are functions in another case.
    let is_unit = match found {
        Some(Known::Unit) => true,
        Some(_) => super::units::is_unit_word(&lower),
        None => lower.ends_with('s') && super::units::is_unit_word(&lower),
    };
    is_unit.then_some(PlainWord::Unit)
}
