//! `solent serve`: opens everything, verifies the log, serves until told to stop.
//!
//! Owns the order of starting and stopping. Refuses to start on a log that is not what was signed, on a content set
//! with a fault, and on a system whose format is not loaded. Read [`start`] first.

use super::{Exit, Outcome, configuration, content, print, reload, store};
use crate::audit::{Origin, Vkey};
use crate::clock::Clock;
use crate::config;
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::{ContentSet, Gateway, Parts};
use crate::http::{self, DemoPerson, Door};
use crate::peer::{Provider, ProviderSettings};
use crate::store::{Committer, CommitterHandle, Db, Keys, LogReader, MARK_ENTRIES_MIN, Options, StartError};
use crate::trust::{self, Tls};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often mailboxes are looked over for what has waited too long or was collected long ago (R77 counts in days).
const UPKEEP_EVERY: Duration = Duration::from_secs(600);

/// How often the gateway looks for entries that commands ask for; an export waits that long.
const REQUESTS_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked which witnesses are due; each new checkpoint is cosigned within this time.
const WITNESS_EVERY: Duration = Duration::from_secs(60);

/// How often the gateway checks its whole log while it runs: daily; the audit paper (§4) asks for at least weekly.
const OWN_CHECK_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// How soon a check that could not read the log is tried again.
const OWED_AGAIN: Duration = Duration::from_secs(60);

/// Entries from which the check at start says how far it is: about a fifth of a second.
const PROGRESS_FROM: u64 = 100_000;

/// Arguments of `solent serve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The gateway's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How much of its own doings the gateway logs on standard error; libraries log warnings only
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    log_level: LogLevel,
    /// Log as JSON lines
    #[arg(long)]
    log_json: bool,
}

/// Levels of our own log lines. Not more: a library's trace lines may hold bytes of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    start_log(&args);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Exit::Internal(format!("the runtime did not start: {}", e.kind())))?;
    runtime.block_on(async {
        let running = start(&args.config, Clock::system()).await?;
        let (door, health) = (running.address(), running.health_address());
        let mllp = running.mllp_address().map_or_else(String::new, |a| format!(", HL7 v2 mllps://{a}"));
        print(&format!("serving https://{door}, health http://{health}/health/ready{mllp}\n"))?;
        until_told_to_stop().await;
        tracing::info!("stopping: no new connections, open requests may finish");
        running.stop().await;
        Ok(())
    })
}

fn start_log(args: &Args) {
    let level = match args.log_level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,solent={level}"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber (in tests) is refused; the first stays.
    let _ = if args.log_json { log.json().try_init() } else { log.try_init() };
}

/// A gateway that serves.
pub struct Running {
    gateway: Arc<Gateway>,
    door: http::Running,
    committer: CommitterHandle,
    db: Db,
    origin: Origin,
    vkey: Vkey,
    mirror: PathBuf,
    upkeep: JoinHandle<()>,
    requests: JoinHandle<()>,
    witnesses: JoinHandle<()>,
    own_check: JoinHandle<()>,
    reload: Option<JoinHandle<()>>,
}

/// What a verification of the live log found.
pub struct LogReport {
    /// One or more lines for people.
    pub words: String,
    /// Whether the log is what was signed.
    pub sound: bool,
}

impl Running {
    /// Where the door listens.
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }
    /// Where health and metrics are.
    pub fn health_address(&self) -> SocketAddr {
        self.door.health_address
    }
    /// Where HL7 v2 over MLLP is taken, if it is.
    pub fn mllp_address(&self) -> Option<SocketAddr> {
        self.door.mllp_address
    }
    /// The stories behind the door.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Verifies the whole log against its newest checkpoint and the mirror.
    ///
    /// # Errors
    /// [`Exit::Internal`] when it cannot be read.
    pub async fn verify_log(&self) -> Result<LogReport, Exit> {
        let reader = LogReader::new(self.db.clone(), self.origin.clone());
        let failed = |e: crate::store::Error| Exit::Internal(e.to_string());
        let mirror = std::fs::read(&self.mirror).ok();
        let findings = reader.verify(&self.vkey, mirror.as_deref()).await.map_err(failed)?;
        let size = reader.shard().await.map_err(failed)?.map_or(0, |shard| shard.size);
        if findings.is_empty() {
            return Ok(LogReport {
                words: format!("{size} entries, every one under the signed checkpoint"),
                sound: true,
            });
        }
        let words = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Ok(LogReport { words, sound: false })
    }

    /// Stops accepting, lets open requests finish, lets the log write its last checkpoint, closes the database.
    pub async fn stop(self) {
        self.door.stop().await;
        self.upkeep.abort();
        self.requests.abort();
        self.witnesses.abort();
        self.own_check.abort();
        if let Some(reload) = &self.reload {
            reload.abort();
        }
        self.committer.stop().await;
        self.db.close().await;
    }
}

