//! How far it is, for a person: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::make::Progress;

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(5);
/// Between two drawings of the bar.
const BLINK: Duration = Duration::from_millis(150);
/// Letters of the bar.
const BAR: usize = 16;

/// Writes to standard error.
#[derive(Debug)]
pub struct Display {
    terminal: bool,
    last: Option<Instant>,
}

impl Default for Display {
    fn default() -> Display {
        let terminal = std::io::stderr().is_terminal();
        // The bar is shown at once; the first line when there is something to say.
        let last = (!terminal).then(Instant::now);
        Display { terminal, last }
    }
}

impl Display {
    /// Shows how far it is, if it is time to.
    pub fn tell(&mut self, p: Progress) {
        let pause = if self.terminal { BLINK } else { PAUSE };
        if self.last.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        self.last = Some(Instant::now());
        // A terminal that is gone is no reason to stop.
        let mut out = std::io::stderr().lock();
        let _ = if self.terminal {
            write!(out, "\r{} {}\x1b[K", bar(&p), words(&p)).and_then(|()| out.flush())
        } else {
            writeln!(out, "{}", words(&p))
        };
    }

    /// Ends the bar's line.
    pub fn end(&self) {
        if self.terminal && self.last.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn bar(p: &Progress) -> String {
    let done = BAR * (p.kept + p.made) / p.count.max(1);
    format!("[{}{}]", "#".repeat(done), "-".repeat(BAR - done))
}

/// `120 of 1000, 18.3 a second, 48 s left`.
fn words(p: &Progress) -> String {
    let rate = p.made as f64 / p.elapsed.as_secs_f64().max(1e-9);
    let mut words = format!("{} of {}", p.kept + p.made, p.count);
    if p.made > 0 {
        let left = (p.count - p.kept - p.made) as f64 / rate;
        words += &format!(", {rate:.1} a second, {} left", duration(left));
    }
    words
}

/// `48 s`, `12 min 30 s`, `3 h 05 min`.
pub fn duration(seconds: f64) -> String {
    let s = seconds.ceil() as u64;
    match s {
        0..100 => format!("{s} s"),
        100..6000 => format!("{} min {:02} s", s / 60, s % 60),
        _ => format!("{} h {:02} min", s / 3600, s / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_counts_what_was_drawn_now_and_the_rest_what_is_missing() {
        let p = Progress {
            made: 20,
            kept: 480,
            count: 1000,
            elapsed: Duration::from_secs(2),
        };
        assert_eq!(words(&p), "500 of 1000, 10.0 a second, 50 s left");
        assert_eq!(bar(&p).matches('#').count(), BAR / 2);
        assert_eq!(duration(7500.0), "2 h 05 min");
    }
}
