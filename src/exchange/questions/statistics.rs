//! Counts: Q5, Q6, Q12, and the rule that small numbers are not shown.

use super::{Answer, Ask, Asker, Failure, PAGE_MAX, Row};
use crate::audit::{Event, Outcome};
use crate::clock::Moment;
use crate::sharing::decision::Reason;
use crate::store::{Counting, IndexKind, Wanted};
use crate::vocabulary::{Category, Role};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// A count below this and above zero is not shown: it may point at a person.
pub(super) const SMALL: i64 = 5;
/// Milliseconds in which an override is to be reviewed: two working days, counted as four days where a weekend lies between.
///
/// # Source
/// Sharing rules R44.
const REVIEW_MILLIS: i64 = 2 * super::DAY;
/// The categories whose opening Q12 watches.
const SENSITIVE: [Category; 8] = [
    Category::Mhl,
    Category::Mhn,
    Category::Sub,
    Category::Sxh,
    Category::Dab,
    Category::Exp,
    Category::Loc,
    Category::Crm,
];
/// People one account may see in an hour before it is called bulk (sharing rules R81).
const BULK: i64 = 20;

/// Which counts of a table are left out: the small ones, and beside one that stands alone in its row or column the least
/// other one, because whoever knows the sum could otherwise work it out. Cells are row, column, count.
pub(super) fn left_out(cells: &[(String, String, i64)]) -> Vec<bool> {
    let mut out: Vec<bool> = cells.iter().map(|(_, _, count)| (1..SMALL).contains(count)).collect();
    let mut lines: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
    for (n, (row, column, _)) in cells.iter().enumerate() {
        lines.entry((true, row)).or_default().push(n);
        lines.entry((false, column)).or_default().push(n);
    }
    loop {
        let mut changed = false;
        for line in lines.values() {
            let is_out = |n: &&usize| out.get(**n).copied().unwrap_or(false);
            if line.iter().filter(is_out).count() != 1 {
                continue;
            }
            let shown = line.iter().filter(|n| !is_out(n));
            let least = shown.min_by_key(|n| cells.get(**n).map_or(0, |cell| cell.2)).copied();
            if let Some(cell) = least.and_then(|n| out.get_mut(n)) {
                *cell = true;
                changed = true;
            }
        }
        if !changed {
            return out;
        }
    }
}

/// What the keyed names of an index mean, made once for a question.
struct Meaning {
    roles: HashMap<i64, &'static str>,
    reasons: HashMap<i64, &'static str>,
    withheld: HashMap<[u8; 5], (&'static str, &'static str)>,
}

impl Meaning {
    fn role(&self, name: i64) -> &'static str {
        self.roles.get(&name).copied().unwrap_or("(other)")
    }
    /// The reason of a refused request; `None` when there was none, or it was not a refusal.
    fn refusal(&self, name: i64) -> Option<&'static str> {
        self.reasons.get(&name).copied().filter(|r| r.starts_with("D-"))
    }
}

/// What stood in the way, as the index names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Blocked {
    /// A reason for the whole request.
    Whole(i64),
    /// A category, with the reason.
    Category([u8; 5]),
}

fn increase<K: Eq + std::hash::Hash>(sum: &mut HashMap<K, i64>, key: K, by: i64) {
    let count = sum.entry(key).or_default();
    *count = count.saturating_add(by);
}

/// A count, or `null` when it is small.
pub(super) fn guarded(count: i64) -> Value {
    if (1..SMALL).contains(&count) { Value::Null } else { json!(count) }
}

pub(super) fn small_note() -> String {
    format!(
        "Counts of 1 to {} are not given. Where only one count of a line is not given, the least beside it is not either.",
        SMALL.saturating_sub(1)
    )
}

