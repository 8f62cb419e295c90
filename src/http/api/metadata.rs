//! `GET /fhir/r4/metadata`: what of FHIR this gateway does, as a CapabilityStatement.
//!
//! Says what the routes do and nothing more; a test holds it to the route table.
//!
//! # Source
//! FHIR R4 4.0.1 CapabilityStatement (cpb-1 to cpb-16), http.html "capabilities" (`mode`, `_format`).

use super::{Caller, Problem};
use crate::http::Door;
use crate::http::envelope::FHIR_JSON;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

/// When this statement was last changed.
const DATE: &str = "2026-11-23";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(rename = "_format")]
    format: Option<String>,
    mode: Option<String>,
}

/// The statement.
pub(super) async fn capabilities(
    _: Caller,
    request: HttpRequest,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    let wrong = || Problem::parameter("the query takes _format (json) and mode (full), each once");
    let query = web::Query::<Query>::from_query(request.query_string()).map_err(|_| wrong())?;
    if query.mode.as_deref().is_some_and(|mode| !matches!(mode, "full" | "normative")) {
        return Err(wrong());
    }
    let accepted = match &query.format {
        // In a query a plus sign that is not escaped arrives as a space.
        Some(format) => is_json(&format.replace(' ', "+")),
        None => accepts_json(&request),
    };
    if !accepted {
        return Err(Problem::not_acceptable());
    }
    Ok(HttpResponse::Ok().content_type(FHIR_JSON).body(statement(&door.config.origin).to_string()))
}

fn is_json(kind: &str) -> bool {
    let kinds = ["application/fhir+json", "application/json", "text/json", "json"];
    kind.split(';').next().is_some_and(|kind| kinds.iter().any(|k| kind.trim().eq_ignore_ascii_case(k)))
}

/// Whether a header `Accept` takes JSON; none takes everything.
fn accepts_json(request: &HttpRequest) -> bool {
    let ranges: Vec<&str> =
        request.headers().get_all(ACCEPT).filter_map(|v| v.to_str().ok()).flat_map(|text| text.split(',')).collect();
    let any = |range: &&str| matches!(range.split(';').next().map(str::trim), Some("*/*" | "application/*"));
    ranges.is_empty() || ranges.iter().any(|range| any(range) || is_json(range))
}

/// Names no address: the gateway does not know by which one it is reached, and repeats none from a request.
fn statement(origin: &str) -> Value {
    let definition = |name: &str| format!("http://hl7.org/fhir/OperationDefinition/{name}");
    json!({
        "resourceType": "CapabilityStatement",
        "name": "SolentGateway",
        "title": "Solent gateway",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "Solent", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": format!("The gateway {origin}")},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "documentation": "Records are sent with $process-message and collected at the mailbox of /api/v1, decided for each receiver; \
                there is no reading or searching of clinical resources. See /api/v1/openapi.json.",
            "security": {
                "cors": false,
                "service": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "Certificates",
                }]}],
                "description": "TLS with a client certificate on every path. What a user does carries the user's signed assertion in the \
                    header Solent-Assertion.",
            },
            "resource": [
                {
                    "type": "AuditEvent",
                    "interaction": [{"code": "search-type"}],
                    "searchParam": [
                        {"name": "date", "type": "date", "documentation": "ge and lt, each once; both are required"},
                        {"name": "patient", "type": "reference", "documentation": "the view's pseudonym of a person"},
                        {"name": "agent", "type": "reference", "documentation": "an account"},
                    ],
                },
                {
                    "type": "Consent",
                    "documentation": "A permission or refusal. To create one the query names the user's purpose: ?purpose=CIN.",
                    "interaction": [{"code": "create"}, {"code": "read"}],
                },
                {
                    "type": "Patient",
                    "documentation": "Looking for a person; the query names the user's purpose: ?purpose=CIN.",
                    "operation": [{"name": "match", "definition": definition("Patient-match")}],
                },
            ],
            "operation": [{
                "name": "process-message",
                "definition": definition("MessageHeader-process-message"),
                "documentation": "Synchronous only; also in XML for systems that speak it. The same message again (Bundle.identifier, else the \
                    header's id and source) has the same answer for 7 days.",
            }],
        }],
    })
}
