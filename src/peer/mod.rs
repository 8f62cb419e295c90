//! Talking to a gateway as a client over mutual TLS: a case system of the demo, later another gateway.
//!
//! Owns one blocking HTTPS client with a client certificate. Refuses plain HTTP, redirects and answers beyond a bound.
//! Knows nothing of records. Read [`Client`] first.

mod provider;
mod witness;

pub use provider::{Begun, Provider, ProviderError, ProviderSettings, Subject};
pub use witness::{WitnessAnswer, ask_witness};

use rustls::pki_types::pem::PemObject as _;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

/// Largest answer taken, in bytes: four times the default request bound.
const ANSWER_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// A whole call, long poll included, in seconds.
const CALL_SECONDS_MAX: u64 = 60;

/// Why a call did not bring an answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// A certificate or key could not be used.
    #[error("the client's certificate, key or authority cannot be used")]
    Credentials,
    /// No connection, a TLS refusal, or a broken answer.
    #[error("no answer from the gateway: {0}")]
    Transport(String),
    /// The answer is larger than the bound.
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
}

/// An answer: any status is an answer.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `Solent-Receipt` header: the id of the audit entry.
    pub receipt: Option<String>,
    /// Content type, without parameters.
    pub content_type: String,
    /// The bytes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// One request.
pub struct Call<'a> {
    /// `GET` or `POST`.
    pub method: Method,
    /// Path and query, from `/`.
    pub path: &'a str,
    /// Extra headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// Body, empty for GET.
    pub body: &'a [u8],
}

/// The two methods the outside contract uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Read.
    Get,
    /// Send.
    Post,
}

/// An HTTPS client with a certificate of its own.
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

impl Client {
    /// `base` as `https://127.0.0.1:8443`; certificate chain, key and the gateway's authority as PEM.
    ///
    /// # Errors
    /// [`PeerError::Credentials`] when a PEM text cannot be read.
    pub fn new(base: &str, chain_pem: &[u8], key_pem: &[u8], authority_pem: &[u8]) -> Result<Self, PeerError> {
        let chain = certificates(chain_pem)?;
        let key = PrivateKey::from_pem(key_pem).map_err(|_| PeerError::Credentials)?;
        let roots = certificates(authority_pem)?;
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .client_cert(Some(ClientCert::new_with_certs(&chain, key)))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(CALL_SECONDS_MAX)))
            .build()
            .new_agent();
        Ok(Self { agent, base: base.trim_end_matches('/').to_owned() })
    }

    /// Makes one call and reads the whole answer.
    ///
    /// # Errors
    /// [`PeerError::Transport`] when no answer came, [`PeerError::TooLarge`] when it is beyond the bound.
    pub fn call(&self, call: &Call<'_>) -> Result<Answer, PeerError> {
        let url = format!("{}{}", self.base, call.path);
        let transport = |e: ureq::Error| PeerError::Transport(e.to_string());
        let response = match call.method {
            Method::Get => {
                let request =
                    call.headers.iter().fold(self.agent.get(&url), |r, (name, value)| r.header(*name, *value));
                request.call().map_err(transport)?
            }
            Method::Post => {
                let request =
                    call.headers.iter().fold(self.agent.post(&url), |r, (name, value)| r.header(*name, *value));
                request.send(call.body).map_err(transport)?
            }
        };
        read_answer(response)
    }
}

fn read_answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, PeerError> {
    let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let receipt = header("solent-receipt");
    let content_type = header("content-type").unwrap_or_default().split(';').next().unwrap_or("").trim().to_owned();
    let mut body = Vec::new();
    let mut reader = response.body_mut().as_reader().take(ANSWER_BYTES_MAX.saturating_add(1));
    reader.read_to_end(&mut body).map_err(|e| PeerError::Transport(e.to_string()))?;
    if body.len() as u64 > ANSWER_BYTES_MAX {
        return Err(PeerError::TooLarge);
    }
    Ok(Answer { status, receipt, content_type, body })
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, PeerError> {
    let list: Result<Vec<_>, _> = rustls::pki_types::CertificateDer::pem_slice_iter(pem).collect();
    let list = list.map_err(|_| PeerError::Credentials)?;
    if list.is_empty() {
        return Err(PeerError::Credentials);
    }
    Ok(list.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned()).collect())
}
