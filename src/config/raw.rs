//! The configuration file as written: every value with its place, unknown keys refused.
//!
//! Decides nothing; `checks.rs` turns it into [`super::Gateway`].

use crate::diagnostic::{Diagnostic, Span, code};
use serde::Deserialize;
use toml::Spanned;

/// A value with its place in the file.
pub type Text = Spanned<String>;

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    pub origin: Text,
    pub server: Server,
    pub tls: Tls,
    pub store: Store,
    pub audit: Audit,
    #[serde(default)]
    pub content: Content,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default, rename = "agency")]
    pub agencies: Vec<Agency>,
    #[serde(default, rename = "system")]
    pub systems: Vec<System>,
    #[serde(default, rename = "route")]
    pub routes: Vec<Route>,
    #[serde(default)]
    pub duty: Duty,
    pub pages: Option<Pages>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    pub idle_minutes: Option<Spanned<i64>>,
    pub session_hours: Option<Spanned<i64>>,
    pub provider: Option<Provider>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    pub name: Text,
    pub issuer: Text,
    pub client_id: Text,
    pub client_secret_file: Text,
    pub authority: Text,
    pub address: Text,
    #[serde(default)]
    pub acr: Vec<Text>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: Text,
    pub health_listen: Text,
    pub mllp_listen: Option<Text>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate: Text,
    pub key: Text,
    pub client_ca: Text,
    pub crl: Option<Text>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub database_url: Text,
    pub password_file: Option<Text>,
    pub key_file: Text,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub signing_key: Text,
    pub checkpoint_file: Text,
    pub partnership_auditor: Option<Text>,
    pub sample_views_percent: Option<Spanned<i64>>,
    pub retention_years: Option<Spanned<i64>>,
    pub witnesses_needed: Option<Spanned<i64>>,
    #[serde(default, rename = "witness")]
    pub witnesses: Vec<Witness>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    pub vkey: Text,
    pub url: Option<Text>,
    pub ca: Option<Text>,
    pub drop: Option<Text>,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub dir: Option<Text>,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub body_bytes_max: Option<Spanned<i64>>,
    pub depth_max: Option<Spanned<i64>>,
    pub nodes_max: Option<Spanned<i64>>,
    pub requests_per_minute: Option<Spanned<i64>>,
    pub connections_max: Option<Spanned<i64>>,
    pub request_seconds: Option<Spanned<i64>>,
    pub keep_alive_seconds: Option<Spanned<i64>>,
    pub assertion_seconds_max: Option<Spanned<i64>>,
    pub bulk_alert: Option<Spanned<i64>>,
    pub bulk_block: Option<Spanned<i64>>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    pub id: Text,
    pub kind: Text,
    pub name: Text,
    pub contact: Text,
    pub ods: Option<Text>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct System {
    pub id: Text,
    pub agency: Text,
    pub format: Text,
    #[serde(default)]
    pub fingerprints: Vec<Text>,
    pub assertion_key: Option<Text>,
    #[serde(default)]
    pub teams: Vec<Text>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub from: Text,
    pub to: Text,
    pub hat: Text,
    pub purpose: Text,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
#[allow(non_snake_case, reason = "the key is named after the section of the Act, as in sharing rules R14")]
pub struct Duty {
    pub duty_16LA_from: Option<Text>,
    #[serde(default)]
    pub listed_bodies: Vec<Text>,
    pub consistent_identifier: Option<Text>,
}

/// The reader's words without the value they are about: somebody may have put a person where a list belongs. Names of keys stay.
fn said(message: &str) -> String {
    let line = message.replace('\n', "; ");
    for (from, to, instead) in [
        ("string \"", "\", expected", "a text, expected"),
        ("integer `", "`, expected", "a number, expected"),
        ("floating point `", "`, expected", "a number, expected"),
        ("unknown variant `", "`, expected", "unknown word, expected"),
    ] {
        if let (Some((before, _)), Some((_, after))) = (line.split_once(from), line.rsplit_once(to)) {
            return format!("{before}{instead}{after}");
        }
    }
    line
}

/// Reads the TOML text.
pub fn parse(file: &str, text: &str) -> Result<Gateway, Vec<Diagnostic>> {
    toml::from_str(text).map_err(|error| {
        let diagnostic = Diagnostic::error(code::CONFIG_FILE, said(error.message())).with_file(file);
        vec![match error.span() {
            Some(range) => diagnostic.with_span(Span { start: range.start, end: range.end }, text.as_bytes()),
            None => diagnostic,
        }]
    })
}
