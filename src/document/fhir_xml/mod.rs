//! FHIR in XML: the same tree as FHIR in JSON, from XML and back.
//!
//! Owns the two notations' difference and nothing else: a primitive is an attribute `value`, ids and extensions of a
//! primitive stand inside it (`_name` in JSON), `url` and the `id` of a datatype are attributes, a resource inside
//! another is an element named by its type. What repeats and what is a number or a truth value comes from a
//! [`FhirShape`]; in places the schema does not know, what stands twice is a list. The narrative (`div`, XHTML) is kept
//! as one text and is never written. Refuses other namespaces and attributes FHIR does not have.
//!
//! # Source
//! HL7 FHIR R4 4.0.1, "XML representation of resources" and "JSON representation of resources".

mod read;
mod write;

pub use read::read;
pub use write::write;

/// The namespace of every element but the narrative.
const NAMESPACE: &str = "http://hl7.org/fhir";

/// The namespace of the narrative.
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// A place in a shape, as its owner numbers it.
pub use super::xml::Place;

/// How a primitive stands in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Primitive {
    /// In quotes.
    Text,
    /// A number.
    Number,
    /// A truth value.
    Bool,
}

/// An element the schema knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element {
    /// Its place.
    pub place: Place,
    /// Whether it is a list in JSON.
    pub list: bool,
    /// What it is, when it is a primitive.
    pub primitive: Option<Primitive>,
}

/// What must be known of the schema: the tree of a Bundle regrouped by resource type (see [`super::fhir`]).
pub trait FhirShape {
    /// Names that every tree of this shape knows from the start.
    fn names(&self) -> Option<&super::Names> {
        None
    }
    /// The place of the Bundle; its members are also the places of the resource types.
    fn root(&self) -> Place;
    /// An element of a place; `None` when the schema does not name it.
    fn element(&self, of: Place, name: &str) -> Option<Element>;
    /// The place of an element in the order FHIR gives them; `None` when the schema does not name it.
    fn rank(&self, of: Place, name: &str) -> Option<usize>;
}

/// No shape at all: for resources the gateway makes itself, whose elements stand in FHIR's order already.
#[derive(Clone, Copy, Debug)]
pub struct AsItStands;

impl FhirShape for AsItStands {
    fn root(&self) -> Place {
        Place(0)
    }
    fn element(&self, _: Place, _: &str) -> Option<Element> {
        None
    }
    fn rank(&self, _: Place, _: &str) -> Option<usize> {
        None
    }
}

/// The place of a resource of this type.
fn place_of(shape: &dyn FhirShape, kind: &str) -> Option<Place> {
    if kind == "Bundle" { Some(shape.root()) } else { shape.element(shape.root(), kind).map(|e| e.place) }
}

/// Whether a name is that of a resource type: elements never begin with a capital.
fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}
