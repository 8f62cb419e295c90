//! The checked configuration of one gateway: what every other module may rely on.
//!
//! A [`Gateway`] exists only if every rule of `checks.rs` held. Relative paths have been joined to the folder of the
//! configuration file. Holds no secret: keys and passwords are file names.

use super::{checks, raw};
use crate::diagnostic::Diagnostic;
use crate::ident::{AgencyId, HatId, SystemId};
use crate::vocabulary::Purpose;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The start of the URI in a client certificate's subject alternative name; the system's id follows.
pub const SYSTEM_URN: &str = "urn:solent:system:";

/// The names of formats a system may speak. Whether a format is loaded is for `solent check` to say.
pub const FORMATS: &[&str] = &[
    "fhir-r4-json",
    "fhir-r4-xml",
    "hl7v2",
    "cin-census",
    "ssda903",
    "ctf",
    "school-concern",
    "ndtms",
    "mhsds",
    "police",
    "police-xml",
    "csc-api",
    "canonical",
];

/// The configuration of one gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Name of this gateway's log and the audience of user assertions: a URL without scheme, no space, no `+`.
    ///
    /// # Source
    /// C2SP tlog-checkpoint, "origin".
    pub origin: String,
    /// Where it listens.
    pub server: Server,
    /// Its certificate and whom it lets in.
    pub tls: Tls,
    /// Its database.
    pub store: Store,
    /// Its log.
    pub audit: Audit,
    /// Its schemas, mappings and sharing files.
    pub content: Content,
    /// What it bears.
    pub limits: Limits,
    /// The agencies of the partnership, in file order; ids are unique.
    pub agencies: Vec<Agency>,
    /// The connected systems, in file order; ids are unique and every agency exists.
    pub systems: Vec<System>,
    /// Which system's messages are offered to which; both ends exist and differ.
    pub routes: Vec<Route>,
    /// The duty to share (sharing rules R14).
    pub duty: Duty,
    /// The pages for people; without this section there are none, and every client needs a certificate.
    pub pages: Option<Pages>,
    /// Where people of the pages may sign in beside local accounts; only with pages.
    pub provider: Option<Provider>,
}

/// An OpenID provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provider {
    /// Its name on the sign-in page.
    pub name: String,
    /// The issuer: an `https` address, as its discovery document names it.
    pub issuer: String,
    /// The gateway's name there.
    pub client_id: String,
    /// The gateway's secret there: a file only its owner can read.
    pub client_secret_file: PathBuf,
    /// The authorities its certificate is checked with, PEM.
    pub authority: PathBuf,
    /// Where browsers reach the pages: `https://HOST[:PORT]`.
    pub address: String,
    /// Kinds of sign-in asked for; when there are any, the provider must confirm one.
    pub acr: Vec<String>,
}

/// The pages for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pages {
    /// How long a session lasts without a request.
    pub idle: Duration,
    /// How long a session lasts in all.
    pub session: Duration,
}

/// Addresses.
#[derive(Clone, Debug)]
pub struct Server {
    /// The door: TLS with client certificates. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Health and metrics, without TLS: always a loopback address.
    pub health_listen: SocketAddr,
    /// HL7 v2 over MLLP: TLS with client certificates like the door; none when absent.
    pub mllp_listen: Option<SocketAddr>,
}

/// Certificates. All files are PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The gateway's own certificate chain.
    pub certificate: PathBuf,
    /// Its private key, readable by the owner only.
    pub key: PathBuf,
    /// The authorities whose client certificates are accepted.
    pub client_ca: PathBuf,
    /// Their revocation lists, one per authority.
    pub crl: Option<PathBuf>,
    /// Whether a client without a certificate may connect, to reach the pages: true when there are pages.
    pub pages: bool,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    /// `sqlite:<absolute path>` or `postgres://…` without a password.
    pub database_url: String,
    /// A file that holds the PostgreSQL password, readable by the owner only.
    pub password_file: Option<PathBuf>,
    /// The key that wraps the per-record keys, readable by the owner only.
    pub key_file: PathBuf,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Ed25519 key in PKCS#8, readable by the owner only; it signs checkpoints.
    pub signing_key: PathBuf,
    /// A copy of the newest checkpoint outside the database: a truncated log is noticed at start.
    pub checkpoint_file: PathBuf,
    /// The agency whose auditors see the whole partnership's entries; every other auditor sees its own agency's.
    pub partnership_auditor: Option<String>,
    /// How many of a hundred ordinary views are drawn for an officer to look at.
    pub sample_views_percent: usize,
    /// Years after which sealed parts are erased: at least 6; without it nothing ever is.
    pub retention_years: Option<i64>,
    /// Whom it asks to cosign its checkpoints; names are unique.
    pub witnesses: Vec<Witness>,
    /// How many of them must have cosigned a checkpoint for it to count as witnessed: at most as many as there are.
    pub witnesses_needed: usize,
}

/// Somebody who cosigns this log's checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Witness {
    /// Its name: what stands before the first `+` of its key.
    pub name: String,
    /// Its verifier key, as text.
    pub vkey: String,
    /// How it is reached.
    pub way: WitnessWay,
}

