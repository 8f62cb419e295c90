//! A schema as the CSV reader and writer see it: `x-csv` at the top of a schema file.
//!
//! `columns` gives the order of columns in a file (default: the order of the members, those of `rows` last), `headers` the
//! header texts of members whose name is not the header itself (the first is written), `quote` `"all"` quotes every
//! cell, `key` the columns that tell whose rows are whose where one alone does not, `absent` words that stand for no value,
//! `optional` columns that are written only where there is a value, `line-end` `"crlf"` writes carriage returns, `mark` `true` a byte order mark.

use super::shape::{ShapeId, Shapes};
use super::source::{Loc, Sources};
use crate::diagnostic::{Diagnostic, nearest};
use crate::document::csv::{Column, Layout, ROWS};

/// What may stand in `x-csv`.
const WORDS: [&str; 8] = ["columns", "headers", "quote", "line-end", "mark", "key", "absent", "optional"];

/// The layout of the files of a schema whose root is `root`; `file` is the top of the schema file.
pub(super) fn layout(
    shapes: &Shapes,
    root: ShapeId,
    sources: &Sources,
    file: Loc,
    diagnostics: &mut Vec<Diagnostic>,
) -> Layout {
    let mut columns: Vec<Column> = Vec::new();
    if let Some(object) = shapes.object(root) {
        let rows = object.member(ROWS).and_then(|m| shapes.object(m.shape));
        let own = object.members.iter().filter(|m| m.name != ROWS);
        columns.extend(own.chain(rows.iter().flat_map(|r| &r.members)).map(|m| Column::named(&m.name)));
    }
    let mut layout = Layout { columns, ..Layout::default() };
    let Some(told) = sources.get(file, "x-csv") else { return layout };
    let mut refuse = |place: Loc, name: &str, known: Vec<&str>| {
        let complaint = sources.complain(place, format!("`{name}` is nothing that can stand here"));
        diagnostics.push(match nearest(name, known.into_iter()).first() {
            Some(near) => complaint.with_help(format!("did you mean `{near}`?")),
            None => complaint,
        });
    };
    for word in sources.children(told) {
        let name = sources.key(word).unwrap_or("");
        match (name, sources.text(word)) {
            ("columns" | "headers" | "key" | "absent" | "optional", None)
            | ("quote", Some("needed"))
            | ("line-end", Some("lf")) => {}
            ("mark", Some("false")) => {}
            ("quote", Some("all")) => layout.quote_all = true,
            ("line-end", Some("crlf")) => layout.crlf = true,
            ("mark", Some("true")) => layout.mark = true,
            _ => refuse(word, name, WORDS.to_vec()),
        }
    }
    for header in sources.get(told, "headers").map(|l| sources.children(l)).unwrap_or_default() {
        let name = sources.key(header).unwrap_or("");
        let texts = match sources.text(header) {
            Some(one) => vec![one.to_owned()],
            None => sources.texts(header),
        };
        match layout.columns.iter_mut().find(|c| c.member == name) {
            Some(column) if !texts.is_empty() => column.headers = texts,
            _ => refuse(header, name, layout.columns.iter().map(|c| c.member.as_str()).collect()),
        }
    }
    let words = |name: &str| sources.get(told, name).map(|l| sources.texts(l)).unwrap_or_default();
    (layout.key, layout.absent, layout.optional) = (words("key"), words("absent"), words("optional"));
    if let Some(order) = sources.get(told, "columns") {
        let wanted = sources.texts(order);
        for name in wanted.iter().filter(|w| !layout.columns.iter().any(|c| c.member == **w)) {
            refuse(order, name, layout.columns.iter().map(|c| c.member.as_str()).collect());
        }
        let rank = |c: &Column| wanted.iter().position(|w| *w == c.member).unwrap_or(usize::MAX);
        layout.columns.sort_by_key(rank);
    }
    layout
}
