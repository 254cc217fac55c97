//! What `--help` says of every command there is: a change of it is seen.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{collections::BTreeSet, fs, path::Path};
use tracelift_testing::Desk;

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<&str> {
    let (_, list) = help.split_once("\nCommands:\n").unwrap_or_default();
    let list = list.split("\n\n").next().unwrap_or_default();
    // Names stand two places from the edge, what is said of them farther.
    let names = list.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

#[test]
fn help_of_every_command() {
    let desk = Desk::of(env!("CARGO_BIN_EXE_tracelift"));
    let (mut commands, mut open) = (BTreeSet::new(), vec![Vec::<String>::new()]);
    while let Some(command) = open.pop() {
        let mut asked = desk.command(&[]);
        // The width is that of no terminal.
        let output = asked.args(&command).arg("--help").env_remove("COLUMNS").output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {output:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        open.extend(listed(&help).iter().map(|name| [command.as_slice(), &[(*name).to_owned()]].concat()));
        let name = [&["tracelift".to_owned()], command.as_slice()].concat().join("_");
        insta::assert_snapshot!(name.as_str(), help);
        commands.insert(name);
    }
    assert!(commands.len() > 25, "the commands were not found: {commands:?}");
    let kept = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")).unwrap();
    let kept: BTreeSet<String> = kept
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| Some(file.strip_prefix("help__")?.strip_suffix(".snap")?.to_owned()))
        .collect();
    assert_eq!(kept, commands, "a command is gone, and what it said is still kept");
}
