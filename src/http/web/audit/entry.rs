//! A2: one entry explained. The sentence first, then the lists; reviewed, or a question to the privacy officer.

use super::super::answer::{Stop, go, page, with_status};
use super::super::disclosure::Row;
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::text::Text;
use super::super::visit::SignedIn;
use super::{Names, auditor, query, reason_words, stopped, when};
use crate::exchange::{Explained, Failure, Ground, NoteKind};
use crate::vocabulary::{Category, Level, Role};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, web};
use askama::Template;
use std::collections::{BTreeMap, BTreeSet};

struct SegmentRow {
    category: String,
    level: String,
    why: String,
    limit: String,
    held: String,
    marked: &'static str,
    count: usize,
}

struct NoteShown {
    head: String,
    text: String,
}

#[derive(Template)]
#[template(path = "audit_entry.html")]
struct EntryPage {
    frame: Frame,
    id: String,
    sentence: String,
    request: Vec<Row>,
    segments: Vec<SegmentRow>,
    grounds: Vec<Row>,
    written: Vec<Row>,
    log: Vec<Row>,
    refers: Vec<String>,
    notes: Vec<NoteShown>,
    officer: bool,
    wrong: bool,
    text: String,
}

/// The entry.
pub async fn one(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    match explained(&visit, &path, None).await {
        Ok(shown) => page(&shown),
        Err(stop) => Err(stop),
    }
}

async fn explained(visit: &SignedIn, id: &str, typed: Option<&Fields>) -> Result<EntryPage, Stop> {
    auditor(visit)?;
    let found = visit.gateway().explain_entry(&visit.visitor, id).await.map_err(stopped)?;
    let accounts = found.actor.iter().chain(&found.on_behalf_of).cloned();
    let accounts: BTreeSet<String> = accounts.chain(found.notes.iter().map(|n| n.by.as_str().to_owned())).collect();
    let names = Names::of(visit, accounts).await?;
    let text = Text::english();
    let title = if typed.is_some() { "audit.entry-wrong" } else { "audit.entry" };
    let notes = found.notes.iter().map(|n| NoteShown {
        head: format!(
            "{}: {}, {}, {}",
            text.word("note", n.kind.word()),
            names.say(n.by.as_str()),
            visit.pages.agency_words(n.agency.as_str()),
            when(&n.at)
        ),
        text: n.text.clone(),
    });
    Ok(EntryPage {
        frame: super::search::framed(visit, title),
        sentence: sentence(visit, &found, &names),
        request: request(visit, &found, &names),
        segments: segments(visit, &found),
        grounds: grounds(&found),
        written: written(&found),
        log: log(&found),
        refers: found.refers_to.clone(),
        notes: notes.collect(),
        officer: visit.visitor.hat.as_ref().is_some_and(|h| h.role == Role::Prv),
        wrong: typed.is_some(),
        text: typed.map(|f| f.get("text").to_owned()).unwrap_or_default(),
        id: found.id,
    })
}

/// "On 3 March at 09:14 R. Patel (…) received 6 of 9 segments about s-7f3a, for …".
fn sentence(visit: &SignedIn, found: &Explained, names: &Names) -> String {
    let text = Text::english();
    let who = found.actor.as_ref().map_or_else(|| text.say("audit.nobody").to_owned(), |a| names.say(a));
    let hat = hat_words(visit, found);
    let who = if hat.is_empty() { who } else { format!("{who} ({hat})") };
    let time = when(&found.time.to_string());
    let about = found.subject.as_ref().or(found.case.as_ref()).cloned().unwrap_or_default();
    let purpose = found.purpose.map(|p| visit.pages.purpose_words(p)).unwrap_or_default();
    let key = match (found.segments.is_empty(), found.reason.is_some(), about.is_empty()) {
        (false, false, _) => "audit.sentence.segments",
        (_, true, false) => "audit.sentence.refused",
        (_, _, false) => "audit.sentence.about",
        _ => "audit.sentence.other",
    };
    let places = [
        ("time", time.as_str()),
        ("who", &who),
        ("given", &found.given().to_string()),
        ("all", &found.segments.len().to_string()),
        ("about", &about),
        ("purpose", &purpose),
        ("did", &text.word("event", found.event.name()).to_lowercase()),
        ("ended", &text.word("ended", found.outcome.name()).to_lowercase()),
    ];
    text.find(key).map(|_| text.fill(key, &places)).unwrap_or_default()
}

fn hat_words(visit: &SignedIn, found: &Explained) -> String {
    let role = found.role.map(|r| query::role_words(visit, r));
    let agency = found.agency.as_ref().map(|a| visit.pages.agency_words(a));
    let parts: Vec<String> = role.into_iter().chain(found.team.clone()).chain(agency).collect();
    parts.join(", ")
}

fn rows(found: Vec<(&str, Option<String>)>) -> Vec<Row> {
    let text = Text::english();
    let said = found.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_empty())?)));
    said.map(|(name, value)| Row { name: text.word("column", name), value }).collect()
}

