//! Two versions of a mapping compared in sentences: what each direction newly carries, changes or no longer carries.
//!
//! Compares what the rules say, fragments put in their places; layout, order and comments do not count.

use super::lang::format::{converter, path};
use super::lang::tree::{Arrow, Fixed, Item, ItemKind, Label, Mapping, Path, Which, Word};
use std::collections::BTreeMap;

/// Fragments inside fragments; the checks refuse deeper ones.
const DEPTH_MAX: usize = 32;

/// What a mapping says, by what it says it of.
#[derive(Default)]
struct Said {
    /// Pairs of places: which ways, how.
    fields: BTreeMap<(String, String), (Arrow, String)>,
    labels: BTreeMap<String, String>,
    fixed: BTreeMap<(&'static str, String), String>,
    drops: BTreeMap<(&'static str, String), String>,
}

/// The differences, one sentence each; none when the two say the same.
#[must_use]
pub fn sentences(old: &Mapping, new: &Mapping) -> Vec<String> {
    let mut out = Vec::new();
    headers(old, new, &mut out);
    let (before, after) = (said(old), said(new));
    fields(&before, &after, &mut out);
    for (place, label) in &after.labels {
        match before.labels.get(place) {
            None => out.push(format!("`{place}` now makes segments labelled {label}.")),
            Some(was) if was != label => out.push(format!("`{place}` was labelled {was}; it is now {label}.")),
            Some(_) => {}
        }
    }
    for place in before.labels.keys().filter(|p| !after.labels.contains_key(*p)) {
        out.push(format!("`{place}` no longer makes segments."));
    }
    pairs(&before.fixed, &after.fixed, "is now always", "is no longer a constant", &mut out);
    pairs(&before.drops, &after.drops, "is now dropped:", "is no longer dropped", &mut out);
    out
}

fn headers(old: &Mapping, new: &Mapping, out: &mut Vec<String>) {
    let text = |w: &Option<Word>| w.as_ref().map_or_else(|| "nothing".to_owned(), |w| w.text.clone());
    let ceiling = |m: &Mapping| m.ceiling.as_ref().map_or_else(|| "everything".to_owned(), |c| c.conf.to_string());
    let list = |words: &[Word]| words.iter().map(|w| w.text.clone()).collect::<Vec<_>>().join(", ");
    let native =
        |m: &Mapping| format!("{} {} root {}", m.native.syntax.word(), m.native.schema.text, m.native.root.text);
    for (what, was, is) in [
        ("name", old.name.text.clone(), new.name.text.clone()),
        ("version", old.version.text.clone(), new.version.text.clone()),
        ("title", text(&old.title), text(&new.title)),
        ("native side", native(old), native(new)),
        ("system, from which ids are made,", text(&old.system), text(&new.system)),
        ("usual basis", text(&old.basis), text(&new.basis)),
        ("usual author", text(&old.author), text(&new.author)),
        ("ceiling of what is written", ceiling(old), ceiling(new)),
        ("answer for parts of the record", list(&old.covers), list(&new.covers)),
    ] {
        if was != is {
            out.push(format!("The {what} was {was}; it is now {is}."));
        }
    }
}

fn fields(before: &Said, after: &Said, out: &mut Vec<String>) {
    let reads = |arrow: Option<Arrow>| arrow.is_some_and(|a| a != Arrow::Write);
    let writes = |arrow: Option<Arrow>| arrow.is_some_and(|a| a != Arrow::Read);
    let mut keys: Vec<&(String, String)> = before.fields.keys().chain(after.fields.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (native, canonical) = key;
        let (was, is) = (before.fields.get(key), after.fields.get(key));
        let (old, new) = (was.map(|f| f.0), is.map(|f| f.0));
        match (reads(old), reads(new)) {
            (false, true) => out.push(format!("Reading now carries `{native}` to `{canonical}`.")),
            (true, false) => out.push(format!("Reading no longer carries `{native}` to `{canonical}`.")),
            _ => {}
        }
        match (writes(old), writes(new)) {
            (false, true) => out.push(format!("Writing now carries `{canonical}` to `{native}`.")),
            (true, false) => out.push(format!("Writing no longer carries `{canonical}` to `{native}`.")),
            _ => {}
        }
        if let (Some((_, was)), Some((_, is))) = (was, is)
            && was != is
        {
            out.push(format!("`{native}` and `{canonical}` were related by {was}; now by {is}."));
        }
    }
}

fn pairs(
    before: &BTreeMap<(&'static str, String), String>,
    after: &BTreeMap<(&'static str, String), String>,
    now: &str,
    no_more: &str,
    out: &mut Vec<String>,
) {
    for ((side, place), words) in after {
        if before.get(&(*side, place.clone())) != Some(words) {
            out.push(format!("The {side} `{place}` {now} \"{words}\"."));
        }
    }
    for (side, place) in before.keys().filter(|k| !after.contains_key(*k)) {
        out.push(format!("The {side} `{place}` {no_more}."));
    }
}

fn said(mapping: &Mapping) -> Said {
    let mut fragments = BTreeMap::new();
    for item in &mapping.items {
        if let ItemKind::Fragment(name, inner) = &item.kind {
            fragments.insert(name.text.as_str(), inner.as_slice());
        }
    }
    let mut out = Said::default();
    collect(&mapping.items, ("", ""), &fragments, 0, &mut out);
    out
}

fn long(at: &str, p: &Path) -> String {
    let text = path(p);
    match (at, text.as_str()) {
        (_, absolute) if p.root => absolute.trim_start_matches('/').to_owned(),
        ("", ".") => String::new(),
        (at, ".") => at.to_owned(),
        ("", text) => text.to_owned(),
        (at, text) => format!("{at}.{text}"),
    }
}

fn collect<'m>(
    items: &'m [Item],
    at: (&str, &str),
    fragments: &BTreeMap<&'m str, &'m [Item]>,
    depth: usize,
    out: &mut Said,
) {
    if depth > DEPTH_MAX {
        return;
    }
    for item in items {
        match &item.kind {
            ItemKind::Field(f) => {
                let canonical: Vec<String> = f.canonical.paths().iter().map(|p| long(at.1, p)).collect();
                let mut how = converter(&f.converter);
                if let Some(default) = &f.default {
                    how += &format!(", \"{}\" where nothing is said", default.text);
                }
                if let Some(guard) = &f.only_when {
                    let wanted = guard.equals.as_ref().map_or("is there", |w| w.text.as_str());
                    how += &format!(", only when {} {wanted}", path(&guard.path));
                }
                out.fields.insert((long(at.0, &f.native), canonical.join(", ")), (f.arrow, how));
            }
            ItemKind::Scope(s) => {
                let (native, canonical) = (long(at.0, &s.native), long(at.1, &s.canonical));
                if let Some(c) = &s.converter {
                    out.fields.insert((native.clone(), canonical.clone()), (Arrow::Both, converter(c)));
                }
                collect(&s.items, (&native, &canonical), fragments, depth.saturating_add(1), out);
            }
            ItemKind::Choice(inner) => collect(inner, at, fragments, depth.saturating_add(1), out),
            ItemKind::Label(l) => {
                out.labels.insert(format!("{} → {}", if at.0.is_empty() { "." } else { at.0 }, at.1), label(l));
            }
            ItemKind::Fixed(f) => {
                out.fixed.insert(
                    (f.which.word(), side_path(f, at)),
                    f.value.as_ref().map_or("its position", |w| &w.text).to_owned(),
                );
            }
            ItemKind::Drop(d) => {
                let here = if d.which == Which::Native { at.0 } else { at.1 };
                let place = match &d.path {
                    Some(p) => long(here, p),
                    None if here.is_empty() => "rest".to_owned(),
                    None => format!("{here}: rest"),
                };
                out.drops.insert((d.which.word(), place), d.because.text.clone());
            }
            ItemKind::Include(name) => {
                if let Some(inner) = fragments.get(name.text.as_str()) {
                    collect(inner, at, fragments, depth.saturating_add(1), out);
                }
            }
            ItemKind::Fragment(..) => {}
        }
    }
}

fn side_path(fixed: &Fixed, at: (&str, &str)) -> String {
    long(if fixed.which == Which::Native { at.0 } else { at.1 }, &fixed.path)
}

fn label(l: &Label) -> String {
    super::explain::label(l)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::lang::parse;

    const OLD: &str = "mapping t 1.0.0\nnative xml \"t.schema.json\" root T\ncanonical \"r\"\nbasis fact\nauthor SW\n\
        ceiling R because \"no label\"\nfragment f {\n  a <-> birth.date : date\n}\n\
        group . <-> people[role = \"subject\"] as c {\n  label IDN N about c\n  include f\n  b <-> sex : text\n}\n\
        drop native z because \"old\"\n";

    fn said_of(new: &str) -> Vec<String> {
        sentences(&parse(OLD.as_bytes()).unwrap(), &parse(new.as_bytes()).unwrap())
    }

    #[test]
    fn the_same_rules_in_another_order_say_the_same() {
        let moved = OLD.replace("  include f\n  b <-> sex : text\n", "  b <-> sex : text\n  a <-> birth.date : date\n");
        assert_eq!(said_of(&moved), Vec::<String>::new());
    }

    #[test]
    fn what_each_direction_gains_and_loses_is_a_sentence() {
        let new = OLD
            .replace("b <-> sex : text", "b -> sex : text because \"x\"\n  n <-> death.date : date")
            .replace("IDN N", "IDN R")
            .replace("ceiling R", "ceiling V")
            .replace("drop native z because \"old\"\n", "");
        assert_eq!(
            said_of(&new),
            [
                "The ceiling of what is written was R; it is now V.",
                "Writing no longer carries `people[role = \"subject\"].sex` to `b`.",
                "Reading now carries `n` to `people[role = \"subject\"].death.date`.",
                "Writing now carries `people[role = \"subject\"].death.date` to `n`.",
                "`. → people[role = \"subject\"]` was labelled IDN, N; about c; it is now IDN, R; about c.",
                "The native `z` is no longer dropped.",
            ]
        );
    }
}
