//! A record in words.

use crate::exchange::{Agreed, Permission, PermissionEvent, PermissionParty};
use crate::http::web::disclosure::{Row, bound_words as when};
use crate::http::web::text::Text;
use crate::http::web::visit::SignedIn;
use crate::vocabulary::{Category, Purpose};

/// A code that is a word of the record: `self-adult`, `signed-paper`.
pub fn code(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Categories in words.
pub fn categories(list: &[Category]) -> String {
    let text = Text::english();
    let words: Vec<String> = list.iter().map(|c| text.word("category", c.code())).collect();
    words.join(", ")
}

/// Purposes in words.
pub fn purposes(visit: &SignedIn, list: &[Purpose]) -> String {
    let words: Vec<String> = list.iter().map(|p| visit.pages.purpose_words(*p)).collect();
    words.join(", ")
}

/// Somebody named in a record: role, team and agency.
pub fn party(visit: &SignedIn, party: &PermissionParty) -> String {
    let text = Text::english();
    if party.anyone {
        return text.say("permission.anyone").to_owned();
    }
    let named = party.account.as_ref().map(|_| text.say("permission.one-worker").to_owned());
    let role = party.role.map(|role| visit.pages.role_words(role));
    let team = party.team.as_ref().map(|team| team.as_str().to_owned());
    let agency = party.agency.as_ref().map(|agency| visit.pages.agency_words(agency.as_str()));
    let parts: Vec<String> = [named, role, team, agency].into_iter().flatten().collect();
    parts.join(", ")
}

/// Several of them.
pub fn parties(visit: &SignedIn, list: Option<&Vec<PermissionParty>>) -> String {
    let words: Vec<String> = list.into_iter().flatten().map(|p| party(visit, p)).collect();
    words.join("; ")
}

/// What a record says, for a summary list. `decider` is who decided, in words.
pub fn rows(visit: &SignedIn, agreed: &Agreed, decider: &str) -> Vec<Row> {
    let text = Text::english();
    let record = &agreed.record;
    let scope = &record.scope;
    let until = agreed.ends.as_deref().map_or_else(|| text.say("permission.no-end").to_owned(), when);
    let by = format!("{decider}: {}", text.word("option", &code(&record.capacity)));
    let recorder = agreed.recorder.as_ref();
    let recorder = recorder.map(|(role, agency)| {
        format!("{}, {}", visit.pages.role_words(*role), visit.pages.agency_words(agency.as_str()))
    });
    let mut rows = vec![
        ("permission.what", categories(scope.categories.as_deref().unwrap_or_default())),
        ("permission.from", parties(visit, scope.from.as_ref())),
        ("permission.to", parties(visit, scope.to.as_ref())),
        ("permission.for", purposes(visit, scope.purposes.as_deref().unwrap_or_default())),
        ("permission.given", when(&record.recorded_at.to_string())),
        ("permission.until", until),
        ("permission.how", how(record)),
        ("permission.by", by),
        ("permission.evidence", evidence(record)),
        ("permission.recorder", recorder.unwrap_or_else(|| text.say("permission.not-recorded").to_owned())),
    ];
    if let Some(proof) = &record.pr_evidence {
        let seen = [("document", text.word("option", &code(&proof.kind))), ("day", when(&proof.date.to_string()))];
        rows.push((
            "permission.proof",
            text.fill("permission.proof.words", &seen.each_ref().map(|(n, w)| (*n, w.as_str()))),
        ));
    }
    rows.extend(record.exceptions.iter().map(|e| ("permission.exception", exception(visit, e.decision, &e.scope))));
    let named = rows.into_iter().map(|(key, value)| Row { name: text.find(key).unwrap_or_default().to_owned(), value });
    named.filter(|row| !row.value.is_empty()).collect()
}

fn how(record: &Permission) -> String {
    let text = Text::english();
    let Some(form) = &record.form else { return text.say("permission.not-recorded").to_owned() };
    let mut parts = vec![text.word("option", &code(&form.how))];
    parts.extend(form.language.clone());
    if form.interpreter {
        parts.push(text.say("permission.interpreter").to_owned());
    }
    parts.join(", ")
}

fn evidence(record: &Permission) -> String {
    let text = Text::english();
    let form = record.form.as_ref();
    let kept = form.and_then(|f| f.kept.as_ref()).map(|k| k.as_str().to_owned());
    let witness = form.and_then(|f| f.witness.as_ref());
    let witness = witness.map(|w| text.fill("permission.witness", &[("name", w.as_str())]));
    let parts: Vec<String> = [kept, witness].into_iter().flatten().collect();
    if parts.is_empty() { text.say("permission.not-recorded").to_owned() } else { parts.join("; ") }
}

fn exception(visit: &SignedIn, decision: impl serde::Serialize, scope: &crate::exchange::PermissionScope) -> String {
    let day = |d: Option<String>| d.map(|d| when(&d)).unwrap_or_default();
    let period = scope.data_period.map(|p| {
        let (from, to) = (day(p.from.map(|d| d.to_string())), day(p.to.map(|d| d.to_string())));
        format!("{from} – {to}")
    });
    let parts = [
        Text::english().word("option", &code(&decision)),
        categories(scope.categories.as_deref().unwrap_or_default()),
        parties(visit, scope.from.as_ref()),
        parties(visit, scope.to.as_ref()),
        period.unwrap_or_default(),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    parts.join(", ")
}

/// What happened to it since, in order.
pub fn history(record: &Permission) -> Vec<Row> {
    let text = Text::english();
    let row = |event: &PermissionEvent| {
        let (at, key, why) = match event {
            PermissionEvent::Withdraw { at, how, .. } => {
                let how = how.as_ref().map(|h| text.word("option", h.as_str()));
                (at, "permission.was-withdrawn", how)
            }
            PermissionEvent::Object { at, .. } => (at, "permission.was-disputed", None),
            PermissionEvent::Resolve { at, why, outcome, .. } => {
                let stands = code(outcome) == "active";
                let key = if stands { "permission.was-confirmed" } else { "permission.was-ended" };
                (at, key, why.as_ref().map(|w| w.as_str().to_owned()))
            }
            PermissionEvent::EnteredInError { at, why, .. } => {
                (at, "permission.was-error", why.as_ref().map(|w| w.as_str().to_owned()))
            }
        };
        let words = text.find(key).unwrap_or_default();
        let value = why.map_or_else(|| words.to_owned(), |why| format!("{words}: {why}"));
        Row { name: when(&at.to_string()), value }
    };
    record.events.iter().map(row).collect()
}
