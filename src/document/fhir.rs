//! FHIR Bundles regrouped by resource type, and back.
//!
//! A Bundle is a list of entries of mixed types; a mapping wants "each Patient". [`regroup`] turns
//! `{"resourceType":"Bundle","entry":[{"fullUrl":u,"resource":{"resourceType":"Patient",…}}]}` into
//! `{"Patient":[{"@url":u,…}]}`; the other members of an entry become `@request`, `@search`, …; entries without a
//! resource stay under `entry`. Nothing is dropped but `resourceType`, which the grouping says. Every moved node knows
//! the pointer it had. Knows no resource type and no profile.
//!
//! References are resolved leniently (FHIR dossier §1): what can be resolved within the Bundle becomes the `@url` of its
//! target, what cannot stays as it was, for the mapping to report.

use super::{Document, GraftKeys, Keyed, Kind, NodeId};
use crate::diagnostic::{Diagnostic, Span, code};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

/// Longest name of a resource type taken; the longest in R4 has 33 letters.
const TYPE_LETTERS_MAX: usize = 64;

/// A regrouped Bundle.
#[derive(Debug)]
pub struct Regrouped {
    /// The tree, by resource type.
    pub document: Document,
    /// What was odd about the envelope (references that name nothing are the mapping's business).
    pub warnings: Vec<Diagnostic>,
}

/// Regroups a Bundle; a resource alone is taken as a collection of one.
///
/// # Errors
/// `SOL-SCHEMA-INVALID` when the root is no FHIR resource, an entry is no object, a resource has no type, or a name
/// begins with `@` (reserved here) — each with pointer and position.
///
/// # Source
/// Mapping language §5.1; FHIR R4 Bundle, §2.36.4 "Resolving references in Bundles".
pub fn regroup(document: Document, source: &[u8]) -> Result<Regrouped, Vec<Diagnostic>> {
    let root = document.root();
    let mut work = Work { document, source, found: Vec::new(), warnings: Vec::new() };
    let Some(kind) = work.resource_type(root) else {
        return Err(vec![work.complain(root, "a FHIR message has a `resourceType`")]);
    };
    if kind != "Bundle" {
        work.wrap(&kind)?;
    }
    work.entries()?;
    work.unpad_all();
    work.references();
    super::fhir_subject::add_patient(&mut work.document, &work.found);
    super::fhir_agents::name_agents(&mut work.document, &work.found);
    Ok(Regrouped { document: work.document, warnings: work.warnings })
}

struct Work<'a> {
    document: Document,
    source: &'a [u8],
    /// The resources, in order of the message.
    found: Vec<NodeId>,
    warnings: Vec<Diagnostic>,
}

