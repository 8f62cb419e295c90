//! Erasing sealed parts, and holding them: what retention may take and what a legal hold keeps.
//!
//! Owns which keys are due (only where the configuration states a policy), what an operator may erase or hold by command, and
//! that a hold stops both. What is erased is the key; entries, tiles and checkpoints stay, and every run is an entry with its
//! counts.
//!
//! # Source
//! Solent audit paper §9.

use super::{Failure, Gateway};
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Origin, Outcome};
use crate::clock::Moment;
use crate::ident::AccountId;
use crate::store::{Db, Effect, Job, Kept, KeptKind, Keys};

/// Keys erased in one run; the next follows at once while there are more.
const RUN_KEYS_MAX: i64 = 100;
/// Who is named as actor of a scheduled run.
const ACTOR: &str = "system:gateway";
/// Days of a year, counted so that no leap year shortens the time.
const YEAR_DAYS: i64 = 366;
/// How long a hold is kept unless released, in years: until somebody decides.
const HOLD_YEARS: i64 = 100;

/// What an operator may do to the sealed parts of one key: a person's id, or `month-YYYY-MM`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealing {
    /// Erase them.
    Erase,
    /// Keep them whatever retention says.
    Hold,
    /// End the hold.
    Release,
}

impl Sealing {
    const fn word(self) -> &'static str {
        match self {
            Self::Erase => "erase",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }

    /// The entry of doing it.
    #[must_use]
    pub fn draft(self, key: &str, entries: i64) -> Draft {
        let event = if self == Self::Erase { Event::RetentionRun } else { Event::LegalHold };
        let mut payload = Payload::new(event);
        payload.actor = Some(AccountId::new("system:operator"));
        payload.change = Some(Change { what: format!("{} {key}", self.word()), before: None, after: None });
        payload.counts.insert("entries".to_owned(), u32::try_from(entries).unwrap_or(u32::MAX));
        Draft::new(Outcome::Allow, payload)
    }
}

/// What the entry of an operator's command changes besides the log; `None` when it is not such an entry.
#[must_use]
pub fn sealing_effect(draft: &Draft, origin: &str, now: Moment) -> Option<Effect> {
    let payload = draft.payload();
    let (word, key) = payload.change.as_ref()?.what.split_once(' ')?;
    match (payload.event, word) {
        (Event::RetentionRun, "erase") => Some(Effect::EraseSealed { origin: origin.to_owned(), key: key.to_owned() }),
        (Event::LegalHold, "hold") => {
            let kept = Kept {
                kind: KeptKind::Hold,
                id: key.to_owned(),
                owner: origin.to_owned(),
                version: 0,
                body: Vec::new(),
                changed_at: now,
                expires_at: now.plus_millis(HOLD_YEARS * YEAR_DAYS * 24 * 3_600_000),
            };
            Some(Effect::Keep { kept, was: None })
        }
        (Event::LegalHold, "release") => Some(Effect::EndKept { kind: KeptKind::Hold, id: key.to_owned() }),
        _ => None,
    }
}

/// Whether a hold keeps a key, or the key of somebody who turned out to be the same person.
///
/// # Errors
/// [`crate::store::Error`].
pub async fn is_held(db: &Db, keys: &Keys, key: &str, now: Moment) -> Result<bool, crate::store::Error> {
    let others = db.one_with(key).await?;
    for key in std::iter::once(key).chain(others.iter().map(String::as_str)) {
        if db.kept(keys, KeptKind::Hold, key, now).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Gateway {
    /// One run: erases keys all of whose entries are older than the configured time and that no hold keeps. Returns how many;
    /// without a configured time nothing is ever erased.
    ///
    /// # Errors
    /// [`Failure::LogUnavailable`], [`Failure::Store`].
    pub(super) async fn retain(&self) -> Result<usize, Failure> {
        let Some(years) = self.config().audit.retention_years else { return Ok(0) };
        let origin = Origin::parse(&self.config().origin).map_err(|_| Failure::Inconsistent("the log's origin"))?;
        let now = self.clock().now();
        let before = now.plus_millis(-years.saturating_mul(YEAR_DAYS * 24 * 3_600_000));
        let (mut effects, mut entries, mut held) = (Vec::new(), 0_i64, 0_u32);
        for key in self.db.keys_due(&origin, before, RUN_KEYS_MAX).await? {
            if is_held(&self.db, &self.keys, &key, now).await? {
                held = held.saturating_add(1);
                continue;
            }
            entries = entries.saturating_add(self.db.sealed_with(&origin, &key).await?);
            effects.push(Effect::EraseSealed { origin: origin.as_str().to_owned(), key });
        }
        let erased = effects.len();
        if erased == 0 {
            return Ok(0);
        }
        let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        let mut payload = Payload::new(Event::RetentionRun);
        payload.actor = Some(AccountId::new(ACTOR));
        payload.counts = [
            ("entries".to_owned(), count(entries)),
            ("keys".to_owned(), u32::try_from(erased).unwrap_or(u32::MAX)),
            ("held".to_owned(), held),
            ("years".to_owned(), count(years)),
        ]
        .into();
        let job = Job::new(Draft::new(Outcome::Allow, payload));
        self.committer.commit(effects.into_iter().fold(job, Job::with_effect)).await?;
        Ok(erased)
    }
}
