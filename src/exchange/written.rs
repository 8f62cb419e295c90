//! What somebody without a case system writes into a family's chronology (P3): taken in like a message of their agency, so that
//! it is validated, stored, labelled, logged and decided like everything else.
//!
//! Owns who may write what: a practitioner with a live relationship, in the category of their own service's work, about a
//! member of the family. It goes nowhere by itself; it is there for whoever asks. A correction is another entry.
//!
//! # Source
//! Pages paper P3; canonical record §3 (which category for which content); sharing rules R49, R54, R69.

use super::receive::Known;
use super::{Caller, Failure, Family, Gateway, Submission, Visitor};
use crate::audit::Event;
use crate::audit::payload::Payload;
use crate::clock::Moment;
use crate::ident::{PersonId, SystemId};
use crate::store::KeptKind;
use crate::vocabulary::{Category, Purpose, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The system that entries come from. No route starts there.
const WRITTEN: &str = "pages-chronology";
/// The format an entry is written in.
const FORMAT: &str = "canonical";
/// The one person's id within the record.
const SUBJECT: &str = "subject";
/// Longest account, in characters: some ten pages.
pub const ACCOUNT_CHARS_MAX: usize = 20_000;
/// Longest summary for others, in characters: what fits a page.
pub const SUMMARY_CHARS_MAX: usize = 4_000;

/// What kind of statement an entry is (R69).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statement {
    /// The writer saw or did it.
    Fact,
    /// Somebody told the writer.
    Reported,
    /// What the writer thinks.
    Opinion,
}

impl Statement {
    /// Its word in the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Reported => "reported",
            Self::Opinion => "opinion",
        }
    }
    /// The statement with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Fact, Self::Reported, Self::Opinion].into_iter().find(|s| s.word() == word)
    }
}

/// An entry as it is written. Debug shows no text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    /// What kind of information it is: one of [`may_write`].
    pub category: Category,
    /// When it was: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, not in the future.
    pub when: String,
    /// What kind of statement.
    pub statement: Statement,
    /// Whether it may name or tell of somebody else.
    pub names_others: bool,
    /// What happened.
    pub account: String,
    /// What other agencies may have of it; nothing when empty.
    pub summary: String,
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writing({})", self.category.code())
    }
}

/// What a role writes: its own service's work, and a safety brief. Nothing for roles that have no case work of their own, and
/// for assistants, whose records are drafts of the social worker's (R49).
#[must_use]
pub const fn may_write(role: Role) -> &'static [Category] {
    match role {
        Role::Sw | Role::Msh | Role::Edg | Role::Lpr | Role::Yjw => &[Category::Csn, Category::Rsk],
        Role::Fsm => &[Category::Sub, Category::Rsk],
        Role::Fmh => &[Category::Mhl, Category::Rsk],
        Role::Cln => &[Category::Mhl, Category::Sub, Category::Hlt, Category::Rsk],
        Role::Uhn => &[Category::Hlt, Category::Rsk],
        Role::Fdv | Role::Fdp => &[Category::Dab, Category::Rsk],
        Role::Pol => &[Category::Pin, Category::Rsk],
        Role::Dsl => &[Category::Csn, Category::Edu, Category::Rsk],
        _ => &[],
    }
}

/// What a role prepares for a social worker to confirm (R49): what the social worker would write.
#[must_use]
pub const fn may_prepare(role: Role) -> &'static [Category] {
    match role {
        Role::Pa => may_write(Role::Sw),
        _ => &[],
    }
}

impl Writing {
    /// The names of what is wrong with it, in the order of the form; nothing when it can be taken.
    #[must_use]
    pub fn faults(&self, now: Moment) -> Vec<&'static str> {
        let mut faults = Vec::new();
        if !is_past(&self.when, now) {
            faults.push("entry_when");
        }
        if self.account.trim().is_empty() || self.account.chars().count() > ACCOUNT_CHARS_MAX {
            faults.push("entry_account");
        }
        if self.summary.chars().count() > SUMMARY_CHARS_MAX {
            faults.push("entry_summary");
        }
        faults
    }
}

impl Gateway {
    /// Writes an entry about a member of one of the visitor's families, under the purpose that is declared for it. Written
    /// twice with the same form it is one entry.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a family or member that is not the visitor's; [`Failure::Refused`] for a role that does not
    /// write this; [`Failure::Inconsistent`] for a form with [faults](Writing::faults).
    pub async fn write_entry(
        &self,
        visitor: &Visitor,
        (family, person): (&str, &PersonId),
        writing: &Writing,
        form: &str,
    ) -> Result<(), Failure> {
        // Two people may become one while the form is open, or in this very instant: it is then about the one who stays.
        let done = self.write_about(visitor, (family, person), writing, form).await;
        if !matches!(done, Err(Failure::Changed | Failure::NotFound)) {
            return done;
        }
        match self.db.joined_into(person).await? {
            Some(stays) => self.write_about(visitor, (family, &stays), writing, form).await,
            None => done,
        }
    }

    async fn write_about(
        &self,
        visitor: &Visitor,
        (family, person): (&str, &PersonId),
        writing: &Writing,
        form: &str,
    ) -> Result<(), Failure> {
        let (_, purpose) = self.place_for(visitor, (family, person), writing, may_write).await?;
        let mut by = visitor.payload(Event::Send);
        by.subject = Some(person.clone());
        by.purpose = Some(purpose);
        let key = (!form.is_empty()).then(|| format!("{} {form}", visitor.account));
        self.put_down(visitor, writing, by, (key, None)).await
    }

