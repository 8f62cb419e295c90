//! A disclosure as a page shows it: what was released of one person, in words and lists.
//!
//! Owns only the looks. It reads the released canonical document and nothing else, so a page cannot show what was not
//! released. Three kinds of nothing stay apart: nothing recorded (no list), withheld (a marker, where one may be shown),
//! could not be read (`unparsed`).

use super::text::Text;
use serde_json::{Map, Value};

/// Deepest nesting of a member that is written out; the record's own schema is shallower.
const DEPTH_MAX: usize = 6;
/// Lists of the record in the order a reader wants them.
const LISTS: [&str; 13] = [
    "flags",
    "involvements",
    "plans",
    "concerns",
    "contacts",
    "assessments",
    "missing",
    "health",
    "circumstances",
    "characteristics",
    "consents",
    "notes",
    "documents",
];
/// Members that say how a segment is handled, not what it says.
const QUIET: [&str; 7] = ["id", "label", "form", "summary_of", "source_ref", "as_recorded", "same_as"];
/// Members that hold a code of the canonical record.
const CODED: [&str; 6] = ["check", "code", "factor", "scheme", "type", "whose"];
/// Members that say by themselves what they are: the parts of an address.
const PLAIN: [&str; 5] = ["whole", "lines", "town", "county", "postcode"];
/// Members that need no name where nothing else stands beside them: a code in words, a date.
const SOLE: [&str; 3] = ["code", "text", "date"];
/// Letters of a page's own name for somebody or something.
const REFERENCE_CHARS: usize = 32;
/// Members that say when, first found first: the day a segment stands under in a chronology.
const WHEN: [&str; 10] = [
    "at",
    "date",
    "occurred_at",
    "reported_at",
    "reported_on",
    "assessed_at",
    "declared_at",
    "start",
    "seen_at",
    "given_at",
];

/// One released disclosure.
#[derive(Default)]
pub struct Shown {
    /// The gateway's own id of whom it is about, for addresses; opaque.
    pub id: String,
    /// People of the record, as far as their identity is released.
    pub people: Vec<PersonShown>,
    /// Segments by list.
    pub lists: Vec<ListShown>,
    /// Who is what to whom.
    pub ties: Vec<TieShown>,
    /// Who lives together, by the ids of the disclosure.
    pub homes: Vec<Vec<String>>,
    /// Services that work with the person now.
    pub services: Vec<ServiceShown>,
    /// Services that are involved, and whom to ask.
    pub indicators: Vec<Notice>,
    /// What is withheld, where that may be said.
    pub markers: Vec<Notice>,
}

/// A person of the record.
pub struct PersonShown {
    /// The id of the disclosure.
    pub id: String,
    /// Whether it is whom the page is about.
    pub subject: bool,
    /// The id of the same person's first identity, when this is another custodian's.
    pub same_as: Option<String>,
    /// Whose identity it is.
    pub custodian: String,
    /// Date of birth as recorded.
    pub born: Option<String>,
    /// A code of the record.
    pub sex: Option<String>,
    /// Name, when released.
    pub name: Option<String>,
    /// Members with their words.
    pub rows: Vec<Row>,
    /// Where the person is: one segment each, opened one by one (R50).
    pub places: Vec<PlaceShown>,
}

/// A segment that says where somebody is.
pub struct PlaceShown {
    /// The id under which pages name it.
    pub id: String,
    /// What it says, in words.
    pub words: String,
}

/// Somebody is something to somebody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TieShown {
    /// Who.
    pub from: String,
    /// To whom.
    pub to: String,
    /// What: a code of the record.
    pub relation: String,
    /// Whether they live together, when it is known.
    pub together: Option<bool>,
    /// Parental responsibility, when it is known: a word of the record.
    pub responsibility: Option<String>,
}

/// A service that works with somebody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceShown {
    /// What it is, in words.
    pub words: String,
    /// The agency.
    pub agency: String,
    /// The workers as the service names them.
    pub workers: String,
    /// Since when.
    pub since: Option<String>,
}

/// A list of segments.
pub struct ListShown {
    /// In words.
    pub words: String,
    /// Its segments.
    pub items: Vec<ItemShown>,
}

