//! A gateway with the shipped content, a SQLite database, a log and a clock that tests set; one family and its workers.

use serde_json::{Value, json};
use solent::audit::{Event, Origin, Payload, Signer};
use solent::clock::{Clock, Moment};
use solent::config::{self, Files};
use solent::exchange::{Caller, Deed, Done, Enquiry, Failure, Gateway, Parts, Subject, Submission, User};
use solent::ident::{AccountId, AgencyId, HatId, PersonId, SystemId};
use solent::store::{Committer, CommitterHandle, Db, KeptKind, Keys, LogReader, Options};
use solent::vocabulary::{Category, Purpose};
use std::path::PathBuf;
use std::sync::Arc;

pub const ORIGIN: &str = "audit.example.org/log1";

/// Tuesday, 10:00 in London.
pub const NOW: &str = "2026-10-06T09:00:00Z";

pub struct House {
    pub gateway: Arc<Gateway>,
    pub clock: Clock,
    pub committer: CommitterHandle,
    pub keys: Keys,
    pub folder: PathBuf,
    origin: Origin,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn configuration(origin: &str, agencies: &[(String, String)]) -> String {
    let mut text = format!(
        "origin = \"{origin}\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclient_ca = \"ca.pem\"\n\
         [store]\ndatabase_url = \"sqlite:solent.db\"\nkey_file = \"store.key\"\n\
         [audit]\nsigning_key = \"audit.key\"\ncheckpoint_file = \"checkpoint\"\n"
    );
    let key = assertion_key().public_base64();
    for (agency, kind) in agencies {
        text.push_str(&format!(
            "[[agency]]\nid = \"{agency}\"\nkind = \"{kind}\"\nname = \"{agency}\"\ncontact = \"duty desk\"\n\
             [[system]]\nid = \"{agency}-desk\"\nagency = \"{agency}\"\nformat = \"canonical\"\n\
             assertion_key = \"{key}\"\n"
        ));
    }
    if agencies.iter().any(|(id, _)| id == "trust") && agencies.iter().any(|(id, _)| id == "council") {
        text.push_str(
            "[[route]]
from = \"trust-desk\"
to = \"council-desk\"
hat = \"wren-sw\"
purpose = \"CIN\"
",
        );
    }
    text
}

/// The key with which every system signs assertions of its users.
pub fn assertion_key() -> solent::trust::SigningKey {
    solent::trust::SigningKey::from_seed(&[9; 32]).unwrap()
}

/// The shipped rules and schemas.
pub fn content_files() -> Files {
    let all = solent::cli::content::built_in();
    let mut files = Files::default();
    for folder in ["schemas/record", "schemas/config", "sharing", "mappings/codes"] {
        all.matching(folder, "").for_each(|(name, bytes)| files.insert(name, bytes.to_vec()));
    }
    files
}

pub fn content(files: &Files) -> solent::exchange::ContentSet {
    solent::cli::content::compile(files).unwrap_or_else(|f| panic!("{f:?}"))
}

/// One family: a mother, a father with an order, a stepfather without one, a boy of 14, a girl of 9, a protected aunt.
pub fn family() -> Value {
    json!({
        "agencies": [{"id": "council", "kind": "council"}, {"id": "trust", "kind": "nhs"}, {"id": "force", "kind": "police"}, {"id": "mentors", "kind": "charity"}],
        "teams": [{"id": "green", "agency": "council"}],
        "accounts": [
            {"id": "wren", "hats": [{"id": "wren-sw", "role": "SW", "agency": "council", "team": "green"}]},
            {"id": "hale", "hats": [{"id": "hale-sw", "role": "SW", "agency": "council", "supervisor": true}]},
            {"id": "mo", "hats": [{"id": "mo-pa", "role": "PA", "agency": "council"}]},
            {"id": "iris", "hats": [{"id": "iris-cln", "role": "CLN", "agency": "trust"}]},
            {"id": "uma", "hats": [{"id": "uma-uhn", "role": "UHN", "agency": "trust"}]},
            {"id": "pike", "person": "father", "hats": [{"id": "pike-pol", "role": "POL", "agency": "force"}]},
            {"id": "viv", "hats": [{"id": "viv-vol", "role": "VOL", "agency": "mentors"}]},
            {"id": "otto", "hats": [{"id": "otto-vco", "role": "VCO", "agency": "mentors"}]},
            {"id": "gray", "hats": [{"id": "gray-prv", "role": "PRV", "agency": "council"}]},
            {"id": "lark", "hats": [{"id": "lark-prv", "role": "PRV", "agency": "trust"}]},
            {"id": "ado", "hats": [{"id": "ado-ado", "role": "ADO", "agency": "council"}]},
            {"id": "bea", "hats": [{"id": "bea-dsl", "role": "DSL", "agency": "council"}]}
        ],
        "people": [
            {"id": "mother", "born": "1990-02-28", "family_name": "Quill", "given_name": "Rowan", "identifiers": [{"kind": "nhs", "value": "9990000107"}]}, {"id": "father", "born": "1988-01-01"}, {"id": "step", "born": "1985-01-01"},
            {"id": "boy", "born": "2012-02-29"}, {"id": "girl", "born": "2017-05-05"}, {"id": "teen", "born": "2010-11-02"},
            {"id": "aunt", "born": "1980-05-05"}, {"id": "hunter", "born": "1979-05-05"}
        ],
        "cases": [{"id": "quill", "agency": "council", "team": "green", "members": ["mother", "father", "step", "boy", "girl", "teen"], "purposes": [{"purpose": "CIN", "from": "2026-01-01"}]}],
        "parental_responsibility": [
            {"holder": "mother", "child": "boy", "basis": "mother"}, {"holder": "mother", "child": "girl", "basis": "mother"},
            {"holder": "mother", "child": "teen", "basis": "mother"},
            {"holder": "father", "child": "girl", "basis": "order", "evidence": "order seen"}
        ],
        "links": [{"a": "mother", "b": "father", "kind": "partner"}],
        "protections": [{"id": "p-aunt", "person": "aunt", "against": "hunter", "from": "2026-01-01"}],
        "relationships": [
            {"id": "r-wren", "kind": "allocated", "hat": "wren-sw", "case": "quill", "from": "2026-01-01", "evidence": "minute"},
            {"id": "r-hale", "kind": "supervisor", "hat": "hale-sw", "of": "wren-sw", "from": "2026-01-01", "evidence": "minute"},
            {"id": "r-mo", "kind": "delegation", "hat": "mo-pa", "grantor": "wren-sw", "from": "2026-09-01", "to": "2027-03-01", "evidence": "form"},
            {"id": "r-iris", "kind": "allocated", "hat": "iris-cln", "subject": "mother", "from": "2026-01-01", "evidence": "referral"}
        ]
    })
}

impl House {
    pub async fn open() -> Self {
        let agencies = [("council", "council"), ("trust", "nhs"), ("force", "police"), ("mentors", "charity")];
        let agencies = agencies.map(|(id, kind)| (id.to_owned(), kind.to_owned()));
        let house = Self::with(&agencies).await;
        house.gateway.register(&family(), &AccountId::new("operator")).await.unwrap();
        house
    }

