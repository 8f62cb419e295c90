//! Counters of the door, in Prometheus text. Labels are routes, methods, status classes and reason words of our own:
//! never an id, a path as sent, or anything of a person.
//!
//! # Source
//! Prometheus text exposition format 0.0.4.

use crate::exchange::WitnessStanding;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets for request times, in seconds; long polls land in the last.
const BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 5.0, 60.0];

/// Requests of one route, method and status.
#[derive(Clone, Default)]
struct Requests {
    count: u64,
    seconds: f64,
    buckets: [u64; BUCKETS.len()],
}

/// The counters. One lock: a request takes it once for well under a microsecond.
#[derive(Default)]
pub(super) struct Metrics {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    requests: BTreeMap<(String, &'static str, u16), Requests>,
    handshakes_failed: BTreeMap<&'static str, u64>,
    denied: BTreeMap<&'static str, u64>,
    denials_unlogged: u64,
}

/// Numbers read at the moment of asking.
pub(super) struct Gauges {
    pub large_bodies_kib: usize,
    pub crl_due_seconds: Option<i64>,
    pub ready: bool,
    /// Changed content sets taken and refused, and whether the newest was refused.
    pub content: (u64, u64, bool),
    /// How the witnesses stand.
    pub witnesses: Vec<WitnessStanding>,
}

impl Metrics {
    fn with(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A request that was answered. `route` is the pattern, never the path as sent.
    pub fn request(&self, route: String, method: &'static str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        self.with(|inner| {
            let row = inner.requests.entry((route, method, status)).or_default();
            row.count = row.count.saturating_add(1);
            row.seconds += seconds;
            for (bucket, bound) in row.buckets.iter_mut().zip(BUCKETS) {
                if seconds <= bound {
                    *bucket = bucket.saturating_add(1);
                }
            }
        });
    }

    /// A handshake that failed.
    pub fn handshake_failed(&self, reason: &'static str) {
        self.with(|inner| count(&mut inner.handshakes_failed, reason));
    }

    /// A request turned away for its certificate.
    pub fn denied(&self, reason: &'static str) {
        self.with(|inner| count(&mut inner.denied, reason));
    }

    /// A denial that was counted but, there being too many, not logged one by one.
    pub fn denial_unlogged(&self) {
        self.with(|inner| inner.denials_unlogged = inner.denials_unlogged.saturating_add(1));
    }

    /// The text.
    pub fn text(&self, gauges: &Gauges) -> String {
        let mut out = String::new();
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        head(&mut out, "solent_request_seconds", "histogram", "Requests and how long they took.");
        for ((route, method, status), row) in &inner.requests {
            let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
            for (bucket, bound) in row.buckets.iter().zip(BUCKETS) {
                let _ = writeln!(out, "solent_request_seconds_bucket{{{labels},le=\"{bound}\"}} {bucket}");
            }
            let _ = writeln!(out, "solent_request_seconds_bucket{{{labels},le=\"+Inf\"}} {}", row.count);
            let _ = writeln!(out, "solent_request_seconds_sum{{{labels}}} {:.6}", row.seconds);
            let _ = writeln!(out, "solent_request_seconds_count{{{labels}}} {}", row.count);
        }
        reasons(&mut out, "solent_handshakes_failed_total", "TLS handshakes that failed.", &inner.handshakes_failed);
        reasons(&mut out, "solent_denied_total", "Requests turned away for their certificate.", &inner.denied);
        head(&mut out, "solent_denials_unlogged_total", "counter", "Failed handshakes beyond the rate that is logged.");
        let _ = writeln!(out, "solent_denials_unlogged_total {}", inner.denials_unlogged);
        head(&mut out, "solent_large_bodies_kib", "gauge", "KiB of large bodies now held.");
        let _ = writeln!(out, "solent_large_bodies_kib {}", gauges.large_bodies_kib);
        if let Some(seconds) = gauges.crl_due_seconds {
            head(&mut out, "solent_crl_due_seconds", "gauge", "Seconds until a revocation list is due to be replaced.");
            let _ = writeln!(out, "solent_crl_due_seconds {seconds}");
        }
        let (taken, refused, stale) = gauges.content;
        head(&mut out, "solent_content_reloads_total", "counter", "Changed content sets, by what became of them.");
        let _ = writeln!(out, "solent_content_reloads_total{{result=\"taken\"}} {taken}");
        let _ = writeln!(out, "solent_content_reloads_total{{result=\"refused\"}} {refused}");
        head(&mut out, "solent_content_stale", "gauge", "1 when the content set on disk is refused.");
        let _ = writeln!(out, "solent_content_stale {}", u8::from(stale));
        witness_lines(&mut out, &gauges.witnesses);
        head(&mut out, "solent_ready", "gauge", "1 when the gateway can work.");
        let _ = writeln!(out, "solent_ready {}", u8::from(gauges.ready));
        out
    }
}

fn witness_lines(out: &mut String, witnesses: &[WitnessStanding]) {
    if witnesses.is_empty() {
        return;
    }
    head(out, "solent_witness_size", "gauge", "Size of the tree a witness cosigned last.");
    for one in witnesses {
        let _ = writeln!(out, "solent_witness_size{{witness=\"{}\"}} {}", one.name, one.size);
    }
    head(out, "solent_witness_age_seconds", "gauge", "Seconds since a witness's last cosignature.");
    for (one, age) in witnesses.iter().filter_map(|w| Some((w, w.age_seconds?))) {
        let _ = writeln!(out, "solent_witness_age_seconds{{witness=\"{}\"}} {age}", one.name);
    }
    head(out, "solent_witness_trouble", "gauge", "1 when a witness is silent, refuses or disputes the log.");
    for one in witnesses {
        let (reason, on) = (one.trouble.unwrap_or("none"), u8::from(one.trouble.is_some()));
        let _ = writeln!(out, "solent_witness_trouble{{witness=\"{}\",reason=\"{reason}\"}} {on}", one.name);
    }
}

fn count(counters: &mut BTreeMap<&'static str, u64>, reason: &'static str) {
    let counter = counters.entry(reason).or_default();
    *counter = counter.saturating_add(1);
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn reasons(out: &mut String, name: &str, help: &str, counters: &BTreeMap<&'static str, u64>) {
    head(out, name, "counter", help);
    for (reason, count) in counters {
        let _ = writeln!(out, "{name}{{reason=\"{reason}\"}} {count}");
    }
}