/// How a witness is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WitnessWay {
    /// Over HTTP: what stands before `/add-checkpoint`, and the authority of its certificate.
    Http {
        /// `http://…` or `https://…`.
        url: String,
        /// PEM file; needed for `https`.
        ca: Option<PathBuf>,
    },
    /// By file: requests are left in this folder, answers are looked for there.
    Drop(PathBuf),
}

/// Schemas, mappings and sharing files.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// A folder with `schemas/`, `mappings/` and `sharing/`; without it the set built into the program.
    pub dir: Option<PathBuf>,
}

/// Bounds, each with a default that a county gateway can live with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body in bytes.
    pub body_bytes_max: usize,
    /// Deepest nesting of a message.
    pub depth_max: usize,
    /// Most values in a message.
    pub nodes_max: usize,
    /// Requests one system may make in a minute; also the size of the burst.
    pub requests_per_minute: u32,
    /// Open connections in all.
    pub connections_max: usize,
    /// How long a request's head, and then its body, may take to arrive.
    pub request_time: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// People one hat may see in an hour before the privacy officers are told (sharing rules R81).
    pub bulk_alert: usize,
    /// People one hat may see in an hour at all, until an officer clears it (R81).
    pub bulk_block: usize,
    /// Longest life of a signed user assertion, in seconds.
    pub assertion_seconds_max: i64,
}

/// What an agency is; the kinds of a facts file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgencyKind {
    /// Council (children's social care).
    Council,
    /// NHS body.
    Nhs,
    /// Substance misuse service.
    SubstanceMisuse,
    /// Domestic abuse service.
    DomesticAbuse,
    /// Police force.
    Police,
    /// Probation.
    Probation,
    /// School.
    School,
    /// Nursery.
    Nursery,
    /// Youth justice service.
    YouthJustice,
    /// Charity.
    Charity,
    /// Court.
    Court,
    /// Anything else.
    Other,
}

impl AgencyKind {
    /// The kinds with their words, as in a facts file.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("council", Self::Council),
        ("nhs", Self::Nhs),
        ("substance-misuse", Self::SubstanceMisuse),
        ("domestic-abuse", Self::DomesticAbuse),
        ("police", Self::Police),
        ("probation", Self::Probation),
        ("school", Self::School),
        ("nursery", Self::Nursery),
        ("youth-justice", Self::YouthJustice),
        ("charity", Self::Charity),
        ("court", Self::Court),
        ("other", Self::Other),
    ];

    /// The word.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("other", |(word, _)| word)
    }
}

/// An agency of the partnership.
#[derive(Clone, Debug)]
pub struct Agency {
    /// Its id, for example `harbourshire-csc`.
    pub id: AgencyId,
    /// What it is.
    pub kind: AgencyKind,
    /// Its name, for people.
    pub name: String,
    /// Whom to ask there: a team's telephone number or mailbox, never a person's.
    pub contact: String,
    /// Its ODS code (NHS Organisation Data Service), when it has one.
    pub ods: Option<String>,
}

/// A connected program: one client certificate, one format.
#[derive(Clone, Debug)]
pub struct System {
    /// Its id; its certificate carries `urn:solent:system:<id>`.
    pub id: SystemId,
    /// Whose it is.
    pub agency: AgencyId,
    /// What it speaks, one of [`FORMATS`].
    pub format: String,
    /// SHA-256 of its certificates in lower-case hex, if pinned: any one of them.
    pub fingerprints: Vec<String>,
    /// The Ed25519 public key (32 bytes) that signs its user assertions.
    pub assertion_key: Option<[u8; 32]>,
    /// Teams whose members may ask through it although their own agency is another: a co-located team's desk. Hats of its
    /// own agency always may.
    pub teams: Vec<String>,
}

impl System {
    /// The URI its certificate must carry.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{SYSTEM_URN}{}", self.id)
    }
}

/// What one system sends is offered to another, under a hat and a purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The sender.
    pub from: SystemId,
    /// The receiver.
    pub to: SystemId,
    /// The hat of the receiving side under which it is decided.
    pub hat: HatId,
    /// The purpose it is decided for.
    pub purpose: Purpose,
}

/// The duty to share of Children Act 2004 s.16LA: not settled in law, so configuration.
///
/// # Source
/// Sharing rules R14.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Duty {
    /// First day of the duty.
    pub from: jiff::civil::Date,
    /// The agencies it binds.
    pub listed_bodies: Vec<AgencyId>,
    /// Which identifier is consistent across agencies.
    pub consistent_identifier: String,
}

impl Gateway {
    /// Reads and checks a configuration. `file` is its name for messages; relative paths are joined to `folder`.
    ///
    /// # Errors
    /// Every fault found, as `SOL-CONFIG-FILE` with line and column.
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, Vec<Diagnostic>> {
        let raw = raw::parse(file, text)?;
        checks::check(raw, &checks::Source::new(file, text, folder))
    }

    /// The system with this id.
    #[must_use]
    pub fn system(&self, id: &SystemId) -> Option<&System> {
        self.systems.iter().find(|s| s.id == *id)
    }

    /// The agency with this id.
    #[must_use]
    pub fn agency(&self, id: &AgencyId) -> Option<&Agency> {
        self.agencies.iter().find(|a| a.id == *id)
    }
}
