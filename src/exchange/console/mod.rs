//! The auditor's console: the log searched, explained, checked and exported by people at the pages.
//!
//! Owns who may (the hats AUD and PRV, each under its own view), that every look is an entry before anything is shown, and
//! what is kept beside the log for them: saved searches, notes on entries, requests to learn who a pseudonym stands for.
//! Never gives out content or the name of a person (R80). Read [`Gateway::search_log`] first; the questions themselves are
//! `questions`.

mod charts;
mod explain;
mod export;
mod integrity;
mod note;
mod reidentify;
mod remembered;
mod saved;

pub use charts::{AnswerTime, Charts, ChartsKey, Counts, Figure};
pub use explain::{Explained, Ground, SegmentExplained};
pub use export::{ExportForm, Exported};
pub use integrity::{Compared, EntryCheck, LogHealth, Verified, Watch};
pub use note::{EntryNote, NoteKind};
pub use reidentify::{Identity, Reidentify, Standing};
pub use remembered::Remembered;
pub use saved::SavedSearch;

use super::questions::{Answer, Ask, Asker, QuestionId, Viewer};
use super::visit::account::shown_of;
use super::{Failure, Gateway, Visitor};
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Origin, Outcome, payload};
use crate::ident::{AccountId, AgencyId, EntryId};
use crate::sharing::decision::{Limit, Reason};
use crate::store::{Job, KeptKind};
use crate::vocabulary::Role;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// What a counted answer is remembered by: the question, the span, the filters it takes (event, agency), and the view: its
/// agency, and whether it shows intelligence or adoption items.
pub type CountedKey =
    (QuestionId, (i64, i64), (Option<Event>, Option<String>, Option<usize>), (Option<String>, bool, bool));

/// The key of a question that only counts, when nothing else narrows it.
fn counted_key(question: QuestionId, viewer: &Viewer, ask: &Ask) -> Option<CountedKey> {
    let counts = matches!(question, QuestionId::Q6 | QuestionId::Q12 | QuestionId::Q15 | QuestionId::Q16);
    let known = Ask {
        from: ask.from,
        to: ask.to,
        event: ask.event,
        agency: ask.agency.clone(),
        limit: ask.limit,
        ..Ask::default()
    };
    let view = (viewer.agency.clone(), viewer.police, viewer.adoption);
    (counts && *ask == known).then(|| (question, (ask.from, ask.to), (ask.event, ask.agency.clone(), ask.limit), view))
}

impl Gateway {
    /// Whether a visitor's hat opens the console.
    #[must_use]
    pub fn may_audit(visitor: &Visitor) -> bool {
        visitor.hat.as_ref().is_some_and(|h| matches!(h.role, Role::Aud | Role::Prv))
    }

    /// The view of a visitor; for every other hat the console does not exist.
    async fn console_view(&self, visitor: &Visitor) -> Result<Viewer, Failure> {
        let hat = visitor.hat.as_ref().filter(|_| Self::may_audit(visitor)).ok_or(Failure::NotFound)?;
        let worn = payload::Hat {
            id: Some(hat.id.clone()),
            role: hat.role,
            agency: hat.agency.clone(),
            team: hat.team.as_ref().map(|t| t.as_str().to_owned()),
        };
        self.view_of(&visitor.account, worn).await
    }

    /// Whether an agency is one of the police: its officers' view shows intelligence items.
    #[must_use]
    pub fn is_police_agency(&self, agency: &AgencyId) -> bool {
        Asker::is_police(self.config(), agency.as_str())
    }

