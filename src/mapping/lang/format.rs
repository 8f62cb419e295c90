//! Tree to text: `solent mapping fmt`. Two blanks per block, columns of fields aligned per block, comments kept.

use super::tree::{
    About, Cond, CondValue, Converter, DropRule, Field, Fixed, Item, ItemKind, Label, Mapping, Path, Scope, ScopeKind,
    Select, Sensitivity, Side, Step, Syntax, Trivia, Word,
};

/// Columns wider than this are not aligned to: one long path would push everything to the right.
const COLUMN_MAX: usize = 64;

/// The file in its one true layout. Formatting twice changes nothing.
#[must_use]
pub fn format(mapping: &Mapping) -> String {
    let mut out = String::new();
    comments(&mapping.trivia, 0, &mut out);
    head(mapping, &mut out);
    for (i, item) in mapping.items.iter().enumerate() {
        if i == 0 || item.trivia.gap || matches!(item.kind, ItemKind::Scope(_) | ItemKind::Fragment(..)) {
            out.push('\n');
        }
        write_item(item, 0, &columns(&mapping.items), &mut out);
    }
    out
}

fn head(m: &Mapping, out: &mut String) {
    let mut line = |key: &str, value: String| {
        out.push_str(&format!("{key:<9} {value}\n"));
    };
    line("mapping", format!("{} {}", m.name.text, m.version.text));
    if let Some(w) = &m.title {
        line("title", quote(&w.text));
    }
    let shared: Vec<&str> = m.native.shared.iter().map(|w| w.text.as_str()).collect();
    let mut native = format!("{} {} ", m.native.syntax.word(), quote(&m.native.schema.text));
    native += &match m.native.syntax {
        Syntax::Csv if shared.is_empty() => format!("rows by {}", m.native.root.text),
        Syntax::Csv => format!("rows by {} shared {}", m.native.root.text, shared.join(", ")),
        _ => format!("root {}", m.native.root.text),
    };
    if let Some(records) = &m.native.records {
        native += &format!(" records {}", path(records));
    }
    line("native", native);
    line("canonical", quote(&m.canonical.text));
    for (key, word) in [("agency", &m.agency), ("system", &m.system), ("basis", &m.basis), ("author", &m.author)] {
        if let Some(w) = word {
            let role = key == "author" && crate::vocabulary::Role::parse(&w.text).is_some();
            line(key, if key == "system" || (key == "author" && !role) { quote(&w.text) } else { w.text.clone() });
        }
    }
    if !m.covers.is_empty() {
        line("covers", list(&m.covers));
    }
    if let Some(c) = &m.ceiling {
        line("ceiling", format!("{} because {}", c.conf, quote(&c.because.text)));
    }
    let width = m.lets.iter().map(|l| l.name.text.len()).max().unwrap_or(0);
    for l in &m.lets {
        line("let", format!("{:<width$} = {}", l.name.text, quote(&l.value.text)));
    }
}

fn comments(trivia: &Trivia, indent: usize, out: &mut String) {
    for comment in &trivia.before {
        out.push_str(format!("{:indent$}# {comment}", "").trim_end());
        out.push('\n');
    }
}

/// Widths of the native and canonical columns of a block.
fn columns(items: &[Item]) -> (usize, usize) {
    let mut widths = (0, 0);
    for item in items {
        if let ItemKind::Field(f) = &item.kind {
            let (native, canonical) = (escaped(&f.native).len(), side(&f.canonical).len());
            if native <= COLUMN_MAX {
                widths.0 = widths.0.max(native);
            }
            if canonical <= COLUMN_MAX {
                widths.1 = widths.1.max(canonical);
            }
        }
    }
    widths
}

fn block(items: &[Item], indent: usize, out: &mut String) {
    let widths = columns(items);
    out.push_str("{\n");
    for (i, item) in items.iter().enumerate() {
        if item.trivia.gap && i > 0 {
            out.push('\n');
        }
        write_item(item, indent + 2, &widths, out);
    }
    out.push_str(&format!("{:indent$}}}", ""));
}

