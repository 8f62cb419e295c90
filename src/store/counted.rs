//! Counts over the index for the questions: what was refused, what was shown, in which hours one account saw many people.
//!
//! Owns the statements. What may be a million rows comes row by row and is added up by the caller as it comes: nothing grows
//! with the log, and nothing is sorted. Decides nothing about what may be shown: small numbers leave here as they are.

use super::Error;
use super::db::{Arg, Db, Row, Statement, statements};
use super::entry_index::{IndexKeys, Kind};
use crate::audit::Event;
use crate::clock::Moment;
use crate::vocabulary::Category;

statements! {
    // SQLite would sort to group, which takes longer than adding up row by row; PostgreSQL hashes, and each row it hands over is dear.
    REFUSED = "SELECT role, reason, withheld, 1 FROM log_index WHERE +time >= $1 AND +time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 AND (reason <> 0 OR LENGTH(withheld) > 0)",
        "SELECT role, reason, withheld, COUNT(*) FROM log_index WHERE time >= $1 AND time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 AND (reason <> 0 OR LENGTH(withheld) > 0) GROUP BY role, reason, withheld";
    SHOWN = "SELECT role, ((shown_full | shown_part) & $5), (flags & 64), 1 FROM log_index WHERE +time >= $1 AND +time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 AND ((shown_full | shown_part) & $5) <> 0",
        "SELECT role, ((shown_full | shown_part) & $5), (flags & 64), COUNT(*) FROM log_index WHERE time >= $1 AND time < $2 AND ($3 = 0 OR agency = $3) AND ($4 = 0 OR event = $4) AND role <> 0 AND ((shown_full | shown_part) & $5) <> 0 GROUP BY 1, 2, 3";
    // One row for each account, over an index that has them in this order: its hours, one for each entry.
    HOURS = "SELECT actor, group_concat(time / 3600000) FROM log_index WHERE +time >= $1 AND +time < $2 AND actor <> 0 GROUP BY actor HAVING COUNT(*) > $3",
        "SELECT actor, string_agg((time / 3600000)::TEXT, ',') FROM log_index WHERE time >= $1 AND time < $2 AND actor <> 0 GROUP BY actor HAVING COUNT(*) > $3";
    CROWDED = "SELECT MIN(time), COUNT(DISTINCT subject) FROM log_index WHERE actor IN (SELECT CAST(value AS INTEGER) FROM json_each($1)) AND time >= $2 AND time < $3 AND ($4 = 0 OR agency = $4) AND +event = $5 AND subject <> 0 GROUP BY actor, time / 3600000 HAVING COUNT(DISTINCT subject) > $6 ORDER BY 2 DESC LIMIT ($7 + 0)",
        "SELECT MIN(time), COUNT(DISTINCT subject) FROM log_index WHERE actor = ANY($1::TEXT[]::BIGINT[]) AND time >= $2 AND time < $3 AND ($4 = 0 OR agency = $4) AND event = $5 AND subject <> 0 GROUP BY actor, time / 3600000 HAVING COUNT(DISTINCT subject) > $6 ORDER BY 2 DESC LIMIT ($7 + 0)";
}

/// Entries in which the same was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Keyed name of the role.
    pub role: i64,
    /// Keyed name of the reason for the whole request; 0 without one.
    pub reason: i64,
    /// Category and reason of what was withheld, five bytes each, each once: see [`IndexKeys::withheld`].
    pub withheld: &'a [u8],
    /// How many entries.
    pub entries: i64,
}

/// Entries in which the same was shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Keyed name of the role.
    pub role: i64,
    /// Bits of the categories shown in full or part, of those asked for.
    pub shown: i64,
    /// Whether out of hours.
    pub out_of_hours: bool,
    /// How many entries.
    pub entries: i64,
}

/// Which entries are counted.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// From this moment on.
    pub from: Moment,
    /// Before this moment.
    pub to: Moment,
    /// By a hat of this agency.
    pub agency: Option<&'a str>,
    /// Of this event.
    pub event: Option<Event>,
}

impl Counting<'_> {
    /// The two halves of the span, as a statement's first arguments.
    fn halves(&self, names: &IndexKeys) -> [[i64; 4]; 2] {
        let (from, to) = (self.from.millis(), self.to.millis());
        let middle = from.saturating_add(to.saturating_sub(from).div_euclid(2));
        let agency = self.agency.map_or(0, |a| names.name(Kind::Agency, a));
        let event = self.event.map_or(0, |e| names.name(Kind::Event, e.name()));
        [[from, middle, agency, event], [middle, to, agency, event]]
    }
}

