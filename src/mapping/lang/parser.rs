//! Tokens to tree: one small method per rule of the grammar, no look-ahead beyond one token.
//!
//! Owns the header; `items.rs` holds the items. Refuses everything outside the grammar with the place, what was
//! expected and, for keywords, the nearest word.

use super::lexer::{Lexeme, Token, lex};
use super::tree::{Ceiling, Item, Let, Mapping, Native, Path, Select, Step, Syntax, Trivia, Word};
use super::tree::{Cond, CondValue};
use crate::diagnostic::{Diagnostic, Span, code};
use crate::vocabulary::Confidentiality;

/// Deepest nesting of blocks.
pub(super) const BLOCKS_MAX: usize = 32;
/// Most steps in one path.
const STEPS_MAX: usize = 32;

/// Words a header line may begin with.
const HEADERS: [&str; 13] = [
    "mapping",
    "title",
    "native",
    "canonical",
    "agency",
    "system",
    "basis",
    "author",
    "covers",
    "ceiling",
    "let",
    "records",
    "rows",
];

pub(super) type Parsed<T> = Result<T, Diagnostic>;

/// Parses a mapping file.
///
/// # Errors
/// `SOL-MAP-SYNTAX` with the place of the first fault.
pub fn parse(source: &[u8]) -> Result<Mapping, Diagnostic> {
    let lexemes = lex(source)?;
    let mut parser = Parser { source, lexemes, at: 0, depth: 0 };
    parser.file()
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a [u8],
    lexemes: Vec<Lexeme>,
    at: usize,
    pub(super) depth: usize,
}

/// Header lines while they are being read.
#[derive(Default)]
struct Head {
    name: Option<(Word, Word)>,
    native: Option<Native>,
    canonical: Option<Word>,
    title: Option<Word>,
    agency: Option<Word>,
    system: Option<Word>,
    basis: Option<Word>,
    author: Option<Word>,
    covers: Vec<Word>,
    ceiling: Option<Ceiling>,
    lets: Vec<Let>,
}

