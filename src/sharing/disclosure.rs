//! The disclosure: what one receiver gets, and the only value from which content can be released.
//!
//! Owns [`Disclosable`], made only by `redact` beside this file from decided segments. Refuses to become a record
//! again: a redacted record must never be written back to its source as if it were complete. Read [`Disclosable`]
//! first. Shape: canonical record §7.

use super::decision::Decision;
use super::policy::LegalBasis;
use crate::document::Document;
use crate::vocabulary::{Category, Level, Purpose};
use serde_json::{Value, json};
use std::fmt;

/// Level I: that a service is involved, and whom to ask. Never anything of the content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Indicator {
    /// What it is about.
    pub category: Category,
    /// The receiver's alias of the person it concerns.
    pub about: String,
    /// The agency that holds it.
    pub custodian: String,
    /// How to reach the custodian.
    pub contact: String,
    /// The fixed words of sharing rules §9, column I.
    pub text: String,
    /// `YYYY-MM` of what is indicated, for a chronology; never its day. Only our own pages have one.
    pub month: Option<String>,
    /// Why no more is shown, where that may be said: a permission that ended. A refusal is never named here: to those it
    /// names, level I looks as if nobody had been asked (§10).
    pub reason: Option<&'static str>,
}

/// What a receiver is told about something withheld, where sharing rules §10 says "shown".
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marking {
    /// The category name.
    pub category: Category,
    /// The custodian, only where the marker may say that something is held.
    pub custodian: Option<String>,
    /// How to reach the custodian, under the same condition.
    pub contact: Option<String>,
    /// Fixed words.
    pub text: String,
}

/// One decided segment as the audit entry needs it: references and outcome, no content.
#[derive(Clone, Debug)]
pub struct DecidedItem {
    /// Hub-wide segment id.
    pub segment: String,
    /// Its category; `None` for one without a usable label.
    pub category: Option<Category>,
    /// Who holds it.
    pub custodian: String,
    /// The whole decision.
    pub decision: Decision,
}

/// Context that an answer carries (R71).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// Categories that were asked for, and so searched.
    pub searched: Vec<Category>,
    /// What was not searched, in fixed words.
    pub not_searched: Vec<String>,
}

/// Something that was decided and redacted, and may be released once its audit entry is committed.
///
/// Private constructor: only `sharing::redact` makes one. `Debug` prints counts only.
pub struct Disclosable {
    pub(super) purpose: Purpose,
    pub(super) basis: LegalBasis,
    pub(super) record: Option<Document>,
    pub(super) indicators: Vec<Indicator>,
    pub(super) markings: Vec<Marking>,
    pub(super) coverage: Coverage,
    pub(super) items: Vec<DecidedItem>,
}

impl fmt::Debug for Disclosable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Disclosable({}, {} decided, {} indicators, {} markings)",
            self.purpose,
            self.items.len(),
            self.indicators.len(),
            self.markings.len()
        )
    }
}

impl Disclosable {
    /// The purpose it was decided for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }
    /// The legal ground.
    #[must_use]
    pub const fn basis(&self) -> &LegalBasis {
        &self.basis
    }
    /// The redacted canonical record, if any segment is released.
    #[must_use]
    pub const fn record(&self) -> Option<&Document> {
        self.record.as_ref()
    }
    /// Indicators, sorted.
    #[must_use]
    pub fn indicators(&self) -> &[Indicator] {
        &self.indicators
    }
    /// Markings, sorted.
    #[must_use]
    pub fn markings(&self) -> &[Marking] {
        &self.markings
    }
    /// Every decided segment, for the audit entry.
    #[must_use]
    pub fn items(&self) -> &[DecidedItem] {
        &self.items
    }
    /// Whether the receiver gets nothing at all: no content, no indicator, no marking.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.record.is_none() && self.indicators.is_empty() && self.markings.is_empty()
    }
    /// The highest level of any decided segment.
    #[must_use]
    pub fn highest_level(&self) -> Level {
        self.items.iter().map(|i| i.decision.level).max().unwrap_or(Level::N)
    }
    /// The disclosure in the canonical format (canonical record §7). `receipt` is the id of the audit entry.
    #[must_use]
    pub fn to_json(&self, receipt: &str) -> Value {
        let indicators: Vec<Value> = self.indicators.iter().map(indicator_json).collect();
        let markers: Vec<Value> = self.markings.iter().map(marking_json).collect();
        json!({
            "receipt": receipt,
            "purpose": self.purpose,
            "basis": {"art6": self.basis.art6, "art9_10": self.basis.art9_10,
                      "gateway": self.basis.gateway, "confidence": self.basis.confidence},
            "record": self.record.as_ref().map(|d| d.to_value(d.root())),
            "indicators": indicators,
            "markers": markers,
            "coverage": {"searched": self.coverage.searched, "not_searched": self.coverage.not_searched},
            "handling": HANDLING,
        })
    }
}

/// Carried with every disclosure (R18): no redisclosure without directive, no reuse beyond the purpose.
pub const HANDLING: [&str; 2] = ["NORDSCLCD", "NOREUSE"];

fn indicator_json(indicator: &Indicator) -> Value {
    let mut value = json!({"category": indicator.category, "about": [indicator.about], "custodian": indicator.custodian,
        "contact": indicator.contact, "text": indicator.text});
    if let Value::Object(map) = &mut value {
        map.extend(indicator.reason.map(|reason| ("reason".to_owned(), json!(reason))));
        map.extend(indicator.month.as_ref().map(|month| ("month".to_owned(), json!(month))));
    }
    value
}

fn marking_json(marking: &Marking) -> Value {
    let mut value = json!({"category": marking.category, "text": marking.text});
    if let (Some(custodian), Some(contact), Value::Object(map)) = (&marking.custodian, &marking.contact, &mut value) {
        map.insert("custodian".to_owned(), json!(custodian));
        map.insert("contact".to_owned(), json!(contact));
    }
    value
}
