//! Finding entries for a question: over the index, in the order of time, page by page.
//!
//! Owns the statements. Decides nothing about who may see what. Every question has bounded dates and a bounded page.

use super::Error;
use super::db::{Arg, Db, Row, Statement, statements};
use super::entry_index::{IndexKeys, Kind, outcome_number};
use super::log::{EntryRow, entry};
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

/// One line of a count: by role, with the categories shown or withheld.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// Keyed name of the role.
    pub role: i64,
    /// Keyed name of the reason for the whole request.
    pub reason: i64,
    /// Category and reason of what was withheld, five bytes each: see [`IndexKeys::withheld`].
    pub withheld: Vec<u8>,
    /// Bits of the categories shown in full or part.
    pub shown: i64,
    /// 1 when out of hours.
    pub out_of_hours: i64,
    /// How many entries.
    pub count: i64,
}

macro_rules! found {
    ($first:literal) => {
        concat!(
            "SELECT e.origin, e.idx, e.id, e.time, e.entry, e.leaf, e.key_ref, e.sealed FROM ", $first,
            " AND i.time >= $2 AND i.time < $3 AND (i.time > $4 OR (i.time = $4 AND (i.origin > $5 OR (i.origin = $5 AND i.idx > $6))))",
            " AND ($7 = 0 OR i.actor = $7) AND ($8 = 0 OR i.agency = $8) AND ($9 = 0 OR (i.flags & $9) <> 0)",
            " AND ($10 = 0 OR ((i.shown_full | i.shown_part) & $10) <> 0)",
            " AND ($11 = 0 OR i.event IN ($11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26))",
            " AND ($27 = 0 OR i.subject = $27) AND ($28 = 0 OR i.role = $28)",
            " AND ($30 = 0 OR i.hat = $30) AND ($31 = 0 OR i.purpose = $31) AND ($32 = 0 OR i.case_ref = $32) AND ($33 = 0 OR i.outcome + 1 = $33)",
            " ORDER BY i.time, i.origin, i.idx LIMIT ($29 + 0)"
        )
    };
}

