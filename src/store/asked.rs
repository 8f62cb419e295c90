//! Finding entries for a question: over the index, in the order of time, page by page.
//!
//! Owns the statements. Decides nothing about who may see what. Every question has bounded dates and a bounded page.

use super::Error;
use super::db::{Arg, Db, Statement, statements};
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
    /// Refused for this reason, as a whole or in a part. A few that were not may be found too.
    pub refused: Option<String>,
    /// With one of these words as the reason of the whole request, as they stand in the entry.
    pub reasons: Vec<String>,
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

// The two engines find bytes within bytes by different names.
macro_rules! found {
    (sqlite, $first:literal $(, $order:literal)?) => {
        found!(@ $first, "instr(i.withheld, $35)", "IN (SELECT CAST(value AS INTEGER) FROM json_each($37))" $(, $order)?)
    };
    (postgres, $first:literal $(, $order:literal)?) => {
        found!(@ $first, "position($35 IN i.withheld)", "= ANY($37::TEXT[]::BIGINT[])" $(, $order)?)
    };
    (@ $first:literal, $withheld:literal, $among:literal) => {
        found!(@ $first, $withheld, $among, "i.time, i.origin, i.idx")
    };
    (@ $first:literal, $withheld:literal, $among:literal, $order:literal) => {
        concat!(
            "SELECT e.origin, e.idx, e.id, e.time, e.entry, e.leaf, e.key_ref, e.sealed FROM ", $first,
            " AND i.time >= $2 AND i.time < $3 AND (i.time > $4 OR (i.time = $4 AND (i.origin > $5 OR (i.origin = $5 AND i.idx > $6))))",
            " AND ($7 = 0 OR i.actor = $7) AND ($8 = 0 OR i.agency = $8) AND ($9 = 0 OR (i.flags & $9) <> 0)",
            " AND ($10 = 0 OR ((i.shown_full | i.shown_part) & $10) <> 0)",
            " AND ($11 = 0 OR i.event IN ($11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26))",
            " AND ($27 = 0 OR i.subject = $27) AND ($28 = 0 OR i.role = $28)",
            " AND ($30 = 0 OR i.hat = $30) AND ($31 = 0 OR i.purpose = $31) AND ($32 = 0 OR i.case_ref = $32) AND ($33 = 0 OR i.outcome + 1 = $33)",
            " AND ($34 = 0 OR i.reason = $34 OR ", $withheld, " > 0)",
            " AND ($36 = 0 OR i.reason ", $among, ")",
            " ORDER BY ", $order, " LIMIT ($29 + 0)"
        )
    };
}

// Where a look over so many rows of an index ends.
macro_rules! look {
    ($first:literal) => {
        concat!(
            "SELECT time FROM log_index WHERE ",
            $first,
            " AND time >= $2 AND time < $3 ORDER BY time, origin, idx LIMIT 1 OFFSET ($4 + 0)"
        )
    };
}

