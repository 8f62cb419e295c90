//! The surgery's side: the queue, taking the next, asking back, answering, and how it ended.
//!
//! A surgery adviser (SUR) answers; a social worker (SW) or the front door (MSH) of the council may record how it ended.

use super::submit::say;
use super::{About, Answer, Concern, Decided, Outcome, Side, Status};
use crate::audit::Event;
use crate::clock::Moment;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::ident::AgencyId;
use crate::vocabulary::Role;

/// Longest reason or list of actions, in characters.
const REASON_CHARS_MAX: usize = 5_000;

/// A row of the queue: no name, only initials and an age band.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queued {
    /// The concern.
    pub id: String,
    /// The school.
    pub school: AgencyId,
    /// Initials, of a named child.
    pub initials: Option<String>,
    /// Age band.
    pub band: String,
    /// Whether somebody is in immediate danger.
    pub danger: bool,
    /// Where it is.
    pub status: Status,
    /// Since when.
    pub submitted_at: Moment,
    /// By when it is answered.
    pub due_at: Moment,
    /// Who holds it: whether that is the visitor.
    pub held: Option<bool>,
}

impl Gateway {
    /// What waits for the surgery: immediate danger first, then by due time, then by arrival.
    ///
    /// # Errors
    /// [`Failure::Refused`] for a hat that advises no schools.
    pub async fn surgery_queue(&self, visitor: &Visitor) -> Result<Vec<Queued>, Failure> {
        adviser(visitor)?;
        let now = self.clock().now();
        let open = self.concerns().await?.into_iter().filter(|c| !c.in_school && c.status != Status::Closed);
        let mut queue: Vec<Queued> = open.map(|c| queued(&c, visitor, now)).collect();
        queue.sort_by_key(|q| (!q.danger, q.due_at.millis(), q.submitted_at.millis(), q.id.clone()));
        Ok(queue)
    }

    /// One concern for the adviser, logged as read.
    ///
    /// # Errors
    /// [`Failure::Refused`], [`Failure::NotFound`].
    pub async fn surgery_concern(&self, visitor: &Visitor, id: &str) -> Result<Concern, Failure> {
        let concern = self.with_surgery(visitor, id).await?.concern;
        self.concern_was_read(visitor, &concern).await?;
        Ok(concern)
    }

    /// Takes a concern: it is being read now, by this adviser.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when another has it.
    pub async fn take_concern(&self, visitor: &Visitor, id: &str) -> Result<(), Failure> {
        let mut found = self.with_surgery(visitor, id).await?;
        match &found.concern.taken_by {
            Some(holder) if *holder == visitor.account => return Ok(()),
            Some(_) => return Err(Failure::Conflict),
            None => {}
        }
        found.concern.taken_by = Some(visitor.account.clone());
        if found.concern.status == Status::Received {
            found.concern.status = Status::BeingRead;
        }
        self.keep_concern(visitor, &found.concern, found.version, Event::View).await
    }

    /// Asks the school for more, or answers a question of its.
    ///
    /// # Errors
    /// [`Failure::Gone`] when it is closed; [`Failure::Conflict`] when it changed meanwhile.
    pub async fn ask_school(&self, visitor: &Visitor, id: &str, text: String) -> Result<(), Failure> {
        let mut found = self.with_surgery(visitor, id).await?;
        say(&mut found.concern, visitor, Side::Surgery, text, self.clock().now())?;
        self.keep_concern(visitor, &found.concern, found.version, Event::Response).await
    }