impl Work<'_> {
    fn complain(&self, node: NodeId, text: &str) -> Diagnostic {
        let at = self.document.offset(node);
        Diagnostic::error(code::SCHEMA_INVALID, text)
            .with_span(Span { start: at, end: at + 1 }, self.source)
            .with_pointer(self.document.source_pointer(node))
    }

    /// The type of a resource, when it is an object with a name as its type.
    fn resource_type(&self, node: NodeId) -> Option<String> {
        let name = self.document.member(node, "resourceType")?;
        let text = self.document.text(name).filter(|_| self.document.kind(name) == Kind::String)?;
        let fits = text.len() <= TYPE_LETTERS_MAX
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| text.to_owned())
    }

    /// Puts a resource that came alone into a Bundle.
    fn wrap(&mut self, kind: &str) -> Result<(), Vec<Diagnostic>> {
        let alone = {
            let room = Document::alike(Kind::Object, &self.document);
            std::mem::replace(&mut self.document, room)
        };
        let root = self.document.root();
        self.document.add_text(root, "type", "collection");
        let group = self.document.add(root, Some(kind), Kind::Array, "", 0);
        let resource = self.document.graft(group, None, &alone, alone.root());
        self.document.set_origin(resource, "");
        self.clean(resource)?;
        self.found.push(resource);
        self.give_url(resource, kind, format_args!(""));
        Ok(())
    }

    fn entries(&mut self) -> Result<(), Vec<Diagnostic>> {
        let root = self.document.root();
        if let Some(name) = self.document.member(root, "resourceType") {
            self.document.detach(name);
        }
        if self.found.is_empty() {
            self.refuse_reserved(root, |name| name.starts_with(|c: char| c == '@' || c.is_ascii_uppercase()))?;
        }
        let Some(list) = self.document.member(root, "entry") else { return Ok(()) };
        if self.document.kind(list) != Kind::Array {
            return Err(vec![self.complain(list, "the entries of a Bundle are an array")]);
        }
        let mut groups: HashMap<u32, NodeId, Keyed> = HashMap::default();
        let entries: Vec<NodeId> = self.document.children(list).collect();
        // Of most entries the resource and its address are moved.
        self.document.reserve_origins(entries.len().saturating_mul(2));
        // The old list is put aside whole; what has no resource is hung into a new one.
        self.document.detach(list);
        let mut rest = None;
        for (index, entry) in entries.into_iter().enumerate() {
            if self.document.kind(entry) != Kind::Object {
                self.document.set_origin_of(entry, format_args!("/entry/{index}"));
                return Err(vec![self.complain(entry, "an entry of a Bundle is an object")]);
            }
            let Some(resource) = self.document.member(entry, "resource") else {
                let kept = *rest.get_or_insert_with(|| self.document.add(root, Some("entry"), Kind::Array, "", 0));
                let copy = self.document.clone_under(kept, None, entry);
                self.document.set_origin_of(copy, format_args!("/entry/{index}"));
                continue;
            };
            self.entry(entry, resource, index, &mut groups)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: NodeId,
        resource: NodeId,
        index: usize,
        groups: &mut HashMap<u32, NodeId, Keyed>,
    ) -> Result<(), Vec<Diagnostic>> {
        self.document.set_origin_of(resource, format_args!("/entry/{index}/resource"));
        let Some(kind) = self.resource_type(resource) else {
            return Err(vec![self.complain(resource, "a resource is an object with a `resourceType`")]);
        };
        self.clean(resource)?;
        let root = self.document.root();
        let key = self.document.number_key(&kind);
        let group = *groups.entry(key).or_insert_with(|| {
            // A finding about the whole group is shown at its first resource.
            let at = self.document.offset(resource);
            self.document.add_numbered(root, Some(key), Kind::Array, "", at)
        });
        self.document.relocate(resource, group, None);
        loop {
            let first = self.document.children(entry).next();
            let Some(other) = first else { break };
            let name = self.document.key(other).unwrap_or("");
            if name == "fullUrl" {
                self.document.set_origin_of(other, format_args!("/entry/{index}/fullUrl"));
                let key = self.document.number_key("@url");
                self.document.relocate_numbered(other, resource, Some(key));
                continue;
            }
            let (origin, name) = (format!("/entry/{index}/{name}"), format!("@{name}"));
            self.document.set_origin(other, &origin);
            self.document.relocate(other, resource, Some(&name));
        }
        self.give_url(resource, &kind, format_args!("/entry/{index}/resource/id"));
        self.found.push(resource);
        Ok(())
    }

    /// Takes the type out of a resource and refuses reserved names in it.
    fn clean(&mut self, resource: NodeId) -> Result<(), Vec<Diagnostic>> {
        if let Some(name) = self.document.member(resource, "resourceType") {
            self.document.detach(name);
        }
        self.refuse_reserved(resource, |name| name.starts_with('@'))
    }

    fn refuse_reserved(&self, node: NodeId, reserved: impl Fn(&str) -> bool) -> Result<(), Vec<Diagnostic>> {
        let bad = self.document.children(node).find(|c| self.document.key(*c).is_some_and(&reserved));
        match bad {
            None => Ok(()),
            Some(child) => {
                let at = self.document.offset(child);
                let complaint = self.complain(node, "a member name that is none of FHIR's stands here");
                Err(vec![complaint.with_span(Span { start: at, end: at + 1 }, self.source)])
            }
        }
    }

    /// A resource without `fullUrl` is known by its type and id.
    fn give_url(&mut self, resource: NodeId, kind: &str, origin: std::fmt::Arguments<'_>) {
        if self.document.member(resource, "@url").is_some() {
            return;
        }
        if let Some(id) = self.document.text_at(resource, &["id"]) {
            let url = format!("{kind}/{id}");
            let at = self.document.offset(resource);
            let node = self.document.add(resource, Some("@url"), Kind::String, &url, at);
            self.document.set_origin_of(node, origin);
        }
    }

    fn unpad_all(&mut self) {
        if !self.document.has_kind(Kind::Null) {
            return;
        }
        let document = &self.document;
        let padded = |n: &NodeId| document.kind(*n) == Kind::Null && document.key(*n).is_none();
        let all = self.found.iter().flat_map(|r| document.below(*r)).filter(padded);
        let mut lists: Vec<NodeId> = all.filter_map(|n| document.parent(n)).collect();
        lists.dedup();
        lists.into_iter().for_each(|list| self.unpad(list));
    }

    /// Takes out the `null` with which JSON keeps a place for a value that has extensions only; the extensions, under
    /// the name with `_`, go last, so that the two lists still match.
    fn unpad(&mut self, list: NodeId) {
        let items: Vec<NodeId> = self.document.children(list).collect();
        let Some(name) = self.document.key(list).filter(|k| !k.starts_with('_')).map(|k| format!("_{k}")) else {
            return;
        };
        let parent = self.document.parent(list);
        let beside =
            parent.and_then(|p| self.document.member(p, &name)).filter(|b| self.document.kind(*b) == Kind::Array);
        let mut removed = 0;
        for (place, item) in items.into_iter().enumerate() {
            if self.document.kind(item) != Kind::Null {
                continue;
            }
            let twin = beside.and_then(|b| Some((b, self.document.item(b, place - removed)?)));
            self.document.detach(item);
            removed += 1;
            if let Some((beside, extra)) = twin {
                self.document.relocate(extra, beside, None);
            }
        }
    }

    fn references(&mut self) {
        let document = &self.document;
        let names =
            Names { reference: document.key_number("reference"), identifier: document.key_number("identifier") };
        let index = Index::of(document, &self.found);
        let mut changes = Vec::new();
        for resource in &self.found {
            let base = document.text_at(*resource, &["@url"]).unwrap_or("");
            // What holds a reference is found by the reference, or by the identifier it may be made from.
            let said = |n: &NodeId| {
                let key = document.key_number_of(*n);
                key.is_some() && (key == names.reference || key == names.identifier)
            };
            let holders = document.below(*resource).skip(1).filter(said).filter_map(|n| document.parent(n));
            for node in holders.filter(|n| n != resource) {
                changes.extend(change(document, node, names, base, &index));
            }
        }
        for change in changes {
            match change {
                Change::Set(reference, url) => self.document.set_scalar(reference, Kind::String, &url),
                Change::Add(node, url) => {
                    let at = self.document.offset(node);
                    self.document.add(node, Some("reference"), Kind::String, &url, at);
                }
            }
        }
    }
}

