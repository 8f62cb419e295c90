//! A5: whether the log is what was signed. Green or red in words, one entry checked, a checkpoint from elsewhere compared.

use super::super::answer::{Stop, page, with_status};
use super::super::disclosure::Row;
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::{auditor, stopped, when};
use crate::exchange::{Compared, EntryCheck, Failure, LogHealth};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

struct FindingShown {
    place: String,
    entry: Option<String>,
    words: String,
}

/// What came of a check the visitor asked for.
struct Said {
    good: bool,
    words: String,
}

#[derive(Template)]
#[template(path = "audit_integrity.html")]
struct IntegrityPage {
    frame: Frame,
    /// Sound, broken, or not yet known.
    state: &'static str,
    sentence: String,
    findings: Vec<FindingShown>,
    more: Option<String>,
    facts: Vec<Row>,
    checkpoint: String,
    said: Option<Said>,
    entry: String,
    note: String,
}

/// The state of the log.
pub async fn state(visit: SignedIn) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    let health = visit.gateway().log_health(&visit.visitor, false).await?;
    page(&shown(&visit, health, None, None))
}

/// Verifies the whole log again.
pub async fn again(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    let health = visit.gateway().log_health(&visit.visitor, true).await?;
    page(&shown(&visit, health, None, None))
}

/// Checks one entry, or compares a checkpoint: whatever was filled in.
pub async fn check(visit: SignedIn, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    let text = Text::english();
    let (entry, note) = (fields.get("entry"), fields.get("note"));
    let said = if !entry.is_empty() {
        match visit.gateway().check_entry(&visit.visitor, entry).await {
            Ok(EntryCheck::Sound(index, size)) => {
                let places = [("index", index.to_string()), ("size", size.to_string())];
                Said { good: true, words: filled("integrity.entry-sound", &places) }
            }
            Ok(EntryCheck::Altered) => Said { good: false, words: text.say("integrity.entry-altered").to_owned() },
            Err(Failure::Gone) => Said { good: true, words: text.say("integrity.entry-erased").to_owned() },
            Err(Failure::NotFound) => Said { good: false, words: text.say("integrity.entry-missing").to_owned() },
            Err(failure) => return Err(stopped(failure)),
        }
    } else if !note.is_empty() {
        compared(visit.gateway().compare_checkpoint(&visit.visitor, note).await?)
    } else {
        Said { good: false, words: text.say("integrity.nothing").to_owned() }
    };
    let status = if entry.is_empty() && note.is_empty() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let health = visit.gateway().log_health(&visit.visitor, false).await?;
    with_status(&shown(&visit, health, Some(said), Some(&fields)), status)
}

fn compared(found: Compared) -> Said {
    let said = |good: bool, key: &str, held: u64, ours: u64| Said {
        good,
        words: filled(key, &[("held", held.to_string()), ("ours", ours.to_string())]),
    };
    match found {
        Compared::Contained(held, ours) => said(true, "integrity.contained", held, ours),
        Compared::Ahead(held, ours) => said(false, "integrity.ahead", held, ours),
        Compared::Forked(held) => said(false, "integrity.forked", held, 0),
        Compared::NotSigned => said(false, "integrity.not-signed", 0, 0),
        Compared::NotOurs => said(false, "integrity.not-ours", 0, 0),
    }
}

fn filled(key: &str, places: &[(&str, String)]) -> String {
    let places: Vec<(&str, &str)> = places.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Text::english().fill(key, &places)
}

fn shown(visit: &SignedIn, health: LogHealth, said: Option<Said>, typed: Option<&Fields>) -> IntegrityPage {
    let text = Text::english();
    let verified = health.verified.as_ref();
    let broken = verified.is_some_and(|v| v.findings_count > 0);
    let state = match verified {
        Some(_) if broken => "red",
        Some(_) => "green",
        None => "grey",
    };
    let title = if broken { "integrity.title-red" } else { "integrity.title" };
    let since = match &health.witnessed {
        Some((size, at)) => {
            filled("integrity.since-witnessed", &[("size", size.to_string()), ("when", when(&at.to_string()))])
        }
        None => text.say("integrity.since-signed").to_owned(),
    };
    let size = health.size.to_string();
    let sentence = match verified {
        Some(_) if broken => filled("integrity.red", &[("size", size)]),
        Some(_) => filled("integrity.green", &[("size", size), ("since", since)]),
        None => filled("integrity.grey", &[("size", size)]),
    };
    let findings = verified.iter().flat_map(|v| &v.findings).map(|(place, entry, words)| FindingShown {
        place: place.map(|p| filled("integrity.place", &[("place", p.to_string())])).unwrap_or_default(),
        entry: entry.clone(),
        words: words.clone(),
    });
    let findings: Vec<FindingShown> = findings.collect();
    let count = verified.map_or(0, |v| v.findings_count);
    let more = usize::try_from(count).ok().filter(|n| *n > findings.len());
    let typed = |name: &str| typed.map(|f| f.get(name).to_owned()).unwrap_or_default();
    IntegrityPage {
        frame: Frame::of(visit, text.find(title).unwrap_or_default().to_owned(), None),
        state,
        sentence,
        more: more.map(|n| filled("integrity.more", &[("count", n.to_string())])),
        findings,
        facts: facts(&health),
        checkpoint: health.checkpoint,
        said,
        entry: typed("entry"),
        note: typed("note"),
    }
}

fn facts(health: &LogHealth) -> Vec<Row> {
    let text = Text::english();
    let checked = match &health.verified {
        Some(v) => filled("integrity.checked", &[("when", when(&v.at.to_string())), ("size", v.size.to_string())]),
        None => text.say("integrity.unchecked").to_owned(),
    };
    let witnesses = match (&health.witnessed, health.witness_troubles) {
        (_, 1..) => filled("integrity.witness-trouble", &[("count", health.witness_troubles.to_string())]),
        (Some((size, at)), _) => {
            filled("integrity.witnessed", &[("size", size.to_string()), ("when", when(&at.to_string()))])
        }
        (None, _) => text.say("integrity.unwitnessed").to_owned(),
    };
    let running = health.running.then(|| text.say("integrity.running").to_owned());
    let rows = [
        ("log", Some(health.origin.clone())),
        ("entries", Some(health.size.to_string())),
        ("checked", Some(checked)),
        ("running", running),
        ("witnesses", Some(witnesses)),
        ("vkey", Some(health.vkey.clone())),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    rows.map(|(name, value)| Row { name: text.word("column", name), value }).collect()
}
