//! `solent sharing explain|search|agreement|diff`: what those who own the rules ask of them.
//!
//! Reads rule folders and facts files, prints; every answer is made in `sharing::govern`.

mod agreement;
mod diff;
mod explain;
mod search;

use super::{Exit, Outcome, content, read_input};
use crate::diagnostic::Diagnostic;
use crate::sharing::facts::{FACTS_BYTES_MAX, Facts, Reader};
use crate::sharing::{Policy, World};
use crate::vocabulary::{Category, Level, Purpose, Role};
use std::path::{Path, PathBuf};

/// Arguments of `solent sharing`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Who can see a segment of a facts file, and why not; or what the rules say about a category
    Explain(explain::Args),
    /// Can a role ever see a category above a level? Walks every situation and shows one in which it can
    Search(search::Args),
    /// The sharing agreement in plain English, made from the rule files
    Agreement(agreement::Args),
    /// What changed between two rule folders, and which decisions of facts files that changes
    Diff(diff::Args),
}

/// Runs the command.
pub fn run(args: Args) -> Outcome {
    match args.command {
        Command::Explain(args) => explain::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Agreement(args) => agreement::run(&args),
        Command::Diff(args) => diff::run(&args),
    }
}

/// The rules to ask about.
#[derive(clap::Args, Debug)]
struct Chosen {
    /// A content set, or a folder of sharing files, to use instead of the built-in one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Chosen {
    fn policy(&self) -> Result<Policy, Exit> {
        match &self.dir {
            Some(dir) => policy_in(dir),
            None => Policy::load(&content::built_in()).map_err(Exit::Failed),
        }
    }
}

/// The rules of a content set (`DIR/sharing`) or of a folder that holds the files themselves.
fn policy_in(dir: &Path) -> Result<Policy, Exit> {
    Policy::load(&content::sharing_only(dir)?).map_err(Exit::Failed)
}

/// A facts file as read.
fn facts(file: &str) -> Result<Facts, Exit> {
    let files = content::built_in();
    let reader = Reader::new(files.get(super::decide::SCHEMA).unwrap_or_default())?;
    let bytes = read_input(file, FACTS_BYTES_MAX)?;
    reader.read(&bytes).map_err(|faults| named(faults, file))
}

fn world(facts: Facts, file: &str) -> Result<World, Exit> {
    World::new(facts).map_err(|faults| named(faults.iter().map(super::decide::fault).collect(), file))
}

fn named(faults: Vec<Diagnostic>, file: &str) -> Exit {
    Exit::Failed(faults.into_iter().map(|fault| fault.with_file(file)).collect())
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("a role code: {}", codes(Role::ALL.iter().map(|role| role.code()))))
}
fn category(text: &str) -> Result<Category, String> {
    Category::parse(text).ok_or_else(|| format!("a category code: {}", codes(Category::ALL.iter().map(|c| c.code()))))
}
fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::parse(text).ok_or_else(|| format!("a purpose code: {}", codes(Purpose::ALL.iter().map(|p| p.code()))))
}
fn level(text: &str) -> Result<Level, String> {
    Level::parse(text).ok_or_else(|| "a level: F, S, I or N".to_owned())
}

fn codes<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.collect::<Vec<_>>().join(" ")
}
