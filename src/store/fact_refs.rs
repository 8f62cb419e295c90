//! Which facts belong to a request: what each fact hangs on, and whom it names.
//!
//! Owns the references by which a fact is found again (`refs_of`) and the entities it names (`names_of`), per section of
//! the facts file. A reference is one short text: `p:maya` finds every fact about a person, `t:maya` only their ties
//! (households, links, conflicts), `h:` facts of a hat, `a:` of an account, `c:` of a case, `s:` of a segment, and `=p:maya`
//! the item that *is* the person. A worker's relationships hang on the person or case, never on the worker, so that a
//! request about one family does not load the worker's whole caseload.

use super::facts::Section;
use serde_json::Value;

/// What facts name and requests ask for. The letters are those of the reference texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Person,
    Ties,
    Hat,
    Account,
    Case,
    Segment,
    Agency,
    Team,
    Item,
    /// A worker's list: no closure asks for it.
    Worker,
}

impl Kind {
    const fn letter(self) -> char {
        match self {
            Self::Person => 'p',
            Self::Ties => 't',
            Self::Hat => 'h',
            Self::Account => 'a',
            Self::Case => 'c',
            Self::Segment => 's',
            Self::Agency => 'g',
            Self::Team => 'm',
            Self::Item => 'i',
            Self::Worker => 'w',
        }
    }
    /// The reference under which facts about this entity are found.
    pub(super) fn about(self, id: &str) -> String {
        format!("{}:{id}", self.letter())
    }
    /// The reference under which the entity itself is found.
    pub(super) fn itself(self, id: &str) -> String {
        format!("={}:{id}", self.letter())
    }
}

/// The references under which this fact is found; sorted, each once.
pub(super) fn refs_of(section: Section, id: &str, body: &Value) -> Vec<String> {
    let mut refs = Vec::new();
    let mut about = |kind: Kind, id: &str| refs.push(kind.about(id));
    match section {
        Section::Households => {
            for member in members(body) {
                about(Kind::Person, member);
                about(Kind::Ties, member);
            }
        }
        Section::Links => {
            for person in texts(body, &["a", "b"]) {
                about(Kind::Person, person);
                about(Kind::Ties, person);
            }
        }
        Section::Conflicts => {
            texts(body, &["account"]).for_each(|a| about(Kind::Account, a));
            for person in texts(body, &["person"]) {
                about(Kind::Person, person);
                about(Kind::Ties, person);
            }
        }
        Section::Cases => members(body).for_each(|m| about(Kind::Person, m)),
        Section::ParentalResponsibility => texts(body, &["holder", "child"]).for_each(|p| about(Kind::Person, p)),
        Section::Orders => texts(body, &["child"]).for_each(|p| about(Kind::Person, p)),
        Section::Assessments | Section::Caseloads => texts(body, &["person"]).for_each(|p| about(Kind::Person, p)),
        Section::Protections => {
            for person in texts(body, &["person", "against"]) {
                about(Kind::Person, person);
                // A protected housemate makes an asker's conflict of interest too (R9).
                about(Kind::Ties, person);
            }
        }
        Section::Strands => {
            texts(body, &["hat"]).for_each(|h| about(Kind::Hat, h));
            texts(body, &["linked_to"]).for_each(|p| about(Kind::Person, p));
        }
        Section::Seals => texts(body, &["former", "current"]).for_each(|p| about(Kind::Person, p)),
        Section::Openings | Section::ItemGrants => texts(body, &["segment"]).for_each(|s| about(Kind::Segment, s)),
        Section::Permissions | Section::Overrides => texts(body, &["subject"]).for_each(|p| about(Kind::Person, p)),
        Section::Relationships => {
            texts(body, &["subject"]).for_each(|p| about(Kind::Person, p));
            texts(body, &["case"]).for_each(|c| about(Kind::Case, c));
            texts(body, &["hat"]).for_each(|h| about(Kind::Worker, h));
            // Supervision and delegation are of another hat's work: they hang on the hats, a delegation also when it is for one
            // person or case only, so that one that does not cover the question is known to exist.
            let whole = text(body, "subject").is_none() && text(body, "case").is_none();
            if whole || text(body, "grantor").is_some() {
                texts(body, &["hat"]).for_each(|h| about(Kind::Hat, h));
            }
        }
        Section::Accounts => {
            hats(body).for_each(|h| refs.push(Kind::Hat.itself(h)));
            // So that a person's own account is found from the person (conflicts of interest).
            texts(body, &["person"]).for_each(|p| refs.push(Kind::Ties.about(p)));
        }
        Section::Agencies | Section::Teams | Section::People => {}
    }
    if let Some(kind) = defines(section) {
        refs.push(kind.itself(id));
    }
    refs.sort();
    refs.dedup();
    refs
}

const fn defines(section: Section) -> Option<Kind> {
    match section {
        Section::Agencies => Some(Kind::Agency),
        Section::Teams => Some(Kind::Team),
        Section::Accounts => Some(Kind::Account),
        Section::People => Some(Kind::Person),
        Section::Cases => Some(Kind::Case),
        Section::Assessments => Some(Kind::Item),
        _ => None,
    }
}

