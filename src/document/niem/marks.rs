//! What a police notification says only between the lines: whom its parts are about, and who must be protected.
//!
//! A mapping rule sees one item; these facts come from several. They are put beside the items as members of our own:
//! `@about` (ids of people), `@protect` (`informant`, `place` or `none`), `@role` (the part in the record), `@scheme` (which
//! register an identifier is of), `@means` (phone or e-mail).
//! [`findings`] are the rules of a notification that no schema can say. Knows no canonical word and writes no label.
//!
//! # Source
//! Dossier on police messages, §3 (a victim's address is never to be found by the perpetrator), §6, §8 (references;
//! invariants beyond schema; informants).

use crate::diagnostic::{Diagnostic, Span, code};
use crate::document::{Document, Kind, NodeId};

const PEOPLE: &str = "nc:Person";
const INVOLVED: &str = "pn:InvolvementAssociation";
const RELATED: &str = "pn:RelationshipAssociation";
const MISSING: &str = "j:MissingPerson";

/// Who a notification is about, when one of these is there.
const SUBJECTS: [&str; 4] = ["SUBJECT", "VICTIM", "CHILD-PRESENT", "CHILD-HOUSEHOLD"];
/// Whose words the voice of the child can be.
const CHILDREN: [&str; 3] = ["SUBJECT", "CHILD-PRESENT", "CHILD-HOUSEHOLD"];
/// Notices of domestic abuse: where everybody but the suspect lives is a place to be protected.
const ABUSE_NOTICES: [&str; 3] = ["PPN-DA", "MARAC", "SCHOOL-DA"];
/// Risk tools of domestic abuse.
const ABUSE_TOOLS: [&str; 2] = ["DASH", "DARA"];

/// Words forces write for a register, in small letters without blanks and hyphens, and our word for it.
const SCHEMES: [(&str, &str); 18] = [
    ("nhsnumber", "nhs-number"),
    ("nhsno", "nhs-number"),
    ("nhs", "nhs-number"),
    ("upn", "upn"),
    ("uniquepupilnumber", "upn"),
    ("uln", "uln"),
    ("uniquelearnernumber", "uln"),
    ("pncid", "pnc-id"),
    ("pnc", "pnc-id"),
    ("cro", "cro-number"),
    ("cronumber", "cro-number"),
    ("forcenominalreference", "police-ref"),
    ("nominalreference", "police-ref"),
    ("nominalref", "police-ref"),
    ("custodyreference", "custody-ref"),
    ("custodyref", "custody-ref"),
    ("lachildid", "la-child-id"),
    ("urn", "urn"),
];

/// The tree with its marks.
pub(super) fn marked(mut tree: Document) -> Document {
    merge_missing(&mut tree);
    let cast = Cast::of(&tree);
    cast.mark_people(&mut tree);
    cast.mark_parts(&mut tree);
    tree
}

/// `j:MissingPerson` is the same person as the `nc:Person` of its id: what it says of the person goes there, unless that
/// says it already.
fn merge_missing(tree: &mut Document) {
    let root = tree.root();
    let Some(role) = tree.member(root, MISSING) else { return };
    let Some(id) = tree.text_at(role, &["@id"]).map(str::to_owned) else { return };
    let Some(person) = items(tree, root, PEOPLE).into_iter().find(|p| tree.text_at(*p, &["@id"]) == Some(&*id)) else {
        return;
    };
    for child in tree.children(role).collect::<Vec<_>>() {
        let Some(key) = tree.key(child).map(str::to_owned) else { continue };
        if !key.starts_with("j:") && !key.starts_with('@') && tree.member(person, &key).is_none() {
            let origin = tree.source_pointer(child);
            tree.relocate(child, person, Some(&key));
            tree.set_origin(child, &origin);
        }
    }
}

fn items(tree: &Document, of: NodeId, name: &str) -> Vec<NodeId> {
    match tree.member(of, name) {
        Some(list) if tree.kind(list) == Kind::Array => tree.children(list).collect(),
        other => other.into_iter().collect(),
    }
}

/// A person's id and the codes of the part they play.
struct Cast {
    people: Vec<(NodeId, String, Vec<String>)>,
    abuse: bool,
}

impl Cast {
    fn of(tree: &Document) -> Self {
        let root = tree.root();
        let mut people: Vec<(NodeId, String, Vec<String>)> = items(tree, root, PEOPLE)
            .into_iter()
            .filter_map(|p| Some((p, tree.text_at(p, &["@id"])?.to_owned(), Vec::new())))
            .collect();
        for link in items(tree, root, INVOLVED) {
            let id = tree.text_at(link, &[PEOPLE, "@id"]);
            if let Some((_, _, codes)) = people.iter_mut().find(|(_, p, _)| Some(p.as_str()) == id) {
                codes.extend(codes_of(tree, link));
            }
        }
        let category = tree.text_at(root, &["pn:NotificationCategoryCode"]);
        let tool = |a: &NodeId| tree.text_at(*a, &["pn:RiskToolCode"]).is_some_and(|t| ABUSE_TOOLS.contains(&t));
        let abuse = category.is_some_and(|c| ABUSE_NOTICES.contains(&c))
            || items(tree, root, "pn:RiskAssessment").iter().any(tool);
        Self { people, abuse }
    }

