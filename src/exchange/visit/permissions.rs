//! A person's permissions at the pages: what has been decided, what a withdrawal stops and what it cannot call back.
//!
//! Owns which records a visitor may see: those of the own agency, those that name the visitor or the agency as giver or
//! receiver, and the visitor's own; never a refusal that names the visitor (sharing rules §10), never another person's.
//! Recording goes through [`Gateway::act`] like any system's. Read [`Gateway::permissions_of`] first.

use super::Visitor;
use crate::audit::{Draft, Event, Outcome, payload::Payload};
use crate::exchange::deed::{Cast, Deed, Done, Scene, User};
use crate::exchange::permit::{self, Correction, Happening, Objection, Resolution, Withdrawal};
use crate::exchange::whom::Party as WhoDecides;
use crate::exchange::{Failure, Gateway, Subject};
use crate::ident::{AgencyId, PersonId};
use crate::sharing::Reason;
use crate::sharing::facts::{self, Choice, Party, Permission};
use crate::sharing::lifecycle::{Needs, Refused, status};
use crate::store::{Job, Section};
use crate::vocabulary::{Category, Level, Purpose, Role};

/// Releases shown on the page of a withdrawal, newest first; the number of all of them is shown beside.
const SHARED_SHOWN_MAX: usize = 50;

/// What is recorded about one person, as far as the visitor may see it.
#[derive(Debug)]
pub struct Decided {
    /// The records, newest first.
    pub agreed: Vec<Agreed>,
    /// How old the person is, as far as deciding goes.
    pub age: Age,
}

/// Ages at which deciding changes (consent paper §3, §7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Age {
    /// Under 13.
    Child,
    /// 13 to 15.
    Teen,
    /// 16 or 17.
    Young,
    /// 18 or over.
    Adult,
}

/// One record.
#[derive(Debug)]
pub struct Agreed {
    /// The record, without exceptions that name the visitor.
    pub record: Permission,
    /// Where it is in its life: a word of the consent paper §4.
    pub status: &'static str,
    /// When it ends by time.
    pub ends: Option<String>,
    /// The hat that recorded it: role and agency.
    pub recorder: Option<(Role, AgencyId)>,
    /// What the visitor may do with it now.
    pub may: May,
}

/// What may be done with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct May {
    /// Record a withdrawal.
    pub withdraw: bool,
    /// Record another parent's objection.
    pub object: bool,
    /// Decide a dispute.
    pub resolve: bool,
    /// Mark it as an error.
    pub correct: bool,
}

/// What a withdrawal would do.
#[derive(Debug)]
pub struct Consequences {
    /// What each receiver may see, now and after.
    pub changes: Vec<Change>,
    /// Other permissions about the same information that stay.
    pub stays: Vec<String>,
    /// Releases that rested on it.
    pub shared: Vec<SharedBefore>,
    /// How many there were.
    pub shared_all: usize,
}

/// What one kind of receiver may see of one category for one purpose: with the permission and without it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Whom the record names.
    pub to: Party,
    /// For what.
    pub purpose: Purpose,
    /// Of what.
    pub category: Category,
    /// With the permission.
    pub now: Level,
    /// Without it.
    pub after: Level,
}

/// One release, as the log has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedBefore {
    /// When.
    pub at: String,
    /// To which agency.
    pub agency: AgencyId,
    /// To which role there, while the entry can still be opened.
    pub role: Option<Role>,
    /// What was released because of a permission.
    pub categories: Vec<Category>,
    /// The entry.
    pub receipt: String,
}

impl Gateway {
    /// Does what a visitor wants recorded, under the visitor's hat: the same deeds as a system's users.
    ///
    /// # Errors
    /// As [`Gateway::act`].
    pub async fn visitor_acts(&self, visitor: &Visitor, deed: &Deed) -> Result<Done, Failure> {
        self.act(&visitor.caller(), &user_of(visitor)?, deed).await
    }

    /// Whether the visitor's role may record permissions of the people it works with.
    #[must_use]
    pub fn records_permissions(&self, visitor: &Visitor) -> bool {
        let role = visitor.hat.as_ref().map(|h| h.role);
        role.is_some_and(|role| role != Role::Prv && self.content().policy.role(role).records_permission)
    }

    /// What is recorded about a person, for a visitor who works with them and may record permissions.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody else, logged.
    pub async fn permissions_of(
        &self,
        visitor: &Visitor,
        person: &PersonId,
        purpose: Purpose,
    ) -> Result<Decided, Failure> {
        let (caller, user) = (visitor.caller(), user_of(visitor)?);
        let cast = || Cast { persons: vec![person.clone()], ..Cast::default() };
        let first = self.scene(&caller, &user, cast()).await?;
        let hats = about(&first, person).filter_map(|p| p.recorded_by.clone()).collect();
        let scene = self.scene(&caller, &user, Cast { hats, ..cast() }).await?;
        self.may_look(&scene, person, purpose).await?;
        let mut records: Vec<&Permission> = about(&scene, person).filter(|p| readable(&scene, p)).collect();
        records.sort_by(|a, b| (b.recorded_at, b.id.as_str()).cmp(&(a.recorded_at, a.id.as_str())));
        let agreed: Vec<Agreed> = records.into_iter().map(|record| agreed(&scene, record, purpose)).collect();
        let seen = agreed.iter().map(|a| a.record.id.as_str().to_owned()).collect();
        self.log_permissions_read(&scene, person, Some(purpose), seen).await?;
        Ok(Decided { agreed, age: age_of(&scene, person) })
    }

