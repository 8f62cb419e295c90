//! Looking for a person (R8): surname, birth date and first name, postcode or an identifier; or one identifier exactly. At most five,
//! never one whose place is protected or whose identity is sealed; each search is logged with what was asked, before anything
//! is answered, and so is each that is refused.
//!
//! Owns the question, not a right: whom a search names is not thereby the searcher's to open. A postcode may stand in the first
//! name's place, for hats whose role sees addresses; for others it is as if it were not there, as finding somebody by it says
//! where they live. Nobody is found by it who lives, or lived, together with somebody protected. Pages and `match_r4` ask the same [`Gateway::look_for`].

use super::alerts::{AlertKind, Bulk};
use super::deed::{Cast, Scene, User};
use super::receive::scheme_of;
use super::visit::Visitor;
use super::{Caller, Failure, Gateway, entries, notice};
use crate::audit::payload::{self, FreeText};
use crate::audit::{Draft, Event, Outcome};
use crate::ident::{AgencyId, EntryId, PersonId};
use crate::matching::{Identifier, whole_postcode};
use crate::sharing::facts::Member;
use crate::sharing::lifecycle::{self, Needs};
use crate::store::{Effect, FactSeeds, FactsAt, Fitting, Job, Presented};
use crate::vocabulary::{Category, Level, Purpose, Role};

/// Most candidates shown (R8).
pub(super) const FOUND_MAX: usize = 5;
/// Longest text of a question, in characters.
const TEXT_CHARS_MAX: usize = 100;
/// Most numbers of one question.
const NUMBERS_MAX: usize = 4;

/// What is asked, as typed.
#[derive(Clone, Default)]
pub struct PeopleQuery {
    /// Surname.
    pub family: String,
    /// First name.
    pub given: String,
    /// Birth date, year-month-day.
    pub born: String,
    /// Postcode of the home.
    pub postcode: String,
    /// Numbers, each with its numbering: `nhs-number`, `upn`, `la-child-id`.
    pub numbers: Vec<(String, String)>,
}

/// Somebody who fits, as far as level S of identity goes: name and age.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Who.
    pub person: PersonId,
    /// First name and surname, when the register has them.
    pub name: String,
    /// Age in years.
    pub age: Option<i16>,
    /// How surely it is the person asked for.
    pub grade: Grade,
}

/// How surely somebody found is the person asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Grade {
    /// A name and birth date alone, or a number alone: never enough (R15).
    Possible,
    /// A number, and a name or birth date beside it.
    Probable,
    /// A message that says as much would be matched.
    Certain,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({})", self.person)
    }
}

impl PeopleQuery {
    /// Whether it is enough to ask (R8).
    #[must_use]
    pub fn is_enough(&self) -> bool {
        let number = |(scheme, number): &(String, String)| given(number) && scheme_of(scheme).is_some();
        let numbers = self.numbers.len() <= NUMBERS_MAX && self.numbers.iter().any(number);
        let named = given(&self.family) && (given(&self.given) || self.has_postcode()) && self.has_birth_date();
        (numbers || named) && (self.postcode.trim().is_empty() || self.has_postcode())
    }
    fn has_postcode(&self) -> bool {
        whole_postcode(&self.postcode).is_some()
    }
    /// Whether the postcode is asked by: only in the place of the first name, as an answer says that somebody lives there.
    fn by_home(&self) -> bool {
        self.has_postcode() && !self.has_name() && self.numbers.is_empty()
    }
    /// Without the postcode.
    fn blind(&self) -> Self {
        Self { postcode: String::new(), ..self.clone() }
    }
    fn has_birth_date(&self) -> bool {
        self.born.len() == 10 && self.born.parse::<jiff::civil::Date>().is_ok()
    }
    fn has_name(&self) -> bool {
        given(&self.family) && given(&self.given)
    }
    /// As the log keeps it.
    fn text(&self) -> String {
        let numbers = self.numbers.iter().take(NUMBERS_MAX).flat_map(|(scheme, number)| [scheme, number]);
        let place = Some(&self.postcode).filter(|code| !code.is_empty());
        let parts = [&self.family, &self.given, &self.born].into_iter().chain(place).chain(numbers);
        parts.map(|p| p.chars().take(TEXT_CHARS_MAX).collect::<String>()).collect::<Vec<_>>().join(" | ")
    }
    /// As the index of people is asked. A number that is none, of a numbering nobody knows, finds nobody.
    fn presented(&self, agency: &AgencyId) -> Presented {
        let number = |(scheme, number): &(String, String)| Identifier::new(scheme_of(scheme)?, number.trim(), agency);
        Presented {
            identifiers: self.numbers.iter().take(NUMBERS_MAX).filter_map(number).collect(),
            birth: Some(self.born.clone()).filter(|b| !b.is_empty()),
            names: self.has_name().then(|| (self.family.clone(), self.given.clone())).into_iter().collect(),
            homes: self.by_home().then(|| (self.family.clone(), self.postcode.clone())).into_iter().collect(),
        }
    }
    fn grade(&self, fitting: &Fitting) -> Grade {
        if fitting.certain {
            Grade::Certain
        } else if fitting.holds && (self.has_name() || self.has_birth_date()) {
            Grade::Probable
        } else {
            Grade::Possible
        }
    }
}

