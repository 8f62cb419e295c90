//! `solent sharing agreement`: the page to print and sign.

use super::{Chosen, Outcome};
use crate::cli::print;
use crate::sharing::govern::agreement::html;

/// Arguments of `solent sharing agreement`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// As an HTML page, which is the only form so far
    #[arg(long)]
    html: bool,
    #[command(flatten)]
    chosen: Chosen,
}

pub(super) fn run(args: &Args) -> Outcome {
    print(&html(&args.chosen.policy()?))
}
