//! The loss report: what did not arrive as it was sent, by path and kind. Never a value.
//!
//! Owns the closed list of kinds and severities and the report's JSON form. What is reported is the engine's business.

use super::said::Said;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Entries listed one by one in a report; later ones only raise the count of an entry with the same kind and rule.
const ENTRIES_MAX: usize = 10_000;

/// Entries that are compared one by one; a longer report is looked up in.
const FEW_MAX: usize = 48;

/// How bad a loss is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Foreseen and harmless.
    Info,
    /// Somebody may want to look.
    Warn,
    /// Somebody must look.
    Serious,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $grade:ident;)+) => {
        /// What happened to a value. The list is closed.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize)]
        pub enum LossKind { $($(#[$doc])* #[serde(rename = $text)] $name),+ }
        impl LossKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The word in the report.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $text),+ } }
            /// How bad it is.
            #[must_use]
            pub const fn grade(self) -> Grade { match self { $(Self::$name => Grade::$grade),+ } }
        }
    };
}

kinds! {
    /// The person it is about cannot be told: held in quarantine.
    NoSubject = "no-subject", Serious;
    /// No rule speaks of it.
    NotMapped = "not-mapped", Serious;
    /// The code table has no row.
    CodeUnmapped = "code-unmapped", Serious;
    /// The value is not of its type: kept unparsed, or a failed check digit kept and marked.
    InvalidValue = "invalid-value", Serious;
    /// It refers to something that is not there.
    DanglingReference = "dangling-reference", Serious;
    /// Too confidential for this format, or sealed.
    WithheldByCeiling = "withheld-by-ceiling", Serious;
    /// The label says more than the format can.
    LabelNotCarried = "label-not-carried", Serious;
    /// No row for the label: held for classification.
    LabelGuessed = "label-guessed", Serious;
    /// Shared columns disagree between rows.
    InconsistentRepeat = "inconsistent-repeat", Serious;
    /// The code table's row is not exact.
    CodeApproximated = "code-approximated", Warn;
    /// Less precise than it was.
    PrecisionReduced = "precision-reduced", Warn;
    /// Cut to the length the other side permits.
    Truncated = "truncated", Warn;
    /// No exact factor between the units.
    UnitNotConvertible = "unit-not-convertible", Warn;
    /// Only one fits, this is another.
    ExtraRepeat = "extra-repeat", Warn;
    /// Another alternative of a choice won.
    ExtraAlternative = "extra-alternative", Warn;
    /// Its condition does not hold.
    GuardedOut = "guarded-out", Warn;
    /// Split into words by guess.
    SplitGuessed = "split-guessed", Warn;
    /// A constant was expected and something else stood there.
    UnexpectedConstant = "unexpected-constant", Warn;
    /// The value was missing and a default was set.
    Defaulted = "defaulted", Warn;
    /// Dropped as the mapping declares.
    DeclaredDrop = "declared-drop", Info;
    /// Written in another form of the same value.
    Normalised = "normalised", Info;
    /// A selected item held nothing but its constants.
    EmptySlice = "empty-slice", Info;
    /// A constant the mapping adds.
    Supplied = "supplied", Info;
}

/// Which way a run went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Native to canonical.
    Read,
    /// Canonical to native.
    Write,
}

/// One line of the report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LossEntry {
    /// What happened.
    pub kind: LossKind,
    /// How bad it is.
    pub severity: Grade,
    /// Which way.
    pub direction: Direction,
    /// Path in the document that was read; `[*]` where several places are counted together.
    pub path_in: String,
    /// Path in the document that was made, where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path_out: String,
    /// `file:line` of the rule, where one speaks of it.
    #[serde(skip_serializing_if = "is_empty")]
    pub rule: Said,
    /// How many values.
    pub count: usize,
    /// Why, in the mapping's own words or ours. Never a value.
    #[serde(skip_serializing_if = "is_empty")]
    pub note: Said,
}

/// For `serde`.
fn is_empty(said: &Said) -> bool {
    said.is_empty()
}

/// One run over one record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LossRun {
    /// Mapping name.
    pub mapping: String,
    /// Mapping version.
    pub version: String,
    /// SHA-256 over the mapping file and its code tables, hex.
    pub digest: String,
    /// Which way.
    pub direction: Direction,
    /// Values in the document that was read.
    pub leaves_in: usize,
    /// How many of them arrived.
    pub carried: usize,
    /// How many did not and are listed below.
    pub reported: usize,
    /// Values in the document that was made.
    pub leaves_out: usize,
    /// The rules that carried, set or reported something, one bit a rule. For whoever writes the mapping.
    #[serde(skip)]
    pub fired: Vec<u64>,
}

impl LossRun {
    /// Whether a rule had an effect in this run.
    #[must_use]
    pub fn has_fired(&self, rule: usize) -> bool {
        self.fired.get(rule / 64).is_some_and(|word| word & (1 << (rule % 64)) != 0)
    }
}

/// What a translation lost, of one record or of several.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct LossReport {
    /// The runs, in order.
    pub runs: Vec<LossRun>,
    /// The entries, in order of the runs, then of place.
    pub entries: Vec<LossEntry>,
    /// Where entries stand that later ones may be counted with.
    #[serde(skip)]
    joined: HashMap<u64, Vec<usize>>,
}

