//! The throw-away partnership: folder, authority, certificates, keys, configuration.

use super::story::Story;
use crate::cli::Exit;
use crate::clock::Moment;
use crate::http::DemoPerson;
use crate::ident::{AccountId, SystemId};
use crate::store::Keys;
use crate::trust::SigningKey;
use crate::trust::ca::{Authority, Holder, Validity};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Validity of the demo's certificates in days: the story lies in the past of the machine's clock.
const VALID_DAYS: u32 = 3_650;

/// Where everything lies. A temporary folder goes when this does.
pub struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// The named folder, which must be empty or new, or a fresh temporary one.
    pub fn new(named: Option<PathBuf>) -> Result<Self, Exit> {
        let failed = |e: std::io::Error| Exit::Internal(format!("the data folder cannot be made: {}", e.kind()));
        let temporary = named.is_none();
        let path = named.unwrap_or_else(|| std::env::temp_dir().join(format!("solent-demo-{}", uuid::Uuid::now_v7())));
        std::fs::create_dir_all(&path).map_err(failed)?;
        if std::fs::read_dir(&path).map_err(failed)?.next().is_some() {
            return Err(Exit::Usage(
                crate::diagnostic::Diagnostic::error(
                    crate::diagnostic::code::CLI_USAGE,
                    "the data folder is not empty",
                )
                .with_help("name a new folder"),
            ));
        }
        Ok(Self { path, temporary })
    }
    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.file("solent.toml")
    }
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// What the clients need.
pub struct Made {
    /// The authority's certificate, PEM.
    pub authority: Vec<u8>,
    /// Per system: certificate chain PEM, key PEM, assertion key.
    pub clients: BTreeMap<String, ClientFiles>,
}

/// A client's files.
pub struct ClientFiles {
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
    pub assertion_key: SigningKey,
}

/// Makes everything a gateway and its clients need.
pub fn make(folder: &Folder, story: &Story, ports: (u16, u16), starts: Moment) -> Result<Made, Exit> {
    let day_before = starts.plus_millis(-86_400_000);
    let validity = Validity::days(day_before, VALID_DAYS);
    let failed = |what: &'static str| move |_| Exit::Internal(format!("the demo could not make {what}"));
    let authority = Authority::create(&folder.file("certs"), "Solent demo authority", validity, day_before)
        .map_err(|e| Exit::Internal(e.to_string()))?;
    let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    authority.issue(&Holder::Server(hosts), validity, day_before).map_err(|e| Exit::Internal(e.to_string()))?;
    let keys = folder.file("keys");
    std::fs::create_dir_all(&keys).map_err(|e| Exit::Internal(format!("the keys folder: {}", e.kind())))?;
    SigningKey::create(&keys.join("audit.key")).map_err(|e| Exit::Internal(e.to_string()))?;
    Keys::create(&keys.join("store.key")).map_err(|e| Exit::Internal(e.to_string()))?;
    let mut clients = BTreeMap::new();
    for system in &story.systems {
        let holder = Holder::System(SystemId::new(system.id.clone()));
        let issued = authority.issue(&holder, validity, day_before).map_err(|e| Exit::Internal(e.to_string()))?;
        let assertion_key = SigningKey::create(&keys.join(format!("assert-{}.key", system.id)))
            .map_err(|e| Exit::Internal(e.to_string()))?;
        let chain = std::fs::read(&issued.certificate).map_err(failed("a certificate"))?;
        let key = std::fs::read(&issued.key).map_err(failed("a key"))?;
        clients.insert(system.id.clone(), ClientFiles { chain, key, assertion_key });
    }
    let text = config_text(story, &clients, ports)?;
    std::fs::write(folder.config(), text).map_err(failed("the configuration"))?;
    let authority =
        std::fs::read(folder.file("certs").join("ca.pem")).map_err(failed("the authority's certificate"))?;
    Ok(Made { authority, clients })
}

fn config_text(story: &Story, clients: &BTreeMap<String, ClientFiles>, ports: (u16, u16)) -> Result<String, Exit> {
    let partnership: serde_json::Value = super::story::facts("partnership.yaml")?;
    let mut out = String::new();
    let broken = |_| Exit::Internal("the configuration could not be written".to_owned());
    write!(
        out,
        "# Made by `solent demo`; everything in it is throw-away.\norigin = \"demo.solent.example/log1\"\n\n\
         [server]\nlisten = \"127.0.0.1:{}\"\nhealth_listen = \"127.0.0.1:{}\"\n\n\
         [tls]\ncertificate = \"certs/server.pem\"\nkey = \"certs/server.key\"\nclient_ca = \"certs/ca.pem\"\ncrl = \"certs/ca.crl\"\n\n\
         [store]\ndatabase_url = \"sqlite:solent.db\"\nkey_file = \"keys/store.key\"\n\n\
         [audit]\nsigning_key = \"keys/audit.key\"\ncheckpoint_file = \"checkpoint\"\n\
         partnership_auditor = \"harbourshire-csc\"\n\n\
         [limits]\nassertion_seconds_max = 86400\n\n[pages]\n",
        ports.0, ports.1
    )
    .map_err(broken)?;
    let agencies = partnership.get("agencies").and_then(|a| a.as_array()).into_iter().flatten();
    for (number, agency) in agencies.enumerate() {
        let text = |name: &str| agency.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let (id, kind, name) = (text("id"), text("kind"), text("name"));
        write!(
            out,
            "\n[[agency]]\nid = \"{id}\"\nkind = \"{kind}\"\nname = \"{name}\"\ncontact = \"duty desk, 01632 960{:03}\"\n",
            number.saturating_add(1)
        )
        .map_err(broken)?;
    }
    for system in &story.systems {
        let key = clients.get(&system.id).map(|c| c.assertion_key.public_base64()).unwrap_or_default();
        let teams = system.teams.iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>().join(", ");
        write!(
            out,
            "\n[[system]]\nid = \"{}\"\nagency = \"{}\"\nformat = \"{}\"\nteams = [{teams}]\nassertion_key = \"{key}\"\n",
            system.id, system.agency, system.format
        )
        .map_err(broken)?;
    }
    for route in &story.routes {
        write!(
            out,
            "\n[[route]]\nfrom = \"{}\"\nto = \"{}\"\nhat = \"{}\"\npurpose = \"{}\"\n",
            route.from, route.to, route.hat, route.purpose
        )
        .map_err(broken)?;
    }
    Ok(out)
}

/// The people of the cast, for the demo's start page: each account with the words of its hats.
pub fn people() -> Result<Vec<DemoPerson>, Exit> {
    let partnership: serde_json::Value = super::story::facts("partnership.yaml")?;
    let cast: serde_json::Value = super::story::yaml("cast.yaml")?;
    let accounts = partnership.get("accounts").and_then(|a| a.as_array()).into_iter().flatten();
    let people = accounts.filter_map(|account| {
        let id = account.get("id")?.as_str()?;
        let hat = account.get("hats")?.as_array()?.first()?.get("id")?.as_str()?;
        let words = cast.get("hats")?.get(hat)?.as_str()?;
        let shown = words.split(',').next().unwrap_or(words);
        Some(DemoPerson { account: AccountId::new(id), words: words.to_owned(), shown: shown.to_owned() })
    });
    Ok(people.collect())
}
