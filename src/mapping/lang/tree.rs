//! The abstract tree of a mapping file. Every front end (the text form, a form, a spreadsheet) makes this and nothing
//! else; the checks and the engine read only this.
//!
//! Owns no meaning: names are not resolved and paths are not checked here. Read [`Mapping`] first, then [`Item`].

use crate::diagnostic::Span;
use crate::vocabulary::{Category, Confidentiality, Level};

/// A word or text with the place it stands at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// The text, without quotes.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Comments and empty lines around an item, kept for the formatter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trivia {
    /// Comment lines before the item, without `#`.
    pub before: Vec<String>,
    /// A comment at the end of the item's first line.
    pub after: Option<String>,
    /// Whether an empty line stood before.
    pub gap: bool,
}

/// One mapping file.
#[derive(Clone, PartialEq, Debug)]
pub struct Mapping {
    /// `mapping NAME VERSION`.
    pub name: Word,
    /// The version, for example `1.0.0`.
    pub version: Word,
    /// `title`.
    pub title: Option<Word>,
    /// `native`.
    pub native: Native,
    /// `canonical`: the record schema.
    pub canonical: Word,
    /// `agency`: kind of sender.
    pub agency: Option<Word>,
    /// `system`: name space of native keys.
    pub system: Option<Word>,
    /// `basis`: default basis marker of labels.
    pub basis: Option<Word>,
    /// `author`: default author role of labels.
    pub author: Option<Word>,
    /// `covers`: top-level canonical arrays this mapping answers for.
    pub covers: Vec<Word>,
    /// `ceiling`.
    pub ceiling: Option<Ceiling>,
    /// `let`.
    pub lets: Vec<Let>,
    /// The correspondences.
    pub items: Vec<Item>,
    /// Comments before the header.
    pub trivia: Trivia,
}

/// How native messages become trees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    /// FHIR resources regrouped by type.
    Fhir,
    /// HL7 v2 segments.
    Hl7v2,
    /// XML elements.
    Xml,
    /// Rows of a CSV file.
    Csv,
    /// Plain JSON.
    Json,
    /// The JSON form of a NIEM message.
    NiemJson,
    /// The XML form of the same.
    NiemXml,
}

impl Syntax {
    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::Hl7v2 => "hl7v2",
            Self::Xml => "xml",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::NiemJson => "niem-json",
            Self::NiemXml => "niem-xml",
        }
    }
    /// The syntax with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Fhir, Self::Hl7v2, Self::Xml, Self::Csv, Self::Json, Self::NiemJson, Self::NiemXml]
            .into_iter()
            .find(|s| s.word() == word)
    }
}

/// The `native` header.
#[derive(Clone, PartialEq, Debug)]
pub struct Native {
    /// Syntax of messages.
    pub syntax: Syntax,
    /// Schema of the native tree, relative to `schemas/`.
    pub schema: Word,
    /// Name of the root (`root NAME`), or the row key (`rows by NAME`).
    pub root: Word,
    /// Columns shared by all rows of one document (CSV only).
    pub shared: Vec<Word>,
    /// `records PATH`: a message holds one record per item of this array.
    pub records: Option<Path>,
}

/// `ceiling CONF because STRING`.
#[derive(Clone, PartialEq, Debug)]
pub struct Ceiling {
    /// Highest confidentiality this format may carry out.
    pub conf: Confidentiality,
    /// Why.
    pub because: Word,
}

/// `let NAME = STRING`.
#[derive(Clone, PartialEq, Debug)]
pub struct Let {
    /// The name, used as `$NAME` in selectors.
    pub name: Word,
    /// The constant.
    pub value: Word,
}

/// One item of a file or block.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// The whole item.
    pub span: Span,
    /// Line of its start, from 1.
    pub line: usize,
    /// Comments around it.
    pub trivia: Trivia,
}

/// The kinds of item.
#[derive(Clone, PartialEq, Debug)]
pub enum ItemKind {
    /// A correspondence of two leaves.
    Field(Field),
    /// One object to one object, or item by item.
    Scope(Scope),
    /// Alternatives, the first present wins.
    Choice(Vec<Item>),
    /// The label of the segment this block makes.
    Label(Label),
    /// A constant on one side.
    Fixed(Fixed),
    /// Leaves not mapped, with the reason.
    Drop(DropRule),
    /// Items of a fragment in place.
    Include(Word),
    /// Items to be included elsewhere.
    Fragment(Word, Vec<Item>),
}

/// Which way a field works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrow {
    /// `<->`.
    Both,
    /// `->`: native to canonical only.
    Read,
    /// `<-`: canonical to native only.
    Write,
}

impl Arrow {
    /// The sign in the file.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Both => "<->",
            Self::Read => "->",
            Self::Write => "<-",
        }
    }
}

/// A path, or several for a code table with several columns.
#[derive(Clone, PartialEq, Debug)]
pub enum Side {
    /// One path.
    One(Path),
    /// `(a, b)`.
    Tuple(Vec<Path>),
}

impl Side {
    /// The paths in order.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Tuple(paths) => paths,
        }
    }
}

