//! `solent mapping`: tools for the people who write and sign mappings.
//!
//! A mapping is named by its format, by its own name, or by its file; a file takes the place of the set's mapping of the
//! same name, so that a change can be tried before it is put in.

use super::{Exit, Outcome, content, mapping_trial, print, read_input};
use crate::config::Files;
use crate::diagnostic::{Diagnostic, code, render};
use crate::mapping::{Mappings, Source, diff, explain, lang};
use crate::schema::Schemas;
use std::path::{Path, PathBuf};

/// Arguments of `solent mapping`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Which mapping, in which set.
#[derive(clap::Args, Debug)]
pub struct Which {
    /// A `.bimap` file, a format with one mapping, or a mapping's name
    mapping: String,
    /// Folder with schemas/, mappings/ and sharing/ instead of the built-in set
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Print a mapping file in its one layout, or rewrite it in place
    Fmt {
        /// The `.bimap` file; `-` is standard input
        file: String,
        /// Rewrite the file instead of printing
        #[arg(long)]
        write: bool,
        /// Only say whether the layout is right (exit 1 if not)
        #[arg(long)]
        check: bool,
    },
    /// Print the two-column page a governance lead signs
    Explain {
        #[command(flatten)]
        which: Which,
        /// As a web page
        #[arg(long)]
        html: bool,
    },
    /// Read a message, write it back, and show output, loss report, round trip and differences
    Try {
        #[command(flatten)]
        which: Which,
        /// The message; `-` is standard input
        #[arg(long = "in")]
        input: String,
    },
    /// Say in sentences what a new version of a mapping carries, changes or no longer carries
    Diff {
        /// The old `.bimap` file
        old: String,
        /// The new `.bimap` file
        new: String,
    },
    /// Read and write every sample of a folder, and list the rules that never had an effect
    Cover {
        #[command(flatten)]
        which: Which,
        /// The folder
        #[arg(long, value_name = "FOLDER")]
        samples: PathBuf,
    },
    /// Print the abstract tree of a mapping file as JSON, or the mapping of such a tree
    Ast {
        /// The `.bimap` file, or with --from-json the JSON file; `-` is standard input
        file: String,
        /// Accepted for the sake of scripts: JSON is the only form
        #[arg(long)]
        json: bool,
        /// Read the JSON form and print the mapping's text
        #[arg(long, conflicts_with = "json")]
        from_json: bool,
    },
}

/// Largest mapping file, 1 MiB: the longest of ours has 40 KB.
const MAPPING_BYTES_MAX: usize = 1024 * 1024;

/// Runs the command.
///
/// # Errors
/// The file does not follow the language, or cannot be read or written.
pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Fmt { file, write, check } => fmt(&file, write, check),
        Command::Explain { which, html } => {
            let chosen = Chosen::of(&which)?;
            let source = chosen.source()?;
            print(&if html { explain::html(&source, &chosen.files) } else { explain::text(&source) })
        }
        Command::Try { which, input } => mapping_trial::run(&Chosen::of(&which)?, &input),
        Command::Diff { old, new } => {
            let tree = |file: &str| parse(file, &read_input(file, MAPPING_BYTES_MAX)?);
            let said = diff::sentences(&tree(&old)?, &tree(&new)?);
            let same = "The two say the same.".to_owned();
            print(&((if said.is_empty() { vec![same] } else { said }).join("\n") + "\n"))
        }
        Command::Cover { which, samples } => mapping_trial::cover(&Chosen::of(&which)?, &samples),
        Command::Ast { file, from_json: false, .. } => {
            let tree = parse(&file, &read_input(&file, MAPPING_BYTES_MAX)?)?;
            print(&(serde_json::to_string_pretty(&lang::ast_json::to_json(&tree)).unwrap_or_default() + "\n"))
        }
        Command::Ast { file, .. } => from_json(&file),
    }
}

/// A set and one mapping of it.
pub(super) struct Chosen {
    pub(super) files: Files,
    pub(super) mappings: Mappings,
    name: String,
}

