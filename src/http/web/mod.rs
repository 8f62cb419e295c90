//! The pages for people: server-rendered, working without scripts, in one style sheet of our own.
//!
//! Owns sign-in, sessions' cookies, forms, and how a disclosure looks. Refuses to hold a rule about sharing: whatever a page
//! shows of a person arrived as `exchange::Released`, in the canonical format, decided and logged. URLs carry opaque ids;
//! every text stands in `text/`; a form without its session's word changes nothing. Read [`Frame`] and `visit.rs` first.

mod answer;
mod approvals;
mod audit;
mod chronology;
mod concern;
mod concern_files;
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
mod opened;
mod operator;
mod permission;
mod picture;
mod provider;
mod review;
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
pub(super) use answer::not_found;

/// Adds the routes of the pages.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(web::FormConfig::default().limit(fields::FORM_BYTES_MAX))
        .route("/", web::get().to(home::start))
        .route(style::PATH, web::get().to(style::sheet))
        .route("/sign-in", web::get().to(sign_in::form))
        .route("/sign-in", web::post().to(sign_in::submit))
        .route("/sign-in/provider", web::get().to(provider::out))
        .route("/sign-in/provider/return", web::get().to(provider::back))
        .route("/sign-out", web::post().to(sign_in::out))
        .route("/hat", web::get().to(hat::form))
        .route("/hat", web::post().to(hat::choose))
        .route("/demo", web::get().to(demo::people))
        .route("/demo", web::post().to(demo::walk))
        .route("/families", web::get().to(family::list))
        .route("/families/search", web::get().to(search::form))
        .route("/families/search", web::post().to(search::search))
        .route("/families/{family}", web::get().to(family::open))
        .route("/families/{family}/purpose", web::get().to(family::why))
        .route("/families/{family}/purpose", web::post().to(family::state))
        .route("/families/{family}/chronology", web::get().to(chronology::chronology))
        .route("/families/{family}/entry", web::get().to(written::ask))
        .route("/families/{family}/entry/{form}", web::post().to(written::write));
    danger(config);
    config.route("/operator", web::get().to(operator::operator));
    permission::routes(config);
    work(config);
    schools(config);
    audit::routes(config);
}

/// Delegations, items, leads; volunteers.
fn work(config: &mut ServiceConfig) {
    config
        .route("/delegating", web::get().to(work::list))
        .route("/delegating/delegations", web::post().to(work::delegate))
        .route("/delegating/delegations/{delegation}/end", web::post().to(work::end))
        .route("/drafts", web::get().to(drafts::list))
        .route("/drafts/{draft}", web::get().to(drafts::one))
        .route("/drafts/{draft}/again", web::post().to(drafts::again))
        .route("/drafts/{draft}/{version}", web::post().to(drafts::decide))
        .route("/delegating/leads/{case}", web::get().to(work::lead))
        .route("/delegating/leads/{case}", web::post().to(work::hand))
        .route("/families/{family}/people/{person}/item/{segment}", web::get().to(work::item))
        .route("/families/{family}/people/{person}/item/{segment}", web::post().to(work::open_item))
        .route("/brief", web::get().to(volunteer::brief))
        .route("/brief/{match}/worry", web::post().to(volunteer::worry))
        .route("/brief/{match}/note", web::post().to(volunteer::note))
        .route("/volunteers", web::get().to(volunteer::list))
        .route("/volunteers/{match}", web::get().to(volunteer::edit))
        .route("/volunteers/{match}", web::post().to(volunteer::write))
        .route("/notes/{note}", web::get().to(volunteer::read));
}

/// What is withheld: asking for it, opening it for somebody's safety, approving that.
fn danger(config: &mut ServiceConfig) {
    config
        .route("/families/{family}/people/{person}/withheld/{category}", web::get().to(withheld::why))
        .route("/families/{family}/people/{person}/withheld/{category}", web::post().to(withheld::ask))
        .route("/families/{family}/people/{person}/open/{step}", web::get().to(opened::ask))
        .route("/families/{family}/people/{person}/open/{step}", web::post().to(opened::answer))
        .route("/opened/{override}/told", web::get().to(opened::told))
        .route("/opened/{override}/told", web::post().to(opened::tell))
        .route("/approvals", web::get().to(approvals::list))
        .route("/approvals/{override}", web::get().to(approvals::one))
        .route("/approvals/{override}", web::post().to(approvals::answer))
        .route("/review", web::get().to(review::list))
        .route("/review/requests/{request}", web::get().to(review::request))
        .route("/review/requests/{request}", web::post().to(review::answer))
        .route("/review/overrides/{override}", web::get().to(review::opened))
        .route("/review/overrides/{override}", web::post().to(review::decide))
        .route("/review/alerts/{alert}", web::get().to(review::alert))
        .route("/review/alerts/{alert}", web::post().to(review::settle_alert))
        .route("/review/matches/{match}", web::post().to(matches::settle));
}

/// Concerns, from the school's side and the surgery's.
fn schools(config: &mut ServiceConfig) {
    config
        .route("/concerns", web::get().to(concern::list))
        .route("/concerns", web::post().to(concern::submit))
        .route("/concerns/new", web::get().to(concern::begin))
        .route("/concerns/new/{step}", web::get().to(concern::ask))
        .route("/concerns/new/{step}", web::post().to(concern::answer))
        .route("/concerns/{concern}", web::get().to(concern::one))
        .route("/concerns/{concern}/reply", web::post().to(concern::reply))
        .route("/concerns/{concern}/files", web::post().to(concern_files::add))
        .route("/concerns/{concern}/files/{file}", web::get().to(concern_files::one))
        .route("/surgery/{concern}/files/{file}", web::get().to(concern_files::one))
        .route("/concerns/{concern}/surgery", web::post().to(concern::to_surgery))
        .route("/surgery", web::get().to(surgery::queue))
        .route("/surgery/{concern}", web::get().to(surgery::one))
        .route("/surgery/{concern}/take", web::post().to(surgery::take))
        .route("/surgery/{concern}/ask", web::post().to(surgery::ask))
        .route("/surgery/{concern}/answer", web::post().to(surgery::answer))
        .route("/surgery/{concern}/end", web::post().to(surgery::end));
}

/// Whether a path is one that people use; everything else belongs to machines and needs a certificate.
pub(super) fn is_page(path: &str) -> bool {
    !["/api/", "/log/", "/fhir/"].iter().any(|machine| path.starts_with(machine))
}
