//! A database of its own for each test, on each engine: a SQLite file, and a PostgreSQL database where there is one.
//!
//! PostgreSQL is the server named by `SOLENT_TEST_POSTGRES` (`none` leaves it out), else a private cluster started from the binaries in
//! `/usr/lib/postgresql` and stopped when the test process ends, however it ends. Where neither can be had the test says
//! on standard error that it was not run on PostgreSQL.

use solent::audit::{Origin, Outcome, Payload, Signer};
use solent::clock::{Clock, Moment};
use solent::ident::PersonId;
use solent::store::{Committer, CommitterHandle, Db, Draft, Engine, Keys, Options, StartError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub const ORIGIN: &str = "audit.example.org/log1";

/// 2026-10-06T09:00:00Z.
pub fn noon() -> Moment {
    Moment::parse("2026-10-06T09:00:00Z").unwrap()
}

pub struct TestDb {
    pub db: Db,
    pub keys: Keys,
    pub address: String,
    pub folder: PathBuf,
}

impl TestDb {
    pub async fn new(engine: Engine) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::temp_dir().join(format!("solent-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let address = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.join("solent.db").display()),
            Engine::Postgres => new_postgres_database(&name).await?,
        };
        let db = Db::open(&address, None).await.unwrap();
        db.migrate(noon()).await.unwrap();
        Some(Self { db, keys: keys(), address, folder })
    }

    pub fn mirror(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    pub fn options(&self) -> Options {
        Options { mirror: Some(self.mirror()), mirror_every: std::time::Duration::ZERO, ..Options::default() }
    }

    pub async fn start(&self) -> Result<CommitterHandle, StartError> {
        self.start_with(Clock::fixed(noon()), self.options()).await
    }

    pub async fn start_with(&self, clock: Clock, options: Options) -> Result<CommitterHandle, StartError> {
        Committer::start(self.db.clone(), self.keys.clone(), signer(), clock, options).await
    }

    /// Runs statements as an intruder with the database's rights would.
    pub async fn tamper(&self, sql: &'static str) -> u64 {
        match &self.db {
            Db::Sqlite(_) => {
                let path = self.db.sqlite_path().unwrap().to_owned();
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
                let done = sqlx::raw_sql(sql).execute(&pool).await.unwrap().rows_affected();
                pool.close().await;
                done
            }
            Db::Postgres(pool) => sqlx::raw_sql(sql).execute(pool).await.unwrap().rows_affected(),
        }
    }

    pub async fn finish(self) {
        self.db.close().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn keys() -> Keys {
    Keys::from_secret(&[7; 32]).unwrap()
}

pub fn signer() -> Signer {
    Signer::log(Origin::parse(ORIGIN).unwrap(), &[9; 32]).unwrap()
}

pub fn view(subject: &str) -> Draft {
    let mut payload = Payload::new(solent::audit::Event::View);
    payload.subject = Some(PersonId::from(subject));
    Draft::new(Outcome::Allow, payload)
}

pub fn login() -> Draft {
    Draft::new(Outcome::Allow, Payload::new(solent::audit::Event::Login))
}

/// Runs a test on SQLite, and on PostgreSQL where there is one.
pub fn on_each_engine<F, T>(test: F)
where
    F: Fn(TestDb) -> T,
    T: Future<Output = ()>,
{
    let runtime = runtime();
    runtime.block_on(async {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            if let Some(db) = TestDb::new(engine).await {
                test(db).await;
            }
        }
    });
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn new_postgres_database(name: &str) -> Option<String> {
    use sqlx::{ConnectOptions as _, Connection as _};
    let server = postgres()?;
    let options: sqlx::postgres::PgConnectOptions = server.parse().unwrap();
    let mut session = options.connect().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
    let (head, tail) =
        server.split_once("/postgres?").map_or((server.trim_end_matches("/postgres"), ""), |(h, t)| (h, t));
    Some(format!("{head}/{name}{}{tail}", if tail.is_empty() { "" } else { "?" }))
}

/// The address of the `postgres` database of a server for tests.
pub fn postgres() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        if let Ok(address) = std::env::var("SOLENT_TEST_POSTGRES") {
            return Some(address).filter(|a| a != "none");
        }
        let started = start_cluster();
        if let Err(why) = &started {
            let _ = writeln!(std::io::stderr(), "skipped: not run on PostgreSQL: {why}");
        }
        started.ok()
    });
    server.as_deref()
}

/// The folder of the server's binaries, and whether a user of its own must run them.
pub fn postgres_binaries() -> Result<(PathBuf, bool), String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|_| "its binaries are not installed")?;
    let bin = versions.flatten().map(|v| v.path().join("bin")).filter(|b| b.join("initdb").is_file()).max();
    let root = Path::new("/root").is_dir() && std::fs::read_dir("/root").is_ok();
    Ok((bin.ok_or("its binaries are not installed")?, root))
}

fn start_cluster() -> Result<String, String> {
    let (bin, root) = postgres_binaries()?;
    let folder = std::env::temp_dir().join(format!("solent-pg-{}", std::process::id()));
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
    // The shell ends the cluster when its standard input closes: when this process is gone, however it went.
    let run = if root { "runuser -u postgres --" } else { "" };
    let own = if root { format!("chown postgres '{0}'", folder.display()) } else { "true".to_owned() };
    let script = format!(
        "mkdir -m 700 '{d}' && {own} && cd '{d}' && \
         {run} {b}/initdb -D '{d}/data' -U solent -A trust -E UTF8 --locale=C -N >/dev/null && \
         {run} {b}/pg_ctl -D '{d}/data' -w -l '{d}/log' -o \"-p {port} -k '{d}' -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=400\" start >/dev/null && \
         echo ready && {{ cat >/dev/null; {run} {b}/pg_ctl -D '{d}/data' -m immediate stop >/dev/null 2>&1; cd /; rm -rf '{d}'; }}",
        d = folder.display(),
        b = bin.display(),
    );
    let mut shell = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut line = String::new();
    let mut out = std::io::BufReader::new(shell.stdout.take().ok_or("no output")?);
    std::io::BufRead::read_line(&mut out, &mut line).map_err(|e| e.to_string())?;
    if line.trim() != "ready" {
        return Err("a private cluster could not be started".to_owned());
    }
    // Held open until the process ends.
    std::mem::forget(shell);
    Ok(format!("postgres://solent@127.0.0.1:{port}/postgres"))
}
