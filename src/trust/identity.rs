//! From a verified client certificate to the identity it claims. Parsed once per connection.
//!
//! The claim is the one URI `urn:solent:system:<id>` among the subject alternative names: it survives renewal, unlike
//! a serial number or fingerprint, and unlike the common name it has one meaning.

use super::Refusal;
use crate::clock::Moment;
use crate::config::SYSTEM_URN;
use crate::ident::SystemId;
use rustls::pki_types::CertificateDer;
use std::sync::atomic::AtomicU64;
use x509_parser::extensions::GeneralName;

/// Longest system id in a certificate, in bytes (the configuration allows no longer one).
const ID_BYTES_MAX: usize = 64;

/// What a client certificate says about its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The system it claims to be.
    pub system: SystemId,
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    /// First moment of validity.
    pub not_before: Moment,
    /// Last moment of validity, inclusive.
    pub not_after: Moment,
}

impl Identity {
    /// Reads the identity of an end-entity certificate in DER.
    ///
    /// # Errors
    /// [`Refusal::NoIdentity`] when it carries no such URI, more than one, or one that is no id.
    pub fn of(certificate: &[u8]) -> Result<Self, Refusal> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| Refusal::NoIdentity)?;
        let names = parsed.subject_alternative_name().map_err(|_| Refusal::NoIdentity)?.ok_or(Refusal::NoIdentity)?;
        let mut claims = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => uri.strip_prefix(SYSTEM_URN),
            _ => None,
        });
        let (Some(id), None) = (claims.next(), claims.next()) else { return Err(Refusal::NoIdentity) };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) {
            return Err(Refusal::NoIdentity);
        }
        let validity = parsed.validity();
        Ok(Self {
            system: SystemId::new(id),
            fingerprint: fingerprint(certificate),
            not_before: Moment::from_millis(validity.not_before.timestamp().saturating_mul(1000)),
            // Whole seconds, inclusive (RFC 5280 §4.1.2.5): valid until the end of that second.
            not_after: Moment::from_millis(validity.not_after.timestamp().saturating_mul(1000).saturating_add(999)),
        })
    }
}

/// SHA-256 in lower-case hex.
pub(super) fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// One TLS connection: the chain its client proved, and what it says.
#[derive(Debug)]
pub struct Connection {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) identity: Result<Identity, Refusal>,
    /// The generation of trust material under which the chain was last verified; 0 = not since the handshake.
    pub(super) verified: AtomicU64,
}

impl Connection {
    /// From the chain of a completed handshake, the client's own certificate first.
    #[must_use]
    pub fn new(chain: Vec<CertificateDer<'static>>) -> Self {
        let identity = chain.first().ok_or(Refusal::NoIdentity).and_then(|leaf| Identity::of(leaf));
        Self { chain, identity, verified: AtomicU64::new(0) }
    }

    /// What the certificate says; nothing is promised until [`super::Registry::admit`] agrees.
    #[must_use]
    pub fn claimed(&self) -> Option<&Identity> {
        self.identity.as_ref().ok()
    }
}
