//! Audit drafts: what each story writes into the log, in ids and codes only.

use super::Caller;
use super::disclose::{Question, Weighed};
use super::released::Rendered;
use crate::audit::payload::{
    Basis, Client, Dataset, Hat, Item, Marker, Payload, Policy, Recipient, Relationship, length_class,
};
use crate::audit::{Draft, Event, Outcome};
use crate::ident::{AccountId, AgencyId, EntryId, PersonId, SegmentId};
use crate::sharing::decision;
use crate::vocabulary::Level;
use std::collections::{BTreeMap, BTreeSet};

/// A payload that names the calling system.
pub(super) fn by_caller(event: Event, caller: &Caller) -> Payload {
    let mut payload = Payload::new(event);
    payload.client = Some(Client {
        system: Some(caller.system.clone()),
        certificate: Some(caller.certificate.clone()).filter(|c| !c.is_empty()),
        zone: None,
        request: Some(caller.request.clone()),
    });
    payload
}

/// The entry of one disclosure or refusal.
pub(super) fn of_question(
    id: EntryId,
    question: &Question,
    weighed: &Weighed,
    (content, inputs): (Option<(&Rendered, &str)>, String),
) -> Draft {
    // What an override opened is its use, whatever door it went through (R38, R45).
    let opened = weighed.disclosable.items().iter().any(|i| i.decision.reason == decision::Reason::AllowOverride);
    let event = match () {
        () if weighed.refusal.is_some() => Event::Refuse,
        () if opened => Event::OvrUse,
        () => question.event,
    };
    let mut payload = by_caller(event, &question.caller);
    payload.actor = Some(question.account.clone());
    payload.hat = weighed.hat.as_ref().map(|h| Hat {
        id: Some(question.hat.clone()),
        role: h.role,
        agency: h.agency.clone(),
        team: h.team.as_ref().map(|t| t.as_str().to_owned()),
    });
    payload.subject = Some(question.subject.clone());
    payload.purpose = Some(question.purpose);
    payload.reason = weighed.refusal.as_ref().map(|r| r.reason.code().to_owned());
    payload.policy =
        Some(Policy { version: weighed.policy_version.clone(), row: matrix_rows(weighed), inputs: Some(inputs) });
    let basis = weighed.disclosable.basis();
    payload.basis = Some(Basis {
        art6: Some(basis.art6.clone()),
        art9_10: Some(basis.art9_10.clone()),
        gateway: Some(basis.gateway.clone()),
        confidence: Some(basis.confidence.clone()),
    });
    decisions(&mut payload, weighed);
    let by = content.and_then(|(rendered, _)| rendered.written.as_ref());
    payload.dataset = Some(Dataset {
        item: question.item.clone(),
        mapping: by.map(|w| w.mapping.clone()),
        mapping_version: by.map(|w| w.version.clone()),
        length_class: content.map(|(rendered, _)| length_class(rendered.bytes.len())),
        content: content.map(|(_, digest)| digest.to_owned()),
        ..Dataset::default()
    });
    if let Some(by) = by {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        payload.counts.insert("values_carried".to_owned(), number(by.carried));
        payload.counts.insert("values_lost".to_owned(), number(by.reported));
    }
    payload.recipient =
        Some(Recipient { agency: question.caller.agency.clone(), system: Some(question.caller.system.clone()) });
    Draft::new(outcome(weighed), payload).with_id(id)
}

/// A digest of the matrix rows that the decisions used, each once, in order.
fn matrix_rows(weighed: &Weighed) -> Option<String> {
    let items = weighed.disclosable.items().iter();
    let rows: BTreeSet<String> = items.filter_map(|i| i.decision.basis.matrix).map(|row| row.to_string()).collect();
    (!rows.is_empty()).then(|| {
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        super::disclose::hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
    })
}

fn decisions(payload: &mut Payload, weighed: &Weighed) {
    let mut permissions = BTreeSet::new();
    for item in weighed.disclosable.items() {
        let found = &item.decision;
        payload.items.push(Item {
            segment: SegmentId::new(item.segment.clone()),
            category: item.category,
            level: found.level,
            reason: found.reason.code().to_owned(),
            limit: found.limit.map(|l| l.code().to_owned()),
            marker: match found.marker {
                decision::Marker::None => None,
                decision::Marker::Shown => Some(Marker::Shown),
                decision::Marker::Silent => Some(Marker::Silent),
            },
            custodian: AgencyId::new(item.custodian.clone()),
        });
        permissions.extend(found.basis.permissions.iter().map(|id| id.to_string()));
        let basis = &found.basis;
        payload.override_id = payload.override_id.take().or_else(|| basis.override_id.as_deref().map(str::to_owned));
        payload.delegation = payload.delegation.take().or_else(|| basis.delegation.as_deref().map(str::to_owned));
        payload.item_grant = payload.item_grant.take().or_else(|| basis.item_grant.as_deref().map(str::to_owned));
        if let (None, Some(id)) = (&payload.relationship, &basis.relationship) {
            payload.relationship = Some(Relationship { id: id.to_string(), kind: weighed.relationship_kind(id) });
            payload.case = weighed.relationship_case(id);
        }
    }
    payload.permissions = permissions.into_iter().collect();
    payload.on_behalf_of = weighed.on_behalf_of.clone();
}

fn outcome(weighed: &Weighed) -> Outcome {
    if weighed.refusal.is_some() {
        return Outcome::Deny;
    }
    let levels: Vec<Level> = weighed.disclosable.items().iter().map(|i| i.decision.level).collect();
    if levels.iter().all(|l| *l == Level::F) {
        Outcome::Allow
    } else if levels.iter().all(|l| *l == Level::N) {
        Outcome::Deny
    } else {
        Outcome::Partial
    }
}

/// What an accepted message left in quarantine: how many items for each kind of reason. About nobody that can be told.
pub(super) fn of_quarantine(caller: &Caller, dataset: Dataset, counts: BTreeMap<String, u32>) -> Draft {
    let mut payload = by_caller(Event::Send, caller);
    payload.actor = Some(AccountId::new(format!("system:{}", caller.system)));
    payload.dataset = Some(dataset);
    payload.counts = counts;
    Draft::new(Outcome::Partial, payload)
}

/// The entry of an accepted message, one per subject.
pub(super) fn of_submission(caller: &Caller, subject: Option<PersonId>, dataset: Dataset) -> Draft {
    let mut payload = by_caller(Event::Send, caller);
    payload.actor = Some(AccountId::new(format!("system:{}", caller.system)));
    payload.subject = subject;
    payload.dataset = Some(dataset);
    Draft::new(Outcome::Allow, payload)
}
