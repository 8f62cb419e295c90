//! The school's side: submitting, reading one's own, adding to it.
//!
//! The safeguarding lead (DSL) submits to the surgery and reads the school's concerns. Other staff (SCH) submit to their own
//! lead, and read back their own only (SUR-7).

use super::{About, Concern, NamedChild, Said, Side, Status};
use crate::audit::Event;
use crate::clock::Moment;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::ident::{AccountId, AgencyId};
use crate::vocabulary::Role;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

/// Longest account of anything, in characters: some ten pages.
const TEXT_CHARS_MAX: usize = 20_000;
/// Longest short answer, in characters.
const SHORT_CHARS_MAX: usize = 200;
/// Working days the surgery has to answer (SUR-2).
const ANSWER_DAYS: u32 = 2;
/// Most replies in one thread.
const THREAD_MAX: usize = 200;

/// A concern as a form or a school's system hands it in: text as typed.
#[derive(Clone, Default)]
pub struct ConcernForm {
    /// Whether somebody is in immediate danger.
    pub danger: bool,
    /// Whether the child is named.
    pub named: bool,
    /// Given name, when named.
    pub given: String,
    /// Family name, when named.
    pub family: String,
    /// Birth date, when named.
    pub born: String,
    /// Unique pupil number, when named and known.
    pub upn: String,
    /// Age band, without names.
    pub band: String,
    /// School phase, without names.
    pub phase: String,
    /// The child's words.
    pub own_words: String,
    /// What was seen or heard.
    pub seen: String,
    /// When.
    pub when: String,
    /// Where.
    pub place: String,
    /// Who else knows.
    pub who_knows: String,
    /// Whether the parents were told.
    pub parents_told: bool,
    /// If not, why not.
    pub not_told_why: String,
    /// Whether a parent agrees to the surgery looking at records.
    pub parents_agree: bool,
    /// What is asked.
    pub question: String,
}

/// A submitted concern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewConcern {
    /// Its id.
    pub id: String,
    /// By when the surgery answers.
    pub due_at: Moment,
}

/// The age bands of a concern without names: sharing rules §9, IDN at level I, children.
pub(super) const BANDS: [&str; 5] = ["0-4", "5-10", "11-13", "14-15", "16-17"];
/// The school phases.
pub(super) const PHASES: [&str; 4] = ["nursery", "primary", "secondary", "college"];

impl ConcernForm {
    /// The names of the members that are wrong or missing, in order; empty when all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<&'static str> {
        let mut faults = Vec::new();
        let mut need = |good: bool, name: &'static str| {
            if !good {
                faults.push(name)
            }
        };
        let short = |text: &str| !text.trim().is_empty() && text.chars().count() <= SHORT_CHARS_MAX;
        let brief = |text: &str| text.chars().count() <= SHORT_CHARS_MAX;
        let long = |text: &str| !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX;
        let day = |text: &str| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
        if self.named {
            need(short(&self.given), "given");
            need(short(&self.family), "family");
            need(day(&self.born), "born");
            need(brief(&self.upn), "upn");
        } else {
            need(BANDS.contains(&self.band.as_str()), "band");
            need(PHASES.contains(&self.phase.as_str()), "phase");
        }
        need(self.own_words.chars().count() <= TEXT_CHARS_MAX, "own_words");
        need(long(&self.seen), "seen");
        need(day(&self.when), "when");
        need(brief(&self.place), "place");
        need(brief(&self.who_knows), "who_knows");
        need(self.parents_told || short(&self.not_told_why), "not_told_why");
        need(long(&self.question), "question");
        faults
    }
}

impl ConcernForm {
    /// The concern this form makes, received now.
    pub(super) fn concern(self, id: String, school: &AgencyId, by: &AccountId, now: Moment) -> Concern {
        let about = if self.named {
            About::Named(NamedChild {
                given: self.given,
                family: self.family,
                born: self.born,
                upn: Some(self.upn).filter(|u| !u.is_empty()),
            })
        } else {
            About::NoNames { band: self.band, phase: self.phase }
        };
        Concern {
            id,
            school: school.clone(),
            by: by.clone(),
            in_school: false,
            about,
            own_words: self.own_words,
            seen: self.seen,
            when: self.when,
            place: self.place,
            who_knows: self.who_knows,
            parents_told: self.parents_told,
            not_told_why: self.not_told_why,
            parents_agree: self.parents_agree,
            danger: self.danger,
            question: self.question,
            status: Status::Received,
            decided: None,
            outcome: None,
            taken_by: None,
            thread: Vec::new(),
            submitted_at: now.millis(),
            due_at: working_days_after(now, ANSWER_DAYS).millis(),
            message: None,
            files: Vec::new(),
            system: None,
        }
    }
}

