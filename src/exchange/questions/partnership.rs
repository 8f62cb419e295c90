//! Questions between agencies: Q7, Q10, Q15, Q16, Q18.

use super::statistics::{SMALL, guarded, small_note};
use super::{Answer, Ask, Asker, Failure, PAGE_MAX, Row};
use crate::audit::Event;
use crate::audit::Outcome;
use crate::store::Wanted;
use crate::vocabulary::Role;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An answer later than this is late, in milliseconds: five working days, a week by the calendar.
const LATE_MILLIS: i64 = 7 * super::DAY;
/// Roles of schools and surgeries.
const SCHOOLS: [Role; 3] = [Role::Dsl, Role::Sch, Role::Sur];

impl Asker<'_> {
    /// Q7: decisions not to share, or to share in part.
    pub(super) async fn not_shared(&self, ask: &Ask) -> Result<Answer, Failure> {
        let wanted = Wanted { events: vec![Event::ShareDecision], ..self.wanted(ask) };
        let columns = [
            "time",
            "entry",
            "outcome",
            "actor",
            "role",
            "agency",
            "subject",
            "purpose",
            "reason",
            "basis",
            "recipient",
            "told",
            "review",
            "justified",
            "message",
        ];
        let mut answer = self.list(ask, wanted, &columns, |row| row.outcome != Outcome::Allow).await?;
        let detrimental = answer
            .rows
            .iter()
            .filter(|row| row.get("reason").and_then(Value::as_str).is_some_and(|r| r.contains("DETRIMENT")));
        let count = detrimental.count();
        answer.summary.insert("on_the_ground_of_detriment".to_owned(), json!(count));
        Ok(answer)
    }

    /// Q10: everybody who received a statement, and whether its correction reached them.
    pub(super) async fn who_received(&self, ask: &Ask) -> Result<Answer, Failure> {
        if ask.message.is_none() && ask.segment.is_none() {
            return Err(Failure::Unclear("this question needs message or segment"));
        }
        let whole = Ask { limit: Some(PAGE_MAX), ..ask.clone() };
        let (found, next) = self.rows(&whole, self.wanted(ask), |_| true).await?;
        let mut received: BTreeMap<String, (String, String)> = BTreeMap::new();
        let mut corrected: BTreeMap<String, String> = BTreeMap::new();
        for row in &found {
            let Some(agency) = receiver(row) else { continue };
            match row.payload.event {
                Event::Correction | Event::Recall => drop(corrected.insert(agency, row.entry.time.to_string())),
                Event::View | Event::Collect | Event::Export | Event::Print if row.released() => {
                    received
                        .entry(agency)
                        .or_insert_with(|| (row.entry.time.to_string(), row.entry.id.as_str().to_owned()));
                }
                _ => {}
            }
        }
        let mut answer =
            Answer { columns: vec!["recipient", "received", "entry", "corrected"], next, ..Answer::default() };
        for (agency, (time, entry)) in received {
            let when = corrected.get(&agency);
            let cells = [
                ("recipient", json!(agency)),
                ("received", json!(time)),
                ("entry", json!(entry)),
                ("corrected", json!(when)),
            ];
            answer.rows.push(cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        }
        Ok(answer)
    }

    /// Q15: answers to schools and surgeries.
    pub(super) async fn concerns(&self, ask: &Ask) -> Result<Answer, Failure> {
        let asked_by_school = |row: &Row| row.payload.hat.as_ref().is_some_and(|h| SCHOOLS.contains(&h.role));
        self.answered(ask, asked_by_school).await
    }

    /// Q16: answers by the agency asked.
    pub(super) async fn response_times(&self, ask: &Ask) -> Result<Answer, Failure> {
        self.answered(ask, |_| true).await
    }

    /// Requests of a span with their answers, by the agency asked.
    async fn answered(&self, ask: &Ask, keep: impl Fn(&Row) -> bool) -> Result<Answer, Failure> {
        let whole = Ask { limit: Some(PAGE_MAX), ..ask.clone() };
        let requests = Wanted { events: vec![Event::Request], agency: None, ..self.wanted(ask) };
        let responses = Wanted { events: vec![Event::Response], agency: None, actor: None, ..self.wanted(ask) };
        let (asked, next) = self.rows(&whole, requests, keep).await?;
        let (answers, more) = self.rows(&whole, responses, |_| true).await?;
        let mut by_request: BTreeMap<&str, i64> = BTreeMap::new();
        for row in &answers {
            for id in &row.payload.refers_to {
                by_request.entry(id.as_str()).or_insert(row.entry.time.millis());
            }
        }
        let mut table: BTreeMap<String, (i64, i64, i64, Vec<i64>)> = BTreeMap::new();
        for row in &asked {
            let (total, unanswered, late, times) =
                table.entry(receiver(row).unwrap_or_else(|| "(nobody named)".to_owned())).or_default();
            *total = total.saturating_add(1);
            let sent = row.entry.time.millis();
            let took = by_request.get(row.entry.id.as_str()).map(|at| at.saturating_sub(sent));
            match took {
                Some(took) => times.push(took),
                None => *unanswered = unanswered.saturating_add(1),
            }
            let waited = took.unwrap_or_else(|| self.now.millis().saturating_sub(sent));
            *late = late.saturating_add(i64::from(waited > LATE_MILLIS));
        }
        let mut answer = Answer {
            columns: vec!["agency", "requests", "unanswered", "late", "median_hours"],
            next: next.or(more),
            ..Answer::default()
        };
        for (agency, (total, unanswered, late, mut times)) in table {
            times.sort_unstable();
            let median =
                times.get(times.len().div_euclid(2)).map(|t| t.div_euclid(3_600_000)).filter(|_| total >= SMALL);
            let cells = [
                ("agency", json!(agency)),
                ("requests", guarded(total)),
                ("unanswered", guarded(unanswered)),
                ("late", guarded(late)),
                ("median_hours", json!(median)),
            ];
            answer.rows.push(cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        }
        answer.notes.push(small_note());
        Ok(answer)
    }

    /// Q18: this side of the comparison; `audit ask Q18 --receipts FILE` makes it.
    pub(super) async fn receipts_with(&self, ask: &Ask) -> Result<Answer, Failure> {
        let partner = ask.agency.clone().ok_or(Failure::Unclear("this question needs agency: the partner"))?;
        let wanted = Wanted {
            agency: None,
            reference: Some(format!("agency/{partner}")),
            events: vec![Event::View, Event::Collect, Event::Export, Event::Receipt],
            ..self.wanted(ask)
        };
        let to_partner = |row: &Row| row.payload.recipient.as_ref().is_some_and(|r| r.agency.as_str() == partner);
        self.list(ask, wanted, &["time", "entry", "event", "outcome", "message", "item", "recipient"], to_partner).await
    }
}

fn receiver(row: &Row) -> Option<String> {
    let named = row.payload.recipient.as_ref().map(|r| r.agency.as_str());
    named.or_else(|| row.payload.hat.as_ref().map(|h| h.agency.as_str())).map(str::to_owned)
}

/// Compares this log's releases to a partner with the receipts the partner kept (entry ids, one a line): what stands on
/// one side only.
#[must_use]
pub fn reconcile(ours: &[Map<String, Value>], theirs: &BTreeSet<String>) -> Answer {
    let id = |row: &Map<String, Value>| row.get("entry").and_then(Value::as_str).map(str::to_owned);
    let own: BTreeSet<String> = ours.iter().filter_map(id).collect();
    let mut answer = Answer { columns: vec!["entry", "only"], ..Answer::default() };
    let here = own.difference(theirs).map(|id| (id, "here"));
    let there = theirs.difference(&own).map(|id| (id, "partner"));
    for (id, side) in here.chain(there) {
        let cells = [("entry", json!(id)), ("only", json!(side))];
        answer.rows.push(cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    }
    answer.summary.insert("both".to_owned(), json!(own.intersection(theirs).count()));
    answer.summary.insert("agree".to_owned(), json!(answer.rows.is_empty()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_one_side_only_is_named() {
        let row = |id: &str| [("entry".to_owned(), json!(id))].into_iter().collect::<Map<_, _>>();
        let theirs: BTreeSet<String> = ["b", "c"].into_iter().map(str::to_owned).collect();
        let answer = reconcile(&[row("a"), row("b")], &theirs);
        let found: Vec<(&str, &str)> =
            answer.rows.iter().map(|r| (r["entry"].as_str().unwrap(), r["only"].as_str().unwrap())).collect();
        assert_eq!(found, [("a", "here"), ("c", "partner")]);
        assert_eq!(answer.summary["both"], 1);
        assert_eq!(answer.summary["agree"], false);
    }
}
