//! The operator's page: systems, mailboxes, what is held, certificates, health. Counts and dates, never content.

use super::answer::{Stop, page};
use super::concern::moment_words;
use super::frame::Frame;
use super::text::Text;
use super::visit::SignedIn;
use crate::clock::Moment;
use crate::exchange::Operation;
use crate::http::door::Door;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

/// A certificate that ends within this time is pointed out, in milliseconds: a month, to renew it without hurry.
const SOON_MILLIS: i64 = 30 * 86_400_000;

struct SystemRow {
    id: String,
    agency: String,
    format: String,
    waiting: i64,
    oldest: String,
    seen: String,
    ends: String,
    soon: bool,
}

struct CertificateRow {
    words: &'static str,
    ends: String,
    soon: bool,
}

struct WitnessRow {
    name: String,
    size: u64,
    last: String,
    trouble: &'static str,
}

#[derive(Template)]
#[template(path = "operator.html")]
struct OperatorPage {
    frame: Frame,
    well: bool,
    faults: Vec<String>,
    systems: Vec<SystemRow>,
    held: Vec<(String, i64)>,
    certificates: Vec<CertificateRow>,
    entries: u64,
    last_entry: String,
    checked: String,
    witnesses: Vec<WitnessRow>,
    version: String,
}

/// The page.
pub async fn operator(visit: SignedIn, request: HttpRequest) -> Result<HttpResponse, Stop> {
    if visit.visitor.hat.is_none() {
        return Err(Stop::NoHat);
    }
    let state = visit.gateway().operation(&visit.visitor).await?;
    let door = request.app_data::<web::Data<Door>>().ok_or(Stop::Missing)?;
    let text = Text::english();
    let now = door.tls.now();
    let faults = faults(&state);
    let (own, authority) = door.tls.ends();
    let certificate = |words, ends: Option<Moment>| CertificateRow {
        words,
        soon: soon(ends, now),
        ends: ends.map_or_else(|| text.say("operator.unreadable").to_owned(), words_of),
    };
    let certificates = vec![
        certificate(text.say("operator.certificate.own"), own),
        certificate(text.say("operator.certificate.authority"), authority),
    ];
    let (entries, last) = state.log.map_or((0, String::new()), |(size, at)| (size, words_of(at)));
    page(&OperatorPage {
        frame: Frame::of(&visit, text.say("operator.title").to_owned(), None),
        well: faults.is_empty(),
        faults,
        systems: systems(&visit, door, &state, now),
        held: state.held.iter().map(|(a, n)| (visit.pages.agency_words(a.as_str()), *n)).collect(),
        certificates,
        entries,
        last_entry: last,
        checked: words_of(state.started),
        witnesses: state.witnesses.iter().map(witness).collect(),
        version: visit.gateway().content().policy.version().to_owned(),
    })
}

fn words_of(at: Moment) -> String {
    moment_words(at.millis())
}

fn soon(ends: Option<Moment>, now: Moment) -> bool {
    ends.is_none_or(|ends| ends.millis().saturating_sub(now.millis()) < SOON_MILLIS)
}

fn faults(state: &Operation) -> Vec<String> {
    let text = Text::english();
    let mut all: Vec<String> = state.unready.iter().map(|fault| (*fault).to_owned()).collect();
    if !state.content.faults.is_empty() {
        all.push(text.say("operator.content").to_owned());
        all.extend(state.content.faults.iter().cloned());
    }
    if state.clock_behind > 0 {
        all.push(text.fill("operator.clock", &[("seconds", &(state.clock_behind / 1000).to_string())]));
    }
    all
}

fn systems(visit: &SignedIn, door: &Door, state: &Operation, now: Moment) -> Vec<SystemRow> {
    let text = Text::english();
    let row = |system: &crate::config::System| {
        let waiting = state.waiting.iter().find(|w| w.system == system.id);
        let seen = door.registry.seen(&system.id);
        let never = || text.say("operator.not-seen").to_owned();
        SystemRow {
            id: system.id.as_str().to_owned(),
            agency: visit.pages.agency_words(system.agency.as_str()),
            format: system.format.clone(),
            waiting: waiting.map_or(0, |w| w.items),
            oldest: waiting.map_or_else(String::new, |w| words_of(w.oldest)),
            seen: seen.map_or_else(never, |s| words_of(s.at)),
            ends: seen.map_or_else(never, |s| words_of(s.not_after)),
            soon: seen.is_some_and(|s| soon(Some(s.not_after), now)),
        }
    };
    visit.gateway().config().systems.iter().map(row).collect()
}

fn witness(standing: &crate::exchange::WitnessStanding) -> WitnessRow {
    let text = Text::english();
    let ago = |seconds: i64| text.fill("operator.minutes-ago", &[("minutes", &(seconds / 60).to_string())]);
    WitnessRow {
        name: standing.name.clone(),
        size: standing.size,
        last: standing.age_seconds.map_or_else(|| text.say("operator.never").to_owned(), ago),
        trouble: standing.trouble.unwrap_or_else(|| text.say("operator.well")),
    }
}
