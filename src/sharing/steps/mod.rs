//! The steps of the decision procedure, one file each; [`super::decide`] runs them in order.
//!
//! Each step is a pure function of a [`Request`] that either ends the procedure with a [`Draft`] (`Break`) or lets it go
//! on. A step names the rules it serves in its draft.

pub(super) mod acts;
pub(super) mod analytics;
pub(super) mod auth;
pub(super) mod caps;
pub(super) mod conflict;
pub(super) mod item_grant;
pub(super) mod marker;
pub(super) mod matrix;
pub(super) mod overrides;
pub(super) mod own;
pub(super) mod permission;
pub(super) mod protection;
pub(super) mod purpose;
pub(super) mod relationship;
pub(super) mod seal;
pub(super) mod search;
pub(super) mod summary;

use super::decision::{Decision, Limit, Reason, Rules};
use super::facts::{self, Time};
use super::policy::Policy;
use super::world::{AccountIx, CaseIx, Hat, HatIx, OpeningIx, OverrideIx, PersonIx, RelationshipIx, SegmentIx, World};
use crate::vocabulary::{Category, Level, Purpose, Role};
use std::ops::ControlFlow;

/// Goes on with `T`, or ends with the final answer.
pub(super) type Step<T = ()> = ControlFlow<Draft, T>;

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    /// To read a segment.
    Segment(Reading<'a>),
    /// To do something.
    Act(&'a facts::Act),
    /// To make a table.
    Analytics(&'a facts::Analytics),
}

/// The segment to read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) ix: SegmentIx,
    pub(super) segment: &'a super::world::Segment,
}

impl Reading<'_> {
    /// Everybody the segment is about, and in whose record it lies.
    pub(super) fn persons(&self) -> impl Iterator<Item = PersonIx> + Clone {
        let record_of = self.segment.record_of;
        let about = self.segment.about.iter().copied();
        std::iter::once(record_of).chain(about.filter(move |person| *person != record_of))
    }
}

/// One question with its ids resolved.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) world: &'a World,
    pub(super) policy: &'a Policy,
    pub(super) at: Time,
    pub(super) account: AccountIx,
    pub(super) hat_ix: HatIx,
    pub(super) hat: &'a Hat,
    pub(super) purpose: Purpose,
    pub(super) strong_auth: bool,
    pub(super) target: Target<'a>,
    pub(super) named_override: Option<OverrideIx>,
    pub(super) delegation: Option<RelationshipIx>,
    pub(super) opening: Option<OpeningIx>,
    pub(super) requester: Option<PersonIx>,
}

