//! The content set: schemas, mappings, code tables and sharing files, built into the program or read from a folder.

use crate::config::Files;
use crate::diagnostic::{Diagnostic, code};
use crate::exchange::ContentSet;
use crate::mapping::Mappings;
use crate::schema::Schemas;
use crate::sharing::Policy;
use include_dir::{Dir, include_dir};
use std::path::Path;

static SCHEMAS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/schemas");
static MAPPINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");
static SHARING: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sharing");

/// Largest single content file, in bytes: a code table or schema beyond this is a mistake.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The folders of a content set.
pub(super) const FOLDERS: [&str; 3] = ["schemas", "mappings", "sharing"];

/// The set built into the program: names such as `schemas/record/record.schema.json`.
#[must_use]
pub fn built_in() -> Files {
    let mut files = Files::default();
    for (root, dir) in [("schemas", &SCHEMAS), ("mappings", &MAPPINGS), ("sharing", &SHARING)] {
        collect(root, dir, &mut files);
    }
    files
}

fn collect(root: &str, dir: &Dir<'_>, files: &mut Files) {
    for file in dir.files() {
        files.insert(format!("{root}/{}", file.path().display()), file.contents().to_vec());
    }
    for inner in dir.dirs() {
        collect(root, inner, files);
    }
}

/// The set under `dir` (its `schemas/`, `mappings/`, `sharing/`), or the built-in one.
///
/// # Errors
/// `SOL-CLI-FILE` for a file or folder that cannot be read or is too large.
pub fn load(dir: Option<&Path>) -> Result<Files, Diagnostic> {
    let Some(dir) = dir else { return Ok(built_in()) };
    let mut files = Files::default();
    for root in FOLDERS {
        walk(&dir.join(root), root, &mut files)?;
    }
    Ok(files)
}

/// The sharing files of a content set, or of a folder that holds them itself.
///
/// # Errors
/// As [`load`].
pub(super) fn sharing_only(dir: &Path) -> Result<Files, Diagnostic> {
    let mut files = Files::default();
    let inner = dir.join("sharing");
    walk(if inner.is_dir() { &inner } else { dir }, "sharing", &mut files)?;
    Ok(files)
}

fn walk(at: &Path, name: &str, files: &mut Files) -> Result<(), Diagnostic> {
    let fail = |e: std::io::Error| Diagnostic::error(code::CLI_FILE, format!("cannot be read: {e}")).with_file(name);
    for entry in std::fs::read_dir(at).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let inner = format!("{name}/{}", entry.file_name().to_string_lossy());
        let meta = entry.metadata().map_err(fail)?;
        if meta.is_dir() {
            walk(&entry.path(), &inner, files)?;
        } else if meta.len() > FILE_BYTES_MAX {
            return Err(Diagnostic::error(code::CLI_FILE, "the file is larger than 16 MiB").with_file(inner));
        } else {
            files.insert(inner, std::fs::read(entry.path()).map_err(fail)?);
        }
    }
    Ok(())
}

/// Schemas, mappings, code tables and sharing rules of a set, checked together.
///
/// # Errors
/// Every finding of every file. Mappings are only looked at when the schemas they name are sound.
pub fn compile(files: &Files) -> Result<ContentSet, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let policy = Policy::load(files).map_err(|found| faults.extend(found)).ok();
    let schemas = Schemas::load(files).map_err(|found| faults.extend(found)).ok();
    let mappings =
        schemas.as_ref().and_then(|schemas| Mappings::load(files, schemas).map_err(|found| faults.extend(found)).ok());
    match (schemas, mappings, policy) {
        (Some(schemas), Some(mappings), Some(policy)) => Ok(ContentSet { schemas, mappings, policy }),
        _ => Err(faults),
    }
}
