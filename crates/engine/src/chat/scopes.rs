//! What a name stands for, where jinja2 and minijinja differ without a word: defaults of parameters that name other parameters,
//! values of `with` that name one another, what is set inside of `filter` and of a block that is set, what is set of a
//! namespace inside of a macro. Such statements are rewritten to ones that mean in minijinja what they mean in jinja2; what
//! cannot be said there is refused.

use super::operators::{Kind, Token, tokens};
use minijinja::value::Object;
use minijinja::{Environment, Value};

/// The value of a parameter that a call left out, where its default is worked out inside of the macro.
#[derive(Debug)]
struct Omitted;

impl Object for Omitted {}

fn is_omitted(value: &Value) -> bool {
    value.downcast_object_ref::<Omitted>().is_some()
}

/// Puts what rewritten statements ask for into an environment.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_global(OMITTED, Value::from_object(Omitted));
    environment.add_function(IS_OMITTED, |value: &Value| is_omitted(value));
    environment.add_function(GIVEN, |value: Value| if is_omitted(&value) { Value::UNDEFINED } else { value });
    environment.add_function(FIRST, |first: Value, _: Value| first);
}

/// Its name.
const OMITTED: &str = "_omitted";
/// The function that says whether a parameter was left out.
const IS_OMITTED: &str = "_is_omitted";
/// The function that takes a parameter, and nothing (undefined) for one that was left out.
const GIVEN: &str = "_given";
/// The function that takes the first of two values.
const FIRST: &str = "_first";

/// A statement as minijinja is to read it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Statement {
    /// The statement, where it is another.
    pub code: Option<String>,
    /// Statements before it.
    pub before: Vec<String>,
    /// Statements behind it.
    pub behind: Vec<String>,
}

/// The statements that are open.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    open: Vec<Open>,
}

#[derive(Debug)]
enum Open {
    /// A loop, with the names that its filter asks for.
    For(Vec<String>),
    With,
    Macro,
}

impl Scopes {
    /// The next statement of a template, without its brackets and signs.
    ///
    /// # Errors
    /// What of it means something else here, and cannot be said otherwise.
    pub(super) fn statement(&mut self, code: &str) -> Result<Statement, String> {
        let tokens = tokens(code);
        let Some((first, rest)) = tokens.split_first() else { return Ok(Statement::default()) };
        let mut statement = Statement::default();
        match first.text {
            "for" => self.open.push(Open::For(filter_of(rest))),
            "endfor" => self.close(|open| matches!(open, Open::For(_))),
            "with" => {
                statement.code = at_once(first, rest);
                self.open.push(Open::With);
            }
            "endwith" => self.close(|open| matches!(open, Open::With)),
            "macro" | "call" => {
                if let Some((code, defaults)) = with_own_defaults(&tokens) {
                    (statement.code, statement.behind) = (Some(code), defaults);
                }
                self.open.push(Open::Macro);
            }
            "endmacro" | "endcall" => self.close(|open| matches!(open, Open::Macro)),
            "block" => {
                let scoped = rest.iter().any(|token| token.text == "scoped");
                if !scoped && self.open.iter().any(|open| !matches!(open, Open::Macro)) {
                    return Err("a `block` inside of `for` or `with` sees nothing of it in jinja2, and here it does; \
                                call it `scoped`, or leave the block out"
                        .to_owned());
                }
            }
            "filter" => statement.behind.push("with".to_owned()),
            "endfilter" | "endset" => statement.before.push("endwith".to_owned()),
            "set" => self.set(first, rest, &mut statement)?,
            _ => {}
        }
        Ok(statement)
    }

    fn close(&mut self, is: impl Fn(&Open) -> bool) {
        if let Some(at) = self.open.iter().rposition(is) {
            self.open.truncate(at);
        }
    }

