//! Whole pages of folders, with what others may have written into them.

use super::*;
use serde_json::Map;
use std::time::Instant;
use tracelift_domain::{DIMENSIONS, Fingerprint, Label, Problem, Rubric, Seed, TaskDomain};
use tracelift_eval::{SampleRecord, write_samples};
use tracelift_train::{
    metrics::{StepMetrics, name},
    rollouts::RolloutRecord,
    run::{RunDescription, RunEnd, RunFolder},
};
use tracelift_worlds::{Noise, Split, World, WorldName};

/// What a model may write.
const EVIL: &str =
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u{0}\u{1b}[2J\u{202e}\"'&{{7*7}}";

fn begin(path: &Path, config: &str) -> RunFolder {
    RunFolder::create(path, &RunDescription::now("grpo", Seed(3), Map::new()), config).unwrap()
}

fn problem(index: u64) -> Problem {
    World::new(WorldName::Steps)
        .instance(Seed(11).child("problems", 0), Split::Train, index)
        .problem()
        .clone()
}

/// A trace about a problem of a world with a flaw, and one about it without.
fn traces(index: u64) -> (String, String) {
    let instance = World::new(WorldName::Steps).instance(Seed(11).child("problems", 0), Split::Train, index);
    let noisy = instance.noisy_trace(&Noise { spoiling: 0.95, benign: 0.0 }, Seed(index));
    (noisy.trace.as_str().to_owned(), instance.gold_trace().as_str().to_owned())
}

fn rollout(step: u64, group: u64, sample: u64) -> RolloutRecord {
    let (flawed, right) = traces(group);
    let Problem { id, question, gold } = problem(group);
    let good = sample.is_multiple_of(2);
    RolloutRecord {
        step,
        problem_id: id,
        question: question.statement.clone(),
        gold: gold.text(),
        group_index: group,
        sample_index: sample,
        completion: "<reasoning>…</reasoning>".into(),
        trace: Some(if good { right } else { flawed }),
        trace_tokens: 20,
        executor_completions: vec![Some("7".into()), None],
        verdicts: vec![Some(if good { "passed" } else { "wrong answer" }.into()), None],
        e: Some(f64::from(u8::from(good))),
        w: Some(0.5),
        b: Some(0.25),
        u: Some(0.25),
        s: Some(0.75),
        reward: Some(if good { 0.59375 } else { 0.09375 }),
        advantage: Some(if good { 1.0 } else { -1.0 }),
        verified: Some(good),
        leaked: Some(false),
        ..RolloutRecord::default()
    }
}

const CONFIG: &str =
    "seed = 11\n[reward]\nrule = \"tracelift\"\n[planner]\nmodel = \"base\"\n[grpo]\nsteps = 9\n";

fn run(path: &Path, steps: u64) -> RunFolder {
    let mut run = begin(path, CONFIG);
    for step in 1..=steps {
        let rollouts: Vec<RolloutRecord> = (0..8).map(|at| rollout(step, at / 4, at % 4)).collect();
        run.record_rollouts(step, &rollouts).unwrap();
        let mut metrics = StepMetrics::now(step);
        metrics.set(name::REWARD, 0.1 * step as f64).set(name::VERIFIED, 0.5).set(name::CALLS, 40.0);
        run.record_metrics(&metrics).unwrap();
    }
    run
}

fn page(site: &Site, address: &str) -> Page {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    site.page(path, query)
}

fn shown(site: &Site, address: &str) -> String {
    let page = page(site, address);
    assert_eq!((page.status, page.kind), (200, Kind::Html), "{address}: {}", page.body);
    page.body
}

/// Where the links of a page lead.
fn links(html: &str) -> Vec<String> {
    let found = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    found
        .filter(|to| to.starts_with('/') && !to.starts_with("/view."))
        .map(|to| to.replace("&amp;", "&"))
        .collect()
}

/// Every page that one comes to from the first.
fn reached(site: &Site, most: usize) -> Vec<(String, Page)> {
    let (mut ahead, mut pages) = (vec!["/".to_owned()], Vec::<(String, Page)>::new());
    while let Some(address) = ahead.pop() {
        if pages.len() < most && pages.iter().all(|(known, _)| *known != address) {
            let found = page(site, &address);
            ahead.extend(if found.kind == Kind::Html { links(&found.body) } else { Vec::new() });
            pages.push((address, found));
        }
    }
    pages
}

fn samples(folder: &Path) {
    let mut samples = Vec::new();
    for index in 0..6 {
        let asked = problem(index);
        let (flawed, right) = traces(index);
        for (row, trace) in [("no trace", None), ("base planner", Some(flawed)), ("TraceLift", Some(right))] {
            let correct = Some(row == "TraceLift" || index % 2 == 0);
            samples.push(SampleRecord {
                level: Some(2 + index as u32 % 3),
                completion: trace.clone(),
                trace_tokens: trace.is_some().then_some(12),
                correct,
                verified: trace.is_some().then_some(row == "TraceLift"),
                leaked: trace.is_some().then_some(false),
                with_success: trace.is_some().then_some(1.0),
                baseline_success: Some(0.5),
                executor_completions: vec![Some("3".into())],
                verdicts: vec![Some(if correct == Some(true) { "passed" } else { "wrong answer" }.into())],
                trace,
                ..SampleRecord::of(row, &asked, 0, &Fingerprint::of([("weights", b"1".as_slice())]))
            });
        }
    }
    std::fs::create_dir_all(folder).unwrap();
    write_samples(&folder.join("samples.jsonl"), &samples).unwrap();
}

#[test]
fn every_page_that_is_linked_is_there_and_says_what_it_should() {
    let dir = tempfile::tempdir().unwrap();
    let running = run(&dir.path().join("one"), 3);
    let failed = run(&dir.path().join("two"), 2);
    failed.layout().record_end(&RunEnd::Failed { cause: "no room".into() }).unwrap();
    drop(failed);
    samples(&dir.path().join("one/evaluation"));
    let site = Site::open(dir.path()).unwrap();
    let home = shown(&site, "/");
    for told in [">running<", ">failed<", "no room", "TraceLift", "one/evaluation"] {
        assert!(home.contains(told), "{told}");
    }
    let pages = reached(&site, 400);
    for path in [
        "/run?",
        "/step?",
        "/trace?",
        "/rollouts?",
        "/evaluation?",
        "/samples?",
        "/sample?",
        "/compare?",
        "/export?",
    ] {
        assert!(pages.iter().any(|(address, _)| address.starts_with(path)), "nothing leads to {path}");
    }
    for (address, page) in &pages {
        assert_eq!(page.status, 200, "{address}: {}", page.body);
        if page.kind == Kind::Html {
            assert!(page.body.contains("</html>") && !page.body.contains("NaN"), "{address}");
            assert!(page.body.matches("<h1").count() == 1, "{address} has no one heading");
            assert!(
                !page.body.contains(" style=\"") && !page.body.contains(" onclick"),
                "{address} needs what its policy forbids"
            );
        }
    }
    let (flawed, right) = traces(0);
    let trace = shown(&site, "/trace?run=one&step=2&group=0&sample=1");
    let instance = World::new(WorldName::Steps).instance(Seed(11).child("problems", 0), Split::Train, 0);
    let expected = instance.correction(&flawed).unwrap().expected.unwrap();
    assert!(
        trace.contains("first flaw") && trace.contains(&format!("should be <b><bdi>{expected}</bdi></b>")),
        "{trace}"
    );
    assert!(
        trace.contains("the call failed") && trace.contains("two"),
        "failed calls, and what other runs wrote"
    );
    let sound = shown(&site, "/trace?run=one&step=2&group=0&sample=0");
    let written =
        sound.split("What was written").nth(1).unwrap().split("What the executor did").next().unwrap();
    assert!(!written.contains("first flaw") && written.contains("trace verified"), "{right}");
    assert!(written.contains("λ·s·u") && written.contains("(1 − λ)·e"), "the reward is told by its parts");
    drop(running);
}

#[test]
fn samples_are_filtered_by_what_is_known_of_them() {
    let dir = tempfile::tempdir().unwrap();
    samples(&dir.path().join("evaluation"));
    let site = Site::open(dir.path()).unwrap();
    let count = |filter: &str| {
        let html = shown(&site, &format!("/samples?at=evaluation&{filter}"));
        html.split("<h1>Samples <small>").nth(1).unwrap().split(' ').next().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(count(""), 6);
    assert_eq!(count("right=TraceLift&wrong=base+planner"), 3);
    assert_eq!(count("right=base+planner&wrong=TraceLift"), 0);
    assert_eq!(count("row=base+planner&show=reasons"), 3);
    assert_eq!(count("row=TraceLift&show=verified"), 6);
    assert_eq!(count("level=2"), 2);
    assert_eq!(count("least=13"), 0);
    assert_eq!(count("q=nothing+like+that"), 0);
    let table = shown(&site, "/evaluation?at=evaluation");
    assert!(table.contains("row=TraceLift&amp;show=verified"), "a cell leads to its samples");
    assert!(table.contains("95 % interval") && table.contains("+50.0"), "{table}");
}

#[test]
fn rollouts_are_filtered_and_ordered() {
    let dir = tempfile::tempdir().unwrap();
    drop(run(&dir.path().join("one"), 3));
    let site = Site::open(dir.path()).unwrap();
    let count = |filter: &str| {
        let html = shown(&site, &format!("/rollouts?run=one&{filter}"));
        html.split("<h1>Rollouts <small>")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    assert_eq!((count(""), count("answer=right"), count("trace=flawed&from=2")), (24, 12, 8));
    assert_eq!((count("trace=none"), count("problem=nobody"), count("to=1&answer=wrong")), (0, 0, 4));
    let lowest = shown(&site, "/rollouts?run=one&order=advantage");
    assert!(lowest.find("−1.00").unwrap() < lowest.find("1.00<").unwrap());
}

/// A page without what its forms send back: that is what it was to the letter, without an end before its end, and nobody sees it.
fn seen(html: &str) -> String {
    let mut parts = html.split(" value=\"");
    let mut seen = parts.next().unwrap_or_default().to_owned();
    for (value, rest) in parts.filter_map(|part| part.split_once('"')) {
        assert!(!value.contains(['<', '>']), "{value}");
        seen.push_str(rest);
    }
    seen
}

#[test]
fn nothing_that_a_model_writes_is_more_than_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut hostile = begin(&dir.path().join("run"), "seed = 1\n[planner]\nmodel = \"</title><script>\"\n");
    let record = RolloutRecord {
        step: 1,
        problem_id: EVIL.into(),
        question: EVIL.into(),
        gold: EVIL.into(),
        completion: EVIL.into(),
        trace: Some(format!("{EVIL}\n{}\nend of it", "x".repeat(1_000_000))),
        executor_completions: vec![Some(EVIL.into())],
        artifacts: vec![Some(format!("{EVIL}!"))],
        verdicts: vec![Some(EVIL.into())],
        unknown_because: vec![EVIL.into()],
        ..RolloutRecord::default()
    };
    let defective =
        RolloutRecord { sample_index: 1, trace: None, defect: Some(EVIL.into()), ..record.clone() };
    hostile.record_rollouts(1, &[record, defective]).unwrap();
    let mut metrics = StepMetrics::now(1);
    metrics.set(EVIL, 1.0).set(name::REWARD, None);
    hostile.record_metrics(&metrics).unwrap();
    hostile.layout().record_end(&RunEnd::Failed { cause: EVIL.into() }).unwrap();
    drop(hostile);
    let asked = Problem { id: EVIL.into(), ..problem(0) };
    let sample = SampleRecord {
        question: EVIL.into(),
        gold: EVIL.into(),
        completion: Some(EVIL.into()),
        trace: Some(EVIL.into()),
        executor_completions: vec![Some(EVIL.into())],
        verdicts: vec![Some(EVIL.into())],
        correct: Some(false),
        ..SampleRecord::of(EVIL, &asked, 0, &Fingerprint::of([("weights", b"1".as_slice())]))
    };
    std::fs::create_dir(dir.path().join("evaluation")).unwrap();
    write_samples(&dir.path().join("evaluation/samples.jsonl"), &[sample]).unwrap();
    let rubric =
        |label| Rubric::from_labels([Label::new(label).unwrap(); DIMENSIONS]).to_map(TaskDomain::Math);
    let group = serde_json::json!({
        "problem_id": EVIL, "source": EVIL, "task_type": "math", "problem": EVIL,
        "positive_pool": [{ "reasoning": EVIL, "rubric": rubric(4) }],
        "negative_bank": [{ "reasoning": EVIL, "negative_kind": EVIL, "rubric": rubric(2) }],
    });
    std::fs::write(dir.path().join("groups.jsonl"), format!("{group}\n")).unwrap();
    let site = Site::open(dir.path()).unwrap();
    let pages = reached(&site, 200);
    for path in ["/run?", "/step?", "/trace?", "/evaluation?", "/samples?", "/sample?", "/groups?", "/group?"]
    {
        assert!(pages.iter().any(|(address, _)| address.starts_with(path)), "nothing leads to {path}");
    }
    let file =
        Page { status: 200, kind: Kind::Html, body: site.file(EVIL, &[".".to_owned()]).unwrap(), file: None };
    for (address, page) in pages.iter().chain([("the file".to_owned(), file)].iter()) {
        let own = page.body.replace("<script src=\"/view.js\" defer></script>", "");
        let own = seen(&own);
        assert!(!own.to_lowercase().contains("<script") && !own.contains("<img"), "{address}");
        assert!(!own.contains(['\u{0}', '\u{1b}', '\u{202e}']), "{address}");
        assert!(page.kind != Kind::Html || page.status == 200 && own.contains("</html>"), "{address}: {own}");
    }
    let trace = shown(&site, "/trace?run=run&step=1&group=0&sample=0");
    assert!(trace.contains("show all 1000000 characters") && trace.contains("end of it"));
    assert!(trace.contains("␀␛[2J⟦U+202E⟧"));
}

#[test]
fn what_is_not_there_is_said_and_nothing_outside_is() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("runs");
    drop(run(&root.join("one"), 1));
    drop(run(&dir.path().join("secret"), 1));
    std::os::unix::fs::symlink(dir.path().join("secret"), root.join("link")).unwrap();
    let site = Site::open(&root).unwrap();
    for address in [
        "/run?run=../secret",
        "/run?run=link",
        "/run",
        "/run?run=nothing",
        "/step?run=one&step=9",
        "/step?run=one",
        "/trace?run=one&step=1&group=7",
        "/evaluation?at=one",
        "/groups?at=..",
        "/ledger?at=/etc/passwd",
        "/nothing",
        "/sample?at=one",
        "/compare?at=..",
        "/export?at=../secret",
        "/scorers?at=%00",
    ] {
        let page = page(&site, address);
        assert_eq!((page.status, page.kind), (404, Kind::Html), "{address}");
        assert!(
            !page.body.contains("secret/") && !page.body.contains(&dir.path().display().to_string()),
            "{address}"
        );
    }
    assert!(!shown(&site, "/").contains("run=link"), "a link outside is not listed");
    assert!(site.file("x", &["../secret".to_owned()]).is_err());
}

#[test]
fn a_revision_changes_with_what_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = run(&dir.path().join("one"), 1);
    let site = Site::open(dir.path()).unwrap();
    let both = |site: &Site| (site.revision(""), site.revision("run=one"));
    let before = both(&site);
    assert_eq!(before, both(&site));
    let mut metrics = StepMetrics::now(2);
    metrics.set(name::REWARD, 0.5);
    run.record_metrics(&metrics).unwrap();
    let after = both(&site);
    assert!(after.0 != before.0 && after.1 != before.1);
    assert!(shown(&site, "/run?run=one").contains("<dd>2 of 9</dd>"));
    drop(run);
    assert!(both(&site).1 != after.1, "a run that is no longer written has another state");
    assert_eq!(site.revision("run=nobody"), None);
}

