//! A concern that a school's own system sends: the school's format in, status, answer and outcome back.
//!
//! Owns the way from the message's members to a concern, and which system may read it back: the one that sent it. The same
//! `concernId` twice is one concern. With a user's assertion it is the user's; without one it is the school's own system that
//! speaks for its safeguarding lead, if the lead was told.
//!
//! # Source
//! School concern dossier, "Gateway JSON"; sharing rules R82, R83.

use super::kept::Author;
use super::{Concern, ConcernForm};
use crate::audit::Event;
use crate::audit::payload::Payload;
use crate::config::AgencyKind;
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::{Caller, Failure, Gateway, User, entries};
use crate::ident::AccountId;
use crate::vocabulary::Role;
use serde::Deserialize;
use serde_json::{Value, json};

/// Characters of a concern's id: as many as a keyed hash needs not to meet another.
const ID_CHARS: usize = 32;
/// Longest `concernId`, in bytes.
const CONCERN_ID_BYTES_MAX: usize = 128;
/// What is asked when the message asks nothing in words: schools' formats have no place for it.
const QUESTION: &str = "Sent by the school's own system: what should the school do?";

/// A concern in the school's own format. Unknown members are tolerated, as the format says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the members of schemas/school-concern/concern.schema.json")]
#[derive(Default)]
pub struct SystemConcern {
    pub concern_id: String,
    pub recorded_at: Option<String>,
    pub occurred_at: Option<String>,
    pub reported_by: Option<Named>,
    pub child: Child,
    pub categories: Vec<String>,
    pub detail: Option<String>,
    pub childs_own_words: Option<String>,
    pub body_map: Vec<Mark>,
    pub actions: Vec<Action>,
    pub dsl_informed: Option<bool>,
    pub immediate_danger: Option<bool>,
    pub parents_informed: Option<bool>,
    pub parents_informed_reason_if_not: Option<String>,
    pub consent_to_share: Option<bool>,
    pub question: Option<String>,
    pub place: Option<String>,
    pub surgery: Option<Surgery>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "as SystemConcern")]
pub struct Named {
    pub name: Option<String>,
    pub role: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "as SystemConcern")]
pub struct Child {
    pub upn: Option<String>,
    pub surname: Option<String>,
    pub forename: Option<String>,
    pub dob: Option<String>,
    pub age_band: Option<String>,
    pub school_phase: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[allow(missing_docs, reason = "as SystemConcern")]
pub struct Mark {
    pub site: Option<String>,
    pub appearance: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[allow(missing_docs, reason = "as SystemConcern")]
pub struct Action {
    pub at: Option<String>,
    pub by: Option<String>,
    pub action: Option<String>,
    pub outcome: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[allow(missing_docs, reason = "as SystemConcern")]
pub struct Surgery {
    pub requested: Option<bool>,
}

/// A system, and the user it vouches for.
struct Sender<'a> {
    caller: &'a Caller,
    user: Option<(&'a User, Role)>,
}

impl Author for Sender<'_> {
    fn entry(&self, event: Event) -> Payload {
        let mut payload = entries::by_caller(event, self.caller);
        if let Some((user, role)) = self.user {
            payload.actor = Some(user.account.clone());
            payload.hat = Some(crate::audit::payload::Hat {
                id: Some(user.hat.clone()),
                role,
                agency: self.caller.agency.clone(),
                team: None,
            });
        }
        payload
    }
}

impl Gateway {
    /// Takes a concern from a school's system.
    ///
    /// # Errors
    /// [`Failure::Refused`] for a system of no school, or a user who submits no concerns; [`Failure::Invalid`] with every member
    /// that is missing or wrong; [`Failure::Conflict`] when the id was used for another concern.
    pub async fn concern_from_system(
        &self,
        caller: &Caller,
        user: Option<&User>,
        sent: SystemConcern,
    ) -> Result<Value, Failure> {
        let sender = self.sender(caller, user).await?;
        let faults = sent.faults();
        if !faults.is_empty() {
            return Err(Failure::Invalid(faults));
        }
        let id = self.system_concern_id(caller, &sent.concern_id);
        // Other staff's concern goes to the lead first; so does one that the lead was not told of (SUR-7).
        let lead = sender.user.map_or(sent.dsl_informed != Some(false), |(_, role)| role == Role::Dsl);
        let asked = sent.surgery.as_ref().and_then(|s| s.requested) != Some(false);
        let by = user.map_or_else(|| AccountId::new(format!("system:{}", caller.system)), |u| u.account.clone());
        let now = self.clock().now();
        let concern = Concern {
            in_school: !lead || !asked,
            system: Some(caller.system.clone()),
            ..sent.form().concern(id.clone(), &caller.agency, &by, now)
        };
        match self.keep_concern(&sender, &concern, 0, Event::Request).await {
            Ok(()) => Ok(standing(&concern)),
            Err(Failure::Conflict) => {
                let known = self.concern(&id).await?.concern;
                if known.seen == concern.seen && known.about == concern.about && known.when == concern.when {
                    Ok(standing(&known))
                } else {
                    Err(Failure::Conflict)
                }
            }
            Err(failure) => Err(failure),
        }
    }