    /// One record and what its withdrawal would do.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none that the visitor may see.
    pub async fn permission_of(
        &self,
        visitor: &Visitor,
        id: &str,
        purpose: Option<Purpose>,
    ) -> Result<(Agreed, Consequences), Failure> {
        let (caller, user) = (visitor.caller(), user_of(visitor)?);
        let Some((_, stored)) = self.stored::<Permission>(Section::Permissions, id).await? else {
            return Err(Failure::NotFound);
        };
        let person = stored.subject.clone();
        let cast = Cast {
            persons: vec![person.clone()],
            hats: stored.recorded_by.iter().cloned().collect(),
            ..Cast::default()
        };
        let scene = self.scene(&caller, &user, cast).await?;
        let under = purpose.or_else(|| stored.scope.purposes.iter().flatten().next().copied()).unwrap_or(Purpose::Cin);
        if scene.hat.role != Role::Prv {
            self.may_look(&scene, &person, under).await?;
        } else if let Err(refused) = scene.admit(&scene.actor(under), &person, Needs::Hat) {
            return Err(self.not_theirs(&scene, &person, refused).await);
        }
        let record = about(&scene, &person).find(|p| p.id.as_str() == id).filter(|p| readable(&scene, p));
        let Some(record) = record else {
            return Err(self.not_theirs(&scene, &person, Refused::open(Reason::DRel)).await);
        };
        let shown = agreed(&scene, record, under);
        let uses = self.db.permission_uses(id).await?;
        let mut shared = Vec::new();
        for used in uses.iter().rev().take(SHARED_SHOWN_MAX) {
            shared.push(self.shared_before(used).await?);
        }
        let consequences = Consequences {
            changes: changes(&scene, record),
            stays: stays(&scene, record),
            shared,
            shared_all: uses.len(),
        };
        self.log_permissions_read(&scene, &person, purpose, vec![id.to_owned()]).await?;
        Ok((shown, consequences))
    }

    /// A live relationship, a purpose the role may declare, and a role that records permissions.
    async fn may_look(&self, scene: &Scene<'_>, person: &PersonId, purpose: Purpose) -> Result<(), Failure> {
        let refused = if scene.hat.role == Role::Prv || !scene.content.policy.role(scene.hat.role).records_permission {
            Some(Refused::open(Reason::DDelegate))
        } else {
            scene.admit(&scene.actor(purpose), person, Needs::Relationship).err()
        };
        match refused {
            Some(refused) => Err(self.not_theirs(scene, person, refused).await),
            None => Ok(()),
        }
    }

    async fn log_permissions_read(
        &self,
        scene: &Scene<'_>,
        person: &PersonId,
        purpose: Option<Purpose>,
        permissions: Vec<String>,
    ) -> Result<(), Failure> {
        let mut payload = scene.payload(Event::View, Some(person), purpose);
        payload.permissions = permissions;
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload).with_id(scene.entry.clone()))).await?;
        Ok(())
    }

    async fn shared_before(&self, used: &crate::store::PermissionUse) -> Result<SharedBefore, Failure> {
        let opened = match self.db.entry(&used.entry).await? {
            Some(row) => self.db.payload(&self.keys, &row).await?,
            None => None,
        };
        // An erased entry still says that something was released, when and to which agency.
        let payload = opened.and_then(|(_, bytes)| serde_json::from_slice::<Payload>(&bytes).ok());
        let items = payload.iter().flat_map(|p| &p.items);
        let rested = items.filter(|i| i.level > Level::I && i.reason == Reason::AllowPermission.code());
        let mut categories: Vec<Category> = rested.filter_map(|i| i.category).collect();
        categories.sort_unstable();
        categories.dedup();
        Ok(SharedBefore {
            at: used.at.to_string(),
            agency: used.agency.clone(),
            role: payload.as_ref().and_then(|p| p.hat.as_ref()).map(|h| h.role),
            categories,
            receipt: used.entry.as_str().to_owned(),
        })
    }
}

fn user_of(visitor: &Visitor) -> Result<User, Failure> {
    Ok(User { account: visitor.account.clone(), hat: visitor.worn()?.id.clone() })
}

fn about<'a>(scene: &'a Scene<'_>, person: &'a PersonId) -> impl Iterator<Item = &'a Permission> {
    scene.facts.permissions.iter().filter(move |p| p.subject == *person)
}

