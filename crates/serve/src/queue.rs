//! A queue between the asynchronous front and the threads that work.
//!
//! The queue itself is unbounded; who puts something in has reserved a [`Place`] before, of which there are as many as
//! the server is willing to hold. A place is given back when its entry is taken out, or dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The right to one entry in a queue.
pub(crate) type Place = OwnedSemaphorePermit;

/// How many entries may wait.
#[derive(Clone)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    total: usize,
}

impl Places {
    /// So many places.
    pub fn new(total: usize) -> Places {
        let total = total.clamp(1, Semaphore::MAX_PERMITS);
        Places { free: Arc::new(Semaphore::new(total)), total }
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Those in use.
    pub fn taken(&self) -> usize {
        self.total - self.free.available_permits().min(self.total)
    }

    /// `count` places, if there are as many now, for `count` entries.
    pub fn reserve(&self, count: usize) -> Option<Vec<Place>> {
        let mut all = self.reserve_one(count)?;
        Some((0..count).filter_map(|_| all.split(1)).collect())
    }

    /// `count` places, if there are as many now, for one entry that takes them all.
    pub fn reserve_one(&self, count: usize) -> Option<Place> {
        Arc::clone(&self.free).try_acquire_many_owned(u32::try_from(count).ok()?).ok()
    }
}

/// First in, first out.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

struct State<T> {
    entries: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// An open, empty queue.
    pub fn new() -> Queue<T> {
        Queue {
            state: Mutex::new(State { entries: VecDeque::new(), closed: false }),
            arrived: Condvar::new(),
        }
    }

    /// Entries are moved in and out whole, so a panic elsewhere leaves them in order.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts entries at the end. After [`Queue::close`] they are dropped, and whoever waits for them learns it.
    pub fn push(&self, entries: impl IntoIterator<Item = T>) {
        let mut state = self.lock();
        if !state.closed {
            let before = state.entries.len();
            state.entries.extend(entries);
            let arrived = state.entries.len() - before;
            drop(state);
            // As many as there is work for: to wake all of a few hundred for one entry costs more than the entry.
            match arrived {
                0 => {}
                1 => self.arrived.notify_one(),
                _ => self.arrived.notify_all(),
            }
        }
    }

    /// All that wait, at most so many, once there is at least one; `None` once the queue is closed and empty.
    pub fn pop_many(&self, most: usize) -> Option<Vec<T>> {
        let mut state = self.lock();
        loop {
            if !state.entries.is_empty() {
                let count = state.entries.len().min(most.max(1));
                return Some(state.entries.drain(..count).collect());
            }
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// All that wait now, without waiting for any.
    pub fn take(&self) -> Vec<T> {
        self.lock().entries.drain(..).collect()
    }

    /// The next entry; `None` once the queue is closed and empty.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(entry) = state.entries.pop_front() {
                return Some(entry);
            }
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Takes no more entries; those that wait are still handed out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let places = Places::new(3);
        let held = places.reserve(2).unwrap();
        assert_eq!((held.len(), places.taken()), (2, 2));
        assert!(places.reserve(2).is_none());
        let last = places.reserve(1).unwrap();
        drop(held);
        assert_eq!(places.taken(), 1);
        drop(last);
        assert_eq!(places.taken(), 0);
    }

    #[test]
    fn a_closed_queue_hands_out_what_it_has() {
        let queue = Queue::new();
        queue.push([1, 2]);
        queue.close();
        queue.push([3]);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(1), Some(2), None]);
    }

    #[test]
    fn many_are_taken_together_in_their_order() {
        let queue = Queue::new();
        queue.push(1..=5);
        assert_eq!(queue.pop_many(3), Some(vec![1, 2, 3]));
        assert_eq!(queue.pop_many(0), Some(vec![4]));
        assert_eq!([queue.take(), queue.take()], [vec![5], vec![]]);
        queue.push([5]);
        queue.close();
        assert_eq!([queue.pop_many(9), queue.pop_many(9)], [Some(vec![5]), None]);
    }
}
