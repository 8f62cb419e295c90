//! The routes for machines, mirroring the URL tree: one file per resource.
//!
//! [`ROUTES`] is the table the routes are made from; a test holds `openapi.json` to it.

mod audit;
mod concerns;
mod consent;
mod deeds;
mod enquiries;
mod log;
mod mailbox;
mod media;
mod messages;
mod metadata;
mod openapi;
mod overrides;
mod patient;
mod permissions;
mod process;
mod protections;
mod relationships;

use super::{Caller, Door, Problem, web as pages};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, Resource, Route};

/// One row of the route table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RouteRow {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, with `{name}` for parameters, as in OpenAPI.
    pub path: &'static str,
}

/// The outside contract of this version.
pub const ROUTES: &[RouteRow] = &[
    RouteRow { method: "POST", path: "/api/v1/messages" },
    RouteRow { method: "GET", path: "/api/v1/messages/{id}" },
    RouteRow { method: "GET", path: "/api/v1/mailbox" },
    RouteRow { method: "GET", path: "/api/v1/mailbox/{id}" },
    RouteRow { method: "POST", path: "/api/v1/mailbox/{id}/ack" },
    RouteRow { method: "POST", path: "/api/v1/mailbox/{id}/nack" },
    RouteRow { method: "POST", path: "/api/v1/enquiries" },
    RouteRow { method: "POST", path: "/api/v1/concerns" },
    RouteRow { method: "GET", path: "/api/v1/concerns/{id}" },
    RouteRow { method: "POST", path: "/api/v1/permissions" },
    RouteRow { method: "GET", path: "/api/v1/permissions/{id}" },
    RouteRow { method: "POST", path: "/api/v1/permissions/{id}/withdraw" },
    RouteRow { method: "POST", path: "/api/v1/permissions/{id}/dispute" },
    RouteRow { method: "POST", path: "/api/v1/permissions/{id}/resolve" },
    RouteRow { method: "POST", path: "/api/v1/permissions/{id}/error" },
    RouteRow { method: "POST", path: "/api/v1/assessments" },
    RouteRow { method: "POST", path: "/api/v1/relationships" },
    RouteRow { method: "POST", path: "/api/v1/relationships/{id}/end" },
    RouteRow { method: "POST", path: "/api/v1/item-grants" },
    RouteRow { method: "POST", path: "/api/v1/cases/{id}/purpose" },
    RouteRow { method: "POST", path: "/api/v1/overrides" },
    RouteRow { method: "POST", path: "/api/v1/overrides/{id}/approve" },
    RouteRow { method: "POST", path: "/api/v1/overrides/{id}/reject" },
    RouteRow { method: "POST", path: "/api/v1/overrides/{id}/renew" },
    RouteRow { method: "POST", path: "/api/v1/overrides/{id}/told" },
    RouteRow { method: "POST", path: "/api/v1/overrides/{id}/review" },
    RouteRow { method: "POST", path: "/api/v1/protections" },
    RouteRow { method: "POST", path: "/api/v1/protections/{id}/lift" },
    RouteRow { method: "POST", path: "/api/v1/strands" },
    RouteRow { method: "POST", path: "/api/v1/conflicts" },
    RouteRow { method: "POST", path: "/api/v1/seals" },
    RouteRow { method: "POST", path: "/api/v1/strands/end" },
    RouteRow { method: "POST", path: "/api/v1/conflicts/end" },
    RouteRow { method: "POST", path: "/api/v1/seals/{id}/end" },
    RouteRow { method: "POST", path: "/api/v1/openings" },
    RouteRow { method: "GET", path: "/fhir/r4/metadata" },
    RouteRow { method: "POST", path: "/fhir/r4/$process-message" },
    RouteRow { method: "POST", path: "/fhir/r4/Patient/$match" },
    RouteRow { method: "POST", path: "/fhir/r4/Consent" },
    RouteRow { method: "GET", path: "/fhir/r4/Consent/{id}" },
    RouteRow { method: "GET", path: "/api/v1/openapi.json" },
    RouteRow { method: "GET", path: "/api/v1/audit/alerts" },
    RouteRow { method: "POST", path: "/api/v1/audit/alerts/{id}" },
    RouteRow { method: "GET", path: "/api/v1/audit/entries" },
    RouteRow { method: "GET", path: "/api/v1/audit/entries/{id}" },
    RouteRow { method: "GET", path: "/api/v1/audit/entries/{id}/proof" },
    RouteRow { method: "GET", path: "/api/v1/audit/questions/{question}" },
    RouteRow { method: "GET", path: "/fhir/r4/AuditEvent" },
    RouteRow { method: "GET", path: "/log/{shard}/checkpoint" },
    RouteRow { method: "GET", path: "/log/{shard}/cosigned" },
    RouteRow { method: "GET", path: "/log/{shard}/tile/{path}" },
];