statements! {
    BY_TIME = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE $1 = $1"),
        found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE $1::BIGINT = $1::BIGINT");
    BY_SUBJECT = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.subject = $1");
    BY_ACTOR = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.actor = $1");
    BY_EVENT = found!("log_index i JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE i.event = $1");
    BY_REF = found!("log_index_ref r JOIN log_index i ON i.origin = r.origin AND i.idx = r.idx JOIN log_entry e ON e.origin = i.origin AND e.idx = i.idx WHERE r.ref = $1");
    COUNT_REFUSED = "SELECT role, reason, withheld, COUNT(*) FROM log_index WHERE +time >= $1 AND +time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 AND (reason <> 0 OR LENGTH(withheld) > 0) GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT ($5 + 0)",
        "SELECT role, reason, withheld, COUNT(*) FROM log_index WHERE time >= $1 AND time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 AND (reason <> 0 OR LENGTH(withheld) > 0) GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT ($5 + 0)";
    COUNT_SHOWN = "SELECT role, ((shown_full | shown_part) & $5), (flags & 64), COUNT(*) FROM log_index WHERE +time >= $1 AND +time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 GROUP BY 1, 2, 3",
        "SELECT role, ((shown_full | shown_part) & $5), (flags & 64), COUNT(*) FROM log_index WHERE time >= $1 AND time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 GROUP BY 1, 2, 3";
    // First the accounts with so many entries within an hour of the clock, over one index; only theirs are counted by person.
    CROWDED = "SELECT MIN(time), COUNT(DISTINCT subject) FROM log_index WHERE actor IN (SELECT actor FROM log_index WHERE +time >= $1 AND +time < $2 AND actor <> 0 GROUP BY actor, time / 3600000 HAVING COUNT(*) > $5) AND time >= $1 AND time < $2 AND ($3 = 0 OR agency = $3) AND +event = $4 AND subject <> 0 GROUP BY actor, time / 3600000 HAVING COUNT(DISTINCT subject) > $5 ORDER BY 2 DESC LIMIT ($6 + 0)";
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
        let name = |kind: Kind, text: &Option<String>| text.as_deref().map_or(0, |text| names.name(kind, text));
        let (subject, actor) = (name(Kind::Subject, &wanted.subject), name(Kind::Actor, &wanted.actor));
        let reference = name(Kind::Ref, &wanted.reference);
        let events: Vec<i64> = wanted.events.iter().map(|e| names.name(Kind::Event, e.name())).collect();
        let (statement, first) = match (reference, subject, actor, events.as_slice()) {
            (1.., ..) | (..=-1, ..) => (&BY_REF, reference),
            (_, 1.., ..) | (_, ..=-1, ..) => (&BY_SUBJECT, subject),
            (_, _, 1.., _) | (_, _, ..=-1, _) => (&BY_ACTOR, actor),
            (_, _, _, [one]) => (&BY_EVENT, *one),
            _ => (&BY_TIME, 0),
        };
        let bits = wanted.categories.iter().fold(0, |sum, c| sum | names.bit(*c));
        let start = wanted.after.clone().unwrap_or(Cursor { time: i64::MIN, origin: String::new(), index: -1 });
        let mut args = vec![Arg::Int(first), Arg::Int(wanted.from), Arg::Int(wanted.to), Arg::Int(start.time)];
        args.extend([Arg::Text(&start.origin), Arg::Int(start.index), Arg::Int(actor)]);
        args.extend([name(Kind::Agency, &wanted.agency), wanted.flags, bits].map(Arg::Int));
        args.extend((0..EVENTS_MAX).map(|n| Arg::Int(events.get(n).copied().unwrap_or(0))));
        let role = wanted.role.map_or(0, |role| names.name(Kind::Role, role.code()));
        args.extend([Arg::Int(subject), Arg::Int(role), Arg::Int(wanted.limit.clamp(1, PAGE_MAX))]);
        let purpose = wanted.purpose.map_or(0, |p| names.name(Kind::Purpose, p.code()));
        // One more than its number: 0 narrows nothing.
        let outcome = wanted.outcome.map_or(0, |o| outcome_number(o).saturating_add(1));
        args.extend([name(Kind::Hat, &wanted.hat), purpose, name(Kind::Case, &wanted.case), outcome].map(Arg::Int));
        self.fetch(statement, &args).await?.iter().map(entry).collect()
    }

    /// How often each pattern of role, reason and categories withheld occurs, where something was refused; a pattern may stand
    /// twice. At most `limit` patterns of each half of the span, the most frequent first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count_refused(
        &self,
        names: &IndexKeys,
        (from, to): (Moment, Moment),
        agency: Option<&str>,
        event: Option<Event>,
        limit: i64,
    ) -> Result<Vec<Counted>, Error> {
        let read = |row: &Row| {
            let (role, reason) = (row.int(0, "role")?, row.int(1, "reason")?);
            let (withheld, count) = (row.bytes(2, "withheld")?, row.int(3, "count")?);
            Ok(Counted { role, reason, withheld, count, ..Counted::default() })
        };
        let rows = self.in_halves(&COUNT_REFUSED, names, (from, to), (agency, event), limit).await?;
        rows.iter().map(read).collect()
    }

    /// How often something of these categories was shown, by role, which of them, and whether out of hours; a pattern may
    /// stand twice.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count_shown(
        &self,
        names: &IndexKeys,
        (from, to): (Moment, Moment),
        agency: Option<&str>,
        event: Option<Event>,
        of: &[Category],
    ) -> Result<Vec<Counted>, Error> {
        let bits = of.iter().fold(0, |sum, c| sum | names.bit(*c));
        let read = |row: &Row| {
            let (role, shown) = (row.int(0, "role")?, row.int(1, "shown")?);
            let (hours, count) = (row.int(2, "hours")?, row.int(3, "count")?);
            Ok(Counted { role, shown, out_of_hours: i64::from(hours != 0), count, ..Counted::default() })
        };
        let rows = self.in_halves(&COUNT_SHOWN, names, (from, to), (agency, event), bits).await?;
        rows.iter().map(read).collect()
    }

    /// A count over a span, in two halves at once: two readers, two cores.
    async fn in_halves(
        &self,
        statement: &'static Statement,
        names: &IndexKeys,
        (from, to): (Moment, Moment),
        (agency, event): (Option<&str>, Option<Event>),
        last: i64,
    ) -> Result<Vec<Row>, Error> {
        let middle = halfway(from, to);
        let agency = agency.map_or(0, |a| names.name(Kind::Agency, a));
        let event = event.map_or(0, |e| names.name(Kind::Event, e.name()));
        let half = |from: Moment, to: Moment| [from.millis(), to.millis(), agency, event, last].map(Arg::Int);
        let (first, second) = (half(from, middle), half(middle, to));
        let (mut first, second) = tokio::try_join!(self.fetch(statement, &first), self.fetch(statement, &second))?;
        first.extend(second);
        Ok(first)
    }

    /// Hours in which one account saw more than `more_than` people: when it began, and how many.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn crowded_hours(
        &self,
        names: &IndexKeys,
        (from, to): (Moment, Moment),
        agency: Option<&str>,
        more_than: i64,
        limit: i64,
    ) -> Result<Vec<(Moment, i64)>, Error> {
        let args = [
            Arg::Int(from.millis()),
            Arg::Int(to.millis()),
            Arg::Int(agency.map_or(0, |a| names.name(Kind::Agency, a))),
            Arg::Int(names.name(Kind::Event, Event::View.name())),
            Arg::Int(more_than),
            Arg::Int(limit),
        ];
        let rows = self.fetch(&CROWDED, &args).await?;
        rows.iter().map(|row| Ok((Moment::from_millis(row.int(0, "time")?), row.int(1, "count")?))).collect()
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

fn halfway(from: Moment, to: Moment) -> Moment {
    let span = to.millis().saturating_sub(from.millis());
    from.plus_millis(span.div_euclid(2))
}