    fn set(&self, first: &Token<'_>, rest: &[Token<'_>], statement: &mut Statement) -> Result<(), String> {
        let Some(equals) = at_top(rest).find(|(_, token)| token.text == "=").map(|(at, _)| at) else {
            statement.behind.push("with".to_owned());
            return Ok(());
        };
        let [name, dot, _] = &rest[..equals] else { return Ok(()) };
        if dot.text != "." {
            return Ok(());
        }
        let asked =
            |open: &Open| matches!(open, Open::For(names) if names.iter().any(|asked| asked == name.text));
        if self.open.iter().any(asked) {
            return Err(format!(
                "what a loop's `if` asks of `{}` is set inside of the loop: jinja2 asks before every round, and here it is \
                 asked before the first; put the `if` into the loop",
                name.text
            ));
        }
        // minijinja hands a macro what it reads, and what it sets of a namespace it does not count as read.
        if self.open.iter().any(|open| matches!(open, Open::Macro)) {
            let (target, value) = rest.split_at(equals + 1);
            statement.code = Some(format!(
                "{}{} {FIRST}(({}), {})",
                written([first]),
                written(target),
                written(value),
                name.text
            ));
        }
        Ok(())
    }
}

/// Tokens outside of brackets, with their places.
fn at_top<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = (usize, &'t Token<'a>)> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter(move |(_, token)| {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    })
}

/// Tokens parted by the commas outside of brackets.
fn parts<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (comma, _) in at_top(tokens).filter(|(_, token)| token.text == ",") {
        parts.push(&tokens[start..comma]);
        start = comma + 1;
    }
    if start < tokens.len() {
        parts.push(&tokens[start..]);
    }
    parts
}