/// `native ARROW canonical : converter clause*`.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Left side.
    pub native: Path,
    /// Which way.
    pub arrow: Arrow,
    /// Right side.
    pub canonical: Side,
    /// After the colon.
    pub converter: Converter,
    /// `default STRING`: the canonical value when the in side has none.
    pub default: Option<Word>,
    /// `only when`.
    pub only_when: Option<Guard>,
    /// `because STRING`.
    pub because: Option<Word>,
}

/// `only when PATH (present | = STRING)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Guard {
    /// A canonical path in the same block.
    pub path: Path,
    /// `None` means present.
    pub equals: Option<Word>,
}

/// The part after the colon.
#[derive(Clone, PartialEq, Debug)]
pub enum Converter {
    /// A named pair of functions, with an argument.
    Named(Word, Option<Word>),
    /// `code TABLE`.
    Code(Word),
    /// `ref NAME, NAME`.
    Ref(Vec<Word>),
}

/// A path from the current scope (or the root) to a node.
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    /// Whether it starts at the document root (`/`).
    pub root: bool,
    /// Steps; none means the scope itself (`.`).
    pub steps: Vec<Step>,
    /// Where it stands.
    pub span: Span,
}

/// One step of a path.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Member name.
    pub name: String,
    /// Selector.
    pub select: Option<Select>,
    /// Where it stands.
    pub span: Span,
}

/// Which items of an array.
#[derive(Clone, PartialEq, Debug)]
pub enum Select {
    /// `[a = "x", b = $y]`.
    Where(Vec<Cond>),
    /// `[0]`.
    At(usize),
    /// `[1..]`.
    From(usize),
}

/// One condition of a selector.
#[derive(Clone, PartialEq, Debug)]
pub struct Cond {
    /// Member of the item.
    pub name: Word,
    /// The constant it must equal.
    pub value: CondValue,
}

/// The constant of a condition.
#[derive(Clone, PartialEq, Debug)]
pub enum CondValue {
    /// A text.
    Text(Word),
    /// `$NAME`.
    Let(Word),
    /// A whole number.
    Int(i64),
}

/// Whether a scope relates one object or every item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeKind {
    /// `group`.
    Group,
    /// `each`.
    Each,
}

/// `group` or `each`.
#[derive(Clone, PartialEq, Debug)]
pub struct Scope {
    /// Which.
    pub kind: ScopeKind,
    /// Left side.
    pub native: Path,
    /// Right side.
    pub canonical: Path,
    /// `each a <-> b : text`: no block, items are scalars.
    pub converter: Option<Converter>,
    /// `as NAME`.
    pub name: Option<Word>,
    /// `id PATH`: the native key of this item.
    pub id: Option<Path>,
    /// `link FIELD = NAME`.
    pub links: Vec<(Word, Word)>,
    /// The block.
    pub items: Vec<Item>,
}

/// Who a segment is about.
#[derive(Clone, PartialEq, Debug)]
pub enum About {
    /// A named segment.
    Name(Word),
    /// A native reference to one of the named segments.
    Ref(Path, Vec<Word>),
}

/// Where category and confidentiality come from.
#[derive(Clone, PartialEq, Debug)]
pub enum Sensitivity {
    /// Stated.
    Fixed {
        /// Category.
        category: Category,
        /// Confidentiality.
        conf: Confidentiality,
        /// Never written by any mapping.
        sealed: bool,
    },
    /// `by TABLE of PATH (else …)`.
    By {
        /// The label table.
        table: Word,
        /// Canonical path in the same segment.
        path: Path,
        /// What holds where the segment says no code at all.
        otherwise: Option<Box<Sensitivity>>,
    },
}

/// The label of the segment a block makes.
#[derive(Clone, PartialEq, Debug)]
pub struct Label {
    /// Category and confidentiality.
    pub sensitivity: Sensitivity,
    /// Who it is about.
    pub about: About,
    /// `third-party`.
    pub third_party: Option<Word>,
    /// `basis`.
    pub basis: Option<Word>,
    /// `author`.
    pub author: Option<Word>,
    /// `observed PATH`.
    pub observed: Option<Path>,
    /// `handling CODE, CODE`.
    pub handling: Vec<Word>,
    /// `summary`, with the name of the full segment if given.
    pub summary: Option<Option<Word>>,
    /// `cap LEVEL for ROLE, ROLE`.
    pub caps: Vec<(Level, Vec<Word>)>,
}

/// Which document an item speaks about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Which {
    /// The agency's own format.
    Native,
    /// The canonical record.
    Canonical,
}

impl Which {
    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Canonical => "canonical",
        }
    }
}

/// `fixed SIDE PATH = (STRING | position)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Fixed {
    /// Which document.
    pub which: Which,
    /// The leaf.
    pub path: Path,
    /// The constant; `None` means the 1-based item number.
    pub value: Option<Word>,
}

/// `drop SIDE (PATH | rest) because STRING`.
#[derive(Clone, PartialEq, Debug)]
pub struct DropRule {
    /// Which document.
    pub which: Which,
    /// The subtree; `None` means `rest`.
    pub path: Option<Path>,
    /// Why.
    pub because: Word,
}
