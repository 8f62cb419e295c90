//! What a configuration must satisfy. One function per section; all faults are collected before refusing.
//!
//! Pure: whether files exist and who may read them is checked where they are opened (`trust`, `store`).

use super::gateway::{
    Agency, AgencyKind, Audit, Content, Duty, FORMATS, Gateway, Limits, Pages, Provider, Route, Server, Store, System,
    Tls, Witness, WitnessWay,
};
use super::raw::{self, Text};
use crate::diagnostic::{Diagnostic, Span, code};
use crate::ident::{AgencyId, HatId, SystemId};
use crate::vocabulary::Purpose;
use base64::Engine as _;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// Longest id of an agency or system, in characters: it becomes part of a certificate and of log lines.
/// Longest name or address of a sign-in provider, in bytes.
const PROVIDER_TEXT_BYTES_MAX: usize = 512;
const ID_CHARS_MAX: usize = 64;
/// Longest origin, in characters: it is the first line of every checkpoint.
const ORIGIN_CHARS_MAX: usize = 200;
/// Largest body that may be configured, in bytes: a national census of one council fits.
const BODY_BYTES_CEILING: i64 = 64 * 1024 * 1024;
/// The name under which the pages send.
const PAGES: &str = "pages";
/// Minutes without a page after which a session ends, unless configured: a desk in a shared office is left that long at most.
const IDLE_MINUTES: i64 = 15;
/// Hours a session lasts in all, unless configured: a working day.
const SESSION_HOURS: i64 = 10;
/// First day of the duty to share unless configured (sharing rules R14).
const DUTY_FROM: jiff::civil::Date = jiff::civil::date(2026, 9, 30);

/// The text being checked, and the faults found so far.
pub struct Source<'a> {
    file: &'a str,
    text: &'a str,
    folder: &'a Path,
    faults: RefCell<Vec<Diagnostic>>,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a str, text: &'a str, folder: &'a Path) -> Self {
        Self { file, text, folder, faults: RefCell::default() }
    }

    fn fault<T>(&self, at: &Spanned<T>, message: impl Into<String>, expected: &str) {
        let range = at.span();
        let span = Span { start: range.start, end: range.end };
        self.faults.borrow_mut().push(
            Diagnostic::error(code::CONFIG_FILE, message)
                .with_file(self.file)
                .with_span(span, self.text.as_bytes())
                .with_expected(expected),
        );
    }

    fn path(&self, at: &Text) -> PathBuf {
        if at.get_ref().trim().is_empty() {
            self.fault(at, "the file name is empty", "a file name, relative to this file or absolute");
        }
        self.folder.join(at.get_ref())
    }

    fn number(&self, at: Option<&Spanned<i64>>, otherwise: i64, min: i64, max: i64) -> i64 {
        let Some(at) = at else { return otherwise };
        let value = *at.get_ref();
        if value < min || value > max {
            self.fault(at, "the number is out of range", &format!("{min} to {max}"));
        }
        value.clamp(min, max)
    }

    fn id(&self, at: &Text) -> String {
        let id = at.get_ref();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = !id.is_empty()
            && id.len() <= ID_CHARS_MAX
            && id.chars().all(plain)
            && !id.starts_with('-')
            && !id.ends_with('-');
        if !good {
            self.fault(at, "this is not an id", "1 to 64 of a-z, 0-9 and -, not starting or ending with -");
        }
        id.clone()
    }
}

/// Turns the file as written into a checked configuration.
pub fn check(raw: raw::Gateway, source: &Source<'_>) -> Result<Gateway, Vec<Diagnostic>> {
    let agencies = agencies(&raw.agencies, source);
    let known: BTreeSet<&str> = raw.agencies.iter().map(|a| a.id.get_ref().as_str()).collect();
    let systems = systems(&raw.systems, &known, source);
    let mut system_ids: BTreeSet<&str> = raw.systems.iter().map(|s| s.id.get_ref().as_str()).collect();
    let receivers = system_ids.clone();
    // The pages send too: a concern that is passed on goes the way configured from `pages`.
    if raw.pages.is_some() {
        system_ids.insert(PAGES);
    }
    let gateway = Gateway {
        origin: origin(&raw.origin, source),
        server: server(&raw.server, source),
        tls: Tls {
            certificate: source.path(&raw.tls.certificate),
            key: source.path(&raw.tls.key),
            client_ca: source.path(&raw.tls.client_ca),
            crl: raw.tls.crl.as_ref().map(|at| source.path(at)),
            pages: raw.pages.is_some(),
        },
        store: store(&raw.store, source),
        audit: Audit {
            signing_key: source.path(&raw.audit.signing_key),
            checkpoint_file: source.path(&raw.audit.checkpoint_file),
            partnership_auditor: partnership_auditor(&raw.audit, &known, source),
            sample_views_percent: usize::try_from(source.number(raw.audit.sample_views_percent.as_ref(), 0, 0, 100))
                .unwrap_or(0),
            retention_years: raw.audit.retention_years.as_ref().map(|at| source.number(Some(at), 8, 6, 100)),
            witnesses: witnesses(&raw.audit.witnesses, source),
            witnesses_needed: witnesses_needed(&raw.audit, source),
        },
        content: Content { dir: raw.content.dir.as_ref().map(|at| source.path(at)) },
        limits: limits(&raw.limits, source),
        agencies,
        systems,
        routes: routes(&raw.routes, (&system_ids, &receivers), source),
        duty: duty(&raw.duty, &known, source),
        pages: raw.pages.as_ref().map(|p| pages(p, source)),
        provider: raw.pages.as_ref().and_then(|p| p.provider.as_ref()).map(|p| provider(p, source)),
    };
    let faults = source.faults.take();
    if faults.is_empty() { Ok(gateway) } else { Err(faults) }
}

