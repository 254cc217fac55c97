//! Stores of baselines, in files and in a real PostgreSQL server, by what whoever shares them sees.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use tracelift_domain::{
    FailureKind, Fingerprint, Gold, Probability, Problem, Question, Seed, TaskDomain, Verdict,
};
use tracelift_executor::Completion;
use tracelift_reward::baselines::{
    Found, JudgedBy, Kept, Place, RunKey, Store, StoreError, Summary, question_id,
};
use tracelift_testing::Postgresql;
use tracelift_verify::Judgement;

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

fn at(path: &Path) -> Store {
    Store::open(&Place::from(path)).unwrap()
}

#[test]
fn a_run_is_given_once_and_kept_with_what_was_said_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.sqlite");
    given_once(&|| at(&path));
}

#[test]
fn many_openings_at_once_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.sqlite");
    many_at_once(&|| at(&path));
}

/// The same of a real server, and what only a server can do to its clients.
#[test]
fn a_postgresql_server_holds_what_a_file_does() {
    let Some(server) = Postgresql::start() else { return };
    let open = || Store::open(&server.address().as_str().into()).unwrap();
    many_at_once(&open);
    server.run("DROP TABLE tracelift_store, questions, runs, verdicts, claims, problems, answers");
    given_once(&open);

    // A text that PostgreSQL has no form for.
    let asked = question("with a \0 in it: \0");
    let runs = keys(&asked, 2);
    let (one, two) = (open(), open());
    assert_eq!(one.ask(&asked, &runs, &by("2")).unwrap(), vec![Found::Ours; 2]);
    one.record(&runs[0], &wrote("a\0b")).unwrap();
    let Found::Kept(kept) = &two.ask(&asked, &runs, &by("2")).unwrap()[0] else { panic!() };
    assert_eq!(kept.completion.text, "a\0b");

    // Who lost his connection lost his claims, and goes on with another one.
    assert_eq!(two.ask(&asked, &runs[1..], &by("2")).unwrap(), [Found::Theirs]);
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tracelift'");
    let again = |store: &Store| {
        // The first one to hear of it is who asks next.
        store.ask(&asked, &runs[1..], &by("2")).or_else(|_| store.ask(&asked, &runs[1..], &by("2"))).unwrap()
    };
    assert_eq!(again(&two), [Found::Ours]);
    assert_eq!(again(&one), [Found::Theirs]);
    two.record(&runs[1], &wrote("late")).unwrap();
    assert!(matches!(&again(&one)[0], Found::Kept(kept) if kept.completion.text == "late"));

    // What is no store of this version's.
    server.run("UPDATE tracelift_store SET version = 9");
    let refused = Store::open(&server.address().as_str().into());
    assert!(matches!(&refused, Err(StoreError::Version { found, .. }) if found == "9"), "{refused:?}");
    server.run("DROP TABLE tracelift_store");
    let said = Store::open(&server.address().as_str().into()).unwrap_err().to_string();
    assert!(said.contains("already exists"), "somebody else's tables are left alone: {said}");
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    let place = Place::from("postgres://me:s3cret@127.0.0.1:1/none?connect_timeout=2");
    let said = Store::open(&place).unwrap_err().to_string();
    assert!(said.contains("postgres://127.0.0.1:1/none") && said.contains("refused"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    let said = Store::open(&Place::from("postgres://me:s3cret@host/x?nonsense=1")).unwrap_err().to_string();
    assert!(said.contains("nonsense") && !said.contains("s3cret"), "{said}");
}

fn given_once(open: &dyn Fn() -> Store) {
    let asked = question("1 + 1?");
    let runs = keys(&asked, 3);
    let (one, two) = (open(), open());
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
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let open = |path: &Path| Store::open(&Place::from(path));
    assert!(matches!(open(&path), Err(StoreError::Version { found, .. }) if found == "0"));
    std::fs::write(&path, "no database at all, but long enough to be taken for one").unwrap();
    assert!(matches!(open(&path), Err(StoreError::Database { .. })));
    assert!(open(folder.path()).is_err());
}

fn many_at_once(open: &(dyn Fn() -> Store + Sync)) {
    let asked = question("?");
    let runs = keys(&asked, 8);
    let ours = std::thread::scope(|scope| {
        let work = || {
            let store = open();
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