/// `name = value`
fn assignment<'t, 'a>(part: &'t [Token<'a>]) -> Option<(&'a str, &'t [Token<'a>])> {
    match part {
        [name, equals, value @ ..] if name.kind == Kind::Value && equals.text == "=" && !value.is_empty() => {
            Some((name.text, value))
        }
        _ => None,
    }
}

/// Whether a value asks for a name: as itself, not as an attribute of something.
fn asks(value: &[Token<'_>], name: &str) -> bool {
    value.iter().enumerate().any(|(at, token)| {
        token.kind == Kind::Value && token.text == name && (at == 0 || value[at - 1].text != ".")
    })
}

fn written<'t, 'a: 't>(tokens: impl IntoIterator<Item = &'t Token<'a>>) -> String {
    // No statement is longer by a line than it was.
    let space = |token: &Token<'_>| token.space.replace('\n', " ");
    tokens.into_iter().map(|token| space(token) + token.text).collect()
}

/// The names that stand in the filter of a loop: `for x in xs if …`.
fn filter_of(rest: &[Token<'_>]) -> Vec<String> {
    let asked = |(start, _): (usize, &Token<'_>)| {
        let filter = &rest[start + 1..];
        let names = filter.iter().filter(|token| token.kind == Kind::Value && asks(filter, token.text));
        names.map(|token| token.text.to_owned()).collect()
    };
    at_top(rest).find(|(_, token)| token.text == "if").map(asked).unwrap_or_default()
}

/// `with a = 1, b = a`, all of whose values are worked out before any name is given; minijinja goes from one to the next.
/// `None` where that is the same.
fn at_once(first: &Token<'_>, rest: &[Token<'_>]) -> Option<String> {
    let all: Vec<_> = parts(rest).into_iter().map(assignment).collect::<Option<_>>()?;
    let differs = (0..all.len()).any(|at| all[..at].iter().any(|(name, _)| asks(all[at].1, name)));
    if !differs {
        return None;
    }
    let values = all.iter().enumerate().map(|(at, (_, value))| format!("_with{at} ={}", written(*value)));
    let names = all.iter().enumerate().map(|(at, (name, _))| format!("{name} = _with{at}"));
    let all: Vec<String> = values.chain(names).collect();
    Some(format!("{} {} ", written([first]), all.join(", ")))
}

/// `macro f(x, y = x)`: a default may ask for parameters, of which those before it have their values and others have none.
/// minijinja works defaults out where nothing is known of parameters. The statement without such defaults, and what sets them
/// inside. `None` where no default asks for a parameter.
fn with_own_defaults(tokens: &[Token<'_>]) -> Option<(String, Vec<String>)> {
    let open = match tokens {
        [_, bracket, ..] if bracket.text == "(" => 1,
        [_, _, bracket, ..] if bracket.text == "(" && tokens[0].text == "macro" => 2,
        _ => return None,
    };
    let inside = &tokens[open + 1..];
    let (close, _) = at_end(inside)?;
    let parameters: Vec<(&str, &[Token<'_>])> = parts(&inside[..close])
        .into_iter()
        .map(|part| match part {
            [name] if name.kind == Kind::Value => Some((name.text, &[][..])),
            part => assignment(part),
        })
        .collect::<Option<_>>()?;
    let any = |value| parameters.iter().any(|(name, _)| asks(value, name));
    if !parameters.iter().any(|(_, default)| any(default)) {
        return None;
    }
    let mut signature = Vec::new();
    let mut defaults = Vec::new();
    for (at, (name, default)) in parameters.iter().enumerate() {
        if default.is_empty() {
            signature.push((*name).to_owned());
            continue;
        }
        signature.push(format!("{name}={OMITTED}"));
        let later = |token: &Token<'_>| parameters[at..].iter().any(|(name, _)| *name == token.text);
        let value: String = default
            .iter()
            .enumerate()
            .map(|(place, token)| match later(token) && asks(&default[place..=place], token.text) {
                true if place == 0 || default[place - 1].text != "." => format!(" {GIVEN}({})", token.text),
                _ => written([token]),
            })
            .collect();
        defaults.push(format!("set {name} = ({value}) if {IS_OMITTED}({name}) else {name}"));
    }
    let code = written(&tokens[..=open]) + &signature.join(", ") + &written(&inside[close..]);
    Some((code, defaults))
}

/// Where the bracket closes that was open before these tokens.
fn at_end<'t, 'a>(inside: &'t [Token<'a>]) -> Option<(usize, &'t Token<'a>)> {
    let mut depth = 0_usize;
    inside.iter().enumerate().find(|(_, token)| match token.text {
        "(" | "[" | "{" => {
            depth += 1;
            false
        }
        ")" | "]" | "}" if depth == 0 => true,
        ")" | "]" | "}" => {
            depth -= 1;
            false
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of the statements that one becomes.
    fn becomes(code: &str) -> String {
        let Statement { code: changed, before, behind } = Scopes::default().statement(code).unwrap();
        let all = before.into_iter().chain([changed.unwrap_or_else(|| code.to_owned())]).chain(behind);
        all.map(|code| code.trim().to_owned()).collect::<Vec<_>>().join(" ; ")
    }

    #[test]
    fn what_means_the_same_stays_as_it_is() {
        for code in [
            " for x in xs if x.a ",
            " with a = 1, b = c.a, d = 'a' ",
            " macro f(x, y=1, z=n.x) ",
            " call(i) f(x, y=x) ",
            " set a = 1 ",
            " set ns.a = ns.b ",
            " block title ",
            " if x ",
        ] {
            assert_eq!(becomes(code), code.trim());
        }
    }

    #[test]
    fn statements_mean_what_jinja2_means() {
        for (code, expected) in [
            (" with a=1, b=a ", "with _with0 =1, _with1 =a , a = _with0, b = _with1"),
            (" macro f(x, y=x) ", "macro f(x, y=_omitted) ; set y = (x) if _is_omitted(y) else y"),
            (
                " macro f(y=[x], x=x.x) ",
                "macro f(y=_omitted, x=_omitted) ; set y = ([ _given(x)]) if _is_omitted(y) else y ; \
                 set x = ( _given(x).x) if _is_omitted(x) else x",
            ),
            (
                " call(i, j=i) each(xs) ",
                "call(i, j=_omitted) each(xs) ; set j = (i) if _is_omitted(j) else j",
            ),
            (" filter upper ", "filter upper ; with"),
            (" endfilter ", "endwith ; endfilter"),
            (" set x | upper ", "set x | upper ; with"),
            (" endset ", "endwith ; endset"),
        ] {
            assert_eq!(becomes(code), expected);
        }
        let mut scopes = Scopes::default();
        scopes.statement(" macro f() ").unwrap();
        let set = scopes.statement(" set ns.a = 1, 2 ").unwrap();
        assert_eq!(set.code.as_deref(), Some(" set ns.a = _first(( 1, 2 ), ns)"));
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let mut scopes = Scopes::default();
        scopes.statement(" for x in xs if x < ns.least ").unwrap();
        assert!(scopes.statement(" set ns.least = x ").unwrap_err().contains("`ns`"));
        assert!(scopes.statement(" set other.least = x ").is_ok());
        assert!(scopes.statement(" block b ").is_err() && scopes.statement(" block b scoped ").is_ok());
        scopes.statement(" endfor ").unwrap();
        assert!(scopes.statement(" set ns.least = x ").is_ok() && scopes.statement(" block b ").is_ok());
    }
}
