//! An answer of the log as a table in words: codes by their texts, moments as people read them, entries as links.

use super::super::disclosure::bound_words;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::{Names, reason_words, when};
use crate::exchange::LogAnswer;
use crate::vocabulary::{Purpose, Role};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Columns of counts, where what is small is not given.
const COUNTS: [&str; 7] =
    ["count", "out_of_hours", "share_of_category_percent", "requests", "unanswered", "late", "referred"];

/// Objects of such counts.
const COUNTED: [&str; 3] = ["overrides_by_agency", "answers", "outcomes"];

/// A table.
pub struct Table {
    /// Heads of the columns.
    pub heads: Vec<String>,
    /// Rows of cells.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell.
pub struct Cell {
    /// The column's head, for narrow screens.
    pub head: String,
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub link: Option<String>,
    /// How wide it wants to be: `code` for ids, which may break anywhere, `long` for lists.
    pub kind: &'static str,
}

/// Accounts named in an answer.
pub fn accounts(answer: &LogAnswer) -> BTreeSet<String> {
    let columns = ["actor", "on_behalf_of", "requested_by", "approved_by"];
    let named = answer.rows.iter().flat_map(|row| columns.iter().filter_map(|c| row.get(*c).and_then(Value::as_str)));
    named.map(str::to_owned).collect()
}

/// The answer as a table.
pub fn table(visit: &SignedIn, answer: &LogAnswer, names: &Names) -> Table {
    let text = Text::english();
    // Where entries have a time, the time leads to the entry: its id says nothing to a reader.
    let timed = answer.columns.contains(&"time") && answer.columns.contains(&"entry");
    let columns: Vec<&str> = answer.columns.iter().copied().filter(|c| !timed || *c != "entry").collect();
    let heads: Vec<String> = columns.iter().map(|c| text.word("column", c)).collect();
    let row = |row: &Map<String, Value>| {
        let cells = columns.iter().zip(&heads).map(|(column, head)| Cell {
            head: head.clone(),
            kind: kind(column),
            text: counted(column, row.get(*column))
                .unwrap_or_else(|| cell(visit, column, row.get(*column).unwrap_or(&Value::Null), names)),
            link: if *column == if timed { "time" } else { "entry" } { link(row.get("entry")) } else { None },
        });
        cells.collect()
    };
    Table { rows: answer.rows.iter().map(row).collect(), heads }
}

fn kind(column: &str) -> &'static str {
    match column {
        "subject" | "case" | "segment" | "id" | "message" | "item" | "before" | "after" | "refers_to" => "code",
        "shown" | "withheld" | "basis" | "what" => "long",
        _ => "",
    }
}

fn link(value: Option<&Value>) -> Option<String> {
    let id = value.and_then(Value::as_str)?;
    Some(format!("/audit/entries/{id}")).filter(|_| !id.contains(['/', '{']))
}

/// What stands for a count that is not given; an empty cell would look like none.
fn counted(column: &str, value: Option<&Value>) -> Option<String> {
    let held_back = COUNTS.contains(&column) && value.is_none_or(Value::is_null);
    held_back.then(|| Text::english().say("charts.hidden").to_owned())
}

/// One value of a column in words.
pub fn cell(visit: &SignedIn, column: &str, value: &Value, names: &Names) -> String {
    let text = Text::english();
    match (column, value) {
        (_, Value::Null) => String::new(),
        (_, Value::Bool(on)) => text.say(if *on { "value.yes" } else { "value.no" }).to_owned(),
        (_, Value::Number(number)) => number.to_string(),
        (_, Value::String(word)) => word_of(visit, column, word, names),
        (_, Value::Array(items)) => {
            let words: Vec<String> = items.iter().map(|v| cell(visit, column, v, names)).collect();
            words.join("; ")
        }
        (_, Value::Object(members)) => {
            let said = members.iter().map(|(name, v)| {
                let few =
                    COUNTED.contains(&column).then(|| text.say("charts.hidden").to_owned()).filter(|_| v.is_null());
                (member(visit, column, name), few.unwrap_or_else(|| cell(visit, name, v, names)))
            });
            let said: Vec<String> = said.filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}: {v}")).collect();
            said.join("; ")
        }
    }
}

/// What a member of an object is called: by what the object counts or lists.
fn member(visit: &SignedIn, column: &str, name: &str) -> String {
    let text = Text::english();
    match column {
        "overrides_by_agency" => visit.pages.agency_words(name),
        "answers" => text.word("answer", name),
        "outcomes" => text.word("outcome", name),
        "basis" => text.word("basis", name),
        _ => text.word("column", name),
    }
}

fn word_of(visit: &SignedIn, column: &str, word: &str, names: &Names) -> String {
    let text = Text::english();
    match column {
        "actor" | "on_behalf_of" | "requested_by" | "approved_by" => names.say(word),
        "event" => text.word("event", word),
        "outcome" => text.word("ended", word),
        "shown" | "withheld" => decision_words(word),
        "recomputed" => again_words(word),
        "valid_from" | "valid_to" => bound_words(word),
        "reason" | "limit" | "recomputed_reason" => reason_words(word),
        "verdict" => text.word("verdict", word),
        "marker" => text.say(if word == "silent" { "audit.silent" } else { "audit.marked" }).to_owned(),
        "decision" => text.word("value", word),
        "ground" => text.word("ground", word),
        "relationship" => text.word("kind", word),
        "agency" | "recipient" | "custodian" => visit.pages.agency_words(word),
        "category" | "blocks_most" => text.word("category", word),
        "level" => text.word("level", word),
        "role" => Role::parse(word).map_or_else(|| word.to_owned(), |r| super::query::role_words(visit, r)),
        "purpose" => Purpose::parse(word).map_or_else(|| word.to_owned(), |p| visit.pages.purpose_words(p)),
        _ => when(word),
    }
}

/// `S:ALLOW-PERMISSION` as "a summary, by permission".
fn again_words(word: &str) -> String {
    let Some((level, reason)) = word.split_once(':') else { return word.to_owned() };
    format!("{}, {}", Text::english().word("level", level), reason_words(reason))
}

/// `MHL:S:ALLOW-PERMISSION/CAP-ADULT` as "Mental health: a summary, by permission".
fn decision_words(word: &str) -> String {
    let text = Text::english();
    let mut parts = word.splitn(3, ':');
    let (Some(category), Some(level), Some(reason)) = (parts.next(), parts.next(), parts.next()) else {
        return word.to_owned();
    };
    let (reason, limit) = reason.split_once('/').map_or((reason, None), |(r, l)| (r, Some(l)));
    let level = text.word("level", level);
    let why = reason_words(reason);
    let limit = limit.map(|l| format!("; {}", reason_words(l))).unwrap_or_default();
    format!("{}: {level} ({why}{limit})", text.word("category", category))
}
