//! The CSV writer.

use super::{Column, Keys, Layout, ROWS};
use crate::document::{Document, NodeId};

/// All documents as the rows of one file with a header line: every column of the layout, in its order, key and shared
/// columns in each row.
#[must_use]
pub fn write(documents: &[&Document], layout: &Layout, keys: &Keys<'_>) -> Vec<u8> {
    let quotes = if layout.quote_all { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
    let end = if layout.crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mark: &[u8] = if layout.mark { b"\xEF\xBB\xBF" } else { b"" };
    let mut writer = csv::WriterBuilder::new().quote_style(quotes).terminator(end).from_writer(mark.to_vec());
    let said = |member: &str| {
        let holds = |d: &Document, node: NodeId| d.member(node, member).is_some();
        documents.iter().any(|d| {
            let rows = d.member(d.root(), ROWS);
            holds(d, d.root()) || rows.is_some_and(|r| d.children(r).any(|row| holds(d, row)))
        })
    };
    let left_out = |c: &&Column| layout.optional.contains(&c.member) && !said(&c.member);
    let columns: Vec<&Column> = layout.columns.iter().filter(|c| !left_out(c)).collect();
    let header = columns.iter().map(|c| c.headers.first().map_or("", String::as_str));
    // Writing to memory cannot fail, and every line has as many cells as the header.
    let _ = writer.write_record(header);
    let once = |member: &str| member == keys.key || keys.shared.contains(&member);
    for document in documents {
        let root = document.root();
        // A row that says nothing under the columns of the format is no row; a document without rows is one line.
        let says = |row: &NodeId| {
            layout.columns.iter().any(|c| !once(&c.member) && document.text_at(*row, &[&c.member]).is_some())
        };
        let rows = document.member(root, ROWS).into_iter().flat_map(|r| document.children(r)).filter(says).map(Some);
        let mut lines: Vec<Option<NodeId>> = rows.collect();
        if lines.is_empty() {
            lines.push(None);
        }
        for row in lines {
            let _ = writer.write_record(columns.iter().map(|column| {
                let from = if once(&column.member) { Some(root) } else { row };
                from.and_then(|f| document.text_at(f, &[&column.member])).unwrap_or("")
            }));
        }
    }
    writer.into_inner().unwrap_or_default()
}
