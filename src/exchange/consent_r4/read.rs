//! Reading a FHIR R4 Consent: what it says, or where it says something that cannot be kept.
//!
//! An element that would narrow the provision and is not understood refuses the whole: ignoring it would widen what the person
//! agreed to. An element that changes nothing is named in the answer as not taken.
//!
//! # Source
//! HL7 FHIR R4 Consent (ppc-1, ppc-2, provision tree, Period); IHE PCF; HL7 v3 ActCode (OPTIN, OPTOUT and kin).

use super::{ACT_CODE, ACT_REASON, CATEGORY_SYSTEM, EXTENSION, PURPOSE_SYSTEM, ROLE_SYSTEM, fault};
use crate::diagnostic::Diagnostic;
use crate::exchange::permit::{NewException, NewPermission};
use crate::exchange::whom::{Party as WhoDecides, Whom};
use crate::ident::{AccountId, AgencyId};
use crate::sharing::facts::{
    self, Capacity, Choice, Day, Period, PermissionChannel, PermissionForm, PermissionKind, Text, Time,
};
use crate::vocabulary::{Category, Purpose, Role};
use serde_json::Value;

/// Most items of one list of a provision.
const LISTED_MAX: usize = 50;

/// Who decided.
pub(super) enum Performer {
    /// The patient, or another person named as one.
    Patient(String),
    /// A relative.
    Related(String),
    /// A council.
    Agency(String),
}

/// A party as the resource names it: elements that must all fit.
#[derive(Clone, Default)]
pub(super) struct Party {
    agency: Option<String>,
    team: Option<String>,
    account: Option<String>,
    role: Option<Role>,
    /// A hat: its account in its role and agency.
    hat: Option<String>,
}

/// Where to look a hat up: its agency, role and account.
pub(super) type HatOf<'a> = dyn Fn(&str) -> Option<(AgencyId, Role, AccountId)> + 'a;

impl Party {
    /// As a fact names it; `None` for a hat that nobody wears.
    pub fn resolve(&self, hat: &HatOf<'_>) -> Option<facts::Party> {
        let mut party = facts::Party {
            agency: self.agency.clone().map(AgencyId::new),
            role: self.role,
            team: self.team.clone().map(facts::TeamId),
            account: self.account.clone().map(AccountId::new),
            anyone: false,
        };
        if let Some(id) = &self.hat {
            let (agency, role, account) = hat(id)?;
            (party.agency, party.role, party.account) = (Some(agency), Some(role), Some(account));
        }
        Some(party)
    }
}

/// One provision.
#[derive(Default)]
struct Provision {
    choice: Option<Choice>,
    categories: Option<Vec<Category>>,
    labels: Option<Vec<String>>,
    from: Option<Vec<Party>>,
    to: Option<Vec<Party>>,
    purposes: Option<Vec<Purpose>>,
    data_period: Option<Period>,
    valid: (Option<Time>, Option<Time>),
}

/// What a Consent says.
pub(super) struct Consent {
    pub patient: String,
    pub performer: Performer,
    pub capacity: Option<Capacity>,
    pub not_taken: Vec<&'static str>,
    choice: Choice,
    kind: PermissionKind,
    told_limits: bool,
    competence: Option<String>,
    pr_evidence: Option<Value>,
    asked: Option<Value>,
    how: PermissionChannel,
    wording: Option<String>,
    kept: Option<String>,
    root: Provision,
    children: Vec<Provision>,
}

