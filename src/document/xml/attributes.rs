//! Attributes and references: what one start tag says beside its name.

use super::names::{self, Scope};
use super::read::{Fault, fault, syntax};
use crate::diagnostic::code;
use quick_xml::events::BytesStart;

/// Attributes of one element. Real messages stay below ten; the check for duplicates compares pairs.
const ATTRIBUTES_MAX: usize = 128;

/// Namespace prefixes in scope at once. Real messages stay below ten; looking one up is a walk.
const PREFIXES_MAX: usize = 64;

/// The attributes to keep, checked: `None` as name is `xsi:nil`. Binds the prefixes they declare.
pub(super) fn attributes(
    scope: &mut Scope,
    start: &BytesStart<'_>,
    depth: usize,
    known: &[(String, String)],
) -> Result<Vec<(Option<String>, String)>, Fault> {
    if start.attributes_raw().bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
        // Most elements of a file of values.
        return Ok(Vec::new());
    }
    let raw = raw(start)?;
    for (name, uri) in &raw {
        let prefix = match names::split(name) {
            (None, "xmlns") => "",
            (Some("xmlns"), prefix) if !uri.is_empty() => prefix,
            (Some("xmlns"), _) => return syntax("a prefix is bound to no namespace"),
            _ => continue,
        };
        if matches!(prefix, "xmlns" | "xml") || scope.count() >= PREFIXES_MAX {
            return syntax("this namespace declaration is not accepted");
        }
        scope.bind(depth, prefix, uri);
    }
    let mut kept = Vec::new();
    let mut seen: Vec<(Option<String>, String)> = Vec::new();
    for (name, value) in raw {
        let (prefix, local) = checked(&name)?;
        if prefix == Some("xmlns") || name == "xmlns" {
            continue;
        }
        let namespace = match prefix {
            Some(p) => match scope.resolve(p) {
                Some(uri) => Some(uri),
                None => return syntax("the prefix of an attribute is not declared"),
            },
            None => None,
        };
        let expanded = (namespace.map(str::to_owned), local.to_owned());
        if seen.contains(&expanded) {
            return syntax("this element has two attributes of one name");
        }
        if names::is_nil(namespace, local) {
            kept.push((None, value));
        } else if !names::is_location(namespace, local) {
            let name =
                if known.is_empty() || namespace.is_none() { name } else { names::full(known, namespace, local) };
            kept.push((Some(format!("@{name}")), value));
        }
        seen.push(expanded);
    }
    Ok(kept)
}

/// Names and values as written, references resolved.
fn raw(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Fault> {
    let mut raw = Vec::new();
    for attribute in start.attributes() {
        if raw.len() >= ATTRIBUTES_MAX {
            return fault(code::DOC_LIMIT, format!("this element has more than {ATTRIBUTES_MAX} attributes"));
        }
        let Ok(attribute) = attribute else { return syntax("the attributes of this element are not well formed") };
        if attribute.value.contains('<') {
            return syntax("an attribute may not contain `<`");
        }
        let value = resolve(&attribute.value.replace(['\t', '\n', '\r'], " "))?;
        raw.push((attribute.key.0.to_owned(), value));
    }
    if !separated(start.attributes_raw()) {
        return syntax("attributes are separated by white space");
    }
    Ok(raw)
}

/// Prefix and local name, both names that XML permits.
pub(super) fn checked(name: &str) -> Result<(Option<&str>, &str), Fault> {
    let (prefix, local) = names::split(name);
    if !names::is_name(local) || prefix.is_some_and(|p| !names::is_name(p)) {
        return syntax("this is not a name that XML permits");
    }
    Ok((prefix, local))
}

/// A character reference or one of the five entities, without `&` and `;`.
pub(super) fn entity(name: &str) -> Result<char, Fault> {
    let number = match (name.strip_prefix("#x"), name.strip_prefix('#')) {
        (Some(hex), _) if !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u32::from_str_radix(hex, 16).ok()
        }
        (None, Some(digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        (_, Some(_)) => None,
        (None, None) => match name {
            "amp" => Some(u32::from('&')),
            "lt" => Some(u32::from('<')),
            "gt" => Some(u32::from('>')),
            "apos" => Some(u32::from('\'')),
            "quot" => Some(u32::from('"')),
            _ => return fault(code::DOC_FORBIDDEN, "an entity other than the five of XML is never accepted"),
        },
        (Some(_), None) => None,
    };
    match number.filter(|n| names::is_char(*n)).and_then(char::from_u32) {
        Some(letter) => Ok(letter),
        None => fault(code::DOC_FORBIDDEN, "a reference to a character that XML does not permit"),
    }
}

/// An attribute's value with its references resolved.
fn resolve(raw: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once(';') else { return syntax("a reference has no end") };
        out.push(entity(name)?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether white space follows each quoted value that another attribute follows.
fn separated(raw: &str) -> bool {
    let mut quote = None;
    let mut closed = false;
    for letter in raw.chars() {
        match quote {
            Some(q) if letter == q => (quote, closed) = (None, true),
            Some(_) => {}
            None if closed && !letter.is_ascii_whitespace() && letter != '/' => return false,
            None => {
                closed = false;
                if matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
            }
        }
    }
    true
}
