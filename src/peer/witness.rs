//! Asking a witness over HTTP to cosign a checkpoint.
//!
//! Owns the one call and the reading of its answer. Plain `http` is allowed: what passes is public hashes, and an answer is
//! worth what its signature is worth.
//!
//! # Source
//! C2SP tlog-witness v1.0.0, "add-checkpoint".

use super::{PeerError, certificates};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// Largest answer read, in bytes: a few signature lines.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// How long a witness may take.
const CALL_TIME: Duration = Duration::from_secs(20);

/// What a witness answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WitnessAnswer {
    /// 200: cosignature lines, not checked.
    Lines(Vec<u8>),
    /// 409: the size it cosigned last.
    Latest(u64),
    /// Any other status.
    Refused(u16),
}

/// Posts a request to `<base>/add-checkpoint`; `authority` is the PEM of its certificate authority for `https`.
///
/// # Errors
/// [`PeerError`].
pub fn ask_witness(base: &str, authority: Option<&[u8]>, request: &str) -> Result<WitnessAnswer, PeerError> {
    let mut tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    if let Some(pem) = authority {
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates(pem)?));
    }
    let agent = ureq::Agent::config_builder()
        .tls_config(tls.build())
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(CALL_TIME))
        .build()
        .new_agent();
    let transport = |e: ureq::Error| PeerError::Transport(e.to_string());
    let url = format!("{}/add-checkpoint", base.trim_end_matches('/'));
    let mut response = agent.post(&url).send(request.as_bytes()).map_err(transport)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let mut reader = response.body_mut().as_reader().take(ANSWER_BYTES_MAX.saturating_add(1));
    reader.read_to_end(&mut body).map_err(|e| PeerError::Transport(e.to_string()))?;
    if body.len() as u64 > ANSWER_BYTES_MAX {
        return Err(PeerError::TooLarge);
    }
    Ok(match status {
        200 => WitnessAnswer::Lines(body),
        409 => size(&body).map_or(WitnessAnswer::Refused(409), WitnessAnswer::Latest),
        other => WitnessAnswer::Refused(other),
    })
}

fn size(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}
