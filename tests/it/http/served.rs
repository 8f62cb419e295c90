//! The program itself, serving: hostile messages through the whole gateway, memory, and how it stops.

use super::harness::{ORIGIN, Raw, exchange, get_on, raw, read_answer};
use solent::clock::Clock;
use solent::store::Keys;
use solent::trust::SigningKey;
use solent::trust::ca::{Authority, Holder, Validity};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// How much memory hostile input may cost, in KiB (the promise of the gateway).
const EXTRA_KIB_MAX: u64 = 64 * 1024;

/// A gateway of its own process.
struct Served {
    folder: PathBuf,
    child: Child,
    door: SocketAddr,
    health: SocketAddr,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn prepare() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("solent-served-{}", uuid::Uuid::now_v7()));
    let now = Clock::system().now();
    let life = Validity::days(now, 90);
    let authority = Authority::create(&folder, "Test Partnership", life, now).unwrap();
    authority.issue(&Holder::Server(vec!["localhost".to_owned()]), life, now).unwrap();
    authority.issue(&Holder::System("desk".into()), life, now).unwrap();
    authority.issue(&Holder::System("ghost".into()), life, now).unwrap();
    SigningKey::create(&folder.join("audit.key")).unwrap();
    Keys::create(&folder.join("store.key")).unwrap();
    let config = format!(
        "origin = \"{ORIGIN}\"\n[server]\nlisten = \"127.0.0.1:0\"\nhealth_listen = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclient_ca = \"ca.pem\"\ncrl = \"ca.crl\"\n\
         [store]\ndatabase_url = \"sqlite:solent.db\"\nkey_file = \"store.key\"\n\
         [audit]\nsigning_key = \"audit.key\"\ncheckpoint_file = \"checkpoint\"\n\
         [[agency]]\nid = \"harbourshire-csc\"\nkind = \"council\"\nname = \"Harbourshire\"\ncontact = \"front door\"\n\
         [[system]]\nid = \"desk\"\nagency = \"harbourshire-csc\"\nformat = \"canonical\"\n"
    );
    std::fs::write(folder.join("solent.toml"), config).unwrap();
    folder
}

fn start(folder: PathBuf) -> Served {
    let mut child = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(["serve", "--config", "solent.toml"])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(folder.join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let address = |before: &str| {
        let rest = line.split_once(before).unwrap_or_else(|| panic!("{line:?} {}", log())).1;
        rest.split([',', '/']).next().unwrap().parse().unwrap()
    };
    Served { door: address("https://"), health: address("http://"), folder, child }
}

impl Served {
    fn connect(&self) -> Raw {
        raw(&self.folder, &self.folder, Some("desk"), self.door, "http/1.1")
    }

    fn still_serves(&self) {
        assert!(get_on(&mut self.connect(), "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 200"));
    }

    fn post(&self, body: &str) -> String {
        let length = body.len();
        let head = "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        exchange(&mut self.connect(), &format!("{head}Content-Length: {length}\r\n\r\n{body}")).unwrap()
    }

    /// The highest memory the process ever held, in KiB.
    fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn loopback(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.health).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

/// A gigabyte in chunks, as fast as the gateway takes it.
fn gigabyte_in_chunks(served: &Served) {
    let mut stream = served.connect();
    let head = "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
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

#[test]
fn hostile_messages_get_a_clear_error_within_64_mib_and_the_gateway_still_serves() {
    let served = start(prepare());
    served.still_serves();
    let before = served.peak_kib();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let wide = format!("[{}1]", "1,".repeat(3_900_000));
    let strings = format!("[{}\"a\"]", "\"a\",".repeat(2_000_000));
    for (name, body, status, code) in [
        ("cut off", "{\"record\":", 400, "SOL-DOC-SYNTAX"),
        ("twice", "{\"Zebedee\":1,\"Zebedee\":2}", 400, "SOL-DOC-FORBIDDEN"),
        ("NUL", "{\"a\":\"\\u0000\"}", 400, "SOL-DOC-FORBIDDEN"),
        ("deep", &deep, 400, "SOL-DOC-LIMIT"),
        ("wide", &wide, 400, "SOL-DOC-LIMIT"),
        ("many texts", &strings, 400, "SOL-DOC-LIMIT"),
        ("another schema", "{\"Zebedee\":\"Zebedee\"}", 422, "SOL-SCHEMA-INVALID"),
    ] {
        let answer = served.post(body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {answer}");
        assert!(answer.contains(code), "{name}: {answer}");
        assert!(answer.contains("\"position\"") || answer.contains("\"pointer\""), "{name}: {answer}");
        assert!(!answer.contains("Zebedee\\\"") || name != "another schema", "{name}: {answer}");
    }
    gigabyte_in_chunks(&served);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(!served.post(&wide).starts_with("HTTP/1.1 202")));
        }
    });
    served.still_serves();
    let extra = served.peak_kib().saturating_sub(before);
    assert!(extra < EXTRA_KIB_MAX, "{extra} KiB of extra memory");
    let log = std::fs::read_to_string(served.folder.join("log")).unwrap();
    assert!(!log.contains("Zebedee"), "a value of a message stands in the log");
    assert!(!served.loopback("/metrics").contains("Zebedee"));
}