/// Reads the resource.
pub(super) fn consent(resource: &Value) -> Result<Consent, Vec<Diagnostic>> {
    let mut found = Vec::new();
    head(resource, &mut found);
    let root_value = resource.get("provision").cloned().unwrap_or(Value::Object(serde_json::Map::new()));
    let root = provision(&root_value, "/provision", true, &mut found);
    let mut children = Vec::new();
    for (index, child) in items(&root_value, "provision").iter().enumerate() {
        let at = format!("/provision/provision/{index}");
        if child.get("provision").is_some() {
            found.push(fault(format!("{at}/provision"), "exceptions go one level deep; a third level is not taken"));
        }
        let read = provision(child, &at, false, &mut found);
        if read.choice.is_none() {
            found.push(fault(format!("{at}/type"), "a nested provision says permit or deny"));
        }
        children.push(read);
    }
    let choice = root.choice.or_else(|| regime(resource));
    if choice.is_none() {
        let text = "neither provision.type nor an opt-in or opt-out policyRule: it expresses no opinion";
        found.push(fault("/provision/type", text));
    }
    let patient = reference(resource.get("patient"), &["Patient"]).map(|(_, id)| id);
    if patient.is_none() {
        found.push(fault("/patient", "a patient-privacy consent names its patient as Patient/id (ppc-2)"));
    }
    let performer = performer(resource, patient.as_deref(), &mut found);
    let (Some(patient), Some(performer), Some(choice), true) = (patient, performer, choice, found.is_empty()) else {
        return Err(found);
    };
    let not_taken = ["verification", "text", "identifier", "organization", "dateTime"];
    let not_taken = not_taken.into_iter().filter(|m| resource.get(*m).is_some()).collect();
    let parse = |name: &str| extension(resource, name).and_then(|v| serde_json::from_value(v).ok());
    Ok(Consent {
        patient,
        performer,
        capacity: extension(resource, "capacity").and_then(|v| serde_json::from_value(v).ok()),
        not_taken,
        choice,
        kind: kind(resource),
        told_limits: extension(resource, "told-limits") == Some(Value::Bool(true)),
        competence: extension(resource, "competence").and_then(|v| v.as_str().map(str::to_owned)),
        pr_evidence: json_extension(resource, "pr-evidence"),
        asked: json_extension(resource, "young-person-asked"),
        how: parse("how").unwrap_or(PermissionChannel::SignedPaper),
        wording: items(resource, "policy").first().and_then(|p| text(p, "uri")),
        kept: resource.get("sourceReference").and_then(|r| text(r, "reference")),
        root,
        children,
    })
}

/// Status, scope, policy and what must not be there.
fn head(resource: &Value, found: &mut Vec<Diagnostic>) {
    if resource.get("resourceType").and_then(Value::as_str) != Some("Consent") {
        found.push(fault("/resourceType", "this path takes a Consent"));
    }
    match resource.get("status").and_then(Value::as_str) {
        Some("active") => {}
        Some("rejected") => found.push(fault("/status", "the form was declined: nothing is in force to be recorded")),
        Some("draft" | "proposed" | "inactive" | "entered-in-error") => {
            found.push(fault("/status", "the consent is not in force; only an active one is recorded"));
        }
        _ => found.push(fault("/status", "status is one of the codes of consent-state-codes")),
    }
    let scoped = |c: &Value| text(c, "code").as_deref() == Some("patient-privacy");
    if !resource.get("scope").is_some_and(|s| items(s, "coding").iter().any(scoped)) {
        found.push(fault("/scope", "only consents of scope patient-privacy are taken"));
    }
    if items(resource, "category").is_empty() {
        found.push(fault("/category", "at least one category is required"));
    }
    if items(resource, "policy").is_empty() && resource.get("policyRule").is_none() {
        found.push(fault("/policy", "policy or policyRule is required (ppc-1)"));
    }
    if resource.get("modifierExtension").is_some() {
        found.push(fault("/modifierExtension", "it may change what the consent means and is not understood"));
    }
    if resource.get("sourceAttachment").is_some_and(|a| a.get("data").is_some()) {
        found.push(fault("/sourceAttachment/data", "the form itself is not kept here; send a reference"));
    }
}

/// OPTIN is the grantor's assent, OPTOUT the dissent; not a regime in which silence means something.
fn regime(resource: &Value) -> Option<Choice> {
    let codes = resource.get("policyRule").map(|r| items(r, "coding")).unwrap_or_default();
    codes.iter().find_map(|c| match text(c, "code").as_deref() {
        Some("OPTIN" | "OPTINR") => Some(Choice::Permit),
        Some("OPTOUT" | "OPTOUTE") => Some(Choice::Refuse),
        _ => None,
    })
}

