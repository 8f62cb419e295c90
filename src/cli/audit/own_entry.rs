//! The entry that an export or a proof from a live database leaves in that same log, before anything is handed out.
//!
//! Owns how a command gets an entry into a log that has one writer: where no gateway runs it writes the entry itself; where
//! one runs it asks that one and waits. No entry, no export.

use crate::audit::payload::Change;
use crate::audit::{Draft, Event, Outcome as Ended, Payload};
use crate::cli::{Exit, Outcome, configuration, store};
use crate::clock::Clock;
use crate::config::Gateway;
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::sealing_effect;
use crate::ident::{AccountId, EntryId};
use crate::store::{Committer, Db, Job, Keys, Options, StartError};
use std::path::Path;
use std::time::Duration;

/// Who is named as actor: whoever may read the store's key and the configuration on the gateway's machine.
const ACTOR: &str = "system:operator";
/// How long a running gateway is waited for; it looks every second.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often this command looks whether it has written the entry.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Logs that `what` leaves the live database configured in `file`.
pub(super) fn write(file: &Path, what: &str) -> Outcome {
    write_as(file, Event::AuditExport, what)
}

/// As [`write`], for an entry that is made already, with what it changes.
pub(super) fn write_draft(file: &Path, draft: Draft) -> Outcome {
    let gateway = configuration::load(file)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
    runtime.block_on(async {
        let db = store::open_existing(&gateway).await?;
        let keys = store::keys(&gateway, code::STORE_KEY)?;
        let done = leave(&gateway, &db, &keys, draft).await;
        db.close().await;
        done
    })
}

/// As [`write`], for another event of the audit of the audit.
pub(in crate::cli) fn write_as(file: &Path, event: Event, what: &str) -> Outcome {
    write_draft(file, draft(event, what))
}

fn draft(event: Event, what: &str) -> Draft {
    let mut payload = Payload::new(event);
    payload.actor = Some(AccountId::new(ACTOR));
    payload.change = Some(Change { what: what.to_owned(), before: None, after: None });
    Draft::new(Ended::Allow, payload)
}

async fn leave(gateway: &Gateway, db: &Db, keys: &Keys, draft: Draft) -> Outcome {
    let pending = db.pending_migrations().await.map_err(|e| store::failed(&e))?;
    if pending > 0 {
        let text = format!("{pending} migrations have not been run");
        return Err(Diagnostic::error(code::STORE_DATABASE, text).with_help("run `solent db migrate`").into());
    }
    let options = Options {
        mirror: Some(gateway.audit.checkpoint_file.clone()),
        lease_wait: Duration::ZERO,
        ..Options::default()
    };
    let started = Committer::start(db.clone(), keys.clone(), store::signer(gateway)?, Clock::system(), options).await;
    match started {
        Ok(log) => {
            let effect = sealing_effect(&draft, &gateway.origin, Clock::system().now());
            let done = log.commit(effect.into_iter().fold(Job::new(draft), Job::with_effect)).await;
            log.stop().await;
            done.map(drop).map_err(|e| unlogged(&e.to_string()))
        }
        Err(StartError::InUse { .. }) => ask(gateway, db, keys, &draft).await,
        Err(StartError::Unsound { findings, .. }) => Err(Exit::Failed(findings)),
        Err(error) => Err(unlogged(&error.to_string())),
    }
}

/// Asks the running gateway, and waits until the entry is durable.
async fn ask(gateway: &Gateway, db: &Db, keys: &Keys, draft: &Draft) -> Outcome {
    let id = EntryId::new(uuid::Uuid::now_v7().to_string());
    let failed = |e: crate::store::Error| Exit::from(store::failed(&e));
    db.ask_entry(keys, &gateway.origin, &id, draft, Clock::system().now()).await.map_err(failed)?;
    let until = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < until {
        if !db.is_asked(&id).await.map_err(failed)? {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    db.withdraw_entry(&id).await.map_err(failed)?;
    Err(unlogged("the gateway that writes this log did not answer"))
}

pub(super) fn unlogged(problem: &str) -> Exit {
    let text = format!("nothing is done or handed out: its audit entry cannot be written ({problem})");
    Diagnostic::error(code::AUDIT_SOURCE, text).into()
}
