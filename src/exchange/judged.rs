//! What a decision is made from, and the making: for the answer, and again for whoever asks later (R78).
//!
//! Owns [`Inputs`], which are kept sealed beside the log with the entry of the decision: the question, the labels of the
//! segments in question and the people nobody had registered; no content. With the facts of that state and any set of
//! rules they give the decision again. Read [`Inputs::judge`].

use super::Failure;
use super::disclose::{Question, Standing, WholeRefusal};
use super::world::{HeldRecord, Known, probe};
use crate::ident::{AccountId, AgencyId, HatId, PersonId, SegmentId};
use crate::record::{Segment, ThirdParty};
use crate::sharing::decision::{Decision, Marker, Reason};
use crate::sharing::facts::{self, Form, Time};
use crate::sharing::unknown_adult::{self, Summary};
use crate::sharing::{Policy, decide};
use crate::store::{FactSeeds, FactsAt};
use crate::vocabulary::{Category, Level, Purpose};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The shape of what is kept.
const VERSION: u8 = 1;

/// One question with all that a decision needs besides the facts of its state and the rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inputs {
    v: u8,
    pub at: Time,
    /// The counter of the facts' state.
    facts: i64,
    /// The asking system's agency.
    agency: AgencyId,
    pub account: AccountId,
    pub hat: HatId,
    pub purpose: Purpose,
    subject: PersonId,
    /// Whether the gateway knew the person.
    known: bool,
    categories: Vec<Category>,
    #[serde(rename = "override", skip_serializing_if = "Option::is_none", default)]
    override_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    delegation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    opening: Option<String>,
    /// People nobody had registered.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    people: Vec<facts::Person>,
    /// The segments in question and the summaries they point to.
    segments: Vec<facts::Segment>,
    /// Those that are decided, in order.
    decided: Vec<Asked>,
}

/// One decided segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    pub segment: SegmentId,
    /// Whether free text in it may name somebody, and then what its authored summary is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    names: Option<Authored>,
}

/// The authored summary of a segment that may name somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Authored {
    /// There is one that names nobody else.
    Clean,
    /// There is one.
    There,
    /// There is none.
    Missing,
}

impl Asked {
    pub fn new(segment: SegmentId, place: &HeldRecord, of: &Segment) -> Self {
        let names = (of.label.third_party != ThirdParty::None).then(|| {
            let authored = place.record.segments().iter().find(|s| s.summary_of.contains(&of.id));
            match authored {
                Some(short) if short.label.third_party == ThirdParty::None => Authored::Clean,
                Some(_) => Authored::There,
                None => Authored::Missing,
            }
        });
        Self { segment, names }
    }
}

/// What the rules say of a question.
pub(super) struct Judged {
    pub refusal: Option<WholeRefusal>,
    /// Categories whose marker is printed for every person (sharing rules §10, matrix N).
    pub unavailable: Vec<Category>,
    /// One decision for each decided segment, in order.
    pub decisions: Vec<Decision>,
    /// What is true of the first category asked for, whether or not anything is held in it.
    pub first: Option<Decision>,
}

impl Inputs {
    /// Of a question and what it is about.
    pub fn new(
        question: &Question,
        segments: Vec<facts::Segment>,
        decided: Vec<Asked>,
        people: Vec<facts::Person>,
    ) -> Self {
        Self {
            v: VERSION,
            at: Time::from(question.at),
            facts: question.facts.counter(),
            agency: question.caller.agency.clone(),
            account: question.account.clone(),
            hat: question.hat.clone(),
            purpose: question.purpose,
            subject: question.subject.clone(),
            known: question.standing == Standing::Known,
            categories: question.categories.clone(),
            override_id: question.override_id.clone(),
            delegation: question.delegation.clone(),
            opening: question.opening.clone(),
            people,
            segments,
            decided,
        }
    }

