//! One field, in either direction: find, convert, put, account.

use super::account::OutLeaf;
use super::build::Place;
use super::{Here, Kept, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::convert::{Codes, Convert, Converted, Value};
use crate::mapping::loss::LossKind;
use crate::mapping::plan::{Field, Fit, Path, Select, Target};
use crate::vocabulary::Confidentiality;
use std::borrow::Cow;

/// What is to be said about a value that was carried.
type Remarked = (LossKind, &'static str);

impl<'p> Run<'p, '_> {
    pub(super) fn field(&mut self, field: &'p Field, here: Here) {
        if !self.works(field.arrow) {
            return;
        }
        if self.reading() { self.read_field(field, here) } else { self.write_field(field, here) }
    }

    fn read_field(&mut self, field: &'p Field, here: Here) {
        let Some((leaf, extras)) = self.select_one(here.node, &field.native) else {
            return self.read_default(field, here);
        };
        for extra in extras {
            self.later(self.holder(extra), LossKind::ExtraRepeat, field.rule, None);
        }
        if self.input.kind(leaf) == Kind::Null {
            return self.read_cleared(field, here);
        }
        let Some(text) = self.input.text(leaf) else { return };
        let kind = self.input.kind(leaf);
        if !self.guard_holds(field, here) {
            return self.lose(leaf, LossKind::GuardedOut, field.rule, "its condition does not hold");
        }
        let carried = match &field.convert {
            Convert::Ref(_) => self.read_reference(field, leaf, text, here),
            convert => match convert.read(text, kind) {
                Ok(converted) => self.read_value(field, leaf, converted, here),
                Err((kind, note)) => self.refuse(field, leaf, kind, note, here),
            },
        };
        if carried {
            self.carry_constants(&field.native, leaf);
        } else {
            for (constant, _) in self.constants(&field.native, leaf) {
                self.later(constant, LossKind::EmptySlice, field.rule, None);
            }
        }
    }

    /// The item an extra value stands in, so that its constants are reported with it.
    fn holder(&self, node: NodeId) -> NodeId {
        let mut at = node;
        while let Some(parent) = self.input.parent(at) {
            if self.input.kind(parent) == Kind::Array {
                return at;
            }
            at = parent;
        }
        node
    }

    pub(super) fn carry_constants(&mut self, path: &Path, node: NodeId) {
        for (constant, _) in self.constants(path, node) {
            self.mark(constant, super::account::InLeaf::Carried);
        }
    }

    fn guard_holds(&self, field: &Field, here: Here) -> bool {
        let Some(guard) = &field.guard else { return true };
        let text = if self.reading() {
            self.made(here.frame).and_then(|node| self.out_text(node, &guard.path))
        } else {
            self.select_one(here.node, &guard.path).and_then(|(n, _)| self.code_or_text(n))
        };
        match (&guard.equals, text) {
            (None, found) => found.is_some(),
            (Some(wanted), found) => found == Some(wanted.as_str()),
        }
    }

    fn read_default(&mut self, field: &'p Field, here: Here) {
        let Some(default) = &field.default else { return };
        let Some((path, target)) = field.canonical.first() else { return };
        if self.made(here.frame).is_none() || !self.guard_holds(field, here) {
            return;
        }
        let place = self.place_for(here.frame, path, None, field.rule);
        let leaf = match target {
            Target::Coded => {
                let code = self.plan.own.code;
                self.put_object(&place).map(|o| self.add_own(o, code, Kind::String, default, OutLeaf::Defaulted))
            }
            Target::Scalar { fit, .. } => self.put(&place, fit.kind, default, OutLeaf::Defaulted),
            _ => None,
        };
        if leaf.is_some() {
            self.remark(LossKind::Defaulted, None, leaf, Some(field.rule), "the source said nothing");
        }
    }

    fn read_reference(&mut self, field: &'p Field, leaf: NodeId, text: &str, here: Here) -> bool {
        let found = self.referred(&field.refs, text).map(|(_, id)| id);
        match found {
            Some(id) => {
                let value = Converted { value: Value::One(Kind::String, (&*id).into()), remark: None };
                self.read_value(field, leaf, value, here)
            }
            None => self.refuse(field, leaf, LossKind::DanglingReference, "it refers to nothing in this record", here),
        }
    }

    /// Keeps an unreadable value under its segment's label, and says so.
    fn refuse(&mut self, field: &'p Field, leaf: NodeId, kind: LossKind, note: &'static str, here: Here) -> bool {
        if kind == LossKind::CodeUnmapped && looks_up(field) {
            // Another block over the same list may have a row for it.
            self.later(leaf, kind, field.rule, None);
            return false;
        }
        if let Some(at) = here.segment {
            // The segment must exist to hold it.
            if let Some(frame) = self.segments.get(at).map(|s| s.frame) {
                self.ensure(frame);
            }
            if let Some(segment) = self.segments.get_mut(at) {
                segment.unparsed.push((&field.unparsed, leaf, Kept::Unreadable));
            }
        }
        self.lose(leaf, kind, field.rule, note);
        false
    }

    fn read_value(&mut self, field: &'p Field, leaf: NodeId, converted: Converted<Value<'_>>, here: Here) -> bool {
        if let [(_, Target::Confidentiality)] = field.canonical.as_slice() {
            return self.read_confidentiality(field, leaf, &converted.value, here);
        }
        let (value, cut) = match self.fit_canonical(field, converted.value) {
            Ok(fitted) => fitted,
            Err((kind, note)) => return self.refuse(field, leaf, kind, note, here),
        };
        let Some(out) = self.put_canonical(field, leaf, &value, here) else {
            self.lose(leaf, LossKind::ExtraRepeat, field.rule, "another value stands in its place already");
            return false;
        };
        self.carry(leaf, out, Some(field.rule));
        if let (Convert::Ref(_), Value::One(_, id)) = (&field.convert, &value) {
            // What it refers to may yet turn out to be held back.
            self.references.push((out, id.to_string(), leaf, field.rule));
        }
        if let Some((kind, note)) = converted.remark {
            self.remark(kind, Some(leaf), Some(out), Some(field.rule), note);
        }
        if cut {
            self.remark(LossKind::Truncated, Some(leaf), Some(out), Some(field.rule), "cut to the permitted length");
        }
        true
    }

    /// `label.confidentiality`: only raises. An unknown code raises to the top.
    fn read_confidentiality(&mut self, field: &'p Field, leaf: NodeId, value: &Value<'_>, here: Here) -> bool {
        let stated = match value {
            Value::Codes(codes, _) => codes.get(0).and_then(Confidentiality::parse),
            _ => None,
        };
        let conf = stated.unwrap_or(Confidentiality::V);
        let at_least = here.segment.and_then(|at| self.segments.get_mut(at)).map(|s| {
            s.conf = Some(s.conf.map_or(conf, |c| c.max(conf)));
        });
        if at_least.is_none() {
            return self.refuse(field, leaf, LossKind::InvalidValue, "there is no label here", here);
        }
        self.mark(leaf, super::account::InLeaf::Carried);
        if stated.is_none() {
            self.remark(LossKind::CodeUnmapped, Some(leaf), None, Some(field.rule), "taken as very restricted");
        }
        true
    }

    fn write_field(&mut self, field: &'p Field, here: Here) {
        let Some((value, leaves)) = self.gather(field, here.node) else {
            return self.write_absent(field, here);
        };
        let leaves = leaves.as_slice();
        let lead = leaves.first().copied();
        if !self.guard_holds(field, here) {
            return self.lose_all(leaves, LossKind::GuardedOut, field, "its condition does not hold");
        }
        let written = match &field.convert {
            Convert::Ref(_) => self.write_reference(&value),
            convert => convert.write(&value),
        };
        let converted = match written {
            Ok(converted) => converted,
            Err((LossKind::CodeUnmapped, _)) if looks_up(field) => {
                leaves.iter().for_each(|l| self.later(*l, LossKind::CodeUnmapped, field.rule, None));
                return;
            }
            Err((kind, note)) => return self.lose_all(leaves, kind, field, note),
        };
        let fitted = fit(&converted.value, &field.native_fit).map(|fitted| (converted.remark, fitted));
        let (remark, (text, cut)) = match fitted.or_else(|note| current_code(field, &value).ok_or(note)) {
            Ok(fitted) => fitted,
            Err(note) => return self.lose_all(leaves, LossKind::InvalidValue, field, note),
        };
        let place = self.place_for(here.frame, &field.native, lead, field.rule);
        let Some(out) = self.put(&place, field.native_fit.kind, &text, OutLeaf::Carried) else {
            return self.lose_all(leaves, LossKind::ExtraRepeat, field, "another value stands in its place already");
        };
        for leaf in leaves {
            self.carry(*leaf, out, Some(field.rule));
        }
        for (path, _) in &field.canonical {
            if let Some(leaf) = lead {
                self.carry_constants_of(path, leaf);
            }
        }
        if let (Convert::Ref(_), Value::One(_, id), Some(leaf)) = (&field.convert, &value, lead) {
            self.references.push((out, id.to_string(), leaf, field.rule));
        }
        if lead.is_some_and(|l| self.synthetic(l)) {
            self.remark(LossKind::Supplied, None, Some(out), Some(field.rule), "the code that says its category here");
        }
        if let Some((kind, note)) = remark {
            self.remark(kind, lead, Some(out), Some(field.rule), note);
        }
        if cut {
            self.remark(LossKind::Truncated, lead, Some(out), Some(field.rule), "cut to the permitted length");
        }
    }

    /// The constants beside a canonical value: the value may stand deeper (`{code}`), so its holder is looked for.
    fn carry_constants_of(&mut self, path: &Path, leaf: NodeId) {
        if !path.steps.iter().any(|step| matches!(step.select, Select::Where(_))) {
            return;
        }
        let mut at = leaf;
        for _ in 0..3 {
            let found = self.constants(path, at);
            if !found.is_empty() {
                for (constant, _) in found {
                    self.mark(constant, super::account::InLeaf::Carried);
                }
                return;
            }
            match self.input.parent(at) {
                Some(parent) => at = parent,
                None => return,
            }
        }
    }

    fn lose_all(&mut self, leaves: &[NodeId], kind: LossKind, field: &Field, note: &'static str) {
        for leaf in leaves {
            self.lose(*leaf, kind, field.rule, note);
        }
    }

    fn write_reference(&mut self, value: &Value<'_>) -> crate::mapping::convert::WriteResult<'static> {
        let Value::One(_, id) = value else {
            return Err((LossKind::DanglingReference, "it refers to nothing in this record"));
        };
        match self.by_id.get(&**id).copied() {
            Some(node) => Ok(Converted { value: self.native_key(node, id).into(), remark: None }),
            None => Err((LossKind::DanglingReference, "it refers to nothing in this record")),
        }
    }

    /// Nothing canonical to write: the unreadable value of the same sender goes back as it came, or a default.
    fn write_absent(&mut self, field: &'p Field, here: Here) {
        if self.write_cleared(field, here) {
            return;
        }
        if field.restorable && self.restore(field, here) {
            return;
        }
        let Some(default) = &field.default else { return };
        if self.made(here.frame).is_none() || !self.guard_holds(field, here) {
            return;
        }
        let value = match field.canonical.first().map(|(_, t)| t) {
            Some(Target::Coded) | None => Value::Codes(Codes::One(default.as_str().into()), None),
            Some(_) => match &field.convert {
                Convert::Code(_) => Value::Codes(Codes::One(default.as_str().into()), None),
                _ => Value::One(Kind::String, default.as_str().into()),
            },
        };
        let Ok(converted) = field.convert.write(&value) else { return };
        let place = self.place_for(here.frame, &field.native, None, field.rule);
        let leaf = self.put(&place, field.native_fit.kind, &converted.value, OutLeaf::Defaulted);
        if leaf.is_some() {
            self.remark(LossKind::Defaulted, None, leaf, Some(field.rule), "the record said nothing");
        }
    }

    /// Path and text of the value kept under this path in the segment being written.
    pub(super) fn kept(&self, under: &str, here: Here) -> Option<(NodeId, NodeId)> {
        let segment = self.segments.get(here.segment?).filter(|s| s.keeps)?;
        let own = self.plan.own;
        let list = self.member_in(segment.node, own.unparsed)?;
        let path = |item: NodeId| self.member_in(item, own.path);
        let said = |item: &NodeId| path(*item).and_then(|p| self.input.text(p)) == Some(under);
        let item = self.input.children(list).find(said)?;
        Some((path(item)?, self.member_in(item, own.text)?))
    }

    fn restore(&mut self, field: &'p Field, here: Here) -> bool {
        let Some((path, text)) = self.kept(&field.unparsed, here) else { return false };
        let words = self.input.text(text).unwrap_or("");
        if fit(words, &field.native_fit).is_err() {
            // What was tolerated when it came in is not sent out again.
            for leaf in [text, path] {
                self.lose(leaf, LossKind::InvalidValue, field.rule, "the format does not permit the value as it came");
            }
            return true;
        }
        let place = self.place_for(here.frame, &field.native, Some(text), field.rule);
        let Some(out) = self.put(&place, field.native_fit.kind, words, OutLeaf::Carried) else { return false };
        self.carry(text, out, Some(field.rule));
        self.carry(path, out, Some(field.rule));
        true
    }

    /// An object at a place.
    pub(super) fn put_object(&mut self, place: &Place) -> Option<NodeId> {
        self.put(place, Kind::Object, "", OutLeaf::None)
    }
}

/// A text as it fits its place, whether it was cut, and what is to be said of it.
type Fitted<'t> = (Option<Remarked>, (Cow<'t, str>, bool));

