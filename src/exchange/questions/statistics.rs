//! Counts: Q5, Q6, Q12, and the rule that small numbers are not shown.

use super::{Answer, Ask, Asker, Failure, PAGE_MAX, Row};
use crate::audit::{Event, Outcome};
use crate::clock::Moment;
use crate::sharing::decision::Reason;
use crate::store::{IndexKind, Wanted};
use crate::vocabulary::{Category, Role};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A count below this and above zero is not shown: it may point at a person.
pub(super) const SMALL: i64 = 5;
/// Patterns of role, reason and categories counted; a partnership has some thousand.
const PATTERNS_MAX: i64 = 20_000;
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

/// A count, or `null` when it is small.
pub(super) fn guarded(count: i64) -> Value {
    if (1..SMALL).contains(&count) { Value::Null } else { json!(count) }
}

pub(super) fn small_note() -> String {
    format!("counts of 1 to {} are left out (null)", SMALL.saturating_sub(1))
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
        let counted = self.db.count_patterns(&self.names, span, agency, ask.event, PATTERNS_MAX).await?;
        let mut table: BTreeMap<(&str, &str, &str), i64> = BTreeMap::new();
        let mut blocking: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &counted {
            let role = self.role_of(line.role);
            if let Some(reason) = self.reason_of(line.reason) {
                let count = table.entry((role, "(whole request)", reason)).or_default();
                *count = count.saturating_add(line.count);
            }
            for pair in line.withheld.chunks_exact(5) {
                let Some((category, reason)) = self.pair_of(pair) else { continue };
                let count = table.entry((role, category, reason)).or_default();
                *count = count.saturating_add(line.count);
                let count = blocking.entry(category).or_default();
                *count = count.saturating_add(line.count);
            }
        }
        let row = |((role, category, reason), count): ((&str, &str, &str), i64)| {
            let cells = [
                ("role", json!(role)),
                ("category", json!(category)),
                ("reason", json!(reason)),
                ("count", guarded(count)),
            ];
            cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
        };
        let mut answer = Answer { columns: vec!["role", "category", "reason", "count"], ..Answer::default() };
        answer.rows = table.into_iter().map(row).collect();
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
        let counted = self.db.count_patterns(&self.names, span, agency, None, PATTERNS_MAX).await?;
        let mut reasons: BTreeMap<&'static str, i64> = BTreeMap::new();
        for line in &counted {
            let whole = self.reason_of(line.reason);
            let withheld = line.withheld.chunks_exact(5).filter_map(|pair| self.pair_of(pair)).map(|(_, r)| r);
            // One entry counts once for each reason in it.
            let each: std::collections::BTreeSet<&'static str> = whole.into_iter().chain(withheld).collect();
            for reason in each {
                let count = reasons.entry(reason).or_default();
                *count = count.saturating_add(line.count);
            }
        }
        Ok(reasons)
    }

    /// Q12: sensitive categories by role, out of hours, and hours with many people.
    pub(super) async fn unusual(&self, ask: &Ask) -> Result<Answer, Failure> {
        let span = (Moment::from_millis(ask.from), Moment::from_millis(ask.to));
        let agency = self.viewer.agency.as_deref().or(ask.agency.as_deref());
        let counted = self.db.count_patterns(&self.names, span, agency, Some(Event::View), PATTERNS_MAX).await?;
        let mut table: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
        let mut totals: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &counted {
            let role = self.role_of(line.role);
            for category in SENSITIVE.iter().filter(|c| line.shown & self.names.bit(**c) != 0) {
                let (all, late) = table.entry((role, category.code())).or_default();
                *all = all.saturating_add(line.count);
                *late = late.saturating_add(line.count.saturating_mul(line.out_of_hours));
                let total = totals.entry(category.code()).or_default();
                *total = total.saturating_add(line.count);
            }
        }
        let mut answer = Answer {
            columns: vec!["role", "category", "count", "out_of_hours", "share_of_category_percent"],
            ..Answer::default()
        };
        for ((role, category), (all, late)) in table {
            let total = totals.get(category).copied().unwrap_or(0);
            let share = all.saturating_mul(100).checked_div(total).unwrap_or(0);
            let share = if all < SMALL { Value::Null } else { json!(share) };
            let cells = [
                ("role", json!(role)),
                ("category", json!(category)),
                ("count", guarded(all)),
                ("out_of_hours", guarded(late)),
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

    fn role_of(&self, name: i64) -> &'static str {
        let found = Role::ALL.iter().find(|r| self.names.name(IndexKind::Role, r.code()) == name);
        found.map_or("(other)", |r| r.code())
    }

    fn reason_of(&self, name: i64) -> Option<&'static str> {
        if name == 0 {
            return None;
        }
        let found = Reason::ALL.iter().find(|r| self.names.name(IndexKind::Reason, r.code()) == name);
        Some(found.map_or("(other)", |r| r.code())).filter(|r| r.starts_with("D-"))
    }

    /// Category and reason of five bytes of `withheld`.
    fn pair_of(&self, pair: &[u8]) -> Option<(&'static str, &'static str)> {
        let categories = Category::ALL.iter().map(|c| Some(*c)).chain([None]);
        for category in categories {
            if self.viewer.agency.is_none() && category == Some(Category::Int) && !self.viewer.police {
                continue;
            }
            for reason in Reason::ALL {
                if self.names.withheld(category, reason.code()) == pair {
                    return Some((category.map_or("none", Category::code), reason.code()));
                }
            }
        }
        None
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