#[test]
fn a_file_is_whole_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    drop(run(&dir.path().join("one"), 3));
    samples(&dir.path().join("one/evaluation"));
    let site = Site::open(dir.path()).unwrap();
    let html = site.file("Two things", &["one".to_owned(), "one/evaluation".to_owned()]).unwrap();
    for outside in ["http:", "https:", "src=", "<link", "@import", "url(", "<script", "href="] {
        assert!(!html.contains(outside), "{outside}");
    }
    for told in [
        "Two things",
        "Paired differences",
        "Mean reward",
        "Sample traces",
        "first flaw",
        "those on which rows differ",
    ] {
        assert!(html.contains(told), "{told}");
    }
    let nothing = tempfile::tempdir().unwrap();
    assert!(Site::open(nothing.path()).unwrap().file("x", &[".".to_owned()]).is_err());
}

/// Says how long pages of a large folder take, and asserts that they are there. `VIEW_STEPS=200` makes a run of 100,000 rollouts, whose
/// figures go to docs/performance.md.
#[test]
fn large_folders_are_shown_in_parts() {
    let steps: u64 = std::env::var("VIEW_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(20);
    let dir = tempfile::tempdir().unwrap();
    for at in 0..200 {
        drop(begin(&dir.path().join(format!("many/{at:03}")), CONFIG));
    }
    let mut large = begin(&dir.path().join("large"), CONFIG);
    let texts: Vec<RolloutRecord> = (0..500).map(|at| rollout(1, at / 4, at % 4)).collect();
    for step in 1..=steps {
        let rollouts: Vec<RolloutRecord> =
            texts.iter().map(|one| RolloutRecord { step, ..one.clone() }).collect();
        large.record_rollouts(step, &rollouts).unwrap();
        large.record_metrics(&StepMetrics::now(step)).unwrap();
    }
    let site = Site::open(dir.path()).unwrap();
    let (all, half) = (500 * steps, 250 * steps);
    for (what, address, told) in [
        ("first view", "/", "<h2>Runs <small>201</small>".to_owned()),
        ("rollouts, read", "/rollouts?run=large", format!("<h1>Rollouts <small>{all} of {all}")),
        (
            "a filter",
            "/rollouts?run=large&answer=right&order=-u",
            format!("<h1>Rollouts <small>{half} of {all}"),
        ),
        ("another", "/rollouts?run=large&trace=flawed&problem=00001", "<h1>Rollouts <small>".to_owned()),
        ("a step", "/step?run=large&step=20", "<small>125 rollout groups".to_owned()),
        ("a trace", "/trace?run=large&step=20&group=3&sample=1", "first flaw".to_owned()),
    ] {
        let begun = Instant::now();
        let html = shown(&site, address);
        println!("{what}: {:?}, {} kB", begun.elapsed(), html.len() / 1000);
        assert!(html.contains(&told), "{what}");
        assert!(html.len() < 1_000_000, "{what} is a page of {} bytes", html.len());
    }
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    memory.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
}
