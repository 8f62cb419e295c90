//! The extract: entries of a span as one text file, each with the proof that it is in the log.
//!
//! Owns the line format, writing and checking. What proves an entry is the signed checkpoint at the head and the hashes beside
//! the entry; what the view says of it is the gateway's word, and whose digest the entry about the export holds. Reads no
//! file. Read [`Head`], then [`check`].
//!
//! ```text
//! solent-audit-extract@v1
//! watermark⇥<who took it, under which hat, when, why: JSON>
//! vkey⇥<verifier key>                       for convenience; trust only a key obtained another way
//! checkpoint⇥<number of lines that follow>
//! <signed checkpoint verbatim>
//! <index>⇥<entry>⇥<hashes, Base64, commas between>⇥<what the view says of it: JSON>
//! end⇥<number of entries>
//! ```
//! `⇥` is a tab.

use super::entry::{ENTRY_BYTES_MAX, OpenEntry};
use super::merkle::{Hash, leaf_hash, verify_inclusion};
use super::note::{Checkpoint, NOTE_BYTES_MAX, Vkey, decimal};

/// First line of an extract.
const MAGIC: &str = "solent-audit-extract@v1";
/// Most lines a checkpoint may have.
const CHECKPOINT_LINES_MAX: usize = 128;
/// Most hashes of one proof.
const HASHES_MAX: usize = 64;

/// Why an extract cannot be believed. Names the line, never what stands in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExtractError {
    /// A line has the wrong form.
    #[error("line {0} is not a line of an audit extract: {1}")]
    Line(usize, &'static str),
    /// The checkpoint is not signed with a key given.
    #[error("the checkpoint cannot be read, or is not signed with this key")]
    Checkpoint,
    /// An entry is not in the signed log.
    #[error("the entry on line {0} is not in the signed log")]
    NotInLog(usize),
    /// The file ends before its `end` line, or the number there is another.
    #[error("the extract was cut")]
    Cut,
}

/// What stands before the first entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Who took it, as JSON on one line.
    pub watermark: String,
    /// The log's verifier key.
    pub vkey: String,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl Head {
    /// The head's lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines = self.checkpoint.matches('\n').count();
        let Self { watermark, vkey, checkpoint } = self;
        format!("{MAGIC}\nwatermark\t{watermark}\nvkey\t{vkey}\ncheckpoint\t{lines}\n{checkpoint}")
    }
}

/// The line of one entry; `None` when entry or view hold a tab or a line end, which canonical JSON does not.
#[must_use]
pub fn line(index: u64, entry: &[u8], hashes: &[Hash], view: &str) -> Option<String> {
    let entry = std::str::from_utf8(entry).ok()?;
    if [entry, view].iter().any(|t| t.contains(['\t', '\n'])) {
        return None;
    }
    let hashes: Vec<String> = hashes.iter().map(|h| h.to_base64()).collect();
    Some(format!("{index}\t{entry}\t{}\t{view}\n", hashes.join(",")))
}

/// The last line.
#[must_use]
pub fn end_line(count: usize) -> String {
    format!("end\t{count}\n")
}

/// What a checked extract is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// Who took it, as the file says.
    pub watermark: String,
    /// The signed state its entries are in.
    pub checkpoint: Checkpoint,
    /// Entries, each proved.
    pub entries: usize,
}

/// Checks every entry of an extract against its signed checkpoint.
///
/// # Errors
/// [`ExtractError`]: the first thing that is wrong.
pub fn check(text: &str, keys: &[Vkey]) -> Result<Checked, ExtractError> {
    let mut lines = text.split_inclusive('\n').enumerate().map(|(n, line)| (n.saturating_add(1), line));
    let mut next = |what: &'static str| -> Result<(usize, &str), ExtractError> {
        let (number, line) = lines.next().ok_or(ExtractError::Cut)?;
        Ok((number, line.strip_suffix('\n').ok_or(ExtractError::Line(number, what))?))
    };
    let field = |(number, line): (usize, &str), name: &'static str| {
        let value = line.split_once('\t').filter(|(n, _)| *n == name).map(|(_, v)| v.to_owned());
        value.ok_or(ExtractError::Line(number, name))
    };
    let (_, magic) = next("the first line")?;
    if magic != MAGIC {
        return Err(ExtractError::Line(1, "the first line"));
    }
    let watermark = field(next("watermark")?, "watermark")?;
    field(next("vkey")?, "vkey")?;
    let count = decimal(&field(next("checkpoint")?, "checkpoint")?).and_then(|n| usize::try_from(n).ok());
    let count = count.filter(|n| *n <= CHECKPOINT_LINES_MAX).ok_or(ExtractError::Line(4, "checkpoint"))?;
    let mut note = String::new();
    for _ in 0..count {
        note.push_str(next("checkpoint")?.1);
        note.push('\n');
    }
    if note.len() > NOTE_BYTES_MAX {
        return Err(ExtractError::Checkpoint);
    }
    let (checkpoint, _) = Checkpoint::open(note.as_bytes(), keys).map_err(|_| ExtractError::Checkpoint)?;
    let mut entries = 0_usize;
    loop {
        let (number, line) = next("an entry")?;
        if let Some(stated) = line.strip_prefix("end\t") {
            let whole = decimal(stated).and_then(|n| usize::try_from(n).ok()) == Some(entries);
            let last = lines.next().is_none();
            return if whole && last { Ok(Checked { watermark, checkpoint, entries }) } else { Err(ExtractError::Cut) };
        }
        one(number, line, &checkpoint)?;
        entries = entries.saturating_add(1);
    }
}

