//! Which replica is asked: of those that answer, the one that has the least to do.
//!
//! A replica that failed several times in a row is left out for a while, which doubles as long as it goes on failing; then one
//! request is let through to see whether it is back. Where all are left out, they are asked all the same. Which
//! replica answered decides nothing else: the request is the same, seed and all.

use crate::call::CallFailure;
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a row after which a replica is left out.
const PATIENCE: u32 = 3;
/// For how long it is left out first, and at most.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// The replicas of a model.
#[derive(Debug)]
pub(super) struct Replicas {
    state: Mutex<Vec<Replica>>,
    /// Requests that one takes at a time.
    most: usize,
    changed: Condvar,
}

/// How often whoever waits for room looks whether one is back that was left out.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, Default)]
struct Replica {
    under_way: usize,
    /// In a row.
    failures: u32,
    out_until: Option<Instant>,
}

impl Replica {
    fn is_out(&self, now: Instant) -> bool {
        self.out_until.is_some_and(|until| until > now)
    }

    /// For how long it is left out after so many failures.
    fn pause(&self) -> Option<Duration> {
        let doublings = self.failures.checked_sub(PATIENCE)?;
        Some(FIRST.saturating_mul(1 << doublings.min(10)).min(LONGEST))
    }
}

/// A request to one of them.
#[derive(Debug)]
pub(super) struct Asked {
    replicas: Arc<Replicas>,
    /// Which one.
    pub(super) place: usize,
}