fn request(visit: &SignedIn, found: &Explained, names: &Names) -> Vec<Row> {
    let text = Text::english();
    rows(vec![
        ("time", Some(when(&found.time.to_string()))),
        ("event", Some(text.word("event", found.event.name()))),
        ("outcome", Some(text.word("ended", found.outcome.name()))),
        ("actor", found.actor.as_ref().map(|a| names.say(a))),
        ("on_behalf_of", found.on_behalf_of.as_ref().map(|a| names.say(a))),
        ("hat", Some(hat_words(visit, found))),
        ("system", found.system.clone()),
        ("subject", found.subject.clone()),
        ("case", found.case.clone()),
        ("purpose", found.purpose.map(|p| visit.pages.purpose_words(p))),
        ("reason", found.reason.as_ref().map(|r| reason_words(r))),
        ("what", found.change.clone()),
    ])
}

/// What alike segments share: category, level, reason, limit, holder, whether the receiver was told.
type Alike<'a> = (Option<Category>, Level, &'a str, Option<&'a str>, &'a str, Option<bool>);

/// The segments, alike ones together: what, how much, why, what made it less, whose.
fn segments(visit: &SignedIn, found: &Explained) -> Vec<SegmentRow> {
    let text = Text::english();
    let mut alike: BTreeMap<Alike<'_>, usize> = BTreeMap::new();
    for s in &found.segments {
        let key = (s.category, s.level, s.reason.as_str(), s.limit.as_deref(), s.custodian.as_str(), s.marked);
        let count = alike.entry(key).or_default();
        *count = count.saturating_add(1);
    }
    let row =
        |((category, level, reason, limit, held, marked), count): ((_, Level, &str, Option<&str>, &str, _), _)| {
            let category: Option<Category> = category;
            SegmentRow {
                category: category
                    .map_or_else(|| text.say("audit.no-category").to_owned(), |c| text.word("category", c.code())),
                level: text.word("level", level.code()),
                why: reason_words(reason),
                limit: limit.map(reason_words).unwrap_or_default(),
                held: visit.pages.agency_words(held),
                marked: match marked {
                    Some(true) => text.say("audit.marked"),
                    Some(false) => text.say("audit.silent"),
                    None => "",
                },
                count,
            }
        };
    alike.into_iter().map(row).collect()
}

fn grounds(found: &Explained) -> Vec<Row> {
    let text = Text::english();
    let one = |g: &Ground| {
        let version = g.version.map(|v| text.fill("audit.version", &[("version", &v.to_string())]));
        let decision = g.decision.as_ref().map(|d| text.word("value", d));
        let until = g.until.as_ref().map(|u| text.fill("audit.until", &[("when", &when(u))]));
        let valid = text.say(if g.valid { "audit.in-force" } else { "audit.not-in-force" }).to_owned();
        let parts: Vec<String> =
            [Some(g.id.clone()), version, decision, until, Some(valid)].into_iter().flatten().collect();
        Row { name: text.word("ground", &g.kind), value: parts.join(", ") }
    };
    let mut all: Vec<Row> = found.grounds.iter().map(one).collect();
    all.extend(found.basis.iter().map(|(name, value)| Row { name: text.word("basis", name), value: value.clone() }));
    all
}

fn written(found: &Explained) -> Vec<Row> {
    let text = Text::english();
    let mapping = found.mapping.as_ref().map(|(name, version)| format!("{name} {version}"));
    let mut all = rows(vec![("mapping", mapping), ("policy", found.policy.clone())]);
    let counts = found.counts.iter();
    all.extend(counts.map(|(name, n)| Row { name: text.word("column", name), value: n.to_string() }));
    all
}

fn log(found: &Explained) -> Vec<Row> {
    let text = Text::english();
    let covered = text.say(if found.witnessed { "audit.witnessed" } else { "audit.not-witnessed" });
    rows(vec![
        ("entry", Some(found.id.clone())),
        ("log", Some(found.log.clone())),
        ("index", Some(found.index.to_string())),
        ("witnesses", Some(covered.to_owned())),
    ])
}

/// Marks it as reviewed, asks the privacy officer about it, or answers.
pub async fn note(visit: SignedIn, path: web::Path<String>, fields: Fields) -> Result<HttpResponse, Stop> {
    fields.checked(&visit)?;
    auditor(&visit)?;
    let kind = NoteKind::parse(fields.get("kind")).ok_or(Stop::Malformed)?;
    match visit.gateway().note_entry(&visit.visitor, &path, kind, fields.get("text")).await {
        Ok(()) => Ok(go(&format!("/audit/entries/{}", path.as_str()))),
        Err(Failure::Unclear(_)) => {
            with_status(&explained(&visit, &path, Some(&fields)).await?, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(stopped(failure)),
    }
}

/// The proof file.
pub async fn proof(visit: SignedIn, path: web::Path<String>) -> Result<HttpResponse, Stop> {
    auditor(&visit)?;
    let proof = visit.gateway().entry_proof(&visit.visitor, &path).await.map_err(stopped)?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"entry.tlog-proof\""))
        .body(proof))
}
