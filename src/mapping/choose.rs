//! Which mapping of a format reads a message, and which writes a record.
//!
//! Never a guess: nothing that fits, or several that fit equally, is `SOL-MAP-FORMAT`. The rules stand in
//! `docs/reference/mapping-language.md`, "Several mappings of one format".

use super::mapped::Mapped;
use crate::diagnostic::{Diagnostic, code};
use crate::document::Limits;
use crate::document::csv::Column;
use crate::record::Record;
use crate::schema::{Declared, Parsed, Schema, Schemas, Suits, Syntax, declared};
use std::cmp::Ordering;

/// The mapping that reads a message, and the message as far as it had to be read to know.
pub(super) fn reader<'m, 'b>(
    found: &[&'m Mapped],
    schemas: &Schemas,
    bytes: &'b [u8],
    limits: &Limits,
) -> Result<(&'m Mapped, Parsed<'b>), Vec<Diagnostic>> {
    let Some(first) = found.first() else { return Err(vec![nothing(found.iter().copied())]) };
    if found.len() == 1 {
        let parsed = first.schema(schemas)?.parse(first.syntax, bytes, limits)?;
        return Ok((first, parsed));
    }
    match declared(first.syntax, bytes, limits).map_err(|d| vec![d])? {
        Declared::Columns(columns) => {
            let one = by_columns(found, schemas, &columns)?;
            Ok((one, one.schema(schemas)?.parse(one.syntax, bytes, limits)?))
        }
        Declared::Root(name) => {
            let same: Vec<&Mapped> = found.iter().copied().filter(|m| root(m.syntax) == Some(name.as_str())).collect();
            match same.as_slice() {
                [] => Err(vec![nothing(found.iter().copied())]),
                [one] => Ok((one, one.schema(schemas)?.parse(one.syntax, bytes, limits)?)),
                several => by_tree(several, schemas, bytes, limits),
            }
        }
        // Nothing can be seen: a tree in JSON is read once for all, anything else says itself what is wrong.
        Declared::Nothing if matches!(first.syntax, Syntax::Json | Syntax::FhirJson | Syntax::FhirXml) => {
            by_tree(found, schemas, bytes, limits)
        }
        Declared::Nothing => {
            first.schema(schemas)?.parse(first.syntax, bytes, limits)?;
            Err(vec![nothing(found.iter().copied())])
        }
    }
}

/// The mappings of the syntax a message is in, where a format has several: told by how it begins.
pub(super) fn of_syntax<'m>(found: &'m [Mapped], bytes: &[u8]) -> Vec<&'m Mapped> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let begins = |syntax: Syntax| match syntax {
        Syntax::Json | Syntax::FhirJson | Syntax::NiemJson { .. } => text.starts_with(b"{") || text.starts_with(b"["),
        Syntax::Xml { .. } | Syntax::FhirXml | Syntax::NiemXml { .. } => text.starts_with(b"<"),
        Syntax::Hl7v2 { .. } => [&b"MSH"[..], b"FHS", b"BHS", b"\x0B"].iter().any(|start| text.starts_with(start)),
        Syntax::Csv { .. } | Syntax::TablesCsv => true,
    };
    // What begins like JSON or XML is no CSV where the format has those too.
    let rank = |syntax: Syntax| usize::from(matches!(syntax, Syntax::Csv { .. } | Syntax::TablesCsv));
    let best = found.iter().filter(|m| begins(m.syntax)).min_by_key(|m| rank(m.syntax)).or(found.first());
    let kind = best.map(|m| std::mem::discriminant(&m.syntax));
    found.iter().filter(|m| Some(std::mem::discriminant(&m.syntax)) == kind).collect()
}