/// Whether two entries are counted together: kind, way, rule and, while the report is not full, the paths.
fn twins(a: &LossEntry, b: &LossEntry) -> bool {
    // Lengths first: they tell most apart without looking at the texts.
    let lengths = |e: &LossEntry| (e.path_in.len(), e.path_out.len(), e.rule.len());
    (a.kind, a.direction) == (b.kind, b.direction)
        && lengths(a) == lengths(b)
        && (&a.path_out, &a.path_in, &a.rule) == (&b.path_out, &b.path_in, &b.rule)
}

/// The same for twins. Its key is fixed, so that equal reports are equal; what goes in are names of schemas and rules,
/// which no sender chooses.
fn mark(entry: &LossEntry) -> u64 {
    let mut hasher = DefaultHasher::new();
    (entry.kind, entry.direction, &entry.rule, &entry.path_in, &entry.path_out).hash(&mut hasher);
    hasher.finish()
}

impl LossReport {
    /// The report of one run.
    #[must_use]
    pub fn of(run: LossRun, entries: Vec<LossEntry>) -> Self {
        let mut report = Self { runs: vec![run], entries: Vec::with_capacity(entries.len()), ..Self::default() };
        entries.into_iter().for_each(|e| report.push(e));
        report
    }
    /// Adds another report after this one.
    pub fn append(&mut self, other: Self) {
        if self.runs.is_empty() && self.entries.is_empty() {
            *self = other;
            return;
        }
        self.runs.extend(other.runs);
        for entry in other.entries {
            self.push(entry);
        }
    }
    /// Adds an entry, or raises the count of an equal one.
    pub fn push(&mut self, mut entry: LossEntry) {
        let full = self.entries.len() >= ENTRIES_MAX;
        if full {
            entry.path_in = "(more)".to_owned();
            entry.path_out = String::new();
        }
        if !full && !entry.path_in.contains("[*]") && entry.kind != LossKind::Supplied {
            self.entries.push(entry);
            return;
        }
        if self.joined.is_empty() && self.entries.len() < FEW_MAX {
            match self.entries.iter_mut().find(|known| twins(known, &entry)) {
                Some(known) => known.count = known.count.saturating_add(entry.count),
                None => self.entries.push(entry),
            }
            return;
        }
        if self.joined.is_empty() {
            for (at, known) in self.entries.iter().enumerate() {
                self.joined.entry(mark(known)).or_default().push(at);
            }
        }
        let places = self.joined.entry(mark(&entry)).or_default();
        let twin = places.iter().copied().find(|at| self.entries.get(*at).is_some_and(|known| twins(known, &entry)));
        match twin.and_then(|at| self.entries.get_mut(at)) {
            Some(known) => known.count = known.count.saturating_add(entry.count),
            None => {
                places.push(self.entries.len());
                self.entries.push(entry);
            }
        }
    }
    /// Adds values that were taken out of the message before its run: they came in and did not arrive.
    pub fn refuse(&mut self, entries: &[LossEntry]) {
        if let Some(run) = self.runs.last_mut() {
            run.leaves_in = run.leaves_in.saturating_add(entries.len());
            run.reported = run.reported.saturating_add(entries.len());
        }
        entries.iter().for_each(|e| self.push(e.clone()));
    }
    /// How many values of each kind.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            let count: &mut usize = counts.entry(entry.kind.word()).or_default();
            *count = count.saturating_add(entry.count);
        }
        counts
    }
    /// The worst grade in it, `None` when nothing was lost.
    #[must_use]
    pub fn worst(&self) -> Option<Grade> {
        self.entries.iter().map(|e| e.severity).max()
    }
    /// The report as indented JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
    /// The report for people, one line per entry (mapping language §12).
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for run in &self.runs {
            let way = if run.direction == Direction::Read { "read " } else { "write" };
            let short = run.digest.get(..12).unwrap_or("");
            let _ = writeln!(
                text,
                "{way}  {} {}  sha256:{short}   {} leaves in, {} carried, {} reported",
                run.mapping, run.version, run.leaves_in, run.carried, run.reported
            );
        }
        for e in &self.entries {
            let grade = match e.severity {
                Grade::Serious => "serious",
                Grade::Warn => "warn",
                Grade::Info => "info",
            };
            let place = if e.path_in.is_empty() { &e.path_out } else { &e.path_in };
            let _ = writeln!(text, "{grade:<8} {:<20} {place:<40} {}x {} {}", e.kind.word(), e.count, e.rule, e.note);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stays_bounded_whatever_a_message_holds() {
        let mut report = LossReport::default();
        for i in 0..ENTRIES_MAX + 500 {
            report.push(LossEntry {
                kind: LossKind::NotMapped,
                severity: Grade::Serious,
                direction: Direction::Read,
                path_in: format!("x[{i}]"),
                path_out: String::new(),
                rule: Said::default(),
                count: 1,
                note: Said::default(),
            });
        }
        assert_eq!(report.entries.len(), ENTRIES_MAX + 1);
        assert_eq!(report.counts().get("not-mapped"), Some(&(ENTRIES_MAX + 500)));
    }

    #[test]
    fn the_kinds_are_the_closed_list_of_the_language_paper() {
        let of = |g: Grade| LossKind::ALL.iter().filter(|k| k.grade() == g).count();
        assert_eq!((of(Grade::Serious), of(Grade::Warn), of(Grade::Info)), (9, 10, 4));
    }
}