/// How many days apart two concerns about one child may be to look like one, told twice.
const DUPLICATE_DAYS: i32 = 7;

impl Gateway {
    /// A concern that the visitor may read back and that this form looks like: the same child, within a week. Only the
    /// school's own concerns are looked through, and only those of this visitor when they are no lead.
    ///
    /// # Errors
    /// As [`Gateway::own_concerns`].
    pub async fn likely_duplicate(&self, visitor: &Visitor, form: &ConcernForm) -> Result<Option<Concern>, Failure> {
        if !form.named {
            return Ok(None);
        }
        let all = self.own_concerns(visitor).await?;
        Ok(all.into_iter().find(|concern| looks_like(concern, form)))
    }

    /// Submits the concern of the visitor's draft, with its files; the draft is gone with it. Without names nothing of it
    /// reaches the people index.
    ///
    /// # Errors
    /// [`Failure::Refused`] for a hat that submits none; [`Failure::Inconsistent`] when [`ConcernForm::faults`] is not empty;
    /// [`Failure::Conflict`] when the draft was sent already.
    pub async fn submit_concern(&self, visitor: &Visitor, form: ConcernForm) -> Result<NewConcern, Failure> {
        let hat = visitor.worn()?;
        if !matches!(hat.role, Role::Dsl | Role::Sch) {
            return Err(Failure::Refused { reason: "D-PURPOSE" });
        }
        if !form.faults().is_empty() {
            return Err(Failure::Inconsistent("a concern is not complete"));
        }
        let now = self.clock().now();
        let mut concern = Concern {
            in_school: hat.role == Role::Sch,
            ..form.concern(Self::fresh_id(), &hat.agency, &visitor.account, now)
        };
        let due_at = Moment::from_millis(concern.due_at);
        let draft = self.draft_sent(visitor, &mut concern).await?;
        match self.keep_concern_with(visitor, &concern, 0, Event::Request, draft).await {
            Err(Failure::NotFound) => return Err(Failure::Conflict),
            done => done?,
        }
        Ok(NewConcern { id: concern.id, due_at })
    }

    /// The concerns this visitor may read back: a lead the school's, other staff their own.
    ///
    /// # Errors
    /// [`Failure::Refused`] for any other hat.
    pub async fn own_concerns(&self, visitor: &Visitor) -> Result<Vec<Concern>, Failure> {
        let hat = visitor.worn()?;
        let all = match hat.role {
            Role::Dsl | Role::Sch => self.concerns_of(&hat.agency).await?,
            _ => return Err(Failure::Refused { reason: "D-PURPOSE" }),
        };
        let own = |c: &Concern| hat.role == Role::Dsl || c.by == visitor.account;
        Ok(all.into_iter().filter(own).collect())
    }

    /// One of them, logged as read.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for another school's or another's, as for none.
    pub async fn own_concern(&self, visitor: &Visitor, id: &str) -> Result<Concern, Failure> {
        let found = self.concern(id).await?;
        self.of_school(visitor, &found.concern)?;
        self.concern_was_read(visitor, &found.concern).await?;
        Ok(found.concern)
    }

    /// Replies, or adds information. A closed concern takes no more.
    ///
    /// # Errors
    /// As [`Gateway::own_concern`]; [`Failure::Gone`] when it is closed; [`Failure::Conflict`] when it changed meanwhile.
    pub async fn add_to_concern(&self, visitor: &Visitor, id: &str, text: String) -> Result<(), Failure> {
        let mut found = self.concern(id).await?;
        self.of_school(visitor, &found.concern)?;
        if was_said(&found.concern, visitor, &text) {
            return Ok(());
        }
        say(&mut found.concern, visitor, Side::School, text, self.clock().now())?;
        self.keep_concern(visitor, &found.concern, found.version, Event::Request).await
    }