/// The code of today for a value whose sender's own code the format no longer permits.
fn current_code<'t>(field: &Field, value: &Value<'_>) -> Option<Fitted<'t>> {
    let Value::Codes(codes, Some(_)) = value else { return None };
    let plain = Value::Codes(codes.clone(), None);
    let converted = field.convert.write(&plain).ok()?;
    let (text, cut) = fit(&converted.value, &field.native_fit).ok()?;
    let fitted = (Cow::Owned(text.into_owned()), cut);
    let note = "the sender's own code is no longer permitted; the current one is written";
    Some((converted.remark.or(Some((LossKind::Normalised, note))), fitted))
}

/// Whether a field only looks codes up for a list of plain codes, so that several such blocks may share the list.
fn looks_up(field: &Field) -> bool {
    matches!(field.convert, Convert::Code(_))
        && matches!(field.canonical.as_slice(), [(path, Target::Scalar { .. })] if path.steps.is_empty())
}

/// The text as it fits a place, and whether it was cut.
pub(in crate::mapping) fn fit<'t>(text: &'t str, fit: &Fit) -> Result<(Cow<'t, str>, bool), &'static str> {
    if !fit.list.is_empty() && !fit.list.iter().any(|l| l == text) {
        return Err("the value is not in the format's list");
    }
    let outside = |n: f64| fit.minimum.is_some_and(|least| n < least) || fit.maximum.is_some_and(|most| n > most);
    if fit.kind == Kind::Number && text.parse().is_ok_and(outside) {
        return Err("the number is outside what is permitted");
    }
    // A byte count settles most texts without counting characters.
    let short = text.len() < fit.min_length.saturating_mul(4);
    let long = fit.max_length.is_some_and(|max| text.len() > max);
    let length = if short || long { text.chars().count() } else { text.len() };
    if length < fit.min_length {
        return Err("the value is shorter than the format permits");
    }
    let (text, cut): (Cow<'t, str>, bool) = match fit.max_length {
        // Codes and numbers are never cut: a shortened one is another one.
        Some(max) if length > max && (fit.pattern.is_some() || max < TEXT_LENGTH_MIN) => {
            return Err("the value is longer than the format permits");
        }
        Some(max) if length > max => (text.chars().take(max).collect(), true),
        _ => (Cow::Borrowed(text), false),
    };
    let formed = fit.format.is_none_or(|f| f.holds(&text));
    if !formed || fit.pattern.as_ref().is_some_and(|p| !p.is_match(&text)) {
        return Err("the value does not have the form the format asks for");
    }
    Ok((text, cut))
}

/// A place that permits fewer characters than this is for codes and identifiers, not for prose.
pub(in crate::mapping) const TEXT_LENGTH_MIN: usize = 100;
