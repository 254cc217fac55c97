//! Where `--out` leads: files, links, FIFOs, devices of the test's own, standard output, and what cannot be written.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
};
use support::Desk;
use tracelift_testing::skipped;

const CASES: &str =
    "{\"id\": 1, \"gold\": \"2\", \"pred\": \"1 + 1\"}\n{\"id\": 2, \"gold\": \"2\", \"pred\": \"3\"}\n";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("cases.jsonl", CASES);
    desk
}

fn to(out: &str) -> [&str; 6] {
    ["verify", "math", "--cases", "cases.jsonl", "--out", out]
}

fn made(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The verdicts, as standard output has them.
fn expected(desk: &Desk) -> String {
    let printed = desk.good(&["verify", "math", "--cases", "cases.jsonl"]);
    assert_eq!(printed.lines().count(), 2);
    printed
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_file_is_like_every_other_and_keeps_its_mode() {
    let desk = desk();
    desk.good(&to("verdicts.jsonl"));
    let path = desk.path("verdicts.jsonl");
    assert_eq!(mode(&path), mode(&desk.path("cases.jsonl")), "as a file that the test itself wrote");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    desk.good(&to("verdicts.jsonl"));
    assert_eq!((mode(&path), fs::read_to_string(&path).unwrap()), (0o640, expected(&desk)));
}

#[test]
fn links_stay_and_what_they_lead_to_is_written() {
    let desk = desk();
    fs::create_dir(desk.path("elsewhere")).unwrap();
    symlink("elsewhere/verdicts.jsonl", desk.path("link")).unwrap();
    for _ in 0..2 {
        desk.good(&to("link"));
        assert!(desk.path("link").is_symlink());
        assert_eq!(fs::read_to_string(desk.path("elsewhere/verdicts.jsonl")).unwrap(), expected(&desk));
    }
    symlink("round", desk.path("round")).unwrap();
    assert!(desk.bad(&to("round")).contains("cannot write round: its symbolic links lead in a circle"));
}

#[test]
fn fifos_and_standard_output_are_written_into() {
    let desk = desk();
    let fifo = desk.path("fifo");
    assert!(made("mkfifo", &[fifo.to_str().unwrap()]));
    let reader = {
        let fifo = fifo.clone();
        std::thread::spawn(move || fs::read_to_string(fifo).unwrap())
    };
    desk.good(&to("fifo"));
    assert_eq!(reader.join().unwrap(), expected(&desk));
    assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    for out in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        assert_eq!(desk.good(&to(out)), expected(&desk), "{out}");
    }
    // Standard output that is a file is not replaced under whoever holds it open.
    let file = fs::File::create(desk.path("redirected")).unwrap();
    let status = desk.command(&to("/dev/stdout")).stdout(file.try_clone().unwrap()).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read_to_string(desk.path("redirected")).unwrap(), expected(&desk));
    assert_eq!(file.metadata().unwrap().ino(), fs::metadata(desk.path("redirected")).unwrap().ino());
}

#[test]
fn devices_are_written_into() {
    let desk = desk();
    for (name, minor) in [("null", "3"), ("full", "7")] {
        let path = desk.path(name);
        let node = path.to_str().unwrap();
        if !made("mknod", &[node, "c", "1", minor]) || fs::File::options().write(true).open(&path).is_err() {
            skipped("making a device node takes root");
            return;
        }
    }
    desk.good(&to("null"));
    let message = desk.bad(&to("full"));
    assert!(
        message.ends_with("error: cannot write full: No space left on device (os error 28)"),
        "{message}"
    );
    for name in ["null", "full"] {
        assert!(fs::symlink_metadata(desk.path(name)).unwrap().file_type().is_char_device());
    }
}

#[test]
fn what_cannot_be_written_is_named_before_the_work() {
    let desk = desk();
    fs::create_dir(desk.path("folder")).unwrap();
    for (out, told) in [
        ("folder", "cannot write folder: it is a folder; name a file"),
        ("new/", "cannot write new/: it is a folder; name a file"),
        ("missing/file", "cannot write missing/file: the folder missing does not exist"),
        ("cases.jsonl/file", "cannot write cases.jsonl/file: cases.jsonl is not a folder"),
    ] {
        assert_eq!(desk.refused(&to(out)), format!("error: {told}"));
    }
}

#[test]
fn a_limit_of_file_sizes_leaves_what_was_there() {
    let desk = desk();
    let lines: String =
        (0..200).map(|id| format!("{{\"id\": {id}, \"gold\": \"2\", \"pred\": \"1 + 1\"}}\n")).collect();
    desk.write("cases.jsonl", &lines);
    desk.write("verdicts.jsonl", "old");
    let script = "ulimit -f 8; exec \"$0\" verify math --cases cases.jsonl --out verdicts.jsonl";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_tracelift")])
        .current_dir(desk.path(""))
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("error: cannot write verdicts.jsonl: File too large"), "{errors}");
    assert_eq!(fs::read_to_string(desk.path("verdicts.jsonl")).unwrap(), "old");
    assert_eq!(fs::read_dir(desk.path("")).unwrap().count(), 2, "something was left");
}