impl Asker<'_> {
    /// Q5: one row for each override, and counts by agency.
    pub(super) async fn overrides(&self, ask: &Ask) -> Result<Answer, Failure> {
        let events =
            [Event::OvrRequest, Event::OvrApprove, Event::OvrReject, Event::OvrUse, Event::OvrReview, Event::EmgUse];
        let wanted = Wanted { events: events.to_vec(), ..self.wanted(ask) };
        let whole = Ask { limit: Some(PAGE_MAX), ..ask.clone() };
        let (found, next) = self.rows(&whole, wanted, |_| true).await?;
        let mut each: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        let mut agencies: BTreeMap<String, i64> = BTreeMap::new();
        for row in &found {
            let id = row.payload.override_id.clone().unwrap_or_else(|| row.entry.id.as_str().to_owned());
            let new = !each.contains_key(&id);
            let line = each.entry(id.clone()).or_insert_with(|| self.override_line(&id, row));
            step(line, row);
            if new && let Some(hat) = &row.payload.hat {
                let count = agencies.entry(hat.agency.as_str().to_owned()).or_default();
                *count = count.saturating_add(1);
            }
        }
        let mut answer = Answer {
            columns: vec![
                "override",
                "agency",
                "subject",
                "requested",
                "requested_by",
                "approved",
                "approved_by",
                "rejected",
                "uses",
                "justified",
                "told",
                "reviewed",
                "in_time",
                "verdict",
                "open",
            ],
            next,
            ..Answer::default()
        };
        answer.rows = each.into_values().map(|line| judged(line, self.now)).collect();
        let counts: Map<String, Value> = agencies.into_iter().map(|(agency, n)| (agency, guarded(n))).collect();
        answer.summary.insert("overrides_by_agency".to_owned(), Value::Object(counts));
        answer.notes.push(small_note());
        Ok(answer)
    }

    fn override_line(&self, id: &str, row: &Row) -> Map<String, Value> {
        let subject = row.payload.subject.as_ref().map(|s| self.viewer.subject(self.keys, s.as_str()));
        let mut line = Map::new();
        line.insert("override".to_owned(), json!(id));
        line.insert("agency".to_owned(), json!(row.payload.hat.as_ref().map(|h| &h.agency)));
        line.insert("subject".to_owned(), json!(subject));
        line.insert("uses".to_owned(), json!(0));
        line
    }

    /// Q6: refusals by role, category and reason, and which category blocks most.
    pub(super) async fn refusals(&self, ask: &Ask) -> Result<Answer, Failure> {
        let span = (Moment::from_millis(ask.from), Moment::from_millis(ask.to));
        let agency = self.viewer.agency.as_deref().or(ask.agency.as_deref());
        let counting = Counting { from: span.0, to: span.1, agency, event: ask.event };
        // By role and the reason of the whole request, or category and reason withheld: as the index names them.
        let add = |sum: &mut HashMap<(i64, Blocked), i64>, one: crate::store::Refused<'_>| {
            if one.reason != 0 {
                increase(sum, (one.role, Blocked::Whole(one.reason)), one.entries);
            }
            for pair in one.withheld.as_chunks::<5>().0 {
                increase(sum, (one.role, Blocked::Category(*pair)), one.entries);
            }
        };
        let counted = self.db.add_refused(&self.names, counting, add).await?;
        let meaning = self.meaning();
        let mut table: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
        let mut blocking: BTreeMap<&str, i64> = BTreeMap::new();
        for ((role, what), number) in counted.into_iter().flatten() {
            let role = meaning.role(role);
            let named = match what {
                Blocked::Whole(reason) => meaning.refusal(reason).map(|reason| ("(whole request)", reason)),
                Blocked::Category(pair) => meaning.withheld.get(&pair).copied(),
            };
            let Some((category, reason)) = named else { continue };
            let count = table.entry((role, category, reason)).or_default();
            *count = count.saturating_add(number);
            if matches!(what, Blocked::Category(_)) {
                let count = blocking.entry(category).or_default();
                *count = count.saturating_add(number);
            }
        }
        let line = |((role, category, reason), count): (&(&str, &str, &str), &i64)| {
            (format!("{role} {category}"), format!("{category} {reason}"), *count)
        };
        let hidden = left_out(&table.iter().map(line).collect::<Vec<_>>());
        let row = |(((role, category, reason), count), hidden): (((&str, &str, &str), i64), bool)| {
            let cells = [
                ("role", json!(role)),
                ("category", json!(category)),
                ("reason", json!(reason)),
                ("count", if hidden { Value::Null } else { json!(count) }),
            ];
            cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
        };
        let mut answer = Answer { columns: vec!["role", "category", "reason", "count"], ..Answer::default() };
        answer.rows = table.into_iter().zip(hidden).map(row).collect();
        let most = blocking.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count >= SMALL);
        answer.summary.insert("blocks_most".to_owned(), json!(most.map(|(category, _)| category)));
        answer.notes.push(small_note());
        Ok(answer)
    }

    /// How often each reason for a refusal occurs, of whole requests and of categories withheld; small numbers as they are.
    pub(in crate::exchange) async fn refusals_by_reason(
        &self,
        ask: &Ask,
    ) -> Result<BTreeMap<&'static str, i64>, Failure> {
        let span = (Moment::from_millis(ask.from), Moment::from_millis(ask.to));
        let agency = self.viewer.agency.as_deref();
        let counting = Counting { from: span.0, to: span.1, agency, event: None };
        let meaning = self.meaning();
        let add = |sum: &mut BTreeMap<&'static str, i64>, one: crate::store::Refused<'_>| {
            let whole = meaning.refusal(one.reason);
            let pairs = one.withheld.as_chunks::<5>().0.iter();
            let withheld = pairs.filter_map(|pair| meaning.withheld.get(pair)).map(|(_, reason)| *reason);
            // An entry counts once for each reason in it.
            let each: std::collections::BTreeSet<&'static str> = whole.into_iter().chain(withheld).collect();
            for reason in each {
                let count = sum.entry(reason).or_default();
                *count = count.saturating_add(one.entries);
            }
        };
        let mut reasons: BTreeMap<&'static str, i64> = BTreeMap::new();
        for (reason, number) in self.db.add_refused(&self.names, counting, add).await?.into_iter().flatten() {
            let count = reasons.entry(reason).or_default();
            *count = count.saturating_add(number);
        }
        Ok(reasons)
    }

    /// Q12: sensitive categories by role, out of hours, and hours with many people.
    pub(super) async fn unusual(&self, ask: &Ask) -> Result<Answer, Failure> {
        let span = (Moment::from_millis(ask.from), Moment::from_millis(ask.to));
        let agency = self.viewer.agency.as_deref().or(ask.agency.as_deref());
        let counting = Counting { from: span.0, to: span.1, agency, event: Some(Event::View) };
        let add = |sum: &mut HashMap<(i64, i64, bool), i64>, one: crate::store::Shown| {
            increase(sum, (one.role, one.shown, one.out_of_hours), one.entries);
        };
        let counted = self.db.add_shown(&self.names, counting, &SENSITIVE, add).await?;
        let meaning = self.meaning();
        let mut table: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
        let mut totals: BTreeMap<&str, i64> = BTreeMap::new();
        for ((role, shown, out_of_hours), number) in counted.into_iter().flatten() {
            let role = meaning.role(role);
            for category in SENSITIVE.iter().filter(|c| shown & self.names.bit(**c) != 0) {
                let (all, late) = table.entry((role, category.code())).or_default();
                *all = all.saturating_add(number);
                *late = late.saturating_add(if out_of_hours { number } else { 0 });
                let total = totals.entry(category.code()).or_default();
                *total = total.saturating_add(number);
            }
        }
        let mut answer = Answer {
            columns: vec!["role", "category", "count", "out_of_hours", "share_of_category_percent"],
            ..Answer::default()
        };
        let cells = |late: bool| -> Vec<(String, String, i64)> {
            let count = |(all, out): &(i64, i64)| if late { *out } else { *all };
            table.iter().map(|((role, category), n)| ((*role).to_owned(), (*category).to_owned(), count(n))).collect()
        };
        let hidden = left_out(&cells(false)).into_iter().zip(left_out(&cells(true)));
        for (((role, category), (all, late)), (all_out, late_out)) in table.iter().zip(hidden) {
            let total = totals.get(category).copied().unwrap_or(0);
            let share = all.saturating_mul(100).checked_div(total).unwrap_or(0);
            let share = if all_out { Value::Null } else { json!(share) };
            let cells = [
                ("role", json!(role)),
                ("category", json!(category)),
                ("count", if all_out { Value::Null } else { json!(all) }),
                ("out_of_hours", if late_out || all_out { Value::Null } else { json!(late) }),
                ("share_of_category_percent", share),
            ];
            answer.rows.push(cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        }
        let crowded = self.db.crowded_hours(&self.names, span, agency, BULK, 100).await?;
        let crowded: Vec<Value> =
            crowded.into_iter().map(|(from, people)| json!({"from": from.to_string(), "people": people})).collect();
        answer.summary.insert("hours_with_more_than_20_people".to_owned(), json!(crowded));
        answer.notes.push(small_note());
        Ok(answer)
    }

    /// What the index's keyed names mean, as far as the viewer may know.
    fn meaning(&self) -> Meaning {
        let name = |kind: IndexKind, text: &str| self.names.name(kind, text);
        let mut withheld = HashMap::new();
        for category in Category::ALL.iter().map(|c| Some(*c)).chain([None]) {
            if self.viewer.agency.is_none() && category == Some(Category::Int) && !self.viewer.police {
                continue;
            }
            for reason in Reason::ALL {
                let key = self.names.withheld(category, reason.code());
                withheld.insert(key, (category.map_or("none", Category::code), reason.code()));
            }
        }
        Meaning {
            roles: Role::ALL.iter().map(|r| (name(IndexKind::Role, r.code()), r.code())).collect(),
            reasons: Reason::ALL.iter().map(|r| (name(IndexKind::Reason, r.code()), r.code())).collect(),
            withheld,
        }
    }
}

