//! Past decisions made again, from what was kept with them: by the rules of then, and by any others (R78).
//!
//! Owns finding a decision's inputs, the facts of its state and its rules, and checking each against what the log holds of
//! it. What is no longer at hand is said, never guessed. Read [`Replays::past`].

use super::admitted::{Admission, judged};
use super::judged::{Asked, Inputs, Judged};
use super::questions::{Ask, Asker, Row};
use super::world::Known;
use super::{Failure, disclose};
use crate::audit::payload::{Item, Marker as LoggedMarker};
use crate::audit::{Event, Payload};
use crate::config;
use crate::ident::EntryId;
use crate::sharing::Policy;
use crate::sharing::decision::{Decision, Marker};
use crate::sharing::govern::difference::{Changed, compared};
use crate::store::{Db, Keys, decided_digest};
use crate::vocabulary::{Level, Purpose};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Entries that hold decisions.
pub(super) const DECIDING: [Event; 6] =
    [Event::View, Event::OvrUse, Event::Collect, Event::Export, Event::Print, Event::Refuse];

/// Why a decision cannot be made again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Gone {
    /// The entry holds no decision that was kept: a refusal at the door, or one from before decisions were kept.
    NotKept,
    /// What it was made from was erased with the person's part of the log, or lost.
    Erased,
    /// What is kept is not what the entry says it was made from.
    Altered,
    /// The rules of that version are not kept, or are not what their version says.
    Rules,
}

impl Gone {
    /// As a note.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotKept => "nothing was kept to decide it again from",
            Self::Erased => "what it was decided from has been erased",
            Self::Altered => "what is kept is not what it was decided from",
            Self::Rules => "the rules of its version are not kept",
        }
    }
}

/// What was decided: a question, or who may act.
pub(super) enum What {
    Question(Box<Inputs>),
    Act(Box<Admission>),
}

/// A past decision, ready to be made again.
pub(super) struct Past {
    what: What,
    known: Known,
    /// The version of the rules that decided.
    pub version: String,
}

impl Past {
    /// What these rules say of the question of then.
    pub fn judge(&self, policy: &Policy) -> Result<Judged, Failure> {
        match &self.what {
            What::Question(inputs) => inputs.judge(&self.known, policy),
            What::Act(admission) => admission.judge(&self.known, policy).map(judged),
        }
    }

    /// The decided segments, in order; none of an act.
    pub fn decided(&self) -> &[Asked] {
        match &self.what {
            What::Question(inputs) => inputs.decided(),
            What::Act(_) => &[],
        }
    }

    /// The reason for which an act was refused.
    pub fn refused(&self, first: Option<&Decision>) -> Option<String> {
        let act = matches!(self.what, What::Act(_));
        first.filter(|decision| act && decision.level == Level::N).map(|decision| decision.reason.code().to_owned())
    }

    const fn of_nothing(&self) -> &'static str {
        match &self.what {
            What::Question(_) => "nothing held",
            What::Act(_) => "an act",
        }
    }

    const fn purpose(&self) -> Purpose {
        match &self.what {
            What::Question(inputs) => inputs.purpose,
            What::Act(admission) => admission.purpose(),
        }
    }
}

/// Makes decisions of one log again.
pub(super) struct Replays<'a> {
    db: &'a Db,
    keys: &'a Keys,
    agencies: &'a [config::Agency],
    /// Rules that were read already, by version.
    rules: BTreeMap<String, Option<Arc<Policy>>>,
}

impl<'a> Replays<'a> {
    pub const fn new(db: &'a Db, keys: &'a Keys, agencies: &'a [config::Agency]) -> Self {
        Self { db, keys, agencies, rules: BTreeMap::new() }
    }

    /// What the decision of an entry was made from.
    pub async fn past(&self, entry: &EntryId, payload: &Payload) -> Result<Result<Past, Gone>, Failure> {
        let Some(policy) = &payload.policy else { return Ok(Err(Gone::NotKept)) };
        let Some(digest) = &policy.inputs else { return Ok(Err(Gone::NotKept)) };
        let Some(body) = self.db.decided(self.keys, entry).await? else { return Ok(Err(Gone::Erased)) };
        if disclose::hex(&decided_digest(self.keys, &body)) != *digest {
            return Ok(Err(Gone::Altered));
        }
        let (what, seeds, state) = match Admission::parse(&body) {
            Some(admission) => {
                let (seeds, state) = (admission.seeds().clone(), admission.state());
                (What::Act(Box::new(admission)), seeds, state)
            }
            None => {
                let inputs = Inputs::parse(&body)?;
                let (seeds, state) = (inputs.seeds(), inputs.state());
                (What::Question(Box::new(inputs)), seeds, state)
            }
        };
        let rows = self.db.facts_for_at(self.keys, &seeds, state).await?;
        let known = Known::of(self.agencies, &rows)?;
        Ok(Ok(Past { what, known, version: policy.version.clone() }))
    }

    /// The rules of a version, as they were kept.
    pub async fn rules(&mut self, version: &str) -> Result<Option<Arc<Policy>>, Failure> {
        if let Some(found) = self.rules.get(version) {
            return Ok(found.clone());
        }
        let files = self.db.rules_of(version).await?;
        let read = files.and_then(|files| Policy::load(&files).ok()).filter(|policy| policy.version() == version);
        let read = read.map(Arc::new);
        self.rules.insert(version.to_owned(), read.clone());
        Ok(read)
    }
}

