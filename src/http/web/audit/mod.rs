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
use super::routes::Routes;
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::{Failure, Gateway};
use std::collections::{BTreeMap, BTreeSet};

/// Adds the console's routes.
pub(super) fn routes(pages: &mut Routes<'_>) {
    pages
        .get("/audit", search::page)
        .post("/audit/searches", search::save)
        .post("/audit/searches/{search}/forget", search::forget)
        .get("/audit/questions", question::list)
        .get("/audit/questions/{question}", question::one)
        .get("/audit/entries/{entry}", entry::one)
        .post("/audit/entries/{entry}/note", entry::note)
        .get("/audit/entries/{entry}/proof", entry::proof)
        .get("/audit/integrity", integrity::state)
        .post("/audit/integrity/again", integrity::again)
        .post("/audit/integrity/check", integrity::check)
        .get("/audit/reidentify", reidentify::list)
        .post("/audit/reidentify", reidentify::ask)
        .post("/audit/reidentify/{request}/decide", reidentify::decide)
        .post("/audit/reidentify/{request}/look", reidentify::look)
        .get("/audit/charts", charts::charts)
        .get("/audit/export", export::form)
        .post("/audit/export", export::take);
}

/// Lets auditors and privacy officers pass; for others there is nothing here.
fn auditor(visit: &SignedIn) -> Result<(), Stop> {
    match &visit.visitor.hat {
        None => Err(Stop::NoHat),
        Some(_) if Gateway::may_audit(&visit.visitor) => Ok(()),
        Some(_) => Err(Stop::Missing),
    }
}

/// Why a page of the console stops. That something is not what was signed is what an auditor has to learn, not to try again.
fn stopped(failure: Failure) -> Stop {
    if failure.is_alteration() { Stop::Altered } else { failure.into() }
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