/// One segment.
pub struct ItemShown {
    /// What it is: kind, or category.
    pub heading: String,
    /// Its category.
    pub category: String,
    /// Its category in words.
    pub category_words: String,
    /// The agency it comes from.
    pub agency: String,
    /// The agency's id.
    pub custodian: String,
    /// Who wrote it: a role's code.
    pub author: Option<String>,
    /// Codes that were approximated, with what was sent.
    pub approximated: Vec<String>,
    /// The day it stands under, as precise as it is known; as in the record.
    pub when: Option<String>,
    /// Fact, reported or opinion (R69).
    pub basis: Option<String>,
    /// Whether it is an authored summary.
    pub summary: bool,
    /// Whether something of it could not be read.
    pub unread: bool,
    /// Members with their words.
    pub rows: Vec<Row>,
}

/// A member and what it says.
pub struct Row {
    /// In words.
    pub name: String,
    /// In words.
    pub value: String,
}

/// A service that is involved, or something withheld.
pub struct Notice {
    /// Its category.
    pub code: String,
    /// Its category in words.
    pub words: String,
    /// What is said about it.
    pub text: String,
    /// Who holds it.
    pub custodian: Option<String>,
    /// Its id.
    pub custodian_id: Option<String>,
    /// Whom to ask there.
    pub contact: Option<String>,
    /// Why no more is shown, where that may be said.
    pub reason: Option<String>,
    /// `YYYY-MM`, when that may be said.
    pub month: Option<String>,
}

impl Shown {
    /// Reads a released canonical document about the person it names `subject`. What is no such document shows nothing.
    pub fn read(bytes: &[u8], subject: &str, text: &Text) -> Self {
        let Ok(all) = serde_json::from_slice::<Value>(bytes) else { return Self::default() };
        let record = all.get("record").and_then(Value::as_object);
        let empty = Map::new();
        let record = record.unwrap_or(&empty);
        Self {
            id: String::new(),
            people: objects(record.get("people")).map(|p| person(p, subject, text)).collect(),
            lists: LISTS.iter().filter_map(|name| list(name, record.get(*name), text)).collect(),
            ties: objects(record.get("relationships")).filter_map(tie).collect(),
            homes: objects(record.get("households")).map(home).collect(),
            services: objects(record.get("involvements")).filter_map(|o| service(o, text)).collect(),
            indicators: objects(all.get("indicators")).map(|n| notice(n, text)).collect(),
            markers: objects(all.get("markers")).map(|n| notice(n, text)).collect(),
        }
    }
    /// The person the page asked about, if anything of their identity is released.
    pub fn subject(&self) -> Option<&PersonShown> {
        self.people.iter().find(|p| p.subject)
    }
}

fn person(object: &Map<String, Value>, subject: &str, text: &Text) -> PersonShown {
    let names = object.get("names").and_then(Value::as_array);
    let name = names.into_iter().flatten().find_map(name_of);
    let skip = |key: &str| QUIET.contains(&key) || ["names", "role"].contains(&key);
    let id = text_of(object, "id").unwrap_or_default();
    PersonShown {
        // The record's own roles do not say it: several people may be subjects of what was sent about them.
        subject: id == subject,
        id,
        same_as: text_of(object, "same_as"),
        custodian: inner(object, "label", "custodian").unwrap_or_default(),
        born: inner(object, "birth", "date"),
        sex: inner(object, "sex", "code"),
        name,
        rows: rows(object, text, skip),
        places: objects(object.get("addresses")).filter_map(|o| place(o, text)).collect(),
    }
}

fn place(object: &Map<String, Value>, text: &Text) -> Option<PlaceShown> {
    let category = inner(object, "label", "category").unwrap_or_default();
    let says_where = ["ADR", "LOC"].contains(&category.as_str());
    let quiet = |key: &str| QUIET.contains(&key);
    let words: Vec<String> = rows(object, text, quiet).into_iter().map(|row| row.value).collect();
    says_where.then(|| text_of(object, "id").map(|id| PlaceShown { id, words: words.join(", ") })).flatten()
}

