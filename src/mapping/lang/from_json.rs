//! The JSON form of a mapping back to its text: what a form or a spreadsheet makes becomes a `.bimap` file.
//!
//! The text is what is signed and checked, so JSON is turned into text and parsed like any other. The shape of the JSON is
//! `schemas/config/mapping-tree.schema.json`; a member missing here is named by its JSON Pointer.

use super::format::quote;
use crate::diagnostic::{Diagnostic, code};
use serde_json::Value;
use std::fmt::Write as _;

/// Deepest nesting of blocks taken, as in the text form.
const BLOCKS_MAX: usize = super::parser::BLOCKS_MAX;

type Made<T> = Result<T, Diagnostic>;

/// The text form of a mapping's JSON form; not laid out (`format` does that).
///
/// # Errors
/// `SOL-MAP-SYNTAX` with the pointer of the member that is missing or of another kind.
pub fn to_text(tree: &Value) -> Result<String, Diagnostic> {
    let mut out = String::new();
    let top = Node { value: tree, pointer: String::new() };
    head(&top, &mut out)?;
    for item in top.list("items") {
        write_item(&item, 0, &mut out)?;
    }
    Ok(out)
}

struct Node<'v> {
    value: &'v Value,
    pointer: String,
}

impl<'v> Node<'v> {
    fn at(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(Node { value, pointer: format!("{}/{name}", self.pointer) })
    }
    fn need(&self, name: &str) -> Made<Self> {
        self.at(name).ok_or_else(|| self.fault(format!("`{name}` is missing")))
    }
    fn fault(&self, text: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code::MAP_SYNTAX, text).with_pointer(self.pointer.clone())
    }
    fn text(&self) -> Made<&'v str> {
        self.value
            .as_str()
            .filter(|t| !t.contains(['\n', '\r']))
            .ok_or_else(|| self.fault("a text of one line is wanted here"))
    }
    fn said(&self, name: &str) -> Made<Option<&'v str>> {
        self.at(name).map(|n| n.text()).transpose()
    }
    fn list(&self, name: &str) -> Vec<Node<'v>> {
        let items = self.value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let pointer = |i: usize| format!("{}/{name}/{i}", self.pointer);
        items.iter().enumerate().map(|(i, value)| Node { value, pointer: pointer(i) }).collect()
    }
    fn words(&self, name: &str) -> Made<Vec<&'v str>> {
        self.list(name).iter().map(Node::text).collect()
    }
    fn pairs(&self, name: &str) -> Made<Vec<(&'v str, &'v str)>> {
        let members = self.value.get(name).and_then(Value::as_object);
        let one = |(key, value): (&'v String, &'v Value)| {
            let node = Node { value, pointer: format!("{}/{name}/{key}", self.pointer) };
            node.text().map(|text| (key.as_str(), text))
        };
        members.into_iter().flatten().map(one).collect()
    }
}

fn head(top: &Node<'_>, out: &mut String) -> Made<()> {
    let _ = writeln!(out, "mapping {} {}", top.need("mapping")?.text()?, top.need("version")?.text()?);
    let native = top.need("native")?;
    let (syntax, schema) = (native.need("syntax")?.text()?, quote(native.need("schema")?.text()?));
    let root = native.need("root")?.text()?;
    let line = if syntax == "csv" {
        let shared = native.words("shared")?;
        let shared = if shared.is_empty() { String::new() } else { format!(" shared {}", shared.join(", ")) };
        format!("native csv {schema} rows by {root}{shared}")
    } else {
        let records = native.said("records")?.map_or_else(String::new, |r| format!(" records {r}"));
        format!("native {syntax} {schema} root {root}{records}")
    };
    let _ = writeln!(out, "{line}\ncanonical {}", quote(top.need("canonical")?.text()?));
    for name in ["title", "system"] {
        if let Some(text) = top.said(name)? {
            let _ = writeln!(out, "{name} {}", quote(text));
        }
    }
    for name in ["agency", "basis"] {
        if let Some(text) = top.said(name)? {
            let _ = writeln!(out, "{name} {text}");
        }
    }
    if let Some(author) = top.said("author")? {
        let _ = writeln!(out, "author {}", role(author));
    }
    let covers = top.words("covers")?;
    if !covers.is_empty() {
        let _ = writeln!(out, "covers {}", covers.join(", "));
    }
    if let Some(ceiling) = top.at("ceiling") {
        let because = quote(ceiling.need("because")?.text()?);
        let _ = writeln!(out, "ceiling {} because {because}", ceiling.need("confidentiality")?.text()?);
    }
    for (name, value) in top.pairs("let")? {
        let _ = writeln!(out, "let {name} = {}", quote(value));
    }
    Ok(())
}

fn role(text: &str) -> String {
    let known = crate::vocabulary::Role::ALL.iter().any(|r| r.code() == text);
    if known { text.to_owned() } else { quote(text) }
}

