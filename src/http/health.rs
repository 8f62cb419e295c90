//! The loopback listener: is the gateway alive, can it work, what has it counted. No TLS, no secrets, no ids.

use super::door::Door;
use actix_web::http::header::{ALLOW, CONTENT_TYPE};
use actix_web::{HttpResponse, Resource, web};
use serde_json::json;

/// Adds the routes.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(read_only("/health/live").route(web::get().to(live)).route(web::head().to(live)))
        .service(read_only("/health/ready").route(web::get().to(ready)).route(web::head().to(ready)))
        .service(read_only("/metrics").route(web::get().to(metrics)).route(web::head().to(metrics)))
        .default_service(web::to(HttpResponse::NotFound));
}

/// A path that is only read, with HEAD for those who probe by it.
fn read_only(path: &str) -> Resource {
    let other = || async { HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD")).finish() };
    web::resource(path).default_service(web::to(other))
}

/// The process answers.
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// The gateway can take and release; 503 with what is not ready otherwise. An overdue revocation list and
/// a refused content set are warnings.
async fn ready(door: web::Data<Door>) -> HttpResponse {
    let faults = door.stories.unready().await;
    let mut warnings = Vec::new();
    if door.tls.crl_due().is_some_and(|due| due < door.tls.now()) {
        warnings.push("a revocation list is overdue");
    }
    let content = door.stories.content_state();
    if !content.faults.is_empty() {
        warnings.push("a changed content set was refused; the last good one is in force");
    }
    let (mut response, status) = if faults.is_empty() {
        (HttpResponse::Ok(), "ready")
    } else {
        (HttpResponse::ServiceUnavailable(), "not ready")
    };
    response.json(json!({ "status": status, "faults": faults, "warnings": warnings, "content": content.faults }))
}

/// Counters in Prometheus text.
async fn metrics(door: web::Data<Door>) -> HttpResponse {
    let text = door.metrics_text().await;
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text)
}
