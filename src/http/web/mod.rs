//! The pages for people: server-rendered, working without scripts, in one style sheet of our own.
//!
//! Owns sign-in, sessions' cookies, forms, and how a disclosure looks. Refuses to hold a rule about sharing: whatever a page
//! shows of a person arrived as `exchange::Released`, in the canonical format, decided and logged. URLs carry opaque ids;
//! every text stands in `text/`; a form without its session's word changes nothing. Read [`Frame`] and `visit.rs` first.

mod answer;
mod approvals;
mod audit;
mod chronology;
mod claim;
mod concern;
mod concern_draft;
mod concern_files;
mod concern_next;
mod concern_steps;
mod demo;
mod disclosure;
mod drafts;
mod family;
mod fields;
mod frame;
mod hat;
mod home;
mod matches;
mod once;
mod opened;
mod operator;
mod permission;
mod picture;
mod protect;
mod provider;
mod review;
mod routes;
mod search;
mod seen;
mod sheet;
mod sign_in;
mod style;
mod surgery;
mod text;
mod upload;
mod visit;
mod volunteer;
mod withheld;
mod work;
mod written;

pub use demo::DemoPerson;
pub use provider::RETURN as PROVIDER_RETURN;
pub(super) use visit::Pages;

use actix_web::web::{self, ServiceConfig};
use routes::Routes;
pub(super) use routes::{missing, no_page};

/// Adds the routes of the pages.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.app_data(web::FormConfig::default().limit(fields::FORM_BYTES_MAX));
    let mut pages = Routes::of(config);
    first(&mut pages);
    danger(&mut pages);
    permission::routes(&mut pages);
    work(&mut pages);
    schools(&mut pages);
    audit::routes(&mut pages);
    pages.done();
}

/// Coming in, families, the operator.
fn first(pages: &mut Routes<'_>) {
    pages
        .get("/", home::start)
        .get(style::PATH, style::sheet)
        .get("/sign-in", sign_in::form)
        .post("/sign-in", sign_in::submit)
        .get("/sign-in/provider", provider::out)
        .get("/sign-in/provider/return", provider::back)
        .post("/sign-out", sign_in::out)
        .get("/hat", hat::form)
        .post("/hat", hat::choose)
        .get("/demo", demo::people)
        .post("/demo", demo::walk)
        .get("/families", family::list)
        .get("/families/search", search::form)
        .post("/families/search", search::search)
        .get("/claims/{person}", claim::ask)
        .post("/claims/{person}", claim::claim)
        .get("/families/{family}", family::open)
        .get("/families/{family}/purpose", family::why)
        .post("/families/{family}/purpose", family::state)
        .get("/families/{family}/protect", protect::ask)
        .post("/families/{family}/protect", protect::change)
        .get("/families/{family}/chronology", chronology::chronology)
        .get("/families/{family}/entry", written::ask)
        .post("/families/{family}/entry/{form}", written::write)
        .get("/operator", operator::operator);
}

/// Delegations, items, leads; volunteers.
fn work(pages: &mut Routes<'_>) {
    pages
        .get("/delegating", work::list)
        .post("/delegating/delegations", work::delegate)
        .post("/delegating/delegations/{delegation}/end", work::end)
        .get("/drafts", drafts::list)
        .get("/drafts/{draft}", drafts::one)
        .post("/drafts/{draft}/again", drafts::again)
        .post("/drafts/{draft}/{version}", drafts::decide)
        .get("/delegating/leads/{case}", work::lead)
        .post("/delegating/leads/{case}", work::hand)
        .get("/families/{family}/people/{person}/item/{segment}", work::item)
        .post("/families/{family}/people/{person}/item/{segment}", work::open_item)
        .get("/brief", volunteer::brief)
        .post("/brief/{match}/worry", volunteer::worry)
        .post("/brief/{match}/note", volunteer::note)
        .get("/volunteers", volunteer::list)
        .get("/volunteers/{match}", volunteer::edit)
        .post("/volunteers/{match}", volunteer::write)
        .get("/notes/{note}", volunteer::read);
}

/// What is withheld: asking for it, opening it for somebody's safety, approving that.
fn danger(pages: &mut Routes<'_>) {
    pages
        .get("/families/{family}/people/{person}/withheld/{category}", withheld::why)
        .post("/families/{family}/people/{person}/withheld/{category}", withheld::ask)
        .get("/families/{family}/people/{person}/open/{step}", opened::ask)
        .post("/families/{family}/people/{person}/open/{step}", opened::answer)
        .get("/opened/{override}/told", opened::told)
        .post("/opened/{override}/told", opened::tell)
        .get("/approvals", approvals::list)
        .get("/approvals/{override}", approvals::one)
        .post("/approvals/{override}", approvals::answer)
        .get("/review", review::list)
        .get("/review/requests/{request}", review::request)
        .post("/review/requests/{request}", review::answer)
        .get("/review/overrides/{override}", review::opened)
        .post("/review/overrides/{override}", review::decide)
        .get("/review/alerts/{alert}", review::alert)
        .post("/review/alerts/{alert}", review::settle_alert)
        .post("/review/matches/{match}", matches::settle);
}

/// Concerns, from the school's side and the surgery's.
fn schools(pages: &mut Routes<'_>) {
    pages
        .get("/concerns", concern::list)
        .post("/concerns", concern::submit)
        .get("/concerns/new", concern::begin)
        .get("/concerns/new/files", concern_draft::files)
        .post("/concerns/new/files", concern_draft::add)
        .get("/concerns/new/files/{file}", concern_draft::one)
        .post("/concerns/new/files/{file}/away", concern_draft::away)
        .post("/concerns/new/away", concern_draft::drop)
        .get("/concerns/new/{step}", concern::ask)
        .post("/concerns/new/{step}", concern::answer)
        .get("/concerns/{concern}", concern::one)
        .post("/concerns/{concern}/reply", concern::reply)
        .post("/concerns/{concern}/files", concern_files::add)
        .get("/concerns/{concern}/files/{file}", concern_files::one)
        .get("/surgery/{concern}/files/{file}", concern_files::one)
        .post("/concerns/{concern}/surgery", concern::to_surgery)
        .get("/surgery", surgery::queue)
        .get("/surgery/{concern}", surgery::one)
        .post("/surgery/{concern}/take", surgery::take)
        .post("/surgery/{concern}/ask", surgery::ask)
        .post("/surgery/{concern}/answer", surgery::answer)
        .post("/surgery/{concern}/end", surgery::end);
}

/// Whether a path is one that people use; everything else belongs to machines and needs a certificate.
pub(super) fn is_page(path: &str) -> bool {
    !["/api/", "/log/", "/fhir/"].iter().any(|machine| path.starts_with(machine))
}
