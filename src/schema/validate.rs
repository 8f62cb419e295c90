//! Validating a tree against a shape: every finding with its place, none with a value.

use super::format::Format;
use super::shape::{ArrayShape, Check, ObjectShape, Openness, ScalarShape, Shape, ShapeId, Shapes, Words};
use crate::diagnostic::{Diagnostic, Severity, Span, code, nearest};
use crate::document::{Document, Kind, NodeId};

/// Findings reported for one message: a message this wrong needs a new export, not a longer list.
pub(super) const FINDINGS_MAX: usize = 50;

/// Codes named in "expected one of"; longer lists are only counted.
const LISTED_MAX: usize = 12;

/// How values outside a code list, pattern or format are taken where the schema says `x-tolerate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strictness {
    /// As errors: `solent validate`, and everything Solent writes.
    Strict,
    /// As warnings: what agencies send. The mapping keeps such a value, labelled and reported.
    Tolerant,
}

struct Finding {
    node: NodeId,
    severity: Severity,
    text: String,
    expected: Option<String>,
    help: Option<String>,
    /// Where the finding is about a member that is not in the schema: its name may be data, so the place is given by
    /// position and by the pointer of the object around it.
    stranger: Option<NodeId>,
}

struct Run<'a> {
    document: &'a Document,
    shapes: &'a Shapes,
    words: &'a Words,
    strictness: Strictness,
    findings: Vec<Finding>,
    /// A trial: only whether there is an error counts, so the first one ends it and no sentence is made.
    trial: bool,
    errors: usize,
}

/// Members of one object that can be ticked off without a list of their own.
const TICKS_MAX: usize = 128;

/// Everything wrong with `document`, errors and warnings, in document order of discovery; at most 50.
pub(super) fn run(
    document: &Document,
    shapes: &Shapes,
    root: ShapeId,
    strictness: Strictness,
    source: Option<&[u8]>,
) -> Vec<Diagnostic> {
    let words = shapes.words_of(document);
    let mut run = Run { document, shapes, words: &words, strictness, findings: Vec::new(), trial: false, errors: 0 };
    run.node(document.root(), root);
    let full = run.full();
    let mut out: Vec<Diagnostic> = run.findings.into_iter().map(|f| f.diagnostic(document, source)).collect();
    if full {
        let text = format!("there may be more: checking stopped at {FINDINGS_MAX} findings");
        out.push(Diagnostic::warning(code::SCHEMA_INVALID, text));
    }
    out
}

/// What a finding says, made only when it is wanted.
trait Sentence {
    fn sentence(self) -> String;
}

impl Sentence for &str {
    fn sentence(self) -> String {
        self.to_owned()
    }
}

impl<F: FnOnce() -> String> Sentence for F {
    fn sentence(self) -> String {
        self()
    }
}

impl Finding {
    fn diagnostic(self, document: &Document, source: Option<&[u8]>) -> Diagnostic {
        let base = Diagnostic::error(code::SCHEMA_INVALID, self.text);
        let mut out = Diagnostic { severity: self.severity, expected: self.expected, help: self.help, ..base }
            .with_pointer(document.source_pointer(self.node));
        if let Some(source) = source {
            let at = document.offset(self.stranger.unwrap_or(self.node));
            out = out.with_span(Span { start: at, end: at + 1 }, source);
        }
        out
    }
}

