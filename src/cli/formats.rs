//! `solent formats`: what can be read and written, what each pair loses, and what becomes of a folder of samples.

use super::{Outcome, content, mapping, print, read, samples};
use std::path::PathBuf;

/// Arguments of `solent formats`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder with schemas/, mappings/ and sharing/ instead of the built-in set
    #[arg(long)]
    dir: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// What each pair of formats loses through the canonical record, as Markdown
    #[arg(long, conflicts_with_all = ["json", "samples"])]
    pairs: bool,
    /// Read every file of a folder, write it in every format, and print what became of it as Markdown
    #[arg(long, value_name = "FOLDER", conflicts_with = "json")]
    samples: Option<PathBuf>,
    /// With --samples: keep what was written below this folder, as FORMAT/NAME (values and all)
    #[arg(long, value_name = "FOLDER", requires = "samples")]
    into: Option<PathBuf>,
    /// With --samples: the moment that counts as now (RFC 3339 with offset)
    #[arg(long)]
    now: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// The content set or the folder cannot be read, or standard output is closed.
pub fn run(args: Args) -> Outcome {
    let mappings = mapping::load(&content::load(args.dir.as_deref())?)?;
    if args.pairs {
        return print(&mappings.pairs());
    }
    if let Some(folder) = &args.samples {
        let now = read::moment(args.now.as_deref())?;
        return print(&samples::table(&mappings, folder, args.into.as_deref(), now)?);
    }
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
