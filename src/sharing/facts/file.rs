//! Reading a facts file: bytes to [`Facts`], with coded errors in a stated order.
//!
//! YAML 1.2 or JSON; then the schema; then moments that do not exist. Ids are checked by [`crate::sharing::World::new`].
//! An error names place and rule, never a value. Source: facts file paper §1, §7.

use super::{Day, Facts, Time, TimeError};
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Limits, json};
use serde_json::Value;

/// Largest facts file, 16 MiB: a county's open cases fit in a quarter of it.
pub const FACTS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Schema faults reported at once; beyond this the file is of another kind.
const FAULTS_MAX: usize = 20;

/// A reader for facts files: the compiled schema.
#[derive(Debug)]
pub struct Reader {
    schema: jsonschema::Validator,
}

impl Reader {
    /// Compiles the schema `schemas/config/facts.schema.json`.
    ///
    /// # Errors
    /// `SOL-SCHEMA-FILE` when the schema itself cannot be used.
    pub fn new(schema: &[u8]) -> Result<Self, Diagnostic> {
        let unusable = || Diagnostic::error(code::SCHEMA_FILE, "the schema of facts files cannot be used");
        let schema: Value = serde_json::from_slice(schema).map_err(|_| unusable())?;
        let schema = jsonschema::draft202012::new(&schema).map_err(|_| unusable())?;
        Ok(Self { schema })
    }

    /// Reads a facts file.
    ///
    /// # Errors
    /// The faults of the first stage that finds any: `SOL-FACTS-SYNTAX`, then `-SCHEMA`, then `-TIME`.
    pub fn read(&self, bytes: &[u8]) -> Result<Facts, Vec<Diagnostic>> {
        let value = syntax(bytes).map_err(|fault| vec![fault])?;
        let mut faults: Vec<Diagnostic> = self
            .schema
            .iter_errors(&value)
            .take(FAULTS_MAX)
            .map(|error| {
                let text = format!("does not follow the schema: `{}`", error.kind().keyword());
                Diagnostic::error(code::FACTS_SCHEMA, text).with_pointer(error.instance_path().to_string())
            })
            .collect();
        if faults.is_empty() {
            moments(&value, "", "", &mut faults);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        serde_json::from_value(value)
            .map_err(|_| vec![Diagnostic::error(code::FACTS_SCHEMA, "does not follow the schema").with_pointer("")])
    }
}

fn syntax(bytes: &[u8]) -> Result<Value, Diagnostic> {
    let fault = |text: String| Diagnostic::error(code::FACTS_SYNTAX, text).with_pointer("");
    if bytes.len() > FACTS_BYTES_MAX {
        return Err(fault(format!("the file is larger than {FACTS_BYTES_MAX} bytes")));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| fault("the file is not UTF-8".to_owned()))?;
    // JSON by its own strict reader, which refuses duplicate keys; a YAML flow mapping starts with the same character.
    if text.trim_start().starts_with('{') {
        match (serde_json::from_str(text), json::read(bytes, &Limits::file())) {
            (Ok(value), Ok(_)) => return Ok(value),
            (Ok(_), Err(_)) => {
                return Err(fault("the file is not strict JSON: a duplicate key, or too deep".to_owned()));
            }
            (Err(_), _) => {}
        }
    }
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        fault(place.map_or_else(
            || "the file is not well-formed YAML or JSON".to_owned(),
            |at| format!("not well-formed YAML or JSON at line {}, column {}", at.line(), at.column()),
        ))
    })
}

/// Members that hold a moment; `from` and `to` only where they are texts (a party list is not).
const MOMENTS: [&str; 15] = [
    "now",
    "person_linked_at",
    "active_from",
    "active_to",
    "died",
    "from",
    "to",
    "until",
    "at",
    "valid_from",
    "valid_to",
    "recorded_at",
    "told_at",
    "requested_at",
    "approved_at",
];
/// Members that hold a day.
const DAYS: [&str; 4] = ["born", "observed", "date", "review"];

