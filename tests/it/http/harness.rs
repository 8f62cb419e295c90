//! A running door with an authority of its own, clients of every kind, and stories that only remember being called.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use solent::clock::{Clock, Moment};
use solent::config::Gateway;
use solent::exchange::{Accepted, Caller, Enquiry, Failure, ItemSummary, MessageStatus, Released, Submission};
use solent::http::{Denial, Door, Promise, Running, Stories, Unready};
use solent::ident::{ItemId, MessageId};
use solent::peer::{Answer, Call, Client, Method};
use solent::trust::ca::{Authority, Holder, Validity};
use solent::trust::{SigningKey, Tls};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// 6 October 2026, 10:00 in London.
pub const NOW: Moment = Moment::from_millis(1_791_277_200_000);
pub const ORIGIN: &str = "solent.harbourshire.example/log1";
/// How long a raw client waits for bytes before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Stories that hold nothing: every id is unknown, every message is taken.
#[derive(Default)]
pub struct Nothing {
    pub denials: Mutex<Vec<Denial>>,
    pub received: Mutex<Vec<usize>>,
}

impl Stories for Nothing {
    fn receive<'a>(&'a self, _: &'a Caller, submission: Submission) -> Promise<'a, Result<Accepted, Failure>> {
        self.received.lock().unwrap().push(submission.body.len());
        let accepted = Accepted {
            id: "m-1".to_owned(),
            received_at: NOW.to_string(),
            loss: serde_json::json!([]),
            subjects_matched: 0,
            routed: 0,
            quarantined: 0,
            replaced: 0,
        };
        Box::pin(async move { Ok(accepted) })
    }
    fn message<'a>(&'a self, _: &'a Caller, _: &'a MessageId) -> Promise<'a, Result<MessageStatus, Failure>> {
        Box::pin(async { Err(Failure::NotFound) })
    }
    fn mailbox<'a>(&'a self, _: &'a Caller, _: Duration) -> Promise<'a, Result<Vec<ItemSummary>, Failure>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn collect<'a>(&'a self, _: &'a Caller, _: &'a ItemId) -> Promise<'a, Result<Released, Failure>> {
        Box::pin(async { Err(Failure::NotFound) })
    }
    fn acknowledge<'a>(&'a self, _: &'a Caller, _: &'a ItemId) -> Promise<'a, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }
    fn decline<'a>(&'a self, _: &'a Caller, _: &'a ItemId) -> Promise<'a, Result<(), Failure>> {
        Box::pin(async { Err(Failure::Gone) })
    }
    fn enquire<'a>(&'a self, _: &'a Caller, _: Enquiry) -> Promise<'a, Result<Released, Failure>> {
        Box::pin(async { Err(Failure::Refused { reason: "D-REL" }) })
    }
    fn denied(&self, denial: Denial) -> Promise<'_, ()> {
        self.denials.lock().unwrap().push(denial);
        Box::pin(async {})
    }
    fn checkpoint<'a>(&'a self, _: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>> {
        Box::pin(async { Ok(b"note".to_vec()) })
    }
    fn tile<'a>(&'a self, _: &'a str, _: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>> {
        Box::pin(async { Err(Failure::NotFound) })
    }
    fn unready(&self) -> Promise<'_, Unready> {
        Box::pin(async { Vec::new() })
    }
}

/// A door that runs until dropped.
pub struct House {
    pub folder: PathBuf,
    pub authority: Authority,
    pub clock: Clock,
    pub tls: Arc<Tls>,
    pub stories: Arc<Nothing>,
    pub address: SocketAddr,
    pub health: SocketAddr,
    pub mllp: SocketAddr,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // Test clients keep connections open; do not wait for them.
            self.runtime.spawn(running.stop());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The key with which `epr` signs assertions.
pub fn assertion_key() -> SigningKey {
    SigningKey::from_seed(&[9; 32]).unwrap()
}

fn configuration(limits: &str) -> String {
    let key = assertion_key().public_base64();
    format!(
        r#"
origin = "{ORIGIN}"
[server]
listen = "127.0.0.1:0"
health_listen = "127.0.0.1:0"
mllp_listen = "127.0.0.1:0"
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
crl = "ca.crl"
[store]
database_url = "sqlite:solent.db"
key_file = "store.key"
[audit]
signing_key = "audit.key"
checkpoint_file = "checkpoint"
[limits]
{limits}
[[agency]]
id = "harbourshire-csc"
kind = "council"
name = "Harbourshire"
contact = "front door"
[[agency]]
id = "southdown-mh"
kind = "nhs"
name = "Southdown"
contact = "duty desk"
[[system]]
id = "census"
agency = "harbourshire-csc"
format = "cin-census"
[[system]]
id = "epr"
agency = "southdown-mh"
format = "fhir-r4-json"
assertion_key = "{key}"
[[system]]
id = "pinned"
agency = "southdown-mh"
format = "canonical"
fingerprints = ["{zeros}"]
[[system]]
id = "pas"
agency = "southdown-mh"
format = "hl7v2"
[[system]]
id = "late"
agency = "southdown-mh"
format = "canonical"
"#,
        zeros = "0".repeat(64)
    )
}

impl House {
    pub fn open() -> Self {
        Self::with_limits("")
    }

