//! The bundle: a whole log as one text file that verifies offline.
//!
//! Owns the line format, writing and reading, one line at a time so that a file of any size needs little memory. Reads
//! no file. Read [`Header`] and [`Line`].
//!
//! ```text
//! solent-audit-bundle@v1
//! vkey⇥<verifier key>                       for convenience; trust only a key obtained another way
//! payloads⇥carried | left-out
//! checkpoint⇥<number of lines that follow>
//! <signed checkpoint verbatim>
//! <index>⇥<leaf hash, Base64>⇥<entry>                                    left-out
//! <index>⇥<leaf hash, Base64>⇥<entry>⇥<salt, Base64>⇥<payload>           carried
//! <index>⇥<leaf hash, Base64>⇥<entry>⇥erased⇥erased                      carried, but erased
//! end⇥<number of entries>
//! ```
//! `⇥` is a tab. Canonical JSON holds neither tabs nor newlines, so nothing needs escaping. What makes it a *signed*
//! file is the checkpoint: its root covers every entry, and each entry commits to its payload.

use super::entry::{ENTRY_BYTES_MAX, PAYLOAD_BYTES_MAX, Salt};
use super::merkle::Hash;
use super::note::{NOTE_BYTES_MAX, SIGNATURES_MAX, decimal};
use super::source::{SealedPart, Stored};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// First line of a bundle.
const MAGIC: &str = "solent-audit-bundle@v1";
/// Most lines a checkpoint may have: its text, extension lines some other log may have written, and signatures.
const CHECKPOINT_LINES_MAX: usize = 16 + SIGNATURES_MAX;
/// Longest line, in bytes: a full entry with a full payload.
pub const LINE_BYTES_MAX: usize = ENTRY_BYTES_MAX + PAYLOAD_BYTES_MAX + 256;

/// Why a bundle cannot be read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BundleError {
    /// A line has the wrong form; names what.
    #[error("not a line of an audit bundle: {0}")]
    Line(&'static str),
    /// An entry or payload holds a tab or newline, so it is not canonical JSON and cannot be carried.
    #[error("an entry or payload is not canonical JSON")]
    Unwritable,
    /// The file ends before its `end` line.
    #[error("the bundle ends before its end line")]
    Cut,
}

/// Whether a bundle carries sealed parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payloads {
    /// With salts and payloads: for readers entitled to them.
    Carried,
    /// Entries only.
    LeftOut,
}

/// The lines before the first entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The log's verifier key, as text. For convenience only.
    pub vkey: String,
    /// Whether sealed parts are carried.
    pub payloads: Payloads,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl Header {
    /// The header's lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let payloads = match self.payloads {
            Payloads::Carried => "carried",
            Payloads::LeftOut => "left-out",
        };
        let lines = self.checkpoint.matches('\n').count();
        format!("{MAGIC}\nvkey\t{}\npayloads\t{payloads}\ncheckpoint\t{lines}\n{}", self.vkey, self.checkpoint)
    }
}

/// Appends the line of one entry.
///
/// # Errors
/// [`BundleError::Unwritable`].
pub fn push_line(out: &mut Vec<u8>, stored: &Stored<'_>, leaf: Hash, payloads: Payloads) -> Result<(), BundleError> {
    let plain = |bytes: &[u8]| !bytes.contains(&b'\t') && !bytes.contains(&b'\n');
    if !plain(stored.entry) {
        return Err(BundleError::Unwritable);
    }
    out.extend_from_slice(format!("{}\t{}\t", stored.index, leaf.to_base64()).as_bytes());
    out.extend_from_slice(stored.entry);
    match (payloads, stored.sealed) {
        (Payloads::LeftOut, _) => {}
        (Payloads::Carried, SealedPart::Kept { salt, payload }) => {
            if !plain(payload) {
                return Err(BundleError::Unwritable);
            }
            out.extend_from_slice(format!("\t{}\t", BASE64_STANDARD.encode(salt.as_bytes())).as_bytes());
            out.extend_from_slice(payload);
        }
        (Payloads::Carried, SealedPart::Erased) => out.extend_from_slice(b"\terased\terased"),
        // What cannot be opened must not pass for erased.
        (Payloads::Carried, SealedPart::Unreadable | SealedPart::Gone | SealedPart::NotCarried) => {
            out.extend_from_slice(b"\tunreadable\tunreadable");
        }
    }
    out.push(b'\n');
    Ok(())
}

