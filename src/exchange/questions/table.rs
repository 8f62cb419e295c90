//! An answer as CSV or JSON lines, for agencies that do not read FHIR.
//!
//! Owns the guard against formulas: a cell that a spreadsheet would take for one gets an apostrophe before it. Numbers are
//! cells of their own and need none.
//!
//! # Source
//! RFC 4180 (CSV); OWASP, CSV injection: cells beginning with `=`, `+`, `-`, `@` (also in full width), tab, carriage return or
//! line feed.

use super::Answer;
use serde_json::Value;

/// The rows as CSV, with a head line.
#[must_use]
pub fn csv(answer: &Answer, with_head: bool) -> String {
    let mut out = String::new();
    if with_head {
        out.push_str(&answer.columns.join(","));
        out.push_str("\r\n");
    }
    for row in &answer.rows {
        let cells: Vec<String> = answer.columns.iter().map(|c| cell(row.get(*c).unwrap_or(&Value::Null))).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

/// The rows as JSON, one a line.
#[must_use]
pub fn json_lines(answer: &Answer) -> String {
    answer.rows.iter().map(|row| format!("{}\n", Value::Object(row.clone()))).collect()
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Number(number) => return number.to_string(),
        Value::Bool(on) => return on.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let words: Vec<String> =
                items.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
            words.join(" ")
        }
        Value::Object(_) => value.to_string(),
    };
    let guarded = if is_formula(&text) { format!("'{text}") } else { text };
    if guarded.contains([',', '"', '\r', '\n']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

/// Whether a spreadsheet may take a text for a formula: it begins with one of the signs, also in full width, whatever blank or
/// unseen characters stand before it; or with one that some programs cut off first.
fn is_formula(text: &str) -> bool {
    let unseen =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
    let sign = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}');
    text.starts_with(['\t', '\r', '\n']) || text.trim_start_matches(unseen).starts_with(sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_is_never_a_formula_and_always_one_cell() {
        for (value, expected) in [
            (json!("=1+1"), "'=1+1"),
            (json!("+44"), "'+44"),
            (json!("-1"), "'-1"),
            (json!("@x"), "'@x"),
            (json!("\tx"), "'\tx"),
            (json!("\rx"), "\"'\rx\""),
            (json!("\n=x"), "\"'\n=x\""),
            (json!(" =1+1"), "' =1+1"),
            (json!("\u{feff}=1+1"), "'\u{feff}=1+1"),
            (json!("\u{200b}\u{a0}@x"), "'\u{200b}\u{a0}@x"),
            (json!("\u{ff1d}1+1"), "'\u{ff1d}1+1"),
            (json!("\u{ff0b}1"), "'\u{ff0b}1"),
            (json!("\u{ff0d}1"), "'\u{ff0d}1"),
            (json!("\u{ff20}x"), "'\u{ff20}x"),
            (json!("c-1f"), "c-1f"),
            (json!("a,b"), "\"a,b\""),
            (json!("=\"a\""), "\"'=\"\"a\"\"\""),
            (json!(-3), "-3"),
            (json!(null), ""),
            (json!(["=a", "b"]), "'=a b"),
            (json!("two\nlines"), "\"two\nlines\""),
        ] {
            assert_eq!(cell(&value), expected, "{value}");
        }
    }
}
