//! `solent write`: canonical JSON (or JSON lines) to a message of some format.

use super::read::{known, moment, save_loss};
use super::{Exit, Outcome, content, mapping, print, read_input};
use crate::document::Limits;
use crate::mapping::WriteContext;
use std::path::PathBuf;

/// Arguments of `solent write`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Format of the output (see `solent formats`)
    #[arg(long)]
    to: String,
    /// Which message of the format, where it has several (see `solent formats`)
    #[arg(long, value_name = "NAME")]
    message: Option<String>,
    /// Canonical records; `-` is standard input
    file: String,
    /// The moment that counts as now (RFC 3339 with offset)
    #[arg(long)]
    now: Option<String>,
    /// Where to write the loss report as JSON
    #[arg(long)]
    loss: Option<PathBuf>,
    /// Folder with schemas/, mappings/ and sharing/ instead of the built-in set
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// The input is no canonical record, or does not say what the format requires. Nothing is printed then.
pub fn run(args: Args) -> Outcome {
    let mappings = mapping::load(&content::load(args.dir.as_deref())?)?;
    known(&mappings, &args.to)?;
    let now = moment(args.now.as_deref())?;
    let limits = Limits::file();
    let bytes = read_input(&args.file, limits.bytes_max)?;
    let name = |faults: Vec<crate::diagnostic::Diagnostic>| {
        Exit::Failed(faults.into_iter().map(|f| f.with_file(&args.file)).collect())
    };
    let records = mappings.records(&bytes, &limits).map_err(name)?;
    let written = mappings
        .write(&args.to, &records, &WriteContext { message: args.message.clone(), ..WriteContext::at(now) })
        .map_err(name)?;
    save_loss(args.loss.as_deref(), &written.loss)?;
    print(&String::from_utf8_lossy(&written.bytes))
}