fn text_of(object: &Map<String, Value>, key: &str) -> Option<String> {
    object.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn inner(object: &Map<String, Value>, outer: &str, key: &str) -> Option<String> {
    object.get(outer).and_then(Value::as_object).and_then(|o| text_of(o, key))
}

fn tie(object: &Map<String, Value>) -> Option<TieShown> {
    Some(TieShown {
        from: text_of(object, "from")?,
        to: text_of(object, "to")?,
        relation: inner(object, "relation", "code").unwrap_or_default(),
        together: object.get("same_household").and_then(Value::as_bool),
        responsibility: text_of(object, "parental_responsibility"),
    })
}

fn home(object: &Map<String, Value>) -> Vec<String> {
    objects(object.get("members")).filter_map(|m| text_of(m, "person")).collect()
}

/// A piece of work that has not ended.
fn service(object: &Map<String, Value>, text: &Text) -> Option<ServiceShown> {
    if object.contains_key("end") {
        return None;
    }
    let workers: Vec<String> =
        objects(object.get("workers")).filter(|w| !w.contains_key("end")).filter_map(|w| text_of(w, "id")).collect();
    Some(ServiceShown {
        words: text.word("kind", &text_of(object, "kind")?),
        agency: inner(object, "label", "custodian").unwrap_or_default(),
        workers: workers.join(", "),
        since: text_of(object, "start"),
    })
}

/// A name as people say it: preferred or given names, then the family name.
fn name_of(name: &Value) -> Option<String> {
    let word = |key: &str| name.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |key: &str| {
        let items = name.get(key).and_then(Value::as_array)?;
        let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        (!words.is_empty()).then(|| words.join(" "))
    };
    let given = word("preferred").or_else(|| list("given")).or_else(|| word("given"));
    let parts: Vec<String> = given.into_iter().chain(word("family")).collect();
    if parts.is_empty() { word("text") } else { Some(parts.join(" ")) }
}

fn list(name: &'static str, value: Option<&Value>, text: &Text) -> Option<ListShown> {
    let items: Vec<ItemShown> = objects(value).map(|o| item(name, o, text)).collect();
    (!items.is_empty()).then(|| ListShown { words: text.word("list", name), items })
}

fn item(list: &str, object: &Map<String, Value>, text: &Text) -> ItemShown {
    let label = object.get("label").and_then(Value::as_object);
    let of_label = |key: &str| label.and_then(|l| l.get(key)).and_then(Value::as_str).map(str::to_owned);
    let kind = object.get("kind").and_then(Value::as_str);
    let category = of_label("category").unwrap_or_default();
    let skip = |key: &str| QUIET.contains(&key) || key == "kind";
    ItemShown {
        heading: kind.map_or_else(|| text.word("list", list), |k| text.word("kind", k)),
        category_words: text.word("category", &category),
        category,
        agency: of_label("custodian").unwrap_or_default(),
        custodian: of_label("custodian").unwrap_or_default(),
        author: of_label("author_role").filter(|a| a != "unknown"),
        approximated: approximated(object, text, 0),
        when: WHEN.iter().find_map(|key| object.get(*key).and_then(when_of)).or_else(|| of_label("observed")),
        basis: of_label("basis_marker").map(|b| text.word("value", &b)),
        summary: object.get("form").and_then(Value::as_str) == Some("summary") || object.contains_key("summary_of"),
        unread: object.contains_key("unparsed"),
        rows: rows(object, text, skip),
    }
}

/// What was sent where the record's own code only comes near it: "field: what was sent".
fn approximated(object: &Map<String, Value>, text: &Text, depth: usize) -> Vec<String> {
    let mut all = Vec::new();
    for (key, value) in object.iter().filter(|_| depth < DEPTH_MAX) {
        let inside: Vec<&Map<String, Value>> = match value {
            Value::Object(one) => vec![one],
            _ => objects(Some(value)).collect(),
        };
        for one in inside {
            if let Some(sent) = one.get("as_recorded").and_then(Value::as_object) {
                let words = text_of(sent, "text").or_else(|| text_of(sent, "code")).unwrap_or_default();
                all.push(format!("{}: {words}", text.word("field", key)));
            }
            all.extend(approximated(one, text, depth + 1));
        }
    }
    all
}

fn when_of(value: &Value) -> Option<String> {
    value.as_str().filter(|t| t.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned)
}

fn notice(object: &Map<String, Value>, text: &Text) -> Notice {
    let word = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let category = word("category").unwrap_or_default();
    Notice {
        words: text.word("category", &category),
        code: category,
        text: word("text").unwrap_or_default(),
        custodian: word("custodian"),
        custodian_id: word("custodian"),
        contact: word("contact"),
        reason: word("reason"),
        month: word("month"),
    }
}

fn rows(object: &Map<String, Value>, text: &Text, skip: impl Fn(&str) -> bool) -> Vec<Row> {
    let members = object.iter().filter(|(key, _)| !skip(key));
    let rows =
        members.map(|(key, value)| Row { name: text.word("field", key), value: member_words(key, value, text, 0) });
    rows.filter(|row| !row.value.is_empty()).collect()
}

/// The value of a member in words. A code that no text names is said as the words it is made of.
fn member_words(key: &str, value: &Value, text: &Text, depth: usize) -> String {
    match value {
        Value::String(code) if CODED.contains(&key) && !code.contains(char::is_whitespace) => {
            let said = in_words(code, text);
            if said == *code { said.replace('-', " ") } else { said }
        }
        value => words(value, text, depth),
    }
}

/// Whether this is one of the names that pages give to people and segments: it says nothing to a reader.
fn is_reference(word: &str) -> bool {
    word.len() == REFERENCE_CHARS && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A value in words: lists with semicolons, objects as "name: value".
fn words(value: &Value, text: &Text, depth: usize) -> String {
    match value {
        _ if depth > DEPTH_MAX => String::new(),
        Value::Null => String::new(),
        Value::Bool(true) => text.say("value.yes").to_owned(),
        Value::Bool(false) => text.say("value.no").to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(word) if is_reference(word) => String::new(),
        Value::String(word) => in_words(word, text),
        Value::Array(items) => {
            let parts: Vec<String> =
                items.iter().map(|i| words(i, text, depth + 1)).filter(|w| !w.is_empty()).collect();
            parts.join("; ")
        }
        Value::Object(object) if object.contains_key("scheme") && object.contains_key("value") => {
            number(object, text, depth)
        }
        Value::Object(object) => {
            let members = object.iter().filter(|(key, _)| !QUIET.contains(&key.as_str()));
            let parts = members.map(|(key, value)| (key.as_str(), member_words(key, value, text, depth + 1)));
            let parts: Vec<(&str, String)> = parts.filter(|(_, w)| !w.is_empty()).collect();
            let told = |key: &str| PLAIN.contains(&key) || (parts.len() == 1 && SOLE.contains(&key));
            let said = parts.iter().map(|(key, words)| match told(key) {
                true => words.clone(),
                false => format!("{}: {words}", text.word("field", key)),
            });
            said.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A number that somebody has, as people say it: "NHS number 9990000018"; beside it whatever else is known of it.
fn number(object: &Map<String, Value>, text: &Text, depth: usize) -> String {
    let word = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let failed = (word("check") == "failed").then(|| text.say("scheme-failed").to_owned());
    let said = format!("{} {}", text.word("scheme", word("scheme")), word("value"));
    let rest = object.iter().filter(|(key, _)| {
        let key = key.as_str();
        !QUIET.contains(&key) && !["scheme", "value", "check"].contains(&key)
    });
    let rest = rest.map(|(key, value)| (text.word("field", key), member_words(key, value, text, depth + 1)));
    let rest = rest.filter(|(_, w)| !w.is_empty()).map(|(name, w)| format!("{name}: {w}"));
    std::iter::once(said).chain(failed).chain(rest).collect::<Vec<_>>().join(", ")
}

/// A word of data: dates as people read them, codes by their text, everything else as it stands.
fn in_words(word: &str, text: &Text) -> String {
    if let Some(found) = text.find(&format!("value.{word}")) {
        return found.to_owned();
    }
    day_words(word).unwrap_or_else(|| word.to_owned())
}

/// `2026-10-05` as "5 October 2026", `2026-10` as "October 2026", a moment with its London time; `None` for anything else.
pub fn day_words(word: &str) -> Option<String> {
    if let Ok(moment) = word.parse::<jiff::Timestamp>() {
        let zone = jiff::tz::TimeZone::get("Europe/London").ok()?;
        return Some(moment.to_zoned(zone).strftime("%-d %B %Y, %H:%M").to_string());
    }
    if let Ok(day) = word.parse::<jiff::civil::Date>()
        && word.len() == 10
    {
        return Some(day.strftime("%-d %B %Y").to_string());
    }
    let month = (word.len() == 7).then(|| format!("{word}-01"))?;
    Some(month.parse::<jiff::civil::Date>().ok()?.strftime("%B %Y").to_string())
}

/// When something begins or ends: with a day, not at an hour.
pub fn bound_words(word: &str) -> String {
    let words = day_words(word).unwrap_or_else(|| word.to_owned());
    words.strip_suffix(", 00:00").map_or_else(|| words.clone(), str::to_owned)
}

fn objects(value: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_are_said_in_words_and_a_pages_own_references_not_at_all() {
        let object = serde_json::json!({
            "involvement": "aa9b534d523e03ec5c9373102123ce74", "factors": [{"factor": "alcohol-misuse", "whose": "parent"}],
            "text": "well-being", "scheme": "nhs-number",
        });
        let rows = rows(object.as_object().unwrap(), Text::english(), |_| false);
        let said: Vec<&str> = rows.iter().map(|row| row.value.as_str()).collect();
        assert_eq!(rows.len(), 3, "{said:?}");
        assert!(said.iter().any(|w| w.contains("alcohol misuse")) && said.contains(&"NHS number"), "{said:?}");
        assert!(said.contains(&"well-being"), "what somebody wrote stays as it is");
    }

    #[test]
    fn an_address_a_code_and_a_date_are_said_without_the_names_of_their_parts() {
        let said = |value: Value| words(&value, Text::english(), 0);
        assert_eq!(said(json!({"code": "in-progress"})), "in progress");
        assert_eq!(said(json!({"date": "1992-03-11"})), "11 March 1992");
        assert_eq!(said(json!({"date": "1992-03-11", "estimated": true})), "Date: 11 March 1992, Estimated: Yes");
        let home = json!({"lines": ["4 Quay Rise"], "postcode": "HZ9 4QT", "start": "2026-09-02"});
        assert_eq!(said(home), "4 Quay Rise, HZ9 4QT, Start: 2 September 2026");
    }

    #[test]
    fn numbers_are_said_with_what_they_are() {
        let said = |value: Value| words(&value, Text::english(), 0);
        let two = json!([{"scheme": "nhs-number", "value": "9990000018", "check": "passed"}, {"scheme": "upn", "value": "X1"}]);
        assert_eq!(said(two), "NHS number 9990000018; Pupil number (UPN) X1");
        let failed = json!({"scheme": "nhs-number", "value": "9990000019", "check": "failed"});
        assert_eq!(said(failed), "NHS number 9990000019, cannot be right: its check digit is wrong");
        let own = json!({"scheme": "case-system-id", "value": "C-1", "issuer": "Harbourshire"});
        assert_eq!(said(own), "Number in the case system C-1, Issuer: Harbourshire");
    }

    #[test]
    fn a_disclosure_shows_what_stands_in_it_and_nothing_else() {
        let released = json!({
            "receipt": "e-1",
            "record": {
                "people": [{"id": "x", "role": "subject", "names": [{"given": ["Maya"], "family": "Lane"}], "birth": {"date": "2017-02-03"}}],
                "plans": [{"id": "s1", "kind": "cin", "start": "2026-09-07", "label": {"category": "STS", "custodian": "harbourshire-csc", "basis_marker": "fact"}}]
            },
            "indicators": [], "markers": [{"category": "MHL", "text": "withheld", "custodian": "southdown-mh", "contact": "01632 960 000"}]
        });
        let shown = Shown::read(released.to_string().as_bytes(), "x", Text::english());
        assert_eq!(shown.subject().and_then(|p| p.name.clone()).as_deref(), Some("Maya Lane"));
        assert_eq!(shown.lists.len(), 1);
        assert_eq!(shown.lists[0].items[0].when.as_deref(), Some("2026-09-07"));
        assert_eq!(shown.markers[0].custodian.as_deref(), Some("southdown-mh"));
        assert!(Shown::read(b"", "x", Text::english()).people.is_empty());
    }

    #[test]
    fn days_are_written_at_their_own_precision() {
        assert_eq!(day_words("2026-10-05").as_deref(), Some("5 October 2026"));
        assert_eq!(day_words("2014-05").as_deref(), Some("May 2014"));
        assert_eq!(day_words("2026-07-01T09:30:00Z").as_deref(), Some("1 July 2026, 10:30"));
        assert_eq!(day_words("9990000018"), None);
    }
}