impl<'a> Request<'a> {
    /// Resolves an ask; `None` if it names something that does not exist or a hat of another account.
    pub(super) fn new(world: &'a World, policy: &'a Policy, ask: &'a facts::Ask) -> Option<Self> {
        let names = &world.names;
        let account = names.accounts.get(ask.account.as_str())?;
        let hat_ix = names.hats.get(ask.hat.as_str())?;
        let hat = world.hat(hat_ix).filter(|hat| hat.account == account)?;
        let target = match (&ask.segment, &ask.act, &ask.analytics) {
            (Some(id), None, None) => {
                let ix = world.segment_named(id.as_str())?;
                Target::Segment(Reading { ix, segment: world.segment(ix)? })
            }
            (None, Some(act), None) => Target::Act(act),
            (None, None, Some(analytics)) => Target::Analytics(analytics),
            _ => return None,
        };
        // A named thing that does not exist makes the ask unanswerable, it is not quietly dropped.
        let named_override = found(ask.r#override.as_ref(), |id| names.overrides.get(id.as_str()))?;
        let delegation = found(ask.delegation.as_ref(), |id| names.relationships.get(id.as_str()))?;
        let opening = found(ask.opening.as_ref(), |id| names.openings.get(id.as_str()))?;
        let requester = found(ask.requester.as_ref(), |id| world.person_named(id.as_str()))?;
        let at = ask.at.unwrap_or(world.now);
        let (purpose, strong_auth) = (ask.purpose, ask.strong_auth);
        Some(Self {
            world,
            policy,
            at,
            account,
            hat_ix,
            hat,
            purpose,
            strong_auth,
            target,
            named_override,
            delegation,
            opening,
            requester,
        })
    }

    /// The same question asked by another hat for itself: what a delegation or item grant rests on.
    pub(super) fn asked_by(&self, hat_ix: HatIx) -> Option<Self> {
        let hat = self.world.hat(hat_ix)?;
        let own = Self { hat_ix, hat, account: hat.account, strong_auth: true, ..*self };
        Some(Self { named_override: None, delegation: None, opening: None, ..own })
    }

    /// The social worker's hat a personal assistant acts for, when the ask names a delegation of this hat.
    pub(super) fn grantor(&self) -> Option<HatIx> {
        if self.hat.role != Role::Pa {
            return None;
        }
        let named = self.world.relationship(self.delegation?)?;
        named.delegation.as_ref().filter(|_| named.hat == self.hat_ix).map(|delegation| delegation.grantor)
    }

    /// The persons a request touches, for conflict of interest, relationship and marker.
    pub(super) fn persons(&self) -> Vec<PersonIx> {
        match self.target {
            Target::Segment(reading) => reading.persons().collect(),
            Target::Act(act) => acts::persons(self.world, act, self.at),
            Target::Analytics(_) => Vec::new(),
        }
    }

    /// The case an act is about.
    pub(super) fn case(&self) -> Option<CaseIx> {
        match self.target {
            Target::Act(facts::Act::AssignLead { case, .. } | facts::Act::AssignWorker { case, .. }) => {
                self.world.names.cases.get(case.as_str())
            }
            _ => None,
        }
    }

    /// The category in play, for the marker: of the segment read or to be forwarded.
    pub(super) fn category(&self) -> Option<Category> {
        match self.target {
            Target::Segment(reading) => reading.segment.category,
            Target::Act(facts::Act::Forward { segment, .. }) => {
                let named = self.world.segment_named(segment.as_str()).and_then(|ix| self.world.segment(ix));
                named.and_then(|segment| segment.category)
            }
            Target::Act(_) | Target::Analytics(_) => None,
        }
    }
}

fn found<A, B>(named: Option<&A>, find: impl FnOnce(&A) -> Option<B>) -> Option<Option<B>> {
    match named {
        None => Some(None),
        Some(named) => find(named).map(Some),
    }
}

/// A decision in the making.
pub(super) struct Draft {
    pub(super) decision: Decision,
    /// Must be silent at level N whatever the rules of the marker say (a refusal that names the requester; an alleged
    /// perpetrator asking; a search that found nobody).
    pub(super) hush: bool,
}

impl Draft {
    pub(super) fn new(level: Level, reason: Reason, rules: &[u8]) -> Self {
        let mut decision = Decision::new(level, reason);
        decision.rules = Rules::of(rules);
        Self { decision, hush: false }
    }
    /// A refusal.
    pub(super) fn refuse(reason: Reason, rules: &[u8]) -> Self {
        Self::new(Level::N, reason, rules)
    }
    /// An allowed act (facts file paper §8.5).
    pub(super) fn allow(rules: &[u8]) -> Self {
        Self::new(Level::F, Reason::AllowMatrix, rules)
    }
    pub(super) fn with_limit(mut self, limit: Limit) -> Self {
        self.decision.limit = Some(limit);
        self
    }
    pub(super) fn hushed(mut self) -> Self {
        self.hush = true;
        self
    }
    /// Lowers the level to `cap`, naming the limit only when it lowers (sharing rules §5 step 11).
    pub(super) fn cap(&mut self, cap: Level, limit: Limit, rules: &[u8]) {
        if cap < self.decision.level {
            self.decision.level = cap;
            self.decision.limit = Some(limit);
            self.decision.rules.extend(Rules::of(rules));
            if cap == Level::N {
                self.decision.reason = Reason::DCap;
            }
        }
    }
}

/// Ends the procedure with a refusal.
pub(super) fn end<T>(reason: Reason, rules: &[u8]) -> Step<T> {
    ControlFlow::Break(Draft::refuse(reason, rules))
}

/// Goes on.
pub(super) const GO: Step = ControlFlow::Continue(());