    fn asker(&self, viewer: Viewer) -> Asker<'_> {
        let now = self.clock().now();
        Asker::new((&self.db, &self.keys), self.config(), viewer, now)
    }

    /// The ask with whom its reference stands for. What was found once is remembered: a reference never means anybody else.
    async fn resolved(&self, viewer: &Viewer, mut ask: Ask) -> Result<Ask, Failure> {
        let Some(name) = ask.subject.clone() else { return Ok(ask) };
        if let Some(person) = self.references.find(&name) {
            ask.subject = Some(person);
            return Ok(ask);
        }
        let all = self.db.log_subjects().await?;
        let named = all.into_iter().map(|person| (viewer.subject(&self.keys, &person), person));
        ask.subject = Some(self.references.learn(named.collect(), &name).ok_or(Failure::NotFound)?);
        Ok(ask)
    }

    /// The entry about a look at the log; durable when this returns.
    async fn logged(&self, visitor: &Visitor, event: Event, what: String) -> Result<EntryId, Failure> {
        self.logged_with(visitor, event, what, |_| {}).await
    }

    async fn logged_with(
        &self,
        visitor: &Visitor,
        event: Event,
        what: String,
        also: impl FnOnce(&mut Payload),
    ) -> Result<EntryId, Failure> {
        let id = EntryId::new(Self::fresh_id());
        let mut payload = visitor.payload(event);
        payload.change = Some(Change { what, before: None, after: None });
        also(&mut payload);
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload).with_id(id.clone()))).await?;
        Ok(id)
    }

    /// Entries of a span, with the filters given. The search is an entry before anything is found.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats and for a pseudonym that stands for nobody; [`Failure::Unclear`],
    /// [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn search_log(&self, visitor: &Visitor, ask: Ask) -> Result<Answer, Failure> {
        let viewer = self.console_view(visitor).await?;
        only_pseudonyms(&ask)?;
        self.logged(visitor, Event::AuditQuery, format!("search by {}", filters(&ask))).await?;
        let ask = self.resolved(&viewer, ask).await?;
        let asker = self.asker(viewer).brief();
        let ask = asker.prepare(ask).await?;
        asker.entries(&ask).await
    }

    /// Answers one of the twenty questions; the asking is an entry first.
    ///
    /// # Errors
    /// As [`Gateway::search_log`].
    pub async fn ask_question(&self, visitor: &Visitor, question: QuestionId, ask: Ask) -> Result<Answer, Failure> {
        let viewer = self.console_view(visitor).await?;
        only_pseudonyms(&ask)?;
        self.logged(visitor, Event::AuditQuery, format!("{} by {}", question.code(), filters(&ask))).await?;
        let ask = self.resolved(&viewer, ask).await?;
        let key = counted_key(question, &viewer, &ask);
        let asker = self.asker(viewer);
        let ask = asker.prepare(ask).await?;
        if let Some(key) = key {
            return self.counted_answer(&asker, question, &ask, key).await;
        }
        let mut answer = asker.answer(question, &ask).await?;
        if question == QuestionId::Q19 {
            // The sealed part names people by the gateway's own ids and holds what was typed: the entry is proved without it.
            for row in &mut answer.rows {
                row.remove("payload");
                row.remove("salt");
            }
            answer.columns.retain(|c| !matches!(*c, "payload" | "salt"));
        }
        Ok(answer)
    }

    /// The answer to a question that only counts: figures of the last ten minutes, saying when they were counted.
    async fn counted_answer(
        &self,
        asker: &Asker<'_>,
        question: QuestionId,
        ask: &Ask,
        key: CountedKey,
    ) -> Result<Answer, Failure> {
        let now = self.clock().now();
        if let Some(answer) = self.counted.find(&key, now.millis()) {
            return Ok(Answer::clone(&answer));
        }
        let mut answer = asker.answer(question, ask).await?;
        answer.notes.push(format!("Counted on {}. The figures stand for ten minutes.", local(now)));
        self.counted.keep(key, now.millis(), &Arc::new(answer.clone()));
        Ok(answer)
    }

    /// The proof file of one entry, without its sealed part; handing it out is an entry.
    ///
    /// # Errors
    /// As [`Gateway::search_log`]; [`Failure::NotFound`] also for an entry outside the view.
    pub async fn entry_proof(&self, visitor: &Visitor, id: &str) -> Result<String, Failure> {
        let viewer = self.console_view(visitor).await?;
        let asker = self.asker(viewer);
        let row = asker.one(id).await?;
        self.logged_with(visitor, Event::AuditExport, "proof".to_owned(), |p| {
            p.refers_to = vec![row.entry.id.clone()];
        })
        .await?;
        asker.proof(&row, None).await
    }

    /// The size of the newest checkpoint that enough witnesses have cosigned.
    async fn witnessed_size(&self, origin: &str) -> Result<Option<u64>, Failure> {
        let origin = Origin::parse(origin).map_err(|_| Failure::Inconsistent("an entry's log"))?;
        let needed = self.config().audit.witnesses_needed.max(1);
        let cosigned = self.db.cosigned(&origin).await?;
        Ok(cosigned.iter().filter(|(_, number, _)| *number >= needed).map(|(size, ..)| *size).max())
    }

    /// How accounts are called, for those who see accounts by name (R80); an account without means is missing.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for other hats; [`Failure::Store`].
    pub async fn account_names(
        &self,
        visitor: &Visitor,
        accounts: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        if !Self::may_audit(visitor) {
            return Err(Failure::NotFound);
        }
        let mut names = BTreeMap::new();
        for account in accounts {
            let found = self.db.kept_of(&self.keys, KeptKind::Means, account, self.clock().now()).await?;
            let shown = found.first().and_then(|kept| shown_of(&kept.body));
            names.extend(shown.map(|shown| (account.clone(), shown)));
        }
        Ok(names)
    }
}