    /// Reads what was kept.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let read: Option<Self> = serde_json::from_slice(body).ok();
        read.filter(|inputs| inputs.v == VERSION)
            .ok_or(Failure::Inconsistent("what a decision was made from cannot be read"))
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self).map_err(|_| Failure::Inconsistent("what a decision was made from cannot be written"))
    }

    /// The state of the facts it was made from.
    pub const fn state(&self) -> FactsAt {
        FactsAt::of(self.facts)
    }

    /// Where the closure of its facts starts.
    pub fn seeds(&self) -> FactSeeds {
        let about = self.segments.iter().flat_map(|s| s.about.iter().chain(&s.record_of));
        let persons: BTreeSet<&PersonId> = about.chain([&self.subject]).collect();
        let agencies: BTreeSet<&AgencyId> = self.segments.iter().map(|s| &s.custodian).chain([&self.agency]).collect();
        FactSeeds {
            persons: persons.into_iter().cloned().collect(),
            hats: vec![self.hat.clone()],
            account: Some(self.account.clone()),
            segments: self.segments.iter().map(|s| s.id.clone()).collect(),
            agencies: agencies.into_iter().cloned().collect(),
            ..FactSeeds::default()
        }
    }

    /// The decided segments, in order.
    pub fn decided(&self) -> &[Asked] {
        &self.decided
    }

    /// Decides: everything in question at its moment, from these facts and rules.
    pub fn judge(&self, known: &Known, policy: &Policy) -> Result<Judged, Failure> {
        let probes: Vec<facts::Segment> =
            self.categories.iter().map(|c| probe(*c, &self.subject, &self.agency)).collect();
        let segments: Vec<&facts::Segment> = self.segments.iter().chain(&probes).collect();
        let world = known.world(&self.people, &segments, self.at)?;
        let mut ask = self.ask();
        let mut judge = |segment: &SegmentId| {
            ask.segment = Some(segment.clone());
            decide(&world, policy, &ask)
        };
        let probed: Vec<(Category, Decision)> =
            self.categories.iter().zip(&probes).map(|(c, probe)| (*c, judge(&probe.id))).collect();
        let refusal = whole_refusal(&probed, self.known);
        let hat = hat_of(known, &self.account, &self.hat);
        let mut decisions = Vec::new();
        for asked in &self.decided {
            let decision = judge(&asked.segment);
            decisions.push(self.unnamed_adult(decision, policy, hat, asked));
        }
        let unavailable = if refusal.is_some() { Vec::new() } else { unavailable(&probed) };
        let first = probed.into_iter().next().map(|(_, decision)| decision);
        Ok(Judged { refusal, unavailable, decisions, first })
    }

    fn ask(&self) -> facts::Ask {
        facts::Ask {
            id: facts::AskId::from("question"),
            account: self.account.clone(),
            hat: self.hat.clone(),
            purpose: self.purpose,
            at: Some(self.at),
            strong_auth: true,
            segment: None,
            act: None,
            analytics: None,
            r#override: self.override_id.as_deref().map(facts::OverrideId::from),
            delegation: self.delegation.as_deref().map(facts::DelegationId::from),
            opening: self.opening.as_deref().map(facts::OpeningId::from),
            requester: None,
            expect: None,
        }
    }

    /// Free text that may name somebody counts as if an adult stood in it, unless an adult is listed anyway (R54).
    fn unnamed_adult(&self, decision: Decision, policy: &Policy, hat: Option<&facts::Hat>, asked: &Asked) -> Decision {
        let segment = self.segments.iter().find(|s| s.id == asked.segment);
        let category = segment.and_then(|s| s.category);
        let (Some(hat), Some(category), Some(authored)) = (hat, category, asked.names) else { return decision };
        let short = segment.is_some_and(|s| s.form == Form::Summary) || policy.summary_fields(category).is_some();
        let summary = match authored {
            Authored::Clean => Summary::Clean,
            Authored::There => Summary::There,
            Authored::Missing if short => Summary::There,
            Authored::Missing => Summary::Missing,
        };
        unknown_adult::cap(decision, policy, hat.role, category, summary)
    }

    /// The account whose hat granted the delegation that the question names.
    pub fn principal(&self, known: &Known) -> Option<AccountId> {
        let named = self.delegation.as_deref()?;
        let all = known.facts();
        let delegation = all.relationships.iter().find(|r| r.id.as_str() == named)?;
        let grantor = delegation.grantor.as_ref()?;
        all.accounts.iter().find(|a| a.hats.iter().any(|h| &h.id == grantor)).map(|a| a.id.clone())
    }
}

/// The hat of an account.
pub(super) fn hat_of<'a>(known: &'a Known, account: &AccountId, hat: &HatId) -> Option<&'a facts::Hat> {
    let account = known.facts().accounts.iter().find(|a| &a.id == account)?;
    account.hats.iter().find(|h| &h.id == hat)
}

/// Whether the request as a whole is refused: then every probe says so.
fn whole_refusal(probed: &[(Category, Decision)], known: bool) -> Option<WholeRefusal> {
    let whole = |d: &Decision| d.level == Level::N && is_whole(d.reason);
    let (_, first) = probed.first()?;
    // A person nobody knows must look exactly like one who may not be hinted at.
    if !known && first.reason != Reason::DAuth {
        return Some(WholeRefusal { reason: Reason::DRel, marker: Marker::Silent });
    }
    if !probed.iter().all(|(_, d)| whole(d)) {
        return None;
    }
    // One silent answer makes the whole refusal silent.
    let silent = probed.iter().any(|(_, d)| d.marker == Marker::Silent);
    let marker = if silent { Marker::Silent } else { first.marker };
    Some(WholeRefusal { reason: first.reason, marker })
}

/// Reasons that speak of the request, not of a segment (decision procedure steps 1 to 4, and 14).
const fn is_whole(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::DAuth | Reason::DCoi | Reason::DPurpose | Reason::DRel | Reason::DAudit | Reason::DDelegate
    )
}

fn unavailable(probed: &[(Category, Decision)]) -> Vec<Category> {
    let shown = probed.iter().filter(|(_, d)| {
        d.level == Level::N && d.marker == Marker::Shown && matches!(d.reason, Reason::DMatrix | Reason::DCap)
    });
    shown.map(|(category, _)| *category).collect()
}
