//! The module as Python finds it: `python/tests`, by the interpreter at hand and its standard library. What needs packages that
//! are not there says that it skipped.

use std::{env, fs, path::Path, process::Command};

#[test]
fn python_tests_pass() {
    // Cargo builds the library beside its tests.
    let folder = env::current_exe().unwrap().parent().unwrap().to_owned();
    let library = ["lib_native.so", "lib_native.dylib"].map(|name| folder.join(name));
    let library = library.iter().find(|path| path.exists()).expect("the extension module beside this test");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python");
    let desk = tempfile::tempdir().unwrap();
    let package = desk.path().join("tracelift_rl");
    fs::create_dir(&package).unwrap();
    for entry in fs::read_dir(sources.join("tracelift_rl")).unwrap() {
        let path = entry.unwrap().path();
        // A module that was built there by hand is another one.
        if path.extension().is_some_and(|kind| kind == "py") {
            fs::copy(&path, package.join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::copy(library, package.join("_native.abi3.so")).unwrap();
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let has = |module: &str| {
        Command::new(&python).args(["-c", &format!("import {module}")]).output().unwrap().status.success()
    };
    let tests = sources.join("tests");
    let names: &[&str] = if has("httpx") {
        &["test_native", "test_client"]
    } else {
        eprintln!("SKIPPED: python/tests/test_client.py, as Python has no httpx here");
        &["test_native"]
    };
    let run = Command::new(&python)
        .args(["-m", "unittest", "-v"])
        .args(names)
        .current_dir(&tests)
        .env("PYTHONPATH", desk.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    eprintln!("{said}");
    assert!(run.status.success(), "{said}");
    assert!(said.contains("OK"), "{said}");
}