    /// What became of a concern, for the system that sent it.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for another's, as for none.
    pub async fn concern_for_system(&self, caller: &Caller, id: &str) -> Result<Value, Failure> {
        let found = self.concern(id).await?;
        if found.concern.system.as_ref() != Some(&caller.system) || found.concern.school != caller.agency {
            return Err(Failure::NotFound);
        }
        self.concern_was_read(&Sender { caller, user: None }, &found.concern).await?;
        Ok(standing(&found.concern))
    }

    async fn sender<'a>(&self, caller: &'a Caller, user: Option<&'a User>) -> Result<Sender<'a>, Failure> {
        let school = |a: &crate::config::Agency| {
            a.id == caller.agency && matches!(a.kind, AgencyKind::School | AgencyKind::Nursery)
        };
        if !self.config().agencies.iter().any(school) {
            return Err(Failure::Refused { reason: "D-PURPOSE" });
        }
        let Some(user) = user else { return Ok(Sender { caller, user: None }) };
        let at = self.facts.now(&self.db).await?;
        let hat = self.hat_through_system(caller, (&user.account, &user.hat), at).await?;
        if !matches!(hat.role, Role::Dsl | Role::Sch) {
            return Err(Failure::Refused { reason: "D-PURPOSE" });
        }
        Ok(Sender { caller, user: Some((user, hat.role)) })
    }

    /// The same concern of the same system has the same id, which says nothing of either.
    fn system_concern_id(&self, caller: &Caller, given: &str) -> String {
        use std::fmt::Write as _;
        let digest = self.keys.hash("concern of a system", format!("{}/{given}", caller.system).as_bytes());
        let mut id = String::with_capacity(ID_CHARS);
        for byte in digest.iter().take(ID_CHARS / 2) {
            let _ = write!(id, "{byte:02x}");
        }
        id
    }
}

/// What the school learns: where it is, what the surgery said, how it ended; never more of another service (R82).
fn standing(concern: &Concern) -> Value {
    let decided = concern.decided.as_ref();
    let said: Vec<Value> = concern
        .thread
        .iter()
        .map(|s| json!({"side": s.side, "at": crate::clock::Moment::from_millis(s.at).to_string(), "text": s.text}))
        .collect();
    let mut body = json!({
        "id": concern.id, "status": concern.status.word(), "inSchool": concern.in_school,
        "dueAt": crate::clock::Moment::from_millis(concern.due_at).to_string(),
        "outcome": concern.outcome.map(|o| o.word()), "thread": said,
    });
    if let (Some(decided), Value::Object(map)) = (decided, &mut body) {
        map.insert("answer".to_owned(), json!(decided.answer.word()));
        map.insert("reason".to_owned(), json!(decided.reason));
        map.insert("actions".to_owned(), json!(decided.actions));
    }
    body
}

impl SystemConcern {
    fn is_named(&self) -> bool {
        [&self.child.surname, &self.child.forename, &self.child.upn].into_iter().any(|part| filled(part).is_some())
    }

    /// Every member that is missing or wrong, by its place in the message.
    fn faults(&self) -> Vec<Diagnostic> {
        let id = &self.concern_id;
        let mut found = Vec::new();
        if id.is_empty() || id.len() > CONCERN_ID_BYTES_MAX {
            found.push("/concernId");
        }
        found.extend(self.form().faults().into_iter().map(pointer));
        let fault = |at: &str| {
            Diagnostic::error(code::HTTP_BODY, "the member is missing or not what a concern takes here")
                .with_pointer(at.to_owned())
        };
        found.into_iter().map(fault).collect()
    }

