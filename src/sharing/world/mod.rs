//! Facts made ready for deciding: ids resolved to indices, everything filed under the hat, person or case it belongs to.
//!
//! Owns the index and the questions about time and kinship that several steps ask ([`people`]). A [`World`] exists only
//! if every reference resolves, so the steps never meet a dangling id. Deciding one ask touches only what is filed under
//! its hat, its segment and the segment's people: people and records that have nothing to do with it cost nothing.
//!
//! What does not change from question to question is [`Indexed`], made once and shared; a [`World`] adds the segments in
//! question, the people nobody registered, and the time.

mod added;
mod build;
mod index;
mod people;
mod references;

pub use references::{FactsError, Fault};

use build::{Account, Opening, Person};
pub(super) use build::{
    Case, Decider, Event, Grant, Hat, Override, Party, Permission, Relationship, Resolver, Scope, Segment, Who,
    category_bit, purpose_bit,
};
pub(super) use index::{
    AccountIx, AgencyIx, CaseIx, GrantIx, HatIx, Index, OpeningIx, OverrideIx, PermissionIx, PersonIx, RelationshipIx,
    SegmentIx, TeamIx,
};
pub(super) use people::Ages;

use super::facts::{self, Facts, Span, Time};
use added::Added;
use index::{Lists, Names};
use std::ops::Deref;
use std::sync::Arc;

/// The facts of one question, indexed. Made by [`World::new`] or [`World::of`]; immutable.
#[derive(Debug)]
pub struct World {
    pub(super) now: Time,
    indexed: Arc<Indexed>,
    added: Added,
}

impl Deref for World {
    type Target = Indexed;
    fn deref(&self) -> &Indexed {
        &self.indexed
    }
}

/// All facts but segments, indexed once for many questions. Immutable.
#[derive(Debug)]
pub struct Indexed {
    pub(super) config: facts::Config,
    agencies: Vec<build::Agency>,
    teams: Vec<String>,
    accounts: Vec<Account>,
    hats: Vec<Hat>,
    people: Vec<Person>,
    cases: Vec<Case>,
    relationships: Vec<Relationship>,
    permissions: Vec<Permission>,
    overrides: Vec<Override>,
    grants: Vec<Grant>,
    openings: Vec<Opening>,
    pub(super) names: Directory,
    filed: Filed,
}

/// Ids by section.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) accounts: Names<AccountIx>,
    pub(super) agencies: Names<AgencyIx>,
    pub(super) teams: Names<TeamIx>,
    pub(super) hats: Names<HatIx>,
    /// Those who are registered; ask [`World::person_named`].
    people: Names<PersonIx>,
    pub(super) cases: Names<CaseIx>,
    /// Those that a permission, grant or opening names, whether they exist or not; ask [`World::segment_named`].
    segments: Names<SegmentIx>,
    pub(super) relationships: Names<RelationshipIx>,
    pub(super) overrides: Names<OverrideIx>,
    pub(super) openings: Names<OpeningIx>,
}

/// What is filed under whom.
#[derive(Debug)]
struct Filed {
    hat_relationships: Lists<RelationshipIx>,
    hat_overrides: Lists<OverrideIx>,
    hat_grants: Lists<GrantIx>,
    hat_strands: Lists<(PersonIx, Span)>,
    account_conflicts: Lists<(PersonIx, Span)>,
    account_selves: Lists<(PersonIx, Span)>,
    case_relationships: Lists<RelationshipIx>,
    person_relationships: Lists<RelationshipIx>,
    person_permissions: Lists<PermissionIx>,
    person_links: Lists<(PersonIx, Span)>,
    person_homes: Lists<(usize, Span)>,
    home_members: Vec<Vec<(PersonIx, Span)>>,
    protected_from: Lists<(PersonIx, Span)>,
    sealed: Lists<Span>,
    responsibility: Lists<build::Responsibility>,
    care_orders: Lists<(Option<AgencyIx>, Span)>,
    assessments: Lists<build::Assessment>,
}

