//! `solent demo`: a throw-away partnership, a running gateway, and the family intervention story over real mutual TLS.
//!
//! The partnership and the story are data in `docs/demo/`; this module sets the scene (`partnership`), plays it
//! (`play`) and says what to try next. It prints roles and agencies, never a person's name.

mod partnership;
mod play;
mod story;

use super::{Exit, Outcome, serve};
use crate::clock::{Clock, Moment};
use std::path::PathBuf;

/// The first moment of the story.
const STORY_STARTS: &str = "2026-10-05T09:00:00+01:00";

/// Arguments of `solent demo`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Stop after the story; exit 0 if every step went as expected
    #[arg(long)]
    once: bool,
    /// Port of the gateway; the health page listens on the next one. 0 takes free ones
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Folder to leave everything in (default: a fresh temporary folder, removed at the end)
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Exit::Internal(format!("the runtime did not start: {}", e.kind())))?;
    runtime.block_on(demo(args))
}

async fn demo(args: Args) -> Outcome {
    crate::trust::install_provider();
    let starts = Moment::parse(STORY_STARTS).ok_or_else(|| Exit::Internal("the story's first moment".to_owned()))?;
    let clock = Clock::shifted(starts);
    let folder = partnership::Folder::new(args.data)?;
    // `--once` takes any free ports, so that two runs never meet; staying up uses the port that was asked for.
    let ports = if args.once || args.port == 0 { (0, 0) } else { (args.port, args.port.saturating_add(1)) };
    let story = story::Story::load()?;
    let made = partnership::make(&folder, &story, ports, starts)?;
    let running = serve::start_with(&folder.config(), clock.clone(), partnership::people()?).await?;
    let after = if args.once { play::After::Stops } else { play::After::StaysUp };
    let outcome = play::play(&folder, &story, &made, &running, &clock, after).await;
    if outcome.is_ok() && !args.once {
        play::farewell(&folder, &running)?;
        serve::until_told_to_stop().await;
    }
    running.stop().await;
    outcome
}