    /// As the form has it.
    fn form(&self) -> ConcernForm {
        let text = |part: &Option<String>| filled(part).unwrap_or_default().to_owned();
        let day = filled(&self.occurred_at).or_else(|| filled(&self.recorded_at)).unwrap_or_default();
        let reporter = self.reported_by.as_ref();
        let reporter = [reporter.and_then(|r| filled(&r.name)), reporter.and_then(|r| filled(&r.role))];
        let named = self.is_named();
        ConcernForm {
            danger: self.immediate_danger.unwrap_or(false),
            named,
            given: text(&self.child.forename),
            family: text(&self.child.surname),
            born: text(&self.child.dob),
            upn: text(&self.child.upn),
            band: text(&self.child.age_band),
            phase: text(&self.child.school_phase),
            own_words: text(&self.childs_own_words),
            seen: self.seen(),
            when: day.get(..10).unwrap_or(day).to_owned(),
            place: text(&self.place),
            // A concern without names names nobody, the reporter neither.
            who_knows: if named {
                reporter.into_iter().flatten().collect::<Vec<_>>().join(", ")
            } else {
                String::new()
            },
            parents_told: self.parents_informed.unwrap_or(false),
            not_told_why: text(&self.parents_informed_reason_if_not),
            parents_agree: self.consent_to_share.unwrap_or(false),
            question: filled(&self.question).unwrap_or(QUESTION).to_owned(),
        }
    }

    /// What was seen, with categories, marks on the body and what was done.
    fn seen(&self) -> String {
        let mut parts: Vec<String> = filled(&self.detail).map(str::to_owned).into_iter().collect();
        if !self.categories.is_empty() {
            parts.push(format!("Categories: {}", self.categories.join(", ")));
        }
        let both = |a: &Option<String>, b: &Option<String>| {
            [filled(a), filled(b)].into_iter().flatten().collect::<Vec<_>>().join(": ")
        };
        parts.extend(self.body_map.iter().map(|m| both(&m.site, &m.appearance)));
        for action in &self.actions {
            let who = both(&action.at, &action.by);
            let what = both(&action.action, &action.outcome);
            parts.push([who, what].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" – "));
        }
        parts.retain(|part| !part.is_empty());
        parts.join("\n")
    }
}

fn filled(part: &Option<String>) -> Option<&str> {
    part.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// Where a form's member stands in the message.
fn pointer(member: &'static str) -> &'static str {
    match member {
        "given" => "/child/forename",
        "family" => "/child/surname",
        "born" => "/child/dob",
        "upn" => "/child/upn",
        "band" => "/child/ageBand",
        "phase" => "/child/schoolPhase",
        "own_words" => "/childsOwnWords",
        "seen" => "/detail",
        "when" => "/occurredAt",
        "not_told_why" => "/parentsInformedReasonIfNot",
        "question" => "/question",
        "place" => "/place",
        "who_knows" => "/reportedBy",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_the_schools_format_becomes_the_form() {
        let sent: SystemConcern = serde_json::from_value(json!({
            "concernId": "C1", "occurredAt": "2026-10-05T09:00:00", "unknown": 1,
            "child": {"upn": "V899200116001", "surname": "Pryce", "forename": "Ellis", "dob": "2018-04-09"},
            "categories": ["Neglect"], "detail": "Hungry again.", "bodyMap": [{"site": "left arm", "appearance": "bruise"}],
            "actions": [{"by": "DSL", "action": "Spoke to child", "outcome": null}], "parentsInformed": true
        }))
        .unwrap();
        let form = sent.form();
        assert!(sent.faults().is_empty() && form.named);
        assert_eq!(form.when, "2026-10-05");
        assert_eq!(form.seen, "Hungry again.\nCategories: Neglect\nleft arm: bruise\nDSL – Spoke to child");
    }

    #[test]
    fn what_is_missing_is_named_by_its_place() {
        let sent: SystemConcern =
            serde_json::from_value(json!({"concernId": "C1", "child": {"surname": "Pryce"}, "detail": "x"})).unwrap();
        let found: Vec<String> = sent.faults().into_iter().filter_map(|d| d.pointer).collect();
        for at in ["/child/forename", "/child/dob", "/occurredAt", "/parentsInformedReasonIfNot"] {
            assert!(found.contains(&at.to_owned()), "{at}: {found:?}");
        }
    }
}