/// Adds the routes. Every handler takes a [`Caller`], also those that answer 404 and 405.
pub(super) fn routes(config: &mut ServiceConfig) {
    for row in ROUTES {
        if let Some(route) = handler(row) {
            config.service(resource(row, route));
        }
    }
    // A path that does not decode is no path; the server's own text would not be a problem document.
    config.app_data(web::PathConfig::default().error_handler(|_, request| {
        let paged = request.app_data::<web::Data<Door>>().is_some_and(|door| door.pages.is_some());
        if paged && pages::is_page(request.path()) { pages::missing() } else { Problem::not_found().into() }
    }));
    config.default_service(web::to(no_route));
}

fn handler(row: &RouteRow) -> Option<Route> {
    let route = match (row.method, row.path) {
        ("POST", "/api/v1/messages") => web::post().to(messages::submit),
        ("GET", "/api/v1/messages/{id}") => web::get().to(messages::status),
        ("GET", "/api/v1/mailbox") => web::get().to(mailbox::list),
        ("GET", "/api/v1/mailbox/{id}") => web::get().to(mailbox::collect),
        ("POST", "/api/v1/mailbox/{id}/ack") => web::post().to(mailbox::acknowledge),
        ("POST", "/api/v1/mailbox/{id}/nack") => web::post().to(mailbox::decline),
        ("POST", "/api/v1/enquiries") => web::post().to(enquiries::ask),
        ("GET", "/api/v1/openapi.json") => web::get().to(openapi::document),
        ("GET", "/api/v1/audit/alerts") => web::get().to(audit::alerts),
        ("POST", "/api/v1/audit/alerts/{id}") => web::post().to(audit::settle),
        ("GET", "/api/v1/audit/entries") => web::get().to(audit::entries),
        ("GET", "/api/v1/audit/entries/{id}") => web::get().to(audit::entry),
        ("GET", "/api/v1/audit/entries/{id}/proof") => web::get().to(audit::proof),
        ("GET", "/api/v1/audit/questions/{question}") => web::get().to(audit::question),
        ("GET", "/fhir/r4/metadata") => web::get().to(metadata::capabilities),
        ("POST", "/fhir/r4/$process-message") => web::post().to(process::message),
        ("POST", "/fhir/r4/Patient/$match") => web::post().to(patient::matching),
        ("GET", "/fhir/r4/AuditEvent") => web::get().to(audit::fhir),
        ("GET", "/log/{shard}/checkpoint") => web::get().to(log::checkpoint),
        ("GET", "/log/{shard}/cosigned") => web::get().to(log::cosigned),
        ("GET", "/log/{shard}/tile/{path}") => web::get().to(log::tile),
        _ => return recording(row),
    };
    Some(route)
}

