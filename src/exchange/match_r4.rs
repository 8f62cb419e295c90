//! `Patient/$match` of FHIR R4: reading its Parameters, searching, writing the searchset.
//!
//! The search is [`Gateway::look_for`], the one of the pages: R8 holds, and whoever may not be found is as absent as who is not
//! there, to the byte. What is said of somebody is level S of identity: a name and an age; at level I an id alone. Never an
//! address, a number or a birth date.
//!
//! # Source
//! HL7 FHIR R4 OperationDefinition Patient-match; extension `match-grade`; Bundle searchset.

use super::deed::{Done, User};
use super::search::{FOUND_MAX, Found, Grade, PeopleQuery};
use super::{Caller, Failure, Gateway};
use crate::diagnostic::{Diagnostic, code};
use crate::matching::whole_postcode;
use crate::vocabulary::{Level, Purpose};
use serde_json::{Value, json};
use std::cmp::Reverse;

/// Numberings by the URI of their system.
///
/// # Source
/// FHIR dossier §2: NHS number is national; UPN and a council's own number have no national URI, these are the mapping's.
const SYSTEMS: [(&str, &str); 3] = [
    ("https://fhir.nhs.uk/Id/nhs-number", "nhs-number"),
    ("https://solent.example/id/upn", "upn"),
    ("https://solent.example/id/la-child-id", "la-child-id"),
];
/// The extension that says how sure a match is.
const MATCH_GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";
/// The gateway's own member for an age: R4 has none, and a birth date would say more than level S.
const AGE: &str = "urn:solent:age-in-years";
/// The system of the gateway's ids of people.
const PERSON: &str = "urn:solent:person";
/// What every disclosure carries (R18).
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// What is asked.
struct Wanted {
    query: PeopleQuery,
    only_certain: bool,
    count: usize,
}

impl Gateway {
    /// Answers a match: logged, then a searchset Bundle.
    ///
    /// # Errors
    /// As a search at the pages; [`Failure::Invalid`] for Parameters that are none.
    pub async fn match_person(
        &self,
        caller: &Caller,
        user: &User,
        purpose: Purpose,
        parameters: &Value,
    ) -> Result<Done, Failure> {
        let wanted = read(parameters).map_err(|fault| Failure::Invalid(vec![fault]))?;
        let looked = self.look_for(caller, user, Some(purpose), &wanted.query).await?;
        let mut found = looked.found.ok_or(Failure::Unclear("more than five people fit: say more of the one meant"))?;
        found.sort_by(|a, b| (Reverse(a.grade), &a.person).cmp(&(Reverse(b.grade), &b.person)));
        if wanted.only_certain {
            found.retain(|one| one.grade == Grade::Certain);
        }
        found.truncate(wanted.count);
        let entries: Vec<Value> = found.iter().map(|one| entry(one, looked.level)).collect();
        let mut body = json!({
            "resourceType": "Bundle", "meta": {"security": labels()}, "type": "searchset", "total": entries.len(),
        });
        if let (Value::Object(members), false) = (&mut body, entries.is_empty()) {
            members.insert("entry".to_owned(), Value::Array(entries));
        }
        Ok(Done { created: false, body, receipt: looked.receipt })
    }
}

fn fault(pointer: String, text: &str) -> Diagnostic {
    Diagnostic::error(code::HTTP_BODY, text).with_pointer(pointer)
}