    /// As [`House::open`], on a database that is there already.
    pub async fn on(db: &Db) -> Self {
        let house = Self::beside(db, ORIGIN).await;
        house.gateway.register(&family(), &AccountId::new("operator")).await.unwrap();
        house
    }

    /// One more gateway on a database where the family is registered already, with a log of its own.
    pub async fn beside(db: &Db, origin: &str) -> Self {
        let agencies = [("council", "council"), ("trust", "nhs"), ("force", "police"), ("mentors", "charity")];
        let agencies = agencies.map(|(id, kind)| (id.to_owned(), kind.to_owned()));
        Self::built(origin, &agencies, Some(db)).await
    }

    /// With these agencies (id and kind), each with a system, and no facts.
    pub async fn with(agencies: &[(String, String)]) -> Self {
        Self::built(ORIGIN, agencies, None).await
    }

    async fn built(origin: &str, agencies: &[(String, String)], db: Option<&Db>) -> Self {
        let folder = std::env::temp_dir().join(format!("solent-house-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        let clock = Clock::fixed(Moment::parse(NOW).unwrap());
        let db = match db {
            Some(db) => db.clone(),
            None => {
                let file = format!("sqlite:{}", folder.join("solent.db").display());
                let db = Db::open(&file, None).await.unwrap();
                db.migrate(clock.now()).await.unwrap();
                db
            }
        };
        let keys = Keys::from_secret(&[7; 32]).unwrap();
        let name = Origin::parse(origin).unwrap();
        let signer = Signer::log(name.clone(), &[9; 32]).unwrap();
        let committer =
            Committer::start(db.clone(), keys.clone(), signer, clock.clone(), Options::default()).await.unwrap();
        let config = config::Gateway::parse("solent.toml", &configuration(origin, agencies), &folder).unwrap();
        // Everything speaks `canonical` here: no mapping has to be compiled.
        let content = content(&content_files());
        let parts =
            Parts { config, content, db, keys: keys.clone(), committer: committer.clone(), clock: clock.clone() };
        Self { gateway: Arc::new(Gateway::new(parts)), clock, committer, keys, folder, origin: name }
    }

    pub fn at(&self, time: &str) {
        self.clock.set(Moment::parse(time).unwrap());
    }

    /// Does a deed as the account whose hat this is, through its agency's system.
    pub async fn act(&self, (hat, agency): (&str, &str), deed: Deed) -> Result<Done, Failure> {
        let account = hat.split('-').next().unwrap();
        let user = User { account: AccountId::new(account), hat: HatId::new(hat) };
        self.gateway.act(&caller(agency), &user, &deed).await
    }

    /// The alerts kept for an agency's officers, as their kinds.
    pub async fn alerts(&self, agency: &str) -> Vec<String> {
        let kept = self.gateway.db().kept_of(&self.keys, KeptKind::Alert, agency, self.clock.now()).await.unwrap();
        let kinds =
            kept.iter().map(|k| serde_json::from_slice::<Value>(&k.body).unwrap()["kind"].as_str().unwrap().to_owned());
        let mut kinds: Vec<String> = kinds.collect();
        kinds.retain(|kind| kind != "sample");
        kinds.sort();
        kinds
    }

    /// What the council's worker sees of a person's category under CIN, as the released document.
    pub async fn enquire(&self, hat: &str, agency: &str, person: &str, category: Category) -> Result<Value, Failure> {
        let enquiry = Enquiry {
            account: AccountId::new(hat.split('-').next().unwrap()),
            hat: HatId::new(hat),
            purpose: Purpose::Cin,
            subject: Subject::Person(PersonId::new(person)),
            categories: vec![category],
            override_id: None,
            delegation: None,
            opening: None,
        };
        let released = self.gateway.enquire(caller(agency), enquiry).await?;
        Ok(serde_json::from_slice(&released.into_bytes()).unwrap())
    }

    pub async fn send(&self, agency: &str, record: &Value) {
        let body = serde_json::to_vec(record).unwrap();
        let submission = Submission { body, idempotency_key: None };
        self.gateway.receive(&caller(agency), submission).await.unwrap_or_else(|f| panic!("{f:?}"));
    }

    /// The entries of the log, in order, with their sealed parts: open name and payload.
    pub async fn entries(&self) -> Vec<(String, Payload)> {
        self.entries_from(0).await
    }

    /// The newest entry.
    pub async fn last_entry(&self) -> (String, Payload) {
        let reader = LogReader::new(self.gateway.db().clone(), self.origin.clone());
        let size = reader.shard().await.unwrap().unwrap().size;
        self.entries_from(size - 1).await.pop().unwrap()
    }

    async fn entries_from(&self, first: u64) -> Vec<(String, Payload)> {
        let reader = LogReader::new(self.gateway.db().clone(), self.origin.clone());
        let mut found = Vec::new();
        for row in reader.entries(first, 1000).await.unwrap() {
            let open: Value = serde_json::from_slice(&row.entry).unwrap();
            let (_, payload) = self.gateway.db().payload(&self.keys, &row).await.unwrap().unwrap();
            found.push((open["event"].as_str().unwrap_or_default().to_owned(), Payload::parse(&payload).unwrap()));
        }
        found
    }

    /// How many entries have this event.
    pub async fn count(&self, event: Event) -> usize {
        self.entries()
            .await
            .iter()
            .filter(|(_, p)| p.event == event && p.reason.as_deref() != Some("ends-soon"))
            .count()
    }
}

pub fn caller(agency: &str) -> Caller {
    Caller {
        system: SystemId::new(format!("{agency}-desk")),
        agency: AgencyId::new(agency),
        format: "canonical".to_owned(),
        certificate: "00".to_owned(),
        request: "r".to_owned(),
    }
}

/// The pointers of the breaches, and nothing else may have gone wrong.
pub fn breaches(result: Result<Done, Failure>) -> Vec<String> {
    match result {
        Err(Failure::Invalid(found)) if found.iter().all(|d| d.code.as_str() == "SOL-SHARING-GUARD") => {
            found.iter().filter_map(|d| d.pointer.clone()).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// The reason word of a refusal.
pub fn refused(result: Result<Done, Failure>) -> &'static str {
    match result {
        Err(Failure::Refused { reason }) => reason,
        Err(Failure::NotFound) => "not found",
        other => panic!("{other:?}"),
    }
}
