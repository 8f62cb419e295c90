//! Questions about who looked: Q1, Q3, Q4, Q9, Q11, Q13, Q14.

use super::{Answer, Ask, Asker, DAY, Failure, Row};
use crate::audit::Event;
use crate::store::{Wanted, index_flag as flag};
use crate::vocabulary::{Category, Level, Role};
use serde_json::json;

/// The events by which somebody gets to see something.
const SEEING: [Event; 8] = [
    Event::View,
    Event::OvrUse,
    Event::Send,
    Event::Collect,
    Event::Print,
    Event::Export,
    Event::Search,
    Event::SubjectAccessRelease,
];
/// The roles with the minimum view (sharing rules, volunteers and personal assistants).
const MINIMUM_ROLES: [Role; 3] = [Role::Vol, Role::Vco, Role::Pa];

impl Asker<'_> {
    /// Q1.
    pub(super) async fn who_has_seen(&self, ask: &Ask) -> Result<Answer, Failure> {
        self.needs_subject(ask)?;
        let wanted = Wanted { events: SEEING.to_vec(), ..self.wanted(ask) };
        let columns = [
            "time",
            "entry",
            "event",
            "actor",
            "on_behalf_of",
            "role",
            "agency",
            "team",
            "recipient",
            "purpose",
            "shown",
        ];
        self.list(ask, wanted, &columns, Row::released).await
    }

    /// Q3: in order, refusals and searches included.
    pub(super) async fn what_a_worker_did(&self, ask: &Ask) -> Result<Answer, Failure> {
        self.needs_actor(ask)?;
        let columns = [
            "time",
            "entry",
            "event",
            "outcome",
            "role",
            "agency",
            "team",
            "subject",
            "case",
            "purpose",
            "shown",
            "withheld",
            "reason",
            "override",
            "justified",
        ];
        self.list(ask, self.wanted(ask), &columns, |_| true).await
    }

    /// Q4: with, for each, whether an allocation of the same worker began within the day after.
    pub(super) async fn without_allocation(&self, ask: &Ask) -> Result<Answer, Failure> {
        let flags = flag::UNALLOCATED | flag::SELF_CLAIM;
        let wanted = Wanted { flags, ..self.wanted(ask) };
        let columns = [
            "time",
            "entry",
            "event",
            "outcome",
            "actor",
            "role",
            "agency",
            "team",
            "subject",
            "purpose",
            "relationship",
            "override",
            "shown",
        ];
        let (found, next) = self.rows(ask, wanted, Row::released).await?;
        let mut answer = Answer { columns: columns.to_vec(), next, ..Answer::default() };
        answer.columns.extend(["self_claimed", "allocated_within_a_day"]);
        for row in &found {
            let mut cells = row.cells(&columns, &self.viewer, self.keys);
            let claimed = row.payload.relationship.as_ref().is_some_and(|r| r.kind.contains("claim"));
            cells.insert("self_claimed".to_owned(), json!(claimed));
            cells.insert("allocated_within_a_day".to_owned(), json!(self.late_allocation(row).await?));
            answer.rows.push(cells);
        }
        Ok(answer)
    }

    /// Whether a relationship with the same person began, for the same worker, in the 24 hours after an access.
    async fn late_allocation(&self, row: &Row) -> Result<bool, Failure> {
        let (Some(subject), Some(actor)) = (&row.payload.subject, &row.payload.actor) else { return Ok(false) };
        let from = row.entry.time.millis();
        let wanted = Wanted {
            from,
            to: from.saturating_add(DAY),
            subject: Some(subject.as_str().to_owned()),
            events: vec![Event::RelStart],
            limit: 50,
            ..Wanted::default()
        };
        for entry in self.db.asked(&self.names, &wanted).await? {
            let Some(start) = self.read(entry).await? else { continue };
            let same_hat = start.payload.hat.as_ref().and_then(|h| h.id.as_ref())
                == row.payload.hat.as_ref().and_then(|h| h.id.as_ref());
            if start.payload.actor.as_ref() == Some(actor) || same_hat {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Q9: what was released from the day of the withdrawal on, and what each release relied on.
    pub(super) async fn after_withdrawal(&self, ask: &Ask) -> Result<Answer, Failure> {
        self.needs_subject(ask)?;
        let wanted = Wanted { events: SEEING.to_vec(), ..self.wanted(ask) };
        let columns = [
            "time",
            "entry",
            "event",
            "actor",
            "role",
            "agency",
            "recipient",
            "purpose",
            "shown",
            "basis",
            "permissions",
            "override",
        ];
        let mut answer = self.list(ask, wanted, &columns, Row::released).await?;
        let withdrawals = Wanted { events: vec![Event::PermWithdraw], ..self.wanted(ask) };
        let (withdrawn, _) = self.rows(ask, withdrawals, |_| true).await?;
        let times: Vec<String> = withdrawn.iter().map(|row| row.entry.time.to_string()).collect();
        answer.summary.insert("withdrawals_in_span".to_owned(), json!(times));
        answer
            .notes
            .push("What is marked as by permission relies on one; every other ground is another basis.".to_owned());
        Ok(answer)
    }

    /// Q11: what the accounts linked to somebody did about a protected person, and every near miss.
    pub(super) async fn linked_accounts(&self, ask: &Ask) -> Result<Answer, Failure> {
        self.needs_subject(ask)?;
        let mut linked = ask.linked.clone();
        linked.extend(ask.actor.clone());
        let wanted = Wanted { actor: None, ..self.wanted(ask) };
        let columns =
            ["time", "entry", "event", "outcome", "actor", "role", "agency", "purpose", "shown", "withheld", "reason"];
        let near = |row: &Row| {
            let reasons = row.payload.items.iter().map(|i| i.reason.as_str()).chain(row.payload.reason.as_deref());
            reasons.into_iter().any(|r| r == "D-SAFE" || r == "D-COI")
        };
        let by_linked = |row: &Row| row.payload.actor.as_ref().is_some_and(|a| linked.iter().any(|l| l == a.as_str()));
        let mut answer = self.list(ask, wanted, &columns, |row| by_linked(row) || near(row)).await?;
        let empty = as_expected(answer.rows.is_empty(), ask.after.is_none() && answer.next.is_none());
        answer.summary.extend(empty.map(|empty| ("expected_empty".to_owned(), json!(empty))));
        Ok(answer)
    }

    /// Q13: conflicts of interest that were hit.
    pub(super) async fn own_family(&self, ask: &Ask) -> Result<Answer, Failure> {
        let wanted = Wanted { flags: flag::CONFLICT, ..self.wanted(ask) };
        let columns =
            ["time", "entry", "event", "outcome", "actor", "role", "agency", "team", "subject", "purpose", "reason"];
        let mut answer = self.list(ask, wanted, &columns, |_| true).await?;
        let note =
            "These are hits of declared and derived conflicts of interest. No list of people in the news is kept here.";
        answer.notes.push(note.to_owned());
        Ok(answer)
    }

    /// Q14: what people with the minimum view were shown, and whether it was within it.
    pub(super) async fn minimum_view(&self, ask: &Ask) -> Result<Answer, Failure> {
        let roles = ask.role.map_or(MINIMUM_ROLES.to_vec(), |role| vec![role]);
        let columns = [
            "time",
            "entry",
            "event",
            "outcome",
            "actor",
            "on_behalf_of",
            "role",
            "agency",
            "team",
            "subject",
            "shown",
        ];
        let mut answer = Answer { columns: columns.to_vec(), ..Answer::default() };
        answer.columns.extend(["minimum_kept", "draft"]);
        let (mut beyond, mut unconfirmed) = (0_u64, 0_u64);
        for role in roles {
            let wanted = Wanted { role: Some(role), ..self.wanted(ask) };
            let (found, next) = self.rows(ask, wanted, |row| row.payload.subject.is_some()).await?;
            for row in &found {
                let kept = role != Role::Vol || row.shown().all(|(category, level)| in_minimum(category, level));
                beyond = beyond.saturating_add(u64::from(!kept));
                let mut cells = row.cells(&columns, &self.viewer, self.keys);
                cells.insert("minimum_kept".to_owned(), json!(kept));
                let draft = self.draft(row).await?;
                unconfirmed = unconfirmed.saturating_add(u64::from(draft == Some(UNCONFIRMED)));
                cells.insert("draft".to_owned(), json!(draft));
                answer.rows.push(cells);
            }
            if next.is_some() {
                answer.notes.push(format!(
                    "There are more entries of {} than one page: ask with role and a shorter span.",
                    role.code()
                ));
            }
        }
        answer.summary.insert("beyond_the_minimum".to_owned(), json!(beyond));
        answer.summary.insert("drafts_unconfirmed".to_owned(), json!(unconfirmed));
        Ok(answer)
    }

    /// What became of an entry that an assistant prepared; `None` for every other entry.
    async fn draft(&self, row: &Row) -> Result<Option<&'static str>, Failure> {
        if row.payload.event != Event::Send || row.payload.reason.as_deref() != Some("entry drafted") {
            return Ok(None);
        }
        let wanted = Wanted {
            from: row.entry.time.millis(),
            to: i64::MAX,
            reference: Some(format!("entry/{}", row.id())),
            events: vec![Event::Send],
            limit: 1,
            ..Wanted::default()
        };
        let Some(entry) = self.db.asked(&self.names, &wanted).await?.into_iter().next() else {
            return Ok(Some(UNCONFIRMED));
        };
        let Some(next) = self.read(entry).await? else { return Ok(Some("not known")) };
        Ok(Some(match next.payload.reason.as_deref() {
            Some("entry confirmed") => "confirmed",
            Some("entry sent back") => "sent back",
            _ => "not known",
        }))
    }

    pub(super) fn needs_subject(&self, ask: &Ask) -> Result<(), Failure> {
        ask.subject.as_ref().map(|_| ()).ok_or(Failure::Unclear("this question needs subject"))
    }

    pub(super) fn needs_actor(&self, ask: &Ask) -> Result<(), Failure> {
        ask.actor.as_ref().map(|_| ()).ok_or(Failure::Unclear("this question needs actor"))
    }
}

/// An assistant's draft that nobody has answered.
const UNCONFIRMED: &str = "unconfirmed";

/// What a volunteer may be shown: identity, risk, social care status as an indicator, missing as a summary.
///
/// # Source
/// Solent audit paper §10, Q14.
const fn in_minimum(category: Option<Category>, level: Level) -> bool {
    match category {
        Some(Category::Idn | Category::Rsk) => true,
        Some(Category::Sts) => matches!(level, Level::N | Level::I),
        Some(Category::Mis) => matches!(level, Level::N | Level::I | Level::S),
        _ => false,
    }
}

/// Whether what should be empty is: anything found says no, nothing found says yes only when all of it was looked at.
fn as_expected(nothing: bool, whole: bool) -> Option<bool> {
    if nothing { whole.then_some(true) } else { Some(false) }
}

#[cfg(test)]
mod tests {
    use super::as_expected;

    #[test]
    fn a_part_of_the_log_never_says_that_nobody_looked() {
        assert_eq!(as_expected(true, true), Some(true));
        assert_eq!(as_expected(true, false), None, "there is more to look at");
        assert_eq!(as_expected(false, true), Some(false));
        assert_eq!(as_expected(false, false), Some(false));
    }
}
