//! `POST /fhir/r4/$process-message`: a FHIR message in, a FHIR message back.
//!
//! The message takes the way of `POST /api/v1/messages`; this file owns the envelope of the answer. An answer that refuses carries
//! the status the same message would have there. What cannot be answered as a message is a problem as everywhere.
//!
//! # Source
//! FHIR R4 OperationDefinition MessageHeader-process-message, MessageHeader (`response.code`); NHS BaRS (`X-Request-Id` and
//! `X-Correlation-Id` are echoed; replies swap source and destination).

use super::messages::declared_length;
use super::{Caller, Problem, media};
use crate::document::{Document, Style, fhir_xml};
use crate::exchange::{Accepted, Failure, MessageEvent, MessageHead, Submission};
use crate::http::Door;
use crate::http::envelope::FHIR_JSON;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use uuid::Uuid;

/// The format of systems that speak FHIR in XML.
const XML: &str = "fhir-r4-xml";
/// Media type of FHIR in XML.
const FHIR_XML: &str = "application/fhir+xml; fhirVersion=4.0";
/// Headers of a client that its answer repeats.
const ECHOED: [&str; 2] = ["x-request-id", "x-correlation-id"];
/// Longest echoed value, in bytes: a UUID has 36.
const ECHO_BYTES_MAX: usize = 64;

/// Takes a message and answers it.
pub(super) async fn message(
    caller: Caller,
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    synchronous(&request)?;
    right_type(&caller, &request)?;
    let body = door.limits.read(payload, declared_length(request.headers())).await?;
    let (body, permit) = body.into_parts();
    let head = door.stories.message_head(caller.story(), &body)?;
    let submission = Submission { body, idempotency_key: Some(head.identity.clone()) };
    let reply = match door.receive(caller.story(), submission, permit).await {
        Ok(accepted) => Reply::taken(&accepted),
        Err(failure) => {
            let transient = matches!(
                failure,
                Failure::LogUnavailable | Failure::Store(_) | Failure::Inconsistent(_) | Failure::Changed
            );
            let (id, at) = (caller.story().request.clone(), door.clock.now().to_string());
            Reply { id, at, transient, refusal: Some(Problem::from(failure)), outcome: Value::Null }
        }
    };
    Ok(answer(&request, &caller, &head, &reply))
}

/// Only the synchronous form is here, and only the parameters of the operation.
fn synchronous(request: &HttpRequest) -> Result<(), Problem> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = query.map_err(|_| Problem::parameter("the query cannot be read"))?.into_inner();
    for (name, value) in &pairs {
        match (name.as_str(), value.as_str()) {
            ("async", "false") | ("_format", _) => {}
            ("async" | "response-url", _) => {
                return Err(Problem::parameter("async and response-url are not supported: the answer comes at once"));
            }
            _ => return Err(Problem::parameter("the query takes async (false) and _format")),
        }
    }
    Ok(())
}

/// The system must speak FHIR, and the body say that it is.
fn right_type(caller: &Caller, request: &HttpRequest) -> Result<(), Problem> {
    let format = caller.system().format.as_str();
    let types: Vec<_> = request.headers().get_all(CONTENT_TYPE).collect();
    let said = matches!(types.as_slice(), [one] if one.to_str().is_ok_and(|t| media::fits(t, format)));
    if format.starts_with("fhir-r4-") && said {
        Ok(())
    } else {
        Err(Problem::media_type(format, media::types_of(format)))
    }
}

/// What the answer says.
struct Reply {
    /// The answer's own id.
    id: String,
    at: String,
    transient: bool,
    refusal: Option<Problem>,
    outcome: Value,
}

impl Reply {
    /// Made from the acknowledgement alone: the same message again has the same bytes for an answer.
    fn taken(accepted: &Accepted) -> Self {
        let held = match accepted.quarantined {
            0 => String::new(),
            held => format!("; {held} items are held in quarantine"),
        };
        let issue = json!({
            "severity": "information", "code": "informational",
            "details": {"text": "the message is durable and logged"},
            "diagnostics": format!("GET /api/v1/messages/{} says what becomes of it and what was not carried{held}", accepted.id),
        });
        Self {
            id: accepted.id.clone(),
            at: accepted.received_at.clone(),
            transient: false,
            refusal: None,
            outcome: json!({"resourceType": "OperationOutcome", "issue": [issue]}),
        }
    }
    fn code(&self) -> &'static str {
        match (&self.refusal, self.transient) {
            (None, _) => "ok",
            (Some(_), true) => "transient-error",
            (Some(_), false) => "fatal-error",
        }
    }
    fn bundle(&self, head: &MessageHead) -> Value {
        let details =
            format!("urn:uuid:{}", Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}/outcome", self.id).as_bytes()));
        let mut header = json!({"resourceType": "MessageHeader", "id": self.id});
        if let Value::Object(members) = &mut header {
            let (name, event) = match &head.event {
                MessageEvent::Coding { system, code } => ("eventCoding", json!({"system": system, "code": code})),
                MessageEvent::Uri(uri) => ("eventUri", json!(uri)),
            };
            members.insert(name.to_owned(), event);
            if let Some(endpoint) = &head.source {
                members.insert("destination".to_owned(), json!([{"endpoint": endpoint}]));
            }
            let endpoint = head.destination.as_deref().unwrap_or("urn:solent:gateway");
            members.insert("source".to_owned(), json!({"software": "Solent", "endpoint": endpoint}));
            let response = json!({"identifier": head.id, "code": self.code(), "details": {"reference": details}});
            members.insert("response".to_owned(), response);
        }
        let outcome = self.refusal.as_ref().map_or_else(|| self.outcome.clone(), Problem::outcome);
        let address = format!("urn:uuid:{}", self.id);
        json!({
            "resourceType": "Bundle",
            "id": self.id,
            "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}]},
            "identifier": {"system": "urn:ietf:rfc:3986", "value": address},
            "type": "message",
            "timestamp": self.at,
            "entry": [{"fullUrl": address, "resource": header}, {"fullUrl": details, "resource": outcome}],
        })
    }
}

fn answer(request: &HttpRequest, caller: &Caller, head: &MessageHead, reply: &Reply) -> HttpResponse {
    let status = reply.refusal.as_ref().map_or(StatusCode::OK, Problem::status);
    let mut response = HttpResponse::build(status);
    for name in ECHOED {
        if let Some(value) = request.headers().get(name).filter(|v| may_be_echoed(v)) {
            response.insert_header((name, value.clone()));
        }
    }
    match &reply.refusal {
        None => {
            response.insert_header(("location", format!("/api/v1/messages/{}", reply.id)));
        }
        Some(problem) => {
            if let Some(seconds) = problem.retry_after() {
                response.insert_header((RETRY_AFTER, seconds.to_string()));
            }
        }
    }
    let bundle = reply.bundle(head);
    if caller.system().format == XML && !wants_json(request) {
        let tree = Document::from_value(&bundle);
        return response.content_type(FHIR_XML).body(fhir_xml::write(&tree, &fhir_xml::AsItStands, Style::Pretty));
    }
    response.content_type(FHIR_JSON).body(bundle.to_string())
}

fn may_be_echoed(value: &HeaderValue) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !value.is_empty() && value.len() <= ECHO_BYTES_MAX && value.as_bytes().iter().all(plain)
}

/// Whether a system of XML asks for JSON all the same.
fn wants_json(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accepted.contains("json") && !accepted.contains("xml")
}
