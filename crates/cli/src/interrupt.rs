//! Ctrl-C and SIGTERM during long work: the first asks it to come to an end, the second ends it at once.

use anyhow::{Context, Result};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};
use tokio::signal::unix::{SignalKind, signal};

/// Signals that are waited for.
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    by: Arc<AtomicU8>,
}

impl Interrupt {
    /// From here on a signal asks for an end, and `ask` is called with its name on a thread of its own.
    pub fn listen(ask: impl FnOnce(&str) + Send + 'static) -> Result<Interrupt> {
        let interrupt = Interrupt { asked: Arc::default(), by: Arc::default() };
        let (asked, by) = (Arc::clone(&interrupt.asked), Arc::clone(&interrupt.by));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // A signal that comes before the thread runs is not lost.
        let (mut terminate, mut interrupted) = runtime
            .block_on(async {
                std::io::Result::Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
            })
            .context("failed to listen for signals")?;
        let listen = move || {
            let mut next = || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = terminate.recv() => SignalKind::terminate(),
                        _ = interrupted.recv() => SignalKind::interrupt(),
                    }
                })
            };
            let first = next();
            by.store(status(first), Ordering::SeqCst);
            asked.store(true, Ordering::SeqCst);
            ask(if first == SignalKind::interrupt() { "Ctrl-C" } else { "SIGTERM" });
            // Whoever asks twice does not want to wait; what must be durable is at any moment.
            std::process::exit(i32::from(status(next())));
        };
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(listen)
            .context("failed to start a thread")?;
        Ok(interrupt)
    }

    /// Set once a signal has come.
    pub fn asked(&self) -> &AtomicBool {
        &self.asked
    }

    /// The error with which work ends that a signal ended.
    pub fn error(&self, message: String) -> Interrupted {
        Interrupted { status: self.by.load(Ordering::SeqCst), message }
    }
}

/// The exit status that shells give a program that a signal ended.
fn status(kind: SignalKind) -> u8 {
    128 + u8::try_from(kind.as_raw_value()).unwrap_or(0)
}

/// Work that ended because a signal asked for it.
#[derive(Debug)]
pub struct Interrupted {
    /// The exit status.
    pub status: u8,
    message: String,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Interrupted {}