/// What one entry adds to its override.
fn step(line: &mut Map<String, Value>, row: &Row) {
    let payload = &row.payload;
    let time = || json!(row.entry.time.to_string());
    let mut set = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
    match payload.event {
        Event::OvrRequest => {
            set("requested", time());
            set("requested_by", json!(payload.actor));
            set("justified", json!(payload.justification.is_some()));
        }
        Event::OvrApprove => {
            set("approved", time());
            set("approved_by", json!(payload.actor));
        }
        Event::OvrReject => set("rejected", time()),
        Event::OvrReview => {
            set("reviewed", time());
            set("reviewed_millis", json!(row.entry.time.millis()));
            set("verdict", json!(payload.reason.clone().unwrap_or_else(|| outcome_word(row.outcome).to_owned())));
        }
        _ => {
            if let Some(told) = &payload.told {
                set("told", json!(matches!(told.informed, crate::audit::payload::Informed::Yes)));
            }
            let uses = line.get("uses").and_then(Value::as_i64).unwrap_or(0).saturating_add(1);
            line.insert("uses".to_owned(), json!(uses));
            line.entry("used_millis").or_insert_with(|| json!(row.entry.time.millis()));
        }
    }
}

const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "justified",
        Outcome::Deny => "not-justified",
        Outcome::Partial | Outcome::Error => "needs-more",
    }
}