fn performer(resource: &Value, patient: Option<&str>, found: &mut Vec<Diagnostic>) -> Option<Performer> {
    let named = items(resource, "performer");
    if named.len() > 1 {
        found.push(fault("/performer", "one person decides; each adult signs apart"));
    }
    match named.first() {
        // The patient's own consent, as PCF has it.
        None => patient.map(|id| Performer::Patient(id.to_owned())),
        Some(one) => match reference(Some(one), &["Patient", "RelatedPerson", "Organization"]) {
            Some(("Organization", id)) => Some(Performer::Agency(id)),
            Some(("RelatedPerson", id)) => Some(Performer::Related(id)),
            Some((_, id)) => Some(Performer::Patient(id)),
            None => {
                found.push(fault("/performer/0", "a decider is Patient/id, RelatedPerson/id or Organization/id"));
                None
            }
        },
    }
}

fn kind(resource: &Value) -> PermissionKind {
    let codings = items(resource, "category").into_iter().flat_map(|c| items(&c, "coding"));
    let mut own = codings.filter(|c| text(c, "system").as_deref() == Some(super::KIND_SYSTEM));
    let word = own.find_map(|c| text(&c, "code"));
    word.and_then(|w| serde_json::from_value(Value::String(w)).ok()).unwrap_or_default()
}

fn provision(value: &Value, at: &str, root: bool, found: &mut Vec<Diagnostic>) -> Provision {
    let mut read = Provision {
        choice: match value.get("type").and_then(Value::as_str) {
            Some("permit") => Some(Choice::Permit),
            Some("deny") => Some(Choice::Refuse),
            None => None,
            Some(_) => {
                found.push(fault(format!("{at}/type"), "type is permit or deny"));
                None
            }
        },
        ..Provision::default()
    };
    for unknown in ["action", "class", "code", "modifierExtension"] {
        if value.get(unknown).is_some() {
            found.push(fault(format!("{at}/{unknown}"), "it narrows the consent in a way that cannot be kept"));
        }
    }
    read.valid = match value.get("period") {
        Some(_) if !root => {
            found.push(fault(format!("{at}/period"), "an exception has no term of its own"));
            (None, None)
        }
        Some(period) => span(period, &format!("{at}/period"), found),
        None => (None, None),
    };
    if let Some(period) = value.get("dataPeriod") {
        read.data_period = Some(Period { from: day(period, "start", at, found), to: day(period, "end", at, found) });
    }
    labels(value, at, &mut read, found);
    purposes(value, at, &mut read, found);
    parties(value, at, &mut read, found);
    for list in ["actor", "data", "securityLabel", "purpose", "provision"] {
        if items(value, list).len() > LISTED_MAX {
            found.push(fault(format!("{at}/{list}"), "the list is too long to be a choice"));
        }
    }
    read
}

/// A Period includes its end: a day that is the last one ends at 00:00 of the next.
fn span(period: &Value, at: &str, found: &mut Vec<Diagnostic>) -> (Option<Time>, Option<Time>) {
    let mut read = |member: &str, last: bool| {
        let given = text(period, member)?;
        let whole = Day::parse(&given).ok().filter(|_| last).map(Day::next);
        let time = whole.map_or_else(|| Time::parse(&given).ok(), Some);
        if time.is_none() {
            found.push(fault(format!("{at}/{member}"), "it is a day, or a time with an offset"));
        }
        time
    };
    (read("start", false), read("end", true))
}

fn day(period: &Value, member: &str, at: &str, found: &mut Vec<Diagnostic>) -> Option<Day> {
    let given = text(period, member)?;
    let read = given.get(..10).and_then(|d| Day::parse(d).ok());
    if read.is_none() {
        found.push(fault(format!("{at}/dataPeriod/{member}"), "it is a whole day"));
    }
    read
}