/// The paths under which users record something.
fn recording(row: &RouteRow) -> Option<Route> {
    let route = match (row.method, row.path) {
        ("POST", "/fhir/r4/Consent") => web::post().to(consent::import),
        ("GET", "/fhir/r4/Consent/{id}") => web::get().to(consent::export),
        ("POST", "/api/v1/concerns") => web::post().to(concerns::submit),
        ("GET", "/api/v1/concerns/{id}") => web::get().to(concerns::show),
        ("POST", "/api/v1/permissions") => web::post().to(permissions::record),
        ("GET", "/api/v1/permissions/{id}") => web::get().to(permissions::show),
        ("POST", "/api/v1/permissions/{id}/withdraw") => web::post().to(permissions::withdraw),
        ("POST", "/api/v1/permissions/{id}/dispute") => web::post().to(permissions::dispute),
        ("POST", "/api/v1/permissions/{id}/resolve") => web::post().to(permissions::resolve),
        ("POST", "/api/v1/permissions/{id}/error") => web::post().to(permissions::error),
        ("POST", "/api/v1/assessments") => web::post().to(permissions::assess),
        ("POST", "/api/v1/relationships") => web::post().to(relationships::begin),
        ("POST", "/api/v1/relationships/{id}/end") => web::post().to(relationships::end),
        ("POST", "/api/v1/item-grants") => web::post().to(relationships::open_item),
        ("POST", "/api/v1/cases/{id}/purpose") => web::post().to(relationships::change_purpose),
        ("POST", "/api/v1/overrides") => web::post().to(overrides::ask),
        ("POST", "/api/v1/overrides/{id}/approve") => web::post().to(overrides::approve),
        ("POST", "/api/v1/overrides/{id}/reject") => web::post().to(overrides::reject),
        ("POST", "/api/v1/overrides/{id}/renew") => web::post().to(overrides::renew),
        ("POST", "/api/v1/overrides/{id}/told") => web::post().to(overrides::tell),
        ("POST", "/api/v1/overrides/{id}/review") => web::post().to(overrides::review),
        ("POST", "/api/v1/protections") => web::post().to(protections::protect),
        ("POST", "/api/v1/protections/{id}/lift") => web::post().to(protections::lift),
        ("POST", "/api/v1/strands") => web::post().to(protections::mark),
        ("POST", "/api/v1/conflicts") => web::post().to(protections::declare),
        ("POST", "/api/v1/seals") => web::post().to(protections::seal),
        ("POST", "/api/v1/strands/end") => web::post().to(protections::unmark),
        ("POST", "/api/v1/conflicts/end") => web::post().to(protections::undeclare),
        ("POST", "/api/v1/seals/{id}/end") => web::post().to(protections::unseal),
        ("POST", "/api/v1/openings") => web::post().to(protections::open),
        _ => return None,
    };
    Some(route)
}

fn resource(row: &RouteRow, route: Route) -> Resource {
    // A tile's path has several parts.
    let pattern = row.path.replace("/tile/{path}", "/tile/{path:.*}");
    let allow = row.method;
    web::resource(pattern)
        .route(route)
        .default_service(web::to(move |_: Caller| async move { Err::<&str, _>(Problem::method(allow)) }))
}

/// No such path. For people a page; for machines a problem, and only for those who may ask.
async fn no_route(request: HttpRequest, door: web::Data<Door>) -> Result<HttpResponse, Problem> {
    if door.pages.is_some() && pages::is_page(request.path()) {
        return Ok(pages::no_page(&request));
    }
    Caller::extract(&request).await?;
    Err(Problem::no_route())
}

/// Longest id in a path, in bytes: a UUID has 36.
const ID_BYTES_MAX: usize = 64;

/// An id of a path. One that cannot be an id is as absent as one that is not there.
fn id(text: &str) -> Result<&str, Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if text.is_empty() || text.len() > ID_BYTES_MAX || !text.bytes().all(plain) {
        return Err(Problem::not_found());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_a_handler() {
        assert!(ROUTES.iter().all(|row| handler(row).is_some()));
    }

    #[test]
    fn openapi_describes_exactly_the_routes_of_the_table() {
        let document: serde_json::Value = serde_json::from_str(openapi::TEXT).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        let mut described: Vec<(String, String)> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["responses"].is_object(), "{method} {path} has no responses");
                described.push((method.to_uppercase(), path.clone()));
            }
        }
        let mut expected: Vec<_> = ROUTES.iter().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
        described.sort();
        expected.sort();
        assert_eq!(described, expected);
    }

    #[test]
    fn only_plain_ids_reach_a_story() {
        assert!(id("0191f0c2-7c3e-7a00-8000-000000000001").is_ok());
        for wrong in ["", "..", "a/b", "a b", "é", "%2e", &"a".repeat(65)] {
            assert_eq!(id(wrong).unwrap_err(), Problem::not_found(), "{wrong}");
        }
    }
}
