//! `solent db`: migrate, backup, restore, check.
//!
//! Owns the operator's view of the store. A backup is a whole, consistent copy; the key file and the signing key are not
//! in it and are kept elsewhere. A restored log that had been signed further is never written again: the command says so.

use super::{Exit, Outcome, configuration, print, store};
use crate::audit::verify::{Expected, verify};
use crate::audit::{Checkpoint, Note};
use crate::clock::Clock;
use crate::config::Gateway;
use crate::diagnostic::{Diagnostic, code};
use crate::store::{Db, Keys, LogReader, StoredLog};
use std::path::{Path, PathBuf};
use std::process::Command as Program;

/// Arguments of `solent db`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Bring the database to this program's version; make database and key file if they are absent
    Migrate(Where),
    /// Write a whole, consistent copy of the database to a new file (the gateway may run)
    Backup {
        #[command(flatten)]
        at: Where,
        /// The file to write; must not exist
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Put a copy in the place of the database (the gateway must be stopped)
    Restore {
        #[command(flatten)]
        at: Where,
        /// The copy
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Check migrations, statements, the key file, and the whole audit log
    Check(Where),
}

#[derive(clap::Args, Debug)]
struct Where {
    /// The gateway's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|e| Exit::Internal(format!("no runtime: {e}")))?;
    runtime.block_on(async {
        match args.command {
            Command::Migrate(at) => migrate(&configuration::load(&at.config)?).await,
            Command::Backup { at, to } => backup(&configuration::load(&at.config)?, &to).await,
            Command::Restore { at, from } => restore(&configuration::load(&at.config)?, &from).await,
            Command::Check(at) => check(&configuration::load(&at.config)?).await,
        }
    })
}

async fn migrate(gateway: &Gateway) -> Outcome {
    let file = &gateway.store.key_file;
    let made = !file.exists();
    if made {
        let fault = |e| Diagnostic::error(code::STORE_KEY, format!("{e}")).with_file(file.display().to_string());
        Keys::create(file).map_err(fault)?;
    } else {
        store::keys(gateway, code::STORE_KEY)?;
    }
    let db = store::open(gateway).await?;
    let count = db.migrate(Clock::system().now()).await.map_err(|e| store::failed(&e))?;
    db.close().await;
    let note = if made { "; a new key file was made: keep a copy of it away from the database" } else { "" };
    print(&format!("{count} migrations run, the database is at version {}{note}\n", Db::schema_version()))
}

async fn backup(gateway: &Gateway, to: &Path) -> Outcome {
    if to.exists() {
        return Err(Diagnostic::error(code::STORE_BACKUP, "the file exists")
            .with_file(to.display().to_string())
            .into());
    }
    if store::sqlite_file(gateway).is_some() {
        let db = store::open(gateway).await?;
        db.copy_to(to).await.map_err(|e| store::failed(&e))?;
        db.close().await;
        let fail =
            |e: std::io::Error| Diagnostic::error(code::STORE_BACKUP, format!("cannot be made durable: {}", e.kind()));
        std::fs::File::open(to).and_then(|f| f.sync_all()).map_err(fail)?;
    } else {
        tool(gateway, "pg_dump", &["--format=custom".to_owned(), format!("--file={}", to.display())])?;
    }
    print(&format!("{} holds a whole copy; the key file and the signing key are not in it\n", to.display()))
}

async fn restore(gateway: &Gateway, from: &Path) -> Outcome {
    if !from.is_file() {
        return Err(Diagnostic::error(code::STORE_BACKUP, "there is no such copy")
            .with_file(from.display().to_string())
            .into());
    }
    let Some(target) = store::sqlite_file(gateway) else {
        tool(
            gateway,
            "pg_restore",
            &["--exit-on-error".to_owned(), "--clean".to_owned(), "--if-exists".to_owned(), from.display().to_string()],
        )?;
        return print("restored; run `solent db check` before the gateway is started\n");
    };
    let refuse =
        |text: &str, file: &Path| Diagnostic::error(code::STORE_BACKUP, text).with_file(file.display().to_string());
    if target.exists() {
        return Err(refuse("the database exists; move it aside first, with its -wal and -shm files", &target).into());
    }
    let copy = Db::open_sqlite_copy(from).await.map_err(|e| store::failed(&e))?;
    let ends = copy.shards().await.map_err(|e| store::failed(&e))?;
    copy.close().await;
    let have = ends.iter().find(|s| s.origin == gateway.origin).map(|s| s.size);
    if let Some(signed) = mirrored(gateway)
        && have.is_some_and(|have| have < signed.size)
        && signed.origin.as_str() == gateway.origin
    {
        let help = "give the gateway a new `origin` and a new `checkpoint_file` in its configuration: a log that was signed further is \
                    never written again; the old one stays readable under its own name";
        return Err(refuse("the copy's log ends before a size that was signed", from).with_help(help).into());
    }
    let fail = |e: std::io::Error| Exit::from(refuse(&format!("cannot be written: {}", e.kind()), &target));
    let mut temporary = target.clone().into_os_string();
    temporary.push(".restoring");
    std::fs::copy(from, &temporary).map_err(fail)?;
    std::fs::File::open(&temporary).and_then(|f| f.sync_all()).map_err(fail)?;
    std::fs::rename(&temporary, &target).map_err(fail)?;
    print("restored; run `solent db check` before the gateway is started\n")
}

/// The checkpoint outside the database, unless it cannot be read.
fn mirrored(gateway: &Gateway) -> Option<Checkpoint> {
    let bytes = std::fs::read(&gateway.audit.checkpoint_file).ok()?;
    Checkpoint::parse(Note::parse(&bytes).ok()?.text()).ok()
}

async fn check(gateway: &Gateway) -> Outcome {
    let keys = store::keys(gateway, code::STORE_KEY)?;
    let db = store::open(gateway).await?;
    let pending = db.pending_migrations().await.map_err(|e| store::failed(&e))?;
    if pending > 0 {
        let text = format!("{pending} migrations have not been run");
        let help = "run `solent db migrate`, or start the gateway, which does it";
        return Err(Diagnostic::error(code::STORE_DATABASE, text).with_help(help).into());
    }
    let statements = db.check_statements().await.map_err(|e| store::failed(&e))?;
    let mut lines = format!("{statements} statements understood, version {}\n", Db::schema_version());
    let mut findings = Vec::new();
    for shard in db.shards().await.map_err(|e| store::failed(&e))? {
        if shard.origin != gateway.origin {
            lines.push_str(&format!(
                "{}: {} entries, not checked: it is another gateway's log\n",
                shard.origin, shard.size
            ));
            continue;
        }
        findings.extend(check_log(gateway, &db, &keys).await?);
        lines.push_str(&format!("{}: {} entries\n", shard.origin, shard.size));
    }
    for (agency, count) in db.quarantine_counts().await.map_err(|e| store::failed(&e))? {
        lines.push_str(&format!("{agency}: {count} items without a subject held in quarantine\n"));
    }
    db.close().await;
    if findings.is_empty() { print(&lines) } else { Err(Exit::Failed(findings)) }
}

async fn check_log(gateway: &Gateway, db: &Db, keys: &Keys) -> Result<Vec<Diagnostic>, Exit> {
    let internal = |e: &dyn std::fmt::Display| Exit::Internal(e.to_string());
    let signer = store::signer(gateway)?;
    let origin = signer.vkey().name().clone();
    let source =
        StoredLog::new(LogReader::new(db.clone(), origin), Some(keys.clone()), tokio::runtime::Handle::current());
    let held = std::fs::read(&gateway.audit.checkpoint_file).ok();
    let expected = Expected { keys: vec![signer.vkey().clone()], held: held.into_iter().collect() };
    let report = tokio::task::spawn_blocking(move || verify(&source, &expected, &mut |_| {})).await;
    let report = report.map_err(|e| internal(&e))?;
    let report = report.map_err(|e| Exit::from(Diagnostic::error(code::AUDIT_SOURCE, e.to_string())))?;
    Ok(report.findings.iter().map(|f| f.diagnostic()).collect())
}

/// Runs one of PostgreSQL's own tools on the database.
fn tool(gateway: &Gateway, name: &str, args: &[String]) -> Outcome {
    let mut program = Program::new(name);
    program.args(args).arg(format!("--dbname={}", gateway.store.database_url));
    if let Some(password) = store::password(gateway)? {
        program.env("PGPASSWORD", password.as_str());
    }
    match program.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Diagnostic::error(code::STORE_BACKUP, format!("{name} ended with {status}")).into()),
        Err(_) => {
            let help = format!("install PostgreSQL's client programs, or use {name} of the database's own machine");
            Err(Diagnostic::error(code::STORE_BACKUP, format!("{name} is not installed here")).with_help(help).into())
        }
    }
}