/// Starts the gateway configured in `file`: content, database, migrations, log, door, in this order.
///
/// # Errors
/// [`Exit::Failed`] for everything an operator can mend: configuration, content, keys, certificates, an unsound log, an
/// address in use.
pub async fn start(file: &Path, clock: Clock) -> Result<Running, Exit> {
    start_with(file, clock, Vec::new()).await
}

/// As [`start`], with people a newcomer may walk as: for the demo.
///
/// # Errors
/// As [`start`].
pub async fn start_with(file: &Path, clock: Clock, demo: Vec<DemoPerson>) -> Result<Running, Exit> {
    trust::install_provider();
    let config = configuration::load(file)?;
    // Looked at before it is read, so that no change after this is missed.
    let looked = config.content.dir.clone().map(|dir| (reload::fingerprint(&dir), dir));
    let content = content::compile(&content::load(config.content.dir.as_deref())?).map_err(Exit::Failed)?;
    let missing = formats_not_loaded(&config, &content);
    if !missing.is_empty() {
        return Err(Exit::Failed(missing));
    }
    witnesses_usable(&config)?;
    let tls = Tls::load(&config.tls, Clock::system())?;
    let Offline { gateway, committer, db, vkey } = Offline::open(&config, content, &clock, Trust::Mark).await?;
    // Nothing is decided or translated by rules that the log does not name.
    gateway.publish(&gateway.content()).await.map_err(super::register::refused)?;
    let origin = vkey.name().clone();
    let mirror = config.audit.checkpoint_file.clone();
    let door = Door::with_pages(config, tls, clock, &gateway, demo);
    let door = http::Running::start(&door).map_err(|e| unusable(&format!("the door did not open: {e}")))?;
    let upkeep = tokio::spawn(keep_up(Arc::clone(&gateway)));
    let requests = tokio::spawn(keep_writing_requests(Arc::clone(&gateway)));
    let witnesses = tokio::spawn(keep_witnessed(Arc::clone(&gateway)));
    let own_check = tokio::spawn(keep_checking(Arc::clone(&gateway)));
    let reload = looked.map(|(seen, dir)| tokio::spawn(reload::keep_current(Arc::clone(&gateway), dir, seen)));
    Ok(Running { gateway, door, committer, db, origin, vkey, mirror, upkeep, requests, witnesses, own_check, reload })
}

/// What the check of the log at start builds on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nothing: every byte is read before anything else.
    Nothing,
    /// The mark of a large log that was found sound this week: the rest is read while it serves, beginning at once.
    Mark,
}

/// A gateway without its doors: for commands that change the store while no gateway runs on it.
pub struct Offline {
    gateway: Arc<Gateway>,
    committer: CommitterHandle,
    db: Db,
    vkey: Vkey,
}

impl Offline {
    /// Opens database and log; the log has one writer, so this fails while a gateway runs on it.
    async fn open(config: &config::Gateway, content: ContentSet, clock: &Clock, trust: Trust) -> Result<Self, Exit> {
        let (db, keys) = open_store(config, clock).await?;
        let signer = store::signer(config)?;
        let vkey = signer.vkey().clone();
        let options = Options {
            mirror: Some(config.audit.checkpoint_file.clone()),
            progress: Arc::new(progress),
            trust_mark: (trust == Trust::Mark).then_some(MARK_ENTRIES_MIN),
            ..Options::default()
        };
        let started = Committer::start(db.clone(), keys.clone(), signer, clock.clone(), options).await;
        let committer = started.map_err(|e| match e {
            StartError::Unsound { findings, .. } => Exit::Failed(findings),
            other => unusable(&other.to_string()),
        })?;
        let parts = Parts {
            config: config.clone(),
            content,
            db: db.clone(),
            keys,
            committer: committer.clone(),
            clock: clock.clone(),
        };
        let gateway = Gateway::new(parts);
        let gateway = match &config.provider {
            Some(named) => gateway.with_provider(provider(named)?),
            None => gateway,
        };
        Ok(Self { gateway: Arc::new(gateway), committer, db, vkey })
    }

    /// Opens what `file` configures, does `work`, and closes it again; the log's last checkpoint is written either way.
    ///
    /// # Errors
    /// As [`start`], and what `work` fails with.
    pub fn run(file: &Path, work: impl AsyncFnOnce(&Gateway) -> Outcome) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Exit::Internal(format!("the runtime did not start: {}", e.kind())))?;
        runtime.block_on(async {
            let config = configuration::load(file)?;
            let content = content::compile(&content::load(config.content.dir.as_deref())?).map_err(Exit::Failed)?;
            let opened = Self::open(&config, content, &Clock::system(), Trust::Nothing).await?;
            let outcome = work(&opened.gateway).await;
            opened.committer.stop().await;
            opened.db.close().await;
            outcome
        })
    }
}

/// Every system's format must be one the content set can read and write.
pub fn formats_not_loaded(config: &config::Gateway, content: &ContentSet) -> Vec<Diagnostic> {
    let loaded = content.mappings.formats();
    let missing = config.systems.iter().filter(|s| !loaded.iter().any(|f| f.name == s.format));
    missing
        .map(|s| {
            let names: Vec<&str> = loaded.iter().map(|f| f.name.as_str()).collect();
            Diagnostic::error(
                code::CONFIG_FILE,
                format!("the format {} of the system {} is not loaded", s.format, s.id),
            )
            .with_expected(format!("one of {}", names.join(", ")))
        })
        .collect()
}

