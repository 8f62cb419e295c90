//! The people of a disclosure: who must stand in it, as whom, and with which of several identities.

use super::Form;
use super::{
    Document, Held, Identities, Join, Kind, Mention, NodeId, REQUIRED_LINKS, Request, alias_of, array_of, doc, find,
    people_of, texts,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everybody who must stand in the record, by alias: released identity, a released nested segment, or the subject or
/// required link of something released.
pub(super) fn people_needed<'a>(
    request: &Request<'_>,
    held: &[Held<'a>],
    forms: &BTreeMap<(usize, String), Form>,
) -> BTreeMap<String, Vec<Mention<'a>>> {
    let mut named: BTreeSet<(usize, String)> = BTreeSet::new();
    for (index, local) in forms.keys() {
        let Some(place) = held.get(*index) else { continue };
        let Some(segment) = find(place, local) else { continue };
        named.extend(texts(doc(place), segment, &["label", "about"]).into_iter().map(|id| (*index, id)));
        for (_, link) in REQUIRED_LINKS.iter().filter(|(array, _)| array_of(place, segment) == Some(*array)) {
            named.extend(doc(place).text_at(segment, &[link]).map(|id| (*index, id.to_owned())));
        }
    }
    let mut needed: BTreeMap<String, Vec<Mention<'a>>> = BTreeMap::new();
    for (index, place) in held.iter().enumerate() {
        for (local, node) in people_of(place) {
            if named.contains(&(index, local.to_owned())) {
                let alias = alias_of(request, held, index, local);
                needed.entry(alias).or_default().push(Mention { held: index, node, local });
            }
        }
    }
    needed
}

impl<'a> Join<'a> {
    /// The first released identity becomes the person: one that speaks of them as subject before one that names them as
    /// a relative, the receiver's own before another's. Nobody's identity released: a skeleton of id, label and role.
    pub(super) fn add_person(&self, out: &mut Document, people: NodeId, alias: &str, mentions: &[Mention<'a>]) {
        let mut identities: Vec<&Mention<'a>> =
            mentions.iter().filter(|m| self.form(m.held, m.local).is_some()).collect();
        identities.sort_by_key(|m| self.remoteness(m));
        let mut first = None;
        for mention in identities {
            match (first, self.request.identities) {
                (None, _) => {
                    let node = out.add(people, None, Kind::Object, "", 0);
                    self.copy_segment(out, node, *mention, alias);
                    first = Some(node);
                }
                (Some(node), Identities::Merged) => self.complete(out, node, *mention),
                (Some(_), Identities::Separate | Identities::Marked) => {
                    let Some(place) = self.held.get(mention.held) else { continue };
                    let own = (self.request.alias)(&format!("{}/{}", place.id, mention.local));
                    let node = out.add(people, None, Kind::Object, "", 0);
                    self.copy_segment(out, node, *mention, &own);
                    // A person's segment is about that person; that both are one is for the receiver's index to say.
                    if let Some(about) = out.find(node, &["label", "about"]).and_then(|l| out.item(l, 0)) {
                        out.set_scalar(about, Kind::String, &own);
                    }
                    if self.request.identities == Identities::Marked {
                        out.add_text(node, "same_as", alias);
                    }
                }
            }
        }
        let node = match (first, mentions.first()) {
            (Some(node), _) => node,
            (None, Some(mention)) => self.skeleton(out, people, alias, *mention),
            (None, None) => return,
        };
        if let Some(role) = out.member(node, "role").filter(|_| alias == self.request.subject) {
            out.set_scalar(role, Kind::String, "subject");
        }
        for name in ["telecoms", "addresses"] {
            self.add_nested(out, node, name, mentions);
        }
    }

    fn remoteness(&self, mention: &Mention<'a>) -> (bool, bool) {
        let Some(place) = self.held.get(mention.held) else { return (true, true) };
        let text = |path: &[&str]| doc(place).text_at(mention.node, path);
        (text(&["role"]) != Some("subject"), text(&["label", "custodian"]) != Some(self.request.receiver))
    }

    /// Adds what another released identity of the same person says and the first does not.
    fn complete(&self, out: &mut Document, node: NodeId, mention: Mention<'a>) {
        let mut other = Document::new(Kind::Object);
        let root = other.root();
        self.copy_segment(&mut other, root, mention, "other");
        for child in other.children(root) {
            let Some(name) = other.key(child) else { continue };
            match out.member(node, name) {
                None => {
                    out.graft(node, Some(name), &other, child);
                }
                Some(list) if matches!(name, "identifiers" | "languages") => {
                    for item in other.children(child) {
                        if !out.children(list).any(|known| out.same(known, &other, item)) {
                            out.graft(list, None, &other, item);
                        }
                    }
                }
                Some(_) => {}
            }
        }
    }

    fn skeleton(&self, out: &mut Document, people: NodeId, alias: &str, mention: Mention<'a>) -> NodeId {
        let node = out.add(people, None, Kind::Object, "", 0);
        out.add_text(node, "id", alias);
        let Some(place) = self.held.get(mention.held) else { return node };
        let source = doc(place);
        let label = out.add(node, Some("label"), Kind::Object, "", 0);
        for name in ["category", "confidentiality", "custodian"] {
            out.add_text(label, name, source.text_at(mention.node, &["label", name]).unwrap_or("none"));
        }
        let about = out.add(label, Some("about"), Kind::Array, "", 0);
        out.add(about, None, Kind::String, alias, 0);
        for (name, value) in [("third_party", "none"), ("basis_marker", "reported")] {
            out.add_text(label, name, value);
        }
        out.add_text(
            label,
            "author_role",
            source.text_at(mention.node, &["label", "author_role"]).unwrap_or("unknown"),
        );
        out.add_text(node, "role", source.text_at(mention.node, &["role"]).unwrap_or("other"));
        node
    }

    fn add_nested(&self, out: &mut Document, person: NodeId, name: &str, mentions: &[Mention<'a>]) {
        let mut list = None;
        for mention in mentions {
            let Some(place) = self.held.get(mention.held) else { continue };
            let Some(items) = doc(place).member(mention.node, name) else { continue };
            for item in doc(place).children(items) {
                let Some(local) = doc(place).text_at(item, &["id"]) else { continue };
                if self.form(mention.held, local).is_none() {
                    continue;
                }
                let list = *list.get_or_insert_with(|| out.add(person, Some(name), Kind::Array, "", 0));
                let node = out.add(list, None, Kind::Object, "", 0);
                let alias = (self.request.alias)(&format!("{}/{local}", place.id));
                self.copy_segment(out, node, Mention { held: mention.held, node: item, local }, &alias);
            }
        }
    }
}