fn given(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX
}

/// What a search came to.
pub(super) struct Looked {
    /// Its entry.
    pub receipt: EntryId,
    /// Up to which level those found may be shown: S or I.
    pub level: Level,
    /// Whom it found; `None` when more than five fit, then nobody is shown.
    pub found: Option<Vec<Found>>,
}

/// A search, ready to be weighed.
struct Search<'a> {
    /// As it was asked.
    query: &'a PeopleQuery,
    /// As it is answered: without what the hat may not ask by.
    by: PeopleQuery,
    purpose: Option<Purpose>,
    hat: payload::Hat,
}

impl Gateway {
    /// Searches at the pages. `None` when more than five fit: then nobody is shown.
    ///
    /// # Errors
    /// [`Failure::Refused`] for a hat that searches nobody, and when the bulk rule stops it; [`Failure::Unclear`] when it is
    /// not enough to ask.
    pub async fn search_people(&self, visitor: &Visitor, query: &PeopleQuery) -> Result<Option<Vec<Found>>, Failure> {
        let user = User { account: visitor.account.clone(), hat: visitor.worn()?.id.clone() };
        Ok(self.look_for(&visitor.caller(), &user, None, query).await?.found)
    }

    /// Searches. Without a purpose the hat must be one that sees somebody's identity under any.
    pub(super) async fn look_for(
        &self,
        caller: &Caller,
        user: &User,
        purpose: Option<Purpose>,
        query: &PeopleQuery,
    ) -> Result<Looked, Failure> {
        let facts = self.facts.now(&self.db).await?;
        let hat = self.hat_through_system(caller, (&user.account, &user.hat), facts).await?;
        let level = self.search_level(hat.role, purpose);
        let by = if self.sees_homes(hat.role, purpose) { query.clone() } else { query.blind() };
        let search = Search { query, by, purpose, hat };
        let refusal = if level < Level::I { Some("D-PURPOSE") } else { (!search.by.is_enough()).then_some("D-REL") };
        if let Some(reason) = refusal {
            self.search_refused(caller, user, &search, reason).await?;
            let unclear = Failure::Unclear("too little to search by");
            return Err(if reason == "D-REL" { unclear } else { Failure::Refused { reason } });
        }
        let presented = search.by.presented(&search.hat.agency);
        // A number that cannot be one names nobody; the name beside it must not be searched for alone.
        let nobody = !query.numbers.is_empty() && presented.identifiers.is_empty();
        let fitting = if nobody { Vec::new() } else { self.db.search_people(&self.keys, &presented).await? };
        let former = self.db.sealed_holders(&self.keys, &presented.identifiers).await?;
        let persons = fitting.iter().map(|f| f.person.clone()).chain(former.iter().cloned()).collect();
        let scene = self.scene(caller, user, Cast { persons, ..Cast::default() }).await?;
        if let Some(purpose) = purpose {
            let nobody = PersonId::new(Self::fresh_id());
            if let Err(refused) = scene.admit(&scene.actor(purpose), &nobody, Needs::Purpose) {
                self.search_refused(caller, user, &search, refused.reason.code()).await?;
                return Err(Failure::Refused { reason: refused.reason.code() });
            }
        }
        self.weigh_search(&scene, search, level, (fitting, former)).await
    }

