//! The door of a witness: one route, `POST <prefix>/add-checkpoint`, and nothing else. Not part of a gateway.
//!
//! Owns reading the body within its bound and turning an answer into its status. Plain HTTP: what passes is hashes and
//! signatures that both sides check; put a proxy with TLS before it where the network demands it.
//!
//! # Source
//! C2SP tlog-witness v1.0.0, "add-checkpoint".

use crate::audit::witness::{REQUEST_BYTES_MAX, Refusal, Reply};
use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// Connections a witness serves at once: a partnership has a handful of logs.
const CONNECTIONS_MAX: usize = 64;
/// How long a request's head may take.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Answers a request's bytes; may wait for the disk.
pub type Answering = Arc<dyn Fn(&[u8]) -> Reply + Send + Sync>;

/// A witness's listener on `listener`; `prefix` is what stands before `/add-checkpoint` (empty, or from `/` on).
///
/// # Errors
/// When the listener cannot be used.
pub fn witness_server(answering: Answering, listener: TcpListener, prefix: &str) -> io::Result<Server> {
    let path = format!("{}/add-checkpoint", prefix.trim_end_matches('/'));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(Arc::clone(&answering)))
            .app_data(web::PayloadConfig::new(REQUEST_BYTES_MAX))
            .service(
                web::resource(path.clone())
                    .route(web::post().to(add_checkpoint))
                    .default_service(web::to(HttpResponse::MethodNotAllowed)),
            )
            .default_service(web::to(HttpResponse::NotFound))
    });
    Ok(server
        .workers(1)
        .max_connections(CONNECTIONS_MAX)
        .client_request_timeout(HEAD_TIME)
        .disable_signals()
        .listen(listener)?
        .run())
}

async fn add_checkpoint(body: web::Bytes, answering: web::Data<Answering>) -> HttpResponse {
    match web::block(move || (answering.get_ref())(&body)).await {
        Ok(Reply::Lines(lines)) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(lines),
        Ok(Reply::Refused(refusal)) => refused(&refusal),
        Ok(Reply::Failed) | Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn refused(refusal: &Refusal) -> HttpResponse {
    tracing::warn!(status = refusal.status(), "a checkpoint was refused");
    match refusal {
        Refusal::Conflict { latest } => {
            HttpResponse::Conflict().content_type("text/x.tlog.size").body(format!("{latest}\n"))
        }
        Refusal::Malformed(_) | Refusal::OldTooLarge => HttpResponse::BadRequest().finish(),
        Refusal::UnknownOrigin(_) => HttpResponse::NotFound().finish(),
        Refusal::Untrusted(_) => HttpResponse::Forbidden().finish(),
        Refusal::Inconsistent => HttpResponse::UnprocessableEntity().finish(),
    }
}
