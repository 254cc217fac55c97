//! Long work that Ctrl-C may end.

use pyo3::prelude::*;
use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

/// How long Ctrl-C may have to wait to be noticed.
const LOOK: Duration = Duration::from_millis(50);

/// Does work without the interpreter's lock, and looks for signals meanwhile. `work` is given a flag that says when it is wanted no
/// more; what it returns then is dropped.
///
/// # Errors
/// What a signal's handler raised: `KeyboardInterrupt`.
pub fn interruptible<T: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> T + Send) -> PyResult<T> {
    let unwanted = AtomicBool::new(false);
    py.detach(|| {
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            let unwanted = &unwanted;
            let worker = scope.spawn(move || {
                // The receiver is there until the worker has ended.
                let _ = sender.send(work(unwanted));
            });
            loop {
                match receiver.recv_timeout(LOOK) {
                    Ok(done) => return Ok(done),
                    Err(RecvTimeoutError::Timeout) => {
                        if let Err(error) = Python::attach(|py| py.check_signals()) {
                            unwanted.store(true, Ordering::Relaxed);
                            return Err(error);
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        let panicked = worker.join().is_err();
                        let said =
                            if panicked { "the work panicked; this is a bug" } else { "the work was lost" };
                        return Err(pyo3::exceptions::PyRuntimeError::new_err(said));
                    }
                }
            }
        })
    })
}
