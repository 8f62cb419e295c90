//! Measuring beside a limit: what we do and what the limit does, in the same run, as a ratio.
//!
//! Absolute times drift by a factor of two between runs on a shared machine; ratios measured side by side do not. Each
//! bench states its budget as a ratio to something it measures itself: a hand-written program, a raw file, a plain table.
//! Run with `cargo bench`; under `cargo test --benches` everything runs once, so that a broken bench is noticed.
#![allow(dead_code, reason = "each bench uses the half it needs")]

/// The program's own allocator, for ours and for every peer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Whether this is a measurement (`cargo bench`) or only a trial.
pub fn measuring() -> bool {
    std::env::args().any(|a| a == "--bench")
}

/// How long each thing is measured.
const FOR: Duration = Duration::from_millis(1500);

/// The least time of one call in microseconds: the time without other people's work in it.
pub fn least<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    loop {
        // Short calls are timed in groups, so that reading the clock does not count.
        let group = if best < 5.0 { 200 } else { 1 };
        let at = Instant::now();
        for _ in 0..group {
            black_box(call());
        }
        best = best.min(at.elapsed().as_secs_f64() * 1e6 / f64::from(group));
        if !measuring() || start.elapsed() > FOR {
            return best;
        }
    }
}

/// Processor time of this process so far, in seconds, user and system; zero where it cannot be read.
pub fn processor_seconds() -> f64 {
    // Linux, proc(5): fields 14 and 15 of stat, in ticks of 1/100 s; the name before them ends with the last bracket.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Whether a budget is a ceiling (times) or a floor (rates).
#[derive(Clone, Copy)]
pub enum Budget {
    /// Ours may be at most this many times the limit.
    AtMost(f64),
    /// Ours must be at least this part of the limit.
    AtLeast(f64),
}

/// Prints one line: ours, the limit, the ratio, the budget, and whether it holds.
pub fn line(what: &str, unit: &str, ours: f64, limit_name: &str, limit: f64, budget: Budget) {
    let ratio = ours / limit;
    let (sign, bound, holds) = match budget {
        Budget::AtMost(b) => ("<=", b, ratio <= b),
        Budget::AtLeast(b) => (">=", b, ratio >= b),
    };
    let verdict = match (measuring(), holds) {
        (false, _) => "trial",
        (true, true) => "ok",
        (true, false) => "OVER",
    };
    println!(
        "{what:<44} {ours:>12.2} {unit:<10} {limit_name:<40} {limit:>12.2}  ratio {ratio:>7.2} (budget {sign} {bound:.2})  {verdict}"
    );
}
