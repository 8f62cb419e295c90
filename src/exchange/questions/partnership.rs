//! Questions between agencies: Q7, Q10, Q15, Q16, Q18.

use super::statistics::{SMALL, guarded, left_out, small_note};
use super::{Answer, Ask, Asker, Failure, PAGE_MAX, Row, parse_cursor};
use crate::audit::Event;
use crate::audit::Outcome;
use crate::exchange::concern;
use crate::ident::MessageId;
use crate::store::Wanted;
use crate::vocabulary::Role;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An answer later than this is late, in milliseconds: five working days, a week by the calendar.
const LATE_MILLIS: i64 = 7 * super::DAY;
/// Most rows put together for one answer.
const MANY: usize = 2_000;
/// Most segments of one message looked for one by one: those of a long chronology.
const SEGMENTS_MAX: usize = 200;
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
        let (mut found, next) = self.rows(&whole, self.wanted(ask), |_| true).await?;
        found.extend(self.of_statement(&whole).await?);
        let mut received: BTreeMap<String, (String, String)> = BTreeMap::new();
        let mut corrected: BTreeMap<String, String> = BTreeMap::new();
        for row in &found {
            let Some(agency) = receiver(row) else { continue };
            match row.payload.event {
                Event::Correction | Event::Recall => drop(corrected.insert(agency, row.entry.time.to_string())),
                Event::View | Event::OvrUse | Event::Collect | Event::Export | Event::Print if row.released() => {
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

    /// What the log holds of a statement beside what names it: the releases of a message's segments, and the corrections that
    /// name a release (R70).
    async fn of_statement(&self, ask: &Ask) -> Result<Vec<Row>, Failure> {
        let mut found = Vec::new();
        let mut segments: Vec<String> = ask.segment.iter().cloned().collect();
        if let Some(message) = &ask.message {
            let records = self.db.records_of(&MessageId::new(message.as_str())).await?;
            let all = if records.is_empty() { Vec::new() } else { self.db.segments_in(&records).await? };
            segments.extend(all.iter().take(SEGMENTS_MAX).map(|s| s.id.as_str().to_owned()));
        }
        let mut releases = BTreeSet::new();
        for segment in segments {
            let wanted = Wanted { reference: Some(format!("segment/{segment}")), ..self.wanted(ask) };
            let (rows, _) = self.rows(ask, wanted, Row::released).await?;
            for row in rows.into_iter().filter(|row| releases.insert(row.entry.id.as_str().to_owned())) {
                found.push(row);
            }
        }
        for release in releases {
            let events = vec![Event::Correction, Event::Recall];
            let wanted = Wanted { reference: Some(format!("entry/{release}")), events, ..self.wanted(ask) };
            found.extend(self.rows(ask, wanted, |_| true).await?.0);
        }
        Ok(found)
    }

    /// Q15: by school, how long the surgery took, what it said, how it ended, and what became a referral.
    pub(super) async fn concerns(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut concerns: BTreeMap<String, Asked> = BTreeMap::new();
        let mut cut = false;
        for event in [Event::Request, Event::Response, Event::ShareDecision] {
            let reasons = concern::reasons();
            let wanted = Wanted { events: vec![event], agency: None, actor: None, reasons, ..self.wanted(ask) };
            let (found, more) = self.many(ask, wanted, |_| true).await?;
            cut |= more;
            for row in &found {
                if let Some(id) = row.payload.dataset.as_ref().and_then(|d| d.message.as_ref()) {
                    concerns.entry(id.as_str().to_owned()).or_default().take(row);
                }
            }
        }
        let mut schools: BTreeMap<String, School> = BTreeMap::new();
        for concern in concerns.into_values() {
            // A concern whose submission lies before the span is counted where it was submitted.
            let (Some(school), Some(at)) = (&concern.school, concern.submitted) else { continue };
            schools.entry(school.clone()).or_default().count(&concern, at, self.now.millis());
        }
        let mut answer = Answer {
            columns: vec![
                "agency",
                "requests",
                "unanswered",
                "late",
                "median_hours",
                "answers",
                "outcomes",
                "referred",
            ],
            ..Answer::default()
        };
        answer.rows = schools.into_iter().map(|(agency, school)| school.row(&agency)).collect();
        if cut {
            answer.notes.push("There are more concerns than were looked at: ask for a shorter span.".to_owned());
        }
        answer.notes.push(small_note());
        Ok(answer)
    }

    /// Rows of several pages, up to [`MANY`], and whether there were more.
    async fn many(
        &self,
        ask: &Ask,
        mut wanted: Wanted,
        keep: impl Fn(&Row) -> bool,
    ) -> Result<(Vec<Row>, bool), Failure> {
        let whole = Ask { limit: Some(PAGE_MAX), ..ask.clone() };
        let mut all = Vec::new();
        for _ in 0..MANY.div_euclid(PAGE_MAX) {
            let (found, next) = self.rows(&whole, wanted.clone(), &keep).await?;
            all.extend(found);
            match next.as_deref().and_then(parse_cursor) {
                Some(after) => wanted.after = Some(after),
                None => return Ok((all, false)),
            }
        }
        Ok((all, true))
    }

    /// Q16: answers by the agency asked.
    pub(super) async fn response_times(&self, ask: &Ask) -> Result<Answer, Failure> {
        // What a school asks the surgery is Q15's.
        let between_agencies = |row: &Row| row.payload.hat.as_ref().is_none_or(|h| !SCHOOLS.contains(&h.role));
        self.answered(ask, between_agencies).await
    }

    /// Requests of a span with their answers, by the agency asked.
    async fn answered(&self, ask: &Ask, keep: impl Fn(&Row) -> bool) -> Result<Answer, Failure> {
        let requests = Wanted { events: vec![Event::Request], agency: None, ..self.wanted(ask) };
        let responses = Wanted { events: vec![Event::Response], agency: None, actor: None, ..self.wanted(ask) };
        let (asked, cut) = self.many(ask, requests, keep).await?;
        let (answers, more) = self.many(ask, responses, |_| true).await?;
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
        let mut answer =
            Answer { columns: vec!["agency", "requests", "unanswered", "late", "median_hours"], ..Answer::default() };
        if cut || more {
            answer.notes.push("There are more requests than were looked at: ask for a shorter span.".to_owned());
        }
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
            events: vec![Event::View, Event::OvrUse, Event::Collect, Event::Export, Event::Receipt],
            ..self.wanted(ask)
        };
        let to_partner = |row: &Row| row.payload.recipient.as_ref().is_some_and(|r| r.agency.as_str() == partner);
        self.list(ask, wanted, &["time", "entry", "event", "outcome", "message", "item", "recipient"], to_partner).await
    }
}

/// One concern, put together from its entries.
#[derive(Default)]
struct Asked {
    school: Option<String>,
    submitted: Option<i64>,
    due: Option<i64>,
    answered: Option<i64>,
    answer: Option<String>,
    outcome: Option<String>,
    referred: bool,
}

impl Asked {
    fn take(&mut self, row: &Row) {
        let at = row.entry.time.millis();
        let payload = &row.payload;
        if payload.event == Event::Request {
            if self.submitted.is_none_or(|first| at < first) {
                self.submitted = Some(at);
                self.school = payload.hat.as_ref().map(|h| h.agency.as_str().to_owned());
            }
            let minutes = payload.counts.get("due_minutes").copied().map(i64::from);
            self.due = self.due.or(minutes.map(|m| at.saturating_add(m.saturating_mul(60_000))));
            return;
        }
        // `answer X outcome Y`, as `concern` writes it; taking a concern up is no answer.
        let said = payload.change.as_ref().map(|c| c.what.split(' ').collect::<Vec<_>>());
        let Some(&["answer", answer, "outcome", outcome]) = said.as_deref() else { return };
        self.answered = Some(self.answered.map_or(at, |first| first.min(at)));
        self.answer = Some(answer.to_owned());
        self.outcome = Some(outcome.to_owned());
        self.referred |= payload.event == Event::ShareDecision;
    }
}

/// The concerns of one school.
#[derive(Default)]
struct School {
    total: i64,
    unanswered: i64,
    late: i64,
    referred: i64,
    times: Vec<i64>,
    answers: BTreeMap<String, i64>,
    outcomes: BTreeMap<String, i64>,
}

impl School {
    fn count(&mut self, concern: &Asked, submitted: i64, now: i64) {
        self.total = self.total.saturating_add(1);
        self.unanswered = self.unanswered.saturating_add(i64::from(concern.answered.is_none()));
        let due = concern.due.unwrap_or(submitted.saturating_add(LATE_MILLIS));
        self.late = self.late.saturating_add(i64::from(concern.answered.unwrap_or(now) > due));
        self.referred = self.referred.saturating_add(i64::from(concern.referred));
        self.times.extend(concern.answered.map(|at| at.saturating_sub(submitted)));
        for (counts, word) in [(&mut self.answers, &concern.answer), (&mut self.outcomes, &concern.outcome)] {
            if let Some(word) = word {
                let count = counts.entry(word.clone()).or_default();
                *count = count.saturating_add(1);
            }
        }
    }

    fn row(mut self, agency: &str) -> Map<String, Value> {
        self.times.sort_unstable();
        let median = self.times.get(self.times.len().div_euclid(2)).map(|t| t.div_euclid(3_600_000));
        let median = median.filter(|_| self.total >= SMALL);
        // The counts of a line and those unanswered add up to one that is shown: a small one never stands alone.
        let hidden = |counts: &BTreeMap<String, i64>| -> Vec<bool> {
            let mut cells: Vec<(String, String, i64)> =
                counts.iter().map(|(word, count)| (agency.to_owned(), word.clone(), *count)).collect();
            if self.unanswered > 0 {
                cells.push((agency.to_owned(), String::new(), self.unanswered));
            }
            left_out(&cells)
        };
        let hidden = [hidden(&self.answers), hidden(&self.outcomes)];
        let [of_answers, of_outcomes] = &hidden;
        let table = |counts: &BTreeMap<String, i64>, hidden: &[bool]| -> Value {
            let shown = hidden.iter().zip(counts);
            Value::Object(
                shown.map(|(out, (word, n))| (word.clone(), if *out { Value::Null } else { json!(n) })).collect(),
            )
        };
        let beside = self.unanswered > 0 && hidden.iter().any(|line| line.last() == Some(&true));
        let unanswered = if beside { Value::Null } else { guarded(self.unanswered) };
        let cells = [
            ("agency", json!(agency)),
            ("requests", guarded(self.total)),
            ("unanswered", unanswered),
            ("late", guarded(self.late)),
            ("median_hours", json!(median)),
            ("answers", table(&self.answers, of_answers)),
            ("outcomes", table(&self.outcomes, of_outcomes)),
            ("referred", guarded(self.referred)),
        ];
        cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn receiver(row: &Row) -> Option<String> {
    let named = row.payload.recipient.as_ref().map(|r| r.agency.as_str());
    named.or_else(|| row.payload.hat.as_ref().map(|h| h.agency.as_str())).map(str::to_owned)
}

/// Compares this log's releases to a partner with what the partner kept, one id a line: the receipt (an entry's id), the
/// message's id or the item's. What stands on one side only is named with all the ids this side knows.
#[must_use]
pub fn reconcile(ours: &[Map<String, Value>], theirs: &BTreeSet<String>) -> Answer {
    let ids = |row: &Map<String, Value>| -> Vec<String> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        ["entry", "message", "item"].iter().filter_map(|name| text(name)).collect()
    };
    let mut answer = Answer { columns: vec!["only", "entry", "message", "item", "time"], ..Answer::default() };
    let mut matched: BTreeSet<&str> = BTreeSet::new();
    let mut both = 0_u64;
    for row in ours {
        let known: Vec<&str> = ids(row).iter().filter_map(|id| theirs.get(id)).map(String::as_str).collect();
        if known.is_empty() {
            let mut cells: Map<String, Value> = ["entry", "message", "item", "time"]
                .iter()
                .map(|name| ((*name).to_owned(), row.get(*name).cloned().unwrap_or(Value::Null)))
                .collect();
            cells.insert("only".to_owned(), json!("here"));
            answer.rows.push(cells);
        } else {
            both = both.saturating_add(1);
            matched.extend(known);
        }
    }
    for id in theirs.iter().filter(|id| !matched.contains(id.as_str())) {
        let cells = [("only", json!("partner")), ("entry", json!(id))];
        answer.rows.push(cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    }
    answer.summary.insert("both".to_owned(), json!(both));
    answer.summary.insert("agree".to_owned(), json!(answer.rows.is_empty()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_concerns_are_unanswered_cannot_be_worked_out_from_the_answers() {
        let school = |unanswered: i64, answers: &[(&str, i64)]| {
            let answers: BTreeMap<String, i64> = answers.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect();
            let total = answers.values().sum::<i64>() + unanswered;
            School { total, unanswered, outcomes: answers.clone(), answers, ..School::default() }.row("school")
        };
        // Two are unanswered: with 12 asked and both counts of answers shown, the rest would be two.
        let row = school(2, &[("advice", 6), ("referral", 4 + 2)]);
        assert_eq!((row["requests"].clone(), row["unanswered"].clone()), (json!(14), Value::Null));
        for table in ["answers", "outcomes"] {
            let hidden = row[table].as_object().unwrap().values().filter(|n| n.is_null()).count();
            assert_eq!(hidden, 1, "{table}: {}", row[table]);
        }
        // A small answer is not worked out from those unanswered either.
        let row = school(6, &[("advice", 2)]);
        assert_eq!((row["answers"]["advice"].clone(), row["unanswered"].clone()), (Value::Null, Value::Null));
        // Nothing small: everything is said.
        let row = school(7, &[("advice", 6), ("referral", 5)]);
        assert_eq!(
            (row["answers"].clone(), row["unanswered"].clone()),
            (json!({"advice": 6, "referral": 5}), json!(7))
        );
        let row = school(0, &[("advice", 6), ("referral", 5)]);
        assert_eq!(
            (row["answers"].clone(), row["unanswered"].clone()),
            (json!({"advice": 6, "referral": 5}), json!(0))
        );
    }

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
        // A partner that kept message ids is understood as well.
        let mut with_message = row("a");
        with_message.insert("message".to_owned(), json!("m1"));
        let kept: BTreeSet<String> = std::iter::once("m1".to_owned()).collect();
        assert_eq!(reconcile(&[with_message], &kept).summary["agree"], true);
    }
}
