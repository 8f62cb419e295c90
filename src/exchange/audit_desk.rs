//! The auditor's desk: a user of a connected system asks the log, under an auditor's or a privacy officer's hat.
//!
//! Owns who may ask and under which view: a hat of the partnership's auditing agency sees the partnership, every other the
//! entries of its own agency. The entry about the asking is durable before anything is answered (R79 holds for the log too).

use super::alerts::{Alert, AlertState};
use super::questions::{Answer, Ask, Asker, QuestionId, Viewer, audit_events, csv, json_lines};
use super::visit::account::hats_now;
use super::{Caller, Failure, Gateway, entries};
use crate::audit::payload::{Change, Hat};
use crate::audit::{Draft, Event, Outcome};
use crate::ident::{AccountId, HatId};
use crate::store::{Error as StoreError, FactRow, FactsAt, Job, Section};
use crate::vocabulary::Role;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Cases read at a time.
const CASES_PAGE: i64 = 500;

/// What is asked of the log.
#[derive(Clone, Debug)]
pub enum LogRequest {
    /// One of the twenty questions.
    Question(QuestionId, Ask),
    /// Entries of a span.
    Entries(Ask),
    /// One entry.
    Entry(String),
    /// The proof file of one entry.
    Proof(String),
    /// Entries of a span as FHIR `AuditEvent`.
    AuditEvents(Ask),
}

