//! `solent audit rotate-key` and `solent audit keys`: replacing the key that signs a log, and naming the keys it has had.
//!
//! Owns the order in which a rotation survives a power cut at any step: the new key is made beside the old one; one
//! transaction writes the `key-rotate` entry, the overlap checkpoint signed by both keys, and which key ended; only then does
//! the new key's file take the old one's place. Run again, the command goes on where it stopped. The gateway must not be
//! running: a log has one writer.

use super::own_entry::unlogged;
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Origin, Outcome as Ended, Signer, Vkey};
use crate::cli::{Exit, Outcome, configuration, print, store};
use crate::clock::Clock;
use crate::config::Gateway;
use crate::diagnostic::{Diagnostic, code};
use crate::ident::AccountId;
use crate::store::{Committer, Db, Job, Keys, Options, RetiredRow, StartError};
use crate::trust::SigningKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Who is named as actor.
const ACTOR: &str = "system:operator";

/// Arguments of both.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The gateway's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn rotate(args: &Args) -> Outcome {
    let config = configuration::load(&args.config)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
    runtime.block_on(async {
        let db = store::open_existing(&config).await?;
        let keys = store::keys(&config, code::STORE_KEY)?;
        let done = run(&config, &db, &keys).await;
        db.close().await;
        done
    })
}

pub(super) fn list(args: &Args) -> Outcome {
    let config = configuration::load(&args.config)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
    runtime.block_on(async {
        let db = store::open_existing(&config).await?;
        let retired = retired(&db, &config).await?;
        let current = store::signer(&config)?;
        db.close().await;
        print(&lines(&retired, current.vkey()))
    })
}

/// One line for each key: the verifier key, the first and the last size it signs.
fn lines(retired: &[RetiredRow], current: &Vkey) -> String {
    let mut from = 0;
    let mut out = String::new();
    for row in retired {
        out.push_str(&format!("{}\t{from}\t{}\n", row.key.vkey, row.size));
        from = row.size;
    }
    out.push_str(&format!("{current}\t{from}\t-\n"));
    out
}

async fn retired(db: &Db, config: &Gateway) -> Result<Vec<RetiredRow>, Exit> {
    let origin = Origin::parse(&config.origin).map_err(|e| unlogged(&e.to_string()))?;
    db.retired_keys(&origin).await.map_err(|e| store::failed(&e).into())
}

async fn run(config: &Gateway, db: &Db, keys: &Keys) -> Outcome {
    let file = &config.audit.signing_key;
    let next = beside(file, "next");
    let unusable = |e: crate::trust::Error| Exit::from(Diagnostic::error(code::TRUST_FILE, e.to_string()));
    let old = store::signer(config)?;
    let made = if next.exists() { SigningKey::load(&next) } else { SigningKey::create(&next) };
    let seed = made.map_err(unusable)?.seed();
    let new = Signer::log(old.vkey().name().clone(), &seed).map_err(|e| unlogged(&e.to_string()))?;
    let (was, is) = (old.vkey().clone(), new.vkey().clone());
    let ended = retired(db, config).await?.iter().any(|row| row.key.vkey == was);
    if !ended {
        overlap(config, db, keys, old, new).await?;
    }
    let aside = beside(file, &format!("retired-{}", was.id()));
    let replace = || {
        let _ = std::fs::remove_file(&aside);
        std::fs::hard_link(file, &aside)?;
        std::fs::rename(&next, file)?;
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        std::fs::File::open(folder)?.sync_all()
    };
    replace().map_err(|e| {
        let text = format!("the new key could not take the old one's place ({}): run this again", e.kind());
        Exit::from(Diagnostic::error(code::TRUST_FILE, text).with_file(file.display().to_string()))
    })?;
    let all = lines(&retired(db, config).await?, &is);
    print(&format!(
        "{all}The new key signs from here on. Give its line to everybody who checks this log, by another way than the log; \
         witnesses take it with a second --log.\nThe old private key is in {}: destroy it.\n",
        aside.display()
    ))
}

/// The `key-rotate` entry and the checkpoint that both keys sign, in one transaction.
async fn overlap(config: &Gateway, db: &Db, keys: &Keys, old: Signer, new: Signer) -> Outcome {
    let mut payload = Payload::new(Event::KeyRotate);
    payload.actor = Some(AccountId::new(ACTOR));
    let (before, after) = (old.vkey().to_string(), new.vkey().to_string());
    payload.change = Some(Change { what: "signing-key".to_owned(), before: Some(before), after: Some(after) });
    let options = Options {
        mirror: Some(config.audit.checkpoint_file.clone()),
        lease_wait: Duration::ZERO,
        retires: Some(Arc::new(old)),
        ..Options::default()
    };
    match Committer::start(db.clone(), keys.clone(), new, Clock::system(), options).await {
        Ok(log) => {
            let done = log.commit(Job::new(Draft::new(Ended::Allow, payload))).await;
            log.stop().await;
            done.map(drop).map_err(|e| unlogged(&e.to_string()))
        }
        Err(StartError::InUse { .. }) => Err(unlogged("the gateway runs: stop it first, a log has one writer")),
        Err(StartError::Unsound { findings, .. }) => Err(Exit::Failed(findings)),
        Err(error) => Err(unlogged(&error.to_string())),
    }
}

fn beside(file: &Path, word: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(word);
    PathBuf::from(name)
}