fn pages(raw: &raw::Pages, source: &Source<'_>) -> Pages {
    let seconds = |number: i64, each: u64| Duration::from_secs(u64::try_from(number).unwrap_or(1).saturating_mul(each));
    Pages {
        idle: seconds(source.number(raw.idle_minutes.as_ref(), IDLE_MINUTES, 5, 60), 60),
        session: seconds(source.number(raw.session_hours.as_ref(), SESSION_HOURS, 1, 12), 3600),
    }
}

fn provider(raw: &raw::Provider, source: &Source<'_>) -> Provider {
    let named = |at: &raw::Text, what: &'static str| {
        let text = at.get_ref().trim();
        if text.is_empty() || text.len() > PROVIDER_TEXT_BYTES_MAX {
            source.fault(at, what, "some words, on one line");
        }
        text.to_owned()
    };
    let issuer = named(&raw.issuer, "the issuer is empty or too long");
    if !issuer.starts_with("https://") {
        source.fault(&raw.issuer, "the issuer is not reached over TLS", "https://…, as its discovery document says");
    }
    let address = named(&raw.address, "the address is empty or too long");
    let host = address.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.contains(['/', '?', '#', '@']) {
        source.fault(&raw.address, "this is not where browsers reach the pages", "https://HOST or https://HOST:PORT");
    }
    Provider {
        name: named(&raw.name, "the provider has no name, or a long one"),
        issuer,
        client_id: named(&raw.client_id, "the client's name is empty or too long"),
        client_secret_file: source.path(&raw.client_secret_file),
        authority: source.path(&raw.authority),
        address,
        acr: raw.acr.iter().map(|a| named(a, "a kind of sign-in is empty or too long")).collect(),
    }
}

/// Each with a key and exactly one way to reach it. Whether the key is one is checked where it is used.
fn witnesses(raw: &[raw::Witness], source: &Source<'_>) -> Vec<Witness> {
    let mut names = BTreeSet::new();
    let one = |raw: &raw::Witness| {
        let vkey = raw.vkey.get_ref().clone();
        let name = vkey.split('+').next().unwrap_or_default().to_owned();
        if vkey.matches('+').count() < 2 {
            source.fault(
                &raw.vkey,
                "this is not a verifier key",
                "name+id+base64, as `solent audit witness` prints it",
            );
        } else if !names.insert(name.clone()) {
            source.fault(&raw.vkey, "two witnesses have this name", "a name once");
        }
        let way = match (&raw.url, &raw.drop) {
            (Some(url), None) => {
                let text = url.get_ref();
                let usable = text.starts_with("http://") || (text.starts_with("https://") && raw.ca.is_some());
                if !usable {
                    source.fault(url, "this witness cannot be asked", "http://…, or https://… with ca = \"FILE\"");
                }
                WitnessWay::Http { url: text.clone(), ca: raw.ca.as_ref().map(|at| source.path(at)) }
            }
            (None, Some(folder)) => WitnessWay::Drop(source.path(folder)),
            _ => {
                source.fault(&raw.vkey, "how this witness is reached is not said, or said twice", "either url or drop");
                WitnessWay::Drop(PathBuf::new())
            }
        };
        Witness { name, vkey, way }
    };
    raw.iter().map(one).collect()
}

fn partnership_auditor(raw: &raw::Audit, known: &BTreeSet<&str>, source: &Source<'_>) -> Option<String> {
    let at = raw.partnership_auditor.as_ref()?;
    if !known.contains(at.get_ref().as_str()) {
        source.fault(at, "there is no such agency", "the id of an [[agency]]");
    }
    Some(at.get_ref().clone())
}

fn witnesses_needed(raw: &raw::Audit, source: &Source<'_>) -> usize {
    let there = i64::try_from(raw.witnesses.len()).unwrap_or(0);
    let needed = source.number(raw.witnesses_needed.as_ref(), there.min(1), 0, there);
    usize::try_from(needed).unwrap_or(0)
}

