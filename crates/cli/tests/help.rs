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

#[test]
fn shells_and_manuals_know_every_command() {
    let desk = Desk::of(env!("CARGO_BIN_EXE_tracelift"));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = desk.good(&["completions", shell]);
        for word in ["quickstart", "prefill", "--set"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    // What bash itself makes of it.
    desk.write("completions.bash", &desk.good(&["completions", "bash"]));
    let asked = "source completions.bash; COMP_WORDS=(tracelift base); COMP_CWORD=1; _tracelift tracelift base tracelift; \
                 echo ${COMPREPLY[@]}";
    match std::process::Command::new("bash").args(["-c", asked]).current_dir(desk.path(".")).output() {
        Ok(said) => assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "baselines", "{said:?}"),
        Err(error) => tracelift_testing::skipped(format_args!("bash: {error}")),
    }
    assert!(desk.good(&["man"]).contains("tracelift\\-quickstart(1)"));
    desk.good(&["man", "--out", "man"]);
    for page in ["tracelift", "tracelift-train", "tracelift-baselines-prefill"] {
        let text = fs::read_to_string(desk.path("man").join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
}