fn write_item(item: &Item, indent: usize, widths: &(usize, usize), out: &mut String) {
    comments(&item.trivia, indent, out);
    out.push_str(&format!("{:indent$}", ""));
    match &item.kind {
        ItemKind::Field(f) => out.push_str(&field(f, widths)),
        ItemKind::Scope(s) => scope(s, indent, out),
        ItemKind::Choice(items) => {
            out.push_str("choice ");
            block(items, indent, out);
        }
        ItemKind::Label(l) => out.push_str(&label(l)),
        ItemKind::Fixed(f) => out.push_str(&fixed(f)),
        ItemKind::Drop(d) => out.push_str(&drop_rule(d)),
        ItemKind::Include(name) => out.push_str(&format!("include {}", name.text)),
        ItemKind::Fragment(name, items) => {
            out.push_str(&format!("fragment {} ", name.text));
            block(items, indent, out);
        }
    }
    if let Some(comment) = &item.trivia.after {
        out.push_str(&format!("  # {comment}"));
    }
    out.push('\n');
}

fn field(f: &Field, widths: &(usize, usize)) -> String {
    let (left, right) = *widths;
    let mut text = format!(
        "{:<left$} {:<3} {:<right$} : {}",
        escaped(&f.native),
        f.arrow.sign(),
        side(&f.canonical),
        converter(&f.converter)
    );
    if let Some(w) = &f.default {
        text += &format!(" default {}", quote(&w.text));
    }
    if let Some(g) = &f.only_when {
        let test = g.equals.as_ref().map_or_else(|| "present".to_owned(), |w| format!("= {}", quote(&w.text)));
        text += &format!(" only when {} {test}", path(&g.path));
    }
    if let Some(w) = &f.because {
        text += &format!(" because {}", quote(&w.text));
    }
    text
}

/// A path at the start of a line: a member named like a keyword is written `./label`.
fn escaped(p: &Path) -> String {
    const KEYWORDS: [&str; 8] = ["group", "each", "choice", "label", "fixed", "drop", "include", "fragment"];
    let text = path(p);
    match p.steps.first() {
        Some(step) if !p.root && KEYWORDS.contains(&step.name.as_str()) => format!("./{text}"),
        _ => text,
    }
}

fn scope(s: &Scope, indent: usize, out: &mut String) {
    let word = if s.kind == ScopeKind::Each { "each" } else { "group" };
    out.push_str(&format!("{word} {} <-> {}", path(&s.native), path(&s.canonical)));
    if let Some(c) = &s.converter {
        out.push_str(&format!(" : {}", converter(c)));
        return;
    }
    if let Some(w) = &s.name {
        out.push_str(&format!(" as {}", w.text));
    }
    if let Some(p) = &s.id {
        out.push_str(&format!(" id {}", path(p)));
    }
    if !s.links.is_empty() {
        let links: Vec<String> = s.links.iter().map(|(f, n)| format!("{} = {}", f.text, n.text)).collect();
        out.push_str(&format!(" link {}", links.join(", ")));
    }
    out.push(' ');
    match s.items.as_slice() {
        [Item { kind: ItemKind::Include(name), trivia, .. }] if trivia.before.is_empty() && trivia.after.is_none() => {
            out.push_str(&format!("{{ include {} }}", name.text));
        }
        items => block(items, indent, out),
    }
}

/// Where category and confidentiality come from, as written.
pub(in crate::mapping) fn sensitivity(source: &Sensitivity) -> String {
    match source {
        Sensitivity::Fixed { category, conf, sealed } => {
            format!("{category} {conf}{}", if *sealed { " sealed" } else { "" })
        }
        Sensitivity::By { table, path: p, otherwise } => {
            let other = otherwise.as_ref().map(|o| format!(" else {}", sensitivity(o))).unwrap_or_default();
            format!("by {} of {}{other}", table.text, path(p))
        }
    }
}

fn label(l: &Label) -> String {
    let mut text = format!("label {}", sensitivity(&l.sensitivity));
    text += &match &l.about {
        About::Name(w) => format!(" about {}", w.text),
        About::Ref(p, names) => format!(" about ref {} {}", path(p), list(names)),
    };
    if let Some(w) = &l.third_party {
        text += &format!(" third-party {}", w.text);
    }
    if let Some(w) = &l.basis {
        text += &format!(" basis {}", w.text);
    }
    if let Some(w) = &l.author {
        text += &format!(" author {}", role(w));
    }
    if let Some(p) = &l.observed {
        text += &format!(" observed {}", path(p));
    }
    if !l.handling.is_empty() {
        text += &format!(" handling {}", list(&l.handling));
    }
    if let Some(of) = &l.summary {
        text += " summary";
        if let Some(w) = of {
            text += &format!(" of {}", w.text);
        }
    }
    for (level, roles) in &l.caps {
        let roles: Vec<String> = roles.iter().map(role).collect();
        text += &format!(" cap {level} for {}", roles.join(", "));
    }
    text
}

