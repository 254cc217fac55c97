//! The one place that every call passes: concurrency, rate limits and the budget, decided together.

use crate::{failure::Stop, pace::Pace};
use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tracelift_executor::spending::{Budget, Cost, Price, Spending};

/// How often somebody who waits looks whether the work has been stopped.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Turnstile {
    concurrency: usize,
    budget: Budget,
    price: Option<Price>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    under_way: usize,
    spent: Spending,
    /// What the calls under way may take.
    reserved: Spending,
    pace: Pace,
    stopped: Option<Stop>,
}

impl Turnstile {
    pub(crate) fn new(
        concurrency: usize,
        pace: Pace,
        budget: Budget,
        price: Option<Price>,
        spent: Spending,
    ) -> Turnstile {
        let state = State { under_way: 0, spent, reserved: Spending::default(), pace, stopped: None };
        Turnstile { concurrency, budget, price, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a call of at most this cost may be made.
    ///
    /// Where the budget would not bear it together with the most that the calls under way may take, it waits until
    /// they have ended, for they usually take less; where it would not bear it alone, the work stops.
    pub(crate) fn enter(&self, at_most: Cost) -> Result<Pass<'_>, Stop> {
        let mut state = self.state();
        loop {
            if let Some(stop) = &state.stopped {
                return Err(stop.clone());
            }
            let mut wait = LOOK;
            if state.under_way < self.concurrency {
                let mut committed = state.spent;
                committed += state.reserved;
                match self.budget.allows(&committed, &at_most, self.price.as_ref()) {
                    Err(_) if state.under_way > 0 => {}
                    Err(exhausted) => {
                        let stop = Stop::Budget(exhausted);
                        state.stopped = Some(stop.clone());
                        self.changed.notify_all();
                        return Err(stop);
                    }
                    Ok(()) => match state.pace.admit(Instant::now(), at_most.tokens()) {
                        Ok(number) => {
                            state.under_way += 1;
                            state.reserved += Spending::of(at_most, true);
                            return Ok(Pass {
                                turnstile: self,
                                number,
                                at_most,
                                spent: Some((at_most, true)),
                            });
                        }
                        Err(until) => wait = until.min(LOOK),
                    },
                }
            }
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets nobody through any more. The first reason stands.
    pub(crate) fn stop(&self, why: Stop) {
        self.state().stopped.get_or_insert(why);
        self.changed.notify_all();
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.state().stopped.clone()
    }

    /// Sleeps, unless the work is stopped meanwhile.
    pub(crate) fn sleep(&self, pause: Duration) -> Result<(), Stop> {
        let end = Instant::now() + pause;
        let mut state = self.state();
        loop {
            if let Some(stop) = &state.stopped {
                return Err(stop.clone());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            state =
                self.changed.wait_timeout(state, left.min(LOOK)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What was spent, and how many calls are under way.
    pub(crate) fn reading(&self) -> (Spending, usize) {
        let state = self.state();
        (state.spent, state.under_way)
    }
}

/// A call under way. When it ends, what it took takes the place of what it might have taken.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    turnstile: &'a Turnstile,
    number: u64,
    at_most: Cost,
    /// The cost and whether it is an estimate; nothing for a call that was not billed. Until somebody says so it is what
    /// was reserved, also when the call ends in a panic.
    pub(crate) spent: Option<(Cost, bool)>,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.turnstile.state();
        state.under_way -= 1;
        state.reserved -= Spending::of(self.at_most, true);
        let tokens = self.spent.map_or(0, |(cost, _)| cost.tokens());
        state.pace.settle(self.number, tokens);
        if let Some((cost, estimated)) = self.spent {
            state.spent += Spending::of(cost, estimated);
        }
        self.turnstile.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::MINUTE;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    fn turnstile(concurrency: usize, budget: Budget) -> Turnstile {
        Turnstile::new(concurrency, Pace::new(None, None, MINUTE), budget, None, Spending::default())
    }

    const COST: Cost = Cost { input: 10, output: 10 };

    #[test]
    fn no_more_than_so_many_are_under_way() {
        let turnstile = turnstile(3, Budget::default());
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let pass = turnstile.enter(COST).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                    drop(pass);
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 3);
        assert_eq!(turnstile.reading().0.calls, 12);
    }

    #[test]
    fn calls_under_way_cannot_pass_the_budget_together() {
        let turnstile = turnstile(8, Budget { tokens: Some(100), ..Budget::default() });
        let let_through = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..30 {
                scope.spawn(|| match turnstile.enter(COST) {
                    Ok(mut pass) => {
                        let_through.fetch_add(1, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(2));
                        // Half of what was reserved.
                        pass.spent = Some((Cost { input: 5, output: 5 }, false));
                    }
                    Err(stop) => assert!(matches!(stop, Stop::Budget(_)), "{stop}"),
                });
            }
        });
        let (spent, under_way) = turnstile.reading();
        assert_eq!((spent.tokens(), under_way), (90, 0), "the tenth could have taken 20");
        assert_eq!(let_through.load(Ordering::SeqCst), 9);
        assert!(turnstile.enter(Cost::default()).is_err(), "it stays stopped");
    }

    #[test]
    fn what_was_not_billed_is_not_spent_and_a_stop_wakes_sleepers() {
        let turnstile = turnstile(1, Budget { calls: Some(1), ..Budget::default() });
        for _ in 0..3 {
            turnstile.enter(COST).unwrap().spent = None;
        }
        drop(turnstile.enter(COST).unwrap());
        assert_eq!(turnstile.reading().0, Spending { calls: 1, input: 10, output: 10, estimated: 1 });
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| turnstile.sleep(Duration::from_secs(600)));
            turnstile.stop(Stop::Requested);
            turnstile.stop(Stop::Ledger("later".into()));
            assert_eq!(sleeper.join().unwrap(), Err(Stop::Requested));
        });
    }
}