/// The numbers of the two names that references are made of.
#[derive(Clone, Copy)]
struct Names {
    reference: Option<u32>,
    identifier: Option<u32>,
}

/// What becomes of a reference that is resolved.
enum Change {
    /// Its text.
    Set(NodeId, String),
    /// Its `reference`, which it lacks.
    Add(NodeId, String),
}

fn change(document: &Document, node: NodeId, names: Names, base: &str, index: &Index<'_>) -> Option<Change> {
    match names.reference.and_then(|key| document.member_numbered(node, key)) {
        Some(reference) if document.kind(reference) == Kind::String => {
            let text = document.text(reference).unwrap_or("");
            let url = index.lookup(text, base).filter(|url| *url != text)?;
            Some(Change::Set(reference, url.to_owned()))
        }
        Some(_) => None,
        None => {
            // A logical reference: the one resource of the Bundle with this identifier.
            let identifier = document.member_numbered(node, names.identifier?)?;
            let pair = identifier_pair(document, identifier)?;
            let url = index.identifiers().get(&pair).copied().flatten()?;
            Some(Change::Add(node, url.to_owned()))
        }
    }
}

/// Addresses by what says them. `None` inside: more than one has it, so nobody does.
type Urls<'d, K> = HashMap<K, Option<&'d str>, Keyed>;

