//! What somebody's admission to an act was decided from, and the deciding again (R78): steps 1 to 4 of the procedure.
//!
//! Owns [`Admission`], kept sealed beside the log with the entry of the act or of its refusal, as [`super::judged`] keeps
//! questions. The guards of the act itself refuse what is asked, not who asks; the facts they looked at are kept by their version.

use super::Failure;
use super::judged::Judged;
use super::world::Known;
use crate::clock::Moment;
use crate::ident::{AccountId, HatId, PersonId};
use crate::sharing::decision::Decision;
use crate::sharing::facts::Time;
use crate::sharing::lifecycle::{self, Actor, Needs, Refused};
use crate::sharing::{Policy, World};
use crate::store::{FactSeeds, FactsAt};
use crate::vocabulary::{Level, Purpose};
use serde::{Deserialize, Serialize};

/// The shape of what is kept.
const VERSION: u8 = 1;

/// One admission with all that it needs besides the facts of its state and the rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admission {
    admission: u8,
    /// Milliseconds.
    at: i64,
    /// The counter of the facts' state.
    facts: i64,
    seeds: FactSeeds,
    account: AccountId,
    hat: HatId,
    purpose: Purpose,
    person: PersonId,
    needs: Needs,
    /// The reason of a refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    refused: Option<String>,
}

impl Admission {
    /// Of what was asked and what came of it.
    pub fn new(
        (at, facts, seeds): (Moment, &FactsAt, &FactSeeds),
        actor: &Actor,
        (person, needs): (&PersonId, Needs),
        found: &Result<Option<String>, Refused>,
    ) -> Self {
        Self {
            admission: VERSION,
            at: at.millis(),
            facts: facts.counter(),
            seeds: seeds.clone(),
            account: actor.account.clone(),
            hat: actor.hat.clone(),
            purpose: actor.purpose,
            person: person.clone(),
            needs,
            refused: found.as_ref().err().map(|refused| refused.reason.code().to_owned()),
        }
    }

    /// Reads what was kept; `None` for a question.
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().filter(|kept: &Self| kept.admission == VERSION)
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self).map_err(|_| Failure::Inconsistent("what an act was admitted from cannot be written"))
    }

    /// The state of the facts it was made from.
    pub const fn state(&self) -> FactsAt {
        FactsAt::of(self.facts)
    }

    /// Where the closure of its facts starts.
    pub const fn seeds(&self) -> &FactSeeds {
        &self.seeds
    }

    /// Under which purpose.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Decides again.
    pub fn judge(&self, known: &Known, policy: &Policy) -> Result<Decision, Failure> {
        let at = Moment::from_millis(self.at);
        let world = World::new(known.without_segments(at));
        let world = world.map_err(|_| Failure::Inconsistent("stored facts contradict each other"))?;
        let actor =
            Actor { account: self.account.clone(), hat: self.hat.clone(), purpose: self.purpose, at: Time::from(at) };
        Ok(lifecycle::admission(&world, policy, &actor, &self.person, self.needs))
    }

    /// Whether a decision is what was decided then.
    pub fn agrees(&self, decision: &Decision) -> bool {
        let reason = (decision.level == Level::N).then(|| decision.reason.code());
        self.refused.as_deref() == reason
    }
}

/// An admission as what the rules say of a question: no segments, and what came of it.
pub(super) const fn judged(decision: Decision) -> Judged {
    Judged { refusal: None, unavailable: Vec::new(), decisions: Vec::new(), first: Some(decision) }
}
