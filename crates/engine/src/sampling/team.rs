//! Threads that split one stage of a decode step after another.
//!
//! A step has dozens of stages of a few microseconds, too short for a general task pool. The members of a team spin
//! between stages; a stage is a number of items that members take in shrinking runs. A member that the system has
//! put to sleep is not waited for: the caller closes a stage once its items are taken, and waits only for members
//! that are at work on it.

use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// What a stage does: `(member, items)`.
type Body<'a> = dyn Fn(usize, Range<usize>) + Sync + 'a;

struct Stage {
    items: usize,
    body: *const Body<'static>,
}

/// Where the stage is announced. The state holds the stage's number in its upper half, then whether it is open, then
/// how many members are at work.
struct Board {
    state: AtomicU64,
    taken: AtomicUsize,
    members: usize,
    stage: UnsafeCell<Stage>,
    over: AtomicBool,
    broken: AtomicBool,
}

// SAFETY: `stage` is written by the caller only while no stage is open and no member is at work, and read by members
// only between their entering an open stage and their leaving it.
unsafe impl Sync for Board {}
// SAFETY: the pointer in `stage` is only used as above, from whichever thread.
unsafe impl Send for Board {}

const NUMBER: u64 = 1 << 32;
const OPEN: u64 = 1 << 31;
const AT_WORK: u64 = OPEN - 1;

/// How often a waiting member looks before it lets others have the core.
const LOOKS: u32 = 2000;

/// The caller's end of a team.
pub struct Team<'a> {
    board: &'a Board,
}

/// Calls `body` with a team of `members` threads, the calling one among them.
pub fn with_team<R>(members: usize, body: impl FnOnce(&Team<'_>) -> R) -> R {
    fn nothing(_: usize, _: Range<usize>) {}
    let board = Board {
        state: AtomicU64::new(0),
        taken: AtomicUsize::new(0),
        members: members.max(1),
        stage: UnsafeCell::new(Stage { items: 0, body: &nothing }),
        over: AtomicBool::new(false),
        broken: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        for member in 1..board.members {
            let board = &board;
            scope.spawn(move || board.serve(member));
        }
        // Members leave when this is dropped, also if `body` panics.
        let _over = Over(&board.over);
        body(&Team { board: &board })
    })
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Team<'_> {
    /// Calls `body(member, run of items)` until every item below `items` is done. `member` numbers the threads and is
    /// never in use twice at a time.
    pub fn run(&self, items: usize, body: impl Fn(usize, Range<usize>) + Sync) {
        if items == 0 {
            return;
        }
        let board = self.board;
        if board.members == 1 || items == 1 {
            return body(0, 0..items);
        }
        let body: &Body<'_> = &body;
        // SAFETY: only the lifetime changes; `Closing` keeps `body` from being used after this call.
        let lasting: *const Body<'static> = unsafe { std::mem::transmute(std::ptr::from_ref(body)) };
        // SAFETY: the last stage is closed and nobody is at work on it (`Closing` saw to that).
        unsafe { *board.stage.get() = Stage { items, body: lasting } };
        board.taken.store(0, Ordering::Relaxed);
        let number = board.state.load(Ordering::Relaxed) & !(NUMBER - 1);
        board.state.store(number.wrapping_add(NUMBER) | OPEN, Ordering::Release);
        let closing = Closing(board);
        board.work(0, items, body);
        drop(closing);
        assert!(!board.broken.load(Ordering::Relaxed), "a sampling thread panicked");
    }
}

/// Closes the open stage and waits for those at work on it, also when the caller's own share panics.
struct Closing<'a>(&'a Board);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.fetch_and(!OPEN, Ordering::Acquire) & !OPEN;
        let mut looks = 0;
        while state & AT_WORK != 0 {
            look_again(&mut looks);
            state = self.0.state.load(Ordering::Acquire);
        }
    }
}

fn look_again(looks: &mut u32) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

impl Board {
    /// Takes runs of items until none are left: long runs first, single items last.
    fn work(&self, member: usize, items: usize, body: &Body<'_>) {
        let mut taken = self.taken.load(Ordering::Relaxed);
        while taken < items {
            let run = ((items - taken) / (2 * self.members)).max(1);
            match self.taken.compare_exchange_weak(taken, taken + run, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    body(member, taken..taken + run);
                    taken = self.taken.load(Ordering::Relaxed);
                }
                Err(now) => taken = now,
            }
        }
    }

    fn serve(&self, member: usize) {
        let (mut seen, mut looks) = (0, 0);
        while !self.over.load(Ordering::Acquire) {
            let state = self.state.load(Ordering::Acquire);
            let number = state & !(NUMBER - 1);
            if state & OPEN == 0 || number == seen {
                look_again(&mut looks);
                continue;
            }
            if self.state.compare_exchange(state, state + 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
                continue;
            }
            (seen, looks) = (number, 0);
            let _leaving = Leaving(self);
            // SAFETY: this member has entered an open stage, which stays as it is until the member leaves.
            let (items, body) = unsafe {
                let stage = &*self.stage.get();
                (stage.items, &*stage.body)
            };
            self.work(member, items, body);
        }
    }
}

struct Leaving<'a>(&'a Board);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
        self.0.state.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once_in_every_stage() {
        for members in [1, 2, 3, 5] {
            with_team(members, |team| {
                for items in (0..200).chain([1000, 1]) {
                    let done: Vec<AtomicUsize> = (0..items).map(|_| AtomicUsize::new(0)).collect();
                    team.run(items, |member, run| {
                        assert!(member < members);
                        for item in run {
                            done[item].fetch_add(1, Ordering::Relaxed);
                        }
                    });
                    assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
            });
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_ends_the_team() {
        for guilty in [0, 99] {
            let panicked = std::panic::catch_unwind(|| {
                with_team(3, |team| {
                    team.run(100, |_, run| {
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        assert!(!run.contains(&guilty), "as planned");
                    });
                });
            });
            assert!(panicked.is_err());
        }
    }
}
