use super::*;

fn said(text: &str) -> Reply {
    Reply { text: Some(text.into()), finish_reason: Some("stop".into()), ..Reply::default() }
}

const COST: Cost = Cost { input: 10, output: 5 };

fn temporary() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/ledger.jsonl");
    (folder, path)
}

#[test]
fn replies_survive() {
    let (_folder, path) = temporary();
    let ledger = Ledger::open(&path).unwrap();
    for i in 0..100 {
        ledger.asked(Key(i), COST).unwrap();
        ledger.answered(Key(i), COST, false, said(&format!("é{i}\n"))).unwrap();
    }
    ledger.asked(Key(1 << 100), COST).unwrap();
    ledger.unanswered(Key(1 << 100), None, "status_5xx").unwrap();
    ledger.asked(Key(1 << 100), COST).unwrap();
    ledger.unanswered(Key(1 << 100), Some(COST), "timeout").unwrap();
    ledger.asked(Key(7 << 100), COST).unwrap();
    drop(ledger);
    let ledger = Ledger::open(&path).unwrap();
    for i in 0..100 {
        assert_eq!(ledger.reply(Key(i)).unwrap(), Some(said(&format!("é{i}\n"))));
    }
    assert_eq!(ledger.reply(Key(1 << 100)).unwrap(), None);
    // A hundred replies, a time-out, and the call that was under way.
    assert_eq!(ledger.earlier, Spending { calls: 102, input: 1020, output: 510, estimated: 2 });
    assert_eq!((ledger.lost, ledger.damaged), (1, 0));
}

#[test]
fn any_end_is_survived() {
    let (_folder, path) = temporary();
    let ledger = Ledger::open(&path).unwrap();
    for i in 0..3 {
        ledger.asked(Key(i), COST).unwrap();
        ledger.answered(Key(i), COST, true, said("x")).unwrap();
    }
    drop(ledger);
    let whole = std::fs::read(&path).unwrap();
    for end in 0..whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        let ledger = Ledger::open(&path).unwrap();
        let known = (0..3).filter(|i| ledger.reply(Key(*i)).unwrap().is_some()).count();
        ledger.answered(Key(99), COST, false, said("new")).unwrap();
        drop(ledger);
        let ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.reply(Key(99)).unwrap(), Some(said("new")), "cut at {end}");
        let still = (0..3).filter(|i| ledger.reply(Key(*i)).unwrap().is_some()).count();
        assert_eq!((still, ledger.damaged), (known, 0), "cut at {end}");
    }
}

#[test]
fn a_damaged_line_costs_that_line_alone() {
    let (_folder, path) = temporary();
    let ledger = Ledger::open(&path).unwrap();
    for i in 0..3 {
        ledger.answered(Key(i), COST, false, said("text")).unwrap();
    }
    drop(ledger);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"text\":\"text\"", "\"text\":\"tent\"", 1)).unwrap();
    let ledger = Ledger::open(&path).unwrap();
    assert_eq!((ledger.damaged, ledger.reply(Key(0)).unwrap()), (1, None));
    assert_eq!(ledger.reply(Key(2)).unwrap(), Some(said("text")));
}

#[test]
fn two_processes_do_not_share_one_and_other_files_are_left_alone() {
    let (_folder, path) = temporary();
    let ledger = Ledger::open(&path).unwrap();
    assert!(matches!(Ledger::open(&path), Err(LedgerError::InUse { .. })));
    drop(ledger);
    for text in ["{\"a\": 1}\n", "no line break", "00000000 {}\n"] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(Ledger::open(&path), Err(LedgerError::Foreign { .. })), "{text:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn what_cannot_be_written_closes_the_ledger() {
    let (_folder, path) = temporary();
    let mut ledger = Ledger::open(&path).unwrap();
    ledger.answered(Key(1), COST, false, said("kept")).unwrap();
    let file = std::mem::replace(&mut ledger.file, File::open(&path).unwrap());
    assert!(matches!(ledger.answered(Key(2), COST, false, said("x")), Err(LedgerError::Io { .. })));
    ledger.file = file;
    assert!(matches!(ledger.asked(Key(3), COST), Err(LedgerError::Closed { .. })), "not behind half a line");
    assert_eq!(ledger.reply(Key(1)).unwrap(), Some(said("kept")));
    assert_eq!(ledger.reply(Key(2)).unwrap(), None);
}

#[test]
fn a_runaway_text_is_cut_where_it_is_still_too_long() {
    let reply = Reply::from(ChatReply { text: Some("é".repeat(LONGEST_REPLY)), ..ChatReply::default() });
    let length = reply.text.unwrap().len();
    assert!((LONGEST_REPLY + 1..LONGEST_REPLY + 5).contains(&length), "{length}");
    assert_eq!(bounded("short".into()), "short");
}