fn one(number: usize, line: &str, checkpoint: &Checkpoint) -> Result<(), ExtractError> {
    let wrong = |what: &'static str| ExtractError::Line(number, what);
    let mut parts = line.splitn(4, '\t');
    let index = parts.next().and_then(decimal).ok_or(wrong("the index"))?;
    let entry = parts.next().filter(|e| e.len() <= ENTRY_BYTES_MAX).ok_or(wrong("the entry"))?;
    let hashes = parts.next().ok_or(wrong("the hashes"))?;
    parts.next().ok_or(wrong("what the view says"))?;
    let hashes: Option<Vec<Hash>> =
        if hashes.is_empty() { Some(Vec::new()) } else { hashes.split(',').map(Hash::from_base64).collect() };
    let hashes = hashes.filter(|h| h.len() <= HASHES_MAX).ok_or(wrong("the hashes"))?;
    let open = OpenEntry::parse(entry.as_bytes()).map_err(|_| wrong("the entry"))?;
    let proved = verify_inclusion(&leaf_hash(entry.as_bytes()), index, checkpoint.size, &hashes, &checkpoint.root);
    if proved.is_err() || open.log != checkpoint.origin.as_str() {
        return Err(ExtractError::NotInLog(number));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::merkle::{Tree, inclusion_proof};
    use crate::audit::{Draft, Event, Origin, Outcome, Payload, Salt, Signer};
    use crate::clock::Moment;
    use crate::ident::EntryId;

    fn made() -> (String, Vkey) {
        let origin = Origin::parse("audit.example.org/log1").unwrap();
        let signer = Signer::log(origin.clone(), &[7; 32]).unwrap();
        let entries: Vec<Vec<u8>> = (0..5_u8)
            .map(|n| {
                let id = EntryId::new(format!("018f0000-0000-7000-8000-00000000000{n}"));
                let sealed = Draft::new(Outcome::Allow, Payload::new(Event::View));
                let sealed = sealed.seal(id, Salt::from_bytes([n; 32])).unwrap();
                sealed.entry(&origin, Moment::from_millis(i64::from(n))).unwrap().into_bytes()
            })
            .collect();
        let tree = Tree::new(entries.iter().map(|e| leaf_hash(e)).collect());
        let checkpoint = signer.checkpoint(5, tree.root()).to_text();
        let head = Head { watermark: "{}".to_owned(), vkey: signer.vkey().to_string(), checkpoint };
        let mut text = head.to_text();
        for index in [1_u64, 4] {
            let hashes = inclusion_proof(&tree, index, 5).unwrap();
            let entry = &entries[usize::try_from(index).unwrap()];
            text.push_str(&line(index, entry, &hashes, "{\"event\":\"view\"}").unwrap());
        }
        text.push_str(&end_line(2));
        (text, signer.vkey().clone())
    }

    #[test]
    fn an_extract_proves_each_of_its_entries() {
        let (text, key) = made();
        let checked = check(&text, &[key]).unwrap();
        assert_eq!((checked.entries, checked.checkpoint.size), (2, 5));
    }

    #[test]
    fn an_altered_entry_an_altered_hash_another_key_and_a_missing_end_are_seen() {
        let (text, key) = made();
        let keys = [key];
        assert!(matches!(check(&text.replace("\"allow\"", "\"deny\""), &keys), Err(ExtractError::NotInLog(_))));
        assert!(matches!(check(&text.replace("\n4\t", "\n3\t"), &keys), Err(ExtractError::NotInLog(_))));
        let other = Signer::log(Origin::parse("audit.example.org/log1").unwrap(), &[8; 32]).unwrap();
        assert_eq!(check(&text, &[other.vkey().clone()]), Err(ExtractError::Checkpoint));
        for cut in [text.replace("end\t2\n", ""), text.replace("end\t2", "end\t3"), format!("{text}more\n")] {
            assert_eq!(check(&cut, &keys), Err(ExtractError::Cut));
        }
        assert!(matches!(check("", &keys), Err(ExtractError::Cut)));
        assert!(matches!(check("something else\n", &keys), Err(ExtractError::Line(1, _))));
    }
}
