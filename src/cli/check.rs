//! `solent check`.

use super::{Exit, Outcome};

/// Arguments of `solent check`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> Outcome {
    Err(Exit::Internal("this command is not built yet".to_owned()))
}
