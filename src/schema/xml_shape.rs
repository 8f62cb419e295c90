//! A schema as the readers and writers of XML, FHIR XML and HL7 v2 see it.

use super::shape::{Shape, ShapeId, WhiteSpace};
use super::{Schema, Shapes};
use crate::document::fhir_xml::{Element, FhirShape, Primitive};
use crate::document::hl7v2::{MessageShape, Structure};
use crate::document::xml::{Content, Place, Repeats, XmlShape};
use crate::document::{Kind, Names};
use std::sync::OnceLock;

pub(super) struct View<'a> {
    shapes: &'a Shapes,
    root: ShapeId,
    namespaces: &'a [(String, String)],
    blanks: bool,
    structure: &'a OnceLock<Structure>,
}

impl Schema {
    fn view(&self) -> View<'_> {
        View {
            shapes: self.shapes(),
            root: self.root(),
            namespaces: &self.namespaces,
            blanks: self.blanks,
            structure: &self.structure,
        }
    }
    /// The schema as the XML reader and writer see it.
    #[must_use]
    pub fn xml_shape(&self) -> impl XmlShape + '_ {
        self.view()
    }
    /// The schema as the HL7 v2 reader and writer see it.
    #[must_use]
    pub fn message_shape(&self) -> impl MessageShape + '_ {
        self.view()
    }
    /// The schema as the FHIR XML reader and writer see it.
    #[must_use]
    pub fn fhir_shape(&self) -> impl FhirShape + '_ {
        self.view()
    }
}

impl View<'_> {
    fn id(place: Place) -> ShapeId {
        ShapeId(u32::try_from(place.0).unwrap_or(u32::MAX))
    }
    fn child_by_word(&self, of: Place, word: u32) -> Option<(Place, Repeats)> {
        let shape = self.shapes.object(Self::id(of))?.member_by_word(word)?.shape;
        let repeats = match self.shapes.get(shape) {
            Shape::Array(array) => Repeats::UpTo(array.repeats_max.or(array.max)),
            _ => Repeats::Once,
        };
        Some((Place(self.shapes.item_of(shape).index()), repeats))
    }
}

impl XmlShape for View<'_> {
    fn names(&self) -> Option<&Names> {
        Some(&self.shapes.names)
    }
    fn root(&self) -> Place {
        Place(self.root.index())
    }
    fn child(&self, of: Place, name: &str) -> Option<(Place, Repeats)> {
        self.child_by_word(of, self.shapes.names.find(name)?)
    }
    fn child_numbered(&self, of: Place, number: u32, _name: &str) -> Option<(Place, Repeats)> {
        self.child_by_word(of, number)
    }
    fn content(&self, of: Place) -> Content {
        match self.shapes.get(Self::id(of)) {
            Shape::Scalar(scalar) if scalar.white_space == WhiteSpace::Preserve => Content::ExactText,
            Shape::Scalar(_) => Content::Text,
            _ => Content::Elements,
        }
    }
    fn rank(&self, of: Place, name: &str) -> Option<usize> {
        let slot = self.shapes.member(self.shapes.object(Self::id(of))?, name)?;
        Some(slot.place as usize)
    }
    fn namespaces(&self) -> &[(String, String)] {
        self.namespaces
    }
    fn blanks(&self, of: Place) -> Vec<&str> {
        let members = self.shapes.object(Self::id(of)).filter(|_| self.blanks).map(|o| o.members.as_slice());
        let scalar = |id: ShapeId| matches!(self.shapes.get(id), Shape::Scalar(_));
        members.unwrap_or_default().iter().filter(|m| scalar(m.shape)).map(|m| m.name.as_str()).collect()
    }
    fn scalar_kind(&self, of: Place) -> Option<Kind> {
        match self.shapes.get(Self::id(of)) {
            Shape::Scalar(scalar) if !scalar.is_text() => scalar.kinds.first().copied(),
            _ => None,
        }
    }
}

impl MessageShape for View<'_> {
    fn names(&self) -> Option<&Names> {
        Some(&self.shapes.names)
    }
    fn root(&self) -> Place {
        XmlShape::root(self)
    }
    fn child(&self, of: Place, name: &str) -> Option<(Place, Repeats)> {
        XmlShape::child(self, of, name)
    }
    fn child_numbered(&self, of: Place, name: u32) -> Option<(Place, Repeats)> {
        self.child_by_word(of, name)
    }
    fn structure(&self) -> &Structure {
        self.structure.get_or_init(|| Structure::of(self))
    }
    fn requires(&self, of: Place, name: &str) -> bool {
        self.shapes.object(Self::id(of)).and_then(|o| o.member(name)).is_some_and(|m| m.required)
    }
    fn content(&self, of: Place) -> Content {
        XmlShape::content(self, of)
    }
    fn order(&self, of: Place) -> Vec<&str> {
        let members = self.shapes.object(Self::id(of)).map(|o| o.members.as_slice()).unwrap_or_default();
        members.iter().map(|m| m.name.as_str()).collect()
    }
}

impl FhirShape for View<'_> {
    fn names(&self) -> Option<&Names> {
        Some(&self.shapes.names)
    }
    fn root(&self) -> Place {
        XmlShape::root(self)
    }
    fn element(&self, of: Place, name: &str) -> Option<Element> {
        let (place, repeats) = XmlShape::child(self, of, name)?;
        let primitive = match self.shapes.get(Self::id(place)) {
            Shape::Scalar(scalar) if scalar.is_text() => Some(Primitive::Text),
            Shape::Scalar(scalar) if scalar.kinds.contains(&Kind::Bool) => Some(Primitive::Bool),
            Shape::Scalar(_) => Some(Primitive::Number),
            _ => None,
        };
        Some(Element { place, list: repeats != Repeats::Once, primitive })
    }
    fn rank(&self, of: Place, name: &str) -> Option<usize> {
        XmlShape::rank(self, of, name)
    }
}
