//! Validating a tree against a shape: every finding with its place, none with a value.

use super::format;
use super::shape::{ArrayShape, Check, ObjectShape, Openness, ScalarShape, Shape, ShapeId, Shapes};
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
    strictness: Strictness,
    findings: Vec<Finding>,
    findings_max: usize,
    errors: usize,
}

/// Everything wrong with `document`, errors and warnings, in document order of discovery; at most 50.
pub(super) fn run(
    document: &Document,
    shapes: &Shapes,
    root: ShapeId,
    strictness: Strictness,
    source: Option<&[u8]>,
) -> Vec<Diagnostic> {
    let mut run = Run { document, shapes, strictness, findings: Vec::new(), findings_max: FINDINGS_MAX, errors: 0 };
    run.node(document.root(), root);
    let full = run.full();
    let mut out: Vec<Diagnostic> = run.findings.into_iter().map(|f| f.diagnostic(document, source)).collect();
    if full {
        let text = format!("there may be more: checking stopped at {FINDINGS_MAX} findings");
        out.push(Diagnostic::warning(code::SCHEMA_INVALID, text));
    }
    out
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
        self.findings.len() >= self.findings_max
    }
    fn find(&mut self, node: NodeId, severity: Severity, text: impl Into<String>) -> Option<&mut Finding> {
        if self.full() {
            return None;
        }
        self.errors += usize::from(severity == Severity::Error);
        self.findings.push(Finding { node, severity, text: text.into(), expected: None, help: None, stranger: None });
        self.findings.last_mut()
    }
    fn error(&mut self, node: NodeId, text: impl Into<String>) {
        self.find(node, Severity::Error, text);
    }

    // Recursion follows the document, whose depth the readers bound.
    fn node(&mut self, node: NodeId, id: ShapeId) {
        if self.full() {
            return;
        }
        let shapes = self.shapes;
        if let Some(notice) = shapes.notice(id).filter(|_| !self.document.is_empty(node)) {
            self.find(node, Severity::Warning, notice);
        }
        match shapes.get(id) {
            Shape::Any => {}
            Shape::Object(shape) if self.document.kind(node) == Kind::Object => self.object(node, shape),
            Shape::Array(shape) if self.document.kind(node) == Kind::Array => self.array(node, shape),
            Shape::Scalar(shape) => self.scalar(node, shape),
            Shape::Object(ObjectShape { typed: false, .. }) | Shape::Array(ArrayShape { typed: false, .. }) => {}
            Shape::Object(_) => self.kind(node, "an object"),
            Shape::Array(_) => self.kind(node, "an array"),
        }
        for check in shapes.checks(id) {
            self.check(node, check);
        }
    }

    fn kind(&mut self, node: NodeId, expected: &str) {
        let found = kind_name(self.document.kind(node));
        if let Some(finding) = self.find(node, Severity::Error, format!("{found} is not accepted here")) {
            finding.expected = Some(expected.to_owned());
        }
    }

    fn object(&mut self, node: NodeId, shape: &ObjectShape) {
        let document = self.document;
        let mut present = vec![false; shape.members.len()];
        for child in document.children(node) {
            if self.full() {
                return;
            }
            let name = document.key(child).unwrap_or("");
            match shape.by_name.get(name).and_then(|at| Some((at, shape.members.get(*at)?))) {
                Some((at, member)) => {
                    if let Some(seen) = present.get_mut(*at) {
                        *seen = true;
                    }
                    self.node(child, member.shape);
                }
                None => self.stranger(node, child, name, shape),
            }
        }
        for (member, _) in shape.members.iter().zip(&present).filter(|(m, seen)| m.required && !**seen) {
            let tolerated = member.missing_tolerated && self.strictness == Strictness::Tolerant;
            let severity = if tolerated { Severity::Warning } else { Severity::Error };
            self.find(node, severity, format!("`{}` is missing", member.name));
        }
        for group in &shape.at_most_one {
            let held = group.iter().filter(|name| document.member(node, name).is_some()).count();
            if held > 1 {
                self.error(node, format!("only one of `{}` may be present", group.join("`, `")));
            }
        }
    }

    fn stranger(&mut self, object: NodeId, child: NodeId, name: &str, shape: &ObjectShape) {
        let severity = match shape.openness {
            Openness::Open => return,
            Openness::Map(item) => return self.node(child, item),
            Openness::Tolerant => Severity::Warning,
            Openness::Closed => Severity::Error,
        };
        if let Some(finding) = self.find(object, severity, "a member that the schema does not name stands here") {
            finding.stranger = Some(child);
            // Only for the few that are reported: comparing names costs far more than finding them.
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
            self.error(node, format!("at least {} items are needed", shape.min));
        }
        if let Some(max) = shape.max.filter(|max| count > *max) {
            self.error(node, format!("at most {max} items are accepted"));
        }
    }

    fn scalar(&mut self, node: NodeId, shape: &ScalarShape) {
        let kind = self.document.kind(node);
        if !shape.kinds.contains(&kind) {
            let expected: Vec<&str> = shape.kinds.iter().map(|k| kind_name(*k)).collect();
            return self.kind(node, &expected.join(" or "));
        }
        let Some(text) = self.document.text(node) else { return };
        let Some((text, expected)) = fault(text, kind, shape) else { return };
        let tolerated = shape.tolerated && self.strictness == Strictness::Tolerant;
        let severity = if tolerated { Severity::Warning } else { Severity::Error };
        if let Some(finding) = self.find(node, severity, text) {
            finding.expected = expected;
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
            strictness: Strictness::Strict,
            findings: Vec::new(),
            // Warnings do not decide, so a few may pass before the first error; the bound keeps a trial short.
            findings_max: FINDINGS_MAX,
            errors: 0,
        };
        trial.node(node, shape);
        trial.errors == 0
    }
}

