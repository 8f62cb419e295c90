//! Configuration: the gateway's TOML file, and the named files of a content set.
//!
//! Owns the shapes and their checks; reads no file itself. Secrets are never in the configuration, only the names of
//! files that hold them. Read [`Gateway`] first; `raw.rs` is the file as written, `checks.rs` what it must satisfy.

mod checks;
mod gateway;
mod raw;
#[cfg(test)]
mod tests;

pub use gateway::{
    Agency, AgencyKind, Audit, Content, Duty, FORMATS, Gateway, Limits, Pages, Provider, Route, SYSTEM_URN, Server,
    Store, System, Tls, Witness, WitnessWay,
};

use std::collections::BTreeMap;

/// A set of named files handed in from outside: `schemas/record/record.schema.json` -> bytes. Sorted by name.
#[derive(Clone, Default, Debug)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Adds or replaces a file.
    pub fn insert(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        self.0.insert(name.into(), bytes);
    }
    /// A file's bytes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }
    /// The files whose name starts with `prefix` and ends with `suffix`, in name order.
    pub fn matching<'a>(&'a self, prefix: &'a str, suffix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.0
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix) && name.ends_with(suffix))
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }
    /// `sha256:` and the digest of the files of these folders (`sharing/`), in name order.
    #[must_use]
    pub fn digest(&self, folders: &[&str]) -> String {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for (name, bytes) in folders.iter().flat_map(|folder| self.matching(folder, "")) {
            // Name and length first, so that moving bytes between files changes the digest.
            context.update(name.as_bytes());
            context.update(&[0]);
            context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(bytes);
        }
        let hex: Vec<String> = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{}", hex.concat())
    }
}