    /// The level of identity a role's search may show: at most S (R8).
    fn search_level(&self, role: Role, purpose: Option<Purpose>) -> Level {
        let content = self.content();
        let policy = &content.policy;
        let level = |p: &Purpose| policy.cell(*p, role, Category::Idn).map_or(Level::N, |c| c.without.min(Level::S));
        if !policy.role(role).searches {
            return Level::N;
        }
        match purpose {
            Some(purpose) => level(&purpose),
            // Nothing less than S is shown where nobody said what for.
            None => Purpose::ALL.iter().map(level).max().filter(|l| *l >= Level::S).unwrap_or(Level::N),
        }
    }

    /// Whether a role sees whole addresses under the purpose, without anybody's permission.
    fn sees_homes(&self, role: Role, purpose: Option<Purpose>) -> bool {
        let content = self.content();
        let sees = |p: &Purpose| content.policy.cell(*p, role, Category::Adr).is_some_and(|c| c.without == Level::F);
        purpose.map_or_else(|| Purpose::ALL.iter().any(sees), |purpose| sees(&purpose))
    }

    /// Leaves out who may not be found, logs, counts, and only then names anybody.
    async fn weigh_search(
        &self,
        scene: &Scene<'_>,
        search: Search<'_>,
        level: Level,
        (fitting, former): (Vec<Fitting>, Vec<PersonId>),
    ) -> Result<Looked, Failure> {
        let may = |person: &PersonId| lifecycle::may_be_found(&scene.world, &scene.user.account, person, scene.now);
        let by_home = search.by.by_home();
        let near = |f: &Fitting| !by_home || beside(scene, &f.person).all(may);
        let known: Vec<&Fitting> = fitting.iter().filter(|f| may(&f.person) && near(f)).collect();
        let shown = known.len() <= FOUND_MAX;
        let mut payload = scene.payload(Event::Search, None, search.purpose);
        payload.query = Some(FreeText::new(search.query.text()));
        if let [only] = known.as_slice() {
            payload.subject = Some(only.person.clone());
        }
        payload.counts.insert("candidates".to_owned(), u32::try_from(known.len()).unwrap_or(u32::MAX));
        let mut effects = probed(scene, &former);
        for one in known.iter().filter(|_| shown) {
            match self.one_more_person(&scene.user.account, &scene.user.hat, one.person.as_str()).await? {
                Bulk::Fine => {}
                Bulk::Alert => {
                    let (hat, agency) = (Some(&scene.user.hat), &scene.hat.agency);
                    effects.push(self.raise(AlertKind::Bulk, &scene.entry, hat, agency));
                }
                Bulk::Blocked => return Err(self.refuse_bulk(payload, search.hat).await?),
            }
        }
        let outcome = if shown && !known.is_empty() { Outcome::Allow } else { Outcome::Deny };
        let job = Job::new(Draft::new(outcome, payload).with_id(scene.entry.clone()));
        self.committer.commit(effects.into_iter().fold(job, Job::with_effect)).await?;
        let found = shown.then(|| known.iter().filter_map(|one| found(scene, &search.by, one)).collect());
        Ok(Looked { receipt: scene.entry.clone(), level, found })
    }

