use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    name: Option<String>,
    colour: Option<Colour>,
    #[serde(default)]
    inner: Inner,
    #[serde(default)]
    rows: Vec<Inner>,
    #[serde(default)]
    free: BTreeMap<String, u8>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Inner {
    steps: u64,
    columns: Vec<String>,
    colour: Option<Colour>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Colour {
    DarkRed,
    Green,
    Mixed { share: f64 },
}

const RENAMED: [Renamed; 2] =
    [Renamed { old: "inner.count", new: "inner.steps" }, Renamed { old: "old", new: "inner" }];

fn read(text: &str, set: &[&str]) -> Result<Shape> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.toml");
    std::fs::write(&path, text).unwrap();
    let set = set.iter().map(|set| assignment(set)).collect::<Result<Vec<_>>>()?;
    let said =
        |error: Error| anyhow!("{}", format!("{error:#}").replace(&path.display().to_string(), "file.toml"));
    read_as(Some(&path), &set, &RENAMED).map(|(shape, _)| shape).map_err(said)
}

/// What is said of these files and arguments, one after the other.
#[test]
fn mistakes_are_named_where_they_were_made() {
    let file = "# A comment.\nname = \"ä\"\n\n[inner]\nsteps = 3\n";
    let cases: [(&str, &[&str]); 20] = [
        ("[inner]\n\nstep = 3\n", &[]),
        ("[inner]\nproblems = 3\n", &[]),
        ("name = \"x\" # é\ninner = { steps = \"ten\" }\n", &[]),
        ("colour = \"gren\"\n", &[]),
        ("colour = \"problems\"\n", &["name=y"]),
        ("[[rows]]\nsteps = 1\n[[rows]]\ncolour = 7\n", &["inner.steps=4"]),
        ("[colour.mixed]\nshare = \"half\"\n", &["name=y"]),
        ("free = { a = 300 }\n", &["name=y"]),
        ("[inner\n", &["name=y"]),
        (file, &["inner.steps=ten"]),
        (file, &["inner.stpes=4"]),
        (file, &["iner.steps=4"]),
        (file, &["colour=bleu"]),
        (file, &["inner={ steps = 1, colours = 2 }"]),
        (file, &["colour.mixed.share=x"]),
        (file, &["name.first=y"]),
        (file, &["name"]),
        ("[inner]\ncount = 4\n", &[]),
        ("[inner]\ncount = 4\n[old]\nx = 1", &["inner.steps=5"]),
        (file, &["inner.count=4"]),
    ];
    let mut said = String::new();
    for (text, set) in cases {
        let error = read(text, set).unwrap_err();
        said.push_str(&format!("{text:?} {set:?}\n{error:#}\n\n"));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn what_an_argument_replaces_is_no_mistake() {
    let shape = read("[inner]\nsteps = \"ten\"\n", &["inner.steps=7", "colour=green", "free.a=1"]).unwrap();
    assert_eq!((shape.inner.steps, shape.free["a"]), (7, 1));
    assert!(matches!(shape.colour, Some(Colour::Green)));
    assert!(read("", &["colour.mixed.share=0.5"]).is_ok());
}

#[test]
fn a_setting_is_found_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.toml");
    let text = "name = \"x\"\n\n[inner]\nsteps = 3\n\n[[rows]]\nsteps = 1\n\n[[rows]]\ncolumns = [\"a\",\n  \"b\"]\n";
    std::fs::write(&path, text).unwrap();
    let set = [assignment("inner.columns=[]").unwrap()];
    let (_, origin) = read_as::<Shape>(Some(&path), &set, &[]).unwrap();
    let of = |key: &str| origin.of(key).replace(&path.display().to_string(), "file.toml");
    for (key, stands) in [
        ("name", "file.toml:1"),
        ("inner.steps", "file.toml:4"),
        ("inner.columns", "--set inner.columns=[]"),
        ("rows[0].steps", "file.toml:7"),
        ("rows[1].columns", "file.toml:10"),
        ("rows[1].columns[1]", "file.toml:11"),
        // What nobody wrote stands in the section where it would.
        ("inner.colour", "file.toml:3"),
        ("rows[1].steps", "file.toml:9"),
        ("free", "file.toml"),
        ("free.a", "file.toml"),
    ] {
        assert_eq!(of(key), stands, "{key}");
    }
    let error = origin.refuse(&SettingError::value("inner.steps", 3, "more"));
    assert!(error.to_string().ends_with("file.toml:4: `inner.steps` is 3, expected more"), "{error}");
    let (_, nowhere) = read_as::<Shape>(None, &[], &[]).unwrap();
    assert_eq!(nowhere.of("inner.steps"), "the command line");
}
