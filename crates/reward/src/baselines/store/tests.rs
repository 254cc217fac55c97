use super::*;
use crate::baselines::{Summary, question_id};
use tracelift_domain::{FailureKind, Gold, Probability, Problem, TaskDomain, Verdict};

fn question(statement: &str) -> Question {
    Question::new("test", TaskDomain::Math, statement)
}

fn keys(question: &Question, runs: u64) -> Vec<RunKey> {
    let id = question_id(question);
    let key =
        |run| RunKey { question: id.clone(), executor: Fingerprint::of_text("e"), seed: Seed(u64::MAX), run };
    (0..runs).map(key).collect()
}

fn by(gold: &str) -> JudgedBy {
    let problem = Problem { id: "p".into(), question: question("?"), gold: Gold::Answer(gold.into()) };
    JudgedBy::of(&problem, &Fingerprint::of_text("v"))
}

fn wrote(text: &str) -> Completion {
    Completion { text: text.into(), prompt_tokens: Some(3), completion_tokens: None, truncated: false }
}

fn failed() -> Judgement {
    let verdict = Verdict::Failed { kind: FailureKind::WrongAnswer };
    Judgement { verdict, artifact: None, score: Some(Probability::ZERO) }
}

#[test]
fn a_run_is_given_once_and_kept_with_what_was_said_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.sqlite");
    let asked = question("1 + 1?");
    let runs = keys(&asked, 3);
    let (one, two) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
    assert_eq!(one.ask(&asked, &runs, &by("2")).unwrap(), vec![Found::Ours; 3]);
    assert_eq!(two.ask(&asked, &runs, &by("2")).unwrap(), vec![Found::Theirs; 3]);
    one.record(&runs[0], &wrote("5")).unwrap();
    one.release(&runs[1]).unwrap();
    let kept = |judgement| Found::Kept(Kept { completion: wrote("5"), judgement });
    assert_eq!(two.ask(&asked, &runs, &by("2")).unwrap(), [kept(None), Found::Ours, Found::Theirs]);
    two.judge(&runs[0], &by("2"), &failed()).unwrap();
    assert_eq!(one.ask(&asked, &runs[..1], &by("2")).unwrap(), [kept(Some(failed()))]);
    assert_eq!(one.ask(&asked, &runs[..1], &by("3")).unwrap(), [kept(None)], "another gold judges anew");
    // The first completion counts, and one that nobody could judge is judged again.
    two.record(&runs[0], &wrote("6")).unwrap();
    let unscorable =
        Judgement { verdict: Verdict::Unscorable { why: "?".into() }, artifact: None, score: None };
    two.judge(&runs[0], &by("3"), &unscorable).unwrap();
    assert_eq!(one.ask(&asked, &runs[..1], &by("3")).unwrap(), [kept(None)]);
    // What one claimed is free when it is gone.
    drop(one);
    assert_eq!(two.ask(&asked, &runs[2..], &by("2")).unwrap(), [Found::Ours]);
    let summary = two.summary().unwrap();
    assert_eq!(summary.len(), 1);
    let Summary { seed, questions, runs, judged, mean, tokens, .. } = summary[0].clone();
    assert_eq!((seed, questions, runs, judged, mean, tokens), (u64::MAX, 1, 1, 1, Some(0.0), 3));
    let mut lines = Vec::new();
    two.export(|run| -> Result<(), StoreError> {
        lines.push(run);
        Ok(())
    })
    .unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].statement.as_deref(), lines[0].score), (Some("1 + 1?"), Some(0.0)));
}

#[test]
fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Version { found: 0, .. })));
    std::fs::write(&path, "no database at all, but long enough to be taken for one").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Sqlite { .. })));
    assert!(Store::open(folder.path()).is_err());
}

#[test]
fn many_openings_at_once_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.sqlite");
    let asked = question("?");
    let runs = keys(&asked, 8);
    let ours = std::thread::scope(|scope| {
        let work = || {
            let store = Store::open(&path).unwrap();
            let found = store.ask(&asked, &runs, &by("2")).unwrap();
            for (key, found) in runs.iter().zip(&found) {
                if *found == Found::Ours {
                    store.record(key, &wrote("5")).unwrap();
                }
            }
            found.iter().filter(|found| **found == Found::Ours).count()
        };
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
    });
    assert_eq!(ours, 8, "each run is measured by one of them");
}
