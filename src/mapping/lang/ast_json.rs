//! The tree as JSON (`solent mapping ast --json`): the same content as the text form, without places and comments.

use super::format::{converter, path};
use super::tree::{About, Item, ItemKind, Label, Mapping, ScopeKind, Sensitivity, Word};
use serde_json::{Map, Value, json};

/// The whole mapping. Paths and converters stand in their written form, which is itself a closed grammar.
#[must_use]
pub fn to_json(m: &Mapping) -> Value {
    let word = |w: &Option<Word>| w.as_ref().map(|w| w.text.clone());
    clean(json!({
        "mapping": m.name.text, "version": m.version.text, "title": word(&m.title),
        "native": { "syntax": m.native.syntax.word(), "schema": m.native.schema.text, "root": m.native.root.text,
            "shared": words(&m.native.shared), "records": m.native.records.as_ref().map(path) },
        "canonical": m.canonical.text, "agency": word(&m.agency), "system": word(&m.system),
        "basis": word(&m.basis), "author": word(&m.author), "covers": words(&m.covers),
        "ceiling": m.ceiling.as_ref().map(|c| json!({ "confidentiality": c.conf, "because": c.because.text })),
        "let": m.lets.iter().map(|l| (l.name.text.clone(), Value::from(l.value.text.clone()))).collect::<Map<_, _>>(),
        "items": items(&m.items),
    }))
}

fn items(items: &[Item]) -> Vec<Value> {
    items.iter().map(|i| clean(item(i))).collect()
}

fn item(item: &Item) -> Value {
    match &item.kind {
        ItemKind::Field(f) => json!({ "field": {
            "native": path(&f.native), "arrow": f.arrow.sign(),
            "canonical": f.canonical.paths().iter().map(path).collect::<Vec<_>>(), "converter": converter(&f.converter),
            "default": f.default.as_ref().map(|w| &w.text), "because": f.because.as_ref().map(|w| &w.text),
            "only_when": f.only_when.as_ref().map(|g| clean(json!({
                "path": path(&g.path), "equals": g.equals.as_ref().map(|w| &w.text) }))) } }),
        ItemKind::Scope(s) => json!({ (if s.kind == ScopeKind::Each { "each" } else { "group" }): {
            "native": path(&s.native), "canonical": path(&s.canonical), "converter": s.converter.as_ref().map(converter),
            "as": s.name.as_ref().map(|w| &w.text), "id": s.id.as_ref().map(path),
            "link": s.links.iter().map(|(f, n)| (f.text.clone(), Value::from(n.text.clone()))).collect::<Map<_, _>>(),
            "items": items(&s.items) } }),
        ItemKind::Choice(alternatives) => json!({ "choice": items(alternatives) }),
        ItemKind::Label(l) => json!({ "label": label(l) }),
        ItemKind::Fixed(f) => json!({ "fixed": { "side": f.which.word(), "path": path(&f.path),
            "value": f.value.as_ref().map(|w| &w.text), "position": f.value.is_none().then_some(true) } }),
        ItemKind::Drop(d) => json!({ "drop": { "side": d.which.word(), "path": d.path.as_ref().map(path),
            "because": d.because.text } }),
        ItemKind::Include(name) => json!({ "include": name.text }),
        ItemKind::Fragment(name, inner) => json!({ "fragment": { "name": name.text, "items": items(inner) } }),
    }
}

fn label(l: &Label) -> Value {
    let (table, of) = match &l.sensitivity {
        Sensitivity::By { table, path: p, .. } => (Some(&table.text), Some(path(p))),
        Sensitivity::Fixed { .. } => (None, None),
    };
    let (category, conf, sealed) = match &l.sensitivity {
        Sensitivity::Fixed { category, conf, sealed } => (Some(*category), Some(*conf), sealed.then_some(true)),
        Sensitivity::By { .. } => (None, None, None),
    };
    let otherwise = match &l.sensitivity {
        Sensitivity::By { otherwise: Some(other), .. } => Some(super::sensitivity(other)),
        _ => None,
    };
    let about = match &l.about {
        About::Name(w) => json!({ "name": w.text }),
        About::Ref(p, names) => json!({ "ref": path(p), "names": words(names) }),
    };
    clean(json!({
        "category": category, "confidentiality": conf, "sealed": sealed, "by": table, "of": of, "else": otherwise, "about": about,
        "third_party": l.third_party.as_ref().map(|w| &w.text), "basis": l.basis.as_ref().map(|w| &w.text),
        "author": l.author.as_ref().map(|w| &w.text), "observed": l.observed.as_ref().map(path),
        "handling": words(&l.handling), "summary": l.summary.is_some().then_some(true),
        "summary_of": l.summary.as_ref().and_then(|s| s.as_ref()).map(|w| &w.text),
        "cap": l.caps.iter().map(|(level, roles)| json!({ "level": level, "for": words(roles) })).collect::<Vec<_>>(),
    }))
}

fn words(words: &[Word]) -> Vec<&str> {
    words.iter().map(|w| w.text.as_str()).collect()
}

/// Leaves out what is not there: nulls, empty lists and empty objects (but never an empty text).
fn clean(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(k, v)| (k, if matches!(v, Value::Object(_)) { clean(v) } else { v }))
                .filter(|(_, v)| match v {
                    Value::Null => false,
                    Value::Array(items) => !items.is_empty(),
                    Value::Object(members) => !members.is_empty(),
                    _ => true,
                })
                .collect(),
        ),
        other => other,
    }
}