fn read(parameters: &Value) -> Result<Wanted, Diagnostic> {
    if parameters.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(fault("/resourceType".to_owned(), "the body is a Parameters resource"));
    }
    let mut patient = None;
    let mut wanted = Wanted { query: PeopleQuery::default(), only_certain: false, count: FOUND_MAX };
    let mut seen: Vec<&str> = Vec::new();
    for (index, part) in items(parameters, "parameter").iter().enumerate() {
        let at = |member: &str| format!("/parameter/{index}/{member}");
        let name = part.get("name").and_then(Value::as_str).unwrap_or_default();
        if seen.contains(&name) {
            return Err(fault(at("name"), "a parameter stands twice"));
        }
        seen.push(name);
        match name {
            "resource" => patient = Some((index, part.get("resource").unwrap_or(&Value::Null))),
            "onlyCertainMatches" => {
                let said = part.get("valueBoolean").and_then(Value::as_bool);
                wanted.only_certain = said.ok_or_else(|| fault(at("valueBoolean"), "true or false is expected"))?;
            }
            "count" => {
                let said = part.get("valueInteger").and_then(Value::as_u64).filter(|n| *n > 0);
                let said = said.ok_or_else(|| fault(at("valueInteger"), "a number from 1 is expected"))?;
                wanted.count = usize::try_from(said).unwrap_or(FOUND_MAX).min(FOUND_MAX);
            }
            _ => return Err(fault(at("name"), "resource, onlyCertainMatches and count are known")),
        }
    }
    let Some((index, patient)) = patient else {
        return Err(fault("/parameter".to_owned(), "the parameter resource holds the Patient to match"));
    };
    if patient.get("resourceType").and_then(Value::as_str) != Some("Patient") {
        return Err(fault(format!("/parameter/{index}/resource/resourceType"), "a Patient is expected"));
    }
    wanted.query = query(patient);
    Ok(wanted)
}

/// What of a Patient can be searched by; the rest of it narrows nothing.
fn query(patient: &Value) -> PeopleQuery {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names = items(patient, "name");
    let whole = |name: &&Value| name.get("family").is_some() && !items(name, "given").is_empty();
    let used = |word: &str| names.iter().filter(whole).find(|n| n.get("use").and_then(Value::as_str) == Some(word));
    let name = used("official").or_else(|| used("usual")).or_else(|| names.iter().find(whole));
    let given = name.and_then(|n| items(n, "given").first()).and_then(Value::as_str).unwrap_or_default();
    let number = |identifier: &Value| {
        let system = identifier.get("system").and_then(Value::as_str)?;
        let (_, scheme) = SYSTEMS.iter().find(|(uri, _)| *uri == system)?;
        Some(((*scheme).to_owned(), text(identifier, "value")))
    };
    PeopleQuery {
        family: name.map(|n| text(n, "family")).unwrap_or_default(),
        given: given.to_owned(),
        born: text(patient, "birthDate"),
        postcode: home(patient),
        numbers: items(patient, "identifier").iter().filter_map(number).collect(),
    }
}

/// The postcode of the home: of the first address that is one. What is no whole postcode narrows nothing, as nothing else of
/// an address does.
fn home(patient: &Value) -> String {
    let word = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let homes = items(patient, "address").iter().filter(|a| word(a, "use").is_none_or(|used| used == "home"));
    homes.filter_map(|a| word(a, "postalCode")).find(|code| whole_postcode(code).is_some()).unwrap_or_default()
}

fn items<'v>(of: &'v Value, name: &str) -> &'v [Value] {
    of.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn labels() -> Value {
    let coding = |system: &str, code: &str| json!({"system": system, "code": code});
    json!([coding(CONFIDENTIALITY, "N"), coding(ACT_CODE, "NORDSCLCD"), coding(ACT_CODE, "NOREUSE")])
}

fn entry(found: &Found, level: Level) -> Value {
    let (grade, score) = match found.grade {
        Grade::Certain => ("certain", "1.0"),
        Grade::Probable => ("probable", "0.8"),
        Grade::Possible => ("possible", "0.5"),
    };
    let score: Value = serde_json::from_str(score).unwrap_or_default();
    let mut patient = json!({"resourceType": "Patient", "meta": {"security": labels()}});
    if let Value::Object(members) = &mut patient {
        if let Some(age) = found.age.filter(|_| level >= Level::S) {
            members.insert("extension".to_owned(), json!([{"url": AGE, "valueInteger": age}]));
        }
        members.insert("identifier".to_owned(), json!([{"system": PERSON, "value": found.person}]));
        if level >= Level::S && !found.name.is_empty() {
            members.insert("name".to_owned(), json!([{"text": found.name}]));
        }
    }
    json!({
        "fullUrl": format!("{PERSON}:{}", found.person), "resource": patient,
        "search": {"extension": [{"url": MATCH_GRADE, "valueCode": grade}], "mode": "match", "score": score},
    })
}
