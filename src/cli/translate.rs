//! `solent translate`: from one format to another through the canonical record. No decision is made and nothing is
//! logged: this is for files of one's own.

use super::read::{Source, known, moment, part, read, save_loss};
use super::{Exit, Outcome, content, mapping, print};
use crate::mapping::WriteContext;

/// Arguments of `solent translate`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Format of the output (see `solent formats`)
    #[arg(long)]
    to: String,
    /// Which message of the format, where it has several (see `solent formats`)
    #[arg(long, value_name = "NAME")]
    message: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// The message is not of its format, or does not say what the other requires. Nothing is printed then.
pub fn run(args: Args) -> Outcome {
    let mappings = mapping::load(&content::load(args.source.dir.as_deref())?)?;
    known(&mappings, &args.source.from)?;
    known(&mappings, &args.to)?;
    let now = moment(args.source.now.as_deref())?;
    let (records, mut loss) = part(read(&mappings, &args.source)?);
    let context = WriteContext { message: args.message, ..WriteContext::at(now) };
    let written = mappings.write(&args.to, &records, &context).map_err(Exit::Failed)?;
    loss.append(written.loss);
    save_loss(args.source.loss.as_deref(), &loss)?;
    print(&String::from_utf8_lossy(&written.bytes))
}