impl Run<'_> {
    const fn full(&self) -> bool {
        if self.trial { self.errors > 0 } else { self.findings.len() >= FINDINGS_MAX }
    }
    /// Enters a finding; `None` when it is not wanted (the list is full, or a trial).
    fn find(&mut self, node: NodeId, severity: Severity, text: impl Sentence) -> Option<&mut Finding> {
        if self.full() {
            return None;
        }
        self.errors += usize::from(severity == Severity::Error);
        if self.trial {
            return None;
        }
        let text = text.sentence();
        self.findings.push(Finding { node, severity, text, expected: None, help: None, stranger: None });
        self.findings.last_mut()
    }
    fn error(&mut self, node: NodeId, text: impl Sentence) {
        self.find(node, Severity::Error, text);
    }

    // Recursion follows the document, whose depth the readers bound.
    fn node(&mut self, node: NodeId, id: ShapeId) {
        if self.full() {
            return;
        }
        let shapes = self.shapes;
        if shapes.glance(id).settles(self.document, node) {
            return;
        }
        self.shape(node, id);
    }

    /// The whole shape, where a glance does not settle it.
    fn shape(&mut self, node: NodeId, id: ShapeId) {
        let shapes = self.shapes;
        let Some(entry) = shapes.entry(id) else { return };
        if let Some(notice) = entry.notice.as_deref().filter(|_| !self.document.is_empty(node)) {
            self.find(node, Severity::Warning, notice);
        }
        match &entry.shape {
            Shape::Any => {}
            Shape::Object(shape) if self.document.kind(node) == Kind::Object => self.object(node, shape),
            Shape::Array(shape) if self.document.kind(node) == Kind::Array => self.array(node, shape),
            Shape::Scalar(shape) => self.scalar(node, shape),
            Shape::Object(ObjectShape { typed: false, .. }) | Shape::Array(ArrayShape { typed: false, .. }) => {}
            Shape::Object(_) => self.kind(node, "an object"),
            Shape::Array(_) => self.kind(node, "an array"),
        }
        for check in &entry.checks {
            self.check(node, check);
        }
    }

    fn kind(&mut self, node: NodeId, expected: &str) {
        let found = kind_name(self.document.kind(node));
        if let Some(finding) = self.find(node, Severity::Error, || format!("{found} is not accepted here")) {
            finding.expected = Some(expected.to_owned());
        }
    }

    fn object(&mut self, node: NodeId, shape: &ObjectShape) {
        let document = self.document;
        let mut present = Ticks::new(shape.members.len());
        for child in document.children(node) {
            if self.full() {
                return;
            }
            let key = document.key_number_of(child).unwrap_or(u32::MAX);
            match shape.member_by_word(self.words.of(key)) {
                Some(slot) => {
                    present.tick(slot.place as usize);
                    self.node(child, slot.shape);
                }
                None => self.stranger(node, child, shape),
            }
        }
        for at in shape.needed.iter().filter(|at| !present.ticked(**at as usize)) {
            let Some(member) = shape.members.get(*at as usize) else { continue };
            let tolerated = member.missing_tolerated && self.strictness == Strictness::Tolerant;
            let severity = if tolerated { Severity::Warning } else { Severity::Error };
            self.find(node, severity, || format!("`{}` is missing", member.name));
        }
        for (places, names) in shape.exclusive.iter().zip(&shape.at_most_one) {
            if places.iter().filter(|at| present.ticked(**at as usize)).count() > 1 {
                self.error(node, || format!("only one of `{}` may be present", names.join("`, `")));
            }
        }
    }

    fn stranger(&mut self, object: NodeId, child: NodeId, shape: &ObjectShape) {
        let severity = match shape.openness {
            Openness::Open => return,
            Openness::Map(item) => return self.node(child, item),
            Openness::Tolerant => Severity::Warning,
            Openness::Closed => Severity::Error,
        };
        let document = self.document;
        if let Some(finding) = self.find(object, severity, "a member that the schema does not name stands here") {
            finding.stranger = Some(child);
            // Only for the few that are reported: comparing names costs far more than finding them.
            let name = document.key(child).unwrap_or("");
            let near = nearest(name, shape.members.iter().map(|m| m.name.as_str()));
            finding.help = near.first().map(|n| format!("did you mean `{n}`?"));
        }
    }

    fn array(&mut self, node: NodeId, shape: &ArrayShape) {
        let mut count = 0;
        for item in self.document.children(node) {
            count += 1;
            self.node(item, shape.item);
        }
        if count < shape.min {
            self.error(node, || format!("at least {} items are needed", shape.min));
        }
        if let Some(max) = shape.max.filter(|max| count > *max) {
            self.error(node, || format!("at most {max} items are accepted"));
        }
    }

    fn scalar(&mut self, node: NodeId, shape: &ScalarShape) {
        let kind = self.document.kind(node);
        if !shape.takes(kind) {
            let expected: Vec<&str> = shape.kinds.iter().map(|k| kind_name(*k)).collect();
            return self.kind(node, &expected.join(" or "));
        }
        let Some(text) = self.document.text(node) else { return };
        let Some((text, expected)) = fault(text, kind, shape) else { return };
        let tolerated = shape.tolerated && self.strictness == Strictness::Tolerant;
        let severity = if tolerated { Severity::Warning } else { Severity::Error };
        if let Some(finding) = self.find(node, severity, text) {
            finding.expected = expected.map(|say| say(shape));
        }
    }

    fn check(&mut self, node: NodeId, check: &Check) {
        match check {
            Check::AnyOf(branches) => {
                if !branches.iter().any(|b| self.fits(node, *b)) {
                    self.error(node, "none of the alternatives of the schema fits here");
                }
            }
            Check::OneOf(branches) => {
                if branches.iter().filter(|b| self.fits(node, **b)).count() != 1 {
                    self.error(node, "exactly one of the alternatives of the schema must fit here");
                }
            }
            Check::Not(shape) => {
                if self.fits(node, *shape) {
                    self.error(node, "the schema excludes this combination");
                }
            }
            Check::If { when, then, otherwise } => {
                let branch = if self.fits(node, *when) { then } else { otherwise };
                if let Some(shape) = branch {
                    self.node(node, *shape);
                }
            }
        }
    }

    /// Whether a shape would be satisfied, silently and strictly.
    fn fits(&self, node: NodeId, shape: ShapeId) -> bool {
        let mut trial = Run {
            document: self.document,
            shapes: self.shapes,
            words: self.words,
            strictness: Strictness::Strict,
            findings: Vec::new(),
            trial: true,
            errors: 0,
        };
        trial.node(node, shape);
        trial.errors == 0
    }
}

