//! The page a governance lead reads and signs: one row per rule, native left, canonical right, labels and losses in
//! words. Shows the mapping, never a message.

use super::lang::format::{converter, path};
use super::lang::tree::{About, Arrow, Item, ItemKind, Label, Mapping, Sensitivity, Side};
use crate::config::Files;
use std::fmt::Write as _;

/// One row of the page.
struct Row {
    depth: usize,
    native: String,
    sign: &'static str,
    canonical: String,
    words: String,
}

/// As text.
#[must_use]
pub fn text(mapping: &Mapping) -> String {
    let mut out = head(mapping).join("\n") + "\n\n";
    for row in rows(mapping) {
        let indent = "  ".repeat(row.depth);
        let line = format!("{indent}{:<44} {:<3} {:<40} {}", row.native, row.sign, row.canonical, row.words);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// As a web page, with the code tables in full.
#[must_use]
pub fn html(mapping: &Mapping, files: &Files) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\"><title>");
    out += &escape(&mapping.name.text);
    out += "</title><style>body{font:16px/1.4 system-ui,sans-serif;margin:2rem;max-width:80rem}table{border-collapse:collapse}\
            td,th{border:1px solid #767676;padding:.2rem .5rem;text-align:left;vertical-align:top}code{white-space:pre-wrap}\
            </style></head><body>\n";
    let mut lines = head(mapping).into_iter();
    let _ = writeln!(out, "<h1>{}</h1>", escape(&lines.next().unwrap_or_default()));
    for line in lines {
        let _ = writeln!(out, "<p>{}</p>", escape(&line));
    }
    out += "<h2>Rules</h2>\n<table><thead><tr><th scope=\"col\">Format</th><th scope=\"col\"></th>\
            <th scope=\"col\">Record</th><th scope=\"col\">How, and what is lost</th></tr></thead><tbody>\n";
    for row in rows(mapping) {
        let _ = writeln!(
            out,
            "<tr><td style=\"padding-left:{}rem\"><code>{}</code></td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            row.depth + 1,
            escape(&row.native),
            escape(row.sign),
            escape(&row.canonical),
            escape(&row.words)
        );
    }
    out += "</tbody></table>\n<h2>Code tables</h2>\n";
    for table in super::lang::tables_of(mapping) {
        let bytes = files.get(&format!("mappings/codes/{table}.csv")).unwrap_or(&[]);
        let _ = writeln!(
            out,
            "<details><summary>{}</summary><pre>{}</pre></details>",
            escape(&table),
            escape(&String::from_utf8_lossy(bytes))
        );
    }
    out += "<h2>Signed</h2>\n<p>Name, role, date: ______________________________</p>\n</body></html>\n";
    out
}

fn head(m: &Mapping) -> Vec<String> {
    let title = m.title.as_ref().map_or("", |w| w.text.as_str());
    let mut lines = vec![
        format!("{} {}: {title}", m.name.text, m.version.text),
        format!("Schemas: {} and {}.", m.native.schema.text, m.canonical.text),
    ];
    if let Some(ceiling) = &m.ceiling {
        lines.push(format!("Carries out at most {}: {}.", ceiling.conf, ceiling.because.text));
    }
    let word = |w: &Option<super::lang::tree::Word>| w.as_ref().map_or("?", |w| w.text.as_str()).to_owned();
    lines.push(format!("Unless a label says otherwise: basis {}, author {}.", word(&m.basis), word(&m.author)));
    lines.push("Custodian of everything read: the agency whose certificate the connection has.".to_owned());
    lines
}

fn rows(mapping: &Mapping) -> Vec<Row> {
    let mut rows = Vec::new();
    collect(&mapping.items, 0, &mut rows);
    rows
}

fn collect(items: &[Item], depth: usize, rows: &mut Vec<Row>) {
    for item in items {
        let mut row = |native: String, sign: &'static str, canonical: String, words: String| {
            rows.push(Row { depth, native, sign, canonical, words });
        };
        match &item.kind {
            ItemKind::Field(f) => {
                let canonical = match &f.canonical {
                    Side::One(p) => path(p),
                    Side::Tuple(paths) => paths.iter().map(path).collect::<Vec<_>>().join(", "),
                };
                let mut words = converter(&f.converter);
                if let Some(w) = &f.default {
                    words += &format!("; \"{}\" if nothing is said", w.text);
                }
                if let Some(g) = &f.only_when {
                    words +=
                        &format!("; only when {} {}", path(&g.path), g.equals.as_ref().map_or("is there", |w| &w.text));
                }
                let way = match f.arrow {
                    Arrow::Both => "",
                    Arrow::Read => "; read only",
                    Arrow::Write => "; written only",
                };
                words += way;
                if let Some(w) = &f.because {
                    words += &format!(": {}", w.text);
                }
                row(path(&f.native), f.arrow.sign(), canonical, words);
            }
            ItemKind::Scope(s) => {
                let mut words = String::new();
                if let Some(w) = &s.name {
                    words += &format!("called {}; ", w.text);
                }
                for (member, name) in &s.links {
                    words += &format!("{} is {}; ", member.text, name.text);
                }
                if let Some(c) = &s.converter {
                    words += &converter(c);
                }
                row(path(&s.native), "<->", path(&s.canonical), words);
                collect(&s.items, depth + 1, rows);
            }
            ItemKind::Choice(inner) => {
                row("one of".to_owned(), "", String::new(), "the first that is there".to_owned());
                collect(inner, depth + 1, rows);
            }
            ItemKind::Label(l) => row(String::new(), "", "label".to_owned(), label(l)),
            ItemKind::Fixed(f) => {
                let value = f.value.as_ref().map_or("its position", |w| w.text.as_str()).to_owned();
                row(path(&f.path), "=", String::new(), format!("always \"{value}\" ({})", f.which.word()));
            }
            ItemKind::Drop(d) => {
                let what = d.path.as_ref().map_or_else(|| "everything else here".to_owned(), path);
                let words = format!("not carried: {}", d.because.text);
                if d.which == super::lang::tree::Which::Native {
                    row(what, "x", String::new(), words);
                } else {
                    row(String::new(), "x", what, words);
                }
            }
            ItemKind::Include(name) => row(format!("(as in {})", name.text), "", String::new(), String::new()),
            ItemKind::Fragment(name, inner) => {
                row(format!("{}:", name.text), "", String::new(), "used in several places".to_owned());
                collect(inner, depth + 1, rows);
            }
        }
    }
}

fn label(l: &Label) -> String {
    let mut words = match &l.sensitivity {
        Sensitivity::Fixed { category, conf, sealed } => {
            format!("{category}, {conf}{}", if *sealed { ", sealed" } else { "" })
        }
        by @ Sensitivity::By { .. } => {
            format!("{}; no row: none, V, held for classification", super::lang::sensitivity(by))
        }
    };
    words += &match &l.about {
        About::Name(w) => format!("; about {}", w.text),
        About::Ref(p, names) => {
            let names: Vec<&str> = names.iter().map(|w| w.text.as_str()).collect();
            format!("; about whom {} names ({}); nobody: held", path(p), names.join(" or "))
        }
    };
    if let Some(w) = &l.third_party {
        words += &format!("; names of others {}", w.text);
    }
    if let Some(w) = &l.basis {
        words += &format!("; {}", w.text);
    }
    if l.summary.is_some() {
        words += "; an authored summary";
    }
    words
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
