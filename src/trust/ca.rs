//! A small certificate authority in one folder, for development, demonstrations and small partnerships.
//!
//! Owns `ca.pem`, `ca.key`, `ca.crl` and `index.csv` of its folder, and `<name>.pem`/`<name>.key` for each order. The
//! list of revoked certificates is signed anew with every change. Larger partnerships bring their own authority: the
//! gateway needs only PEM files. Read [`Authority`] first.
//!
//! # Source
//! RFC 5280 §4 (certificates), §5 (revocation lists).

use super::{Error, files};
use crate::clock::Moment;
use crate::config::SYSTEM_URN;
use crate::ident::SystemId;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber,
};
use ring::rand::SecureRandom as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Life of a revocation list in days; the gateway warns when it is over, `certs list` and `certs revoke` renew it.
const CRL_DAYS: i64 = 90;
/// A day in milliseconds.
const DAY_MILLIS: i64 = 86_400_000;
/// Bytes of a serial number: 127 random bits (RFC 5280 §4.1.2.2 allows 20 octets).
const SERIAL_BYTES: usize = 16;

/// From when until when, both inclusive, to the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// First moment.
    pub from: Moment,
    /// Last moment.
    pub until: Moment,
}

impl Validity {
    /// `days` from `now`, starting five minutes earlier for clocks that are behind.
    #[must_use]
    pub fn days(now: Moment, days: u32) -> Self {
        let millis = i64::from(days).saturating_mul(DAY_MILLIS);
        Self { from: now.plus_millis(-300_000), until: now.plus_millis(millis) }
    }
}

/// For whom a certificate is ordered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    /// The gateway: DNS names and IP addresses.
    Server(Vec<String>),
    /// A connected system: its certificate carries `urn:solent:system:<id>`.
    System(SystemId),
}

impl Holder {
    /// The name of its files and of its row in the index.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Server(_) => "server",
            Self::System(id) => id.as_str(),
        }
    }
}

/// A certificate in the index.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// Serial number, lower-case hex.
    pub serial: String,
    /// `server` or the system's id.
    pub name: String,
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    /// First moment of validity, RFC 3339.
    pub from: String,
    /// Last moment of validity, RFC 3339.
    pub until: String,
    /// When it was revoked, RFC 3339, or empty.
    pub revoked: String,
}

/// What an order produced.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate file.
    pub certificate: PathBuf,
    /// The key file, mode 600.
    pub key: PathBuf,
    /// Its row in the index.
    pub row: Row,
}

/// An opened authority.
pub struct Authority {
    folder: PathBuf,
    name: String,
    key: KeyPair,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn failed(what: &'static str) -> impl Fn(rcgen::Error) -> Error {
    move |error| Error::Unusable { what, why: error.to_string() }
}

impl Authority {
    /// Makes a new authority in `folder` (made if absent) and signs its first, empty revocation list at `now`.
    ///
    /// # Errors
    /// [`Error::File`] when there is one already, or the folder cannot be written.
    pub fn create(folder: &Path, name: &str, validity: Validity, now: Moment) -> Result<Self, Error> {
        let unwritable =
            |e: std::io::Error| Error::File { file: folder.display().to_string(), action: "written", kind: e.kind() };
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let key = KeyPair::generate().map_err(failed("the authority's key"))?;
        let mut params = authority_params(name);
        (params.not_before, params.not_after) = dates(validity)?;
        params.serial_number = Some(SerialNumber::from_slice(&serial()?));
        let certificate = params.self_signed(&key).map_err(failed("the authority's certificate"))?;
        files::write_secret(&folder.join("ca.key"), Zeroizing::new(key.serialize_pem()).as_bytes())?;
        files::write_public(&folder.join("ca.pem"), certificate.pem().as_bytes())?;
        let authority = Self { folder: folder.to_owned(), name: name.to_owned(), key };
        authority.keep(&[], now)?;
        Ok(authority)
    }

    /// Opens the authority in `folder`.
    ///
    /// # Errors
    /// [`Error`] when a file is missing, open to others or not what it should be.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let key_file = folder.join("ca.key");
        let content = |file: &Path, expected| Error::Content { file: file.display().to_string(), expected };
        let pem = files::read_secret(&key_file)?;
        let text = std::str::from_utf8(&pem).map_err(|_| content(&key_file, "a PEM private key"))?;
        let key = KeyPair::from_pem(text).map_err(|_| content(&key_file, "a PEM private key"))?;
        let certificate_file = folder.join("ca.pem");
        let certificate = CertificateDer::from_pem_slice(&files::read_bounded(&certificate_file)?)
            .map_err(|_| content(&certificate_file, "a PEM certificate"))?;
        let name = common_name(&certificate).ok_or_else(|| content(&certificate_file, "a named authority"))?;
        Ok(Self { folder: folder.to_owned(), name, key })
    }

