//! `solent formats`: what can be read and written.

use super::{Outcome, content, mapping, print};

/// Arguments of `solent formats`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder with schemas/, mappings/ and sharing/ instead of the built-in set
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The content set cannot be loaded, or standard output is closed.
pub fn run(args: Args) -> Outcome {
    let mappings = mapping::load(&content::load(args.dir.as_deref())?)?;
    let formats = mappings.formats();
    if args.json {
        return print(&(serde_json::to_string_pretty(&formats).unwrap_or_default() + "\n"));
    }
    let mut text = String::new();
    for f in formats {
        text += &format!(
            "{:<14} {:<8} {:<22} carries up to {}  {}\n",
            f.name, f.version, f.content_type, f.ceiling, f.title
        );
    }
    print(&text)
}