/// Most references remembered: two views of a county. Beyond it they are looked up anew.
const REFERENCES_MAX: usize = 100_000;

/// Whom references stand for, of all views: they are keyed by the view, so that two never meet.
#[derive(Default)]
pub struct References(Mutex<HashMap<String, String>>);

impl std::fmt::Debug for References {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("References")
    }
}

impl References {
    fn find(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Remembers these, and says whom one of them stands for.
    fn learn(&self, named: HashMap<String, String>, wanted: &str) -> Option<String> {
        let found = named.get(wanted).cloned();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len().saturating_add(named.len()) > REFERENCES_MAX {
            known.clear();
        }
        if named.len() <= REFERENCES_MAX {
            known.extend(named);
        }
        found
    }
}

/// The console speaks of people and cases by pseudonym only: the gateway's own ids would let two views be joined.
fn only_pseudonyms(ask: &Ask) -> Result<(), Failure> {
    let pseudonym = |text: &Option<String>, start: &str| text.as_deref().is_none_or(|t| t.starts_with(start));
    if pseudonym(&ask.subject, "s-") && pseudonym(&ask.case, "c-") { Ok(()) } else { Err(Failure::NotFound) }
}

/// The names of the filters used, for the entry: never their values.
fn filters(ask: &Ask) -> String {
    let used = [
        ("subject", ask.subject.is_some()),
        ("case", ask.case.is_some()),
        ("account", ask.actor.is_some()),
        ("linked", !ask.linked.is_empty()),
        ("agency", ask.agency.is_some()),
        ("hat", ask.hat.is_some()),
        ("role", ask.role.is_some()),
        ("purpose", ask.purpose.is_some()),
        ("category", !ask.categories.is_empty()),
        ("event", ask.event.is_some()),
        ("outcome", ask.outcome.is_some()),
        ("reason", ask.reason.is_some()),
        ("entry", ask.entry.is_some()),
        ("message", ask.message.is_some()),
        ("segment", ask.segment.is_some()),
    ];
    let names: Vec<&str> = used.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    if names.is_empty() { "time".to_owned() } else { format!("time, {}", names.join(", ")) }
}

/// Who wrote something at the console.
fn by(visitor: &Visitor) -> AccountId {
    visitor.account.clone()
}

/// Every code a decision can carry: reasons, then limits.
pub fn reason_codes() -> impl Iterator<Item = &'static str> {
    Reason::ALL.iter().map(|r| r.code()).chain(Limit::ALL.iter().map(|l| l.code()))
}

/// A moment as people in the partnership read it.
fn local(at: crate::clock::Moment) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC);
    at.timestamp().to_zoned(zone).strftime("%-d %B %Y at %H:%M").to_string()
}