/// By what stands at the top of the message; a schema that says when it is chosen goes before one that does not.
fn by_tree<'m, 'b>(
    found: &[&'m Mapped],
    schemas: &Schemas,
    bytes: &'b [u8],
    limits: &Limits,
) -> Result<(&'m Mapped, Parsed<'b>), Vec<Diagnostic>> {
    let mut parsed: Option<Parsed<'b>> = None;
    let mut best: Vec<(&Mapped, Suits)> = Vec::new();
    for mapped in found {
        let schema = mapped.schema(schemas)?;
        // XML is read by the schema's shape: a tree of one mapping is no tree of another.
        if parsed.is_none() || matches!(mapped.syntax, Syntax::Xml { .. } | Syntax::Hl7v2 { .. }) {
            parsed = Some(schema.parse(mapped.syntax, bytes, limits)?);
        }
        let tree = parsed.as_ref().and_then(|p| p.documents.first());
        let suits = tree.map_or(Suits::No, |t| schema.suits(t));
        match suits.cmp(&best.first().map_or(Suits::No, |(_, s)| *s)) {
            Ordering::Greater => best = vec![(mapped, suits)],
            Ordering::Equal if suits > Suits::No => best.push((mapped, suits)),
            _ => {}
        }
    }
    match (best.as_slice(), parsed) {
        ([(one, _)], Some(parsed)) if !matches!(one.syntax, Syntax::Xml { .. } | Syntax::Hl7v2 { .. }) => {
            Ok((one, parsed))
        }
        ([(one, _)], _) => Ok((one, one.schema(schemas)?.parse(one.syntax, bytes, limits)?)),
        ([], _) => Err(vec![nothing(found.iter().copied())]),
        (several, _) => Err(vec![ambiguous(several.iter().map(|(m, _)| *m))]),
    }
}

/// By the columns of the header: the key must be there, and a column beside key and shared ones; then the mapping whose
/// columns and the file's have most in common.
fn by_columns<'m>(found: &[&'m Mapped], schemas: &Schemas, header: &[String]) -> Result<&'m Mapped, Vec<Diagnostic>> {
    let mut best: Vec<(&Mapped, f64)> = Vec::new();
    for mapped in found {
        let Syntax::Csv { key, shared } = mapped.syntax else { continue };
        let known = &mapped.schema(schemas)?.layout().columns;
        let has = |column: &Column| header.iter().any(|h| column.is_named(h));
        let common = known.iter().filter(|c| has(c)).count();
        let rows = |c: &Column| c.member != key && !shared.contains(&c.member.as_str());
        // Where every column is shared, any beside the key will do.
        let any = !known.iter().any(rows);
        let own = known.iter().any(|c| has(c) && c.member != key && (any || rows(c)));
        if !known.iter().any(|c| c.member == key && has(c)) || !own {
            continue;
        }
        // What both have, of what either has.
        let either = known.len().saturating_add(header.len()).saturating_sub(common).max(1);
        #[allow(clippy::cast_precision_loss, reason = "at most a thousand columns")]
        let score = common as f64 / either as f64;
        match best.first().map(|(_, s)| score.total_cmp(s)) {
            None | Some(Ordering::Greater) => best = vec![(mapped, score)],
            Some(Ordering::Equal) => best.push((mapped, score)),
            Some(Ordering::Less) => {}
        }
    }
    match best.as_slice() {
        [(one, _)] => Ok(one),
        [] => Err(vec![nothing(found.iter().copied())]),
        several => Err(vec![ambiguous(several.iter().map(|(m, _)| *m))]),
    }
}