/// Categories of our own, or HL7 sensitivity codes; MH and SUD are the categories MHL and SUB.
fn labels(value: &Value, at: &str, read: &mut Provision, found: &mut Vec<Diagnostic>) {
    let (mut categories, mut codes) = (Vec::new(), Vec::new());
    for (index, label) in items(value, "securityLabel").iter().enumerate() {
        let (system, code) = (text(label, "system").unwrap_or_default(), text(label, "code").unwrap_or_default());
        let category = match (system.as_str(), code.as_str()) {
            (CATEGORY_SYSTEM, code) => Category::parse(code),
            (ACT_CODE, "MH") => Some(Category::Mhl),
            (ACT_CODE, "SUD") => Some(Category::Sub),
            _ => None,
        };
        match (category, system.as_str()) {
            (Some(category), CATEGORY_SYSTEM) => categories.push((category, None)),
            (Some(category), _) => categories.push((category, Some(code))),
            (None, ACT_CODE) if !code.is_empty() => codes.push(code),
            _ => found.push(fault(format!("{at}/securityLabel/{index}"), "this label is not one that can be kept")),
        }
    }
    let ours_only = categories.iter().any(|(_, code)| code.is_none());
    if !codes.is_empty() && ours_only {
        found.push(fault(format!("{at}/securityLabel"), "categories and HL7 sensitivity codes stand in two consents"));
    } else if !codes.is_empty() {
        codes.extend(categories.into_iter().filter_map(|(_, code)| code));
        read.labels = Some(codes);
    } else if !categories.is_empty() {
        read.categories = Some(categories.into_iter().map(|(category, _)| category).collect());
    }
}

/// COC is co-ordination of care (CIN and EH); TREAT covers it and direct care.
fn purposes(value: &Value, at: &str, read: &mut Provision, found: &mut Vec<Diagnostic>) {
    let mut listed: Vec<Purpose> = Vec::new();
    for (index, purpose) in items(value, "purpose").iter().enumerate() {
        let (system, code) = (text(purpose, "system").unwrap_or_default(), text(purpose, "code").unwrap_or_default());
        match (system.as_str(), code.as_str()) {
            (ACT_REASON, "COC") => listed.extend([Purpose::Cin, Purpose::Eh]),
            (ACT_REASON, "TREAT") => listed.extend([Purpose::Dc, Purpose::Cin, Purpose::Eh]),
            (PURPOSE_SYSTEM, code) if Purpose::parse(code).is_some() => listed.extend(Purpose::parse(code)),
            _ => found.push(fault(format!("{at}/purpose/{index}"), "this purpose is not one that can be kept")),
        }
    }
    listed.sort_unstable();
    listed.dedup();
    read.purposes = Some(listed).filter(|l| !l.is_empty());
}

fn parties(value: &Value, at: &str, read: &mut Provision, found: &mut Vec<Diagnostic>) {
    let (mut to, mut from) = (Vec::new(), Vec::new());
    for (index, actor) in items(value, "actor").iter().enumerate() {
        let at = format!("{at}/actor/{index}");
        let role = actor.get("role").map(|r| items(r, "coding")).unwrap_or_default();
        let recipient = |c: &Value| text(c, "code").as_deref() == Some("IRCP");
        let party = actor.get("reference").and_then(party_of);
        match (role.iter().any(recipient), party) {
            (true, Some(party)) => to.push(party),
            (false, _) => found.push(fault(format!("{at}/role"), "only information recipients (IRCP) are kept")),
            (true, None) => {
                found.push(fault(format!("{at}/reference"), "a recipient is explicit, and of a known kind"))
            }
        }
    }
    for (index, data) in items(value, "data").iter().enumerate() {
        let at = format!("{at}/data/{index}");
        let meaning = text(data, "meaning");
        match (meaning.as_deref(), data.get("reference").and_then(party_of)) {
            (Some("authoredby"), Some(party)) => from.push(party),
            (Some("authoredby"), None) => found.push(fault(format!("{at}/reference"), "an author is of a known kind")),
            _ => found.push(fault(format!("{at}/meaning"), "single instances cannot be named from outside")),
        }
    }
    read.to = Some(to).filter(|l| !l.is_empty());
    read.from = Some(from).filter(|l| !l.is_empty());
}

fn party_of(named: &Value) -> Option<Party> {
    let word = |name: &str| extension(named, name).and_then(|v| v.as_str().map(str::to_owned));
    let coded = named.get("identifier").filter(|i| text(i, "system").as_deref() == Some(ROLE_SYSTEM));
    let role = coded.and_then(|i| text(i, "value")).or_else(|| word("role"));
    // A role that is given but not ours must not be dropped: the party would be wider.
    let role = match role {
        Some(code) => Some(Role::parse(&code)?),
        None => None,
    };
    let mut party = Party { role, agency: word("agency"), ..Party::default() };
    if coded.is_some() {
        return Some(party);
    }
    let (kind, id) = reference(Some(named), &["Organization", "CareTeam", "Practitioner", "PractitionerRole"])?;
    match kind {
        "Organization" => party.agency = Some(id),
        "CareTeam" => party.team = Some(id),
        "Practitioner" => party.account = Some(id),
        _ => party.hat = Some(id),
    }
    Some(party)
}

