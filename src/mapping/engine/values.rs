//! Canonical values in the tree: coded objects, lists, quantities, scalars with a check mark beside them.

use super::account::OutLeaf;
use super::few::Few;
use super::fields::fit;
use super::{Here, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::convert::{Check, Codes, Convert, Recorded, Refusal, Value};
use crate::mapping::loss::LossKind;
use crate::mapping::plan::{Field, Fit, Path, Step, Target};
use crate::mapping::table::UNMAPPED;
use std::borrow::Cow;

impl<'p, 'd> Run<'p, 'd> {
    /// The value as it fits the canonical side, and whether it was cut.
    pub(super) fn fit_canonical<'t>(&self, field: &Field, value: Value<'t>) -> Result<(Value<'t>, bool), Refusal> {
        // The text stays the same unless it is cut.
        let plain = |text: Cow<'t, str>, place: &Fit| match fit(&text, place) {
            Ok((Cow::Owned(shorter), cut)) => Ok((Cow::Owned(shorter), cut)),
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
        value: &Value<'_>,
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
                            let leaf = self.add_own(object, self.plan.own.code, Kind::String, code, OutLeaf::Carried);
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
                let leaf = self.add_own(object, self.plan.own.value, Kind::Number, number, OutLeaf::Carried);
                self.add_own(object, self.plan.own.unit, Kind::String, unit, OutLeaf::Structural);
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
            && self.own_out(parent, self.plan.own.check).is_none()
        {
            self.add_own(parent, self.plan.own.check, Kind::String, check.word(), OutLeaf::Structural);
        }
        Some(leaf)
    }

    fn put_recorded(&mut self, object: NodeId, own: &Recorded<'_>) {
        let names = self.plan.own;
        let recorded = self.add_own(object, names.as_recorded, Kind::Object, "", OutLeaf::None);
        self.add_own(recorded, names.system, Kind::String, &own.system, OutLeaf::Structural);
        self.add_own(recorded, names.code, Kind::String, &own.code, OutLeaf::Carried);
    }

    /// The canonical value of a field with the leaves it consists of; `None` when (part of) it is missing.
    pub(super) fn gather(&mut self, field: &'p Field, scope: NodeId) -> Option<(Value<'d>, Few<NodeId>)> {
        let mut codes: Few<&'d str> = Few::new();
        let mut leaves = Few::new();
        let mut recorded = None;
        for (path, target) in &field.canonical {
            let (node, extras) = self.select_one(scope, path)?;
            match target {
                Target::List => return self.gather_list(node, extras),
                Target::Quantity => return self.gather_quantity(node),
                Target::Coded => {
                    let code = self.member_in(node, self.plan.own.code)?;
                    codes.push(self.input.text(code)?);
                    leaves.push(code);
                    recorded = recorded.or(self.gather_recorded(field, node, &mut leaves));
                }
                Target::Scalar { checked, .. } => {
                    codes.push(self.input.text(node)?);
                    leaves.push(node);
                    if *checked {
                        leaves.extend(self.input.parent(node).and_then(|p| self.member_in(p, self.plan.own.check)));
                    }
                }
                Target::Confidentiality => {
                    codes.push(self.input.text(node)?);
                    leaves.push(node);
                }
            }
            for extra in extras {
                self.later(extra, LossKind::ExtraRepeat, field.rule, None);
            }
        }
        let codes = codes.as_slice();
        let first = *codes.first()?;
        if matches!(field.convert, Convert::Code(_)) {
            let codes = match codes {
                [one] => Codes::One(Cow::Borrowed(*one)),
                several => Codes::Several(several.iter().map(|c| (*c).to_owned()).collect()),
            };
            return Some((Value::Codes(codes, recorded), leaves));
        }
        let lead = leaves.as_slice().first().map_or(Kind::String, |l| self.input.kind(*l));
        Some((Value::One(lead, first.into()), leaves))
    }

    /// The sender's own code, if it is of this field's table; another format's is left for the report.
    fn gather_recorded(&self, field: &Field, node: NodeId, leaves: &mut Few<NodeId>) -> Option<Recorded<'d>> {
        let names = self.plan.own;
        let own = self.member_in(node, names.as_recorded)?;
        let (system, code) = (self.member_in(own, names.system)?, self.member_in(own, names.code)?);
        let Convert::Code(table) = &field.convert else { return None };
        if self.input.text(system) != Some(table.name.as_str()) {
            return None;
        }
        leaves.extend([system, code]);
        let recorded = Recorded { system: self.input.text(system)?.into(), code: self.input.text(code)?.into() };
        Some(recorded)
    }

    fn gather_list(&self, first: NodeId, others: Vec<NodeId>) -> Option<(Value<'d>, Few<NodeId>)> {
        let mut leaves = Few::one(first);
        leaves.extend(others);
        let all = leaves.as_slice();
        let words: Vec<String> = all.iter().filter_map(|l| self.input.text(*l)).map(str::to_owned).collect();
        (words.len() == all.len()).then_some((Value::Many(words), leaves))
    }

    fn gather_quantity(&self, node: NodeId) -> Option<(Value<'d>, Few<NodeId>)> {
        let own = self.plan.own;
        let (value, unit) = (self.member_in(node, own.value)?, self.member_in(node, own.unit)?);
        let quantity = Value::Quantity(self.input.text(value)?.into(), self.input.text(unit)?.into());
        let mut leaves = Few::one(value);
        leaves.push(unit);
        Some((quantity, leaves))
    }

    /// The text of a node of the in side, or the code of a coded one.
    pub(super) fn code_or_text(&self, node: NodeId) -> Option<&'d str> {
        let leaf = if self.input.is_scalar(node) { node } else { self.member_in(node, self.plan.own.code)? };
        self.input.text(leaf)
    }

    /// The texts (or codes) at a path of the out side. Selectors do not matter: guards and labels name plain members.
    pub(super) fn out_texts(&self, from: NodeId, path: &Path) -> Vec<&str> {
        let mut found = Vec::new();
        self.gather_out(from, &path.steps, &mut found);
        found
    }
    // Recursion follows the path, and into lists.
    fn gather_out<'s>(&'s self, from: NodeId, steps: &[Step], found: &mut Vec<&'s str>) {
        let Some((step, rest)) = steps.split_first() else { return found.extend(self.out_code_or_text(from)) };
        let Some(node) = self.step_out(from, step) else { return };
        if self.out.kind(node) == Kind::Array {
            self.out.children(node).for_each(|item| self.gather_out(item, rest, found));
        } else {
            self.gather_out(node, rest, found);
        }
    }
    /// The member of a node of the out side at a step.
    fn step_out(&self, from: NodeId, step: &Step) -> Option<NodeId> {
        let key = match step.word.checked_sub(self.known) {
            None => step.word,
            Some(_) => self.out.key_number(&step.name)?,
        };
        self.out.member_numbered(from, key)
    }
    fn out_code_or_text(&self, node: NodeId) -> Option<&str> {
        let leaf = if self.out.is_scalar(node) { Some(node) } else { self.own_out(node, self.plan.own.code) };
        leaf.and_then(|l| self.out.text(l))
    }
    pub(super) fn out_text(&self, from: NodeId, path: &Path) -> Option<&str> {
        let mut at = from;
        // Without lists on the way there is one text at most.
        for step in &path.steps {
            at = self.step_out(at, step)?;
            if self.out.kind(at) == Kind::Array {
                return self.out_texts(from, path).into_iter().next();
            }
        }
        self.out_code_or_text(at)
    }
    /// The texts (or codes) at a path of the in side.
    pub(super) fn in_texts(&self, from: NodeId, path: &Path) -> Vec<&'d str> {
        self.select(from, path).into_iter().filter_map(|n| self.code_or_text(n)).collect()
    }
}