/// Looks after the mailboxes until aborted. A round that fails is tried again at the next turn; nothing is half done.
async fn keep_up(gateway: Arc<Gateway>) {
    let mut every = tokio::time::interval(UPKEEP_EVERY);
    loop {
        every.tick().await;
        loop {
            match gateway.upkeep().await {
                Ok(0) => break,
                Ok(count) => tracing::info!(count, "mailbox items were returned or erased"),
                Err(error) => {
                    tracing::error!(%error, "looking after the mailboxes failed");
                    break;
                }
            }
        }
    }
}

/// Writes the entries that commands beside this process ask for, until aborted.
async fn keep_writing_requests(gateway: Arc<Gateway>) {
    let mut every = tokio::time::interval(REQUESTS_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = gateway.watch_clock().await {
            tracing::error!(%error, "a clock that stepped back could not be logged");
        }
        if let Err(error) = gateway.write_requests().await {
            tracing::error!(%error, "an entry that was asked for could not be written");
        }
    }
}

/// Has the log witnessed, until aborted; the first round is at once, so that a log that was set back is noticed at start.
async fn keep_witnessed(gateway: Arc<Gateway>) {
    let mut every = tokio::time::interval(WITNESS_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = gateway.ask_witnesses().await {
            tracing::error!(%error, "asking the witnesses failed");
        }
    }
}

/// Checks the gateway's own log each day, until aborted; at once when the start left entries unread.
async fn keep_checking(gateway: Arc<Gateway>) {
    let mut every = tokio::time::interval(OWN_CHECK_EVERY);
    every.tick().await;
    let mut owed = gateway.owes_log_check();
    loop {
        if !owed {
            every.tick().await;
        }
        match gateway.check_own_log().await {
            Ok(true) => tracing::info!("the audit log was checked: every entry is as signed"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "the audit log could not be checked");
                tokio::time::sleep(OWED_AGAIN).await;
                continue;
            }
        }
        owed = false;
    }
}

/// How far the check at start is: a line that grows where somebody looks, lines of a log otherwise.
fn progress(done: u64, of: u64) {
    use std::io::{IsTerminal as _, Write as _};
    if of < PROGRESS_FROM {
        return;
    }
    let percent = done.saturating_mul(100).checked_div(of).unwrap_or(100);
    if std::io::stderr().is_terminal() {
        let end = if done >= of { "\n" } else { "" };
        let filled = usize::try_from(percent / 4).unwrap_or(0).min(25);
        let _ = write!(std::io::stderr(), "\rchecking the audit log [{:<25}] {done} of {of}{end}", "#".repeat(filled));
    } else if done >= of || done.checked_rem(PROGRESS_FROM).is_some_and(|rest| rest < 1_024) {
        tracing::info!(done, of, percent, "checking the audit log");
    }
}

/// Every witness's key must be one.
fn witnesses_usable(config: &config::Gateway) -> Outcome {
    for witness in &config.audit.witnesses {
        let key = Vkey::parse(&witness.vkey).map_err(|e| unusable(&format!("audit.witness {}: {e}", witness.name)))?;
        if key.kind() != crate::audit::note::TYPE_COSIGNATURE {
            return Err(unusable(&format!("audit.witness {}: the key is not a witness's", witness.name)));
        }
    }
    Ok(())
}

/// The provider as configured; it is asked when somebody first signs in there.
fn provider(named: &config::Provider) -> Result<Provider, Exit> {
    let failed = |e: crate::trust::Error| unusable(&format!("pages.provider: {e}"));
    let secret = crate::trust::read_secret(&named.client_secret_file).map_err(failed)?;
    let settings = ProviderSettings {
        issuer: named.issuer.clone(),
        client_id: named.client_id.clone(),
        client_secret: String::from_utf8_lossy(&secret).trim().to_owned(),
        return_url: format!("{}{}", named.address, http::PROVIDER_RETURN),
        authority_pem: crate::trust::read_bounded(&named.authority).map_err(failed)?,
        acr: named.acr.clone(),
    };
    Provider::new(settings).map_err(|e| unusable(&format!("pages.provider: {e}")))
}

fn unusable(text: &str) -> Exit {
    Diagnostic::error(code::CONFIG_FILE, text).into()
}

/// Opens the database and brings it to this program's version.
async fn open_store(config: &config::Gateway, clock: &Clock) -> Result<(Db, Keys), Exit> {
    let keys = store::keys(config, code::TRUST_FILE)?;
    let db = store::open(config).await?;
    db.migrate(clock.now()).await.map_err(|e| store::failed(&e))?;
    Ok((db, keys))
}

/// Returns when the process is told to stop: SIGTERM, or Ctrl-C.
pub async fn until_told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut term) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