    /// Where an entry goes, written now or prepared: a family of the visitor's with this member, and the purpose declared for it.
    /// The role must be one that `may` enter this category, and the form without faults.
    pub(super) async fn place_for(
        &self,
        visitor: &Visitor,
        (family, person): (&str, &PersonId),
        writing: &Writing,
        may: fn(Role) -> &'static [Category],
    ) -> Result<(Family, Purpose), Failure> {
        let hat = visitor.worn()?;
        let family = self.family(visitor, family).await?;
        let purpose = visitor.purpose(&family.id).ok_or(Failure::NotFound)?;
        if !family.members.iter().any(|m| &m.person == person) {
            return Err(Failure::NotFound);
        }
        if !may(hat.role).contains(&writing.category) {
            return Err(Failure::Refused { reason: "D-DELEGATE" });
        }
        if !writing.faults(self.clock().now()).is_empty() {
            return Err(Failure::Inconsistent("an entry with faults"));
        }
        Ok((family, purpose))
    }

    /// Takes an entry in under the visitor's hat; what it was prepared as ends with it.
    pub(super) async fn put_down(
        &self,
        visitor: &Visitor,
        writing: &Writing,
        by: Payload,
        (key, ends): (Option<String>, Option<(KeptKind, String)>),
    ) -> Result<(), Failure> {
        let hat = visitor.worn()?;
        let (Some(person), Some(purpose)) = (by.subject.clone(), by.purpose) else {
            return Err(Failure::Inconsistent("an entry about nobody"));
        };
        let document = document(writing, hat.role, hat.agency.as_str(), purpose);
        let body = serde_json::to_vec(&document).map_err(|_| Failure::Inconsistent("an entry"))?;
        let caller = Caller {
            system: SystemId::new(WRITTEN),
            agency: hat.agency.clone(),
            format: FORMAT.to_owned(),
            certificate: String::new(),
            request: visitor.request.clone(),
        };
        let people = BTreeMap::from([(SUBJECT.to_owned(), person)]);
        let known = Known { people, by: Some(by), writer: Some(hat.id.clone()), ends };
        self.receive_known(&caller, Submission { body, idempotency_key: key }, &known).await.map(drop)
    }
}

fn document(writing: &Writing, role: Role, agency: &str, purpose: Purpose) -> Value {
    let label = |category: Category, statement: &str, third_party: &str| {
        json!({
            "category": category.code(), "confidentiality": category.confidentiality_floor().code(), "custodian": agency,
            "about": [SUBJECT], "third_party": third_party, "basis_marker": statement, "author_role": role.code(),
        })
    };
    let kind = if writing.category == Category::Rsk { "safety-brief" } else { "text" };
    let others = if writing.names_others { "possible" } else { "none" };
    let note = |id: &str, text: &str| {
        let mut label = label(writing.category, writing.statement.word(), others);
        if let Some(label) = label.as_object_mut() {
            label.insert("observed".to_owned(), json!(writing.when));
        }
        json!({"id": id, "label": label, "kind": kind, "text": text.trim()})
    };
    let mut notes = vec![note("entry", &writing.account)];
    if !writing.summary.trim().is_empty() {
        let mut summary = note("entry-summary", &writing.summary);
        if let Some(summary) = summary.as_object_mut() {
            summary.insert("form".to_owned(), json!("summary"));
            summary.insert("summary_of".to_owned(), json!(["entry"]));
        }
        notes.push(summary);
    }
    json!({
        "envelope": {"purpose": purpose.code()},
        "people": [{"id": SUBJECT, "label": label(Category::Idn, "fact", "none"), "role": "subject"}],
        "notes": notes,
    })
}

/// Whether this is a year, month or day that has begun in London.
fn is_past(when: &str, now: Moment) -> bool {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC);
    let today = now.timestamp().to_zoned(zone).strftime("%Y-%m-%d").to_string();
    let whole = match when.len() {
        4 => format!("{when}-01-01"),
        7 => format!("{when}-01"),
        _ => when.to_owned(),
    };
    let is_day = whole.len() == 10 && whole.parse::<jiff::civil::Date>().is_ok();
    is_day && when >= "1900" && today.get(..when.len()).is_some_and(|begun| when <= begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_about_what_has_begun() {
        let now = Moment::parse("2026-10-05T12:00:00Z").expect("a moment");
        for when in ["2026-10-05", "2026-10", "2026", "2014-05-27", "1900"] {
            assert!(is_past(when, now), "{when}");
        }
        for when in ["2026-10-06", "2026-11", "2027", "2026-02-30", "1899", "26-10-05", "2026-1", "", "2026-10-05T"] {
            assert!(!is_past(when, now), "{when}");
        }
    }

    #[test]
    fn an_assistant_a_volunteer_and_an_auditor_write_nothing() {
        for role in [Role::Pa, Role::Vol, Role::Vco, Role::Aud, Role::Prv, Role::Sys, Role::Obs, Role::Anl, Role::Sch] {
            assert!(may_write(role).is_empty(), "{role:?}");
            assert_eq!(may_prepare(role).is_empty(), role != Role::Pa, "{role:?}");
        }
    }
}
