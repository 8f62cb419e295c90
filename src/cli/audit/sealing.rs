//! `solent audit erase` and `solent audit hold`: sealed parts of one person's entries, or of a month's about nobody.
//!
//! Owns the arguments and the refusal to erase what is held. What happens is an entry first; see `own_entry`.

use super::own_entry;
use crate::audit::Origin;
use crate::cli::{Exit, Outcome, configuration, print, store};
use crate::clock::Clock;
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::{Sealing, is_held};
use std::path::PathBuf;

/// Arguments of both.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The gateway's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Whose: a person's id of this gateway, or month-YYYY-MM for entries about nobody
    #[arg(long, value_name = "ID")]
    subject: String,
}

/// Arguments of `hold`.
#[derive(clap::Args, Debug)]
pub(super) struct HoldArgs {
    #[command(flatten)]
    of: Args,
    /// End the hold
    #[arg(long)]
    release: bool,
}

pub(super) fn erase(args: &Args) -> Outcome {
    run(args, Sealing::Erase)
}

pub(super) fn hold(args: &HoldArgs) -> Outcome {
    run(&args.of, if args.release { Sealing::Release } else { Sealing::Hold })
}

fn run(args: &Args, what: Sealing) -> Outcome {
    let config = configuration::load(&args.config)?;
    let refuse = |text: &str| Exit::from(Diagnostic::error(code::AUDIT_SOURCE, text.to_owned()));
    let origin = Origin::parse(&config.origin).map_err(|e| refuse(&e.to_string()))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
    let (entries, held) = runtime.block_on(async {
        let db = store::open_existing(&config).await?;
        let keys = store::keys(&config, code::STORE_KEY)?;
        let failed = |e: crate::store::Error| Exit::from(store::failed(&e));
        let entries = db.sealed_with(&origin, &args.subject).await.map_err(failed)?;
        let held = is_held(&db, &keys, &args.subject, Clock::system().now()).await.map_err(failed)?;
        db.close().await;
        Ok::<_, Exit>((entries, held))
    })?;
    match (what, held) {
        (Sealing::Erase, true) => return Err(refuse("a legal hold keeps these sealed parts")),
        (Sealing::Erase, false) if entries == 0 => return Err(refuse("this log holds no sealed part under this id")),
        (Sealing::Hold, true) => return Err(refuse("the hold is there already")),
        (Sealing::Release, false) => return Err(refuse("there is no such hold")),
        _ => {}
    }
    own_entry::write_draft(&args.config, what.draft(&args.subject, entries))?;
    let words = match what {
        Sealing::Erase => "erased for ever; the entries stay and the log verifies",
        Sealing::Hold => "held",
        Sealing::Release => "no longer held",
    };
    print(&format!("sealed parts of {entries} entries: {words}\n"))
}
