//! The JSON reader: one pass, no recursion, limits checked as it goes.

use crate::diagnostic::{Code, Diagnostic, Span, code};
use crate::document::{Document, Kind, Limits, Names, NodeId};

/// Objects with more members than this look for duplicates by sorting; smaller ones compare every pair.
const PAIRWISE_MAX: usize = 16;

/// Reads one JSON text. A byte order mark before it is skipped; white space around it is allowed.
///
/// # Errors
/// `SOL-DOC-SYNTAX` when it is not JSON or not UTF-8, `SOL-DOC-FORBIDDEN` for a duplicate key, NUL or a lone surrogate,
/// `SOL-DOC-LIMIT` past a limit. Each has line and column, none has any of the text.
///
/// # Source
/// RFC 8259; RFC 7493 (I-JSON) §2.1 and §2.3 for surrogates and duplicate names.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document, Diagnostic> {
    read_knowing(bytes, limits, None)
}

/// As [`read()`], into a tree that knows these names from the start.
///
/// # Errors
/// As [`read()`].
pub fn read_knowing(bytes: &[u8], limits: &Limits, names: Option<&Names>) -> Result<Document, Diagnostic> {
    if bytes.len() > limits.bytes_max {
        let text = format!("the message has more than {} bytes", limits.bytes_max);
        return Err(Diagnostic::error(code::DOC_LIMIT, text));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        Diagnostic::error(code::DOC_SYNTAX, "the message is not UTF-8 here")
            .with_span(Span { start: at, end: at + 1 }, bytes)
    })?;
    let mut reader = Reader::new(text, limits, names);
    match reader.document() {
        Ok(()) => Ok(reader.document),
        Err(fault) => {
            let span = Span { start: fault.at, end: fault.at + 1 };
            let place = reader.open.last().map_or_else(String::new, |o| reader.document.source_pointer(o.node));
            Err(Diagnostic::error(fault.code, fault.text).with_span(span, bytes).with_pointer(place))
        }
    }
}

struct Fault {
    code: Code,
    text: String,
    at: usize,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    limits: &'a Limits,
    document: Document,
    open: Vec<Open>,
    /// The last string that had escapes, without them.
    scratch: String,
    keys: Vec<(u32, usize)>,
}

/// A container that is open.
#[derive(Clone, Copy)]
struct Open {
    node: NodeId,
    object: bool,
    count: usize,
}

/// Where the words of a string, number or word stand: mostly in the message itself, so that they are copied once.
#[derive(Clone, Copy)]
enum Text {
    /// From here to there in the message.
    Plain(usize, usize),
    /// In `scratch`.
    Built,
}

impl Text {
    const NONE: Self = Self::Plain(0, 0);

    fn words<'t>(self, message: &'t str, scratch: &'t str) -> &'t str {
        match self {
            Self::Plain(from, to) => message.get(from..to).unwrap_or(""),
            Self::Built => scratch,
        }
    }
}

