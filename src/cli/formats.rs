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
        let versions = match f.messages.as_slice() {
            [one] => one.version.as_str(),
            _ => "",
        };
        text +=
            &format!("{:<14} {versions:<8} {:<22} carries up to {}  {}\n", f.name, f.content_type, f.ceiling, f.title);
        for m in f.messages.iter().filter(|_| f.messages.len() > 1) {
            text += &format!("  {:<28} {:<8} carries up to {}  {}\n", m.mapping, m.version, m.ceiling, m.title);
        }
    }
    print(&text)
}
