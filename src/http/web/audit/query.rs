//! The filters of a search as they stand in an address: read, checked, written back into the form.

use super::super::fields::Fields;
use super::super::text::Text;
use super::super::visit::SignedIn;
use crate::audit::{Event, Outcome};
use crate::exchange::{Ask, parse_cursor};
use crate::vocabulary::{Category, Purpose, Role};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Days a new search looks back over, today among them.
const DAYS_BACK: i64 = 7;
/// Rows of a page.
const ROWS: usize = 50;
/// Longest value of a filter, in bytes.
const VALUE_BYTES_MAX: usize = 200;
/// Most accounts in one list.
const LINKED_MAX: usize = 100;

/// Every filter there is, in the order of the form.
pub const ALL: [&str; 17] = [
    "from", "to", "subject", "case", "actor", "role", "agency", "hat", "purpose", "category", "event", "outcome",
    "reason", "linked", "entry", "message", "segment",
];

/// One field of a search form.
pub struct Filter {
    /// Its name.
    pub name: &'static str,
    /// Its words.
    pub words: &'static str,
    /// What helps to fill it in.
    pub hint: Option<&'static str>,
    /// What was typed or chosen.
    pub value: String,
    /// What is wrong with it.
    pub wrong: Option<&'static str>,
    /// Values to choose from; empty for a typed one.
    pub options: Vec<(String, String, bool)>,
    /// Whether it is a day.
    pub day: bool,
}

/// What stands in an address, and what is wrong with it.
pub struct Query {
    /// The question to the log, as far as it could be read.
    pub ask: Ask,
    /// Names of the fields that are wrong.
    pub wrong: Vec<&'static str>,
}

impl Query {
    /// Reads the filters.
    pub fn read(visit: &SignedIn, fields: &Fields) -> Self {
        let mut wrong = Vec::new();
        let mut bad = |name: &'static str, is: bool| {
            if is && !wrong.contains(&name) {
                wrong.push(name);
            }
        };
        let text = |name: &str| Some(fields.get(name).to_owned()).filter(|v| !v.is_empty());
        for name in ALL {
            bad(name, fields.get(name).len() > VALUE_BYTES_MAX && name != "linked");
        }
        let (from, to) = (day_start(fields.get("from"), 0), day_start(fields.get("to"), 1));
        bad("from", from.is_none());
        bad("to", to.is_none() || from.zip(to).is_some_and(|(from, to)| to <= from));
        let pseudonym = |name: &'static str, start: &str| text(name).is_some_and(|v| !v.starts_with(start));
        bad("subject", pseudonym("subject", "s-"));
        bad("case", pseudonym("case", "c-"));
        let linked: Vec<String> =
            fields.get("linked").split([',', ' ', '\n', '\r']).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        bad("linked", linked.len() > LINKED_MAX);
        let event = text("event").map(|v| Event::parse(&v));
        let role = text("role").map(|v| Role::parse(&v));
        let purpose = text("purpose").map(|v| Purpose::parse(&v));
        let category = text("category").map(|v| Category::parse(&v));
        let outcome = text("outcome").map(|v| Outcome::parse(&v));
        let after = text("after").map(|v| parse_cursor(&v));
        bad("event", event == Some(None));
        bad("role", role == Some(None));
        bad("purpose", purpose == Some(None));
        bad("category", category == Some(None));
        bad("outcome", outcome == Some(None));
        bad("after", matches!(after, Some(None)));
        let agency = text("agency").filter(|v| !visit.gateway().config().agencies.iter().any(|a| a.id.as_str() == v));
        bad("agency", agency.is_some());
        bad("reason", text("reason").is_some_and(|v| !crate::exchange::reason_codes().any(|code| code == v)));
        let ask = Ask {
            from: from.unwrap_or(0),
            to: to.unwrap_or(0),
            subject: text("subject"),
            case: text("case"),
            actor: text("actor"),
            linked,
            agency: text("agency"),
            hat: text("hat"),
            entry: text("entry"),
            message: text("message"),
            segment: text("segment"),
            event: event.flatten(),
            role: role.flatten(),
            purpose: purpose.flatten(),
            outcome: outcome.flatten(),
            reason: text("reason"),
            categories: category.flatten().into_iter().collect(),
            after: after.flatten(),
            limit: Some(ROWS),
            ..Ask::default()
        };
        Self { ask, wrong }
    }
}

