//! The privacy officer's desk: what was opened for safety, what raised an alert; and the verdicts.
//!
//! Owns whose queue is whose: an officer has the agency's own, an auditor reads it without what people wrote, and nobody
//! decides about their own deed or their own team's. Reviewing an override is `break_glass`'s deed, settling an alert
//! `alerts`'s, people who may be one are `joining`'s. Opening one is itself an entry.
//!
//! # Source
//! Sharing rules R44, R80; pages paper A3.

use super::alerts::{Alert, AlertKind, AlertState};
use super::break_glass::{OverrideDeed, Review};
use super::questions::Viewer;
use super::{Desk, Failure, Gateway, OverrideSeen, OverrideState, Visitor};
use crate::audit::payload::Payload;
use crate::audit::{Draft, Event, Outcome};
use crate::ident::{AccountId, AgencyId, EntryId};
use crate::sharing::facts::{Override, ReviewOutcome, Text};
use crate::store::{Job, Section};
use crate::vocabulary::{Category, Level};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Entries about one person that are looked through for what an override opened.
const ENTRIES_MAX: i64 = 2_000;

/// An override in the queue.
pub struct OverrideCard {
    /// The override, with its owner.
    pub seen: OverrideSeen,
    /// The person, as this view names them.
    pub subject: String,
    /// By when it is to be reviewed.
    pub due: Option<String>,
    /// What was shown through it: category, highest level, how often.
    pub opened: BTreeMap<Category, (Level, usize)>,
    /// How the worker was related to the person in those entries; empty for none.
    pub relations: BTreeSet<String>,
    /// Who approved it.
    pub approved: bool,
    /// The reviews so far: agency, outcome, moment, what was found.
    pub reviews: Vec<(AgencyId, &'static str, String, String)>,
    /// Whether this visitor decides.
    pub may_decide: bool,
    /// Whether that is because they are of the requester's team.
    pub same_team: bool,
}

/// An override in the list.
pub struct OverrideLine {
    /// The override, with its owner.
    pub seen: OverrideSeen,
    /// The alert's moment.
    pub raised_at: String,
    /// By when it is to be reviewed.
    pub due: Option<String>,
    /// Whether this agency has reviewed it.
    pub reviewed: bool,
}

/// Any other alert in the queue.
pub struct AlertCard {
    /// The alert.
    pub alert: Alert,
    /// Who acted.
    pub account: Option<AccountId>,
    /// In which role, agency and team.
    pub hat: Option<super::Worn>,
    /// What they did.
    pub event: &'static str,
    /// Why it was refused, or what was said.
    pub reason: Option<String>,
    /// What they wrote; not for an auditor.
    pub written: Option<String>,
    /// The person, as this view names them.
    pub subject: Option<String>,
    /// The categories that were in question.
    pub categories: BTreeSet<Category>,
    /// How they were related.
    pub relation: Option<String>,
    /// The states it can get from this visitor.
    pub next: Vec<AlertState>,
}

impl Gateway {
    /// The agency's overrides and other alerts, newest first.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but officers and auditors.
    pub async fn review_list(&self, visitor: &Visitor) -> Result<(Vec<OverrideLine>, Vec<Alert>), Failure> {
        self.reads(visitor).await?;
        let agency = &visitor.worn()?.agency;
        let (mut lines, mut alerts, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for alert in self.alerts_of(agency).await? {
            match (&alert.refers_to, is_override(alert.kind)) {
                (Some(id), true) => {
                    if seen.insert(id.clone())
                        && let Some((_, record)) = self.stored::<Override>(Section::Overrides, id).await?
                    {
                        lines.push(self.line(&record, &alert, agency).await?);
                    }
                }
                // One for each look under an override: its card counts them.
                (None, true) => {}
                _ => alerts.push(alert),
            }
        }
        Ok((lines, alerts))
    }

    async fn line(&self, record: &Override, alert: &Alert, agency: &AgencyId) -> Result<OverrideLine, Failure> {
        let mut seen = self.seen(record);
        self.add_owner(&mut seen, record).await?;
        let mut reviews = record.course.iter().flat_map(|c| &c.reviews);
        let last = reviews.rfind(|r| &r.agency == agency);
        Ok(OverrideLine {
            seen,
            raised_at: alert.raised_at.clone(),
            due: alert.due.clone(),
            reviewed: last.is_some_and(|r| r.outcome != ReviewOutcome::NeedsMore),
        })
    }

    /// One override of the agency's queue; logged.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not in the queue.
    pub async fn override_card(&self, visitor: &Visitor, id: &str) -> Result<OverrideCard, Failure> {
        let desk = self.reads(visitor).await?;
        let hat = visitor.worn()?;
        let alert = self.override_alerts(&hat.agency, id).await?.into_iter().next().ok_or(Failure::NotFound)?;
        let (_, record) = self.stored::<Override>(Section::Overrides, id).await?.ok_or(Failure::NotFound)?;
        let mut seen = self.seen(&record);
        self.add_owner(&mut seen, &record).await?;
        let (opened, relations) = self.what_was_opened(&record).await?;
        let course = record.course.clone().unwrap_or_default();
        let own_agency = seen.hat.as_ref().is_some_and(|h| h.agency == hat.agency);
        let custodian = course.custodians.contains(&hat.agency) || (course.custodians.is_empty() && own_agency);
        let team = seen.hat.as_ref().and_then(|h| h.team.as_ref());
        let same_team = team.is_some() && team == hat.team.as_ref();
        let own = seen.account.as_ref() == Some(&visitor.account);
        let used = !matches!(seen.state, OverrideState::Waiting | OverrideState::Refused);
        if desk == Desk::Reader {
            seen.answers = Default::default();
        }
        let said = |text: &Option<Text>| text.as_ref().map(|t| t.as_str().to_owned()).filter(|_| desk != Desk::Reader);
        let reviews = course
            .reviews
            .iter()
            .map(|r| (r.agency.clone(), outcome_word(r.outcome), r.at.to_string(), said(&r.why).unwrap_or_default()));
        self.log_reading(visitor, "override", &alert.entry).await?;
        Ok(OverrideCard {
            subject: self.desk_view(visitor)?.subject(&self.keys, record.subject.as_str()),
            due: alert.due.clone(),
            opened,
            relations,
            approved: record.approved_by.is_some(),
            reviews: reviews.collect(),
            may_decide: desk == Desk::Officer && custodian && used && !same_team && !own,
            same_team,
            seen,
        })
    }

    /// What the entries say was shown through an override, and as what the worker stood to the person.
    async fn what_was_opened(
        &self,
        record: &Override,
    ) -> Result<(BTreeMap<Category, (Level, usize)>, BTreeSet<String>), Failure> {
        let (mut opened, mut relations) = (BTreeMap::new(), BTreeSet::new());
        for row in self.db.entries_about(&record.subject, ENTRIES_MAX).await? {
            let Some((_, bytes)) = self.db.payload(&self.keys, &row).await? else { continue };
            let Ok(payload) = serde_json::from_slice::<Payload>(&bytes) else { continue };
            if payload.override_id.as_deref() != Some(record.id.as_str()) || payload.items.is_empty() {
                continue;
            }
            relations.extend(payload.relationship.as_ref().map(|r| r.kind.clone()));
            let through = payload.items.iter().filter(|i| i.reason == "ALLOW-OVERRIDE");
            for (category, level) in through.filter_map(|i| Some((i.category?, i.level))) {
                let seen = opened.entry(category).or_insert((level, 0_usize));
                seen.0 = seen.0.max(level);
                seen.1 = seen.1.saturating_add(1);
            }
        }
        Ok((opened, relations))
    }

    /// Decides an override for the agency that holds what was opened, and settles its alerts.
    ///
    /// # Errors
    /// As [`Gateway::act`]; [`Failure::NotFound`] when it is not in the queue.
    pub async fn decide_override(&self, visitor: &Visitor, id: &str, outcome: &str, why: &str) -> Result<(), Failure> {
        let agency = visitor.worn()?.agency.clone();
        let alerts = self.override_alerts(&agency, id).await?;
        if alerts.is_empty() || self.reads(visitor).await? != Desk::Officer {
            return Err(Failure::NotFound);
        }
        let (outcome, state) = match outcome {
            "justified" => (ReviewOutcome::Justified, AlertState::Justified),
            "not-justified" => (ReviewOutcome::NotJustified, AlertState::NotJustified),
            "needs-more" => (ReviewOutcome::NeedsMore, AlertState::Investigating),
            _ => return Err(Failure::Inconsistent("no such verdict")),
        };
        let why = Some(Text::new(why.trim())).filter(|w| !w.as_str().is_empty());
        self.override_here(visitor, OverrideDeed::Review(id.to_owned(), Review { outcome, why })).await?;
        let hat = self.log_hat(visitor)?;
        for alert in alerts.iter().filter(|a| a.kind != AlertKind::Incident && a.state.may_become(state)) {
            self.settle_alert(&visitor.account, &hat, &alert.id, state).await?;
        }
        Ok(())
    }

    async fn override_alerts(&self, agency: &AgencyId, id: &str) -> Result<Vec<Alert>, Failure> {
        let about = |a: &Alert| is_override(a.kind) && a.refers_to.as_deref() == Some(id);
        Ok(self.alerts_of(agency).await?.into_iter().filter(about).collect())
    }

    /// One alert of the agency's queue; logged.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not in the queue.
    pub async fn alert_card(&self, visitor: &Visitor, id: &str) -> Result<AlertCard, Failure> {
        let desk = self.reads(visitor).await?;
        let own = visitor.worn()?.clone();
        let alert = self.alerts_of(&own.agency).await?.into_iter().find(|a| a.id == id).ok_or(Failure::NotFound)?;
        let payload = self.entry_payload(&alert.entry).await?;
        let viewer = self.desk_view(visitor)?;
        let hat = payload.as_ref().and_then(|p| p.hat.as_ref());
        let team = hat.and_then(|h| h.team.as_deref());
        let same_team = team.is_some() && team == own.team.as_ref().map(crate::sharing::facts::TeamId::as_str);
        let own_deed = payload.as_ref().is_some_and(|p| p.actor.as_ref() == Some(&visitor.account));
        let states = [AlertState::Investigating, AlertState::Justified, AlertState::NotJustified, AlertState::Closed];
        let may = desk == Desk::Officer && !same_team && !own_deed;
        let next = states.into_iter().filter(|s| may && alert.state.may_become(*s)).collect();
        self.log_reading(visitor, alert.kind.word(), &alert.entry).await?;
        let about = payload.as_ref();
        let mut hat = hat.and_then(|h| {
            Some(super::Worn {
                id: h.id.clone()?,
                role: h.role,
                agency: h.agency.clone(),
                team: h.team.clone().map(crate::sharing::facts::TeamId),
                team_name: None,
                supervisor: false,
            })
        });
        self.name_teams(hat.as_mut_slice()).await?;
        Ok(AlertCard {
            account: about.and_then(|p| p.actor.clone()),
            hat,
            event: about.map_or("", |p| p.event.name()),
            reason: about.and_then(|p| p.reason.clone()),
            written: about
                .and_then(|p| p.justification.as_ref())
                .filter(|_| desk == Desk::Officer)
                .map(|j| j.reveal().to_owned()),
            subject: about.and_then(|p| p.subject.as_ref()).map(|s| viewer.subject(&self.keys, s.as_str())),
            categories: about
                .map(|p| p.items.iter().filter(|i| viewer.shows(i)).filter_map(|i| i.category).collect())
                .unwrap_or_default(),
            relation: about.and_then(|p| p.relationship.as_ref()).map(|r| r.kind.clone()),
            next,
            alert,
        })
    }

    /// Moves an alert of the queue on.
    ///
    /// # Errors
    /// [`Failure::NotFound`]; [`Failure::Refused`] for a reader, and for the deed of the visitor or the visitor's team;
    /// [`Failure::Conflict`] when the state does not follow.
    pub async fn move_alert(&self, visitor: &Visitor, id: &str, state: &str) -> Result<(), Failure> {
        let card = self.alert_card(visitor, id).await?;
        if self.reads(visitor).await? == Desk::Reader
            || (card.next.is_empty() && card.alert.state != AlertState::Closed)
        {
            return Err(Failure::Refused { reason: "D-DELEGATE" });
        }
        let state = card.next.into_iter().find(|s| s.word() == state).ok_or(Failure::Conflict)?;
        self.settle_alert(&visitor.account, &self.log_hat(visitor)?, id, state).await.map(drop)
    }

    /// Officers and auditors.
    pub(super) async fn reads(&self, visitor: &Visitor) -> Result<Desk, Failure> {
        match self.desk(visitor).await? {
            Desk::Manager => Err(Failure::NotFound),
            desk => Ok(desk),
        }
    }

    async fn entry_payload(&self, id: &EntryId) -> Result<Option<Payload>, Failure> {
        let Some(row) = self.db.entry(id).await? else { return Ok(None) };
        let Some((_, bytes)) = self.db.payload(&self.keys, &row).await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| Failure::Inconsistent("a payload cannot be read"))
    }