    /// Ids of the people with one of these codes; everybody but informants and suspects when there is none.
    fn about(&self, codes: &[&str]) -> Vec<&str> {
        let with = |wanted: &dyn Fn(&[String]) -> bool| -> Vec<&str> {
            self.people.iter().filter(|(_, _, c)| wanted(c)).map(|(_, id, _)| id.as_str()).collect()
        };
        let has = |held: &[String], list: &[&str]| held.iter().any(|c| list.contains(&c.as_str()));
        let found = with(&|held| has(held, codes) && !has(held, &["INFORMANT"]));
        if !found.is_empty() {
            return found;
        }
        let others = with(&|held| !has(held, &["INFORMANT", "SUSPECT"]));
        if others.is_empty() { with(&|held| !has(held, &["INFORMANT"])) } else { others }
    }

    fn mark_people(&self, tree: &mut Document) {
        let related = related(tree);
        for (person, id, codes) in &self.people {
            let has = |code: &str| codes.iter().any(|c| c == code);
            let informant = has("INFORMANT");
            tree.add_text(*person, "@protect", if informant { "informant" } else { "none" });
            tree.add_text(*person, "@role", part(codes, related.contains(id)));
            // A victim's place is protected in every notice; in one of domestic abuse everybody's but the suspect's.
            let place = !informant && (has("VICTIM") || (self.abuse && !has("SUSPECT")));
            for list in ["nc:PersonResidenceAddress", "nc:PersonContactInformation"] {
                for item in
                    items(tree, *person, list).into_iter().filter(|i| tree.kind(*i) == Kind::Object).collect::<Vec<_>>()
                {
                    if !informant {
                        tree.add_text(item, "@protect", if place { "place" } else { "none" });
                    }
                    if list == "nc:PersonContactInformation" {
                        let mail = tree.member(item, "nc:ContactEmailID").is_some();
                        tree.add_text(item, "@means", if mail { "email" } else { "phone" });
                    }
                }
            }
            for item in items(tree, *person, "nc:PersonOtherIdentification") {
                let words = tree.text_at(item, &["nc:IdentificationCategoryText"]).unwrap_or("").to_ascii_lowercase();
                let words: String = words.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
                let scheme = SCHEMES.iter().find(|(w, _)| *w == words).map_or("other", |(_, s)| *s);
                if tree.kind(item) == Kind::Object {
                    tree.add_text(item, "@scheme", if scheme == "urn" { "other" } else { scheme });
                }
            }
        }
        let informants: Vec<&str> =
            self.people.iter().filter(|(_, _, c)| c.iter().any(|c| c == "INFORMANT")).map(|(_, id, _)| &**id).collect();
        for (list, members) in [(INVOLVED, &[PEOPLE][..]), (RELATED, &["pn:FromPerson", "pn:ToPerson"][..])] {
            for link in items(tree, tree.root(), list) {
                let ids: Vec<String> =
                    members.iter().filter_map(|m| Some(tree.text_at(link, &[m, "@id"])?.to_owned())).collect();
                let hidden = ids.iter().any(|id| informants.contains(&id.as_str()));
                if tree.kind(link) == Kind::Object {
                    tree.add_text(link, "@protect", if hidden { "informant" } else { "none" });
                }
                put(tree, link, &ids.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
    }

    fn mark_parts(&self, tree: &mut Document) {
        let root = tree.root();
        let about = self.about(&SUBJECTS);
        put(tree, root, &about);
        for name in ["nc:Incident", "hs:JuvenileAbuseNeglectAllegation", "pn:CircumstancesText", "pn:ActionTakenText"] {
            for part in items(tree, root, name) {
                put(tree, part, &about);
                for place in items(tree, part, "nc:ActivityLocation") {
                    put(tree, place, &about);
                    if tree.kind(place) == Kind::Object {
                        tree.add_text(place, "@protect", if self.abuse { "place" } else { "none" });
                    }
                }
            }
        }
        let children = self.about(&CHILDREN);
        for part in items(tree, root, "pn:VoiceOfChildText") {
            put(tree, part, &children);
        }
    }
}

/// Ids of everybody a relationship speaks of.
fn related(tree: &Document) -> Vec<String> {
    let links = items(tree, tree.root(), RELATED).into_iter();
    let ends =
        |l: NodeId| ["pn:FromPerson", "pn:ToPerson"].into_iter().filter_map(move |m| tree.text_at(l, &[m, "@id"]));
    links.flat_map(ends).map(str::to_owned).collect()
}

/// The part of a person in the record: whom it is about, who belongs to them, who cares for them, others.
fn part(codes: &[String], related: bool) -> &'static str {
    let has = |list: &[&str]| codes.iter().any(|c| list.contains(&c.as_str()));
    match (has(&["INFORMANT"]), has(&SUBJECTS)) {
        (false, true) => "subject",
        (false, false) if related => "relative",
        (false, false) if has(&["CARER"]) => "carer",
        _ => "other",
    }
}

fn codes_of(tree: &Document, link: NodeId) -> Vec<String> {
    items(tree, link, "pn:InvolvementCode").into_iter().filter_map(|c| Some(tree.text(c)?.to_owned())).collect()
}

fn put(tree: &mut Document, part: NodeId, about: &[&str]) {
    if about.is_empty() || tree.kind(part) != Kind::Object || tree.member(part, "@about").is_some() {
        return;
    }
    let list = tree.add(part, Some("@about"), Kind::Array, "", 0);
    for id in about {
        tree.add(list, None, Kind::String, id, 0);
    }
}

/// What is wrong with a notification beyond its schema: references, and the rules of each kind of notice. `source` is
/// the text it was read from; `None` for a tree that was built.
#[must_use]
pub fn findings(tree: &Document, source: Option<&[u8]>) -> Vec<Diagnostic> {
    let mut check = Check { tree, source, found: Vec::new() };
    check.references();
    check.notice();
    check.found
}

struct Check<'a> {
    tree: &'a Document,
    source: Option<&'a [u8]>,
    found: Vec<Diagnostic>,
}

impl Check<'_> {
    fn fault(&mut self, node: NodeId, text: &str) {
        let fault = Diagnostic::error(code::SCHEMA_INVALID, text).with_pointer(self.tree.source_pointer(node));
        let at = self.tree.offset(node);
        self.found.push(match self.source {
            Some(source) => fault.with_span(Span { start: at, end: at + 1 }, source),
            None => fault,
        });
    }

