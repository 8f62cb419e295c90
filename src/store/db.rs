//! The two native pools behind one type, and the one way statements reach them.
//!
//! Owns connecting, the arguments and rows shared by both engines, and transactions. One SQL text serves both engines
//! (`$n` placeholders); a [`Statement`] carries two texts only where the engines differ. SQLite: WAL, `synchronous=FULL`,
//! one writer connection (every writing transaction starts IMMEDIATE) and a pool of readers. No SQL is built from input.

use super::Error;
use super::keys::Digest;
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Postgres, Row as _, Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

/// How long a statement waits for SQLite's lock before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages of the write-ahead log at which the engine folds it back into the database within a commit: 128 MiB. The committer has it
/// folded beside its work long before (`commit::fold`); this is for when that cannot be.
const WAL_PAGES_MOST: &str = "32768";
/// The writer's page cache, in KiB and negative as SQLite wants it: the pages that a busy log's indexes touch again and again.
/// With SQLite's own 2 MiB they are read again for each batch. Filled by use only.
const WRITER_CACHE: &str = "-32768";
/// Readers kept open: more than the cores of the machine this is sized for, few enough for SQLite's page caches.
const SQLITE_READERS: u32 = 8;
/// Connections of one gateway to PostgreSQL; the committer needs two of them.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long to wait for a free connection before the caller is told the store is unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Limits of every PostgreSQL session: nothing hangs for ever, neither on a lock nor on a lost peer.
const POSTGRES_OPTIONS: [(&str, &str); 3] =
    [("statement_timeout", "30s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s")];
/// Prepared statements kept per connection: more than the program has.
const STATEMENTS_MAX: usize = 256;

macro_rules! bind_all {
    ($query:expr, $args:expr, $list:expr, $hashes:expr) => {{
        let mut query = $query;
        for arg in $args {
            query = match *arg {
                Arg::Text(v) => query.bind(v),
                Arg::TextOpt(v) => query.bind(v),
                Arg::Int(v) => query.bind(v),
                Arg::Bytes(v) => query.bind(v),
                Arg::BytesOpt(v) => query.bind(v),
                Arg::Bool(v) => query.bind(v),
                Arg::Texts(v) => query.bind($list(v)),
                Arg::Hashes(v) => query.bind($hashes(v)),
            };
        }
        query
    }};
}

/// Which database engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// SQLite, built in.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// A database: cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite in one file.
    Sqlite(SqliteDb),
    /// PostgreSQL.
    Postgres(PgPool),
}

/// How far SQLite's write-ahead log is folded back into the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Folded {
    /// Pages in the log.
    pub(super) pages: u64,
    /// How many of them the database has.
    pub(super) folded: u64,
}

/// SQLite's pools: one writer, several readers.
#[derive(Clone, Debug)]
pub struct SqliteDb {
    writer: SqlitePool,
    reader: SqlitePool,
    path: PathBuf,
}