    /// Issues a certificate with a new key. `name` of the files: `server` or the system's id; a renewal moves the old
    /// pair aside as `<name>.<serial>.pem`/`.key`.
    ///
    /// # Errors
    /// [`Error::Order`] for a name that cannot stand in a certificate; [`Error::File`] when files cannot be written.
    pub fn issue(&self, holder: &Holder, validity: Validity, now: Moment) -> Result<Issued, Error> {
        let mut params = holder_params(holder)?;
        (params.not_before, params.not_after) = dates(validity)?;
        let serial = serial()?;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed("the new key"))?;
        let signed = params.signed_by(&key, &self.issuer()).map_err(failed("the new certificate"))?;
        let mut rows = self.list()?;
        let files = self.place(holder.name(), &rows)?;
        files::write_secret(&files.1, Zeroizing::new(key.serialize_pem()).as_bytes())?;
        files::write_public(&files.0, signed.pem().as_bytes())?;
        let row = Row {
            serial: hex(&serial),
            name: holder.name().to_owned(),
            fingerprint: super::identity::fingerprint(signed.der()),
            from: validity.from.to_string(),
            until: validity.until.to_string(),
            revoked: String::new(),
        };
        rows.push(row.clone());
        self.keep(&rows, now)?;
        Ok(Issued { certificate: files.0, key: files.1, row })
    }

    /// Revokes by serial number, or every certificate of a name that is not yet revoked, and signs the list anew.
    /// Returns how many were revoked.
    ///
    /// # Errors
    /// [`Error::Order`] when there is nothing to revoke.
    pub fn revoke(&self, which: &str, now: Moment) -> Result<usize, Error> {
        let mut rows = self.list()?;
        let mut count: usize = 0;
        for row in rows.iter_mut().filter(|r| r.revoked.is_empty() && (r.serial == which || r.name == which)) {
            row.revoked = now.to_string();
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(Error::Order(
                "there is no certificate of that name or serial number left to revoke".to_owned(),
            ));
        }
        self.keep(&rows, now)?;
        Ok(count)
    }

    /// Signs the revocation list anew, unchanged, for another ninety days from `now`.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be written.
    pub fn renew_list(&self, now: Moment) -> Result<(), Error> {
        self.keep(&self.list()?, now)
    }

    /// Every certificate issued, oldest first.
    ///
    /// # Errors
    /// [`Error::Content`] when the index is not readable.
    pub fn list(&self) -> Result<Vec<Row>, Error> {
        let path = self.folder.join("index.csv");
        if !path.exists() {
            return Ok(Vec::new());
        }
        let bytes = files::read_bounded(&path)?;
        csv::Reader::from_reader(bytes.as_slice())
            .deserialize()
            .collect::<Result<_, _>>()
            .map_err(|_| Error::Content { file: path.display().to_string(), expected: "an index of certificates" })
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::new(authority_params(&self.name), &self.key)
    }

    /// Where the new pair goes; an existing pair of that name is moved aside, never overwritten.
    fn place(&self, name: &str, rows: &[Row]) -> Result<(PathBuf, PathBuf), Error> {
        let certificate = self.folder.join(format!("{name}.pem"));
        let key = self.folder.join(format!("{name}.key"));
        let old = rows.iter().rev().find(|r| r.name == name).map_or("old", |r| r.serial.as_str());
        for (file, ending) in [(&certificate, "pem"), (&key, "key")] {
            if file.exists() {
                std::fs::rename(file, self.folder.join(format!("{name}.{old}.{ending}"))).map_err(|e| Error::File {
                    file: file.display().to_string(),
                    action: "written",
                    kind: e.kind(),
                })?;
            }
        }
        Ok((certificate, key))
    }

    /// Writes index and revocation list. The list last: a crash in between is mended by the next change.
    fn keep(&self, rows: &[Row], now: Moment) -> Result<(), Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let broken = || Error::Order("the index cannot be written".to_owned());
        for row in rows {
            writer.serialize(row).map_err(|_| broken())?;
        }
        let text = writer.into_inner().map_err(|_| broken())?;
        files::write_public(&self.folder.join("index.csv"), &text)?;
        let revoked = rows.iter().filter_map(revoked_entry).collect();
        let list = CertificateRevocationListParams {
            this_update: date(now.plus_millis(-300_000))?,
            next_update: date(now.plus_millis(CRL_DAYS.saturating_mul(DAY_MILLIS)))?,
            // Grows with time, as RFC 5280 §5.2.3 asks; milliseconds keep two lists of one second apart.
            crl_number: SerialNumber::from(u64::try_from(now.millis()).unwrap_or(0)),
            issuing_distribution_point: None,
            revoked_certs: revoked,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&self.issuer()).map_err(failed("the revocation list"))?;
        let pem = signed.pem().map_err(failed("the revocation list"))?;
        files::write_public(&self.folder.join("ca.crl"), pem.as_bytes())
    }
}