/// The last line.
#[must_use]
pub fn end_line(count: u64) -> String {
    format!("end\t{count}\n")
}

/// One entry line, borrowed from the text of the line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryLine<'a> {
    /// Index stated.
    pub index: u64,
    /// Leaf hash stated.
    pub leaf: Hash,
    /// The entry.
    pub entry: &'a [u8],
    /// Its sealed part.
    pub sealed: LineSealed<'a>,
}

/// The sealed part on a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineSealed<'a> {
    /// The bundle leaves payloads out.
    LeftOut,
    /// Erased before the bundle was made.
    Erased,
    /// Could not be opened when the bundle was made.
    Unreadable,
    /// Salt and payload.
    Kept(Salt, &'a [u8]),
}

/// What one line of a bundle turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line<'a> {
    /// Part of the header.
    Header,
    /// An entry.
    Entry(EntryLine<'a>),
    /// The end line: nothing may follow.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Magic,
    Vkey,
    Payloads,
    CheckpointCount,
    Checkpoint(usize),
    Entries,
    Ended,
}

/// Reads a bundle line by line.
#[derive(Clone, Debug)]
pub struct Reader {
    state: State,
    header: Header,
    entries: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Before the first line.
    #[must_use]
    pub const fn new() -> Self {
        let header = Header { vkey: String::new(), payloads: Payloads::LeftOut, checkpoint: String::new() };
        Self { state: State::Magic, header, entries: 0 }
    }

    /// The header, once the line before the first entry has been read.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        matches!(self.state, State::Entries | State::Ended).then_some(&self.header)
    }

    /// Takes the next line, without its newline.
    ///
    /// # Errors
    /// [`BundleError::Line`].
    pub fn line<'a>(&mut self, line: &'a [u8]) -> Result<Line<'a>, BundleError> {
        let wrong = BundleError::Line;
        match self.state {
            State::Entries => self.entry_line(line),
            State::Ended => Err(wrong("something follows the end line")),
            _ => {
                let text = std::str::from_utf8(line).map_err(|_| wrong("the header is not UTF-8"))?;
                self.state = self.header_line(text)?;
                Ok(Line::Header)
            }
        }
    }

    /// Checks that the end line has been read.
    ///
    /// # Errors
    /// [`BundleError::Cut`].
    pub const fn finish(&self) -> Result<(), BundleError> {
        if matches!(self.state, State::Ended) { Ok(()) } else { Err(BundleError::Cut) }
    }

    fn header_line(&mut self, text: &str) -> Result<State, BundleError> {
        let wrong = BundleError::Line;
        Ok(match self.state {
            State::Magic if text == MAGIC => State::Vkey,
            State::Magic => return Err(wrong("the first line is not solent-audit-bundle@v1")),
            State::Vkey => {
                text.strip_prefix("vkey\t").ok_or(wrong("no vkey line"))?.clone_into(&mut self.header.vkey);
                State::Payloads
            }
            State::Payloads => {
                self.header.payloads = match text {
                    "payloads\tcarried" => Payloads::Carried,
                    "payloads\tleft-out" => Payloads::LeftOut,
                    _ => return Err(wrong("no payloads line")),
                };
                State::CheckpointCount
            }
            State::CheckpointCount => {
                let count = text.strip_prefix("checkpoint\t").and_then(decimal).ok_or(wrong("no checkpoint line"))?;
                let count = usize::try_from(count).ok().filter(|n| (1..=CHECKPOINT_LINES_MAX).contains(n));
                State::Checkpoint(count.ok_or(wrong("the checkpoint has too few or too many lines"))?)
            }
            State::Checkpoint(left) => {
                self.header.checkpoint.push_str(text);
                self.header.checkpoint.push('\n');
                if self.header.checkpoint.len() > NOTE_BYTES_MAX {
                    return Err(wrong("the checkpoint is too large"));
                }
                if left > 1 { State::Checkpoint(left - 1) } else { State::Entries }
            }
            State::Entries | State::Ended => self.state,
        })
    }

    fn entry_line<'a>(&mut self, line: &'a [u8]) -> Result<Line<'a>, BundleError> {
        let wrong = BundleError::Line;
        let mut fields = line.split(|b| *b == b'\t');
        let (first, second) = (text_of(fields.next()), text_of(fields.next()));
        if first == Some("end") {
            if second.and_then(decimal) != Some(self.entries) || fields.next().is_some() {
                return Err(wrong("the end line counts other entries than there are"));
            }
            self.state = State::Ended;
            return Ok(Line::End);
        }
        let index = first.and_then(decimal).ok_or(wrong("the index is not a plain number"))?;
        let leaf = second.and_then(Hash::from_base64).ok_or(wrong("the leaf hash is not 32 bytes in Base64"))?;
        let entry = fields.next().ok_or(wrong("no entry"))?;
        let sealed = match (self.header.payloads, fields.next(), fields.next()) {
            (Payloads::LeftOut, None, None) => LineSealed::LeftOut,
            (Payloads::Carried, Some(b"erased"), Some(b"erased")) => LineSealed::Erased,
            (Payloads::Carried, Some(b"unreadable"), Some(b"unreadable")) => LineSealed::Unreadable,
            (Payloads::Carried, Some(salt), Some(payload)) => {
                let salt = BASE64_STANDARD.decode(salt).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
                LineSealed::Kept(Salt::from_bytes(salt.ok_or(wrong("the salt is not 32 bytes in Base64"))?), payload)
            }
            _ => return Err(wrong("the number of fields does not fit the payloads line")),
        };
        if fields.next().is_some() {
            return Err(wrong("too many fields"));
        }
        self.entries = self.entries.saturating_add(1);
        Ok(Line::Entry(EntryLine { index, leaf, entry, sealed }))
    }
}