#[test]
fn what_is_turned_away_stands_in_the_audit_log_which_verifies_after_a_stop() {
    let mut served = start(prepare());
    assert!(served.loopback("/health/ready").contains("\"ready\""));
    let mut ghost = raw(&served.folder, &served.folder, Some("ghost"), served.door, "http/1.1");
    assert!(get_on(&mut ghost, "/api/v1/mailbox").unwrap().starts_with("HTTP/1.1 403"));
    let mut desk = served.connect();
    assert!(
        get_on(&mut desk, "/api/v1/mailbox/0191f0c2-7c3e-7a00-8000-000000000001").unwrap().starts_with("HTTP/1.1 404")
    );
    let note = get_on(&mut desk, "/log/log1/checkpoint").unwrap();
    let size: u64 = note.split("\r\n\r\n").nth(1).unwrap().lines().nth(1).unwrap().parse().unwrap();
    assert!(size >= 2, "a refused system and an absent item: {note}");
    let tile = get_on(&mut desk, &format!("/log/log1/tile/0/000.p/{size}")).unwrap();
    assert!(tile.starts_with("HTTP/1.1 200"), "{tile}");
    assert!(get_on(&mut desk, "/log/other/checkpoint").unwrap().starts_with("HTTP/1.1 404"));
    // TERM, as a service supervisor sends it.
    let told = Command::new("kill").args(["-TERM", &served.child.id().to_string()]).status().unwrap();
    assert!(told.success());
    drop(desk);
    drop(ghost);
    assert!(served.child.wait().unwrap().success(), "{}", std::fs::read_to_string(served.folder.join("log")).unwrap());
    let verify = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(["audit", "verify", "--config", "solent.toml"])
        .current_dir(&served.folder)
        .output()
        .unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}

#[test]
fn a_gateway_does_not_start_on_what_it_cannot_trust() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = prepare();
    let run = || {
        Command::new(env!("CARGO_BIN_EXE_solent"))
            .args(["serve", "--config", "solent.toml"])
            .current_dir(&folder)
            .output()
            .unwrap()
    };
    let set =
        |file: &str, mode| std::fs::set_permissions(folder.join(file), std::fs::Permissions::from_mode(mode)).unwrap();
    for file in ["server.key", "audit.key", "store.key"] {
        set(file, 0o644);
        let output = run();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && err.contains("SOL-TRUST-FILE"), "{file}: {err}");
        set(file, 0o600);
    }
    let text = std::fs::read_to_string(folder.join("solent.toml")).unwrap();
    std::fs::write(folder.join("solent.toml"), text.replace("\"canonical\"", "\"ctf\"")).unwrap();
    let output = run();
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not loaded"), "a format nobody can read");
    let _ = std::fs::remove_dir_all(&folder);
}