/// The mappings that may write a record, best first: the one asked for; else the one that read it; else those that carry
/// most of its segments, in the syntax the format usually travels in where one of that can, ties by file name.
pub(super) fn writers<'m>(
    found: &'m [Mapped],
    record: &Record,
    message: Option<&str>,
) -> Result<Vec<&'m Mapped>, Vec<Diagnostic>> {
    if let Some(name) = message {
        let one = found.iter().find(|m| m.plan.name == name);
        return one.map(|m| vec![m]).ok_or_else(|| {
            let names = found.iter().map(|m| m.plan.name.as_str());
            let text = "there is no such message in this format";
            let fault =
                Diagnostic::error(code::MAP_FORMAT, text).with_expected(names.clone().collect::<Vec<_>>().join(", "));
            vec![fault.with_nearest(name, names)]
        });
    }
    if let [one] = found {
        return Ok(vec![one]);
    }
    let document = record.document();
    let read_by = document.text_at(document.root(), &["envelope", "read_by", "mapping"]);
    if let Some(one) = found.iter().find(|m| read_by == Some(m.plan.name.as_str())) {
        return Ok(vec![one]);
    }
    let carriers: Vec<(usize, &Mapped)> =
        found.iter().map(|m| (m.carries(record), m)).filter(|(count, _)| *count > 0).collect();
    // The first file says in which syntax the format usually travels; another is for whoever asks for it.
    let usual = found.first().map(|m| std::mem::discriminant(&m.syntax));
    let mut ranked: Vec<(usize, &Mapped)> =
        carriers.iter().copied().filter(|(_, m)| Some(std::mem::discriminant(&m.syntax)) == usual).collect();
    if ranked.is_empty() {
        ranked = carriers;
    }
    ranked.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.plan.file.cmp(&y.plan.file)));
    if ranked.is_empty() {
        let text = "no message of this format can carry anything of this record";
        let names: Vec<&str> = found.iter().map(|m| m.plan.name.as_str()).collect();
        return Err(vec![
            Diagnostic::error(code::MAP_FORMAT, text).with_help(format!("its messages are {}", names.join(", "))),
        ]);
    }
    Ok(ranked.into_iter().map(|(_, m)| m).collect())
}

/// Mappings of one format that no message could tell apart.
pub(super) fn indistinct(found: &[Mapped], schemas: &Schemas) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let says = |m: &Mapped| schemas.get(&m.plan.schema).is_some_and(Schema::says_when_chosen);
    for (i, a) in found.iter().enumerate() {
        for b in found.iter().skip(i.saturating_add(1)) {
            if root(a.syntax).is_some() && root(a.syntax) == root(b.syntax) && !says(a) && !says(b) {
                let text = format!("`{}` takes messages of the same root; nothing tells the two apart", a.plan.name);
                let fault = Diagnostic::error(code::MAP_FORMAT, text).with_file(&b.plan.file);
                faults.push(fault.with_help("say `x-chosen-when` at the top of one native schema"));
            }
        }
    }
    faults
}

const fn root(syntax: Syntax) -> Option<&'static str> {
    match syntax {
        Syntax::Xml { root } | Syntax::Hl7v2 { root } => Some(root),
        Syntax::Json
        | Syntax::FhirJson
        | Syntax::FhirXml
        | Syntax::NiemJson { .. }
        | Syntax::NiemXml { .. }
        | Syntax::Csv { .. }
        | Syntax::TablesCsv => None,
    }
}

/// What would have been taken, for whoever sends.
fn expected(mapped: &Mapped) -> String {
    let name = &mapped.plan.name;
    match mapped.syntax {
        Syntax::Xml { root } => format!("`{root}` as root element ({name})"),
        Syntax::Hl7v2 { root } => format!("message structure {root} ({name})"),
        Syntax::Csv { key, .. } => format!("a column `{key}` and others of {name}"),
        Syntax::TablesCsv => format!("the header line of one of its tables, or the table's name before it ({name})"),
        Syntax::NiemJson { root } => format!("`{root}` beside `@context` ({name})"),
        Syntax::NiemXml { root } => format!("`{root}` of NIEM 6 as root element ({name})"),
        Syntax::Json | Syntax::FhirJson | Syntax::FhirXml => {
            format!("what {} requires at its top ({name})", mapped.plan.schema)
        }
    }
}

fn nothing<'m>(found: impl Iterator<Item = &'m Mapped>) -> Diagnostic {
    let wanted: Vec<String> = found.map(expected).collect();
    let fault = Diagnostic::error(code::MAP_FORMAT, "the message is none of those this format knows");
    fault.with_expected(wanted.join("; "))
}

fn ambiguous<'m>(several: impl Iterator<Item = &'m Mapped>) -> Diagnostic {
    let names: Vec<&str> = several.map(|m| m.plan.name.as_str()).collect();
    let text = format!("the message could be any of {}, and nothing in it says which", names.join(", "));
    Diagnostic::error(code::MAP_FORMAT, text)
}