impl EntryLine<'_> {
    /// As a stored entry.
    #[must_use]
    pub const fn stored(&self) -> Stored<'_> {
        let sealed = match &self.sealed {
            LineSealed::LeftOut => SealedPart::NotCarried,
            LineSealed::Erased => SealedPart::Erased,
            LineSealed::Unreadable => SealedPart::Unreadable,
            LineSealed::Kept(salt, payload) => SealedPart::Kept { salt, payload },
        };
        let (index, entry, leaf) = (self.index, self.entry, Some(self.leaf));
        Stored { leaf, sealed, ..Stored::bare(index, entry) }
    }
}

fn text_of(field: Option<&[u8]>) -> Option<&str> {
    field.and_then(|bytes| std::str::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            vkey: "log+0+x".to_owned(),
            payloads: Payloads::Carried,
            checkpoint: "a\n1\nb\n\n\u{2014} log x\n".to_owned(),
        }
    }

    #[test]
    fn a_bundle_reads_back_line_by_line() {
        let salt = Salt::from_bytes([3; 32]);
        let mut text = header().to_text().into_bytes();
        for (index, sealed) in
            [SealedPart::Kept { salt: &salt, payload: b"{}" }, SealedPart::Erased, SealedPart::Unreadable]
                .into_iter()
                .enumerate()
        {
            let stored = Stored { sealed, ..Stored::bare(index as u64, b"{\"v\":1}") };
            push_line(&mut text, &stored, Hash::default(), Payloads::Carried).unwrap();
        }
        text.extend_from_slice(end_line(3).as_bytes());
        let mut reader = Reader::new();
        let mut sealed = Vec::new();
        for line in text.strip_suffix(b"\n").unwrap().split(|b| *b == b'\n') {
            if let Line::Entry(entry) = reader.line(line).unwrap() {
                assert_eq!((entry.index, entry.entry), (sealed.len() as u64, &b"{\"v\":1}"[..]));
                sealed.push(entry.sealed);
            }
        }
        assert_eq!(sealed, [LineSealed::Kept(salt.clone(), b"{}"), LineSealed::Erased, LineSealed::Unreadable]);
        assert_eq!(reader.finish(), Ok(()));
        assert_eq!(reader.header(), Some(&header()));
        assert_eq!(reader.line(b"more"), Err(BundleError::Line("something follows the end line")));
    }

    #[test]
    fn a_cut_bundle_is_noticed() {
        let mut reader = Reader::new();
        for line in header().to_text().lines() {
            reader.line(line.as_bytes()).unwrap();
        }
        assert_eq!(reader.finish(), Err(BundleError::Cut));
        assert_eq!(reader.line(b"end\t1"), Err(BundleError::Line("the end line counts other entries than there are")));
    }

    #[test]
    fn what_is_not_canonical_cannot_be_carried() {
        let stored = Stored::bare(0, b"{\t}");
        assert_eq!(
            push_line(&mut Vec::new(), &stored, Hash::default(), Payloads::LeftOut),
            Err(BundleError::Unwritable)
        );
    }
}
