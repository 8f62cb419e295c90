//! The auditor's console: search the log (A1), one entry explained (A2), charts (A4), integrity (A5), export (A6).
//!
//! Owns the looks and the words. People and cases appear under the pseudonyms of the view, accounts by name and hat; there
//! is no content in what arrives here. For every other hat these addresses do not exist. Read `search.rs` first.

mod bars;
pub(super) mod charts;
pub(super) mod entry;
pub(super) mod export;
pub(super) mod integrity;
mod query;
pub(super) mod question;
pub(super) mod reidentify;
pub(super) mod search;
mod table;

use super::answer::Stop;
use super::disclosure::day_words;
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::Gateway;
use actix_web::web::{self, ServiceConfig};
use std::collections::{BTreeMap, BTreeSet};

/// Adds the console's routes.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/audit", web::get().to(search::page))
        .route("/audit/searches", web::post().to(search::save))
        .route("/audit/searches/{search}/forget", web::post().to(search::forget))
        .route("/audit/questions", web::get().to(question::list))
        .route("/audit/questions/{question}", web::get().to(question::one))
        .route("/audit/entries/{entry}", web::get().to(entry::one))
        .route("/audit/entries/{entry}/note", web::post().to(entry::note))
        .route("/audit/entries/{entry}/proof", web::get().to(entry::proof))
        .route("/audit/integrity", web::get().to(integrity::state))
        .route("/audit/integrity/again", web::post().to(integrity::again))
        .route("/audit/integrity/check", web::post().to(integrity::check))
        .route("/audit/reidentify", web::get().to(reidentify::list))
        .route("/audit/reidentify", web::post().to(reidentify::ask))
        .route("/audit/reidentify/{request}/decide", web::post().to(reidentify::decide))
        .route("/audit/reidentify/{request}/look", web::post().to(reidentify::look))
        .route("/audit/charts", web::get().to(charts::charts))
        .route("/audit/export", web::get().to(export::form))
        .route("/audit/export", web::post().to(export::take));
}

/// Lets auditors and privacy officers pass; for others there is nothing here.
fn auditor(visit: &SignedIn) -> Result<(), Stop> {
    match &visit.visitor.hat {
        None => Err(Stop::NoHat),
        Some(_) if Gateway::may_audit(&visit.visitor) => Ok(()),
        Some(_) => Err(Stop::Missing),
    }
}

/// Accounts as the console names them: by name where one is known, else by id.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    async fn of(visit: &SignedIn, accounts: BTreeSet<String>) -> Result<Self, Stop> {
        let mut names = visit.gateway().account_names(&visit.visitor, &accounts).await?;
        for person in &visit.pages.demo {
            names.entry(person.account.as_str().to_owned()).or_insert_with(|| person.shown.clone());
        }
        Ok(Self(names))
    }
    fn say(&self, account: &str) -> String {
        self.0.get(account).map_or_else(|| account.to_owned(), |name| format!("{name} ({account})"))
    }
}

/// A moment as people read it.
fn when(text: &str) -> String {
    day_words(text).unwrap_or_else(|| text.to_owned())
}

/// A reason's or limit's code in words.
fn reason_words(code: &str) -> String {
    match Text::english().find(&format!("reason.{code}")) {
        Some(words) => words.to_owned(),
        None => code.to_owned(),
    }
}