fn write_item(item: &Node<'_>, depth: usize, out: &mut String) -> Made<()> {
    if depth > BLOCKS_MAX {
        return Err(item.fault("blocks are nested too deep"));
    }
    let Some((kind, value)) = item.value.as_object().and_then(|m| m.iter().next()) else {
        return Err(item.fault("an item is an object with one member: its kind"));
    };
    let inner = Node { value, pointer: format!("{}/{kind}", item.pointer) };
    match kind.as_str() {
        "field" => field(&inner, out),
        "group" | "each" => scope(kind, &inner, depth, out),
        "choice" => {
            out.push_str("choice {\n");
            for one in item.list("choice") {
                write_item(&one, depth.saturating_add(1), out)?;
            }
            out.push_str("}\n");
            Ok(())
        }
        "label" => label(&inner, out),
        "fixed" => {
            let (side, path) = (inner.need("side")?.text()?, inner.need("path")?.text()?);
            let value = inner.said("value")?.map_or_else(|| "position".to_owned(), quote);
            let _ = writeln!(out, "fixed {side} {path} = {value}");
            Ok(())
        }
        "drop" => {
            let side = inner.need("side")?.text()?;
            let path = inner.said("path")?.unwrap_or("rest");
            let _ = writeln!(out, "drop {side} {path} because {}", quote(inner.need("because")?.text()?));
            Ok(())
        }
        "include" => {
            let _ = writeln!(out, "include {}", inner.text()?);
            Ok(())
        }
        "fragment" => {
            let _ = writeln!(out, "fragment {} {{", inner.need("name")?.text()?);
            for one in inner.list("items") {
                write_item(&one, depth.saturating_add(1), out)?;
            }
            out.push_str("}\n");
            Ok(())
        }
        _ => Err(item
            .fault("this is no kind of item")
            .with_expected("field, group, each, choice, label, fixed, drop, include or fragment")),
    }
}

fn field(node: &Node<'_>, out: &mut String) -> Made<()> {
    let canonical = node.words("canonical")?;
    let side = match canonical.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("({})", several.join(", ")),
    };
    let (native, arrow) = (node.need("native")?.text()?, node.need("arrow")?.text()?);
    let _ = write!(out, "{} {arrow} {side} : {}", escaped(native), node.need("converter")?.text()?);
    if let Some(default) = node.said("default")? {
        let _ = write!(out, " default {}", quote(default));
    }
    if let Some(guard) = node.at("only_when") {
        let _ = write!(out, " only when {}", guard.need("path")?.text()?);
        let _ = match guard.said("equals")? {
            Some(value) => write!(out, " = {}", quote(value)),
            None => write!(out, " present"),
        };
    }
    if let Some(because) = node.said("because")? {
        let _ = write!(out, " because {}", quote(because));
    }
    out.push('\n');
    Ok(())
}

/// A member named like a keyword is written `./label`.
fn escaped(path: &str) -> String {
    if path.starts_with(['.', '/']) { path.to_owned() } else { format!("./{path}") }
}

fn scope(kind: &str, node: &Node<'_>, depth: usize, out: &mut String) -> Made<()> {
    let _ = write!(out, "{kind} {} <-> {}", node.need("native")?.text()?, node.need("canonical")?.text()?);
    if let Some(converter) = node.said("converter")? {
        let _ = writeln!(out, " : {converter}");
        return Ok(());
    }
    if let Some(name) = node.said("as")? {
        let _ = write!(out, " as {name}");
    }
    if let Some(id) = node.said("id")? {
        let _ = write!(out, " id {id}");
    }
    let links: Vec<String> = node.pairs("link")?.into_iter().map(|(field, name)| format!("{field} = {name}")).collect();
    if !links.is_empty() {
        let _ = write!(out, " link {}", links.join(", "));
    }
    out.push_str(" {\n");
    for one in node.list("items") {
        write_item(&one, depth.saturating_add(1), out)?;
    }
    out.push_str("}\n");
    Ok(())
}

fn label(node: &Node<'_>, out: &mut String) -> Made<()> {
    out.push_str("label ");
    match node.said("by")? {
        Some(table) => {
            let _ = write!(out, "by {table} of {}", node.need("of")?.text()?);
            if let Some(other) = node.said("else")? {
                let _ = write!(out, " else {other}");
            }
        }
        None => {
            let conf = node.need("confidentiality")?.text()?;
            let _ = write!(out, "{} {conf}", node.need("category")?.text()?);
            if node.at("sealed").is_some_and(|s| *s.value == Value::Bool(true)) {
                out.push_str(" sealed");
            }
        }
    }
    let about = node.need("about")?;
    let _ = match about.said("ref")? {
        Some(path) => write!(out, " about ref {path} {}", about.words("names")?.join(", ")),
        None => write!(out, " about {}", about.need("name")?.text()?),
    };
    for (member, word) in [("third_party", "third-party"), ("basis", "basis")] {
        if let Some(text) = node.said(member)? {
            let _ = write!(out, " {word} {text}");
        }
    }
    if let Some(author) = node.said("author")? {
        let _ = write!(out, " author {}", role(author));
    }
    if let Some(path) = node.said("observed")? {
        let _ = write!(out, " observed {path}");
    }
    let handling = node.words("handling")?;
    if !handling.is_empty() {
        let _ = write!(out, " handling {}", handling.join(", "));
    }
    match node.said("summary_of")? {
        Some(name) => {
            let _ = write!(out, " summary of {name}");
        }
        None if node.at("summary").is_some() => out.push_str(" summary"),
        None => {}
    }
    for cap in node.list("cap") {
        let roles: Vec<String> = cap.words("for")?.into_iter().map(role).collect();
        let _ = write!(out, " cap {} for {}", cap.need("level")?.text()?, roles.join(", "));
    }
    out.push('\n');
    Ok(())
}
