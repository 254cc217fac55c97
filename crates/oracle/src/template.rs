//! Templates: prompts as files that can be read, changed and told apart by version.
//!
//! A template has sections, each a line `[system]`, `[user]` or `[assistant]` and the text below it, with slots such as
//! `{{problem}}` in it. Lines that begin with `#!` are notes for people and are not sent. What fills a slot is put in
//! as it stands and never searched for slots again. `{{fence}}` is a mark that follows from the fillings and cannot occur
//! in them by accident or design of whoever wrote them, so that a prompt can say where foreign text begins and ends.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use tracelift_domain::{Fingerprint, Message, Role, spelling};

/// More than any prompt; keeps a wrong file from filling the memory.
const LONGEST: u64 = 256 << 10;
/// The slot that every template may use.
const FENCE: &str = "fence";

/// A template that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its name; a file `NAME.txt` in a folder of templates takes its place.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// What it has slots for.
    pub slots: &'static [&'static str],
}

/// A template that has been read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    name: String,
    version: String,
    sections: Vec<(Role, Vec<Piece>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(String),
}

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder or a file in it cannot be read.
    #[error("read the template {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is too large or not text.
    #[error("template {}: {why}", path.display())]
    Unfit {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A mistake in it.
    #[error("template {name}:{line}: {what}")]
    Mistake {
        /// Its file, or its name if it is built in.
        name: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what would do.
        what: String,
    },
    /// A file that no template is called by.
    #[error("{}: there is no template of that name; {instead}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The file that was probably meant, or those that there are.
        instead: String,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Names the line of the first mistake: text before the first section, an unknown section or slot, a slot of which the
    /// template makes no use.
    pub fn read(name: &str, text: &str, slots: &[&str]) -> Result<Template, TemplateError> {
        let mistake =
            |line: usize, what: String| TemplateError::Mistake { name: name.to_owned(), line, what };
        let mut sections: Vec<(Role, String, usize)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let role = match line.trim_end() {
                "[system]" => Some(Role::System),
                "[user]" => Some(Role::User),
                "[assistant]" => Some(Role::Assistant),
                _ => None,
            };
            match (role, sections.last_mut()) {
                (Some(role), _) => sections.push((role, String::new(), index + 2)),
                _ if line.starts_with("#!") => {}
                (None, Some((_, body, _))) => {
                    body.push_str(line);
                    body.push('\n');
                }
                (None, None) if line.trim().is_empty() => {}
                (None, None) => {
                    return Err(mistake(
                        index + 1,
                        "text before the first section; begin with [system] or [user]".into(),
                    ));
                }
            }
        }
        if !sections.iter().any(|(role, ..)| *role == Role::User) {
            return Err(mistake(1, "it has no section [user]".into()));
        }
        let mut used = BTreeMap::new();
        let mut read = Vec::new();
        for (role, body, first_line) in sections {
            let pieces = pieces(body.trim(), |slot| {
                used.insert(slot.to_owned(), ());
                if slot == FENCE || slots.contains(&slot) {
                    return Ok(());
                }
                let known = slots.join("}}, {{");
                let line = body.lines().position(|line| line.contains(&format!("{{{{{slot}"))).unwrap_or(0);
                Err(mistake(
                    first_line + line,
                    format!("there is no slot {{{{{slot}}}}}; there are {{{{{known}}}}}"),
                ))
            })?;
            read.push((role, pieces));
        }
        if let Some(slot) = slots.iter().find(|slot| !used.contains_key(**slot)) {
            return Err(mistake(
                1,
                format!("it makes no use of {{{{{slot}}}}}; without it the model cannot know"),
            ));
        }
        let version = Fingerprint::of([("template", text.as_bytes())]).short().to_owned();
        Ok(Template { name: name.to_owned(), version, sections: read })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The beginning of a hash of its text: another text is another version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The conversation, with the slots filled. A slot that `fillings` lacks becomes empty; [`Template::read`] has checked
    /// that the template has no others than its user knows of.
    #[must_use]
    pub fn fill(&self, fillings: &[(&str, &str)]) -> Vec<Message> {
        let fence = Fingerprint::of(fillings.iter().map(|(slot, text)| (*slot, text.as_bytes())));
        let filling = |slot: &str| match slot {
            FENCE => fence.short(),
            _ => fillings.iter().find(|(name, _)| *name == slot).map_or("", |(_, text)| *text),
        };
        let render = |pieces: &[Piece]| -> String {
            pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.as_str(),
                    Piece::Slot(slot) => filling(slot),
                })
                .collect()
        };
        self.sections.iter().map(|(role, pieces)| Message { role: *role, content: render(pieces) }).collect()
    }
}

