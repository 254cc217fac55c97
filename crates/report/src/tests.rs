use super::*;
use tracelift_domain::{Fingerprint, Gold, Problem, Question, Seed, TaskDomain};
use tracelift_eval::{Executors, Metric, SampleRecord, paired_difference, summarise};
use tracelift_train::metrics::name;

fn table() -> Table {
    let mut samples = Vec::new();
    for (rank, row) in ["no trace", "exec-only", "TraceLift"].into_iter().enumerate() {
        for problem in 0..30 {
            let hardness = (problem * 7) % 10 + (problem % 3) * 2;
            let correct = hardness < 4 + 3 * rank;
            let asked = Problem {
                id: format!("p{problem}"),
                question: Question::new("tests", TaskDomain::Steps, "What is asked?"),
                gold: Gold::Answer("7".into()),
            };
            samples.push(SampleRecord {
                level: Some(problem as u32 % 3 * 2 + 2),
                completion: (rank > 0).then(|| "a".into()),
                trace: (rank > 0).then(|| "a".into()),
                trace_tokens: (rank > 0).then_some(20),
                correct: Some(correct),
                baseline_success: (rank > 0).then_some(0.25),
                with_success: (rank > 0).then_some(f64::from(u8::from(correct))),
                verified: (rank > 0).then_some(hardness < 3 * rank),
                leaked: (rank > 0).then_some(false),
                ..SampleRecord::of(row, &asked, 0, &Fingerprint::of([("weights", b"1".as_slice())]))
            });
        }
    }
    let mut table = Table::new(summarise(&samples).unwrap(), Executors::Same).unwrap();
    let ahead = paired_difference(&samples, Metric::Accuracy, "TraceLift", "exec-only", Seed(1)).unwrap();
    table.add_difference(ahead).unwrap();
    table
}

fn run(name: &str, steps: u64, with_rubric: bool) -> Run {
    let metrics = (1..=steps).map(|step| {
        let mut metrics = StepMetrics::at(step, step as f64);
        metrics.set(name::REWARD, 0.5 + 0.01 * step as f64);
        metrics.set(name::UPLIFT, (step != 2).then_some(0.2));
        metrics.set("seconds/sample", 1.5).set("custom/thing", 3.0);
        if with_rubric {
            metrics.set(name::RUBRIC, 0.75).set(name::LEAKED, None).set(name::VERIFIED, 0.5);
        } else {
            metrics.set(name::VERIFIED, 0.4);
        }
        metrics
    });
    Run { name: name.into(), metrics: metrics.collect(), ..Run::default() }
}

fn report() -> Report {
    Report {
        title: "Steps world".into(),
        subtitle: "seed 7".into(),
        notes: vec!["A small run.".into()],
        evaluation: Some(table()),
        runs: vec![run("exec-only", 4, false), run("TraceLift", 4, true)],
        examples: vec![Example {
            problem_id: "steps/3".into(),
            level: Some(4),
            statement: "S1 = 3".into(),
            gold: Some("7".into()),
            attempts: vec![
                Attempt {
                    row: "exec-only".into(),
                    steps: vec!["S1 = 3".into(), "S2 = 8".into()],
                    completion: Some("The answer is 7.".into()),
                    artifact: Some("7".into()),
                    verdict: Some("passed".into()),
                    correct: Some(true),
                    verified: Some(false),
                    first_flaw: Some(1),
                    ..Attempt::default()
                },
                Attempt {
                    row: "no trace".into(),
                    unknown_because: vec!["timeout".into()],
                    ..Attempt::default()
                },
            ],
        }],
        facts: vec![("planner".into(), "0.8 M parameters".into())],
    }
}

fn body(report: &Report) -> String {
    page::body(&page::head(report), &page::sections(report))
}

#[test]
fn a_small_report() {
    insta::assert_snapshot!(body(&report()));
}

#[test]
fn it_is_one_file() {
    let html = report().to_html();
    for outside in ["http:", "https:", "src=", "<link", "@import", "url(", "<script"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    assert!(!html.contains("NaN") && !html.contains("inf"));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.html");
    report().write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), html);
}

#[test]
fn every_text_is_escaped() {
    let evil = || "<script>\"'&".to_owned();
    let mut report = report();
    let mut samples_table = table();
    report.evaluation = Some({
        let mut rows = samples_table.rows().to_vec();
        rows[0].row = evil();
        samples_table = Table::new(rows, Executors::Same).unwrap();
        samples_table
    });
    (report.title, report.subtitle, report.notes) = (evil(), evil(), vec![evil()]);
    report.facts = vec![(evil(), evil())];
    report.runs[0].name = evil();
    for step in &mut report.runs[0].metrics {
        step.set(evil(), 1.0);
        step.set(format!("seconds/{}", evil()), 1.0);
    }
    let example = &mut report.examples[0];
    (example.problem_id, example.statement, example.gold) = (evil(), evil(), Some(evil()));
    let attempt = &mut example.attempts[0];
    (attempt.row, attempt.steps, attempt.artifact) = (evil(), vec![evil()], Some(evil()));
    (attempt.completion, attempt.verdict) = (Some(evil() + "!"), Some(evil()));
    attempt.unknown_because = vec![evil()];

    let html = report.to_html();
    assert!(!html.to_lowercase().contains("<script"), "something is not escaped");
    assert!(html.matches("&lt;script&gt;&quot;&#39;&amp;").count() >= 12);
}

#[test]
fn what_is_missing_is_said() {
    let html = body(&report());
    assert!(html.contains("exec-only: not recorded"), "one run has no rubric score");
    assert!(html.contains("TraceLift: unknown at every step"), "leaks were always unknown");
    assert!(html.contains("unknown at 1 step<"), "uplift was unknown once");
    let missing = html.lines().find(|line| line.contains("Not recorded by any run")).unwrap();
    assert!(missing.contains("Policy loss") && !missing.contains("Mean reward"), "{missing}");
}

#[test]
fn an_empty_report_is_a_page() {
    let html = Report { title: "Nothing yet".into(), ..Report::default() }.to_html();
    assert!(html.contains("<h1>Nothing yet</h1>") && !html.contains("<h2>"));
}
