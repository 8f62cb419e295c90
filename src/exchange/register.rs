//! Registering: who works where, who belongs to whom, what was permitted. Each change is stored and logged together.
//!
//! Owns the way facts enter the database: from a file today, from the API and the pages later. Refuses facts that do
//! not make a consistent world.

use super::{Failure, Gateway};
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::diagnostic::{Diagnostic, code};
use crate::ident::{AccountId, AgencyId, PersonId};
use crate::matching::{Identifier, Scheme};
use crate::sharing::facts::{Account, Facts, Time};
use crate::store::{Db, Effect, Job, Presented, Section};
use serde_json::Value;

impl Gateway {
    /// Stores the sections of a facts document (and `caseloads`). Replaces items of the same id. Returns how many.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when the document is not one; nothing is stored then.
    pub async fn register(&self, document: &Value, by: &AccountId) -> Result<usize, Failure> {
        readable(document)?;
        let mut count = 0;
        for section in Section::ALL {
            let items = document.get(section.name()).and_then(Value::as_array);
            for (index, body) in items.into_iter().flatten().enumerate() {
                let id = item_id(*section, body, index);
                self.register_one(*section, &id, body, by).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn register_one(&self, section: Section, id: &str, body: &Value, by: &AccountId) -> Result<(), Failure> {
        let at = self.facts.now(&self.db).await?;
        let earlier = self.facts.fact(at, (&self.db, &self.keys), section, id).await?;
        let earlier = earlier.as_ref().map(|fact| &fact.body);
        let draft = |event: Event| {
            let mut payload = Payload::new(event);
            payload.actor = Some(by.clone());
            payload.subject = subject_of(section, id, body).map(PersonId::new);
            let what = format!("{}/{id}", section.name());
            let before = earlier.map(|body| self.fact_digest(body));
            payload.change = Some(Change { what, before, after: Some(self.fact_digest(body)) });
            if section == Section::Permissions {
                payload.permissions = vec![id.to_owned()];
            }
            Draft::new(Outcome::Allow, payload)
        };
        let (event, more) = events_of(section, earlier, body);
        let put = Effect::PutFact { section, id: id.to_owned(), body: body.clone(), expected_version: None };
        let job = Job::new(draft(event)).with_effect(put);
        let mut job = more.into_iter().map(draft).fold(job, Job::with_entry);
        if section == Section::People {
            let presented = presented(body);
            let change = Db::index_person(&self.keys, &PersonId::new(id), &presented);
            job = job.with_effect(Effect::IndexPerson(change));
        }
        self.committer.commit(job).await?;
        Ok(())
    }
}

/// A document whose sections cannot be read as facts is refused whole.
fn readable(document: &Value) -> Result<(), Failure> {
    let mut facts = document.clone();
    if let Value::Object(map) = &mut facts {
        map.remove(Section::Caseloads.name());
        map.entry("facts").or_insert_with(|| serde_json::json!(1));
        map.entry("now").or_insert_with(|| serde_json::json!("2026-01-01T00:00:00Z"));
        map.entry("asks").or_insert_with(|| serde_json::json!([]));
    }
    serde_json::from_value::<Facts>(facts).map(drop).map_err(|_| {
        let text = "the document is not a set of facts; `solent decide --facts` names the place";
        Failure::Invalid(vec![Diagnostic::error(code::FACTS_SCHEMA, text)])
    })
}

/// Most sections have ids; the others are named by what they say, so that registering twice replaces.
fn item_id(section: Section, body: &Value, index: usize) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("-");
    match section {
        Section::Links => format!("{}.{}.{}", text("a"), text("b"), text("kind")),
        Section::Conflicts => format!("{}.{}", text("account"), text("person")),
        Section::ParentalResponsibility => format!("{}.{}.{}", text("holder"), text("child"), text("basis")),
        Section::Orders => format!("{}.{}.{}", text("kind"), text("child"), text("agency")),
        Section::Strands => format!("{}.{}", text("hat"), text("linked_to")),
        _ => body.get("id").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned),
    }
}

/// The event of a change, and a second one where it does two things: roles can be taken away and given at once.
fn events_of(section: Section, earlier: Option<&Value>, body: &Value) -> (Event, Option<Event>) {
    let account = |body: &Value| serde_json::from_value::<Account>(body.clone()).ok();
    match (section, earlier) {
        (Section::Accounts, Some(earlier)) => match (account(earlier), account(body)) {
            (Some(before), Some(after)) if gives(&after, &before) => {
                (Event::RoleRevoke, gives(&before, &after).then_some(Event::RoleGrant))
            }
            _ => (Event::RoleGrant, None),
        },
        (Section::Relationships, _) if body.get("to").is_some() && earlier.is_some_and(|e| e.get("to").is_none()) => {
            (Event::RelEnd, None)
        }
        _ => (event_of(section, body), None),
    }
}

/// Whether `before` gives a role at some time that `after` does not give then.
fn gives(after: &Account, before: &Account) -> bool {
    let life = |account: &Account, from: Option<Time>, to: Option<Time>| {
        (from.max(account.active_from), [to, account.active_to].into_iter().flatten().min())
    };
    before.hats.iter().any(|hat| {
        let (from, to) = life(before, hat.from, hat.to);
        let same = after.hats.iter().find(|one| (&one.id, one.role, &one.agency) == (&hat.id, hat.role, &hat.agency));
        let Some(same) = same else { return true };
        let (now_from, now_to) = life(after, same.from, same.to);
        let less = hat.supervisor && !same.supervisor || hat.team != same.team;
        less || now_from > from || now_to.is_some_and(|end| to.is_none_or(|to| end < to))
    })
}

fn event_of(section: Section, body: &Value) -> Event {
    let withdrawn = || {
        let events = body.get("events").and_then(Value::as_array).into_iter().flatten();
        events.filter_map(|e| e.get("event").and_then(Value::as_str)).any(|e| e == "withdraw")
    };
    match section {
        Section::Permissions if withdrawn() => Event::PermWithdraw,
        Section::Permissions if body.get("decision").and_then(Value::as_str) == Some("refuse") => Event::PermRefuse,
        Section::Permissions => Event::PermGrant,
        Section::Relationships | Section::Caseloads => Event::RelStart,
        Section::ItemGrants => Event::ItemGrant,
        Section::Overrides => Event::OvrRequest,
        Section::Assessments => Event::CompetenceAssess,
        Section::Protections | Section::Strands => Event::ProtectFlag,
        Section::Seals => Event::AdoptSeal,
        Section::Openings => Event::AdoptOpen,
        Section::Accounts | Section::Teams | Section::Agencies => Event::RoleGrant,
        Section::Cases => Event::PurposeChange,
        _ => Event::PersonLink,
    }
}

fn subject_of(section: Section, id: &str, body: &Value) -> Option<String> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    match section {
        Section::People => Some(id.to_owned()),
        Section::Permissions | Section::Relationships | Section::Overrides => text("subject"),
        Section::Protections | Section::Assessments | Section::Caseloads => text("person"),
        Section::ParentalResponsibility | Section::Orders => text("child"),
        _ => None,
    }
}

fn presented(body: &Value) -> Presented {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let identifiers = body.get("identifiers").and_then(Value::as_array).into_iter().flatten();
    let identifiers = identifiers.filter_map(|i| {
        let scheme = match i.get("kind").and_then(Value::as_str)? {
            "nhs" => Scheme::NhsNumber,
            "upn" => Scheme::Upn,
            "pnc" => Scheme::Pnc,
            // Whose own number it is, a facts file does not say.
            _ => return None,
        };
        Identifier::new(scheme, i.get("value").and_then(Value::as_str)?, &AgencyId::new("register"))
    });
    Presented {
        identifiers: identifiers.collect(),
        birth: text("born"),
        names: text("family_name").zip(text("given_name")).into_iter().collect(),
        homes: Vec::new(),
    }
}
