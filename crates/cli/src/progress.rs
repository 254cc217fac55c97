//! Progress bars: on a terminal, a live line with an estimate of the time left; elsewhere, nothing.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over steps, of which some may be done already.
pub fn steps(name: &str, total: u64, done: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_position(done);
    let template = "{prefix:<22} {wide_bar:.cyan/dim} {pos}/{len} {msg} {eta:>4} left";
    // The template is constant and right; were it not, the default style would do.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━━─"));
    bar.set_prefix(name.to_owned());
    bar.reset_eta();
    bar
}

/// A bar over items whose number is known, with a line of notes (its message) below it.
pub fn noted(name: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = "{prefix} {wide_bar:.cyan/dim} {pos}/{len} {eta:>4} left\n{wide_msg}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━━─"));
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(500));
    bar
}