fn revoked_entry(row: &Row) -> Option<RevokedCertParams> {
    let at = date(Moment::parse(&row.revoked)?).ok()?;
    let bytes: Option<Vec<u8>> =
        row.serial.as_bytes().chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok()).collect();
    Some(RevokedCertParams {
        serial_number: SerialNumber::from_slice(&bytes?),
        revocation_time: at,
        reason_code: None,
        invalidity_date: None,
    })
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn holder_params(holder: &Holder) -> Result<CertificateParams, Error> {
    let order = |text: &str| Error::Order(text.to_owned());
    let mut params = match holder {
        Holder::Server(names) if names.is_empty() => return Err(order("a server certificate needs a name")),
        Holder::Server(names) => {
            CertificateParams::new(names.clone()).map_err(|_| order("a server name is not a DNS name or IP address"))?
        }
        Holder::System(id) => {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let text = id.as_str();
            if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) || ["ca", "server"].contains(&text) {
                return Err(order("a system's id is 1 to 64 of a-z, 0-9 and -, and neither ca nor server"));
            }
            let uri = format!("{SYSTEM_URN}{text}").try_into().map_err(|_| order("the id cannot stand in a URI"))?;
            let mut params = CertificateParams::default();
            params.subject_alt_names = vec![SanType::URI(uri)];
            params
        }
    };
    params.distinguished_name = named(holder.name());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match holder {
        Holder::Server(_) => ExtendedKeyUsagePurpose::ServerAuth,
        Holder::System(_) => ExtendedKeyUsagePurpose::ClientAuth,
    }];
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn common_name(certificate: &[u8]) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    parsed.subject().iter_common_name().next()?.as_str().ok().map(str::to_owned)
}

fn date(at: Moment) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::from_unix_timestamp(at.millis().div_euclid(1000))
        .map_err(|_| Error::Order("a date is out of range".to_owned()))
}

fn dates(validity: Validity) -> Result<(OffsetDateTime, OffsetDateTime), Error> {
    if validity.until < validity.from {
        return Err(Error::Order("the last moment of validity lies before the first".to_owned()));
    }
    Ok((date(validity.from)?, date(validity.until)?))
}