fn origin(at: &Text, source: &Source<'_>) -> String {
    let text = at.get_ref();
    let plain = |c: char| c.is_ascii_graphic() && c != '+';
    let host = text.split('/').next().unwrap_or("");
    if host.is_empty() || text.contains("://") || text.len() > ORIGIN_CHARS_MAX || !text.chars().all(plain) {
        source.fault(at, "this is not an origin", "a URL without its scheme, for example solent.example.org/log1");
    }
    text.clone()
}

fn server(raw: &raw::Server, source: &Source<'_>) -> Server {
    let address = |at: &Text| {
        at.get_ref().parse::<SocketAddr>().unwrap_or_else(|_| {
            source.fault(at, "this is not an address with a port", "for example 0.0.0.0:8443 or [::]:8443");
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    };
    let server = Server {
        listen: address(&raw.listen),
        health_listen: address(&raw.health_listen),
        mllp_listen: raw.mllp_listen.as_ref().map(address),
    };
    if !server.health_listen.ip().is_loopback() {
        source.fault(
            &raw.health_listen,
            "health and metrics are served without TLS",
            "a loopback address, for example 127.0.0.1:8081",
        );
    }
    server
}

fn store(raw: &raw::Store, source: &Source<'_>) -> Store {
    let url = raw.database_url.get_ref();
    let database_url = if let Some(path) = url.strip_prefix("sqlite:") {
        if path.trim_start_matches('/').is_empty() || path.contains('?') || path.contains(":memory:") {
            source.fault(&raw.database_url, "this names no database file", "sqlite:<file>, without options");
        }
        format!("sqlite:{}", source.folder.join(path).display())
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        if holds_password(url) {
            let expected = "no password here: put it in a file only the owner can read and name it in password_file";
            source.fault(&raw.database_url, "the address holds a password", expected);
        }
        url.clone()
    } else {
        source.fault(&raw.database_url, "this database is not supported", "sqlite:<file> or postgres://user@host/name");
        url.clone()
    };
    Store {
        database_url,
        password_file: raw.password_file.as_ref().map(|at| source.path(at)),
        key_file: source.path(&raw.key_file),
    }
}

fn holds_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    let user_part = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user_part.contains(':') || rest.contains("password=")
}

fn limits(raw: &raw::Limits, source: &Source<'_>) -> Limits {
    let count = |at: &Option<Spanned<i64>>, otherwise, min, max| {
        usize::try_from(source.number(at.as_ref(), otherwise, min, max)).unwrap_or(usize::MAX)
    };
    let seconds = |at: &Option<Spanned<i64>>, otherwise, max| {
        Duration::from_secs(u64::try_from(source.number(at.as_ref(), otherwise, 1, max)).unwrap_or(1))
    };
    Limits {
        body_bytes_max: count(&raw.body_bytes_max, 16 * 1024 * 1024, 1024, BODY_BYTES_CEILING),
        depth_max: count(&raw.depth_max, 64, 8, 512),
        nodes_max: count(&raw.nodes_max, 600_000, 100, 20_000_000),
        requests_per_minute: u32::try_from(source.number(raw.requests_per_minute.as_ref(), 300_000, 1, 100_000_000))
            .unwrap_or(u32::MAX),
        connections_max: count(&raw.connections_max, 4_096, 1, 65_536),
        request_time: seconds(&raw.request_seconds, 20, 600),
        keep_alive: seconds(&raw.keep_alive_seconds, 60, 3_600),
        bulk_alert: count(&raw.bulk_alert, 20, 1, 1_000_000),
        bulk_block: count(&raw.bulk_block, 100, 1, 1_000_000),
        assertion_seconds_max: source.number(raw.assertion_seconds_max.as_ref(), 300, 10, 86_400),
    }
}

fn agencies(raw: &[raw::Agency], source: &Source<'_>) -> Vec<Agency> {
    let mut seen = BTreeSet::new();
    let mut agencies = Vec::with_capacity(raw.len());
    for agency in raw {
        if !seen.insert(agency.id.get_ref()) {
            source.fault(&agency.id, "this agency stands twice", "an id of its own for each agency");
        }
        let kind = AgencyKind::ALL.iter().find(|(word, _)| word == agency.kind.get_ref()).map(|(_, kind)| *kind);
        if kind.is_none() {
            source.fault(&agency.kind, "this is not a kind of agency", &words(AgencyKind::ALL.iter().map(|(w, _)| *w)));
        }
        for at in [&agency.name, &agency.contact] {
            if at.get_ref().trim().is_empty() {
                source.fault(at, "this is empty", "a text for people");
            }
        }
        agencies.push(Agency {
            id: AgencyId::new(source.id(&agency.id)),
            kind: kind.unwrap_or(AgencyKind::Other),
            name: agency.name.get_ref().clone(),
            contact: agency.contact.get_ref().clone(),
            ods: agency.ods.as_ref().map(|at| at.get_ref().clone()),
        });
    }
    agencies
}

fn systems(raw: &[raw::System], agencies: &BTreeSet<&str>, source: &Source<'_>) -> Vec<System> {
    let mut seen = BTreeSet::new();
    let mut systems = Vec::with_capacity(raw.len());
    for system in raw {
        if system.id.get_ref() == PAGES {
            source.fault(&system.id, "this id is the pages' own", "another id");
        }
        if !seen.insert(system.id.get_ref()) {
            source.fault(&system.id, "this system stands twice", "an id of its own for each system");
        }
        known(&system.agency, agencies, "agency", source);
        if !FORMATS.contains(&system.format.get_ref().as_str()) {
            source.fault(&system.format, "this is not a format", &words(FORMATS.iter().copied()));
        }
        systems.push(System {
            id: SystemId::new(source.id(&system.id)),
            agency: AgencyId::new(system.agency.get_ref().clone()),
            format: system.format.get_ref().clone(),
            fingerprints: system.fingerprints.iter().map(|at| fingerprint(at, source)).collect(),
            assertion_key: system.assertion_key.as_ref().and_then(|at| public_key(at, source)),
            teams: system.teams.iter().map(|at| source.id(at)).collect(),
        });
    }
    systems
}

/// SHA-256 in hex; colons and capitals, as `openssl x509 -fingerprint` prints them, are accepted.
fn fingerprint(at: &Text, source: &Source<'_>) -> String {
    let hex: String = at.get_ref().chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
    if hex.len() != 64 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        source.fault(at, "this is not a fingerprint", "SHA-256 of the certificate: 64 hexadecimal digits");
    }
    hex
}