/// Whether a decision is what the log says it was.
pub(super) fn agrees(item: &Item, decision: &Decision) -> bool {
    let marker = match decision.marker {
        Marker::None => None,
        Marker::Shown => Some(LoggedMarker::Shown),
        Marker::Silent => Some(LoggedMarker::Silent),
    };
    item.level == decision.level
        && item.reason == decision.reason.code()
        && item.limit.as_deref() == decision.limit.map(|l| l.code())
        && item.marker == marker
}

/// What a change of the rules would have changed of the past.
#[derive(Debug, Default)]
pub struct LogDifference {
    /// Entries whose decisions were made again.
    pub entries: usize,
    /// Decisions that were made again.
    pub decisions: usize,
    /// Entries that could not be, by why.
    pub gone: BTreeMap<Gone, usize>,
    /// Entries whose own rules do not say again what the log says they said.
    pub otherwise: Vec<EntryId>,
    /// Decisions that the new rules make differently from the old, oldest first.
    pub changed: Vec<Changed>,
}

impl Asker<'_> {
    /// Makes the decisions of a span again, each by its own rules of then, by the old and by the new ones.
    ///
    /// # Errors
    /// [`Failure::Store`], [`Failure::Inconsistent`].
    pub async fn difference(&self, old: &Policy, new: &Policy, ask: &Ask) -> Result<LogDifference, Failure> {
        let mut replays = Replays::new(self.db, self.keys, &self.config.agencies);
        let mut found = LogDifference::default();
        let mut ask = Ask { limit: Some(super::questions::PAGE_MAX), ..ask.clone() };
        loop {
            // Acts have many events: those that keep something.
            let kept = |row: &Row| row.payload.policy.as_ref().is_some_and(|p| p.inputs.is_some());
            let decides = |row: &Row| kept(row) || DECIDING.contains(&row.payload.event);
            let (rows, next) = self.rows(&ask, self.wanted(&ask), decides).await?;
            for row in &rows {
                compare(&mut replays, (old, new), row, &mut found).await?;
            }
            match next.as_deref().and_then(super::questions::parse_cursor) {
                Some(after) => ask.after = Some(after),
                None => return Ok(found),
            }
        }
    }
}

async fn compare(
    replays: &mut Replays<'_>,
    (old, new): (&Policy, &Policy),
    row: &Row,
    found: &mut LogDifference,
) -> Result<(), Failure> {
    let mut gone = |why: Gone| {
        let count = found.gone.entry(why).or_default();
        *count = count.saturating_add(1);
    };
    let past = match replays.past(&row.entry.id, &row.payload).await? {
        Ok(past) => past,
        Err(why) => {
            gone(why);
            return Ok(());
        }
    };
    let Some(own) = replays.rules(&past.version).await? else {
        gone(Gone::Rules);
        return Ok(());
    };
    found.entries = found.entries.saturating_add(1);
    let again = past.judge(&own)?;
    if !says_again(row, &past, &again) {
        found.otherwise.push(row.entry.id.clone());
    }
    let (before, after) = (past.judge(old)?, past.judge(new)?);
    found.decisions = found.decisions.saturating_add(before.decisions.len());
    let names = past.decided().iter().map(|asked| named(row, &past, Some(asked.segment.as_str())));
    let pairs = names.zip(before.decisions.into_iter().zip(after.decisions));
    found.changed.extend(compared(pairs.map(|(name, (before, after))| Changed { name, before, after })));
    if let (true, Some(before), Some(after)) = (past.decided().is_empty(), before.first, after.first) {
        // Nothing was held: what the requester learned is what the rules say of the first category asked for.
        found.decisions = found.decisions.saturating_add(1);
        found.changed.extend(compared(std::iter::once(Changed { name: named(row, &past, None), before, after })));
    }
    Ok(())
}

/// Whether the decisions are again those of the log.
pub(super) fn says_again(row: &Row, past: &Past, again: &Judged) -> bool {
    if let What::Act(admission) = &past.what {
        return again.first.as_ref().is_some_and(|decision| admission.agrees(decision));
    }
    let by_segment: BTreeMap<&str, &Decision> =
        past.decided().iter().map(|asked| asked.segment.as_str()).zip(&again.decisions).collect();
    let whole = again.refusal.as_ref().map(|r| r.reason.code());
    row.payload.reason.as_deref() == whole
        && row.payload.items.len() == by_segment.len()
        && row.payload.items.iter().all(|i| by_segment.get(i.segment.as_str()).is_some_and(|d| agrees(i, d)))
}

fn named(row: &Row, past: &Past, segment: Option<&str>) -> String {
    let role = row.payload.hat.as_ref().map_or("a hat", |hat| hat.role.code());
    let purpose = past.purpose();
    let what = segment.map_or_else(|| past.of_nothing().to_owned(), |segment| format!("segment {segment}"));
    format!("{} {role} for {purpose}, entry {}, {what}", row.entry.time, row.entry.id)
}
