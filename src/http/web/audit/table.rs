//! An answer of the log as a table in words: codes by their texts, moments as people read them, entries as links.

use super::super::text::Text;
use super::super::visit::SignedIn;
use super::{Names, reason_words, when};
use crate::exchange::LogAnswer;
use crate::vocabulary::{Purpose, Role};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

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
    let heads: Vec<String> = answer.columns.iter().map(|c| text.word("column", c)).collect();
    let row = |row: &Map<String, Value>| {
        let cells = answer.columns.iter().zip(&heads).map(|(column, head)| Cell {
            head: head.clone(),
            text: cell(visit, column, row.get(*column).unwrap_or(&Value::Null), names),
            link: link(column, row.get(*column)),
        });
        cells.collect()
    };
    Table { rows: answer.rows.iter().map(row).collect(), heads }
}

fn link(column: &str, value: Option<&Value>) -> Option<String> {
    let id = value.and_then(Value::as_str)?;
    matches!(column, "entry").then(|| format!("/audit/entries/{id}")).filter(|_| !id.contains(['/', '{']))
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
            let said = members.iter().map(|(name, v)| (text.word("column", name), cell(visit, name, v, names)));
            let said: Vec<String> = said.filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}: {v}")).collect();
            said.join("; ")
        }
    }
}

fn word_of(visit: &SignedIn, column: &str, word: &str, names: &Names) -> String {
    let text = Text::english();
    match column {
        "actor" | "on_behalf_of" | "requested_by" | "approved_by" => names.say(word),
        "event" => text.word("event", word),
        "outcome" => text.word("ended", word),
        "shown" | "withheld" => decision_words(word),
        "reason" | "limit" | "verdict" | "recomputed_reason" => reason_words(word),
        "agency" | "recipient" | "custodian" => visit.pages.agency_words(word),
        "category" => text.word("category", word),
        "level" => text.word("level", word),
        "role" => Role::parse(word).map_or_else(|| word.to_owned(), |r| super::query::role_words(visit, r)),
        "purpose" => Purpose::parse(word).map_or_else(|| word.to_owned(), |p| visit.pages.purpose_words(p)),
        _ => when(word),
    }
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
