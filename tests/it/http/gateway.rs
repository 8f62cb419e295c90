//! The program itself in a process of its own, with the shipped content: what `served` and `formats` talk to.

use super::harness::{ORIGIN, Raw, exchange, get_on, raw, read_answer};
use crate::gateway_logs;
use solent::clock::Clock;
use solent::store::Keys;
use solent::trust::SigningKey;
use solent::trust::ca::{Authority, Holder, Validity};
use sqlx::Row as _;
use sqlx::sqlite::SqlitePoolOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// How much memory hostile input may cost, in KiB (the promise of the gateway).
pub const EXTRA_KIB_MAX: u64 = 64 * 1024;

/// A gateway of its own process.
pub struct Served {
    pub folder: PathBuf,
    pub child: Child,
    pub door: SocketAddr,
    pub health: SocketAddr,
    pub log: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            gateway_logs::keep("metrics", &self.loopback("/metrics"));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn prepare() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("solent-served-{}", uuid::Uuid::now_v7()));
    let now = Clock::system().now();
    let life = Validity::days(now, 90);
    let authority = Authority::create(&folder, "Test Partnership", life, now).unwrap();
    authority.issue(&Holder::Server(vec!["localhost".to_owned()]), life, now).unwrap();
    for system in ["desk", "epr", "epr-xml", "council", "ghost"] {
        authority.issue(&Holder::System(system.into()), life, now).unwrap();
    }
    let past = Validity { from: now.plus_millis(-7_200_000), until: now.plus_millis(-3_600_000) };
    authority.issue(&Holder::System("late".into()), past, now).unwrap();
    SigningKey::create(&folder.join("audit.key")).unwrap();
    Keys::create(&folder.join("store.key")).unwrap();
    let config = format!(
        "origin = \"{ORIGIN}\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclient_ca = \"ca.pem\"\ncrl = \"ca.crl\"\n\
         [store]\ndatabase_url = \"sqlite:solent.db\"\nkey_file = \"store.key\"\n\
         [audit]\nsigning_key = \"audit.key\"\ncheckpoint_file = \"checkpoint\"\n\
         [[agency]]\nid = \"harbourshire-csc\"\nkind = \"council\"\nname = \"Harbourshire\"\ncontact = \"front door\"\n\
         [[agency]]\nid = \"southdown-mh\"\nkind = \"nhs\"\nname = \"Southdown\"\ncontact = \"duty desk\"\n\
         [[system]]\nid = \"desk\"\nagency = \"harbourshire-csc\"\nformat = \"canonical\"\n\
         [[system]]\nid = \"council\"\nagency = \"harbourshire-csc\"\nformat = \"cin-census\"\n\
         [[system]]\nid = \"epr\"\nagency = \"southdown-mh\"\nformat = \"fhir-r4-json\"\n\
         [[system]]\nid = \"epr-xml\"\nagency = \"southdown-mh\"\nformat = \"fhir-r4-xml\"\n\
         [[system]]\nid = \"late\"\nagency = \"southdown-mh\"\nformat = \"fhir-r4-json\"\n\
         [[route]]\nfrom = \"epr\"\nto = \"council\"\nhat = \"nobody\"\npurpose = \"CIN\"\n"
    );
    std::fs::write(folder.join("solent.toml"), config).unwrap();
    folder
}

pub fn start(folder: PathBuf) -> Served {
    let (log, stderr) = gateway_logs::file("serve");
    let mut child = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(["serve", "--config", "solent.toml"])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let text = || std::fs::read_to_string(&log).unwrap_or_default();
    let address = |before: &str| {
        let rest = line.split_once(before).unwrap_or_else(|| panic!("{line:?} {}", text())).1;
        rest.split([',', '/']).next().unwrap().parse().unwrap()
    };
    Served { door: address("https://"), health: address("http://"), folder, child, log }
}

impl Served {
    pub fn connect(&self) -> Raw {
        self.connect_as("desk")
    }

    pub fn connect_as(&self, system: &str) -> Raw {
        raw(&self.folder, &self.folder, Some(system), self.door, "http/1.1")
    }

    pub fn still_serves(&self) {
        assert!(get_on(&mut self.connect(), "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 200"));
    }

    pub fn get_as(&self, system: &str, path: &str) -> String {
        get_on(&mut self.connect_as(system), path).unwrap()
    }

    pub fn post(&self, body: &str) -> String {
        self.post_as("desk", "application/json", body)
    }

    pub fn post_as(&self, system: &str, kind: &str, body: &str) -> String {
        self.post_to("/api/v1/messages", system, kind, "", body)
    }

    /// A POST with further header lines, each ended by a line break.
    pub fn post_to(&self, path: &str, system: &str, kind: &str, more: &str, body: &str) -> String {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{more}");
        exchange(&mut self.connect_as(system), &format!("{head}Content-Length: {length}\r\n\r\n{body}")).unwrap()
    }

    /// A gigabyte in chunks, as fast as the gateway takes it: refused with 413, or the connection is ended.
    pub fn gigabyte_in_chunks(&self, system: &str, kind: &str) {
        let mut stream = self.connect_as(system);
        let head = format!(
            "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut chunk = format!("{:x}\r\n", 1 << 20).into_bytes();
        chunk.resize(chunk.len() + (1 << 20), b' ');
        chunk.extend_from_slice(b"\r\n");
        let sent = (0..1024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        match read_answer(&mut stream) {
            Ok(answer) => assert!(answer.starts_with("HTTP/1.1 413"), "{answer}"),
            Err(_) => assert!(sent < 1024, "the gateway took a gigabyte without a word"),
        }
    }

    /// The highest memory the process ever held, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub fn loopback(&self, path: &str) -> String {
        let mut text = String::new();
        let Ok(mut stream) = TcpStream::connect(self.health) else { return text };
        let _ = write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let _ = stream.read_to_string(&mut text);
        text
    }

    /// One column of a query on the gateway's database, read without the product's own code.
    pub fn column(&self, query: &'static str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let address = format!("sqlite:{}", self.folder.join("solent.db").display());
            let pool = SqlitePoolOptions::new().connect(&address).await.unwrap();
            let rows = sqlx::query(query).fetch_all(&pool).await.unwrap();
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        })
    }

    /// The open events of the log so far, in order.
    pub fn events(&self) -> Vec<String> {
        self.column("SELECT json_extract(CAST(entry AS TEXT), '$.event') FROM log_entry ORDER BY idx")
    }
}