/// How a table is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogForm {
    /// One JSON document.
    #[default]
    Json,
    /// CSV: an export.
    Csv,
    /// JSON lines: an export.
    Lines,
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum LogReply {
    /// JSON.
    Json(Value),
    /// Text of a media type, and where it goes on when there is more.
    Text(&'static str, String, Option<String>),
    /// `AuditEvent` resources, and where they go on.
    Events(Vec<Value>, Option<String>),
}

impl Gateway {
    /// Answers an auditor.
    ///
    /// # Errors
    /// [`Failure::Refused`] when the hat is not an auditor's or privacy officer's, [`Failure::Unclear`], [`Failure::NotFound`],
    /// [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn ask_log(
        &self,
        caller: &Caller,
        (account, hat): (&AccountId, &HatId),
        request: LogRequest,
        form: LogForm,
    ) -> Result<LogReply, Failure> {
        let viewer = self.viewer(caller, account, hat).await?;
        let asker = Asker::new((&self.db, &self.keys), self.config(), viewer, self.clock().now());
        let export = form != LogForm::Json || matches!(request, LogRequest::AuditEvents(_));
        let (what, ask) = match &request {
            LogRequest::Question(question, ask) => (question.code().to_owned(), ask.clone()),
            LogRequest::Entries(ask) => ("entries".to_owned(), ask.clone()),
            LogRequest::AuditEvents(ask) => ("FHIR AuditEvent".to_owned(), ask.clone()),
            LogRequest::Entry(id) => (format!("entry {id}"), Ask::default()),
            LogRequest::Proof(id) => (format!("proof of entry {id}"), Ask::default()),
        };
        let event = if export { Event::AuditExport } else { Event::AuditQuery };
        self.committer.commit(Job::new(asker.own_entry(event, &what, &ask))).await?;
        match request {
            LogRequest::Question(question, ask) => {
                let ask = asker.prepare(ask).await?;
                Ok(formed(&asker.answer(question, &ask).await?, Some(question), form))
            }
            LogRequest::Entries(ask) => {
                let ask = asker.prepare(ask).await?;
                Ok(formed(&asker.entries(&ask).await?, None, form))
            }
            LogRequest::AuditEvents(ask) => {
                let ask = asker.prepare(ask).await?;
                let (rows, next) = asker.page(&ask).await?;
                let events = rows.iter().flat_map(|row| audit_events(row, asker.viewer(), &self.keys)).collect();
                Ok(LogReply::Events(events, next))
            }
            LogRequest::Entry(id) => Ok(LogReply::Json(asker.entry_json(&asker.one(&id).await?))),
            LogRequest::Proof(id) => {
                let row = asker.one(&id).await?;
                Ok(LogReply::Text("text/plain; charset=utf-8", asker.proof(&row, None).await?, None))
            }
        }
    }

    /// The alerts of an officer's agency, newest first; reading them is an entry.
    ///
    /// # Errors
    /// As [`Gateway::ask_log`].
    pub async fn officer_alerts(
        &self,
        caller: &Caller,
        (account, hat): (&AccountId, &HatId),
    ) -> Result<Vec<Alert>, Failure> {
        let viewer = self.viewer(caller, account, hat).await?;
        let mut payload = crate::audit::payload::Payload::new(Event::AuditQuery);
        payload.actor = Some(account.clone());
        payload.hat = viewer.hat.clone();
        payload.change = Some(Change { what: "alerts".to_owned(), before: None, after: None });
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload))).await?;
        self.alerts_of(&caller.agency).await
    }

    /// An officer moves an alert on.
    ///
    /// # Errors
    /// As [`Gateway::settle_alert`].
    pub async fn officer_settles(
        &self,
        caller: &Caller,
        (account, hat): (&AccountId, &HatId),
        id: &str,
        state: AlertState,
    ) -> Result<Alert, Failure> {
        let viewer = self.viewer(caller, account, hat).await?;
        let hat = viewer.hat.ok_or(Failure::Refused { reason: "D-AUTH" })?;
        self.settle_alert(account, &hat, id, state).await
    }

    /// The view of a hat; an attempt under another hat is logged.
    async fn viewer(&self, caller: &Caller, account: &AccountId, hat: &HatId) -> Result<Viewer, Failure> {
        // As they are now: a hat that has ended, or of an account that is not active, reads no log.
        let hats = self.account(account).await?.map(|a| hats_now(&a, self.clock().now())).unwrap_or_default();
        let worn = hats.into_iter().find(|worn| worn.id == *hat && worn.agency == caller.agency);
        let Some(worn) = worn.filter(|worn| matches!(worn.role, Role::Aud | Role::Prv)) else {
            let mut payload = entries::by_caller(Event::Refuse, caller);
            payload.actor = Some(account.clone());
            payload.reason = Some("D-AUTH".to_owned());
            self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await?;
            return Err(Failure::Refused { reason: "D-AUTH" });
        };
        let team = worn.team.map(|team| team.as_str().to_owned());
        let worn = Hat { id: Some(worn.id), role: worn.role, agency: worn.agency, team };
        self.view_of(account, worn).await
    }

    /// The view of an auditor's or a privacy officer's hat, from the console as from a connected system.
    pub(super) async fn view_of(&self, account: &AccountId, hat: Hat) -> Result<Viewer, Failure> {
        let agency = hat.agency.as_str().to_owned();
        let whole =
            hat.role == Role::Aud && self.config().audit.partnership_auditor.as_deref() == Some(agency.as_str());
        let leads = if whole { Arc::default() } else { self.led_by(&agency).await? };
        Ok(Viewer {
            account: account.clone(),
            police: Asker::is_police(self.config(), &agency),
            adoption: false,
            leads,
            hat: Some(hat),
            agency: (!whole).then_some(agency),
        })
    }

    /// People whose case the agency leads; when a fact has changed, only the cases that changed are read again.
    async fn led_by(&self, agency: &str) -> Result<Arc<BTreeSet<String>>, Failure> {
        let at = self.facts.now(&self.db).await?;
        let kept = self.led.find(agency);
        if let Some(led) = kept.as_ref().filter(|led| led.at == at) {
            return Ok(Arc::clone(&led.people));
        }
        let changed = match &kept {
            Some(led) => self.led_since(agency, led).await?,
            None => None,
        };
        let cases = match changed {
            Some(cases) => cases,
            None => Arc::new(self.led_cases(agency).await?),
        };
        let same = kept.filter(|led| Arc::ptr_eq(&led.cases, &cases)).map(|led| led.people);
        let people = same.unwrap_or_else(|| Arc::new(cases.values().flatten().cloned().collect()));
        self.led.keep(agency, LedAt { at, cases, people: Arc::clone(&people) });
        Ok(people)
    }

    /// The cases an agency leads.
    async fn led_cases(&self, agency: &str) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        let (mut all, mut after) = (BTreeMap::new(), String::new());
        loop {
            let page = self.db.facts_in(&self.keys, Section::Cases, &after, CASES_PAGE).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after.clone_from(&last.id);
            page.iter().for_each(|case| take(&mut all, agency, case));
        }
    }

    /// The same, from what was known of an earlier state; `None` when too much has changed.
    async fn led_since(
        &self,
        agency: &str,
        led: &LedAt,
    ) -> Result<Option<Arc<BTreeMap<String, Vec<String>>>>, Failure> {
        let (written, gone) = match self.db.facts_changed(&self.keys, Section::Cases, led.at).await {
            Ok(changed) => changed,
            Err(StoreError::TooMany { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if written.is_empty() && gone.is_empty() {
            return Ok(Some(Arc::clone(&led.cases)));
        }
        let mut cases = BTreeMap::clone(&led.cases);
        written.iter().for_each(|case| take(&mut cases, agency, case));
        gone.iter().for_each(|id| drop(cases.remove(id)));
        Ok(Some(Arc::new(cases)))
    }
}

/// Takes in a case as it is now: its members when the agency leads it.
fn take(cases: &mut BTreeMap<String, Vec<String>>, agency: &str, case: &FactRow) {
    if case.body.get("agency").and_then(Value::as_str) != Some(agency) {
        cases.remove(&case.id);
        return;
    }
    let members = case.body.get("members").and_then(Value::as_array).into_iter().flatten();
    cases.insert(case.id.clone(), members.filter_map(person_of).collect());
}

/// A member of a case: an id, or an object with one.
fn person_of(member: &Value) -> Option<String> {
    member.as_str().or_else(|| member.get("person").and_then(Value::as_str)).map(str::to_owned)
}

/// Whose cases an agency leads, as of a state of the facts.
#[derive(Default, Debug)]
pub(super) struct Led(Mutex<BTreeMap<String, LedAt>>);

/// What an agency led at a state of the facts: its cases with their members, and everybody in them.
#[derive(Clone, Debug)]
struct LedAt {
    at: FactsAt,
    cases: Arc<BTreeMap<String, Vec<String>>>,
    people: Arc<BTreeSet<String>>,
}

impl Led {
    fn find(&self, agency: &str) -> Option<LedAt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(agency).cloned()
    }

    fn keep(&self, agency: &str, led: LedAt) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(agency.to_owned(), led);
    }
}

fn formed(answer: &Answer, question: Option<QuestionId>, form: LogForm) -> LogReply {
    match form {
        LogForm::Json => LogReply::Json(answer.to_json(question)),
        LogForm::Csv => LogReply::Text("text/csv; charset=utf-8", csv(answer, true), answer.next.clone()),
        LogForm::Lines => LogReply::Text("application/x-ndjson", json_lines(answer), answer.next.clone()),
    }
}