    /// The agencies that keep the seal on an identity that once held this number; none for every other number (R66).
    pub(super) async fn keepers_of(&self, number: &Identifier, at: FactsAt) -> Result<Vec<AgencyId>, Failure> {
        let former = self.db.sealed_holders(&self.keys, std::slice::from_ref(number)).await?;
        if former.is_empty() {
            return Ok(Vec::new());
        }
        let seeds = FactSeeds { persons: former.clone(), ..FactSeeds::default() };
        let facts = self.known(at, &seeds).await?.without_segments(self.clock().now());
        let seals = facts.seals.into_iter().filter(|seal| former.contains(&seal.former));
        Ok(seals.filter_map(|seal| seal.custodian).collect())
    }

    /// A search that is refused is logged with what was asked (R8).
    async fn search_refused(
        &self,
        caller: &Caller,
        user: &User,
        search: &Search<'_>,
        reason: &str,
    ) -> Result<(), Failure> {
        let mut payload = entries::by_caller(Event::Search, caller);
        payload.actor = Some(user.account.clone());
        payload.hat = Some(search.hat.clone());
        payload.purpose = search.purpose;
        payload.query = Some(FreeText::new(search.query.text()));
        payload.reason = Some(reason.to_owned());
        self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await?;
        Ok(())
    }
}

/// Somebody asked with the number of a sealed identity: the officers of the agency that keeps the seal learn it, nobody else
/// (R66, R67).
fn probed(scene: &Scene<'_>, former: &[PersonId]) -> Vec<Effect> {
    let seals = scene.facts.seals.iter().filter(|seal| former.contains(&seal.former));
    let keepers: Vec<AgencyId> = seals.filter_map(|seal| seal.custodian.clone()).collect();
    notice::Notify::new(AlertKind::AdoptionProbe, scene.entry.as_str(), &scene.entry, scene.at).to(&keepers)
}

/// Everybody in a household with this person, whenever.
fn beside<'s>(scene: &'s Scene<'_>, person: &'s PersonId) -> impl Iterator<Item = &'s PersonId> {
    let households = scene.facts.households.iter().map(|household| &household.members);
    let with = households.filter(move |members| members.iter().any(|m| m.person() == person));
    with.flatten().map(Member::person)
}

/// What may be shown of somebody found.
fn found(scene: &Scene<'_>, query: &PeopleQuery, fitting: &Fitting) -> Option<Found> {
    let person = scene.facts.people.iter().find(|p| p.id == fitting.person && !p.nameless)?;
    let names = [&person.given_name, &person.family_name].into_iter().flatten().map(|t| t.as_str().to_owned());
    let age = person.born.and_then(|born| born.0.until((jiff::Unit::Year, scene.now.date())).ok());
    Some(Found {
        person: person.id.clone(),
        name: names.collect::<Vec<_>>().join(" "),
        age: age.map(|span| span.get_years()),
        grade: query.grade(fitting),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surname_alone_is_not_enough_and_one_number_is() {
        let query = |family: &str, given: &str, born: &str, number: &str| PeopleQuery {
            family: family.to_owned(),
            given: given.to_owned(),
            born: born.to_owned(),
            postcode: String::new(),
            numbers: vec![("nhs-number".to_owned(), number.to_owned())],
        };
        assert!(!query("Smith", "", "", "").is_enough());
        assert!(!query("Smith", "", "2017-02-03", "").is_enough());
        assert!(!query("Smith", "Jo", "soon", "").is_enough());
        assert!(query("Smith", "Jo", "2017-02-03", "").is_enough());
        assert!(query("", "", "", "9990000018").is_enough());
        let at = |query: PeopleQuery, code: &str| PeopleQuery { postcode: code.to_owned(), ..query };
        assert!(at(query("Smith", "", "2017-02-03", ""), "zz99 4ab").is_enough());
        assert!(!at(query("Smith", "", "", ""), "ZZ99 4AB").is_enough());
        assert!(!at(query("", "", "2017-02-03", ""), "ZZ99 4AB").is_enough(), "a postcode says nothing alone");
        assert!(!at(query("Smith", "", "2017-02-03", ""), "ZZ99").is_enough(), "nor does a part of one");
        assert!(
            !at(query("Smith", "Jo", "2017-02-03", ""), "ZZ99").is_enough(),
            "what cannot be one is said to be wrong"
        );
    }
}