impl Db {
    /// Opens the database at `address`: `sqlite:PATH` (the file is made if absent) or `postgres://…`, the latter with
    /// the password from its own file. Runs no migration.
    ///
    /// # Errors
    /// [`Error::Address`] when the address is neither, [`Error::Database`] when it cannot be opened.
    pub async fn open(address: &str, password: Option<&str>) -> Result<Self, Error> {
        if let Some(path) = address.strip_prefix("sqlite:") {
            return Self::open_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))).await;
        }
        if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
            return Err(Error::Address);
        }
        let mut options = PgConnectOptions::from_str(address).map_err(|_| Error::Address)?;
        if let Some(password) = password {
            options = options.password(password);
        }
        let options = options.options(POSTGRES_OPTIONS).application_name("solent");
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_with(options.statement_cache_capacity(STATEMENTS_MAX))
            .await
            .map_err(|e| failed("open", &e))?;
        Ok(Self::Postgres(pool))
    }

    /// Opens (or makes) a SQLite database file.
    ///
    /// # Errors
    /// [`Error::Database`] when it cannot be opened.
    pub async fn open_sqlite(path: &Path) -> Result<Self, Error> {
        make_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("wal_autocheckpoint", WAL_PAGES_MOST)
            .statement_cache_capacity(STATEMENTS_MAX);
        let pool = |count: u32| {
            SqlitePoolOptions::new().max_connections(count).acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false)
        };
        let writer = pool(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        let writing = options.clone().pragma("cache_size", WRITER_CACHE);
        let writer = writer.connect_with(writing).await.map_err(|e| failed("open", &e))?;
        // A reader that writes by mistake is refused by the engine.
        let reading = options.create_if_missing(false).pragma("query_only", "ON");
        let reader = pool(SQLITE_READERS).connect_with(reading).await.map_err(|e| failed("open", &e))?;
        Ok(Self::Sqlite(SqliteDb { writer, reader, path: path.to_owned() }))
    }

    /// Opens a copy of a SQLite database for reading; never makes or changes it.
    ///
    /// # Errors
    /// [`Error::Database`] when it cannot be opened.
    pub async fn open_sqlite_copy(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let pool =
            SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(|e| failed("open", &e))?;
        Ok(Self::Sqlite(SqliteDb { writer: pool.clone(), reader: pool, path: path.to_owned() }))
    }

    /// Writes a whole, consistent copy of a SQLite database to a new file, while it is in use. Does nothing on PostgreSQL,
    /// which has its own tools.
    ///
    /// # Errors
    /// [`Error::Database`] when it cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let Self::Sqlite(db) = self else { return Ok(()) };
        make_private(path)?;
        let path = path.to_string_lossy().into_owned();
        // The reader's connections may not write, not even to another file.
        let query = sqlx::query("VACUUM INTO $1").bind(path);
        query.execute(&db.writer).await.map(drop).map_err(|e| failed("backup", &e))
    }

    /// How much of SQLite's write-ahead log is folded, folding nothing.
    pub(super) async fn unfolded(&self) -> Result<Folded, Error> {
        self.checkpoint("PRAGMA wal_checkpoint(NOOP)", false).await
    }

    /// Folds what can be folded of SQLite's write-ahead log, on a reader's connection: neither readers nor the writer wait.
    pub(super) async fn fold_aside(&self) -> Result<Folded, Error> {
        self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)", false).await
    }

    /// The same on the writer's connection, so that nothing is written meanwhile.
    pub(super) async fn fold_here(&self) -> Result<Folded, Error> {
        self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)", true).await
    }

    async fn checkpoint(&self, pragma: &'static str, writing: bool) -> Result<Folded, Error> {
        let Self::Sqlite(db) = self else { return Ok(Folded::default()) };
        let pool = if writing { &db.writer } else { &db.reader };
        let row = sqlx::query(pragma).fetch_one(pool).await.map_err(|e| failed("fold", &e))?;
        // Whether another was at it, pages of the log, pages folded; -1 when there is none.
        let count = |at: usize| row.try_get::<i64, _>(at).map(|n| u64::try_from(n).unwrap_or(0));
        let read = count(1).and_then(|pages| Ok(Folded { pages, folded: count(2)? }));
        read.map_err(|e| failed("fold", &e))
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// The file of a SQLite database.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(db) => Some(&db.path),
            Self::Postgres(_) => None,
        }
    }

    /// Closes every connection; SQLite folds its write-ahead log back into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.reader.close().await;
                db.writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Database`] when it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.fetch(&PING, &[]).await.map(drop)
    }

    /// Runs a query on a reader and returns all its rows.
    pub(super) async fn fetch(&self, statement: &Statement, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        refuse_nul(statement, args)?;
        match self {
            Self::Sqlite(db) => sqlite_fetch(&db.reader, statement, args).await,
            Self::Postgres(pool) => postgres_fetch(pool, statement, args).await,
        }
    }

    /// As [`Db::fetch`], row by row: for a count over more rows than are to be held at once.
    pub(super) async fn each(
        &self,
        statement: &Statement,
        args: &[Arg<'_>],
        mut visit: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        refuse_nul(statement, args)?;
        let fail = |e: sqlx::Error| failed(statement.name, &e);
        match self {
            Self::Sqlite(db) => {
                let query = bind_all!(sqlx::query(statement.sqlite), args, json_list, hex_list);
                let mut rows = query.fetch(&db.reader);
                while let Some(row) = rows.try_next().await.map_err(fail)? {
                    visit(&Row::Sqlite(row))?;
                }
            }
            Self::Postgres(pool) => {
                let query = bind_all!(sqlx::query(statement.postgres), args, <[String]>::to_vec, byte_list);
                let mut rows = query.fetch(pool);
                while let Some(row) = rows.try_next().await.map_err(fail)? {
                    visit(&Row::Postgres(row))?;
                }
            }
        }
        Ok(())
    }

    /// As [`Db::fetch`], for at most one row.
    pub(super) async fn fetch_one(&self, statement: &Statement, args: &[Arg<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.fetch(statement, args).await?.into_iter().next())
    }

    /// Starts a writing transaction.
    pub(super) async fn begin(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite(db) => db.writer.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Tx::Postgres),
        }
        .map_err(|e| failed("begin", &e))
    }

    /// Closes the writer's idle connections, so that the next transaction starts on a new one.
    pub(super) async fn renew_writer(&self) {
        match self {
            Self::Sqlite(db) => {
                if let Ok(connection) = db.writer.acquire().await {
                    let _ = connection.close().await;
                }
            }
            Self::Postgres(pool) => {
                for _ in 0..pool.num_idle() {
                    if let Some(connection) = pool.try_acquire() {
                        let _ = connection.close().await;
                    }
                }
            }
        }
    }

    /// Prepares every statement of the program on this engine without running it: what `solent db check` begins with.
    /// Returns how many there are.
    ///
    /// # Errors
    /// [`Error::Database`] naming the first statement that the engine refuses.
    pub async fn check_statements(&self) -> Result<usize, Error> {
        let mut count: usize = 0;
        for statement in super::statements() {
            self.prepare(statement).await?;
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    async fn prepare(&self, statement: &Statement) -> Result<(), Error> {
        use sqlx::{Executor as _, SqlSafeStr as _};
        match self {
            Self::Sqlite(db) => db.reader.prepare(statement.sqlite.into_sql_str()).await.map(drop),
            Self::Postgres(pool) => pool.prepare(statement.postgres.into_sql_str()).await.map(drop),
        }
        .map_err(|e| failed(statement.name, &e))
    }
}

/// Makes an empty file only its owner can read, if there is none: SQLite gives its own files the same rights.
fn make_private(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(path).map(drop);
    opened.map_err(|e| Error::Database { at: "open", kind: format!("file: {}", e.kind()) })
}

pub(super) const PING: Statement = Statement::shared("ping", "SELECT 1");

/// A statement: its name for errors, and its text for each engine.
///
/// A bound limit is written `LIMIT ($n + 0)`: SQLite plans a statement with a bare `LIMIT $n` anew for every value, and
/// planning costs more than most of our queries.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    pub(super) name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Statement {
    /// One text for both engines.
    pub(super) const fn shared(name: &'static str, text: &'static str) -> Self {
        Self { name, sqlite: text, postgres: text }
    }
    /// A text per engine, for the few differences there are.
    pub(super) const fn by_engine(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self { name, sqlite, postgres }
    }
}

/// Declares a module's statements as constants and as a list for the test that prepares them all.
macro_rules! statements {
    ($($name:ident = $text:expr $(, $postgres:expr)?;)+) => {
        $(const $name: $crate::store::db::Statement = $crate::store::db::statements!(@one stringify!($name), $text $(, $postgres)?);)+
        /// Every statement of this module.
        pub(in crate::store) const STATEMENTS: &[$crate::store::db::Statement] = &[$($name),+];
    };
    (@one $name:expr, $text:expr) => { $crate::store::db::Statement::shared($name, $text) };
    (@one $name:expr, $sqlite:expr, $postgres:expr) => { $crate::store::db::Statement::by_engine($name, $sqlite, $postgres) };
}
pub(super) use statements;

/// An argument. Typed also when absent: PostgreSQL wants to know what is missing.
#[derive(Clone, Copy)]
pub(super) enum Arg<'a> {
    Text(&'a str),
    TextOpt(Option<&'a str>),
    Int(i64),
    Bytes(&'a [u8]),
    BytesOpt(Option<&'a [u8]>),
    Bool(bool),
    /// For `IN (SELECT value FROM json_each($n))` and `= ANY($n)`.
    Texts(&'a [String]),
    /// For `IN (SELECT unhex(value) FROM json_each($n))` and `= ANY($n)`.
    Hashes(&'a [Digest]),
}

fn json_list(list: &[String]) -> String {
    serde_json::Value::from(list.to_vec()).to_string()
}

/// Hashes as SQLite takes them in one argument: a JSON list of hexadecimal texts.
fn hex_list(hashes: &[Digest]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(hashes.len().saturating_mul(67).saturating_add(2));
    out.push('[');
    for (n, hash) in hashes.iter().enumerate() {
        out.push_str(if n == 0 { "\"" } else { ",\"" });
        for byte in hash {
            for half in [byte >> 4, byte & 15] {
                out.push(DIGITS.get(usize::from(half)).copied().map_or('0', char::from));
            }
        }
        out.push('"');
    }
    out.push(']');
    out
}

fn byte_list(hashes: &[Digest]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.to_vec()).collect()
}

fn refuse_nul(statement: &Statement, args: &[Arg<'_>]) -> Result<(), Error> {
    let bad = args.iter().any(|arg| match arg {
        Arg::Text(t) | Arg::TextOpt(Some(t)) => t.contains('\0'),
        Arg::Texts(list) => list.iter().any(|t| t.contains('\0')),
        _ => false,
    });
    if bad { Err(Error::Nul { at: statement.name }) } else { Ok(()) }
}

async fn sqlite_fetch<'c, E: sqlx::Executor<'c, Database = Sqlite>>(
    on: E,
    statement: &Statement,
    args: &[Arg<'_>],
) -> Result<Vec<Row>, Error> {
    let rows = bind_all!(sqlx::query(statement.sqlite), args, json_list, hex_list).fetch_all(on).await;
    Ok(rows.map_err(|e| failed(statement.name, &e))?.into_iter().map(Row::Sqlite).collect())
}

async fn postgres_fetch<'c, E: sqlx::Executor<'c, Database = Postgres>>(
    on: E,
    statement: &Statement,
    args: &[Arg<'_>],
) -> Result<Vec<Row>, Error> {
    let rows = bind_all!(sqlx::query(statement.postgres), args, <[String]>::to_vec, byte_list).fetch_all(on).await;
    Ok(rows.map_err(|e| failed(statement.name, &e))?.into_iter().map(Row::Postgres).collect())
}

/// A writing transaction; dropped without [`Tx::commit`] it is rolled back.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Runs a statement; the number of rows it touched.
    pub(super) async fn execute(&mut self, statement: &Statement, args: &[Arg<'_>]) -> Result<u64, Error> {
        refuse_nul(statement, args)?;
        match self {
            Self::Sqlite(tx) => bind_all!(sqlx::query(statement.sqlite), args, json_list, hex_list)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Self::Postgres(tx) => bind_all!(sqlx::query(statement.postgres), args, <[String]>::to_vec, byte_list)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(|e| failed(statement.name, &e))
    }

    /// Runs a query inside the transaction.
    pub(super) async fn fetch(&mut self, statement: &Statement, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        refuse_nul(statement, args)?;
        match self {
            Self::Sqlite(tx) => sqlite_fetch(&mut **tx, statement, args).await,
            Self::Postgres(tx) => postgres_fetch(&mut **tx, statement, args).await,
        }
    }

    /// As [`Tx::fetch`], for at most one row.
    pub(super) async fn fetch_one(&mut self, statement: &Statement, args: &[Arg<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.fetch(statement, args).await?.into_iter().next())
    }

    /// Runs an owned text (bulk inserts made by `bulk`), written for this engine.
    pub(super) async fn execute_text(
        &mut self,
        name: &'static str,
        text: &str,
        args: &[Arg<'_>],
    ) -> Result<u64, Error> {
        refuse_nul(&Statement::shared(name, ""), args)?;
        let text = super::bulk::safe(text);
        match self {
            Self::Sqlite(tx) => bind_all!(sqlx::query(text), args, json_list, hex_list)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Self::Postgres(tx) => bind_all!(sqlx::query(text), args, <[String]>::to_vec, byte_list)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(|e| failed(name, &e))
    }

    /// Runs a whole script of statements without arguments (migrations).
    pub(super) async fn script(&mut self, name: &'static str, text: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
            Self::Postgres(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
        }
        .map_err(|e| failed(name, &e))
    }

    /// Commits. An error means that the outcome is not known.
    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(|e| failed("commit", &e))
    }

    /// Undoes everything since the start.
    pub(super) async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
        .map_err(|e| failed("rollback", &e))
    }

    /// The engine.
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

/// A row of either engine; columns are read by position.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getters {
    ($($name:ident -> $kind:ty),+) => { impl Row { $(
        pub(super) fn $name(&self, column: usize, what: &'static str) -> Result<$kind, Error> {
            match self { Self::Sqlite(r) => r.try_get(column), Self::Postgres(r) => r.try_get(column) }
                .map_err(|_| Error::Corrupt { at: "row", what })
        }
    )+ } };
}
getters!(text -> String, text_opt -> Option<String>, int -> i64, bytes -> Vec<u8>, bytes_opt -> Option<Vec<u8>>);

impl Row {
    /// As [`Row::bytes`], without a copy.
    pub(super) fn bytes_ref(&self, column: usize, what: &'static str) -> Result<&[u8], Error> {
        match self {
            Self::Sqlite(r) => r.try_get(column),
            Self::Postgres(r) => r.try_get(column),
        }
        .map_err(|_| Error::Corrupt { at: "row", what })
    }
}

/// Maps an engine error to ours without taking over its text, which could quote values.
pub(super) fn failed(at: &'static str, error: &sqlx::Error) -> Error {
    use sqlx::error::ErrorKind;
    if let sqlx::Error::Database(inner) = error
        && !matches!(inner.kind(), ErrorKind::Other)
    {
        return Error::Constraint { at };
    }
    let kind = match error {
        sqlx::Error::Database(inner) => format!("database code {}", inner.code().as_deref().unwrap_or("none")),
        sqlx::Error::Io(inner) => format!("connection: {}", inner.kind()),
        sqlx::Error::PoolTimedOut => "no free connection".to_owned(),
        sqlx::Error::PoolClosed => "closed".to_owned(),
        sqlx::Error::Tls(_) => "tls".to_owned(),
        sqlx::Error::Protocol(_) => "protocol".to_owned(),
        sqlx::Error::WorkerCrashed => "worker crashed".to_owned(),
        _ => "other".to_owned(),
    };
    Error::Database { at, kind }
}