    /// Answers. Advice without a reason is no advice. What is passed on is written to the council's system when the child is
    /// named, and waits for the front door's outcome; everything else is closed.
    ///
    /// # Errors
    /// [`Failure::Inconsistent`] without a reason; [`Failure::Conflict`] when another has it; [`Failure::Gone`] when answered.
    pub async fn answer_concern(
        &self,
        visitor: &Visitor,
        id: &str,
        answer: Answer,
        reason: String,
        actions: String,
    ) -> Result<(), Failure> {
        let mut found = self.with_surgery(visitor, id).await?;
        let concern = &mut found.concern;
        if concern.taken_by.as_ref() != Some(&visitor.account) {
            return Err(Failure::Conflict);
        }
        if concern.decided.is_some() {
            return Err(Failure::Gone);
        }
        let fits = |text: &str| text.chars().count() <= REASON_CHARS_MAX;
        if reason.trim().is_empty() || !fits(&reason) || !fits(&actions) {
            return Err(Failure::Unclear("an answer needs a reason"));
        }
        let at = self.clock().now().millis();
        concern.decided = Some(Decided { answer, reason, actions, at, by: visitor.account.clone() });
        concern.outcome = answer.outcome();
        concern.status = if answer.passes_on() { Status::PassedOn } else { Status::Closed };
        if answer.passes_on() && matches!(concern.about, About::Named(_)) {
            // The id of the concern makes sending it again harmless.
            concern.message = Some(self.write_contact(visitor, concern).await?);
        }
        let event = if answer.passes_on() { Event::ShareDecision } else { Event::Response };
        self.keep_concern(visitor, &found.concern, found.version, event).await
    }

    /// Records how a concern that was passed on ended; the school learns this word and nothing else (R82).
    ///
    /// # Errors
    /// [`Failure::Gone`] when it does not wait for one.
    pub async fn end_concern(&self, visitor: &Visitor, id: &str, outcome: Outcome) -> Result<(), Failure> {
        let mut found = self.with_surgery(visitor, id).await?;
        if found.concern.status != Status::PassedOn {
            return Err(Failure::Gone);
        }
        found.concern.outcome = Some(outcome);
        found.concern.status = Status::Closed;
        self.keep_concern(visitor, &found.concern, found.version, Event::Response).await
    }

    async fn with_surgery(&self, visitor: &Visitor, id: &str) -> Result<super::kept::Found, Failure> {
        adviser(visitor)?;
        let found = self.concern(id).await?;
        if found.concern.in_school { Err(Failure::NotFound) } else { Ok(found) }
    }
}

fn adviser(visitor: &Visitor) -> Result<(), Failure> {
    match visitor.worn()?.role {
        Role::Sur => Ok(()),
        _ => Err(Failure::Refused { reason: "D-PURPOSE" }),
    }
}

fn queued(concern: &Concern, visitor: &Visitor, now: Moment) -> Queued {
    let (initials, band) = match &concern.about {
        About::Named(child) => {
            let first = |name: &str| name.chars().next().map(String::from).unwrap_or_default();
            (Some(format!("{}{}", first(&child.given), first(&child.family))), band_of(&child.born, now))
        }
        About::NoNames { band, .. } => (None, band.clone()),
    };
    Queued {
        id: concern.id.clone(),
        school: concern.school.clone(),
        initials,
        band,
        danger: concern.danger,
        status: concern.status,
        submitted_at: Moment::from_millis(concern.submitted_at),
        due_at: Moment::from_millis(concern.due_at),
        held: concern.taken_by.as_ref().map(|holder| *holder == visitor.account),
    }
}

/// The age band of a birth date, in London's calendar.
fn band_of(born: &str, now: Moment) -> String {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC);
    let today = now.timestamp().to_zoned(zone).date();
    let Ok(born) = born.parse::<jiff::civil::Date>() else { return String::new() };
    let had = (today.month(), today.day()) >= (born.month(), born.day());
    let years = i32::from(today.year()) - i32::from(born.year()) - i32::from(!had);
    let band = match years {
        i32::MIN..=4 => "0-4",
        5..=10 => "5-10",
        11..=13 => "11-13",
        14..=15 => "14-15",
        16..=17 => "16-17",
        _ => "adult",
    };
    band.to_owned()
}