fn serial() -> Result<[u8; SERIAL_BYTES], Error> {
    let mut bytes = [0_u8; SERIAL_BYTES];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::Unusable { what: "the system's randomness", why: "none was given".to_owned() })?;
    // Positive and of full length, so that hex and DER agree: first bit 0, second bit 1.
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config;
    use crate::trust::{Connection, Refusal, Tls};
    use std::sync::Arc;

    /// A fresh folder under the system's temporary one.
    pub fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("solent-trust-{name}-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    const NOW: Moment = Moment::from_millis(1_791_280_800_000);

    fn authority(name: &str) -> (PathBuf, Authority) {
        let folder = scratch(name);
        let made = Authority::create(&folder, "Test Partnership", Validity::days(NOW, 3650), NOW).unwrap();
        (folder, made)
    }
    fn chain(file: &Path) -> Connection {
        let bytes = std::fs::read(file).unwrap();
        Connection::new(CertificateDer::pem_slice_iter(&bytes).map(Result::unwrap).collect())
    }
    fn tls(folder: &Path) -> Arc<Tls> {
        let files = config::Tls {
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
            client_ca: folder.join("ca.pem"),
            crl: Some(folder.join("ca.crl")),
            pages: false,
        };
        Tls::load(&files, Clock::fixed(NOW)).unwrap()
    }
    fn system(id: &str) -> Holder {
        Holder::System(id.into())
    }

    #[test]
    fn a_system_certificate_carries_its_urn_and_verifies_until_revoked() {
        let (folder, made) = authority("urn");
        made.issue(&Holder::Server(vec!["localhost".into(), "127.0.0.1".into()]), Validity::days(NOW, 90), NOW)
            .unwrap();
        let issued = made.issue(&system("southdown-epr"), Validity::days(NOW, 90), NOW).unwrap();
        let connection = chain(&issued.certificate);
        assert_eq!(connection.claimed().unwrap().system.as_str(), "southdown-epr");
        assert_eq!(connection.claimed().unwrap().fingerprint, issued.row.fingerprint);
        let tls = tls(&folder);
        assert_eq!(tls.verify_again(&connection, NOW), Ok(()));
        assert!(!tls.reload().unwrap(), "nothing changed yet");
        // Opened again from disk: the revocation list must still be this authority's.
        assert_eq!(Authority::open(&folder).unwrap().revoke("southdown-epr", NOW).unwrap(), 1);
        assert_eq!(tls.verify_again(&connection, NOW), Ok(()), "not before the reload");
        assert!(tls.reload().unwrap());
        assert_eq!(tls.verify_again(&connection, NOW), Err(Refusal::Revoked));
        assert_eq!(tls.crl_due(), Some(NOW.plus_millis(CRL_DAYS * DAY_MILLIS)));
    }

    #[test]
    fn a_renewed_certificate_works_after_the_old_one_is_revoked() {
        let (folder, made) = authority("renew");
        made.issue(&Holder::Server(vec!["localhost".into()]), Validity::days(NOW, 90), NOW).unwrap();
        let old = made.issue(&system("epr"), Validity::days(NOW, 90), NOW).unwrap();
        let old_chain = chain(&old.certificate);
        let new = made.issue(&system("epr"), Validity::days(NOW, 90), NOW).unwrap();
        assert_eq!(made.revoke(&old.row.serial, NOW).unwrap(), 1);
        let tls = tls(&folder);
        assert_eq!(tls.verify_again(&old_chain, NOW), Err(Refusal::Revoked));
        assert_eq!(tls.verify_again(&chain(&new.certificate), NOW), Ok(()));
        assert!(folder.join(format!("epr.{}.key", old.row.serial)).exists());
        assert!(made.revoke(&old.row.serial, NOW).is_err(), "revoked once is enough");
    }

    #[test]
    fn expired_foreign_and_server_certificates_are_refused_with_their_reason() {
        let (folder, made) = authority("expired");
        made.issue(&Holder::Server(vec!["localhost".into()]), Validity::days(NOW, 90), NOW).unwrap();
        let past = Validity { from: NOW.plus_millis(-2 * DAY_MILLIS), until: NOW.plus_millis(-DAY_MILLIS) };
        let expired = made.issue(&system("late"), past, NOW).unwrap();
        let (_, other) = authority("foreign");
        let foreign = other.issue(&system("late"), Validity::days(NOW, 90), NOW).unwrap();
        let tls = tls(&folder);
        assert_eq!(tls.verify_again(&chain(&expired.certificate), NOW), Err(Refusal::Expired));
        assert_eq!(tls.verify_again(&chain(&foreign.certificate), NOW), Err(Refusal::Untrusted));
        assert_eq!(tls.verify_again(&chain(&folder.join("server.pem")), NOW), Err(Refusal::Untrusted));
    }

    #[test]
    fn a_broken_file_leaves_what_was_in_force() {
        let (folder, made) = authority("broken");
        made.issue(&Holder::Server(vec!["localhost".into()]), Validity::days(NOW, 90), NOW).unwrap();
        let good = made.issue(&system("epr"), Validity::days(NOW, 90), NOW).unwrap();
        let tls = tls(&folder);
        std::fs::write(folder.join("ca.crl"), "not a list").unwrap();
        assert!(tls.reload().is_err());
        assert!(tls.reload().is_err(), "it is tried again, and said again");
        assert_eq!(tls.verify_again(&chain(&good.certificate), NOW), Ok(()));
    }

    #[test]
    fn an_id_that_is_a_path_or_a_reserved_name_is_refused() {
        let (_, made) = authority("names");
        for id in ["../ca", "ca", "server", "", "A", "a.b", "a/b"] {
            let order = made.issue(&system(id), Validity::days(NOW, 1), NOW);
            assert!(matches!(order, Err(Error::Order(_))), "{id}");
        }
        assert!(made.issue(&Holder::Server(Vec::new()), Validity::days(NOW, 1), NOW).is_err());
    }
}
