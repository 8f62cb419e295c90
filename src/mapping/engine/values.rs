//! Canonical values in the tree: coded objects, lists, quantities, scalars with a check mark beside them.

use super::account::OutLeaf;
use super::fields::fit;
use super::{Here, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::convert::{Check, Convert, Recorded, Refusal, Value};
use crate::mapping::loss::LossKind;
use crate::mapping::plan::{Field, Fit, Path, Target};
use crate::mapping::table::UNMAPPED;
use std::borrow::Cow;

impl<'p, 'd> Run<'p, 'd> {
    /// The value as it fits the canonical side, and whether it was cut.
    pub(super) fn fit_canonical(&self, field: &Field, value: Value) -> Result<(Value, bool), Refusal> {
        // The text stays the same unless it is cut.
        let plain = |text: String, place: &Fit| match fit(&text, place) {
            Ok((Cow::Owned(shorter), cut)) => Ok((shorter, cut)),
            Ok((Cow::Borrowed(_), cut)) => Ok((text, cut)),
            Err(note) => Err((LossKind::InvalidValue, note)),
        };
        match value {
            Value::Codes(codes, recorded) => {
                for (code, (_, target)) in codes.iter().zip(&field.canonical) {
                    if let Target::Scalar { fit: place, .. } = target {
                        if code == UNMAPPED {
                            return Err((LossKind::CodeUnmapped, "the code table has no row"));
                        }
                        fit(code, place).map_err(|note| (LossKind::InvalidValue, note))?;
                    }
                }
                Ok((Value::Codes(codes, recorded), false))
            }
            Value::One(kind, text) => match field.canonical.first() {
                Some((_, Target::Scalar { fit: place, .. })) => {
                    let (text, cut) = plain(text, place)?;
                    Ok((Value::One(kind, text), cut))
                }
                _ => Ok((Value::One(kind, text), false)),
            },
            Value::Checked(text, check) => match field.canonical.first() {
                Some((_, Target::Scalar { fit: place, .. })) => {
                    Ok((Value::Checked(plain(text, place)?.0, check), false))
                }
                _ => Err((LossKind::InvalidValue, "there is no place for the value")),
            },
            other => Ok((other, false)),
        }
    }

    /// Puts a value on the canonical side; the leaf that stands for it.
    pub(super) fn put_canonical(
        &mut self,
        field: &'p Field,
        from: NodeId,
        value: &Value,
        here: Here,
    ) -> Option<NodeId> {
        match value {
            Value::Codes(codes, recorded) => {
                let mut first = None;
                for (at, (code, (path, target))) in codes.iter().zip(&field.canonical).enumerate() {
                    let place = self.place_for(here.frame, path, Some(from), field.rule);
                    let leaf = match target {
                        Target::Coded => {
                            let object = self.put_object(&place)?;
                            let leaf = self.add(object, Some("code"), Kind::String, code, OutLeaf::Carried);
                            if let Some(own) = recorded.as_ref().filter(|_| at == 0) {
                                self.put_recorded(object, own);
                            }
                            Some(leaf)
                        }
                        _ => self.put(&place, Kind::String, code, OutLeaf::Carried),
                    };
                    first = first.or(leaf);
                }
                first
            }
            Value::Many(items) => {
                let (path, _) = field.canonical.first()?;
                let mut first = None;
                for item in items {
                    let place = self.place_for(here.frame, path, Some(from), field.rule);
                    let leaf = self.put(&place, Kind::String, item, OutLeaf::Carried)?;
                    first = first.or(Some(leaf));
                }
                first
            }
            Value::Quantity(number, unit) => {
                let (path, _) = field.canonical.first()?;
                let place = self.place_for(here.frame, path, Some(from), field.rule);
                let object = self.put_object(&place)?;
                let leaf = self.add(object, Some("value"), Kind::Number, number, OutLeaf::Carried);
                self.add(object, Some("unit"), Kind::String, unit, OutLeaf::Structural);
                Some(leaf)
            }
            Value::Checked(text, check) => self.put_scalar(field, from, Kind::String, text, Some(*check), here),
            Value::One(kind, text) => self.put_scalar(field, from, *kind, text, None, here),
        }
    }

    fn put_scalar(
        &mut self,
        field: &'p Field,
        from: NodeId,
        kind: Kind,
        text: &str,
        check: Option<Check>,
        here: Here,
    ) -> Option<NodeId> {
        let (path, target) = field.canonical.first()?;
        let place = self.place_for(here.frame, path, Some(from), field.rule);
        let leaf = self.put(&place, kind, text, OutLeaf::Carried)?;
        if let (Target::Scalar { checked: true, .. }, Some(check)) = (target, check)
            && let Some(parent) = self.out.parent(leaf)
            && self.out.member(parent, "check").is_none()
        {
            self.add(parent, Some("check"), Kind::String, check.word(), OutLeaf::Structural);
        }
        Some(leaf)
    }

    fn put_recorded(&mut self, object: NodeId, own: &Recorded) {
        let recorded = self.add(object, Some("as_recorded"), Kind::Object, "", OutLeaf::None);
        self.add(recorded, Some("system"), Kind::String, &own.system, OutLeaf::Structural);
        self.add(recorded, Some("code"), Kind::String, &own.code, OutLeaf::Carried);
    }

    /// The canonical value of a field with the leaves it consists of; `None` when (part of) it is missing.
    pub(super) fn gather(&mut self, field: &'p Field, scope: NodeId) -> Option<(Value, Vec<NodeId>)> {
        let mut codes = Vec::new();
        let mut leaves = Vec::new();
        let mut recorded = None;
        for (path, target) in &field.canonical {
            let (node, extras) = self.select_one(scope, path)?;
            match target {
                Target::List => return self.gather_list(node, extras),
                Target::Quantity => return self.gather_quantity(node),
                Target::Coded => {
                    let code = self.input.member(node, "code")?;
                    codes.push(self.input.text(code)?.to_owned());
                    leaves.push(code);
                    recorded = recorded.or(self.gather_recorded(field, node, &mut leaves));
                }
                Target::Scalar { checked, .. } => {
                    codes.push(self.input.text(node)?.to_owned());
                    leaves.push(node);
                    if *checked {
                        leaves.extend(self.sibling(node, "check"));
                    }
                }
                Target::Confidentiality => {
                    codes.push(self.input.text(node)?.to_owned());
                    leaves.push(node);
                }
            }
            for extra in extras {
                self.later(extra, LossKind::ExtraRepeat, field.rule, None);
            }
        }
        if matches!(field.convert, Convert::Code(_)) {
            return Some((Value::Codes(codes, recorded), leaves));
        }
        let lead = leaves.first().map_or(Kind::String, |l| self.input.kind(*l));
        Some((Value::One(lead, codes.into_iter().next()?), leaves))
    }

    fn sibling(&self, node: NodeId, name: &str) -> Option<NodeId> {
        self.input.parent(node).and_then(|p| self.input.member(p, name))
    }

    /// The sender's own code, if it is of this field's table; another format's is left for the report.
    fn gather_recorded(&self, field: &Field, node: NodeId, leaves: &mut Vec<NodeId>) -> Option<Recorded> {
        let own = self.input.member(node, "as_recorded")?;
        let (system, code) = (self.input.member(own, "system")?, self.input.member(own, "code")?);
        let Convert::Code(table) = &field.convert else { return None };
        if self.input.text(system) != Some(table.name.as_str()) {
            return None;
        }
        leaves.extend([system, code]);
        let recorded = Recorded { system: table.name.clone(), code: self.input.text(code)?.to_owned() };
        Some(recorded)
    }

    fn gather_list(&self, first: NodeId, others: Vec<NodeId>) -> Option<(Value, Vec<NodeId>)> {
        let mut leaves = vec![first];
        leaves.extend(others);
        let words: Vec<String> = leaves.iter().filter_map(|l| self.input.text(*l)).map(str::to_owned).collect();
        (words.len() == leaves.len()).then_some((Value::Many(words), leaves))
    }

    fn gather_quantity(&self, node: NodeId) -> Option<(Value, Vec<NodeId>)> {
        let (value, unit) = (self.input.member(node, "value")?, self.input.member(node, "unit")?);
        let quantity = Value::Quantity(self.input.text(value)?.to_owned(), self.input.text(unit)?.to_owned());
        Some((quantity, vec![value, unit]))
    }

    /// The text of a node of the in side, or the code of a coded one.
    pub(super) fn code_or_text(&self, node: NodeId) -> Option<&'d str> {
        let leaf = if self.input.is_scalar(node) { node } else { self.input.member(node, "code")? };
        self.input.text(leaf)
    }

    /// The texts (or codes) at a path of the out side. Selectors do not matter: guards and labels name plain members.
    pub(super) fn out_texts(&self, from: NodeId, path: &Path) -> Vec<&str> {
        let mut nodes = vec![from];
        for step in &path.steps {
            nodes = nodes
                .into_iter()
                .filter_map(|n| self.out.member(n, &step.name))
                .flat_map(|n| match self.out.kind(n) {
                    Kind::Array => self.out.children(n).collect(),
                    _ => vec![n],
                })
                .collect();
        }
        nodes.into_iter().filter_map(|n| self.out_code_or_text(n)).collect()
    }
    fn out_code_or_text(&self, node: NodeId) -> Option<&str> {
        let leaf = if self.out.is_scalar(node) { Some(node) } else { self.out.member(node, "code") };
        leaf.and_then(|l| self.out.text(l))
    }
    pub(super) fn out_text(&self, from: NodeId, path: &Path) -> Option<&str> {
        self.out_texts(from, path).into_iter().next()
    }
    /// The texts (or codes) at a path of the in side.
    pub(super) fn in_texts(&self, from: NodeId, path: &Path) -> Vec<&'d str> {
        self.select(from, path).into_iter().filter_map(|n| self.code_or_text(n)).collect()
    }
}
