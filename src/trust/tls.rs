//! The TLS side of the door: one `ServerConfig` for the life of the process, whose certificate, authorities and
//! revocation lists are replaced under it by [`Tls::reload`].
//!
//! Client certificates are mandatory, unless the gateway serves pages: then a client without one reaches only those. Session resumption is off: a resumed session walks past the revocation list.
//!
//! # Source
//! RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 5280 §6.3 (revocation lists).

use super::{Connection, Error, Refusal, files};
use crate::clock::{Clock, Moment};
use crate::config;
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The one place that chooses the cryptographic provider.
fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// Makes ring the process's provider, so that no dependency that turns on another one leaves rustls undecided.
/// Harmless when called twice.
pub fn install_provider() {
    let _ = provider().install_default();
}

/// Trust material in force.
struct Current {
    verifier: Arc<dyn ClientCertVerifier>,
    key: Arc<CertifiedKey>,
    /// The earliest `nextUpdate` of the revocation lists.
    crl_due: Option<Moment>,
}

/// The door's certificate and whom it lets in.
pub struct Tls {
    files: config::Tls,
    clock: Clock,
    current: ArcSwap<Current>,
    /// Counts the replacements, from 1.
    generation: AtomicU64,
    seen: Mutex<Vec<Stamp>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// When a file was last written, and its length: how a change is noticed.
type Stamp = Option<(SystemTime, u64)>;

/// Why a handshake failed, as far as an operator needs to know. A stable word for logs and metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum HandshakeFailure {
    /// The client showed no certificate.
    NoCertificate,
    /// It showed one that is not taken.
    Refused(Refusal),
    /// It took too long.
    Slow,
    /// Anything else: not TLS, no common version, the connection broke.
    Other,
}

impl HandshakeFailure {
    /// From the error of an accepted socket.
    #[must_use]
    pub fn of(error: &std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(rustls::Error::InvalidCertificate(why)) => Self::Refused(refusal(why)),
            _ => Self::Other,
        }
    }

    /// The word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::Refused(refusal) => refusal.code(),
            Self::Slow => "slow",
            Self::Other => "other",
        }
    }
}

fn refusal(error: &CertificateError) -> Refusal {
    match error {
        CertificateError::Revoked => Refusal::Revoked,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Refusal::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Refusal::NotYetValid,
        _ => Refusal::Untrusted,
    }
}

/// The earliest end of the certificates in a PEM file.
fn earliest_end(file: &std::path::Path) -> Option<Moment> {
    let bytes = super::files::read_bounded(file).ok()?;
    let ends = x509_parser::pem::Pem::iter_from_buffer(&bytes).filter_map(|pem| {
        let pem = pem.ok()?;
        let seconds = pem.parse_x509().ok()?.validity().not_after.timestamp();
        Some(Moment::from_millis(seconds.saturating_mul(1000)))
    });
    ends.min()
}

impl Tls {
    /// Reads the files named in the configuration. `clock` says when certificates are valid.
    ///
    /// # Errors
    /// [`Error`] for the first file that cannot be used.
    pub fn load(files: &config::Tls, clock: Clock) -> Result<Arc<Self>, Error> {
        let current = read(files)?;
        let seen = Mutex::new(stamps(files));
        let generation = AtomicU64::new(1);
        Ok(Arc::new(Self { files: files.clone(), clock, current: ArcSwap::from_pointee(current), generation, seen }))
    }

    /// Reads the files again if any has changed since the last look. On an error what was in force stays in force.
    /// Returns whether anything was replaced.
    ///
    /// # Errors
    /// [`Error`] for the first file that cannot be used; the next call tries again.
    pub fn reload(&self) -> Result<bool, Error> {
        let now = stamps(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return Ok(false);
        }
        let current = read(&self.files)?;
        self.current.store(Arc::new(current));
        // After the swap: a connection that still read the old number verifies once more than needed, never less.
        self.generation.fetch_add(1, Ordering::SeqCst);
        *seen = now;
        Ok(true)
    }

    /// When the first revocation list is due to be replaced, if there are lists.
    #[must_use]
    pub fn crl_due(&self) -> Option<Moment> {
        self.current.load().crl_due
    }

    /// When the gateway's own certificate and the authority of its clients end: the earliest of each file; `None` when the
    /// file cannot be read now.
    #[must_use]
    pub fn ends(&self) -> (Option<Moment>, Option<Moment>) {
        (earliest_end(&self.files.certificate), earliest_end(&self.files.client_ca))
    }