/// A system and a value of it.
type Pair<'d> = (&'d str, Cow<'d, str>);

/// The resources of a Bundle by what refers to them. All but the addresses are only listed when they are asked for.
struct Index<'d> {
    document: &'d Document,
    resources: &'d [NodeId],
    by_url: Urls<'d, &'d str>,
    by_type_and_id: OnceCell<Urls<'d, Cow<'d, str>>>,
    by_identifier: OnceCell<Urls<'d, Pair<'d>>>,
}

impl<'d> Index<'d> {
    fn of(document: &'d Document, resources: &'d [NodeId]) -> Self {
        let mut by_url = HashMap::with_capacity_and_hasher(resources.len(), Keyed);
        for url in resources.iter().filter_map(|r| document.text_at(*r, &["@url"])) {
            enter(&mut by_url, url, url);
        }
        Self { document, resources, by_url, by_type_and_id: OnceCell::new(), by_identifier: OnceCell::new() }
    }

    /// Resources with their addresses.
    fn addressed(&self) -> impl Iterator<Item = (NodeId, &'d str)> {
        let document = self.document;
        self.resources.iter().filter_map(move |r| Some((*r, document.text_at(*r, &["@url"])?)))
    }

    fn types_and_ids(&self) -> &Urls<'d, Cow<'d, str>> {
        self.by_type_and_id.get_or_init(|| {
            let document = self.document;
            let mut urls = HashMap::default();
            for (resource, url) in self.addressed() {
                let kind = document.parent(resource).and_then(|group| document.key(group));
                if let (Some(kind), Some(id)) = (kind, document.text_at(resource, &["id"])) {
                    enter(&mut urls, Cow::Owned(format!("{kind}/{id}")), url);
                } else if let Some(tail) = type_and_id(url) {
                    enter(&mut urls, Cow::Borrowed(tail), url);
                }
            }
            urls
        })
    }

    fn identifiers(&self) -> &Urls<'d, Pair<'d>> {
        self.by_identifier.get_or_init(|| {
            let document = self.document;
            let mut urls = HashMap::default();
            for (resource, url) in self.addressed() {
                let list = document.member(resource, "identifier").filter(|l| document.kind(*l) == Kind::Array);
                for identifier in list.into_iter().flat_map(|l| document.children(l)) {
                    if let Some(pair) = identifier_pair(document, identifier) {
                        enter(&mut urls, pair, url);
                    }
                }
            }
            urls
        })
    }

    fn lookup(&self, reference: &str, base: &str) -> Option<&'d str> {
        let plain = reference.split_once("/_history/").map_or(reference, |(head, _)| head);
        let exact = |key: &str| self.by_url.get(key).copied().flatten();
        if let Some(url) = exact(reference).or_else(|| exact(plain)) {
            return Some(url);
        }
        if plain.starts_with('#') || plain.starts_with("urn:") {
            return None;
        }
        if plain.contains("://") {
            // An absolute address meets a resource that is known by type and id only.
            return exact(type_and_id(plain)?);
        }
        let server = type_and_id(base).and_then(|tail| base.strip_suffix(tail)).unwrap_or("");
        exact(&format!("{server}{plain}")).or_else(|| self.types_and_ids().get(plain).copied().flatten())
    }
}

fn enter<'d, K: std::hash::Hash + Eq>(map: &mut Urls<'d, K>, key: K, url: &'d str) {
    map.entry(key).and_modify(|held| *held = held.filter(|h| *h == url)).or_insert(Some(url));
}

