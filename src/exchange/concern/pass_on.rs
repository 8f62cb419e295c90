//! A concern that is passed on, as a message: the school's own format, taken in like any other, so that it is stored, matched,
//! labelled and offered to the council's system along the configured route from `pages`.

use super::{About, Concern};
use crate::audit::{Draft, Event, Outcome as Logged};
use crate::clock::Moment;
use crate::exchange::visit::PAGES;
use crate::exchange::{Caller, Failure, Gateway, Submission, Visitor};
use crate::ident::{HatId, MessageId, SystemId};
use crate::store::{Effect, Job, Section};
use crate::vocabulary::Category;
use serde_json::json;
use std::collections::BTreeSet;

/// The format a concern is written in.
const FORMAT: &str = "school-concern";

impl Gateway {
    /// Takes the concern in as a message of the school; returns the message's id. The same concern twice is one message.
    pub(super) async fn write_contact(&self, visitor: &Visitor, concern: &Concern) -> Result<String, Failure> {
        let body = serde_json::to_vec(&document(concern)?).map_err(|_| Failure::Inconsistent("a concern"))?;
        let caller = Caller {
            system: SystemId::new(PAGES),
            agency: concern.school.clone(),
            format: FORMAT.to_owned(),
            certificate: String::new(),
            request: visitor.request.clone(),
        };
        let submission = Submission { body, idempotency_key: Some(format!("concern {}", concern.id)) };
        let message = self.receive(&caller, submission).await?.id;
        self.open_contacts(visitor, concern, &message).await?;
        Ok(message)
    }

    /// Whoever receives the contact has a relationship to the child from now on (R5: recipient of an open contact), with the
    /// concern as its evidence. Written again for the same concern it is the same fact.
    async fn open_contacts(&self, visitor: &Visitor, concern: &Concern, message: &str) -> Result<(), Failure> {
        let records = self.db.records_of(&MessageId::new(message)).await?;
        let segments = self.db.segments_in(&records).await?;
        let identity = segments.iter().find(|s| s.category == Some(Category::Idn));
        let Some(child) = identity.and_then(|s| s.about.first()) else { return Ok(()) };
        let now = self.clock().now().to_string();
        let routes = self.config().routes.iter().filter(|r| r.from.as_str() == PAGES);
        let hats: BTreeSet<&HatId> = routes.map(|r| &r.hat).collect();
        for hat in hats {
            let id = format!("contact-{}-{hat}", concern.id);
            let body = json!({
                "id": id, "kind": "contact", "hat": hat, "subject": child, "from": now,
                "evidence": format!("concern {}", concern.id),
            });
            let mut payload = visitor.payload(Event::RelStart);
            payload.subject = Some(child.clone());
            let put = Effect::PutFact { section: Section::Relationships, id, body, expected_version: None };
            self.committer.commit(Job::new(Draft::new(Logged::Allow, payload)).with_effect(put)).await?;
        }
        Ok(())
    }
}

fn document(concern: &Concern) -> Result<serde_json::Value, Failure> {
    let About::Named(child) = &concern.about else {
        return Err(Failure::Inconsistent("a concern without names is not written anywhere"));
    };
    let mut pupil = json!({"surname": child.family, "forename": child.given, "dob": child.born});
    if let (Some(upn), Some(pupil)) = (&child.upn, pupil.as_object_mut()) {
        pupil.insert("upn".to_owned(), json!(upn));
    }
    let mut document = json!({
        "concernId": concern.id,
        "sourceSystem": "solent",
        "recordedAt": local_time(concern.submitted_at),
        "occurredAt": format!("{}T00:00:00", concern.when),
        "child": pupil,
        "detail": concern.seen,
        "dslInformed": true,
        "immediateDanger": concern.danger,
        "parentsInformed": concern.parents_told,
        "consentToShare": concern.parents_agree,
    });
    let Some(members) = document.as_object_mut() else { return Ok(document) };
    if !concern.own_words.trim().is_empty() {
        members.insert("childsOwnWords".to_owned(), json!(concern.own_words));
    }
    if !concern.parents_told {
        members.insert("parentsInformedReasonIfNot".to_owned(), json!(concern.not_told_why));
    }
    if !concern.parents_agree {
        members.insert("lawfulBasisIfNoConsent".to_owned(), json!("safeguarding-of-children"));
    }
    if let Some(decided) = &concern.decided {
        let surgery = json!({
            "requested": true, "answer": decided.answer.word(), "answeredBy": "surgery",
            "answeredAt": local_time(decided.at), "rationale": decided.reason,
        });
        members.insert("surgery".to_owned(), surgery);
    }
    Ok(document)
}

/// As the format writes times: London, without an offset.
fn local_time(millis: i64) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC);
    Moment::from_millis(millis).timestamp().to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
