//! The listeners: TLS with client certificates for machines, plain HTTP on loopback for health and metrics.
//!
//! The TLS service is put together from actix's parts instead of `HttpServer`, for one reason: a failed handshake must
//! be seen, counted and logged, and `HttpServer` drops its error.

use super::door::Door;
use super::mllp::Mllp;
use super::stories::Denial;
use super::web as pages;
use super::{api, envelope, health};
use crate::trust::{Connection, HandshakeFailure};
use actix_http::{HttpService, KeepAlive, Request, Response, TlsAcceptorConfig};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{TlsStream, reexports::ServerConfig};
use actix_web::dev::{AppConfig, Extensions, Server, ServerHandle, ServiceFactory};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpMessage as _, HttpServer, web};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Connections that wait to be accepted: the default bound on open ones.
const CONNECTIONS_WAITING_MAX: u32 = 4_096;
/// How long a TLS handshake may take; a mutual handshake across the country takes well under one second.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// After an early answer the rest of a body is read and thrown away for this long, so that the answer is not lost.
const LINGER_TIME: Duration = Duration::from_secs(5);
/// How long open requests may take to finish when the gateway stops, in seconds; longer than a long poll.
const DRAIN_SECONDS: u64 = 35;
/// How often certificate files are looked at: a revocation is in force within this time.
const RELOAD_EVERY: Duration = Duration::from_secs(1);
/// How often idle systems are forgotten by the rate limiter.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// Failed handshakes waiting to be logged; beyond it they are only counted.
const DENIALS_QUEUED_MAX: usize = 64;
/// HTTP/2 flow control windows in bytes, per stream and per connection: what a client may send unread.
const H2_STREAM_WINDOW: u32 = 128 * 1024;
/// See [`H2_STREAM_WINDOW`].
const H2_CONNECTION_WINDOW: u32 = 256 * 1024;

/// The listeners, running.
#[derive(Debug)]
pub struct Running {
    /// Where the door listens.
    pub address: SocketAddr,
    /// Where health and metrics are.
    pub health_address: SocketAddr,
    /// Where HL7 v2 over MLLP is taken, if it is.
    pub mllp_address: Option<SocketAddr>,
    mllp: Option<Mllp>,
    handles: Vec<ServerHandle>,
    servers: Vec<JoinHandle<io::Result<()>>>,
    background: Vec<JoinHandle<()>>,
}

impl Running {
    /// Binds both listeners and starts serving. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When an address cannot be bound or the TLS configuration is refused.
    pub fn start(door: &Arc<Door>) -> io::Result<Self> {
        let config = door.tls.server_config().map_err(io::Error::other)?;
        let listener = bind(door.config.server.listen)?;
        let health_listener = TcpListener::bind(door.config.server.health_listen)?;
        let (address, health_address) = (listener.local_addr()?, health_listener.local_addr()?);
        let (denials, queue) = mpsc::channel(DENIALS_QUEUED_MAX);
        let machine = machine_server(door, config, listener, denials)?;
        let loopback = health_server(door, health_listener)?;
        let mllp = Mllp::start(door)?;
        Ok(Self {
            address,
            health_address,
            mllp_address: mllp.as_ref().map(|m| m.address),
            mllp,
            handles: vec![machine.handle(), loopback.handle()],
            servers: vec![tokio::spawn(machine), tokio::spawn(loopback)],
            background: vec![
                tokio::spawn(watch_certificates(Arc::clone(door))),
                tokio::spawn(forget_idle(Arc::clone(door))),
                tokio::spawn(log_denials(Arc::clone(door), queue)),
            ],
        })
    }

    /// Stops accepting, lets open requests finish, then returns.
    pub async fn stop(self) {
        if let Some(mllp) = &self.mllp {
            mllp.stop();
        }
        for handle in &self.handles {
            handle.stop(true).await;
        }
        for server in self.servers {
            let _ = server.await;
        }
        for task in self.background {
            task.abort();
        }
    }
}

/// The door's listener. The standard library's own queue holds 128 connections: when more come at once, as after a restart, the
/// rest would wait a second for their next try.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(CONNECTIONS_WAITING_MAX)?.into_std()
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get)
}

fn machine_server(
    door: &Arc<Door>,
    config: ServerConfig,
    listener: TcpListener,
    denials: mpsc::Sender<Denial>,
) -> io::Result<Server> {
    let shared = Arc::clone(door);
    let per_worker = door.config.limits.connections_max.div_ceil(workers()).max(1);
    let builder = Server::build()
        .workers(workers())
        .max_concurrent_connections(per_worker)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let builder =
        builder.listen("door", listener, move || tls_service(Arc::clone(&shared), config.clone(), denials.clone()))?;
    Ok(builder.run())
}

