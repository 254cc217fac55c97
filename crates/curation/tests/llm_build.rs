//! A build with models: killed with -9 and gone on with, stopped by its budget, out of a dead server's reach.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use tracelift_curation::{BuildConfig, BuildReport, build};
use tracelift_groups::GroupReader;
use tracelift_testing::{Server, until};

const COUNT: usize = 12;
/// Names the configuration to the process that builds.
const CONFIG: &str = "TRACELIFT_TEST_BUILD";

/// Builds where another test has started this one for that; it can be killed without harm to the others.
#[test]
fn the_process_that_builds() {
    let Some(path) = std::env::var_os(CONFIG) else { return };
    let config: BuildConfig = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    if let Err(error) = build(&config, &mut |_| {}) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

/// Problems of two steps, as GSM8K has them.
fn problems() -> String {
    (0..COUNT)
        .map(|i| {
            let (a, b, c) = (100 + i, 13 + i, 3 + i % 5);
            let (sum, product) = (a + b, (a + b) * c);
            let question = format!(
                "Anna has {a} red apples and Ben has {b} green pears number {i}. They sell all of them for {c} dollars \
                 each. How many dollars do Anna and Ben earn?"
            );
            let answer = format!(
                "Anna and Ben have {a} + {b} = <<{a}+{b}={sum}>>{sum} apples and pears.\nAnna and Ben earn {sum} * {c} \
                 = $<<{sum}*{c}={product}>>{product} for the apples and pears.\n#### {product}"
            );
            serde_json::json!({ "question": question, "answer": answer }).to_string() + "\n"
        })
        .collect()
}

/// A folder with problems and a configuration in it.
struct Site(tempfile::TempDir);

impl Site {
    fn new(server: &Server, more: &str) -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        fs::write(site.path("train.jsonl"), problems()).unwrap();
        site.configure(server, more);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn configure(&self, server: &Server, more: &str) {
        let url = server.url();
        let oracle = format!(
            "base_urls = ['{url}']\nmodel = 'silly'\nconcurrency = 4\nretries = 1\nbackoff_s = 0.01\npatience = 4\n"
        );
        let (out, data) = (self.path("groups.jsonl"), self.path("train.jsonl"));
        let text = format!(
            "out = {out:?}\n[[seeds]]\npath = {data:?}\nformat = 'gsm8k'\n[llm]\nflaws = 'instead'\n\
             [llm.oracle]\n{oracle}{more}\n[judge.oracle]\n{oracle}"
        );
        fs::write(self.path("groups.toml"), text).unwrap();
    }

    /// Starts this very test as a process that builds.
    fn start(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_builds", "--nocapture"])
            .env(CONFIG, self.path("groups.toml"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn run(&self) -> Output {
        self.start().wait_with_output().unwrap()
    }

    /// The report of a build that must succeed.
    fn report(&self) -> Value {
        let output = self.run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&fs::read(self.path("groups.jsonl.report.json")).unwrap()).unwrap()
    }

    /// The message of a build that must not.
    fn complaint(&self) -> String {
        let output = self.run();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// How many replies are in a ledger.
    fn kept(&self, ledger: &str) -> usize {
        let text = fs::read_to_string(self.path(ledger)).unwrap_or_default();
        text.split_inclusive('\n')
            .filter(|l| l.ends_with('\n') && l.contains(r#""entry":"answered""#))
            .count()
    }
}

fn groups(path: &Path) -> usize {
    GroupReader::open(path).unwrap().map(Result::unwrap).count()
}

#[test]
fn a_killed_build_goes_on_and_pays_nothing_twice() {
    let server = Server::prompted(&["--latency-ms", "5"]);
    let whole = Site::new(&server, "");
    let report = whole.report();
    assert_eq!((report["groups"].as_u64(), groups(&whole.path("groups.jsonl"))), (Some(COUNT as u64), COUNT));
    let written = report["llm"]["flaws"].as_u64().unwrap();
    assert!(written >= 4 * COUNT as u64, "{report}");
    assert!(report["llm"]["judged"].as_u64().unwrap() >= 5 * COUNT as u64);
    assert!(
        report["llm"]["agreement"]["math"].is_object() && report["llm"]["saturation"]["math"].is_object()
    );

    let server = Server::prompted(&["--latency-ms", "5"]);
    let killed = Site::new(&server, "");
    let both = |site: &Site| site.kept("groups.jsonl.llm.ledger") + site.kept("groups.jsonl.judge.ledger");
    for goal in [10, 60, 110] {
        let mut child = killed.start();
        until("the build gets on", || both(&killed) >= goal);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    until("the server has ended it", || server.count("concurrent") == 0);
    let lost = server.count("answers") as usize - both(&killed);
    assert!(lost <= 3 * 4, "at most the calls under way were lost: {lost}");
    assert_eq!(killed.report(), report);
    let file = |site: &Site| fs::read(site.path("groups.jsonl")).unwrap();
    assert!(file(&killed) == file(&whole), "byte for byte the build that was not killed");
    assert_eq!(
        server.count("answers") as usize - both(&killed),
        lost,
        "nothing that was kept is asked again"
    );
}

#[test]
fn a_budget_stops_the_build_and_more_of_it_goes_on() {
    let server = Server::prompted(&[]);
    let site = Site::new(&server, "budget = { calls = 20 }");
    let message = site.complaint();
    assert!(message.contains("the budget of 20 calls is used up"), "{message}");
    assert!(!site.path("groups.jsonl").exists() && site.path("groups.jsonl.partial").exists());
    let asked = server.count("requests");
    assert!(site.complaint().contains("the budget of 20 calls"));
    assert_eq!(server.count("requests"), asked, "nothing more is asked");
    site.configure(&server, "budget = { calls = 10000 }");
    assert_eq!(site.report()["groups"], COUNT);
    assert_eq!(server.count("answered_twice"), 0);
}

#[test]
fn a_server_that_dies_stops_the_build_and_another_ends_it() {
    let dying = Server::prompted(&["--die-after", "30"]);
    let site = Site::new(&dying, "");
    let message = site.complaint();
    assert!(
        message.contains("the build stopped after") && message.contains("goes on from there"),
        "{message}"
    );
    let alive = Server::prompted(&[]);
    site.configure(&alive, "");
    assert_eq!(site.report()["groups"], COUNT);
    assert_eq!(groups(&site.path("groups.jsonl")), COUNT);
}

/// A build of programs that no rule can read, so that their references are the model's, and an executor's to confirm.
fn build_programs(executor: &Server, more: &str) -> (BuildReport, usize) {
    let writer = Server::prompted(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let problems: String = (0..4)
        .map(|i| {
            let number = 17 + 10 * i;
            let problem =
                format!("Read a number and print {i} more.\nInput: {number}\nOutput: {}", number + i);
            serde_json::json!({ "problem": problem, "solution": "def (" }).to_string() + "\n"
        })
        .collect();
    fs::write(path("problems.jsonl"), problems).unwrap();
    let (out, data) = (path("groups.jsonl"), path("problems.jsonl"));
    let server = |server: &Server| {
        format!("base_urls = ['{}']\nmodel = 'silly'\nretries = 1\nbackoff_s = 0.01\n", server.url())
    };
    let text = format!(
        "out = {out:?}\n[gates]\nnegatives = 2\nkinds = 2\n[[seeds]]\npath = {data:?}\nformat = 'stdio'\n[llm.oracle]\n{}\
         [executor]\n{more}\n[executor.openai]\n{}",
        server(&writer),
        server(executor)
    );
    let config: BuildConfig = toml::from_str(&text).unwrap();
    let report = build(&config, &mut |_| {}).unwrap();
    (report, groups(&out))
}

#[test]
fn an_executor_confirms_references_for_programs() {
    // A program that is right for the first of the four problems alone: it prints what it reads.
    let right = Server::start(&["--reply", "```python\nprint(input())\n```"]);
    let (report, written) = build_programs(&right, "refuse_harmless = false");
    let llm = report.llm.clone().unwrap();
    assert_eq!((report.groups, written, llm.references), (1, 1, 1), "{report:?}");
    // Two attempts for each of the others.
    assert_eq!((llm.refuted, llm.unknown), (6, 0), "{report:?}");

    // The executor heeds no trace, so that no flaw does harm: none is left to make a group of.
    let (report, written) = build_programs(&right, "runs = 1");
    let llm = report.llm.clone().unwrap();
    assert_eq!((report.groups, written, llm.references), (0, 0, 1), "{report:?}");
    assert!(llm.gated["changes_nothing"] >= 2, "{report:?}");

    // Where every call fails, nobody can say.
    let broken = Server::start(&["--fail-rate", "1"]);
    let (report, _) = build_programs(&broken, "runs = 1");
    let llm = report.llm.clone().unwrap();
    assert_eq!((report.groups, llm.references, llm.refuted, llm.unknown), (0, 0, 0, 8), "{report:?}");
}
