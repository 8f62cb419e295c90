//! The page as HTML: for a screen, for paper, and for people who hear it read. No script, nothing from elsewhere.

use super::super::info::Source;
use super::super::lang;
use super::super::loss::{Direction, Grade};
use super::super::statement::{Foretold, Statement};
use super::{head, rows};
use crate::config::Files;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const STYLE: &str = "body{font:1rem/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:2rem auto;max-width:76rem;\
padding:0 1rem}table{border-collapse:collapse;width:100%;margin:0 0 1.5rem;table-layout:auto}caption{text-align:left;\
font-weight:600;padding:.25rem 0}td,th{border:1px solid #6b6b6b;padding:.25rem .5rem;text-align:left;vertical-align:top;\
overflow-wrap:anywhere}th{background:#eee}code{font-size:.95em;white-space:pre-wrap}.sign td{height:2.5rem}\
@media print{body{margin:0;max-width:none;font-size:9.5pt}h2{break-after:avoid}tr{break-inside:avoid}thead{display:table-header-group}\
.sign{break-inside:avoid}}@page{size:A4 landscape;margin:12mm}";

/// As a web page, with code tables, the static loss statement of both directions and a box to sign in.
#[must_use]
pub fn html(source: &Source<'_>, files: &Files) -> String {
    let mapping = source.tree;
    let mut lines = head(mapping).into_iter();
    let title = escape(&lines.next().unwrap_or_default());
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>\n<main>\n<h1>{title}</h1>\n"
    );
    for line in lines {
        let _ = writeln!(out, "<p>{}</p>", escape(&line));
    }
    rule_table(source, &mut out);
    code_tables(source, files, &mut out);
    for (direction, words) in [(Direction::Read, "reading"), (Direction::Write, "writing")] {
        losses(source.statement, direction, words, &mut out);
    }
    refusals(source.statement, &mut out);
    sign_off(source, &mut out);
    out += "</main>\n</body></html>\n";
    out
}

fn columns(names: &[&str]) -> String {
    let cells: String = names.iter().map(|n| format!("<th scope=\"col\">{n}</th>")).collect();
    format!("<thead><tr>{cells}</tr></thead>")
}

fn rule_table(source: &Source<'_>, out: &mut String) {
    *out += "<h2>Rules</h2>\n<table><caption>What stands for what, in both directions</caption>";
    *out += &columns(&["Format", "Way", "Record", "How, and what is lost"]);
    *out += "<tbody>\n";
    for row in rows(source.tree) {
        let _ = writeln!(
            out,
            "<tr><td style=\"padding-left:{}rem\"><code>{}</code></td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            row.depth.saturating_add(1),
            escape(&row.native),
            escape(row.sign),
            escape(&row.canonical),
            escape(&row.words)
        );
    }
    *out += "</tbody></table>\n";
}

fn code_tables(source: &Source<'_>, files: &Files, out: &mut String) {
    let tables = lang::tables_of(source.tree);
    if tables.is_empty() {
        return;
    }
    *out += "<h2>Code tables</h2>\n";
    for table in tables {
        let bytes = files.get(&format!("mappings/codes/{table}.csv")).unwrap_or(&[]);
        let text = String::from_utf8_lossy(bytes);
        let about: Vec<&str> =
            text.lines().take_while(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim()).collect();
        let _ = write!(
            out,
            "<h3>{}</h3>\n<p>{}</p>\n<table><caption>Codes of {0}</caption>",
            escape(&table),
            escape(&about.join(" "))
        );
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(true).from_reader(bytes);
        if let Ok(names) = reader.headers() {
            let names: Vec<String> = names.iter().map(|n| escape(&n.replace('_', " "))).collect();
            *out += &columns(&names.iter().map(String::as_str).collect::<Vec<_>>());
        }
        *out += "<tbody>\n";
        for row in reader.records().filter_map(Result::ok) {
            let cells: String = row.iter().map(|c| format!("<td>{}</td>", escape(c))).collect();
            let _ = writeln!(out, "<tr>{cells}</tr>");
        }
        *out += "</tbody></table>\n";
    }
}

fn losses(statement: &Statement, direction: Direction, words: &str, out: &mut String) {
    let _ = write!(
        out,
        "<h2>What can be lost when {words}</h2>\n<table><caption>Everything that a loss report of {words} can say</caption>"
    );
    *out += &columns(&["Severity", "Kind", "When", "Where", "Line"]);
    *out += "<tbody>\n";
    // One row for what is said alike of several places.
    let mut rows: BTreeMap<(std::cmp::Reverse<Grade>, &str, &str), Vec<&Foretold>> = BTreeMap::new();
    for loss in statement.losses.iter().filter(|l| l.direction == direction) {
        rows.entry((std::cmp::Reverse(loss.kind.grade()), loss.kind.word(), &loss.when)).or_default().push(loss);
    }
    for ((grade, kind, when), places) in rows {
        let severity = match grade.0 {
            Grade::Serious => "serious",
            Grade::Warn => "warning",
            Grade::Info => "information",
        };
        let mut names: Vec<String> =
            places.iter().map(|p| if p.place.is_empty() { "anywhere".to_owned() } else { p.place.clone() }).collect();
        names.sort();
        names.dedup();
        let mut lines: Vec<usize> = places.iter().filter_map(|p| p.line).collect();
        lines.sort_unstable();
        lines.dedup();
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "<tr><td>{severity}</td><td>{kind}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            escape(when),
            escape(&names.join(", ")),
            lines.join(", ")
        );
    }
    *out += "</tbody></table>\n";
}

fn refusals(statement: &Statement, out: &mut String) {
    *out += "<h2>What is refused or held</h2>\n<table><caption>What must be said</caption>";
    *out += &columns(&["Way", "What", "If it is missing"]);
    *out += "<tbody>\n";
    for refusal in &statement.refusals {
        let way = if refusal.direction == Direction::Read { "reading" } else { "writing" };
        let _ = writeln!(
            out,
            "<tr><td>{way}</td><td><code>{}</code></td><td>{}</td></tr>",
            escape(&refusal.place),
            escape(&refusal.then)
        );
    }
    *out += "</tbody></table>\n";
}

fn sign_off(source: &Source<'_>, out: &mut String) {
    let _ = write!(
        out,
        "<h2>Sign-off</h2>\n<p>This page was made from {} with its code tables, SHA-256 <code>{}</code>. A signature is for \
         exactly this content.</p>\n<table class=\"sign\"><caption>Signatures</caption>",
        escape(source.file),
        escape(source.digest)
    );
    *out += &columns(&["For", "Name and role", "Agreed, or what must change", "Signature", "Date"]);
    *out += "<tbody>\n";
    for who in ["Information governance", "The sending agency", "The receiving agency"] {
        let _ = writeln!(out, "<tr><th scope=\"row\">{who}</th><td></td><td></td><td></td><td></td></tr>");
    }
    *out += "</tbody></table>\n";
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