fn public_key(at: &Text, source: &Source<'_>) -> Option<[u8; 32]> {
    let key = base64::engine::general_purpose::STANDARD.decode(at.get_ref()).ok().and_then(|b| b.try_into().ok());
    if key.is_none() {
        source.fault(at, "this is not an Ed25519 public key", "32 bytes in base64 (44 characters)");
    }
    key
}

fn routes(
    raw: &[raw::Route],
    (senders, receivers): (&BTreeSet<&str>, &BTreeSet<&str>),
    source: &Source<'_>,
) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::with_capacity(raw.len());
    for route in raw {
        known(&route.from, senders, "system", source);
        known(&route.to, receivers, "system", source);
        if route.from.get_ref() == route.to.get_ref() {
            source.fault(&route.to, "a system cannot be its own receiver", "another system");
        }
        if route.hat.get_ref().trim().is_empty() {
            source.fault(&route.hat, "the hat is empty", "the id of a hat of the receiving agency");
        }
        let purpose = Purpose::parse(route.purpose.get_ref());
        if purpose.is_none() {
            source.fault(&route.purpose, "this is not a purpose", &words(Purpose::ALL.iter().map(|p| p.code())));
        }
        let checked = Route {
            from: SystemId::new(route.from.get_ref().clone()),
            to: SystemId::new(route.to.get_ref().clone()),
            hat: HatId::new(route.hat.get_ref().clone()),
            purpose: purpose.unwrap_or(Purpose::Cin),
        };
        if routes.iter().any(|r| r.from == checked.from && r.to == checked.to) {
            source.fault(&route.to, "this route stands twice", "one route between two systems");
        }
        routes.push(checked);
    }
    routes
}

fn duty(raw: &raw::Duty, agencies: &BTreeSet<&str>, source: &Source<'_>) -> Duty {
    let from = raw.duty_16LA_from.as_ref().map_or(DUTY_FROM, |at| {
        at.get_ref().parse().unwrap_or_else(|_| {
            source.fault(at, "this is not a day", "year-month-day, for example \"2026-09-30\"");
            DUTY_FROM
        })
    });
    for body in &raw.listed_bodies {
        known(body, agencies, "agency", source);
    }
    Duty {
        from,
        listed_bodies: raw.listed_bodies.iter().map(|at| AgencyId::new(at.get_ref().clone())).collect(),
        consistent_identifier: raw
            .consistent_identifier
            .as_ref()
            .map_or_else(|| "nhs-number".to_owned(), |at| at.get_ref().clone()),
    }
}

fn known(at: &Text, names: &BTreeSet<&str>, what: &str, source: &Source<'_>) {
    if !names.contains(at.get_ref().as_str()) {
        source.fault(at, format!("there is no such {what}"), &words(names.iter().copied()));
    }
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let list: Vec<&str> = words.take(16).collect();
    if list.is_empty() { "one that is declared in this file".to_owned() } else { format!("one of {}", list.join(", ")) }
}