/// Adds whether it was reviewed in time and whether it is still open; takes out the working columns.
fn judged(mut line: Map<String, Value>, now: Moment) -> Map<String, Value> {
    let millis = |line: &mut Map<String, Value>, name: &str| line.remove(name).and_then(|v| v.as_i64());
    let (used, reviewed) = (millis(&mut line, "used_millis"), millis(&mut line, "reviewed_millis"));
    let due = used.map(|at| at.saturating_add(REVIEW_MILLIS));
    let in_time = due.map(|due| reviewed.unwrap_or(now.millis()) <= due);
    line.insert("in_time".to_owned(), json!(in_time));
    line.insert("open".to_owned(), json!(used.is_some() && reviewed.is_none()));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(cells: &[(&str, &str, i64)]) -> Vec<bool> {
        let cells: Vec<(String, String, i64)> =
            cells.iter().map(|(r, c, n)| ((*r).to_owned(), (*c).to_owned(), *n)).collect();
        left_out(&cells)
    }

    #[test]
    fn a_small_count_alone_in_its_line_takes_the_least_other_with_it() {
        assert_eq!(hidden(&[("a", "x", 3), ("a", "y", 50), ("a", "z", 9)]), [true, false, true]);
        assert_eq!(hidden(&[("a", "x", 3), ("a", "y", 4), ("a", "z", 9)]), [true, true, false]);
        assert_eq!(hidden(&[("a", "x", 0), ("a", "y", 50)]), [false, false], "nothing is no secret");
        assert_eq!(hidden(&[("a", "x", 2)]), [true]);
    }

    #[test]
    fn no_row_and_no_column_is_left_with_a_single_hole() {
        let cells = [
            ("a", "x", 1),
            ("a", "y", 20),
            ("a", "z", 30),
            ("b", "x", 40),
            ("b", "y", 50),
            ("b", "z", 60),
            ("c", "x", 70),
            ("c", "y", 80),
            ("c", "z", 90),
        ];
        let out = hidden(&cells);
        for line in ["a", "b", "c", "x", "y", "z"] {
            let holes = cells.iter().zip(&out).filter(|((r, c, _), out)| (*r == line || *c == line) && **out).count();
            assert_ne!(holes, 1, "{line}: {out:?}");
        }
        assert_eq!(out.iter().filter(|out| **out).count(), 4, "{out:?}");
    }
}
