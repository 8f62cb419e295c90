//! What people are told of formats and mappings: for `solent formats` and the tools of the language.

use super::lang;
use super::mapped::{Mapped, content_type};
use super::statement::Statement;

/// A format as people see it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct FormatInfo {
    /// Name for `--from`, `--to` and `?format=`.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Media type of messages.
    pub content_type: &'static str,
    /// Highest confidentiality any of its messages carries out.
    pub ceiling: crate::vocabulary::Confidentiality,
    /// Its messages, one mapping each.
    pub messages: Vec<MessageInfo>,
}

/// A message of a format as people see it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct MessageInfo {
    /// Mapping name, for `--message`.
    pub mapping: String,
    /// The mapping's title.
    pub title: String,
    /// Version.
    pub version: String,
    /// SHA-256 over mapping and tables, hex.
    pub digest: String,
    /// Highest confidentiality it carries out.
    pub ceiling: crate::vocabulary::Confidentiality,
    /// Media type of this message.
    pub content_type: &'static str,
}

/// A mapping file and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Source<'m> {
    /// Format it belongs to.
    pub format: &'m str,
    /// File name within the content set.
    pub file: &'m str,
    /// The checked tree.
    pub tree: &'m lang::tree::Mapping,
    /// Its text.
    pub text: &'m str,
    /// All that it can ever lose.
    pub statement: &'m Statement,
    /// SHA-256 over mapping and tables, hex.
    pub digest: &'m str,
    /// Its rules that carry, set or drop a value: number within a run, line, whether it reads, whether it writes.
    pub carriers: &'m [(usize, usize, bool, bool)],
}

/// A format of these mappings; `None` when there are none.
pub(super) fn info(name: &str, found: &[Mapped]) -> Option<FormatInfo> {
    let messages: Vec<MessageInfo> = found
        .iter()
        .map(|m| MessageInfo {
            mapping: m.plan.name.clone(),
            title: m.plan.title.clone(),
            version: m.plan.version.clone(),
            digest: m.plan.digest.clone(),
            ceiling: m.plan.ceiling,
            content_type: content_type(m.syntax),
        })
        .collect();
    let first = messages.first()?;
    let title = if messages.len() == 1 { first.title.clone() } else { format!("{} messages", messages.len()) };
    Some(FormatInfo {
        name: name.to_owned(),
        title,
        content_type: content_type(found.first()?.syntax),
        ceiling: messages.iter().map(|m| m.ceiling).max()?,
        messages,
    })
}