macro_rules! lookups {
    ($($name:ident: $ix:ident -> $item:ident in $field:ident;)+) => {
        impl Indexed {$(
            pub(super) fn $name(&self, at: $ix) -> Option<&$item> { self.$field.get(at.at()) }
        )+}
    };
}
lookups! {
    account: AccountIx -> Account in accounts;
    hat: HatIx -> Hat in hats;
    case: CaseIx -> Case in cases;
    relationship: RelationshipIx -> Relationship in relationships;
    permission: PermissionIx -> Permission in permissions;
    r#override: OverrideIx -> Override in overrides;
    grant: GrantIx -> Grant in grants;
    opening: OpeningIx -> Opening in openings;
}

impl World {
    /// Indexes the facts.
    ///
    /// # Errors
    /// [`FactsError`] with a pointer for every id that does not resolve (checked first) or stands twice.
    pub fn new(facts: Facts) -> Result<Self, Vec<FactsError>> {
        references::check(&facts)?;
        let indexed = Arc::new(build::indexed(&facts));
        let segments: Vec<&facts::Segment> = facts.segments.iter().collect();
        let added = Added::of(&indexed, &[], &segments).unwrap_or_default();
        Ok(Self { now: facts.now, indexed, added })
    }
    /// These facts with the people and segments of one question, at `now`. `None` when a segment names an agency or a person
    /// that does not exist.
    #[must_use]
    pub fn of(
        indexed: &Arc<Indexed>,
        people: &[facts::Person],
        segments: &[&facts::Segment],
        now: Time,
    ) -> Option<Self> {
        let added = Added::of(indexed, people, segments)?;
        Some(Self { now, indexed: Arc::clone(indexed), added })
    }
    /// The time of an ask that states none.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }
    pub(super) fn people_all(&self) -> impl Iterator<Item = (PersonIx, &Person)> {
        let all = self.people.iter().chain(self.added.people());
        all.enumerate().map(|(at, person)| (PersonIx::from(at), person))
    }
    pub(super) fn person(&self, at: PersonIx) -> Option<&Person> {
        self.people.get(at.at()).or_else(|| self.added.person(at, self.people.len()))
    }
    pub(super) fn segment(&self, at: SegmentIx) -> Option<&Segment> {
        self.added.segment(at)
    }
    pub(super) fn person_named(&self, id: &str) -> Option<PersonIx> {
        self.names.people.get(id).or_else(|| self.added.person_named(id))
    }
    pub(super) fn segment_named(&self, id: &str) -> Option<SegmentIx> {
        self.added.segment_named(id)
    }
}

impl Indexed {
    /// Indexes facts without segments. What names a segment may name one that is in no question.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn new(facts: &Facts) -> Result<Arc<Self>, Vec<FactsError>> {
        references::check_all_but_segments(facts)?;
        Ok(Arc::new(build::indexed(facts)))
    }
    pub(super) fn agency_id(&self, at: AgencyIx) -> &str {
        self.agencies.get(at.at()).map_or("", |agency| agency.id.as_str())
    }
    pub(super) fn team_id(&self, at: TeamIx) -> Option<&str> {
        self.teams.get(at.at()).map(String::as_str)
    }
    pub(super) fn agency_kind(&self, at: AgencyIx) -> Option<facts::AgencyKind> {
        self.agencies.get(at.at()).map(|agency| agency.kind)
    }
    pub(super) fn relationships_of(&self, hat: HatIx) -> &[RelationshipIx] {
        self.filed.hat_relationships.by(hat)
    }
    pub(super) fn relationships_on(&self, case: CaseIx) -> &[RelationshipIx] {
        self.filed.case_relationships.by(case)
    }
    pub(super) fn relationships_to(&self, person: PersonIx) -> &[RelationshipIx] {
        self.filed.person_relationships.by(person)
    }
    pub(super) fn overrides_of(&self, hat: HatIx) -> &[OverrideIx] {
        self.filed.hat_overrides.by(hat)
    }
    pub(super) fn grants_to(&self, hat: HatIx) -> &[GrantIx] {
        self.filed.hat_grants.by(hat)
    }
    pub(super) fn permissions_about(&self, person: PersonIx) -> &[PermissionIx] {
        self.filed.person_permissions.by(person)
    }
}