    fn references(&mut self) {
        let (tree, root) = (self.tree, self.tree.root());
        let mut ids: Vec<&str> = Vec::new();
        for person in items(tree, root, PEOPLE) {
            match tree.text_at(person, &["@id"]) {
                None => self.fault(person, "a person without an id: nothing can refer to them"),
                Some(id) if ids.contains(&id) => self.fault(person, "another person of this message has the same id"),
                Some(id) => ids.push(id),
            }
        }
        let referring = [
            (INVOLVED, PEOPLE),
            (RELATED, "pn:FromPerson"),
            (RELATED, "pn:ToPerson"),
            ("pn:RiskAssessment", "pn:AssessedPerson"),
        ];
        for (list, member) in referring {
            for item in items(tree, root, list) {
                let Some(reference) = tree.member(item, member) else { continue };
                if !tree.text_at(reference, &["@id"]).is_some_and(|id| ids.contains(&id)) {
                    self.fault(reference, "this reference leads to no person of the message");
                }
            }
        }
        if let Some(role) = tree.member(root, MISSING)
            && !tree.text_at(role, &["@id"]).is_some_and(|id| ids.contains(&id))
        {
            self.fault(role, "the missing person is no person of the message");
        }
    }

    fn notice(&mut self) {
        let (tree, root) = (self.tree, self.tree.root());
        let category = tree.text_at(root, &["pn:NotificationCategoryCode"]).unwrap_or("");
        let has = |name: &str| !items(tree, root, name).is_empty();
        let codes: Vec<String> = items(tree, root, INVOLVED).into_iter().flat_map(|l| codes_of(tree, l)).collect();
        let plays = |code: &str| codes.iter().any(|c| c == code);
        if matches!(category, "MISSING" | "FOUND") && !has(MISSING) {
            self.fault(root, "this kind of notice needs `j:MissingPerson`");
        }
        if category == "FOUND" && tree.find(root, &[MISSING, "j:MissingPersonFoundDate"]).is_none() {
            self.fault(root, "a notice that somebody is found needs `j:MissingPersonFoundDate`");
        }
        if category == "PPN-DA" && !plays("VICTIM") {
            self.fault(root, "a notice of domestic abuse needs a person with the code VICTIM");
        }
        if category == "MARAC" && !items(tree, root, "pn:RiskAssessment").into_iter().any(|a| is_marac_ground(tree, a))
        {
            self.fault(root, "a referral to a MARAC needs a DASH assessment or professional judgement");
        }
        if category == "SCHOOL-DA" {
            let address = |p: &NodeId| tree.member(*p, "nc:PersonResidenceAddress").is_some();
            let address = items(tree, root, PEOPLE).iter().any(address);
            if has("nc:Incident") || has("pn:RiskAssessment") || plays("SUSPECT") || address {
                self.fault(root, "a notice to a school names no incident, address, suspect or risk assessment");
            }
        }
        let handling = tree.member(root, "pn:Handling");
        if let Some(handling) = handling.filter(|h| tree.text_at(*h, &["pn:HandlingCode"]) == Some("C"))
            && tree.member(handling, "pn:HandlingInstructionText").is_none()
        {
            self.fault(handling, "the handling code C needs `pn:HandlingInstructionText`");
        }
    }
}

fn is_marac_ground(tree: &Document, assessment: NodeId) -> bool {
    tree.text_at(assessment, &["pn:RiskToolCode"]) == Some("DASH")
        || tree.text_at(assessment, &["pn:ProfessionalJudgementIndicator"]) == Some("true")
}