impl Replicas {
    /// So many, each with so many requests at a time.
    pub(super) fn new(count: usize, most: usize) -> Arc<Replicas> {
        let state = Mutex::new(vec![Replica::default(); count.max(1)]);
        Arc::new(Replicas { state, most: most.max(1), changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, Vec<Replica>> {
        // Numbers are changed one by one; a panic elsewhere leaves them in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that was not tried yet; among equals the first from `first` on. Where all those have as much to do as they may, it is waited
    /// for. Nothing where all were tried that are not left out: an attempt at one that is gone would be wasted.
    pub(super) fn choose(self: &Arc<Self>, first: usize, tried: &[usize]) -> Option<Asked> {
        let mut state = self.state();
        loop {
            let open = self.open(&state, first, tried);
            if open.is_empty() {
                return None;
            }
            if let Some(place) = open.into_iter().find(|&place| state[place].under_way < self.most) {
                return Some(self.asked(&mut state, place));
            }
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Another one than those that were asked, for the same request a second time, if one has room now and is not left out; where there is
    /// one alone, that.
    pub(super) fn spare(self: &Arc<Self>, first: usize, asked: &[usize]) -> Option<Asked> {
        let (mut state, now) = (self.state(), Instant::now());
        let asked = if state.len() == 1 { &[] } else { asked };
        let mut open = self.open(&state, first, asked).into_iter();
        let place = open.find(|&place| state[place].under_way < self.most && !state[place].is_out(now))?;
        Some(self.asked(&mut state, place))
    }

    /// Those that may be asked, the best one first.
    fn open(&self, state: &[Replica], first: usize, tried: &[usize]) -> Vec<usize> {
        let (now, count) = (Instant::now(), state.len());
        let all_are_out = state.iter().all(|replica| replica.is_out(now));
        let mut open: Vec<usize> = (0..count)
            .map(|step| (first + step) % count)
            .filter(|&place| all_are_out || !state[place].is_out(now))
            .filter(|place| !tried.contains(place))
            .collect();
        match all_are_out {
            true => open.sort_by_key(|&place| state[place].out_until),
            false => open.sort_by_key(|&place| state[place].under_way),
        }
        open
    }

    fn asked(self: &Arc<Self>, state: &mut [Replica], place: usize) -> Asked {
        let chosen = &mut state[place];
        chosen.under_way += 1;
        if chosen.out_until.is_some() {
            // Who tries whether it is back goes alone.
            chosen.out_until = chosen.pause().map(|pause| Instant::now() + pause);
        }
        Asked { replicas: Arc::clone(self), place }
    }
}

impl Asked {
    /// Notes how it went: only what says something of the replica counts.
    pub(super) fn note(&self, failure: Option<&CallFailure>) {
        let mut state = self.replicas.state();
        let replica = &mut state[self.place];
        match failure {
            None => (replica.failures, replica.out_until) = (0, None),
            Some(
                CallFailure::Refused { .. }
                | CallFailure::Broken { .. }
                | CallFailure::Timeout { .. }
                | CallFailure::Status { code: 500..=599, .. },
            ) => {
                replica.failures = replica.failures.saturating_add(1);
                replica.out_until = replica.pause().map(|pause| Instant::now() + pause);
            }
            Some(_) => {}
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut state = self.replicas.state();
        let replica = &mut state[self.place];
        replica.under_way = replica.under_way.saturating_sub(1);
        self.replicas.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> CallFailure {
        CallFailure::Refused { endpoint: "e".into(), detail: "d".into() }
    }

    fn place(replicas: &Arc<Replicas>, first: usize, tried: &[usize]) -> Option<usize> {
        replicas.choose(first, tried).map(|asked| asked.place)
    }

    #[test]
    fn the_one_with_the_least_to_do_is_asked_and_equals_take_turns() {
        let replicas = Replicas::new(3, 9);
        let places: Vec<_> = (0..6).map(|first| place(&replicas, first, &[])).collect();
        assert_eq!(places, [0, 1, 2, 0, 1, 2].map(Some));
        let held = [(); 3].map(|()| replicas.choose(0, &[]).unwrap());
        assert_eq!(held.each_ref().map(|asked| asked.place), [0, 1, 2]);
        drop(held);
        let _busy = replicas.choose(1, &[]);
        assert_eq!(place(&replicas, 1, &[]), Some(2));
        assert_eq!(place(&replicas, 1, &[2]), Some(0), "one that was tried is not tried again");
        assert_eq!(place(&replicas, 1, &[2, 0, 1]), None);
    }

    #[test]
    fn one_that_fails_is_left_out_and_comes_back() {
        let replicas = Replicas::new(2, 9);
        for _ in 0..PATIENCE {
            let asked = replicas.choose(0, &[]).unwrap();
            assert_eq!(asked.place, 0);
            asked.note(Some(&refused()));
        }
        assert!((0..5).all(|_| place(&replicas, 0, &[]) == Some(1)));
        assert_eq!(place(&replicas, 0, &[1]), None, "no attempt is wasted on it");
        // Its time is over: one request looks after it.
        replicas.state()[0].out_until = Some(Instant::now() - Duration::from_secs(1));
        let probe = replicas.choose(0, &[]).unwrap();
        assert_eq!((probe.place, place(&replicas, 0, &[])), (0, Some(1)));
        probe.note(None);
        drop(probe);
        assert_eq!(place(&replicas, 0, &[]), Some(0));
    }

    #[test]
    fn one_that_has_enough_to_do_is_waited_for() {
        let replicas = Replicas::new(2, 1);
        let first = replicas.choose(0, &[]).unwrap();
        let spare = replicas.spare(0, &[0]).unwrap();
        assert_eq!((first.place, spare.place), (0, 1));
        assert!(replicas.spare(0, &[]).is_none(), "nobody waits to ask twice");
        let place = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| place(&replicas, 0, &[]));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            drop(spare);
            waiting.join().unwrap()
        });
        assert_eq!(place, Some(1));
        let alone = Replicas::new(1, 2);
        let _first = alone.choose(0, &[]).unwrap();
        assert_eq!(alone.spare(0, &[0]).map(|asked| asked.place), Some(0));
    }

    #[test]
    fn where_all_are_left_out_they_are_asked_all_the_same() {
        let replicas = Replicas::new(2, 9);
        for first in [0, 1] {
            for _ in 0..PATIENCE {
                let asked = replicas.choose(first, &[1 - first]);
                if let Some(asked) = asked {
                    asked.note(Some(&refused()));
                }
            }
        }
        let first = place(&replicas, 0, &[]).unwrap();
        assert!(place(&replicas, 0, &[first]).is_some());
        assert_eq!(place(&replicas, 0, &[0, 1]), None);
    }

    #[test]
    fn what_the_model_said_is_not_held_against_its_replica() {
        let replicas = Replicas::new(2, 9);
        for _ in 0..10 {
            let asked = replicas.choose(0, &[]).unwrap();
            asked.note(Some(&CallFailure::Refusal { endpoint: "e".into(), excerpt: "x".into() }));
            assert_eq!(asked.place, 0);
        }
    }
}