impl Parser<'_> {
    fn file(&mut self) -> Parsed<Mapping> {
        let trivia = self.trivia();
        let mut head = Head::default();
        let mut pending = Trivia::default();
        while self.header_line(&mut head)? {
            self.end_of_line()?;
            pending = self.trivia();
        }
        let items = self.items_until_end(pending)?;
        let place = Span { start: 0, end: 1 };
        let need = |what: &str| self.fault(place, format!("the file has no `{what}` line"));
        let (name, version) = head.name.ok_or_else(|| need("mapping NAME VERSION"))?;
        Ok(Mapping {
            name,
            version,
            native: head.native.ok_or_else(|| need("native"))?,
            canonical: head.canonical.ok_or_else(|| need("canonical"))?,
            title: head.title,
            agency: head.agency,
            system: head.system,
            basis: head.basis,
            author: head.author,
            covers: head.covers,
            ceiling: head.ceiling,
            lets: head.lets,
            items,
            trivia,
        })
    }

    fn header_line(&mut self, head: &mut Head) -> Parsed<bool> {
        let Token::Name(word) = self.peek().token.clone() else { return Ok(false) };
        // `label <-> …` is an item even where a member has a header's name: headers never continue with a path sign.
        if !HEADERS.contains(&word.as_str()) || matches!(self.peek_after().token, Token::Sign(_)) {
            return Ok(false);
        }
        let keyword = self.next();
        let twice = |set: bool, parser: &Self| {
            if set { Err(parser.fault(keyword.span, format!("`{word}` stands twice in the header"))) } else { Ok(()) }
        };
        match word.as_str() {
            "mapping" => {
                twice(head.name.is_some(), self)?;
                head.name = Some((self.name("a name for the mapping")?, self.version()?));
            }
            "native" => {
                twice(head.native.is_some(), self)?;
                head.native = Some(self.native()?);
            }
            "title" => head.title = Some(self.text("a title in quotes")?),
            "canonical" => head.canonical = Some(self.text("the record schema in quotes")?),
            "agency" => head.agency = Some(self.name("a kind of agency")?),
            "system" => head.system = Some(self.text("a system name in quotes")?),
            "basis" => head.basis = Some(self.basis()?),
            "author" => head.author = Some(self.role()?),
            "covers" => {
                twice(!head.covers.is_empty(), self)?;
                head.covers = self.names("a top-level array of the record")?;
            }
            "ceiling" => {
                let conf = self.confidentiality()?;
                self.keyword("because")?;
                head.ceiling = Some(Ceiling { conf, because: self.text("a reason in quotes")? });
            }
            "let" => {
                let name = self.name("a name for the constant")?;
                self.sign("=")?;
                head.lets.push(Let { name, value: self.text("the constant in quotes")? });
            }
            _ => return Err(self.fault(keyword.span, format!("`{word}` belongs to the `native` line"))),
        }
        Ok(true)
    }

    fn native(&mut self) -> Parsed<Native> {
        let word = self.name("fhir, hl7v2, xml, csv or json")?;
        let Some(syntax) = Syntax::parse(&word.text) else {
            return Err(self
                .fault(word.span, "this is not a syntax")
                .with_expected("fhir, hl7v2, xml, csv or json")
                .with_nearest(&word.text, ["fhir", "hl7v2", "xml", "csv", "json"].into_iter()));
        };
        let schema = self.text("the native schema in quotes")?;
        let mut native = Native {
            syntax,
            schema,
            root: Word { text: String::new(), span: word.span },
            shared: vec![],
            records: None,
        };
        if syntax == Syntax::Csv {
            self.keyword("rows")?;
            self.keyword("by")?;
            native.root = self.name("the key column")?;
            if self.is_keyword("shared") {
                self.next();
                native.shared = self.names("a shared column")?;
            }
        } else {
            self.keyword("root")?;
            native.root = self.name("the root's name")?;
            if self.is_keyword("records") {
                self.next();
                native.records = Some(self.path()?);
            }
        }
        Ok(native)
    }

    fn version(&mut self) -> Parsed<Word> {
        let mut word = self.name("a version such as 1.0.0")?;
        while self.is_sign(".") {
            self.next();
            let part = self.name("a number")?;
            word.text = word.text + "." + &part.text;
            word.span.end = part.span.end;
        }
        Ok(word)
    }

    /// `path = "." | ("/" | "./")? step ("." step)*`
    pub(super) fn path(&mut self) -> Parsed<Path> {
        let start = self.peek().span;
        let mut path = Path { root: false, steps: Vec::new(), span: start };
        if self.is_sign("/") {
            self.next();
            path.root = true;
        } else if self.is_sign(".") {
            self.next();
            if !self.is_sign("/") {
                return Ok(path);
            }
            self.next();
        }
        loop {
            let step = self.step()?;
            path.span.end = step.span.end;
            path.steps.push(step);
            if path.steps.len() > STEPS_MAX {
                return Err(self.fault(path.span, format!("the path has more than {STEPS_MAX} steps")));
            }
            if !self.is_sign(".") {
                return Ok(path);
            }
            self.next();
        }
    }

    fn step(&mut self) -> Parsed<Step> {
        let name = self.name("a path: a member name, `.` or `/`")?;
        let mut step = Step { name: name.text, select: None, span: name.span };
        if self.is_sign("[") {
            self.next();
            step.select = Some(self.selector()?);
            step.span.end = self.sign("]")?.span.end;
        }
        Ok(step)
    }

    fn selector(&mut self) -> Parsed<Select> {
        let first = self.member("a position or `member = constant`")?;
        if !self.is_sign("=") {
            let at = first.text.parse::<usize>().map_err(|_| {
                self.fault(
                    first.span,
                    "a selector is a position such as `[0]` or a condition such as `[system = \"x\"]`",
                )
            })?;
            if self.is_sign("..") {
                self.next();
                return Ok(Select::From(at));
            }
            return Ok(Select::At(at));
        }
        let mut conds = vec![self.cond(first)?];
        while self.is_sign(",") {
            self.next();
            let name = self.member("a member name")?;
            conds.push(self.cond(name)?);
        }
        Ok(Select::Where(conds))
    }

    /// A member of an item, or a member of its member: `topic.text`.
    fn member(&mut self, what: &str) -> Parsed<Word> {
        let mut word = self.name(what)?;
        while self.is_sign(".") {
            self.next();
            let inner = self.name("a member name")?;
            word.text = word.text + "." + &inner.text;
            word.span.end = inner.span.end;
        }
        Ok(word)
    }

    fn cond(&mut self, name: Word) -> Parsed<Cond> {
        self.sign("=")?;
        let value = if self.is_sign("$") {
            self.next();
            CondValue::Let(self.name("the name of a constant")?)
        } else if matches!(self.peek().token, Token::Text(_)) {
            CondValue::Text(self.text("a constant")?)
        } else {
            let word = self.name("a text in quotes, `$NAME` or a number")?;
            CondValue::Int(
                word.text
                    .parse()
                    .map_err(|_| self.fault(word.span, "a constant is a text in quotes, `$NAME` or a whole number"))?,
            )
        };
        Ok(Cond { name, value })
    }

    pub(super) fn basis(&mut self) -> Parsed<Word> {
        self.one_of("basis marker", &["fact", "reported", "opinion"])
    }

    pub(super) fn role(&mut self) -> Parsed<Word> {
        if matches!(self.peek().token, Token::Text(_)) {
            return self.text("a role");
        }
        let codes: Vec<&str> = crate::vocabulary::Role::ALL.iter().map(|r| r.code()).collect();
        self.one_of("role", &codes)
    }

    pub(super) fn confidentiality(&mut self) -> Parsed<Confidentiality> {
        let word = self.one_of("confidentiality", &["N", "R", "V"])?;
        Confidentiality::parse(&word.text).ok_or_else(|| self.fault(word.span, "this is not a confidentiality"))
    }

    /// A name out of a closed list, with the nearest member as help.
    pub(super) fn one_of(&mut self, what: &str, allowed: &[&str]) -> Parsed<Word> {
        let word = self.name(&format!("a {what}"))?;
        if allowed.contains(&word.text.as_str()) {
            return Ok(word);
        }
        let fault = self.fault(word.span, format!("`{}` is not a {what}", word.text)).with_expected(allowed.join(", "));
        Err(fault.with_nearest(&word.text, allowed.iter().copied()))
    }

    pub(super) fn names(&mut self, what: &str) -> Parsed<Vec<Word>> {
        let mut names = vec![self.name(what)?];
        while self.is_sign(",") {
            self.next();
            while matches!(self.peek().token, Token::Newline) {
                self.next();
            }
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    // The token stream.

    pub(super) fn peek(&self) -> &Lexeme {
        static END: Lexeme = Lexeme { token: Token::End, span: Span { start: 0, end: 0 } };
        self.lexemes.get(self.at).or(self.lexemes.last()).unwrap_or(&END)
    }
    pub(super) fn peek_after(&self) -> &Lexeme {
        self.lexemes.get(self.at + 1).unwrap_or_else(|| self.peek())
    }
    pub(super) fn next(&mut self) -> Lexeme {
        let lexeme = self.peek().clone();
        self.at += 1;
        lexeme
    }
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek().token, Token::Sign(s) if s == sign)
    }
    pub(super) fn is_keyword(&self, word: &str) -> bool {
        matches!(&self.peek().token, Token::Name(n) if n == word)
    }
    pub(super) fn sign(&mut self, sign: &str) -> Parsed<Lexeme> {
        if self.is_sign(sign) { Ok(self.next()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }
    pub(super) fn keyword(&mut self, word: &str) -> Parsed<Lexeme> {
        if self.is_keyword(word) { Ok(self.next()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }
    pub(super) fn name(&mut self, what: &str) -> Parsed<Word> {
        match self.peek().token.clone() {
            Token::Name(text) => Ok(Word { text, span: self.next().span }),
            _ => Err(self.unexpected(what)),
        }
    }
    pub(super) fn text(&mut self, what: &str) -> Parsed<Word> {
        match self.peek().token.clone() {
            Token::Text(text) => Ok(Word { text, span: self.next().span }),
            _ => Err(self.unexpected(what)),
        }
    }
    pub(super) fn end_of_line(&mut self) -> Parsed<()> {
        match self.peek().token {
            Token::Newline | Token::Comment(_) | Token::End => Ok(()),
            _ => Err(self.unexpected("the end of the line")),
        }
    }
    /// Skips empty lines and takes comment lines before the next item.
    pub(super) fn trivia(&mut self) -> Trivia {
        let mut trivia = Trivia::default();
        let mut newlines = 0;
        loop {
            match self.peek().token.clone() {
                Token::Newline => newlines += 1,
                Token::Comment(text) => {
                    trivia.gap |= newlines > 1 && trivia.before.is_empty();
                    newlines = 0;
                    trivia.before.push(text);
                }
                _ => {
                    trivia.gap |= newlines > 1 && trivia.before.is_empty();
                    return trivia;
                }
            }
            self.next();
        }
    }
    /// A comment at the end of the line just read.
    pub(super) fn comment_after(&mut self) -> Option<String> {
        let Token::Comment(text) = self.peek().token.clone() else { return None };
        self.next();
        Some(text)
    }
    pub(super) fn fault(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code::MAP_SYNTAX, message).with_span(span, self.source)
    }
    pub(super) fn unexpected(&self, expected: &str) -> Diagnostic {
        let found = match &self.peek().token {
            Token::Name(name) => format!("`{name}` is not expected here"),
            Token::Text(_) => "a text is not expected here".to_owned(),
            Token::Sign(sign) => format!("`{sign}` is not expected here"),
            Token::Newline | Token::Comment(_) => "the line ends too early".to_owned(),
            Token::End => "the file ends too early".to_owned(),
        };
        self.fault(self.peek().span, found).with_expected(expected)
    }
    fn items_until_end(&mut self, first: Trivia) -> Parsed<Vec<Item>> {
        let items = self.items(first)?;
        if self.peek().token == Token::End { Ok(items) } else { Err(self.unexpected("an item or the end of the file")) }
    }
}
