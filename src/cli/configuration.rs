//! Reading the configuration file named on the command line; what `serve`, `check` and every command with a store
//! start from.

use super::{Exit, read_input};
use crate::config::Gateway;
use crate::diagnostic::{Diagnostic, code};
use std::path::Path;

/// Largest configuration file, in bytes: some thousand systems.
const CONFIG_BYTES_MAX: usize = 1024 * 1024;

/// The text of a configuration file.
///
/// # Errors
/// `SOL-CLI-FILE` when it cannot be read, `SOL-CONFIG-FILE` when it is not UTF-8.
pub fn text(file: &Path) -> Result<String, Diagnostic> {
    let name = file.display().to_string();
    String::from_utf8(read_input(&name, CONFIG_BYTES_MAX)?)
        .map_err(|_| Diagnostic::error(code::CONFIG_FILE, "the file is not UTF-8").with_file(name))
}

/// Reads and checks a configuration file; relative paths in it are joined to its folder.
///
/// # Errors
/// `SOL-CLI-FILE` when it cannot be read, `SOL-CONFIG-FILE` for every fault in it.
pub fn load(file: &Path) -> Result<Gateway, Exit> {
    parse(file, &text(file)?).map_err(Exit::Failed)
}

/// As [`load`], for a text that was read before.
///
/// # Errors
/// `SOL-CONFIG-FILE` for every fault in it.
pub fn parse(file: &Path, text: &str) -> Result<Gateway, Vec<Diagnostic>> {
    let folder = std::path::absolute(file).ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    Gateway::parse(&file.display().to_string(), text, &folder)
}