/// `Patient/7` of `https://example.org/fhir/Patient/7`.
fn type_and_id(url: &str) -> Option<&str> {
    let (head, _) = url.rsplit_once('/')?;
    let start = head.rfind('/').map_or(0, |at| at + 1);
    url.get(start..).filter(|tail| tail.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn identifier_pair(document: &Document, identifier: NodeId) -> Option<Pair<'_>> {
    let system = document.text_at(identifier, &["system"])?;
    let value = document.text_at(identifier, &["value"])?;
    // NHS numbers are written with and without spaces.
    let compact = match value.find(char::is_whitespace) {
        None => Cow::Borrowed(value),
        Some(_) => Cow::Owned(value.chars().filter(|c| !c.is_whitespace()).collect()),
    };
    Some((system, compact))
}

/// The Bundle of a regrouped tree: a MessageHeader first (FHIR R4 bdl-12 wants it there), else in the order of the tree.
#[must_use]
pub fn ungroup(tree: &Document) -> Document {
    let mut out = Document::sized(Kind::Object, tree.node_count(), tree.names());
    let mut keys = GraftKeys::new(tree, &out);
    let (from, to) = (tree.root(), out.root());
    out.add_text(to, "resourceType", "Bundle");
    let is_group = |key: &str| key.starts_with(|c: char| c.is_ascii_uppercase());
    let mut groups = Vec::new();
    for child in tree.children(from) {
        match tree.key(child) {
            Some("entry") | None => {}
            Some(key) if is_group(key) => groups.push((key, child)),
            Some(key) => {
                out.graft(to, Some(key), tree, child);
            }
        }
    }
    groups.sort_by_key(|(key, _)| *key != "MessageHeader");
    let rest = tree.member(from, "entry");
    if groups.is_empty() && rest.is_none() {
        return out;
    }
    let list = out.add(to, Some("entry"), Kind::Array, "", 0);
    for (kind, group) in groups {
        for resource in tree.children(group) {
            entry(tree, kind, resource, &mut out, list, &mut keys);
        }
    }
    for kept in rest.into_iter().flat_map(|r| tree.children(r)) {
        out.graft(list, None, tree, kept);
    }
    out
}

fn entry(tree: &Document, kind: &str, resource: NodeId, out: &mut Document, list: NodeId, keys: &mut GraftKeys) {
    let entry = out.add(list, None, Kind::Object, "", 0);
    // A relative `@url` was made here from type and id; `fullUrl` is always absolute.
    if let Some(url) = tree.text_at(resource, &["@url"]).filter(|u| u.contains(':')) {
        out.add_text(entry, "fullUrl", url);
    }
    let body = out.add(entry, Some("resource"), Kind::Object, "", 0);
    out.add_text(body, "resourceType", kind);
    for child in tree.children(resource) {
        match tree.key(child).map(|k| (k, k.strip_prefix('@'))) {
            Some((_, Some("url"))) | None => {}
            Some((_, Some(name))) => {
                let key = out.number_key(name);
                out.graft_with(entry, Some(key), tree, child, keys);
            }
            Some((name, None)) => {
                let key = out.number_key(name);
                out.graft_with(body, Some(key), tree, child, keys);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Limits, Style, json};

    fn grouped(text: &str) -> Document {
        let tree = json::read(text.as_bytes(), &Limits::default()).unwrap();
        regroup(tree, text.as_bytes()).unwrap().document
    }
    fn compact(tree: &Document) -> String {
        String::from_utf8(json::write(tree, tree.root(), Style::Compact)).unwrap()
    }

    #[test]
    fn resources_stand_under_their_type_and_go_back_to_entries() {
        let text = concat!(
            r#"{"resourceType":"Bundle","type":"message","entry":["#,
            r#"{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"a"},"request":{"method":"POST"}},"#,
            r#"{"fullUrl":"urn:uuid:2","resource":{"resourceType":"MessageHeader"}},"#,
            r#"{"response":{"status":"200"}}]}"#
        );
        let tree = grouped(text);
        assert_eq!(
            compact(&tree),
            concat!(
                r#"{"type":"message","Patient":[{"id":"a","@url":"urn:uuid:1","@request":{"method":"POST"}}],"#,
                r#""MessageHeader":[{"@url":"urn:uuid:2"}],"entry":[{"response":{"status":"200"}}]}"#
            )
        );
        let method = tree.at_pointer("/Patient/0/@request/method").unwrap();
        assert_eq!(tree.source_pointer(method), "/entry/0/request/method");
        assert_eq!(tree.source_pointer(tree.at_pointer("/Patient/0/id").unwrap()), "/entry/0/resource/id");
        let back = compact(&ungroup(&tree));
        assert!(back.starts_with(r#"{"resourceType":"Bundle","type":"message","entry":[{"fullUrl":"urn:uuid:2""#));
        assert_eq!(compact(&grouped(&back)).len(), compact(&tree).len());
    }

    #[test]
    fn references_of_every_kind_find_their_resource() {
        let text = concat!(
            r#"{"resourceType":"Bundle","type":"collection","entry":["#,
            r#"{"fullUrl":"https://x.test/fhir/Patient/7","resource":{"resourceType":"Patient","id":"7","#,
            r#""identifier":[{"system":"s","value":"1 2"}]}},"#,
            r#"{"fullUrl":"https://x.test/fhir/Flag/1","resource":{"resourceType":"Flag","a":{"reference":"Patient/7"},"#,
            r#""b":{"reference":"https://x.test/fhir/Patient/7/_history/2"},"c":{"identifier":{"system":"s","value":"12"}},"#,
            r#""d":{"reference":"Patient/8"},"e":{"reference":"urn:uuid:9"},"f":{"reference":"RX9"}}}]}"#
        );
        let tree = grouped(text);
        let at = |member: &str| tree.text_at(tree.at_pointer("/Flag/0").unwrap(), &[member, "reference"]);
        for member in ["a", "b", "c"] {
            assert_eq!(at(member), Some("https://x.test/fhir/Patient/7"), "{member}");
        }
        assert_eq!((at("d"), at("e"), at("f")), (Some("Patient/8"), Some("urn:uuid:9"), Some("RX9")));
    }

    #[test]
    fn a_reference_that_two_resources_answer_is_left_alone() {
        let patient =
            |n: u8| format!(r#"{{"fullUrl":"urn:uuid:{n}","resource":{{"resourceType":"Patient","id":"7"}}}}"#);
        let text = format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{},{},{}]}}"#,
            patient(1),
            patient(2),
            r#"{"resource":{"resourceType":"Flag","subject":{"reference":"Patient/7"}}}"#
        );
        let tree = grouped(&text);
        assert_eq!(tree.text_at(tree.at_pointer("/Flag/0").unwrap(), &["subject", "reference"]), Some("Patient/7"));
    }

    #[test]
    fn what_is_no_bundle_is_refused_with_its_place() {
        for (text, pointer) in [
            ("[]", ""),
            (r#"{"a":1}"#, ""),
            (r#"{"resourceType":"Bundle","entry":{}}"#, "/entry"),
            (r#"{"resourceType":"Bundle","entry":[1]}"#, "/entry/0"),
            (r#"{"resourceType":"Bundle","entry":[{"resource":{"id":"1"}}]}"#, "/entry/0/resource"),
            (r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"@x"}}]}"#, "/entry/0/resource"),
            (
                r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Flag","@url":"x"}}]}"#,
                "/entry/0/resource",
            ),
            (r#"{"resourceType":"Bundle","Patient":[]}"#, ""),
        ] {
            let tree = json::read(text.as_bytes(), &Limits::default()).unwrap();
            let refused = regroup(tree, text.as_bytes()).unwrap_err();
            assert_eq!(refused[0].pointer.as_deref(), Some(pointer), "{text}");
            assert!(refused[0].position.is_some());
        }
    }
}