statements! {
    BY_TIME = found!(sqlite, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE $1 = $1"),
        found!(postgres, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE $1::BIGINT = $1::BIGINT");
    BY_SUBJECT = found!(sqlite, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.subject = $1"),
        found!(postgres, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.subject = $1");
    BY_ACTOR = found!(sqlite, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.actor = $1"),
        found!(postgres, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.actor = $1");
    BY_EVENT = found!(sqlite, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.event = $1"),
        found!(postgres, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.event = $1");
    BY_ROLE = found!(sqlite, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.role = $1"),
        found!(postgres, "log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.role = $1");
    // One log at a time, in its own order: a partner that holds much is referred to by a third of all entries, and sorting them
    // would take longer than reading a page.
    BY_REF = found!(sqlite, "log_index_ref r CROSS JOIN log_index i CROSS JOIN log_entry e WHERE i.origin = r.origin AND i.idx = r.idx AND e.origin = r.origin AND e.idx = r.idx AND r.ref = $1 AND r.origin = $38 AND r.idx >= $39 AND r.idx < $40", "r.idx"),
        found!(postgres, "log_index_ref r CROSS JOIN log_index i CROSS JOIN log_entry e WHERE i.origin = r.origin AND i.idx = r.idx AND e.origin = r.origin AND e.idx = r.idx AND r.ref = $1 AND r.origin = $38 AND r.idx >= $39 AND r.idx < $40", "r.idx");
    LOOK_TIME = look!("$1 = $1"), look!("$1::BIGINT = $1::BIGINT");
    LOOK_SUBJECT = look!("subject = $1");
    LOOK_ACTOR = look!("actor = $1");
    LOOK_EVENT = look!("event = $1");
    LOOK_ROLE = look!("role = $1");
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

/// The index that finds what is wanted with the fewest rows, and what it looks for there: the statement that reads, and the one that
/// measures a look. Without statements: what refers to something, log by log.
fn way(names: &IndexKeys, wanted: &Wanted) -> (Option<(&'static Statement, &'static Statement)>, i64) {
    let name = |kind: Kind, text: &Option<String>| text.as_deref().map(|text| names.name(kind, text));
    if let Some(reference) = name(Kind::Ref, &wanted.reference) {
        return (None, reference);
    }
    if let Some(subject) = name(Kind::Subject, &wanted.subject) {
        return (Some((&BY_SUBJECT, &LOOK_SUBJECT)), subject);
    }
    if let Some(actor) = name(Kind::Actor, &wanted.actor) {
        return (Some((&BY_ACTOR, &LOOK_ACTOR)), actor);
    }
    if let [event] = wanted.events.as_slice() {
        return (Some((&BY_EVENT, &LOOK_EVENT)), names.name(Kind::Event, event.name()));
    }
    match wanted.role {
        Some(role) => (Some((&BY_ROLE, &LOOK_ROLE)), names.name(Kind::Role, role.code())),
        None => (Some((&BY_TIME, &LOOK_TIME)), 0),
    }
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
        let events: Vec<i64> = wanted.events.iter().map(|e| names.name(Kind::Event, e.name())).collect();
        let role = wanted.role.map_or(0, |role| names.name(Kind::Role, role.code()));
        let (way, first) = way(names, wanted);
        let bits = wanted.categories.iter().fold(0, |sum, c| sum | names.bit(*c));
        let nothing = Cursor { time: i64::MIN, origin: String::new(), index: -1 };
        // Within one log the place is an index: see `referring`.
        let start = wanted.after.clone().filter(|_| way.is_some()).unwrap_or(nothing);
        let mut args = vec![Arg::Int(first), Arg::Int(wanted.from), Arg::Int(wanted.to), Arg::Int(start.time)];
        args.extend([Arg::Text(&start.origin), Arg::Int(start.index), Arg::Int(actor)]);
        args.extend([name(Kind::Agency, &wanted.agency), wanted.flags, bits].map(Arg::Int));
        args.extend((0..EVENTS_MAX).map(|n| Arg::Int(events.get(n).copied().unwrap_or(0))));
        args.extend([Arg::Int(subject), Arg::Int(role), Arg::Int(wanted.limit.clamp(1, PAGE_MAX))]);
        let purpose = wanted.purpose.map_or(0, |p| names.name(Kind::Purpose, p.code()));
        // One more than its number: 0 narrows nothing.
        let outcome = wanted.outcome.map_or(0, |o| outcome_number(o).saturating_add(1));
        args.extend([name(Kind::Hat, &wanted.hat), purpose, name(Kind::Case, &wanted.case), outcome].map(Arg::Int));
        let reason = name(Kind::Reason, &wanted.refused);
        let withheld = wanted.refused.as_deref().map(|reason| names.withheld(None, reason));
        args.extend([Arg::Int(reason), Arg::Bytes(withheld.as_ref().map_or(&[0], |[_, code @ ..]| code))]);
        let reasons: Vec<String> = wanted.reasons.iter().map(|r| names.name(Kind::Reason, r).to_string()).collect();
        args.extend([Arg::Int(i64::from(!reasons.is_empty())), Arg::Texts(&reasons)]);
        match way {
            Some((statement, _)) => self.fetch(statement, &args).await?.iter().map(entry).collect(),
            None => self.referring(wanted, &args).await,
        }
    }

    /// The moment at which a look at so many rows of the index ends, however few of them are wanted; `None` when it reaches
    /// the end of the span.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn look_until(&self, names: &IndexKeys, wanted: &Wanted, rows: i64) -> Result<Option<i64>, Error> {
        let (Some((_, look)), first) = way(names, wanted) else { return Ok(None) };
        let from = wanted.after.as_ref().map_or(wanted.from, |after| after.time.max(wanted.from));
        let args = [first, from, wanted.to, rows].map(Arg::Int);
        let Some(row) = self.fetch_one(look, &args).await? else { return Ok(None) };
        // All of that moment, so that a look always gets further.
        Ok(Some(row.int(0, "time")?.saturating_add(1)).filter(|until| *until < wanted.to))
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
