//! The arguments of a Python method, by place or by name.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};

/// What is left to take of a call's arguments.
pub(super) struct Arguments<'a> {
    places: std::slice::Iter<'a, Value>,
    names: Option<Kwargs>,
}

impl<'a> Arguments<'a> {
    pub fn new(all: &'a [Value]) -> Result<Arguments<'a>, Error> {
        let (places, names) = match all.split_last() {
            Some((last, places)) if last.is_kwargs() => (places, Some(Kwargs::try_from(last.clone())?)),
            _ => (all, None),
        };
        Ok(Arguments { places: places.iter(), names })
    }

    /// Of a filter, which is given both apart.
    pub fn apart(places: &'a [Value], names: Kwargs) -> Arguments<'a> {
        Arguments { places: places.iter(), names: Some(names) }
    }

    /// The next argument; `None` if it is not given, or is `none`.
    pub fn value(&mut self, name: &str) -> Result<Option<Value>, Error> {
        let value = match (self.places.next(), &self.names) {
            (Some(value), _) => Some(value.clone()),
            (None, Some(names)) => names.get::<Option<Value>>(name)?,
            (None, None) => None,
        };
        Ok(value.filter(|value| !value.is_none() && !value.is_undefined()))
    }

    /// The next argument, whatever it is; `None` if it is not given.
    pub fn any(&mut self, name: &str) -> Result<Option<Value>, Error> {
        Ok(match (self.places.next(), &self.names) {
            (Some(value), _) => Some(value.clone()),
            (None, Some(names)) if names.has(name) => Some(names.get(name)?),
            _ => None,
        })
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        self.value(name)?.map(|value| text_of(name, &value)).transpose()
    }

    /// A text that must be there.
    pub fn needed_text(&mut self, name: &str) -> Result<String, Error> {
        self.text(name)?.ok_or_else(|| Error::new(ErrorKind::MissingArgument, format!("`{name}` is missing")))
    }

    pub fn whole(&mut self, name: &str) -> Result<Option<i64>, Error> {
        let whole = |value: Value| {
            value.as_i64().ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, format!("`{name}` is no whole number"))
            })
        };
        self.value(name)?.map(whole).transpose()
    }

    pub fn truth(&mut self, name: &str) -> Result<Option<bool>, Error> {
        Ok(self.value(name)?.map(|value| value.is_true()))
    }

    /// Refuses what was not taken.
    pub fn done(mut self) -> Result<(), Error> {
        if self.places.next().is_some() {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        self.names.map_or(Ok(()), |names| names.assert_all_used())
    }
}

pub(super) fn text_of(what: &str, value: &Value) -> Result<String, Error> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("`{what}` is a {}, not a text", value.kind()))
    })
}
