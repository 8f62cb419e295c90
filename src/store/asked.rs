//! Finding entries for a question: over the index, in the order of time, page by page.
//!
//! Owns the statements. Decides nothing about who may see what. Every question has bounded dates and a bounded page.

use super::Error;
use super::db::{Arg, Db, statements};
use super::entry_index::{IndexKeys, Kind, outcome_number};
use super::log::{EntryRow, ShardRow, entry};
use crate::audit::{Event, Outcome};
use crate::clock::Moment;
use crate::vocabulary::{Category, Purpose, Role};

/// Most rows of one page.
pub const PAGE_MAX: i64 = 500;

/// Which entries are wanted. What is `None` or empty does not narrow.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// From this moment on.
    pub from: i64,
    /// Before this moment.
    pub to: i64,
    /// About this person.
    pub subject: Option<String>,
    /// Or about one of these: ids under which the same person was known.
    pub known_as: Vec<String>,
    /// By this account.
    pub actor: Option<String>,
    /// By a hat of this agency.
    pub agency: Option<String>,
    /// Referring to this: see [`Kind::Ref`].
    pub reference: Option<String>,
    /// Of these events.
    pub events: Vec<Event>,
    /// With one of these flags.
    pub flags: i64,
    /// By a hat of this role.
    pub role: Option<Role>,
    /// With something shown of one of these categories.
    pub categories: Vec<Category>,
    /// By this hat.
    pub hat: Option<String>,
    /// For this purpose.
    pub purpose: Option<Purpose>,
    /// About this case.
    pub case: Option<String>,
    /// Ended like this.
    pub outcome: Option<Outcome>,
    /// After this entry.
    pub after: Option<Cursor>,
    /// At most so many, up to [`PAGE_MAX`].
    pub limit: i64,
}

/// A place in the order of all logs: time, origin, index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The entry's time.
    pub time: i64,
    /// Its log.
    pub origin: String,
    /// Its index.
    pub index: i64,
}

macro_rules! found {
    ($first:literal) => {
        found!($first, "i.time, i.origin, i.idx")
    };
    ($first:literal, $order:literal) => {
        concat!(
            "SELECT e.origin, e.idx, e.id, e.time, e.entry, e.leaf, e.key_ref, e.sealed FROM ", $first,
            " AND i.time >= $2 AND i.time < $3 AND (i.time > $4 OR (i.time = $4 AND (i.origin > $5 OR (i.origin = $5 AND i.idx > $6))))",
            " AND ($7 = 0 OR i.actor = $7) AND ($8 = 0 OR i.agency = $8) AND ($9 = 0 OR (i.flags & $9) <> 0)",
            " AND ($10 = 0 OR ((i.shown_full | i.shown_part) & $10) <> 0)",
            " AND ($11 = 0 OR i.event IN ($11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26))",
            " AND ($27 = 0 OR i.subject = $27) AND ($28 = 0 OR i.role = $28)",
            " AND ($30 = 0 OR i.hat = $30) AND ($31 = 0 OR i.purpose = $31) AND ($32 = 0 OR i.case_ref = $32) AND ($33 = 0 OR i.outcome + 1 = $33)",
            " ORDER BY ", $order, " LIMIT ($29 + 0)"
        )
    };
}

statements! {
    BY_TIME = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE $1 = $1"),
        found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE $1::BIGINT = $1::BIGINT");
    BY_SUBJECT = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.subject = $1");
    BY_ACTOR = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.actor = $1");
    BY_EVENT = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.event = $1");
    BY_ROLE = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.role = $1");
    // One log at a time, in its own order: a partner that holds much is referred to by a third of all entries, and sorting them
    // would take longer than reading a page.
    BY_REF = found!("log_index_ref r CROSS JOIN log_index i CROSS JOIN log_entry e WHERE i.origin = r.origin AND i.idx = r.idx AND e.origin = r.origin AND e.idx = r.idx AND r.ref = $1 AND r.origin = $34 AND r.idx >= $35 AND r.idx < $36", "r.idx");
    // The origin is compared as an expression, so that the index over times is used.
    FIRST_SINCE = "SELECT idx FROM log_index WHERE time >= $1 AND (origin || '') = $2 ORDER BY time, origin, idx LIMIT 1";
    COUNT_EVENT = "SELECT COUNT(*) FROM log_index WHERE event = $1 AND time >= $2 AND time < $3";
    // From the first entry on, each time to the last one within the length: as many steps as days, not as entries. The origin is
    // compared as an expression, so that the index over times is used.
    GAPS = "WITH RECURSIVE hop (a, b) AS (SELECT f.time, f.time FROM (SELECT time FROM log_index WHERE (origin || '') = $1 AND time >= $2 AND time < $3 ORDER BY time LIMIT 1) AS f UNION ALL SELECT b, COALESCE((SELECT i.time FROM log_index i WHERE (i.origin || '') = $1 AND i.time > b AND i.time <= b + $4 AND i.time < $3 ORDER BY i.time DESC LIMIT 1), (SELECT i.time FROM log_index i WHERE (i.origin || '') = $1 AND i.time > b AND i.time < $3 ORDER BY i.time LIMIT 1)) FROM hop WHERE b IS NOT NULL) SELECT a, b - a FROM hop WHERE b - a > $4 ORDER BY 2 DESC LIMIT ($5 + 0)";
    SUBJECTS = "SELECT DISTINCT subject FROM audit_key ORDER BY subject";
    COUNT_ERASED = "SELECT COUNT(*) FROM log_index WHERE time >= $1 AND time < $2 AND (flags & 512) <> 0";
    SEEN_RECENTLY = "SELECT subject, MAX(time) FROM log_index WHERE actor = $1 AND hat = $2 AND time >= $3 AND subject <> 0 AND event = $4 GROUP BY subject ORDER BY 2 DESC LIMIT ($5 + 0)";
}