    async fn log_reading(&self, visitor: &Visitor, what: &str, entry: &EntryId) -> Result<(), Failure> {
        let mut payload = visitor.payload(Event::AuditQuery);
        payload.reason = Some(format!("review {what}"));
        payload.refers_to = vec![entry.clone()];
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload))).await?;
        Ok(())
    }

    fn log_hat(&self, visitor: &Visitor) -> Result<crate::audit::payload::Hat, Failure> {
        visitor.payload(Event::AuditQuery).hat.ok_or(Failure::Refused { reason: "D-AUTH" })
    }

    fn desk_view(&self, visitor: &Visitor) -> Result<Viewer, Failure> {
        let agency = visitor.worn()?.agency.as_str().to_owned();
        let police = super::questions::Asker::is_police(self.config(), &agency);
        let hat = Some(self.log_hat(visitor)?);
        let account = visitor.account.clone();
        Ok(Viewer { account, hat, agency: Some(agency), police, adoption: false, leads: Arc::default() })
    }
}

const fn is_override(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::Override | AlertKind::Unreviewed | AlertKind::NeedsMore | AlertKind::Incident)
}

const fn outcome_word(outcome: ReviewOutcome) -> &'static str {
    match outcome {
        ReviewOutcome::Justified => "justified",
        ReviewOutcome::NotJustified => "not-justified",
        ReviewOutcome::NeedsMore => "needs-more",
    }
}