/// Whether the whole shape finds anything in a tree's root, without a glance before it.
#[cfg(test)]
pub(super) fn fault_of(document: &Document, shapes: &Shapes, root: ShapeId) -> bool {
    let (words, strictness) = (shapes.words_of(document), Strictness::Strict);
    let mut run = Run { document, shapes, words: &words, strictness, findings: Vec::new(), trial: false, errors: 0 };
    run.shape(document.root(), root);
    !run.findings.is_empty()
}

/// The sentence about a scalar, and what says what was expected.
type Fault = (&'static str, Option<fn(&ScalarShape) -> String>);

/// What is wrong with a scalar of the right kind.
fn fault(text: &str, kind: Kind, shape: &ScalarShape) -> Option<Fault> {
    if !shape.lists(text) {
        return Some(("this value is not in the code list", Some(listed)));
    }
    match kind {
        Kind::Number => number_fault(text, shape),
        Kind::String => text_fault(text, shape),
        _ => None,
    }
}

fn listed(shape: &ScalarShape) -> String {
    if shape.enumeration.len() <= LISTED_MAX {
        format!("one of {}", shape.enumeration.join(", "))
    } else {
        format!("one of the {} codes of the list", shape.enumeration.len())
    }
}

fn number_fault(text: &str, shape: &ScalarShape) -> Option<Fault> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let value: f64 = text.parse().unwrap_or(f64::NAN);
    let whole = digits.bytes().all(|b| b.is_ascii_digit()) || (value.is_finite() && value.fract() == 0.0);
    if shape.integer && !whole {
        return Some(("this number is not whole", None));
    }
    if shape.minimum.is_some_and(|m| value < m) {
        return Some(("this number is too small", Some(|s| format!("{} or more", s.minimum.unwrap_or(0.0)))));
    }
    if shape.maximum.is_some_and(|m| value > m) {
        return Some(("this number is too large", Some(|s| format!("{} or less", s.maximum.unwrap_or(0.0)))));
    }
    None
}

fn text_fault(text: &str, shape: &ScalarShape) -> Option<Fault> {
    let length = || text.chars().count();
    // A byte count settles most texts without counting characters.
    if shape.min_length > 0 && text.len() < shape.min_length.saturating_mul(4) && length() < shape.min_length {
        let few = if text.is_empty() { "this text is empty" } else { "this text is too short" };
        return Some((few, Some(|s| format!("{} characters or more", s.min_length))));
    }
    if shape.max_length.is_some_and(|m| text.len() > m && length() > m) {
        return Some(("this text is too long", Some(|s| format!("{} characters or fewer", s.max_length.unwrap_or(0)))));
    }
    let wrong = "this value has the wrong form";
    if shape.format.is_some_and(|f| !f.holds(text)) {
        return Some((wrong, Some(|s| s.format.map_or("another form", Format::meaning).to_owned())));
    }
    if shape.regexes.iter().any(|r| !r.is_match(text)) {
        let pattern: fn(&ScalarShape) -> String = |s| format!("the pattern {}", s.pattern.as_deref().unwrap_or(""));
        return Some((wrong, shape.pattern.as_ref().map(|_| pattern)));
    }
    None
}

/// Which members of an object were seen.
enum Ticks {
    Few(u128),
    Many(Vec<bool>),
}

impl Ticks {
    fn new(count: usize) -> Self {
        if count <= TICKS_MAX { Self::Few(0) } else { Self::Many(vec![false; count]) }
    }
    fn tick(&mut self, at: usize) {
        match self {
            Self::Few(bits) => *bits |= 1_u128.checked_shl(u32::try_from(at).unwrap_or(u32::MAX)).unwrap_or(0),
            Self::Many(list) => {
                if let Some(place) = list.get_mut(at) {
                    *place = true;
                }
            }
        }
    }
    fn ticked(&self, at: usize) -> bool {
        match self {
            Self::Few(bits) => bits.checked_shr(u32::try_from(at).unwrap_or(u32::MAX)).unwrap_or(0) & 1 == 1,
            Self::Many(list) => list.get(at).copied().unwrap_or(false),
        }
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Object => "an object",
        Kind::Array => "an array",
        Kind::String => "text",
        Kind::Number => "a number",
        Kind::Bool => "true or false",
        Kind::Null => "null",
    }
}