fn pieces<E>(body: &str, mut check: impl FnMut(&str) -> Result<(), E>) -> Result<Vec<Piece>, E> {
    let mut pieces = Vec::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((slot, later)) = after.split_once("}}") else { break };
        check(slot.trim())?;
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(Piece::Slot(slot.trim().to_owned()));
        rest = later;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

/// Reads templates: from files of their names in a folder, where there are such, otherwise the built-in ones.
///
/// # Errors
/// A file that cannot be read, has a mistake, or is called like no template: a misspelt name must not go unnoticed.
pub fn load(built_in: &[BuiltIn], folder: Option<&Path>) -> Result<Vec<Template>, TemplateError> {
    if let Some(folder) = folder {
        refuse_strangers(built_in, folder)?;
    }
    built_in
        .iter()
        .map(|template| {
            let path = folder.map(|folder| folder.join(format!("{}.txt", template.name)));
            match path.filter(|path| path.exists()) {
                Some(path) => Template::read(&path.display().to_string(), &text_of(&path)?, template.slots)
                    .map(|read| Template { name: template.name.to_owned(), ..read }),
                None => Template::read(template.name, template.text, template.slots),
            }
        })
        .collect()
}

fn refuse_strangers(built_in: &[BuiltIn], folder: &Path) -> Result<(), TemplateError> {
    let unreadable = |source| TemplateError::Read { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".txt")) else {
            continue;
        };
        if built_in.iter().any(|template| template.name == name) {
            continue;
        }
        let names = built_in.iter().map(|template| template.name);
        let instead = match spelling::nearest(name, names.clone()) {
            Some(nearest) => format!("did you mean {nearest}.txt?"),
            None => {
                let files: Vec<String> = names.map(|name| format!("{name}.txt")).collect();
                format!("expected {}", files.join(", "))
            }
        };
        return Err(TemplateError::Unknown { path, instead });
    }
    Ok(())
}

fn text_of(path: &Path) -> Result<String, TemplateError> {
    let unreadable = |source| TemplateError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    let unfit = |why| TemplateError::Unfit { path: path.to_owned(), why };
    if bytes.len() as u64 > LONGEST {
        return Err(unfit("it is longer than 256 KiB; a template is a prompt"));
    }
    String::from_utf8(bytes).map_err(|_| unfit("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "#! A note.\n[system]\nBe terse.\n[user]\nProblem, from {{fence}} on:\n{{problem}}\n{{ fence }}\n";
    const BUILT_IN: [BuiltIn; 1] = [BuiltIn { name: "solve", text: TEXT, slots: &["problem"] }];

    #[test]
    fn slots_are_filled_once() {
        let template = Template::read("solve", TEXT, &["problem"]).unwrap();
        let messages = template.fill(&[("problem", "What is {{fence}}?")]);
        assert_eq!(messages[0], Message { role: Role::System, content: "Be terse.".into() });
        let lines: Vec<&str> = messages[1].content.lines().collect();
        assert_eq!(lines[1], "What is {{fence}}?");
        assert_eq!((lines[2].len(), lines.len()), (12, 3));
        assert!(lines[0].contains(lines[2]));
        let other = template.fill(&[("problem", "x")]);
        assert!(!other[1].content.contains(lines[2]), "another filling has another fence");
    }

    #[test]
    fn versions_follow_the_text() {
        let version = |text| Template::read("t", text, &["problem"]).unwrap().version().to_owned();
        assert_eq!(version(TEXT), version(TEXT));
        assert_ne!(version(TEXT), version(&TEXT.replace("terse", "brief")));
    }

    #[test]
    fn mistakes_are_named_with_their_lines() {
        for (text, words) in [
            ("hello\n[user]\n{{problem}}", "t:1: text before the first section"),
            ("[system]\n{{problem}}", "no section [user]"),
            ("[user]\nA.\n{{problem}} {{prblem}}", "t:3: there is no slot {{prblem}}; there are {{problem}}"),
            ("[user]\nhello", "makes no use of {{problem}}"),
        ] {
            let message = Template::read("t", text, &["problem"]).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn a_file_takes_the_place_of_a_built_in_template() {
        let folder = tempfile::tempdir().unwrap();
        let built_in = load(&BUILT_IN, None).unwrap();
        assert_eq!(load(&BUILT_IN, Some(folder.path())).unwrap(), built_in);
        std::fs::write(folder.path().join("solve.txt"), "[user]\nMine: {{problem}}").unwrap();
        let mine = load(&BUILT_IN, Some(folder.path())).unwrap();
        assert_eq!(mine[0].fill(&[("problem", "x")])[0].content, "Mine: x");
        assert_eq!(mine[0].name(), "solve");
        assert_ne!(mine[0].version(), built_in[0].version());
        std::fs::write(folder.path().join("sovle.txt"), "[user]\n{{problem}}").unwrap();
        let message = load(&BUILT_IN, Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("did you mean solve.txt"), "{message}");
        std::fs::rename(folder.path().join("sovle.txt"), folder.path().join("referee.txt")).unwrap();
        let message = load(&BUILT_IN, Some(folder.path())).unwrap_err().to_string();
        assert!(message.ends_with("expected solve.txt"), "{message}");
        assert!(load(&BUILT_IN, Some(&folder.path().join("none"))).is_err());
    }
}
