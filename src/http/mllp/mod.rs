//! The MLLP door: HL7 v2 messages over TLS connections that stay open, each answered by an acknowledgement.
//!
//! Owns its listener, the frames, the bounds, and the answer. The certificate decides who calls, as at the other door;
//! a message goes the same way as `POST /api/v1/messages`, and is acknowledged only when it is durable and logged. A
//! message sent again with the same MSH-3, MSH-4 and MSH-10 gets the former answer and is not stored twice. Speaks no
//! plain TCP. Source: architecture §8.3; format dossier "HL7 v2" §2, §3.

mod answer;
mod frames;

use super::Denial;
use super::door::Door;
use crate::exchange::{Caller, Submission};
use crate::trust::{Connection, Member};
use frames::framed;
pub use frames::{Broken, Frames};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// How long a connection may be idle between messages: senders keep theirs open and are quiet at night.
const IDLE_TIME: Duration = Duration::from_secs(15 * 60);
/// How long the peer may take to read an answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Bytes read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Largest frame, 16 MiB, where the configuration allows larger bodies: nothing but its own connection bounds how many are
/// held at once. Source: format dossier "HL7 v2" §2.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The format a system must speak to use this door.
const FORMAT: &str = "hl7v2";

/// The MLLP listener, running.
#[derive(Debug)]
pub struct Mllp {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Mllp {
    /// Binds the listener of the configuration; `None` when there is none. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound or the TLS configuration is refused.
    pub fn start(door: &Arc<Door>) -> io::Result<Option<Self>> {
        let Some(listen) = door.config.server.mllp_listen else { return Ok(None) };
        let config = door.tls.server_config().map_err(io::Error::other)?;
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(accept(Arc::clone(door), listener, acceptor));
        Ok(Some(Self { address, task }))
    }
    /// Stops accepting. Open connections end with the program; what was acknowledged is durable.
    pub fn stop(&self) {
        self.task.abort();
    }
}

async fn accept(door: Arc<Door>, listener: tokio::net::TcpListener, acceptor: TlsAcceptor) {
    let places = Arc::new(Semaphore::new(door.config.limits.connections_max));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, or the peer is gone already: give others a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (door, acceptor) = (Arc::clone(&door), acceptor.clone());
        tokio::spawn(async move {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
                serve(&door, stream).await;
            } else if door.handshake_failed("mllp") {
                tracing::warn!("a TLS handshake at the MLLP door failed");
            }
            drop(place);
        });
    }
}

/// One connection: frames in order, one answer for each.
async fn serve(door: &Arc<Door>, mut stream: TlsStream<TcpStream>) {
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let connection = Connection::new(chain.iter().map(|c| c.clone().into_owned()).collect());
    let mut frames = Frames::new(door.config.limits.body_bytes_max.min(FRAME_BYTES_MAX));
    let mut chunk = vec![0; CHUNK_BYTES];
    // A frame has one deadline from its first byte, so that a slow peer cannot hold it open byte by byte.
    let mut deadline = None;
    loop {
        let now = tokio::time::Instant::now();
        let until = if frames.is_open() {
            *deadline.get_or_insert(now + door.config.limits.request_time)
        } else {
            deadline = None;
            now + IDLE_TIME
        };
        let Ok(Ok(count)) = tokio::time::timeout_at(until, stream.read(&mut chunk)).await else { return };
        let Some(bytes) = chunk.get(..count).filter(|b| !b.is_empty()) else { return };
        let messages = match frames.push(bytes) {
            Ok(messages) => messages,
            Err(broken) => {
                tracing::warn!(reason = %broken, "an MLLP connection is closed without an answer");
                return;
            }
        };
        for message in messages {
            let Ok(answer) = receive(door, &connection, message).await else { return };
            let Some(answer) = answer else { continue };
            let bytes = framed(&answer);
            if !matches!(timeout(ANSWER_TIME, stream.write_all(&bytes)).await, Ok(Ok(()))) {
                return;
            }
            if !matches!(timeout(ANSWER_TIME, stream.flush()).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}

/// The connection is not, or no longer, one that may be answered.
struct Closed;

/// Takes one message and gives the answer, if the sender wants one.
async fn receive(door: &Arc<Door>, connection: &Connection, body: Vec<u8>) -> Result<Option<String>, Closed> {
    let request = uuid::Uuid::now_v7().to_string();
    let limited = connection.claimed().is_some_and(|identity| door.limits.admit(&identity.system).is_err());
    let (member, fingerprint) = admit(door, connection, &request).await?;
    let asked = answer::Asked::of(&body, door.clock.now());
    if limited {
        return Ok(asked.busy());
    }
    if member.system.format.as_str() != FORMAT {
        return Ok(asked.wrong_format());
    }
    if let Some(refused) = asked.refused_at_once() {
        return Ok(refused);
    }
    let caller = Caller {
        system: member.system.id.clone(),
        agency: member.agency.id.clone(),
        format: member.system.format.clone(),
        certificate: fingerprint,
        request,
    };
    let submission = Submission { body, idempotency_key: Some(asked.key()) };
    let outcome = door.receive(&caller, submission, None).await;
    Ok(asked.answer(outcome))
}

async fn admit(door: &Arc<Door>, connection: &Connection, request: &str) -> Result<(Arc<Member>, String), Closed> {
    match door.registry.admit(connection, &door.tls, door.tls.now()) {
        Ok(member) => {
            let fingerprint = connection.claimed().map(|i| i.fingerprint.clone()).unwrap_or_default();
            Ok((member, fingerprint))
        }
        Err(refused) => {
            door.denied(Denial {
                claimed: refused.claimed,
                certificate: refused.fingerprint,
                request: Some(request.to_owned()),
                reason: refused.refusal.code(),
            })
            .await;
            Err(Closed)
        }
    }
}