impl Db {
    /// Adds up the entries in which something was refused: a sum for each half of the span.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn add_refused<T: Default>(
        &self,
        names: &IndexKeys,
        counting: Counting<'_>,
        add: impl Fn(&mut T, Refused<'_>),
    ) -> Result<[T; 2], Error> {
        let visit = |sum: &mut T, row: &Row| {
            let (role, reason) = (row.int(0, "role")?, row.int(1, "reason")?);
            let entries = row.int(3, "count")?;
            add(sum, Refused { role, reason, withheld: row.bytes_ref(2, "withheld")?, entries });
            Ok(())
        };
        self.in_halves(&REFUSED, counting.halves(names), None, visit).await
    }

    /// Adds up the entries in which something of these categories was shown: a sum for each half of the span.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn add_shown<T: Default>(
        &self,
        names: &IndexKeys,
        counting: Counting<'_>,
        of: &[Category],
        add: impl Fn(&mut T, Shown),
    ) -> Result<[T; 2], Error> {
        let bits = of.iter().fold(0, |sum, c| sum | names.bit(*c));
        let visit = |sum: &mut T, row: &Row| {
            let (role, shown) = (row.int(0, "role")?, row.int(1, "shown")?);
            let (out_of_hours, entries) = (row.int(2, "hours")? != 0, row.int(3, "count")?);
            add(sum, Shown { role, shown, out_of_hours, entries });
            Ok(())
        };
        self.in_halves(&SHOWN, counting.halves(names), Some(bits), visit).await
    }

    /// A count over a span, in two halves at once: two readers, two cores.
    async fn in_halves<T: Default>(
        &self,
        statement: &'static Statement,
        halves: [[i64; 4]; 2],
        last: Option<i64>,
        visit: impl Fn(&mut T, &Row) -> Result<(), Error>,
    ) -> Result<[T; 2], Error> {
        let [first, second] = halves.map(|half| half.into_iter().chain(last).map(Arg::Int).collect::<Vec<_>>());
        let (mut early, mut late) = (T::default(), T::default());
        tokio::try_join!(
            self.each(statement, &first, |row| visit(&mut early, row)),
            self.each(statement, &second, |row| visit(&mut late, row)),
        )?;
        Ok([early, late])
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
        // First the accounts with so many entries within an hour of the clock; only theirs are counted by person.
        let mut busy: Vec<String> = Vec::new();
        let span = [Arg::Int(from.millis()), Arg::Int(to.millis())];
        let asked = [span.as_slice(), &[Arg::Int(more_than)]].concat();
        self.each(&HOURS, &asked, |row| {
            if crowded(&row.text(1, "hours")?, more_than) {
                busy.push(row.int(0, "actor")?.to_string());
            }
            Ok(())
        })
        .await?;
        if busy.is_empty() {
            return Ok(Vec::new());
        }
        let agency = agency.map_or(0, |a| names.name(Kind::Agency, a));
        let view = names.name(Kind::Event, Event::View.name());
        let rest = [agency, view, more_than, limit].map(Arg::Int);
        let args = [&[Arg::Texts(&busy)], span.as_slice(), &rest].concat();
        let rows = self.fetch(&CROWDED, &args).await?;
        rows.iter().map(|row| Ok((Moment::from_millis(row.int(0, "time")?), row.int(1, "count")?))).collect()
    }
}

/// Whether one of these hours, in any order, stands there more often.
fn crowded(hours: &str, more_than: i64) -> bool {
    let mut hours: Vec<i64> = hours.split(',').filter_map(|hour| hour.parse().ok()).collect();
    hours.sort_unstable();
    hours.chunk_by(|a, b| a == b).any(|same| i64::try_from(same.len()).unwrap_or(i64::MAX) > more_than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_crowded_when_it_stands_there_more_often_than_allowed() {
        assert!(!crowded("5,5,6,6,7", 2));
        assert!(crowded("5,6,5,7,5", 2), "in any order");
        assert!(!crowded("", 0));
    }

    #[test]
    fn the_two_halves_of_a_span_join_without_a_gap() {
        let names = IndexKeys::new(&crate::store::Keys::from_secret(&[1; 32]).unwrap());
        let moment = Moment::from_millis;
        let counting = Counting { from: moment(10), to: moment(61), agency: None, event: None };
        let [a, b] = counting.halves(&names);
        assert_eq!((a[0], a[1], b[1]), (10, b[0], 61));
    }
}