impl Chosen {
    fn of(which: &Which) -> Result<Self, Exit> {
        let set = content::load(which.dir.as_deref())?;
        let is_file = Path::new(&which.mapping).extension().is_some_and(|e| e == "bimap");
        if !is_file {
            let mappings = load(&set)?;
            let name = one_of(&mappings, &which.mapping)?;
            return Ok(Self { files: set, mappings, name });
        }
        let bytes = read_input(&which.mapping, MAPPING_BYTES_MAX)?;
        let name = parse(&which.mapping, &bytes)?.name.text;
        let path = Path::new(&which.mapping);
        let folder =
            path.canonicalize().ok().and_then(|p| Some(p.parent()?.file_name()?.to_string_lossy().into_owned()));
        let format = folder.unwrap_or_else(|| "tried".to_owned());
        let own = format!("mappings/{format}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        let mut files = Files::default();
        for (file, text) in set.matching("", "") {
            let same = file.ends_with(".bimap") && lang::parse(text).is_ok_and(|tree| tree.name.text == name);
            // In its own place if it is of the set, else in that of the mapping it replaces.
            if !same {
                files.insert(file, text.to_vec());
            }
        }
        let replaced = set.matching("mappings/", ".bimap");
        let place = replaced
            .filter(|(_, text)| lang::parse(text).is_ok_and(|tree| tree.name.text == name))
            .map(|(file, _)| file.to_owned())
            .next();
        let place = place.unwrap_or(own);
        files.insert(place.clone(), bytes.clone());
        let mappings = load(&files).map_err(|exit| drawn(exit, &place, &which.mapping, &bytes))?;
        Ok(Self { files, mappings, name })
    }

    /// The mapping chosen.
    pub(super) fn source(&self) -> Result<Source<'_>, Exit> {
        self.mappings.sources().find(|s| s.tree.name.text == self.name).ok_or_else(|| no_format(&self.name, &[]))
    }
}

/// Findings about the file that was named, drawn with its lines.
fn drawn(exit: Exit, place: &str, name: &str, bytes: &[u8]) -> Exit {
    let Exit::Failed(faults) = exit else { return exit };
    let (own, other): (Vec<Diagnostic>, Vec<Diagnostic>) =
        faults.into_iter().partition(|f| f.file.as_deref() == Some(place));
    for fault in own {
        let text = render(&fault.with_file(name), std::str::from_utf8(bytes).ok());
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
    }
    Exit::Failed(other)
}

/// The name of the only mapping of a format, or of the mapping with this name.
fn one_of(mappings: &Mappings, wanted: &str) -> Result<String, Exit> {
    let names = |format: Option<&str>| -> Vec<String> {
        let fits = |s: &Source<'_>| format.is_none_or(|f| s.format == f);
        mappings.sources().filter(fits).map(|s| s.tree.name.text.clone()).collect()
    };
    if mappings.sources().any(|s| s.tree.name.text == wanted) {
        return Ok(wanted.to_owned());
    }
    match names(Some(wanted)).as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(no_format(wanted, &names(None))),
        several => {
            let text = format!("the format `{wanted}` has several mappings: name one");
            Err(Exit::from(Diagnostic::error(code::MAP_FORMAT, text).with_expected(several.join(", "))))
        }
    }
}

/// The mappings of a content set, or every finding.
pub(super) fn load(files: &Files) -> Result<Mappings, Exit> {
    let schemas = Schemas::load(files).map_err(Exit::Failed)?;
    Mappings::load(files, &schemas).map_err(Exit::Failed)
}

fn no_format(name: &str, known: &[String]) -> Exit {
    let text = format!("there is no format or mapping `{name}`");
    let fault = Diagnostic::error(code::MAP_FORMAT, text).with_help("`solent formats` lists them");
    Exit::from(fault.with_nearest(name, known.iter().map(String::as_str)))
}

fn parse(file: &str, bytes: &[u8]) -> Result<lang::tree::Mapping, Exit> {
    lang::parse(bytes).map_err(|fault| {
        let fault = fault.with_file(file);
        // A mapping file holds no personal data, so its line may be shown.
        let drawn = render(&fault, std::str::from_utf8(bytes).ok());
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), drawn.as_bytes());
        Exit::Failed(Vec::new())
    })
}

fn from_json(file: &str) -> Outcome {
    let bytes = read_input(file, MAPPING_BYTES_MAX)?;
    let tree: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| {
        let place = crate::diagnostic::Position { line: e.line(), column: e.column().max(1) };
        Exit::from(Diagnostic::error(code::MAP_SYNTAX, "this is not JSON").with_file(file).with_position(place))
    })?;
    let text = lang::from_json::to_text(&tree).map_err(|fault| Exit::from(fault.with_file(file)))?;
    print(&lang::format::format(&parse(file, text.as_bytes())?))
}

fn fmt(file: &str, write: bool, check: bool) -> Outcome {
    let bytes = read_input(file, MAPPING_BYTES_MAX)?;
    let text = lang::format::format(&parse(file, &bytes)?);
    if check {
        if text.as_bytes() == bytes {
            return Ok(());
        }
        let fault = Diagnostic::error(code::MAP_SYNTAX, "the file is not in its one layout");
        return Err(Exit::from(fault.with_file(file).with_help("`solent mapping fmt --write FILE` rewrites it")));
    }
    if !write || file == "-" {
        return print(&text);
    }
    std::fs::write(file, text)
        .map_err(|e| Exit::from(Diagnostic::error(code::CLI_FILE, format!("cannot be written: {e}")).with_file(file)))
}