    pub fn with_limits(limits: &str) -> Self {
        solent::trust::install_provider();
        let folder = std::env::temp_dir().join(format!("solent-door-{}", uuid::Uuid::now_v7()));
        let authority = Authority::create(&folder, "Test Partnership", Validity::days(NOW, 3650), NOW).unwrap();
        let server = Holder::Server(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
        // The client's own library looks at the machine's clock.
        let real = Clock::system().now();
        authority
            .issue(&server, Validity { from: NOW.min(real).plus_millis(-1), until: real.plus_millis(86_400_000) }, NOW)
            .unwrap();
        for id in ["census", "epr", "pas", "pinned", "ghost"] {
            authority.issue(&Holder::System(id.into()), Validity::days(NOW, 90), NOW).unwrap();
        }
        let past = Validity { from: NOW.plus_millis(-7_200_000), until: NOW.plus_millis(-3_600_000) };
        authority.issue(&Holder::System("late".into()), past, NOW).unwrap();
        let config = Gateway::parse("solent.toml", &configuration(limits), &folder).unwrap();
        let clock = Clock::fixed(NOW);
        let tls = Tls::load(&config.tls, clock.clone()).unwrap();
        let stories = Arc::new(Nothing::default());
        let door = Door::new(config, Arc::clone(&tls), clock.clone(), Arc::clone(&stories) as Arc<dyn Stories>);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let running = runtime.block_on(async { Running::start(&door) }).unwrap();
        Self {
            address: running.address,
            health: running.health_address,
            mllp: running.mllp_address.unwrap(),
            running: Some(running),
            folder,
            authority,
            clock,
            tls,
            stories,
            runtime,
        }
    }

    /// A usual client with the certificate of `system`.
    pub fn client(&self, system: &str) -> Client {
        let read = |name: &str| std::fs::read(self.folder.join(name)).unwrap();
        let base = format!("https://127.0.0.1:{}", self.address.port());
        Client::new(&base, &read(&format!("{system}.pem")), &read(&format!("{system}.key")), &read("ca.pem")).unwrap()
    }

    pub fn get(&self, system: &str, path: &str) -> Answer {
        self.client(system).call(&Call { method: Method::Get, path, headers: &[], body: &[] }).unwrap()
    }

    pub fn post(&self, system: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.client(system).call(&Call { method: Method::Post, path, headers, body }).unwrap()
    }

    /// A raw TLS connection, as `system` or without a certificate.
    pub fn raw(&self, system: Option<&str>, protocol: &str) -> Raw {
        raw(&self.folder, &self.folder, system, self.address, protocol)
    }

    /// The gateway still answers a usual request.
    pub fn still_serves(&self) {
        assert_eq!(self.get("census", "/api/v1/mailbox").status, 200, "the gateway no longer serves");
    }

    /// Whether a counter reaches this line. A failed handshake is counted just after its connection has ended, so the
    /// page is asked until it says so.
    pub fn counts(&self, line: &str) -> bool {
        let until = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < until {
            if self.loopback("/metrics").lines().any(|l| l == line) {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    /// What the loopback listener says.
    pub fn loopback(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.health).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

pub type Raw = StreamOwned<ClientConnection, TcpStream>;

/// Opens a TLS connection with the certificate of `system` in `folder`; the handshake itself happens at first use.
pub fn raw(folder: &Path, trusted: &Path, system: Option<&str>, address: SocketAddr, protocol: &str) -> Raw {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted.join("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match system {
        Some(id) => {
            let chain = vec![CertificateDer::from_pem_file(folder.join(format!("{id}.pem"))).unwrap()];
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{id}.key"))).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

/// Head and body of one HTTP/1.1 answer with a length; or what came before the connection ended.
pub fn read_answer(stream: &mut Raw) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length =
                head.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Ok(String::from_utf8_lossy(&bytes[..end + 4 + length]).into_owned());
            }
        }
        match stream.read(&mut chunk)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}

/// Sends a head and reads the answer.
pub fn exchange(stream: &mut Raw, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    read_answer(stream)
}

/// A GET on a kept connection.
pub fn get_on(stream: &mut Raw, path: &str) -> std::io::Result<String> {
    exchange(stream, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}

/// The `code` of a problem.
pub fn code(answer: &Answer) -> String {
    assert_eq!(answer.content_type, "application/problem+json", "{answer:?}");
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["status"], answer.status);
    body["code"].as_str().unwrap().to_owned()
}