/// What may come next.
enum Next {
    Value,
    FirstOrClose,
    CommaOrClose,
    End,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, limits: &'a Limits, names: Option<&Names>) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let document = Document::empty(text.len() / 2, names);
        Self { text, at, limits, document, open: Vec::new(), scratch: String::new(), keys: Vec::new() }
    }

    fn document(&mut self) -> Result<(), Fault> {
        let mut next = Next::Value;
        loop {
            self.space();
            next = match next {
                Next::Value => self.value()?,
                Next::FirstOrClose if self.closes() => self.close()?,
                Next::FirstOrClose => self.value()?,
                Next::CommaOrClose if self.closes() => self.close()?,
                Next::CommaOrClose => {
                    self.expect(b',', "a comma or the end of this array or object")?;
                    self.space();
                    Next::Value
                }
                Next::End if self.peek().is_none() => return Ok(()),
                Next::End => return self.syntax("there is something after the end of the message"),
            };
        }
    }

    /// A value, with its name before it when the container is an object.
    fn value(&mut self) -> Result<Next, Fault> {
        let parent = self.open.last().map(|o| o.node);
        let mut key = None;
        if self.open.last().is_some_and(|o| o.object) {
            if self.peek() != Some(b'"') {
                return self.syntax("a member name in quotes was expected");
            }
            let name = self.string()?;
            key = Some(self.document.number_key(name.words(self.text, &self.scratch)));
            self.space();
            self.expect(b':', "a colon after the member name")?;
            self.space();
        }
        self.room()?;
        let at = self.at;
        let (kind, text) = match self.peek() {
            Some(b'{') => (Kind::Object, Text::NONE),
            Some(b'[') => (Kind::Array, Text::NONE),
            Some(b'"') => (Kind::String, self.string()?),
            Some(b'-' | b'0'..=b'9') => (Kind::Number, self.number()?),
            _ => self.word()?,
        };
        let words = text.words(self.text, &self.scratch);
        let id = match parent {
            Some(p) => self.document.add_numbered(p, key, kind, words, at),
            None => self.document.add_root(kind, words, at),
        };
        if matches!(kind, Kind::Object | Kind::Array) {
            return self.enter(id, kind == Kind::Object);
        }
        Ok(self.after())
    }

    fn enter(&mut self, node: NodeId, object: bool) -> Result<Next, Fault> {
        if self.open.len() >= self.limits.depth_max {
            let text = format!("the message is nested deeper than {} levels", self.limits.depth_max);
            return self.fault(code::DOC_LIMIT, text);
        }
        self.at += 1;
        self.open.push(Open { node, object, count: 0 });
        Ok(Next::FirstOrClose)
    }

    fn close(&mut self) -> Result<Next, Fault> {
        if let Some(open) = self.open.last()
            && open.object
        {
            self.refuse_duplicates(open.node)?;
        }
        self.at += 1;
        self.open.pop();
        Ok(self.after())
    }

    const fn after(&self) -> Next {
        if self.open.is_empty() { Next::End } else { Next::CommaOrClose }
    }

    /// Checks that one more node fits.
    fn room(&mut self) -> Result<(), Fault> {
        if self.document.node_count() >= self.limits.nodes_max {
            let text = format!("the message has more than {} values", self.limits.nodes_max);
            return self.fault(code::DOC_LIMIT, text);
        }
        if let Some(open) = self.open.last_mut() {
            open.count += 1;
            if !open.object && open.count > self.limits.repeats_max {
                let text = format!("this array has more than {} items", self.limits.repeats_max);
                return self.fault(code::DOC_LIMIT, text);
            }
        }
        Ok(())
    }

    fn refuse_duplicates(&mut self, id: NodeId) -> Result<(), Fault> {
        // One bit for each name: names of different bits differ, and mostly that settles it.
        let (mut bits, mut doubt) = (0_u64, false);
        for key in self.document.children(id).filter_map(|c| self.document.key_number_of(c)) {
            let bit = 1_u64 << (key % 64);
            doubt |= bits & bit != 0;
            bits |= bit;
        }
        if !doubt {
            return Ok(());
        }
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        let members = self.document.children(id);
        keys.extend(members.filter_map(|c| Some((self.document.key_number_of(c)?, self.document.offset(c)))));
        let twice = if keys.len() <= PAIRWISE_MAX {
            keys.iter().enumerate().find(|(i, (k, _))| keys.iter().take(*i).any(|(other, _)| other == k))
        } else {
            keys.sort_unstable();
            keys.iter().zip(keys.iter().skip(1)).find(|((a, _), (b, _))| a == b).map(|(_, b)| (0, b))
        };
        let found = twice.map(|(_, (_, at))| *at);
        self.keys = keys;
        match found {
            None => Ok(()),
            Some(at) => {
                Err(Fault { code: code::DOC_FORBIDDEN, text: "this object has two members of one name".into(), at })
            }
        }
    }

    /// A string, its escapes resolved. The cursor is on the opening quote.
    fn string(&mut self) -> Result<Text, Fault> {
        self.at += 1;
        let start = self.at;
        self.plain();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Text::Plain(start, self.at - 1));
        }
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        out.push_str(self.text.get(start..self.at).unwrap_or(""));
        let read = self.escaped(&mut out);
        self.scratch = out;
        read
    }

    /// The rest of a string with escapes.
    fn escaped(&mut self, out: &mut String) -> Result<Text, Fault> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Text::Built);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(0) => return self.fault(code::DOC_FORBIDDEN, "a NUL character is never accepted".into()),
                Some(_) => return self.syntax("a control character must be escaped in a string"),
                None => return self.syntax("the message ends inside a string"),
            }
            let start = self.at;
            self.plain();
            out.push_str(self.text.get(start..self.at).unwrap_or(""));
        }
    }

    /// Passes over what stands for itself in a string.
    fn plain(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or(&[]);
        self.at += plain_bytes(rest);
    }

    fn escape(&mut self) -> Result<char, Fault> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.syntax("this escape is not one of JSON's"),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, Fault> {
        let high = self.hex()?;
        let lone = "half of a surrogate pair stands alone";
        let scalar = match high {
            0 => return self.fault(code::DOC_FORBIDDEN, "a NUL character is never accepted".into()),
            0xD800..=0xDBFF => {
                if !self.text.as_bytes().get(self.at..).is_some_and(|r| r.starts_with(b"\\u")) {
                    return self.fault(code::DOC_FORBIDDEN, lone.into());
                }
                self.at += 1;
                let low = self.hex()?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return self.fault(code::DOC_FORBIDDEN, lone.into());
                }
                0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
            }
            other => other,
        };
        match char::from_u32(scalar) {
            Some(c) => Ok(c),
            None => self.fault(code::DOC_FORBIDDEN, lone.into()),
        }
    }

    /// Four hexadecimal digits after the `u` under the cursor.
    fn hex(&mut self) -> Result<u32, Fault> {
        self.at += 1;
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|d| u32::from_str_radix(d, 16).ok()) {
            Some(number) => {
                self.at += 4;
                Ok(number)
            }
            None => self.syntax("four hexadecimal digits were expected"),
        }
    }

    fn number(&mut self) -> Result<Text, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if zero && whole > 1 {
            return self.syntax("a number does not begin with a needless zero");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Text::Plain(start, self.at))
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or(&[]);
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return self.syntax("a digit was expected");
        }
        self.at += count;
        Ok(count)
    }

    fn word(&mut self) -> Result<(Kind, Text), Fault> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or(&[]);
        for (word, kind) in [("true", Kind::Bool), ("false", Kind::Bool), ("null", Kind::Null)] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok((kind, Text::Plain(self.at - word.len(), self.at)));
            }
        }
        match rest.first() {
            None => self.syntax("the message ends where a value was expected"),
            Some(_) => self.syntax("a value was expected"),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn closes(&self) -> bool {
        let close = if self.open.last().is_some_and(|o| o.object) { b'}' } else { b']' };
        self.peek() == Some(close)
    }
    fn space(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or(&[]);
        // Between most tokens stands nothing, or a line end and many blanks.
        if rest.first().is_none_or(|b| *b > b' ') {
            return;
        }
        let blanks = rest.get(1..).unwrap_or(&[]).as_chunks::<8>().0.iter().take_while(|c| **c == [b' '; 8]).count();
        let skipped = if matches!(rest.first(), Some(b' ' | b'\t' | b'\n' | b'\r')) { 1 + 8 * blanks } else { 0 };
        let tail = rest.get(skipped..).unwrap_or(&[]);
        self.at += skipped + tail.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    }
    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return self.syntax(&format!("{what} was expected"));
        }
        self.at += 1;
        Ok(())
    }
    fn syntax<T>(&self, text: &str) -> Result<T, Fault> {
        self.fault(code::DOC_SYNTAX, text.to_owned())
    }
    const fn fault<T>(&self, code: Code, text: String) -> Result<T, Fault> {
        Err(Fault { code, text, at: self.at })
    }
}