/// Finds moments that do not exist. `key` is the member the value stands in, `section` the one above.
fn moments(value: &Value, pointer: &str, section: &str, faults: &mut Vec<Diagnostic>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let here = format!("{pointer}/{name}");
                match inner {
                    Value::String(text) if !is_reference(section, name) && !exists(name, text) => {
                        faults.push(Diagnostic::error(code::FACTS_TIME, "there is no such moment").with_pointer(here));
                    }
                    _ => moments(inner, &here, name, faults),
                }
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                moments(inner, &format!("{pointer}/{at}"), section, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `to` of an item grant and of forwarding is a hat, not a moment.
fn is_reference(section: &str, name: &str) -> bool {
    name == "to" && matches!(section, "item_grants" | "act")
}

fn exists(name: &str, text: &str) -> bool {
    if MOMENTS.contains(&name) {
        Time::parse(text) != Err(TimeError::NoSuchMoment) && Time::parse(text).is_ok()
    } else if DAYS.contains(&name) {
        Day::parse(text).is_ok()
    } else {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Facts, Vec<Diagnostic>> {
        let schema = include_bytes!("../../../schemas/config/facts.schema.json");
        Reader::new(schema).map_err(|fault| vec![fault])?.read(text.as_bytes())
    }

    fn fault(text: &str) -> (String, Option<String>) {
        let faults = read(text).err().unwrap_or_default();
        let first = faults.first();
        (first.map(|f| f.code.as_str().to_owned()).unwrap_or_default(), first.and_then(|f| f.pointer.clone()))
    }

    const HEAD: &str = "facts: 1\nnow: \"2026-10-06T10:00:00+01:00\"\n";
    const ASK: &str = "asks: [{id: q, account: a, hat: h, purpose: CIN, segment: s}]\n";

    #[test]
    fn yaml_and_json_give_the_same_facts() {
        let yaml = read(&format!("{HEAD}{ASK}"));
        let json = read(
            r#"{"facts":1,"now":"2026-10-06T10:00:00+01:00","asks":[{"id":"q","account":"a","hat":"h","purpose":"CIN","segment":"s"}]}"#,
        );
        assert!(yaml.is_ok(), "{yaml:?}");
        assert_eq!(yaml.ok(), json.ok());
    }

    #[test]
    fn a_duplicate_key_is_a_fault_of_syntax_in_yaml_and_in_json() {
        assert_eq!(fault(&format!("{HEAD}facts: 1\n{ASK}")).0, "SOL-FACTS-SYNTAX");
        assert_eq!(fault(r#"{"facts":1,"facts":1}"#).0, "SOL-FACTS-SYNTAX");
    }

    #[test]
    fn yes_and_n_are_texts_not_truth_values() {
        let facts = read(&format!(
            "{HEAD}assessments: [{{id: c, person: p, kind: competence, categories: [SUB], outcome: yes, at: \"2026-01-01\"}}]\n\
             segments: [{{id: s, category: SUB, about: [p], custodian: a, form: full, originator: [{{to: {{agency: a}}, max: N}}]}}]\n{ASK}"
        ));
        assert!(facts.is_ok(), "{facts:?}");
    }

    #[test]
    fn a_day_that_does_not_exist_is_a_fault_of_time_after_the_schema() {
        let people = "people: [{id: p, born: \"2015-02-29\"}]\n";
        assert_eq!(
            fault(&format!("{HEAD}{people}{ASK}")),
            ("SOL-FACTS-TIME".to_owned(), Some("/people/0/born".to_owned()))
        );
        let both = "people: [{id: p, born: \"2015-02-29\", extra: 1}]\n";
        assert_eq!(fault(&format!("{HEAD}{both}{ASK}")).0, "SOL-FACTS-SCHEMA");
    }

    #[test]
    fn a_fault_never_shows_a_value() {
        let text = format!("{HEAD}people: [{{id: p, born: \"2015-01-01\", surname: Zebedee}}]\n{ASK}");
        let faults = read(&text).err().unwrap_or_default();
        assert!(!faults.is_empty() && faults.iter().all(|f| !f.to_string().contains("Zebedee")));
    }
}