/// The entities a fact names: what must be defined beside it.
pub(super) fn names_of(section: Section, body: &Value) -> Vec<(Kind, String)> {
    let mut names = Vec::new();
    for (kind, keys) in NAMED {
        texts(body, keys).for_each(|id| names.push((*kind, id.to_owned())));
    }
    if matches!(section, Section::Households | Section::Cases) {
        members(body).for_each(|id| names.push((Kind::Person, id.to_owned())));
    }
    match section {
        Section::ParentalResponsibility => {
            texts(body, &["holder"]).for_each(|id| names.push((Kind::Agency, id.to_owned())))
        }
        // The adoption officer who keeps the seal.
        Section::Seals => texts(body, &["custodian"]).for_each(|id| names.push((Kind::Hat, id.to_owned()))),
        Section::Permissions => permission_names(body, &mut names),
        Section::ItemGrants => {
            list(body, "to").chain(texts(body, &["to", "by"])).for_each(|id| names.push((Kind::Hat, id.to_owned())))
        }
        Section::Accounts => {
            for hat in body.get("hats").and_then(Value::as_array).into_iter().flatten() {
                texts(hat, &["agency"]).for_each(|id| names.push((Kind::Agency, id.to_owned())));
                texts(hat, &["team"]).for_each(|id| names.push((Kind::Team, id.to_owned())));
            }
        }
        Section::Relationships => {
            for absence in body.get("absences").and_then(Value::as_array).into_iter().flatten() {
                texts(absence, &["cover"]).for_each(|id| names.push((Kind::Hat, id.to_owned())));
            }
            list(body, "cases").for_each(|id| names.push((Kind::Case, id.to_owned())));
        }
        Section::Overrides => {
            for renewal in body.get("renewals").and_then(Value::as_array).into_iter().flatten() {
                texts(renewal, &["approved_by"]).for_each(|id| names.push((Kind::Hat, id.to_owned())));
            }
        }
        Section::Cases => {
            for purpose in body.get("purposes").and_then(Value::as_array).into_iter().flatten() {
                texts(purpose, &["by", "manager"]).for_each(|id| names.push((Kind::Hat, id.to_owned())));
            }
        }
        Section::Caseloads => list(body, "hats").for_each(|id| names.push((Kind::Hat, id.to_owned()))),
        _ => {}
    }
    names
}

/// Members that name an entity of the same kind in every section.
const NAMED: &[(Kind, &[&str])] = &[
    (
        Kind::Person,
        &[
            "person",
            "subject",
            "holder",
            "child",
            "a",
            "b",
            "against",
            "linked_to",
            "former",
            "current",
            "requester",
            "decider",
        ],
    ),
    (
        Kind::Hat,
        &["hat", "of", "grantor", "approved_by", "recorded_by", "marked_by", "set_by", "assessor", "created_by", "by"],
    ),
    (Kind::Account, &["account"]),
    (Kind::Case, &["case", "plan"]),
    (Kind::Agency, &["agency", "custodian"]),
    (Kind::Team, &["team"]),
];

fn permission_names(body: &Value, names: &mut Vec<(Kind, String)>) {
    texts(body, &["decider"]).for_each(|id| names.push((Kind::Agency, id.to_owned())));
    texts(body, &["competence"]).for_each(|id| names.push((Kind::Item, id.to_owned())));
    let exceptions = body.get("exceptions").and_then(Value::as_array).into_iter().flatten();
    for scope in std::iter::once(body).chain(exceptions) {
        let parties = ["from", "to"].into_iter().filter_map(|k| scope.get(k)?.as_array()).flatten();
        for party in parties {
            texts(party, &["agency"]).for_each(|id| names.push((Kind::Agency, id.to_owned())));
            texts(party, &["team"]).for_each(|id| names.push((Kind::Team, id.to_owned())));
            texts(party, &["account"]).for_each(|id| names.push((Kind::Account, id.to_owned())));
        }
    }
    for event in body.get("events").and_then(Value::as_array).into_iter().flatten() {
        // Anybody: who withdraws or objects is a person or an agency, who resolves a hat or an account.
        for kind in [Kind::Person, Kind::Agency, Kind::Hat, Kind::Account] {
            texts(event, &["by"]).for_each(|id| names.push((kind, id.to_owned())));
        }
    }
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn texts<'a>(body: &'a Value, keys: &'a [&str]) -> impl Iterator<Item = &'a str> {
    keys.iter().filter_map(|key| text(body, key))
}

fn list<'a>(body: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    body.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn members(body: &Value) -> impl Iterator<Item = &str> {
    let all = body.get("members").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|m| m.as_str().or_else(|| text(m, "person")))
}

fn hats(body: &Value) -> impl Iterator<Item = &str> {
    body.get("hats").and_then(Value::as_array).into_iter().flatten().filter_map(|h| text(h, "id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_workers_relationship_hangs_on_the_person_and_case_not_on_the_worker() {
        let body = json!({"id": "r", "kind": "allocated", "hat": "priya-sw", "case": "lane"});
        assert_eq!(refs_of(Section::Relationships, "r", &body), ["c:lane", "w:priya-sw"]);
        let body = json!({"id": "r", "kind": "allocated", "hat": "amir-cln", "subject": "dana"});
        assert_eq!(refs_of(Section::Relationships, "r", &body), ["p:dana", "w:amir-cln"]);
        let body = json!({"id": "r", "kind": "supervisor", "hat": "mo", "of": "priya-sw"});
        assert_eq!(refs_of(Section::Relationships, "r", &body), ["h:mo", "w:mo"]);
        // The worker's own list (`w:`) is asked for by pages, never by a closure.
    }

    #[test]
    fn an_account_is_found_by_its_id_each_of_its_hats_and_its_own_person() {
        let body = json!({"id": "grace", "person": "grace-p", "hats": [{"id": "grace-fmh"}, {"id": "grace-cln"}]});
        assert_eq!(
            refs_of(Section::Accounts, "grace", &body),
            ["=a:grace", "=h:grace-cln", "=h:grace-fmh", "t:grace-p"]
        );
    }

    #[test]
    fn household_members_are_found_written_either_way() {
        let body = json!({"id": "h", "members": ["dana", {"person": "theo", "to": "2026-01-01"}]});
        assert_eq!(refs_of(Section::Households, "h", &body), ["p:dana", "p:theo", "t:dana", "t:theo"]);
    }
}