/// Most events one statement takes.
const EVENTS_MAX: usize = 16;

impl Db {
    /// The entries wanted, in the order of time, origin, index.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn asked(&self, names: &IndexKeys, wanted: &Wanted) -> Result<Vec<EntryRow>, Error> {
        let mut found = self.asked_one(names, wanted).await?;
        for id in wanted.known_as.iter().filter(|_| wanted.subject.is_some()) {
            let other = Wanted { subject: Some(id.clone()), known_as: Vec::new(), ..wanted.clone() };
            found.extend(self.asked_one(names, &other).await?);
        }
        if !wanted.known_as.is_empty() {
            found.sort_by(|a, b| (a.time, &a.origin, a.index).cmp(&(b.time, &b.origin, b.index)));
            found.truncate(usize::try_from(wanted.limit.clamp(1, PAGE_MAX)).unwrap_or(usize::MAX));
        }
        Ok(found)
    }

    async fn asked_one(&self, names: &IndexKeys, wanted: &Wanted) -> Result<Vec<EntryRow>, Error> {
        let name = |kind: Kind, text: &Option<String>| text.as_deref().map_or(0, |text| names.name(kind, text));
        let (subject, actor) = (name(Kind::Subject, &wanted.subject), name(Kind::Actor, &wanted.actor));
        let reference = name(Kind::Ref, &wanted.reference);
        let events: Vec<i64> = wanted.events.iter().map(|e| names.name(Kind::Event, e.name())).collect();
        let role = wanted.role.map_or(0, |role| names.name(Kind::Role, role.code()));
        let (statement, first) = match (reference, subject, actor, events.as_slice()) {
            (1.., ..) | (..=-1, ..) => (&BY_REF, reference),
            (_, 1.., ..) | (_, ..=-1, ..) => (&BY_SUBJECT, subject),
            (_, _, 1.., _) | (_, _, ..=-1, _) => (&BY_ACTOR, actor),
            (_, _, _, [one]) => (&BY_EVENT, *one),
            _ if role != 0 => (&BY_ROLE, role),
            _ => (&BY_TIME, 0),
        };
        let bits = wanted.categories.iter().fold(0, |sum, c| sum | names.bit(*c));
        let nothing = Cursor { time: i64::MIN, origin: String::new(), index: -1 };
        // Within one log the place is an index: see `referring`.
        let start = wanted.after.clone().filter(|_| reference == 0).unwrap_or(nothing);
        let mut args = vec![Arg::Int(first), Arg::Int(wanted.from), Arg::Int(wanted.to), Arg::Int(start.time)];
        args.extend([Arg::Text(&start.origin), Arg::Int(start.index), Arg::Int(actor)]);
        args.extend([name(Kind::Agency, &wanted.agency), wanted.flags, bits].map(Arg::Int));
        args.extend((0..EVENTS_MAX).map(|n| Arg::Int(events.get(n).copied().unwrap_or(0))));
        args.extend([Arg::Int(subject), Arg::Int(role), Arg::Int(wanted.limit.clamp(1, PAGE_MAX))]);
        let purpose = wanted.purpose.map_or(0, |p| names.name(Kind::Purpose, p.code()));
        // One more than its number: 0 narrows nothing.
        let outcome = wanted.outcome.map_or(0, |o| outcome_number(o).saturating_add(1));
        args.extend([name(Kind::Hat, &wanted.hat), purpose, name(Kind::Case, &wanted.case), outcome].map(Arg::Int));
        if reference != 0 {
            return self.referring(wanted, &args).await;
        }
        self.fetch(statement, &args).await?.iter().map(entry).collect()
    }

    /// Entries that refer to something: of each log a page in its own order, put together.
    async fn referring(&self, wanted: &Wanted, args: &[Arg<'_>]) -> Result<Vec<EntryRow>, Error> {
        let mut found: Vec<EntryRow> = Vec::new();
        for shard in self.shards().await? {
            let Some((low, high)) = self.stretch(wanted, &shard).await? else { continue };
            let mut args = args.to_vec();
            args.extend([Arg::Text(&shard.origin), Arg::Int(low), Arg::Int(high)]);
            for row in self.fetch(&BY_REF, &args).await? {
                found.push(entry(&row)?);
            }
        }
        found.sort_by(|a, b| (a.time, &a.origin, a.index).cmp(&(b.time, &b.origin, b.index)));
        found.truncate(usize::try_from(wanted.limit.clamp(1, PAGE_MAX)).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// The indexes of one log that lie within the span and after the cursor: time never goes back within a log.
    async fn stretch(&self, wanted: &Wanted, shard: &ShardRow) -> Result<Option<(i64, i64)>, Error> {
        let low = match &wanted.after {
            Some(after) if after.origin == shard.origin => Some(after.index.saturating_add(1)),
            Some(after) => {
                // At the same moment the logs follow each other by name.
                let next = after.time.saturating_add(i64::from(shard.origin < after.origin));
                self.first_since(shard, next.max(wanted.from)).await?
            }
            None => self.first_since(shard, wanted.from).await?,
        };
        let high = self.first_since(shard, wanted.to).await?.unwrap_or(i64::MAX);
        Ok(low.map(|low| (low, high)))
    }

    /// The first index of a log from a moment on; `None` when it ends before.
    async fn first_since(&self, shard: &ShardRow, from: i64) -> Result<Option<i64>, Error> {
        if from > shard.time_last.millis() {
            return Ok(None);
        }
        let row = self.fetch_one(&FIRST_SINCE, &[Arg::Int(from), Arg::Text(&shard.origin)]).await?;
        row.map(|row| row.int(0, "index")).transpose()
    }

    /// The people a hat saw since a moment, by keyed hash and when last, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn people_seen(
        &self,
        names: &IndexKeys,
        actor: &str,
        hat: &str,
        from: Moment,
        limit: i64,
    ) -> Result<Vec<(i64, i64)>, Error> {
        let args = [
            Arg::Int(names.name(Kind::Actor, actor)),
            Arg::Int(names.name(Kind::Hat, hat)),
            Arg::Int(from.millis()),
            Arg::Int(names.name(Kind::Event, Event::View.name())),
            Arg::Int(limit),
        ];
        let rows = self.fetch(&SEEN_RECENTLY, &args).await?;
        rows.iter().map(|row| Ok((row.int(0, "subject")?, row.int(1, "time")?))).collect()
    }

    /// Stretches longer than `length` milliseconds without an entry: when each began, and how long it is.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn gaps(
        &self,
        origin: &crate::audit::Origin,
        from: Moment,
        to: Moment,
        length: i64,
        limit: i64,
    ) -> Result<Vec<(Moment, i64)>, Error> {
        let span = [from.millis(), to.millis(), length, limit].map(Arg::Int);
        let args: Vec<Arg<'_>> = std::iter::once(Arg::Text(origin.as_str())).chain(span).collect();
        let rows = self.fetch(&GAPS, &args).await?;
        rows.iter().map(|row| Ok((Moment::from_millis(row.int(0, "time")?), row.int(1, "gap")?))).collect()
    }

    /// Everybody a log holds sealed entries about, or held: whom a view's pseudonym can stand for.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn log_subjects(&self) -> Result<Vec<String>, Error> {
        self.fetch(&SUBJECTS, &[]).await?.iter().map(|row| row.text(0, "subject")).collect()
    }

    /// How many entries of an event there are.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count_event(&self, names: &IndexKeys, event: Event, from: Moment, to: Moment) -> Result<i64, Error> {
        let args = [Arg::Int(names.name(Kind::Event, event.name())), Arg::Int(from.millis()), Arg::Int(to.millis())];
        self.fetch_one(&COUNT_EVENT, &args).await?.map_or(Ok(0), |row| row.int(0, "count"))
    }

    /// How many entries have lost their sealed part.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count_erased(&self, from: Moment, to: Moment) -> Result<i64, Error> {
        let args = [Arg::Int(from.millis()), Arg::Int(to.millis())];
        self.fetch_one(&COUNT_ERASED, &args).await?.map_or(Ok(0), |row| row.int(0, "count"))
    }
}