/// The fields of a form, as typed or as a new search begins.
pub fn filters(visit: &SignedIn, names: &[&'static str], fields: &Fields, wrong: &[&'static str]) -> Vec<Filter> {
    let text = Text::english();
    let each = |name: &&'static str| {
        let typed = fields.get(name).to_owned();
        let value = if typed.is_empty() && !fields.has(name) { beginning(visit, name) } else { typed };
        Filter {
            name,
            words: text.find(&format!("filter.{name}")).unwrap_or_default(),
            hint: text.find(&format!("filter-hint.{name}")),
            wrong: fault(name, wrong).map(|fault| text.find(&format!("filter-wrong.{fault}")).unwrap_or_default()),
            options: options(visit, name, &value),
            day: matches!(*name, "from" | "to"),
            value,
        }
    };
    names.iter().map(each).collect()
}

/// What is wrong with a field. A place to go on from stands in no field: what is wrong with it is said at the first.
fn fault<'a>(name: &'a str, wrong: &[&'a str]) -> Option<&'a str> {
    let place = wrong.contains(&"after").then_some("after").filter(|_| name == "from");
    wrong.contains(&name).then_some(name).or(place)
}

/// What a field holds before anything was typed: the last days, and nothing else.
fn beginning(visit: &SignedIn, name: &str) -> String {
    let days = match name {
        "from" => 1_i64.saturating_sub(DAYS_BACK),
        "to" => 0,
        _ => return String::new(),
    };
    let now = jiff::Timestamp::from_millisecond(visit.gateway().clock().now().millis()).unwrap_or_default();
    let today = now.to_zoned(zone()).date();
    today.saturating_add(jiff::Span::new().days(days)).to_string()
}

fn options(visit: &SignedIn, name: &str, value: &str) -> Vec<(String, String, bool)> {
    let text = Text::english();
    let pair = |code: &str, words: String| (code.to_owned(), words, code == value);
    let mut all: Vec<(String, String, bool)> = match name {
        "event" => Event::ALL.iter().map(|e| pair(e.name(), text.word("event", e.name()))).collect(),
        "outcome" => Outcome::ALL.iter().map(|o| pair(o.name(), text.word("ended", o.name()))).collect(),
        "role" => Role::ALL.iter().map(|r| pair(r.code(), role_words(visit, *r))).collect(),
        "purpose" => Purpose::ALL.iter().map(|p| pair(p.code(), visit.pages.purpose_words(*p))).collect(),
        "category" => shown_categories(visit).map(|c| pair(c.code(), text.word("category", c.code()))).collect(),
        "agency" => visit.gateway().config().agencies.iter().map(|a| pair(a.id.as_str(), a.name.clone())).collect(),
        "reason" => crate::exchange::reason_codes().map(|c| pair(c, super::reason_words(c))).collect(),
        _ => return Vec::new(),
    };
    if !matches!(name, "reason") {
        all.sort_by(|a, b| a.1.cmp(&b.1));
    }
    all.insert(0, (String::new(), text.say("filter.any").to_owned(), value.is_empty()));
    all
}

/// Categories one may ask for at the console; intelligence and adoption only where the view shows them.
fn shown_categories(visit: &SignedIn) -> impl Iterator<Item = &'static Category> {
    let police = visit.visitor.hat.as_ref().is_some_and(|h| visit.gateway().is_police_agency(&h.agency));
    Category::ALL.iter().filter(move |c| match c {
        Category::Int => police,
        Category::Adp => false,
        _ => true,
    })
}

/// A role's name with its code.
pub fn role_words(visit: &SignedIn, role: Role) -> String {
    format!("{} ({})", visit.gateway().content().policy.role(role).name, role.code())
}

/// Midnight in London at the beginning of a day, or of the day so many after it.
fn day_start(text: &str, days_after: i64) -> Option<i64> {
    let day: Date = text.parse().ok().filter(|_| text.len() == 10)?;
    let day = day.checked_add(jiff::Span::new().days(days_after)).ok()?;
    Some(day.to_zoned(zone()).ok()?.timestamp().as_millisecond())
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_london() {
        assert_eq!(day_start("2026-07-01", 0), Some(1_782_860_400_000));
        assert_eq!(day_start("2026-12-01", 0), Some(1_796_083_200_000));
        assert_eq!(day_start("2026-12-01", 1), Some(1_796_169_600_000));
        for wrong in ["", "yesterday", "2026-02-30", "20260701", "2026-07-01T00:00:00"] {
            assert_eq!(day_start(wrong, 0), None, "{wrong}");
        }
    }
}
