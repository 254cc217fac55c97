//! The one place that every request passes: how many are under way, and what they may cost, decided together.

use crate::{
    book::{Book, BookError},
    spending::{Bill, Budget, Cost, Price, Spending, Stopped},
};
use std::{
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Keeps requests under way at or below a number and their cost below a limit, also when several threads call
/// [`crate::Executor::run`].
#[derive(Debug)]
pub(super) struct Gate {
    budget: Budget,
    price: Option<Price>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    spent: Spending,
    /// What the requests under way may take.
    reserved: Spending,
    stopped: Option<Stopped>,
    book: Option<Book>,
}

impl State {
    /// Spent, and what the requests under way may take: what the book says.
    fn committed(&self) -> Spending {
        let mut committed = self.spent;
        committed += self.reserved;
        committed
    }

    /// Notes in the book that this was committed before.
    fn note(&mut self, before: &Spending) {
        let after = self.committed();
        if let Some(Err(error)) = self.book.as_mut().map(|book| book.note(before, &after)) {
            self.stopped.get_or_insert(Stopped::Book(error.to_string()));
        }
    }
}

impl Gate {
    pub(super) fn new(concurrency: usize, budget: Budget, price: Option<Price>) -> Gate {
        let (spent, reserved) = (Spending::default(), Spending::default());
        let state = State { free: concurrency, spent, reserved, stopped: None, book: None };
        Gate { budget, price, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request of at most this cost may be made.
    ///
    /// Where the budget would not bear it together with the most that the requests under way may take, it waits until they
    /// have ended, for they usually take less; where it would not bear it alone, nobody gets through any more.
    pub(super) fn enter(&self, at_most: Cost) -> Result<Pass<'_>, Stopped> {
        let mut state = self.state();
        loop {
            if let Some(stopped) = &state.stopped {
                return Err(stopped.clone());
            }
            if state.free > 0 {
                let committed = state.committed();
                match self.budget.allows(&committed, &at_most, self.price.as_ref()) {
                    Ok(()) => {
                        state.free -= 1;
                        state.reserved += Spending::of(at_most, true);
                        state.note(&committed);
                        if state.stopped.is_none() {
                            return Ok(Pass { gate: self, at_most, spent: Some((at_most, true)) });
                        }
                        // What cannot be counted is not asked.
                        state.free += 1;
                        state.reserved -= Spending::of(at_most, true);
                    }
                    Err(_) if state.reserved.calls > 0 => {}
                    Err(exhausted) => {
                        state.stopped = Some(exhausted.into());
                        self.changed.notify_all();
                    }
                }
                if state.stopped.is_some() {
                    continue;
                }
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What was spent, where that was asked for by prices or a budget.
    pub(super) fn bill(&self) -> Option<Bill> {
        if self.budget.is_boundless() && self.price.is_none() {
            return None;
        }
        let state = self.state();
        Some(Bill { spent: state.spent, price: self.price, stopped: state.stopped.clone() })
    }

    /// Counts on in a file.
    pub(super) fn keep_book(&self, path: &Path) -> Result<(), BookError> {
        if self.budget.is_boundless() && self.price.is_none() {
            return Ok(());
        }
        // Whoever measures before a run keeps its book already; read again, what it holds would count twice.
        if self.state().book.as_ref().is_some_and(|book| book.is_at(path)) {
            return Ok(());
        }
        let (mut book, earlier) = Book::open(path)?;
        let mut state = self.state();
        // What was spent before the file was known belongs to the run as well.
        book.note(&Spending::default(), &state.spent)?;
        state.spent += earlier;
        state.book = Some(book);
        Ok(())
    }
}

/// A request under way. When it ends, what it took takes the place of what it might have taken.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    at_most: Cost,
    /// The cost and whether it is an estimate; nothing for a request that was not billed. Until somebody says so it is what
    /// was reserved, also when the request ends in a panic.
    pub(super) spent: Option<(Cost, bool)>,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        let committed = state.committed();
        state.free += 1;
        state.reserved -= Spending::of(self.at_most, true);
        if let Some((cost, estimated)) = self.spent {
            state.spent += Spending::of(cost, estimated);
        }
        state.note(&committed);
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    const COST: Cost = Cost { input: 10, output: 10 };

    #[test]
    fn requests_under_way_cannot_pass_the_budget_together() {
        let gate = Gate::new(8, Budget { tokens: Some(100), ..Budget::default() }, None);
        let [let_through, now, most] = [(); 3].map(|()| AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..30 {
                scope.spawn(|| match gate.enter(COST) {
                    Ok(mut pass) => {
                        let_through.fetch_add(1, Ordering::SeqCst);
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        // Half of what was reserved.
                        pass.spent = Some((Cost { input: 5, output: 5 }, false));
                    }
                    Err(stopped) => assert!(matches!(stopped, Stopped::Budget(_)), "{stopped}"),
                });
            }
        });
        let bill = gate.bill().unwrap();
        assert_eq!(bill.spent.tokens(), 90, "the tenth could have taken 20");
        assert_eq!(let_through.load(Ordering::SeqCst), 9);
        assert!(most.load(Ordering::SeqCst) <= 5, "six could have taken 120");
        assert!(gate.enter(Cost::default()).is_err(), "it stays stopped");
    }

    #[test]
    fn what_was_not_billed_is_not_spent_and_the_book_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spending.jsonl");
        let open = || {
            let gate = Gate::new(2, Budget { calls: Some(3), ..Budget::default() }, None);
            gate.keep_book(&path).unwrap();
            gate
        };
        let gate = open();
        for _ in 0..5 {
            gate.enter(COST).unwrap().spent = None;
        }
        drop(gate.enter(COST).unwrap());
        assert_eq!(gate.bill().unwrap().spent, Spending { calls: 1, input: 10, output: 10, estimated: 1 });
        // As a killed process leaves it: a request that was under way counts.
        std::mem::forget(gate.enter(COST).unwrap());
        let gate = open();
        assert_eq!(gate.bill().unwrap().spent.calls, 2);
        drop(gate.enter(COST).unwrap());
        assert!(matches!(gate.enter(COST).unwrap_err(), Stopped::Budget(_)));
        assert!(matches!(open().enter(COST).unwrap_err(), Stopped::Budget(_)));
    }

    #[test]
    fn what_was_spent_before_the_book_was_opened_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spending.jsonl");
        for calls in [1, 2] {
            let gate = Gate::new(2, Budget { calls: Some(3), ..Budget::default() }, None);
            drop(gate.enter(COST).unwrap());
            gate.keep_book(&path).unwrap();
            assert_eq!(gate.bill().unwrap().spent.calls, calls);
        }
    }

    #[test]
    fn nothing_is_counted_where_nobody_asked() {
        let gate = Gate::new(1, Budget::default(), None);
        let dir = tempfile::tempdir().unwrap();
        gate.keep_book(&dir.path().join("spending.jsonl")).unwrap();
        drop(gate.enter(COST).unwrap());
        assert_eq!(gate.bill(), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