/// How many bytes stand for themselves in a string: up to a quote, a backslash or a control character. Eight at a time.
pub(super) fn plain_bytes(rest: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The lowest byte flagged is right; only those above it may be flagged wrongly.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let ends = |chunk: &[u8; 8]| {
        let word = u64::from_le_bytes(*chunk);
        let low = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = low | zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5C));
        (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
    };
    let (chunks, tail) = rest.as_chunks::<8>();
    for (at, chunk) in chunks.iter().enumerate() {
        if let Some(place) = ends(chunk) {
            return at * 8 + place;
        }
    }
    match rest.last_chunk::<8>() {
        _ if tail.is_empty() => rest.len(),
        // The last eight once more: what was passed over before is plain.
        Some(last) => ends(last).map_or(rest.len(), |place| rest.len() - 8 + place),
        None => tail.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1F)).unwrap_or(tail.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::plain_bytes;

    #[test]
    fn what_ends_a_plain_run_is_found_wherever_it_stands() {
        for at in 0..20 {
            for end in [b'"', b'\\', 0, 0x1F, b'\n'] {
                let mut text = "é x~!#[]\u{7f}ü, naïve ".repeat(2).into_bytes();
                text.truncate(20);
                if let Some(place) = text.get_mut(at) {
                    *place = end;
                }
                assert_eq!(plain_bytes(&text), at);
            }
        }
        assert_eq!(plain_bytes("no end at all, ÿ".as_bytes()), 17);
    }
}