fn role(w: &Word) -> String {
    if crate::vocabulary::Role::parse(&w.text).is_some() { w.text.clone() } else { quote(&w.text) }
}

fn fixed(f: &Fixed) -> String {
    let value = f.value.as_ref().map_or_else(|| "position".to_owned(), |w| quote(&w.text));
    format!("fixed {} {} = {value}", f.which.word(), path(&f.path))
}

fn drop_rule(d: &DropRule) -> String {
    let what = d.path.as_ref().map_or_else(|| "rest".to_owned(), path);
    format!("drop {} {what} because {}", d.which.word(), quote(&d.because.text))
}

fn side(s: &Side) -> String {
    match s {
        Side::One(p) => path(p),
        Side::Tuple(paths) => format!("({})", paths.iter().map(path).collect::<Vec<_>>().join(", ")),
    }
}

/// The converter as written.
pub fn converter(c: &Converter) -> String {
    match c {
        Converter::Named(name, None) => name.text.clone(),
        Converter::Named(name, Some(arg)) => format!("{} {}", name.text, quote(&arg.text)),
        Converter::Code(table) => format!("code {}", table.text),
        Converter::Ref(names) => format!("ref {}", list(names)),
    }
}

/// The path as written.
pub fn path(p: &Path) -> String {
    if p.steps.is_empty() {
        return if p.root { "/".to_owned() } else { ".".to_owned() };
    }
    let steps: Vec<String> = p.steps.iter().map(step).collect();
    format!("{}{}", if p.root { "/" } else { "" }, steps.join("."))
}

fn step(s: &Step) -> String {
    let select = match &s.select {
        None => String::new(),
        Some(Select::At(i)) => format!("[{i}]"),
        Some(Select::From(i)) => format!("[{i}..]"),
        Some(Select::Where(conds)) => format!("[{}]", conds.iter().map(cond).collect::<Vec<_>>().join(", ")),
    };
    format!("{}{select}", s.name)
}

fn cond(c: &Cond) -> String {
    let value = match &c.value {
        CondValue::Text(w) => quote(&w.text),
        CondValue::Let(w) => format!("${}", w.text),
        CondValue::Int(i) => i.to_string(),
    };
    format!("{} = {value}", c.name.text)
}

fn list(words: &[Word]) -> String {
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(", ")
}

pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use crate::mapping::lang::parse;

    const FILE: &str = r#"# who: integration team
mapping   cin-child 1.0.0
title     "Children in Need"
native    xml "cin-census/message.schema.json" root Message records Children.Child
canonical "record/record.schema.json"
system    "dfe-cin"
basis     fact
author    SW
covers    people, plans
ceiling   R because "no place for a label"
let       nhs = "https://fhir.nhs.uk/Id/nhs-number"

group . <-> people[role = "subject"] as child id @url {
  label IDN N about child third-party possible cap S for DSL, SCH
  # a note
  LAchildID <-> identifiers[scheme = "la-child-id"].value : text  # theirs
  choice {
    UPN        <-> identifiers[scheme = "upn"].value : upn
    UPNunknown <-> upn_absent                        : code upn-unknown
  }
  each names <-> names { include name }

  group . <-> /characteristics link person = child {
    label by condition-label of condition about ref subject.reference child, other summary of child
    ./label <-> x               : date "dd/mm/yyyy" default "x" only when y = "1"
    .       ->  (factor, whose) : code assessment-factor because "why"
    fixed native 1 = position
  }
}

fragment name {
  given[1..] <-> given[0] : words
}
drop canonical rest because "no place"
"#;

    #[test]
    fn formatting_its_own_output_changes_nothing() {
        let once = super::format(&parse(FILE.as_bytes()).unwrap());
        assert_eq!(once, FILE);
    }

    #[test]
    fn a_badly_spaced_file_comes_out_in_the_one_layout() {
        let ragged = FILE.replace("  ", " ").replace(" <-> ", "<->").replace(" : ", " :");
        assert_eq!(super::format(&parse(ragged.as_bytes()).unwrap()), FILE);
    }

    #[test]
    fn a_wrong_category_is_named_with_the_nearest_one() {
        let error = parse(FILE.replace("label IDN N", "label IDM N").as_bytes()).unwrap_err();
        assert_eq!(error.position.map(|p| p.line), Some(14));
        assert!(error.help.as_deref().is_some_and(|h| h.contains('`')), "{error}");
    }
}
