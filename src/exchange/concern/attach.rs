//! Files that come with a concern: photographs, scans, notes.
//!
//! Owns what may come in: told by its first bytes, never by its name or by what the sender says it is; bounded in size and
//! number. Kept sealed beside the concern, for as long as it. Refuses everything that could run.

use super::{About, Concern, Status};
use crate::audit::Event;
use crate::clock::Moment;
use crate::exchange::visit::account::kept;
use crate::exchange::{Failure, Gateway, Visitor};
use crate::store::{Effect, KeptKind};
use serde::{Deserialize, Serialize};

/// Largest file, in bytes: a photograph of a telephone or some fifty scanned pages.
pub const FILE_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Most files of one concern, as in the recording products (school concern dossier).
pub const FILES_MAX: usize = 10;
/// Longest name shown of a file, in characters.
const NAME_CHARS_MAX: usize = 100;

/// A file of a concern, without its bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its id.
    pub id: String,
    /// The name it came with, shortened; may name somebody, so it is never in an address or a header.
    pub name: String,
    /// What it is.
    pub kind: AttachedKind,
    /// Its length in bytes.
    pub bytes: usize,
    /// When it came, milliseconds UTC.
    pub at: i64,
}

/// What a file may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachedKind {
    /// JPEG image.
    Jpeg,
    /// PNG image.
    Png,
    /// PDF document.
    Pdf,
    /// Plain text, UTF-8.
    Text,
}

impl AttachedKind {
    /// What these bytes are; `None` for everything else, whatever it calls itself.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\xFF\xD8\xFF") {
            return Some(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
            return Some(Self::Png);
        }
        if bytes.starts_with(b"%PDF-") {
            return Some(Self::Pdf);
        }
        // Markup is text too; it is only ever handed out as a download of plain text.
        let text = std::str::from_utf8(bytes).ok()?;
        let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        (!text.is_empty() && text.chars().all(plain)).then_some(Self::Text)
    }
    /// The end of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Pdf => "pdf",
            Self::Text => "txt",
        }
    }
}

/// A file as it is listed, when it can be taken beside `present` others.
///
/// # Errors
/// [`Failure::Unclear`] with what is wrong: `size`, `kind` or `number`.
pub(super) fn taken(name: &str, bytes: &[u8], present: usize, now: Moment) -> Result<Attached, Failure> {
    if bytes.is_empty() || bytes.len() > FILE_BYTES_MAX {
        return Err(Failure::Unclear("size"));
    }
    let kind = AttachedKind::of(bytes).ok_or(Failure::Unclear("kind"))?;
    if present >= FILES_MAX {
        return Err(Failure::Unclear("number"));
    }
    Ok(Attached { id: Gateway::fresh_id(), name: shown_name(name), kind, bytes: bytes.len(), at: now.millis() })
}

fn shown_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

impl Gateway {
    /// Adds a file to a concern of the visitor's school.
    ///
    /// # Errors
    /// [`Failure::Unclear`] with what is wrong: `size`, `kind`, `number` or `names`; [`Failure::Gone`] when the concern is closed;
    /// the rest as [`Gateway::own_concern`].
    pub async fn attach(&self, visitor: &Visitor, id: &str, name: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let mut found = self.concern(id).await?;
        self.of_school(visitor, &found.concern)?;
        if found.concern.status == Status::Closed {
            return Err(Failure::Gone);
        }
        // A file may say who the child is (R83).
        if !matches!(found.concern.about, About::Named(_)) {
            return Err(Failure::Unclear("names"));
        }
        // Sent twice by one button it is one file.
        if self.is_attached(&found.concern.files, name, &bytes).await? {
            return Ok(());
        }
        let file = taken(name, &bytes, found.concern.files.len(), self.clock().now())?;
        let ends = super::kept::ends(&found.concern);
        let kept = kept(KeptKind::Attachment, file.id.clone(), &found.concern.id, bytes, ends);
        found.concern.files.push(file);
        let beside = vec![Effect::Keep { kept, was: Some(0) }];
        self.keep_concern_with(visitor, &found.concern, found.version, Event::Request, beside).await
    }

    /// Whether one of these files has this name and these bytes.
    pub(super) async fn is_attached(&self, files: &[Attached], name: &str, bytes: &[u8]) -> Result<bool, Failure> {
        let name = shown_name(name);
        for file in files.iter().filter(|file| file.name == name && file.bytes == bytes.len()) {
            let row = self.db.kept(&self.keys, KeptKind::Attachment, &file.id, self.clock().now()).await?;
            if row.is_some_and(|row| row.body == bytes) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A file of a concern that the visitor may read: the school's own people, and the surgery once it is there. Logged.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everything else.
    pub async fn attached(&self, visitor: &Visitor, id: &str, file: &str) -> Result<(Attached, Vec<u8>), Failure> {
        let found = self.concern(id).await?;
        if self.of_school(visitor, &found.concern).is_err() {
            self.surgery_may_read(visitor, &found.concern)?;
        }
        let listed = found.concern.files.iter().find(|f| f.id == file).cloned().ok_or(Failure::NotFound)?;
        let row = self.db.kept(&self.keys, KeptKind::Attachment, file, self.clock().now()).await?;
        let row = row.filter(|row| row.owner == found.concern.id).ok_or(Failure::NotFound)?;
        self.concern_was_read(visitor, &found.concern).await?;
        Ok((listed, row.body))
    }

    fn surgery_may_read(&self, visitor: &Visitor, concern: &Concern) -> Result<(), Failure> {
        let adviser = visitor.worn()?.role == crate::vocabulary::Role::Sur;
        if adviser && !concern.in_school { Ok(()) } else { Err(Failure::NotFound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        let known: [(&[u8], Option<AttachedKind>); 8] = [
            (b"\xFF\xD8\xFF\xE0rest", Some(AttachedKind::Jpeg)),
            (b"\x89PNG\r\n\x1A\nrest", Some(AttachedKind::Png)),
            (b"%PDF-1.7", Some(AttachedKind::Pdf)),
            (b"seen at lunch\n", Some(AttachedKind::Text)),
            (b"MZ\x90\x00", None),
            (b"PK\x03\x04", None),
            (b"\x7FELF\x02", None),
            (b"", None),
        ];
        for (bytes, kind) in known {
            assert_eq!(AttachedKind::of(bytes), kind);
        }
    }
}
