//! A bundle file as a log. Owns reading it, a line at a time; checks nothing but the form of its lines.

use super::{Opened, unreadable};
use crate::audit::bundle::{Header, LINE_BYTES_MAX, Line, Reader};
use crate::audit::{LogSource, SourceError, Stored, Vkey};
use crate::cli::Exit;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// Opens a bundle.
pub(super) fn open(file: &Path) -> Result<Opened, Exit> {
    let mut source = BundleFile { path: file.to_owned(), header: None };
    let mut header = None;
    source
        .lines(&mut |reader, _| {
            header = reader.header().cloned();
            if header.is_some() { Go::Stop } else { Go::On }
        })
        .map_err(|e| unreadable(&e))?;
    let vkey = header.as_ref().and_then(|h: &Header| Vkey::parse(&h.vkey).ok());
    source.header = header;
    Ok(Opened { source: Box::new(source), name: file.display().to_string(), vkey })
}

struct BundleFile {
    path: PathBuf,
    header: Option<Header>,
}

#[derive(PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

impl BundleFile {
    fn at(&self, number: u64, problem: impl std::fmt::Display) -> SourceError {
        SourceError::new(format!("{}:{number}", self.path.display()), problem.to_string())
    }

    /// Goes over the lines until `visit` has enough; a file read to its end must have its end line.
    fn lines(&self, visit: &mut dyn FnMut(&Reader, Line<'_>) -> Go) -> Result<(), SourceError> {
        let open = File::open(&self.path).map_err(|e| self.at(0, format!("cannot be read: {e}")))?;
        let mut input = BufReader::with_capacity(1 << 20, open);
        let mut reader = Reader::new();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
            let read = input.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.map_err(|e| self.at(number, format!("cannot be read: {e}")))? == 0 {
                return reader.finish().map_err(|e| self.at(number, e));
            }
            let Some(text) = line.strip_suffix(b"\n") else {
                return Err(self.at(number, "the line is too long or the file ends inside it"));
            };
            let found = reader.line(text).map_err(|e| self.at(number, e))?;
            if visit(&reader, found) == Go::Stop {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl LogSource for BundleFile {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.header.as_ref().map(|h| h.checkpoint.clone().into_bytes()))
    }

    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        self.lines(&mut |_, line| {
            if let Line::Entry(entry) = line {
                visit(entry.stored());
            }
            Go::On
        })
    }

    fn entry(&self, index: u64, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        self.lines(&mut |_, line| match line {
            Line::Entry(entry) if entry.index == index => {
                visit(entry.stored());
                Go::Stop
            }
            _ => Go::On,
        })
    }
}
