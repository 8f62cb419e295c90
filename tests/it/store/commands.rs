//! `solent db` as an operator uses it.

use super::support::{TestDb, login, noon, runtime};
use solent::audit::{Origin, Signer};
use solent::clock::Clock;
use solent::store::{Committer, Db, Engine, Job, Keys, Options};
use solent::trust::SigningKey;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ORIGIN: &str = "solent.harbourshire.example/log1";

struct Site {
    folder: PathBuf,
}

impl Site {
    fn new(name: &str, database_url: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("solent-db-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let config = format!(
            r#"origin = "{ORIGIN}"
[server]
listen = "127.0.0.1:8443"
health_listen = "127.0.0.1:8081"
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
[store]
database_url = "{database_url}"
key_file = "store.key"
[audit]
signing_key = "audit.key"
checkpoint_file = "checkpoint"
[[agency]]
id = "harbourshire-csc"
kind = "council"
name = "Harbourshire Children's Services"
contact = "front door 01632 960000"
[[system]]
id = "harbourshire-census"
agency = "harbourshire-csc"
format = "cin-census"
"#
        );
        std::fs::write(folder.join("solent.toml"), config).unwrap();
        SigningKey::create(&folder.join("audit.key")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn db(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solent"));
        command.arg("db").args(args).arg("--config").arg(self.path("solent.toml")).output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.db(args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn refused(&self, args: &[&str], code: &str) -> String {
        let out = self.db(args);
        let text = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains(code), "{args:?}: {text}");
        text
    }

    /// Appends entries as the gateway would.
    async fn append(&self, entries: usize) {
        let db = Db::open_sqlite(&self.path("solent.db")).await.unwrap();
        let seed = SigningKey::load(&self.path("audit.key")).unwrap().seed();
        let signer = Signer::log(Origin::parse(ORIGIN).unwrap(), &seed).unwrap();
        let options = Options { mirror: Some(self.path("checkpoint")), ..Options::default() };
        let keys = Keys::load(&self.path("store.key")).unwrap();
        let log = Committer::start(db.clone(), keys, signer, Clock::fixed(noon()), options).await.unwrap();
        for _ in 0..entries {
            log.commit(Job::new(login())).await.unwrap();
        }
        log.stop().await;
        db.close().await;
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_database_is_made_checked_copied_and_put_back() {
    let site = Site::new("round", "sqlite:solent.db");
    site.refused(&["check"], "SOL-STORE-KEY");
    assert!(site.ok(&["migrate"]).contains("a new key file was made"));
    assert!(site.ok(&["migrate"]).starts_with("0 migrations run"));
    runtime().block_on(site.append(5));
    assert!(site.ok(&["check"]).contains("5 entries"));
    let copy = site.path("copy.db");
    site.ok(&["backup", "--to", &text(&copy)]);
    site.refused(&["backup", "--to", &text(&copy)], "SOL-STORE-BACKUP");
    site.refused(&["restore", "--from", &text(&copy)], "SOL-STORE-BACKUP");
    std::fs::remove_file(site.path("solent.db")).unwrap();
    site.ok(&["restore", "--from", &text(&copy)]);
    assert!(site.ok(&["check"]).contains("5 entries"));
    #[cfg(unix)]
    for file in ["solent.db", "copy.db", "store.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(site.path(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    std::fs::remove_dir_all(&site.folder).unwrap();
}

#[test]
fn a_copy_older_than_what_was_signed_is_not_put_back_under_the_same_name() {
    let site = Site::new("older", "sqlite:solent.db");
    site.ok(&["migrate"]);
    runtime().block_on(site.append(3));
    let copy = site.path("copy.db");
    site.ok(&["backup", "--to", &text(&copy)]);
    runtime().block_on(site.append(2));
    std::fs::remove_file(site.path("solent.db")).unwrap();
    let why = site.refused(&["restore", "--from", &text(&copy)], "SOL-STORE-BACKUP");
    assert!(why.contains("new `origin`"), "{why}");
    // With a name of its own for what follows, the copy can be used, and its old log still reads.
    let config = std::fs::read_to_string(site.path("solent.toml")).unwrap();
    let config = config.replace("/log1", "/log2").replace("\"checkpoint\"", "\"checkpoint2\"");
    std::fs::write(site.path("solent.toml"), config).unwrap();
    site.ok(&["restore", "--from", &text(&copy)]);
    assert!(site.ok(&["check"]).contains("3 entries, not checked: it is another gateway's log"));
    std::fs::remove_dir_all(&site.folder).unwrap();
}

#[test]
fn a_bent_log_and_a_foreign_key_file_are_named_by_check() {
    let site = Site::new("bent", "sqlite:solent.db");
    site.ok(&["migrate"]);
    runtime().block_on(async {
        site.append(5).await;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(site.path("solent.db"));
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        sqlx::query("DELETE FROM log_entry WHERE idx = 3").execute(&pool).await.unwrap();
        pool.close().await;
    });
    let found = site.refused(&["check"], "SOL-AUDIT-MISSING");
    assert!(found.contains("entry 3"), "{found}");
    std::fs::write(site.path("store.key"), format!("{}\n", "0".repeat(64))).unwrap();
    site.refused(&["check"], "SOL-AUDIT-PAYLOAD");
    std::fs::write(site.path("store.key"), "short\n").unwrap();
    site.refused(&["check"], "SOL-STORE-KEY");
    std::fs::remove_dir_all(&site.folder).unwrap();
}

#[test]
fn check_asks_for_migration_and_refuses_what_it_does_not_know() {
    let runtime = runtime();
    let Some(t) = runtime.block_on(TestDb::new(Engine::Postgres)) else { return };
    let site = Site::new("postgres", &t.address);
    Keys::create(&site.path("store.key")).unwrap();
    assert!(site.ok(&["check"]).contains("statements understood"));
    runtime.block_on(t.tamper("DELETE FROM schema_migration"));
    site.refused(&["check"], "SOL-STORE-DATABASE");
    let copy = site.path("copy.dump");
    let out = site.db(&["backup", "--to", &text(&copy)]);
    // With PostgreSQL's own tool a copy; without it, advice.
    assert_eq!(out.status.success(), copy.is_file());
    if !out.status.success() {
        assert!(String::from_utf8_lossy(&out.stderr).contains("pg_dump"));
    }
    std::fs::remove_dir_all(&site.folder).unwrap();
}
