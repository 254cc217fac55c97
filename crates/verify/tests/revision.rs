//! The revision of the judges that a verifier's fingerprint holds: it moves with what decides verdicts, and with nothing else.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "../build/revision.rs"]
mod revision;

use std::fs;
use std::path::Path;

#[test]
fn code_changes_it_and_comments_and_tests_do_not() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let now = || revision::revision(home.path(), &["src"]).unwrap();
    write("src/a.rs", "fn a() -> u8 {\n    1\n}\n");
    write("src/deep/b.py", "def b():\n    return 1\n");
    let first = now();
    assert_eq!(first, now());
    write("src/a.rs", "// One.\nfn a() -> u8 {\n\n  1\n}\n");
    write("src/deep/b.py", "# One.\ndef b():\n    return 1\n");
    write("src/deep/tests.rs", "fn t() {}");
    write("src/tests/more.rs", "fn t() {}");
    write("src/notes.md", "text");
    assert_eq!(now(), first, "nothing that decides anything has changed");
    write("src/a.rs", "fn a() -> u8 {\n    2\n}\n");
    let second = now();
    assert_ne!(second, first);
    write("src/deep/b.py", "def b():\n    return 2\n");
    let third = now();
    assert_ne!(third, second);
    fs::rename(home.path().join("src/a.rs"), home.path().join("src/c.rs")).unwrap();
    assert_ne!(now(), third);
}

#[test]
fn the_judges_that_were_built_are_those_that_are_here() {
    let found = revision::revision(Path::new(env!("CARGO_MANIFEST_DIR")), &revision::JUDGES).unwrap();
    assert_eq!(format!("{found:016x}"), env!("TRACELIFT_JUDGES"));
}