/// One worker's service: handshake, then HTTP/1.1 or HTTP/2.
fn tls_service(
    door: Arc<Door>,
    config: ServerConfig,
    denials: mpsc::Sender<Denial>,
) -> impl ServiceFactory<TcpStream, Response = (), Error = (), Config = (), InitError = ()> {
    let limits = &door.config.limits;
    let body_bytes_max = limits.body_bytes_max;
    let app = App::new().app_data(web::Data::from(Arc::clone(&door))).wrap(from_fn(envelope::wrap));
    let serves_pages = door.pages.is_some();
    let app = app.configure(move |config| {
        // Routes are tried in their order: machines, which ask most, come first.
        api::routes(config);
        if serves_pages {
            pages::routes(config);
        }
    });
    // Host and scheme of this configuration serve to build URLs, which the door never does.
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    HttpService::build()
        .keep_alive(KeepAlive::Timeout(limits.keep_alive))
        .client_request_timeout(limits.request_time)
        .client_disconnect_timeout(LINGER_TIME)
        .tcp_nodelay(true)
        .h1_allow_half_closed(false)
        .h2_initial_window_size(H2_STREAM_WINDOW)
        .h2_initial_connection_window_size(H2_CONNECTION_WINDOW)
        .expect(fn_service(move |request: Request| async move {
            if declared_length(&request).is_some_and(|n| n > body_bytes_max as u64) {
                let problem = super::Problem::too_large(body_bytes_max);
                return Err(Response::from(actix_web::ResponseError::error_response(&problem)));
            }
            Ok(request)
        }))
        .on_connect_ext(remember_certificate)
        .finish(app)
        .rustls_0_23_with_config(config, TlsAcceptorConfig::default().handshake_timeout(HANDSHAKE_TIME))
        .map_err(move |error| note(&door, &denials, &error))
}

fn declared_length(request: &Request) -> Option<u64> {
    request.headers().get(actix_web::http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Keeps what the client proved beside the connection; parsed here, once.
fn remember_certificate(stream: &TlsStream<TcpStream>, extensions: &mut Extensions) {
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    extensions.insert(Connection::new(chain.iter().map(|c| c.clone().into_owned()).collect()));
}

/// A connection that ended in an error: failed handshakes are counted and, within bounds, logged.
fn note<E>(door: &Arc<Door>, denials: &mpsc::Sender<Denial>, error: &TlsError<io::Error, E>) {
    let failure = match error {
        TlsError::Tls(error) => HandshakeFailure::of(error),
        TlsError::Timeout => HandshakeFailure::Slow,
        TlsError::Service(_) => return,
    };
    if door.handshake_failed(failure.code()) {
        tracing::warn!(reason = failure.code(), "a TLS handshake failed");
        // Broken connections and port scans are noise; a certificate that is not taken belongs into the log.
        if matches!(failure, HandshakeFailure::NoCertificate | HandshakeFailure::Refused(_)) {
            let denial = Denial { claimed: None, certificate: None, request: None, reason: failure.code() };
            if denials.try_send(denial).is_err() {
                door.metrics.denial_unlogged();
            }
        }
    }
}

fn health_server(door: &Arc<Door>, listener: TcpListener) -> io::Result<Server> {
    let shared = Arc::clone(door);
    let server =
        HttpServer::new(move || App::new().app_data(web::Data::from(Arc::clone(&shared))).configure(health::routes))
            .workers(1)
            .disable_signals()
            .shutdown_timeout(1)
            .listen(listener)?;
    Ok(server.run())
}

async fn watch_certificates(door: Arc<Door>) {
    let mut every = tokio::time::interval(RELOAD_EVERY);
    let mut broken = false;
    loop {
        every.tick().await;
        match door.tls.reload() {
            Ok(false) => {}
            Ok(true) => {
                broken = false;
                tracing::info!("certificates and revocation lists were replaced");
            }
            Err(error) if !broken => {
                broken = true;
                tracing::error!(%error, "changed certificate files cannot be used; the former ones stay in force");
            }
            Err(_) => {}
        }
    }
}

async fn forget_idle(door: Arc<Door>) {
    let mut every = tokio::time::interval(FORGET_EVERY);
    loop {
        every.tick().await;
        door.limits.forget_idle();
        if let Some(pages) = &door.pages {
            pages.forget_idle();
        }
    }
}

async fn log_denials(door: Arc<Door>, mut queue: mpsc::Receiver<Denial>) {
    while let Some(denial) = queue.recv().await {
        door.stories.denied(denial).await;
    }
}
