//! The page a governance lead reads and signs: one row per rule, native left, canonical right, labels and losses in
//! words. Shows the mapping, never a message.

mod html;

pub use html::html;

use super::info::Source;
use super::lang::format::{converter, path};
use super::lang::tree::{About, Arrow, Item, ItemKind, Label, Mapping, Sensitivity, Side};
use super::loss::Direction;
use std::fmt::Write as _;

/// One row of the page.
struct Row {
    depth: usize,
    native: String,
    sign: &'static str,
    canonical: String,
    words: String,
}

/// As text, with the loss statement of both directions.
#[must_use]
pub fn text(source: &Source<'_>) -> String {
    let mapping = source.tree;
    let mut out = head(mapping).join("\n") + "\n\n";
    for row in rows(mapping) {
        let indent = "  ".repeat(row.depth);
        let line = format!("{indent}{:<44} {:<3} {:<40} {}", row.native, row.sign, row.canonical, row.words);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for (direction, words) in [(Direction::Read, "reading"), (Direction::Write, "writing")] {
        let _ = writeln!(out, "\nWhat can be lost when {words}:");
        for loss in source.statement.losses.iter().filter(|l| l.direction == direction) {
            let line = loss.line.map_or_else(String::new, |l| format!("line {l}"));
            let place = if loss.place.is_empty() { "anywhere" } else { &loss.place };
            let _ = writeln!(out, "  {:<20} {place:<48} {line:<9} {}", loss.kind.word(), loss.when);
        }
        for refusal in source.statement.refusals.iter().filter(|r| r.direction == direction) {
            let _ = writeln!(out, "  {:<20} {:<58} {}", "required", refusal.place, refusal.then);
        }
    }
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

/// A label in words.
pub(super) fn label(l: &Label) -> String {
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