/// What is wrong with a scalar of the right kind: the sentence and what was expected.
fn fault(text: &str, kind: Kind, shape: &ScalarShape) -> Option<(String, Option<String>)> {
    if !shape.enumeration.is_empty() && !shape.enumeration.iter().any(|e| e == text) {
        let expected = if shape.enumeration.len() <= LISTED_MAX {
            format!("one of {}", shape.enumeration.join(", "))
        } else {
            format!("one of the {} codes of the list", shape.enumeration.len())
        };
        return Some(("this value is not in the code list".into(), Some(expected)));
    }
    match kind {
        Kind::Number => number_fault(text, shape),
        Kind::String => text_fault(text, shape),
        _ => None,
    }
}

fn number_fault(text: &str, shape: &ScalarShape) -> Option<(String, Option<String>)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let value: f64 = text.parse().unwrap_or(f64::NAN);
    let whole = digits.bytes().all(|b| b.is_ascii_digit()) || (value.is_finite() && value.fract() == 0.0);
    if shape.integer && !whole {
        return Some(("this number is not whole".into(), None));
    }
    if let Some(least) = shape.minimum.filter(|m| value < *m) {
        return Some(("this number is too small".into(), Some(format!("{least} or more"))));
    }
    let most = shape.maximum.filter(|m| value > *m)?;
    Some(("this number is too large".into(), Some(format!("{most} or less"))))
}

fn text_fault(text: &str, shape: &ScalarShape) -> Option<(String, Option<String>)> {
    let length = || text.chars().count();
    // A byte count settles most texts without counting characters.
    if shape.min_length > 0 && text.len() < shape.min_length.saturating_mul(4) && length() < shape.min_length {
        let few = if text.is_empty() { "this text is empty" } else { "this text is too short" };
        return Some((few.into(), Some(format!("{} characters or more", shape.min_length))));
    }
    if let Some(most) = shape.max_length.filter(|m| text.len() > *m && length() > *m) {
        return Some(("this text is too long".into(), Some(format!("{most} characters or fewer"))));
    }
    if let Some(name) = shape.format.as_deref().filter(|f| !format::holds(f, text)) {
        return Some(("this value has the wrong form".into(), Some(format::meaning(name).into())));
    }
    if shape.regexes.iter().any(|r| !r.is_match(text)) {
        let expected = shape.pattern.as_ref().map(|p| format!("the pattern {p}"));
        return Some(("this value has the wrong form".into(), expected));
    }
    None
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