    /// Now, by the clock that certificates follow.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The configuration for the listener.
    ///
    /// # Errors
    /// [`Error::Unusable`] when the provider knows no common TLS version.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|e| Error::Unusable { what: "TLS", why: e.to_string() })?
            .with_client_cert_verifier(Arc::new(Verifier(Arc::clone(self))))
            .with_cert_resolver(Arc::new(Resolver(Arc::clone(self))));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.time_provider = Arc::new(Time(self.clock.clone()));
        Ok(config)
    }

    /// Verifies a connection's chain against what is in force now, unless that was done already.
    pub(super) fn verify_again(&self, connection: &Connection, now: Moment) -> Result<(), Refusal> {
        let generation = self.generation.load(Ordering::SeqCst);
        if connection.verified.load(Ordering::Acquire) == generation {
            return Ok(());
        }
        let (leaf, intermediates) = connection.chain.split_first().ok_or(Refusal::NoIdentity)?;
        let current = self.current.load();
        match current.verifier.verify_client_cert(leaf, intermediates, unix_time(now)) {
            Ok(_) => {
                connection.verified.store(generation, Ordering::Release);
                Ok(())
            }
            Err(rustls::Error::InvalidCertificate(why)) => Err(refusal(&why)),
            Err(_) => Err(Refusal::Untrusted),
        }
    }
}

fn unix_time(at: Moment) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(at.millis()).unwrap_or(0)))
}

fn stamps(files: &config::Tls) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    };
    [Some(&files.certificate), Some(&files.key), Some(&files.client_ca), files.crl.as_ref()]
        .into_iter()
        .flatten()
        .map(stamp)
        .collect()
}

fn read(files: &config::Tls) -> Result<Current, Error> {
    let roots = roots(&files.client_ca)?;
    let crls = files.crl.as_deref().map(revocation_lists).transpose()?.unwrap_or_default();
    let crl_due = crls.iter().filter_map(|crl| next_update(crl)).min();
    let mut builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider())).clear_root_hint_subjects();
    if !crls.is_empty() {
        builder = builder.with_crls(crls);
    }
    let verifier =
        builder.build().map_err(|e| Error::Unusable { what: "the client authorities", why: e.to_string() })?;
    Ok(Current { verifier, key: Arc::new(certified_key(files)?), crl_due })
}

fn content(path: &Path, expected: &'static str) -> Error {
    Error::Content { file: path.display().to_string(), expected }
}

fn roots(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|_| content(path, "certificates of authorities"))?;
    }
    Ok(roots)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = files::read_bounded(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| content(path, "PEM certificates"))?;
    if chain.is_empty() { Err(content(path, "PEM certificates")) } else { Ok(chain) }
}

fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let bytes = files::read_bounded(path)?;
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| content(path, "PEM revocation lists"))?;
    // An empty file would mean that nothing is checked: that must be said by leaving `crl` out.
    if lists.is_empty() { Err(content(path, "at least one PEM revocation list")) } else { Ok(lists) }
}

fn next_update(crl: &[u8]) -> Option<Moment> {
    let (_, parsed) = x509_parser::parse_x509_crl(crl).ok()?;
    Some(Moment::from_millis(parsed.next_update()?.timestamp().saturating_mul(1000)))
}

fn certified_key(files: &config::Tls) -> Result<CertifiedKey, Error> {
    let chain = chain(&files.certificate)?;
    let secret = files::read_secret(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&secret).map_err(|_| content(&files.key, "a PEM private key"))?;
    CertifiedKey::from_der(chain, key, &provider())
        .map_err(|e| Error::Unusable { what: "the gateway's certificate and key", why: e.to_string() })
}

#[derive(Debug)]
struct Time(Clock);

impl rustls::time_provider::TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0.now()))
    }
}

#[derive(Debug)]
struct Resolver(Arc<Tls>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current.load().key))
    }
}

/// Forwards to the verifier in force.
#[derive(Debug)]
struct Verifier(Arc<Tls>);

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        // People at the pages have none. A certificate that is shown must still be good, and every route for machines
        // asks for one (`Registry::admit`).
        !self.0.files.pages
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A borrowed slice cannot come out of a swapped value; an empty list makes clients show what they have.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.0.current.load().verifier.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.current.load().verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.current.load().verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.current.load().verifier.supported_verify_schemes()
    }
}