    /// A lead takes a colleague's concern to the surgery.
    ///
    /// # Errors
    /// As [`Gateway::own_concern`]; [`Failure::Gone`] when it is there already.
    pub async fn concern_to_surgery(&self, visitor: &Visitor, id: &str) -> Result<(), Failure> {
        let mut found = self.concern(id).await?;
        self.of_school(visitor, &found.concern)?;
        if visitor.worn()?.role != Role::Dsl {
            return Err(Failure::Refused { reason: "D-PURPOSE" });
        }
        if !found.concern.in_school {
            return Err(Failure::Gone);
        }
        found.concern.in_school = false;
        found.concern.due_at = working_days_after(self.clock().now(), ANSWER_DAYS).millis();
        self.keep_concern(visitor, &found.concern, found.version, Event::Request).await
    }

    pub(super) fn of_school(&self, visitor: &Visitor, concern: &Concern) -> Result<(), Failure> {
        let hat = visitor.worn()?;
        let own = match hat.role {
            Role::Dsl => hat.agency == concern.school,
            Role::Sch => concern.by == visitor.account && hat.agency == concern.school,
            _ => false,
        };
        if own { Ok(()) } else { Err(Failure::NotFound) }
    }
}

/// The same child by number, or by family name and birth date, and days that lie close together.
fn looks_like(concern: &Concern, form: &ConcernForm) -> bool {
    let About::Named(child) = &concern.about else { return false };
    let same = |a: &str, b: &str| !a.trim().is_empty() && a.trim().eq_ignore_ascii_case(b.trim());
    let by_number = child.upn.as_deref().is_some_and(|upn| same(upn, &form.upn));
    let by_name = child.born == form.born && child.family.trim().to_lowercase() == form.family.trim().to_lowercase();
    let day = |text: &str| text.parse::<jiff::civil::Date>().ok();
    let apart = day(&concern.when).zip(day(&form.when)).and_then(|(a, b)| a.until(b).ok()).map(|span| span.get_days());
    (by_number || by_name) && apart.is_some_and(|days| days.abs() <= DUPLICATE_DAYS)
}

/// Whether these were the very last words in the thread, by this visitor: a button that was pressed twice.
pub(super) fn was_said(concern: &Concern, visitor: &Visitor, text: &str) -> bool {
    concern.thread.last().is_some_and(|last| last.by == visitor.account && last.text == text)
}

/// Appends to the thread.
pub(super) fn say(
    concern: &mut Concern,
    visitor: &Visitor,
    side: Side,
    text: String,
    now: Moment,
) -> Result<(), Failure> {
    if concern.status == Status::Closed || concern.thread.len() >= THREAD_MAX {
        return Err(Failure::Gone);
    }
    if text.trim().is_empty() || text.chars().count() > TEXT_CHARS_MAX {
        return Err(Failure::Unclear("a reply is empty or too long"));
    }
    concern.thread.push(Said { at: now.millis(), side, by: visitor.account.clone(), text });
    Ok(())
}

/// The same time of day so many working days later, Monday to Friday in London. Bank holidays are not known here: an answer may
/// then look late by a day, never early.
fn working_days_after(from: Moment, days: u32) -> Moment {
    let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    let mut at = from.timestamp().to_zoned(zone);
    let mut left = days;
    while left > 0 {
        let Ok(next) = at.tomorrow() else { return from };
        at = next;
        if !matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    Moment::from_millis(at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_working_days_pass_over_a_weekend() {
        // Friday 9 October 2026 at 15:00 in London.
        let friday = Moment::parse("2026-10-09T14:00:00Z").unwrap();
        assert_eq!(
            working_days_after(friday, 2).to_string(),
            Moment::parse("2026-10-13T14:00:00Z").unwrap().to_string()
        );
        // Over the change to winter time the time of day stays.
        let before = Moment::parse("2026-10-23T14:00:00Z").unwrap();
        assert_eq!(
            working_days_after(before, 1).to_string(),
            Moment::parse("2026-10-26T15:00:00Z").unwrap().to_string()
        );
    }

    #[test]
    fn a_concern_names_what_it_lacks() {
        let form = ConcernForm { band: "5-10".into(), phase: "primary".into(), ..ConcernForm::default() };
        assert_eq!(form.faults(), ["seen", "when", "not_told_why", "question"]);
        let named = ConcernForm { named: true, born: "2018-02-30".into(), ..form };
        assert_eq!(named.faults()[..3], ["given", "family", "born"]);
    }
}
