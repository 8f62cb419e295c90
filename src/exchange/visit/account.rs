//! Accounts at the pages: the hats that may be worn now, and the means of signing in, which an administrator sets.
//!
//! Owns no fact: hats and their dates are facts. A means is kept under a keyed hash of the name typed at sign-in, so that a
//! name is found only by who knows it.

use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::exchange::{Failure, Gateway};
use crate::ident::{AccountId, AgencyId, HatId};
use crate::sharing::facts::{Account, Span, Team, TeamId, Time};
use crate::store::{Effect, FactSeeds, Job, Kept, KeptKind, Section};
use crate::trust::means;
use crate::vocabulary::Role;
use serde::{Deserialize, Serialize};

/// Longest name typed at sign-in, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 128;

/// A hat as worn in a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Worn {
    /// Its id.
    pub id: HatId,
    /// The role.
    pub role: Role,
    /// The agency acted for.
    pub agency: AgencyId,
    /// The team, when placed in one.
    pub team: Option<TeamId>,
    /// The team's name for people, as far as it was looked up.
    pub team_name: Option<String>,
    /// Whether it may approve.
    pub supervisor: bool,
}

/// What an administrator gives an account to sign in with. Debug shows no secret.
pub struct NewMeans {
    /// The account.
    pub account: AccountId,
    /// The name typed at sign-in, for example an address of the agency's directory.
    pub name: String,
    /// How the person is greeted on their own pages.
    pub shown: String,
    /// The first password.
    pub password: String,
    /// The secret of the one-time codes.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for NewMeans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewMeans({})", self.account)
    }
}

/// The kept means of an account.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Means {
    pub account: AccountId,
    pub shown: String,
    pub password: String,
    pub secret: Vec<u8>,
    pub failures: u32,
    pub locked_until: i64,
    pub step_last: u64,
}

impl Gateway {
    /// Gives an account the means to sign in, or replaces them; logged.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such account; [`Failure::Inconsistent`] for a password that is too short or
    /// a name that is empty or too long.
    pub async fn give_means(&self, new: NewMeans, by: &AccountId) -> Result<(), Failure> {
        self.account(&new.account).await?.ok_or(Failure::NotFound)?;
        let id = self.means_id(&new.name).ok_or(Failure::Inconsistent("a sign-in name is empty or too long"))?;
        let password = tokio::task::spawn_blocking(move || means::hash_password(&new.password)).await;
        let password = password.ok().and_then(Result::ok).ok_or(Failure::Inconsistent("a password cannot be used"))?;
        let body = Means {
            account: new.account.clone(),
            shown: new.shown,
            password,
            secret: new.secret,
            failures: 0,
            locked_until: 0,
            step_last: 0,
        };
        let mut payload = Payload::new(Event::RoleGrant);
        payload.actor = Some(by.clone());
        payload.change = Some(Change { what: format!("means/{}", new.account), before: None, after: None });
        let keep = Effect::Keep { kept: kept_means(id, &body)?, was: None };
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload)).with_effect(keep)).await?;
        Ok(())
    }

    /// The id under which means are kept: a keyed hash of the name as folded; `None` when it cannot be a name.
    pub(super) fn means_id(&self, name: &str) -> Option<String> {
        let name = name.trim().to_lowercase();
        let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
        fits.then(|| hex(&self.keys.hash("sign-in name", name.as_bytes())))
    }

    /// An account's facts.
    pub(in crate::exchange) async fn account(&self, id: &AccountId) -> Result<Option<Account>, Failure> {
        let at = self.facts.now(&self.db).await?;
        let fact = self.facts.fact(at, (&self.db, &self.keys), Section::Accounts, id.as_str()).await?;
        let read = |body: serde_json::Value| serde_json::from_value(body);
        fact.map(|f| read(f.body.clone()).map_err(|_| Failure::Inconsistent("an account cannot be read"))).transpose()
    }
}

/// The hats of an account that may be worn at a moment; none when the account itself is not active.
pub(in crate::exchange) fn hats_now(account: &Account, now: Moment) -> Vec<Worn> {
    let at = moment_time(now);
    let active = Span { from: account.active_from, to: account.active_to };
    if !at.is_some_and(|at| active.holds(at)) {
        return Vec::new();
    }
    let live = account.hats.iter().filter(|h| at.is_some_and(|at| Span { from: h.from, to: h.to }.holds(at)));
    live.map(|h| Worn {
        id: h.id.clone(),
        role: h.role,
        agency: h.agency.clone(),
        team: h.team.clone(),
        team_name: None,
        supervisor: h.supervisor,
    })
    .collect()
}

/// A moment as facts write it.
pub(in crate::exchange) fn moment_time(at: Moment) -> Option<Time> {
    Time::parse(&at.to_string()).ok()
}

impl Gateway {
    /// How an account's person is called; the account's id when it has no means of signing in.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn called(&self, account: &AccountId) -> Result<String, Failure> {
        let found = self.db.kept_of(&self.keys, KeptKind::Means, account.as_str(), self.clock().now()).await?;
        let shown = found.first().and_then(|kept| shown_of(&kept.body));
        Ok(shown.unwrap_or_else(|| account.as_str().to_owned()))
    }

    /// Whose hat this is, and its role; `None` when nobody has it.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn wearer(&self, hat: &HatId) -> Result<Option<(AccountId, Role)>, Failure> {
        let seeds = FactSeeds { hats: vec![hat.clone()], ..FactSeeds::default() };
        let rows = self.db.facts_for(&self.keys, &seeds).await?.into_iter();
        let accounts = rows.filter(|row| row.section == Section::Accounts);
        let mut accounts = accounts.filter_map(|row| serde_json::from_value::<Account>(row.body).ok());
        let role = |account: &Account| account.hats.iter().find(|h| h.id == *hat).map(|h| h.role);
        Ok(accounts.find_map(|account| role(&account).map(|role| (account.id.clone(), role))))
    }

    /// Looks up what the teams of these hats are called.
    pub(in crate::exchange) async fn name_teams(&self, hats: &mut [Worn]) -> Result<(), Failure> {
        for hat in hats {
            let Some(team) = &hat.team else { continue };
            let found = self.stored::<Team>(Section::Teams, team.as_str()).await?;
            hat.team_name = found.and_then(|(_, team)| team.name).map(|name| name.as_str().to_owned());
        }
        Ok(())
    }
}

/// How the person of kept means is greeted.
pub(in crate::exchange) fn shown_of(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Means>(body).ok().map(|means| means.shown)
}

pub(super) fn kept_means(id: String, means: &Means) -> Result<Kept, Failure> {
    let body = serde_json::to_vec(means).map_err(|_| Failure::Inconsistent("means cannot be written"))?;
    Ok(kept(KeptKind::Means, id, means.account.as_str(), body, Moment::from_millis(i64::MAX)))
}

pub(in crate::exchange) fn kept(kind: KeptKind, id: String, owner: &str, body: Vec<u8>, expires_at: Moment) -> Kept {
    Kept { kind, id, owner: owner.to_owned(), version: 0, body, changed_at: Moment::from_millis(0), expires_at }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