impl Consent {
    /// The hats the parties name.
    pub fn hats(&self) -> Vec<String> {
        let all = std::iter::once(&self.root).chain(&self.children).flat_map(|p| [&p.from, &p.to]).flatten().flatten();
        all.filter_map(|p| p.hat.clone()).collect()
    }

    /// As a permission to record; breadth that a foreign record leaves open is kept open and marked.
    pub fn permission(
        &self,
        subject: Whom,
        decider: WhoDecides,
        capacity: Capacity,
        purpose: Purpose,
        party: &dyn Fn(&Party) -> Option<facts::Party>,
    ) -> Result<NewPermission, Vec<Diagnostic>> {
        let resolved = |list: &Option<Vec<Party>>, at: &str| match list {
            None => Ok(None),
            Some(list) => {
                let all: Option<Vec<facts::Party>> = list.iter().map(party).collect();
                all.map(Some).ok_or_else(|| vec![fault(at.to_owned(), "a hat that is named is not registered")])
            }
        };
        let mut exceptions = Vec::new();
        for child in &self.children {
            exceptions.push(NewException {
                decision: child.choice.unwrap_or(Choice::Refuse),
                categories: child.categories.clone(),
                labels: child.labels.clone(),
                from: resolved(&child.from, "/provision/provision")?,
                to: resolved(&child.to, "/provision/provision")?,
                purposes: child.purposes.clone(),
                data_period: child.data_period,
            });
        }
        let read = |value: &Option<Value>| value.clone();
        let broad = self.root.from.is_none() || self.root.to.is_none();
        Ok(NewPermission {
            purpose,
            subject,
            decider: Some(decider),
            capacity,
            kind: self.kind,
            decision: self.choice,
            categories: self.root.categories.clone(),
            labels: self.root.labels.clone(),
            from: resolved(&self.root.from, "/provision/data")?,
            to: resolved(&self.root.to, "/provision/actor")?,
            purposes: self.root.purposes.clone(),
            data_period: self.root.data_period,
            exceptions,
            valid_from: self.root.valid.0,
            valid_to: self.root.valid.1,
            plan: None,
            told_limits: self.told_limits,
            young_person_asked: read(&self.asked).and_then(|v| serde_json::from_value(v).ok()),
            competence: self.competence.as_deref().map(facts::AssessmentId::from),
            pr_evidence: read(&self.pr_evidence).and_then(|v| serde_json::from_value(v).ok()),
            supersedes: None,
            form: PermissionForm {
                how: self.how,
                language: None,
                interpreter: false,
                digest: None,
                kept: self.kept.as_ref().map(|k| Text::new(k.clone())),
                wording: self.wording.clone(),
                witness: None,
                broad,
            },
            imported: true,
        })
    }
}

/// Members of a list; none when it is no list.
fn items(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// `Kind/id` of one of these kinds; the last two parts of an absolute address count too.
fn reference<'k>(value: Option<&Value>, kinds: &[&'k str]) -> Option<(&'k str, String)> {
    let whole = value?.get("reference")?.as_str()?;
    let mut parts = whole.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    let kind = kinds.iter().find(|k| **k == kind)?;
    (!id.is_empty() && id.len() <= 64).then(|| (*kind, id.to_owned()))
}

/// The value of one of our extensions, whatever its type.
fn extension(value: &Value, name: &str) -> Option<Value> {
    let url = format!("{EXTENSION}{name}");
    let all = items(value, "extension");
    let found = all.iter().find(|e| text(e, "url").as_deref() == Some(url.as_str()))?;
    let member = found.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?;
    Some(member.1.clone())
}

/// An extension whose text is JSON: several members that belong together.
fn json_extension(value: &Value, name: &str) -> Option<Value> {
    extension(value, name).and_then(|v| serde_json::from_str(v.as_str()?).ok())
}
