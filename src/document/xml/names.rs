//! Which characters and names XML permits, and which prefixes are bound.

/// The namespace whose two location attributes speak of the file only.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Byte offset of the first character XML 1.0 forbids anywhere, and whether it is NUL.
///
/// # Source
/// XML 1.0 (5th edition) §2.2, production Char.
pub(super) fn forbidden_char(text: &str) -> Option<usize> {
    let control = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r');
    // Both passes look at every byte without stopping, which is many times faster; nearly no message goes further.
    let (mut lows, mut leads) = (false, false);
    for byte in text.bytes() {
        lows |= control(byte);
        // The first byte of the two high ones in UTF-8.
        leads |= byte == 0xEF;
    }
    let low = if lows { text.bytes().position(control) } else { None };
    let high = if leads { text.find(['\u{FFFE}', '\u{FFFF}']) } else { None };
    match (low, high) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Whether a character number may be referred to.
pub(super) const fn is_char(number: u32) -> bool {
    matches!(number, 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x0010_FFFF)
}

/// Whether `name` is a name without a colon.
///
/// # Source
/// XML 1.0 §2.3, productions NameStartChar and NameChar; Namespaces in XML 1.0 §3, production NCName.
pub(super) fn is_name(name: &str) -> bool {
    // Nearly every name is of plain letters.
    let mut bytes = name.bytes();
    if bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    {
        return true;
    }
    let mut letters = name.chars();
    letters.next().is_some_and(starts_name) && letters.all(continues_name)
}

const fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

const fn continues_name(c: char) -> bool {
    starts_name(c) || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Prefix and local name.
pub(super) fn split(name: &str) -> (Option<&str>, &str) {
    match name.split_once(':') {
        Some((prefix, local)) => (Some(prefix), local),
        None => (None, name),
    }
}

/// A local name, or one with the prefix that a vocabulary gives the namespace. In a vocabulary with namespaces a name of
/// another one can be none of its own.
pub(super) fn full(known: &[(String, String)], namespace: Option<&str>, local: &str) -> String {
    if known.is_empty() {
        return local.to_owned();
    }
    match known.iter().find(|(_, uri)| namespace == Some(uri.as_str())) {
        Some((prefix, _)) => format!("{prefix}:{local}"),
        None => format!("other:{local}"),
    }
}

/// The prefixes in scope, innermost last.
#[derive(Default)]
pub(super) struct Scope {
    bound: Vec<(usize, String, String)>,
}

impl Scope {
    /// Binds a prefix for the element at `depth`.
    pub(super) fn bind(&mut self, depth: usize, prefix: &str, uri: &str) {
        self.bound.push((depth, prefix.to_owned(), uri.to_owned()));
    }
    /// Forgets what the element at `depth` bound.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.bound.last().is_some_and(|(d, _, _)| *d >= depth) {
            self.bound.pop();
        }
    }
    /// How many bindings are in force, shadowed ones included.
    pub(super) fn count(&self) -> usize {
        self.bound.len()
    }
    /// The namespace of a prefix; `None` when nothing binds it.
    pub(super) fn resolve(&self, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some("http://www.w3.org/XML/1998/namespace");
        }
        self.bound.iter().rev().find(|(_, p, _)| p == prefix).map(|(_, _, uri)| uri.as_str())
    }
}

/// Whether an attribute says where a schema lies.
pub(super) fn is_location(namespace: Option<&str>, local: &str) -> bool {
    namespace == Some(SCHEMA_INSTANCE) && matches!(local, "schemaLocation" | "noNamespaceSchemaLocation")
}

/// Whether an attribute says that its element has no value.
pub(super) fn is_nil(namespace: Option<&str>, local: &str) -> bool {
    namespace == Some(SCHEMA_INSTANCE) && local == "nil"
}