/// Whether the visitor may see that there is this record.
fn readable(scene: &Scene<'_>, record: &Permission) -> bool {
    if record.recorded_by.as_ref() == Some(&scene.user.hat) {
        return true;
    }
    if record.decision == Choice::Refuse && names_visitor(scene, &record.scope) {
        return false;
    }
    let own = permit::recorder_agency(scene, record).as_ref() == Some(&scene.hat.agency);
    own || (record.decision == Choice::Permit
        && (permit::concerned(scene, record) || names_visitor(scene, &record.scope)))
}

/// Whether the scope's receivers are, among others, the visitor.
fn names_visitor(scene: &Scene<'_>, scope: &facts::Scope) -> bool {
    let named = |party: &Party| {
        let fits = |given: Option<bool>| given.unwrap_or(true);
        party.anyone
            || (fits(party.agency.as_ref().map(|a| *a == scene.hat.agency))
                && fits(party.role.map(|r| r == scene.hat.role))
                && fits(party.team.as_ref().map(|t| Some(t) == scene.hat.team.as_ref()))
                && fits(party.account.as_ref().map(|a| *a == scene.user.account)))
    };
    scope.to.iter().flatten().any(named)
}

fn agreed(scene: &Scene<'_>, record: &Permission, purpose: Purpose) -> Agreed {
    let status = status::status(&scene.world, &scene.facts, record, scene.now);
    let recorder = record.recorded_by.as_ref().and_then(|hat| {
        let hats = scene.facts.accounts.iter().flat_map(|a| &a.hats);
        hats.into_iter().find(|h| h.id == *hat).map(|h| (h.role, h.agency.clone()))
    });
    let mut shown = record.clone();
    if record.recorded_by.as_ref() != Some(&scene.user.hat) {
        shown.exceptions.retain(|e| e.decision == Choice::Permit || !names_visitor(scene, &e.scope));
    }
    Agreed {
        status: status.word(),
        ends: status::end(&scene.world, record).map(|t| t.to_string()),
        recorder,
        may: may(scene, record, status, purpose),
        record: shown,
    }
}

fn may(scene: &Scene<'_>, record: &Permission, status: status::Status, purpose: Purpose) -> May {
    use status::Status::{Active, Disputed, Draft, EnteredInError, Refused, Review};
    let by = WhoDecides::Person(Subject::Person(record.subject.clone()));
    let allowed = |what: &Happening| permit::may_change(scene, record, what, purpose).is_ok();
    let open = matches!(status, Active | Refused | Disputed | Review | Draft);
    let parents = matches!(record.capacity, facts::Capacity::ParentPr | facts::Capacity::LaCareOrder);
    let withdrawal = Withdrawal { purpose, by: by.clone(), how: None, told_at: None };
    let resolution = Resolution { purpose, outcome: facts::Outcome::Active, why: String::new() };
    May {
        withdraw: open && allowed(&Happening::Withdrawn(withdrawal)),
        object: open && parents && status != Disputed && allowed(&Happening::Disputed(Objection { purpose, by })),
        resolve: status == Disputed && allowed(&Happening::Resolved(resolution)),
        correct: status != EnteredInError && allowed(&Happening::Erred(Correction { purpose, why: String::new() })),
    }
}

/// Only what the permission changes; a receiver named without a role is shown at the most any role there may see.
fn changes(scene: &Scene<'_>, record: &Permission) -> Vec<Change> {
    let policy = &scene.content.policy;
    let mut all = Vec::new();
    for to in record.scope.to.iter().flatten() {
        let roles: Vec<Role> = to.role.map_or_else(|| Role::ALL.to_vec(), |role| vec![role]);
        for purpose in record.scope.purposes.iter().flatten() {
            for category in record.scope.categories.iter().flatten() {
                let cells = roles.iter().filter_map(|role| policy.cell(*purpose, *role, *category));
                let (now, after) = cells
                    .filter(|cell| cell.gated())
                    .fold((Level::N, Level::N), |(now, after), cell| (now.max(cell.with), after.max(cell.without)));
                if now > after {
                    all.push(Change { to: to.clone(), purpose: *purpose, category: *category, now, after });
                }
            }
        }
    }
    all
}

/// Other permits in force of the same person, for some of the same information, that the visitor may see.
fn stays(scene: &Scene<'_>, record: &Permission) -> Vec<String> {
    let listed = record.scope.categories.clone().unwrap_or_default();
    let shares = |p: &&Permission| p.scope.categories.iter().flatten().any(|c| listed.contains(c));
    let stands = |p: &&Permission| {
        p.id != record.id
            && readable(scene, p)
            && status::status(&scene.world, &scene.facts, p, scene.now) == status::Status::Active
    };
    about(scene, &record.subject).filter(stands).filter(shares).map(|p| p.id.as_str().to_owned()).collect()
}

fn age_of(scene: &Scene<'_>, person: &PersonId) -> Age {
    let (thirteen, sixteen, adult) = crate::sharing::lifecycle::ages_reached(&scene.world, person.as_str(), scene.now);
    match (thirteen, sixteen, adult) {
        (_, _, true) => Age::Adult,
        (_, true, false) => Age::Young,
        (true, false, false) => Age::Teen,
        (false, false, false) => Age::Child,
    }
}
