//! Bytes that may leave: made only here, from a disclosure's rendering and the receipt of its audit entry.

use crate::ident::EntryId;
use crate::store::Receipt;
use std::fmt;

/// A disclosure written in the receiver's format, not yet logged. Cannot be sent: only [`Released`] can.
pub struct Rendered {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
    pub(super) entry: EntryId,
    pub(super) written: Option<WrittenBy>,
}

/// The mapping a disclosure was written with, and what it could not carry.
pub(super) struct WrittenBy {
    pub(super) mapping: String,
    pub(super) version: String,
    pub(super) carried: usize,
    pub(super) reported: usize,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rendered({} bytes)", self.bytes.len())
    }
}

/// Content that was decided, redacted, written and logged. `Debug` prints its size only.
pub struct Released {
    bytes: Vec<u8>,
    content_type: &'static str,
    receipt: EntryId,
}

impl fmt::Debug for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Released({} bytes)", self.bytes.len())
    }
}

impl Released {
    /// Joins the two and uses both up: one receipt lets one thing out. `None` when the receipt is another entry's: then nothing may leave.
    pub(super) fn new(rendered: Rendered, receipt: Receipt) -> Option<Self> {
        if receipt.id() != &rendered.entry {
            return None;
        }
        Some(Self { bytes: rendered.bytes, content_type: rendered.content_type, receipt: rendered.entry })
    }
    /// The id of the audit entry, for the `Solent-Receipt` header.
    #[must_use]
    pub const fn receipt(&self) -> &EntryId {
        &self.receipt
    }
    /// The media type.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        self.content_type
    }
    /// The bytes; the value is used up, so that they leave once.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
