//! Where gateways started by tests write: a folder of the whole run (`SOLENT_TEST_LOGS`), which `tests/leaks.rs` searches for
//! personal values afterwards; without it, a temporary file.

use std::fs::File;
use std::path::PathBuf;

/// A new file for what a gateway writes on standard error.
pub fn file(name: &str) -> (PathBuf, File) {
    let folder = std::env::var_os("SOLENT_TEST_LOGS").map_or_else(std::env::temp_dir, PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}-{}.log", uuid::Uuid::now_v7()));
    let file = File::create(&path).unwrap();
    (path, file)
}

/// Keeps a text that the gateway gave out beside its messages (metrics), when the run's logs are kept.
pub fn keep(name: &str, text: &str) {
    if std::env::var_os("SOLENT_TEST_LOGS").is_some() {
        std::fs::write(file(name).0, text).unwrap();
    }
}
