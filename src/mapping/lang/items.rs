//! The items of a mapping file: fields, scopes, labels and the rest of the grammar.

use super::lexer::Token;
use super::parser::{BLOCKS_MAX, Parsed, Parser};
use super::tree::{
    About, Arrow, Converter, DropRule, Field, Fixed, Guard, Item, ItemKind, Label, Path, Scope, ScopeKind, Sensitivity,
    Side, Trivia, Which, Word,
};
use crate::diagnostic::{Position, Span};
use crate::vocabulary::{Category, Level};

/// Label tables of one label, one after the other.
const LABEL_TABLES_MAX: usize = 4;

impl Parser<'_> {
    /// Items up to `}` or the end of the file. `trivia` stood before the first one.
    pub(super) fn items(&mut self, mut trivia: Trivia) -> Parsed<Vec<Item>> {
        let mut items = Vec::new();
        while self.peek().token != Token::End && !self.is_sign("}") {
            items.push(self.item(trivia)?);
            trivia = self.trivia();
        }
        Ok(items)
    }

    fn item(&mut self, trivia: Trivia) -> Parsed<Item> {
        let start = self.peek().span;
        let word = match &self.peek().token {
            Token::Name(name) => name.clone(),
            _ => String::new(),
        };
        // A keyword followed by a path sign or `]`/`:` would be a member; the grammar says the keyword wins, and such a
        // member is written `./label`.
        let kind = match word.as_str() {
            "group" => self.scope(ScopeKind::Group)?,
            "each" => self.scope(ScopeKind::Each)?,
            "choice" => self.choice()?,
            "label" => self.label()?,
            "fixed" => self.fixed()?,
            "drop" => self.drop_rule()?,
            "include" => {
                self.next();
                ItemKind::Include(self.name("the name of a fragment")?)
            }
            "fragment" => {
                self.next();
                let name = self.name("a name for the fragment")?;
                ItemKind::Fragment(name, self.block()?.1)
            }
            _ => ItemKind::Field(self.field()?),
        };
        let line = Position::of(self.source, start.start).line;
        let after = self.comment_after();
        if !self.is_sign("}") {
            self.end_of_line()?;
        }
        let span = Span { start: start.start, end: self.peek().span.start.max(start.end) };
        Ok(Item { kind, span: trim(self.source, span), line, trivia: Trivia { after, ..trivia } })
    }

    /// The comment after `{` (kept with the block's item) and the items.
    fn block(&mut self) -> Parsed<(Option<String>, Vec<Item>)> {
        let open = self.sign("{")?;
        self.depth += 1;
        if self.depth > BLOCKS_MAX {
            return Err(self.fault(open.span, format!("blocks are nested more than {BLOCKS_MAX} deep")));
        }
        let comment = self.comment_after();
        let mut trivia = self.trivia();
        trivia.gap = false;
        if let Some(text) = comment.clone() {
            trivia.before.insert(0, text);
        }
        let items = self.items(trivia)?;
        if !self.is_sign("}") {
            return Err(self.fault(open.span, "this block is never closed").with_expected("`}`"));
        }
        self.next();
        self.depth -= 1;
        Ok((comment, items))
    }

    fn arrow(&mut self) -> Parsed<Arrow> {
        let arrow = match self.peek().token {
            Token::Sign("<->") => Arrow::Both,
            Token::Sign("->") => Arrow::Read,
            Token::Sign("<-") => Arrow::Write,
            _ => return Err(self.unexpected("`<->`, `->` or `<-`")),
        };
        self.next();
        Ok(arrow)
    }

    fn field(&mut self) -> Parsed<Field> {
        let native = self.path()?;
        let arrow = self.arrow()?;
        let canonical = self.side()?;
        self.sign(":")?;
        let converter = self.converter()?;
        let mut field = Field { native, arrow, canonical, converter, default: None, only_when: None, because: None };
        loop {
            if self.is_keyword("default") {
                self.next();
                field.default = Some(self.text("the default value in quotes")?);
            } else if self.is_keyword("only") {
                self.next();
                self.keyword("when")?;
                let path = self.path()?;
                let equals = if self.is_keyword("present") {
                    self.next();
                    None
                } else {
                    self.sign("=")?;
                    Some(self.text("a constant in quotes")?)
                };
                field.only_when = Some(Guard { path, equals });
            } else if self.is_keyword("because") {
                self.next();
                field.because = Some(self.text("a reason in quotes")?);
            } else {
                return Ok(field);
            }
        }
    }

    fn side(&mut self) -> Parsed<Side> {
        if !self.is_sign("(") {
            return Ok(Side::One(self.path()?));
        }
        self.next();
        let mut paths = vec![self.path()?];
        while self.is_sign(",") {
            self.next();
            paths.push(self.path()?);
        }
        self.sign(")")?;
        Ok(Side::Tuple(paths))
    }

    fn converter(&mut self) -> Parsed<Converter> {
        let name = self.name("a converter such as text, date or code TABLE")?;
        match name.text.as_str() {
            "code" => Ok(Converter::Code(self.name("the name of a code table")?)),
            "ref" => Ok(Converter::Ref(self.names("the name of a segment")?)),
            _ if matches!(self.peek().token, Token::Text(_)) => {
                Ok(Converter::Named(name, Some(self.text("an argument")?)))
            }
            _ => Ok(Converter::Named(name, None)),
        }
    }

    fn scope(&mut self, kind: ScopeKind) -> Parsed<ItemKind> {
        self.next();
        let native = self.path()?;
        if self.arrow()? != Arrow::Both {
            return Err(self.unexpected("`<->`: blocks always work both ways; make their fields one-way instead"));
        }
        let canonical = self.path()?;
        let mut scope =
            Scope { kind, native, canonical, converter: None, name: None, id: None, links: vec![], items: vec![] };
        if kind == ScopeKind::Each && self.is_sign(":") {
            self.next();
            scope.converter = Some(self.converter()?);
            return Ok(ItemKind::Scope(scope));
        }
        loop {
            if self.is_keyword("as") {
                self.next();
                scope.name = Some(self.name("a name for the segment")?);
            } else if self.is_keyword("id") {
                self.next();
                scope.id = Some(self.path()?);
            } else if self.is_keyword("link") {
                self.next();
                scope.links.push(self.link()?);
                while self.is_sign(",") {
                    self.next();
                    scope.links.push(self.link()?);
                }
            } else {
                break;
            }
        }
        scope.items = self.block()?.1;
        Ok(ItemKind::Scope(scope))
    }

    fn link(&mut self) -> Parsed<(Word, Word)> {
        let field = self.name("a member of the segment")?;
        self.sign("=")?;
        Ok((field, self.name("the name of a segment")?))
    }

    fn choice(&mut self) -> Parsed<ItemKind> {
        let keyword = self.next();
        let items = self.block()?.1;
        if let Some(other) = items.iter().find(|i| !matches!(i.kind, ItemKind::Field(_))) {
            return Err(self.fault(other.span, "a choice holds fields only"));
        }
        if items.len() < 2 {
            return Err(self.fault(keyword.span, "a choice needs two fields or more"));
        }
        Ok(ItemKind::Choice(items))
    }

    fn label(&mut self) -> Parsed<ItemKind> {
        self.next();
        let sensitivity = self.sensitivity(LABEL_TABLES_MAX)?;
        self.label_of(sensitivity)
    }

    /// `CATEGORY CONF`, or `by TABLE of PATH`, with another such after `else`.
    fn sensitivity(&mut self, tables: usize) -> Parsed<Sensitivity> {
        Ok(if tables > 0 && self.is_keyword("by") {
            self.next();
            let table = self.name("the name of a label table")?;
            self.keyword("of")?;
            let path = self.path()?;
            let otherwise = if self.is_keyword("else") {
                self.next();
                Some(Box::new(self.sensitivity(tables - 1)?))
            } else {
                None
            };
            Sensitivity::By { table, path, otherwise }
        } else {
            let codes: Vec<&str> = Category::ALL.iter().map(|c| c.code()).collect();
            let word = self.one_of("category", &codes)?;
            let category =
                Category::parse(&word.text).ok_or_else(|| self.fault(word.span, "this is not a category"))?;
            let conf = self.confidentiality()?;
            let sealed = self.is_keyword("sealed");
            if sealed {
                self.next();
            }
            Sensitivity::Fixed { category, conf, sealed }
        })
    }

    fn label_of(&mut self, sensitivity: Sensitivity) -> Parsed<ItemKind> {
        self.keyword("about")?;
        let about = if self.is_keyword("ref") {
            self.next();
            let path = self.path()?;
            About::Ref(path, self.names("the name of a person")?)
        } else {
            About::Name(self.name("the name of a person")?)
        };
        let mut label = Label {
            sensitivity,
            about,
            third_party: None,
            basis: None,
            author: None,
            observed: None,
            handling: vec![],
            summary: None,
            caps: vec![],
        };
        while let Token::Name(word) = self.peek().token.clone() {
            self.label_extra(&word, &mut label)?;
        }
        Ok(ItemKind::Label(label))
    }

    fn label_extra(&mut self, word: &str, label: &mut Label) -> Parsed<()> {
        const EXTRAS: [&str; 7] = ["third-party", "basis", "author", "observed", "handling", "summary", "cap"];
        const HANDLING: [&str; 8] =
            ["NORDSCLCD", "NOREUSE", "PERSISTLABEL", "REDACT", "NOPAT", "CPLYCD", "tell-police", "verify-before-use"];
        self.one_of("part of a label", &EXTRAS)?;
        match word {
            "third-party" => label.third_party = Some(self.one_of("third-party mark", &["possible", "named"])?),
            "basis" => label.basis = Some(self.basis()?),
            "author" => label.author = Some(self.role()?),
            "observed" => label.observed = Some(self.path()?),
            "handling" => {
                label.handling.push(self.one_of("handling code", &HANDLING)?);
                while self.is_sign(",") {
                    self.next();
                    label.handling.push(self.one_of("handling code", &HANDLING)?);
                }
            }
            "summary" => {
                let of = self.is_keyword("of");
                if of {
                    self.next();
                }
                label.summary = Some(if of { Some(self.name("the name of the full segment")?) } else { None });
            }
            _ => {
                let level = self.one_of("level", &["N", "I", "S"])?;
                let level = Level::parse(&level.text).ok_or_else(|| self.fault(level.span, "this is not a level"))?;
                self.keyword("for")?;
                let mut roles = vec![self.role()?];
                while self.is_sign(",") {
                    self.next();
                    roles.push(self.role()?);
                }
                label.caps.push((level, roles));
            }
        }
        Ok(())
    }

    fn which(&mut self) -> Parsed<Which> {
        let word = self.one_of("side", &["native", "canonical"])?;
        Ok(if word.text == "native" { Which::Native } else { Which::Canonical })
    }

    fn fixed(&mut self) -> Parsed<ItemKind> {
        self.next();
        let which = self.which()?;
        let path = self.path()?;
        self.sign("=")?;
        let value = if self.is_keyword("position") {
            self.next();
            None
        } else {
            Some(self.text("a constant in quotes, or `position`")?)
        };
        Ok(ItemKind::Fixed(Fixed { which, path, value }))
    }

    fn drop_rule(&mut self) -> Parsed<ItemKind> {
        self.next();
        let which = self.which()?;
        let path: Option<Path> = if self.is_keyword("rest") {
            self.next();
            None
        } else {
            Some(self.path()?)
        };
        self.keyword("because")?;
        Ok(ItemKind::Drop(DropRule { which, path, because: self.text("a reason in quotes")? }))
    }
}

/// A span without the blanks at its end.
fn trim(source: &[u8], span: Span) -> Span {
    let text = source.get(span.start..span.end).unwrap_or(&[]);
    let blanks = text.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
    Span { start: span.start, end: span.end - blanks }
}
