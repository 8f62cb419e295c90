//! XML 1.0 with namespaces, read as a tree of objects, arrays and texts, and written back.
//!
//! Owns [`decode`], [`read()`] and [`write()`]. An element is an object member; attributes are members `@name`; an element
//! with text only is a text; stray text between elements is `#text`. Which elements repeat comes from an [`XmlShape`],
//! so that one child and many children have the same shape. Refuses DTDs, every entity but the five of XML, and all
//! that is not well formed. Comments, processing instructions and schema locations are about the file, not the people
//! in it: they are skipped.

mod attributes;
mod decode;
mod names;
mod read;
mod write;

pub use decode::decode;
pub use read::{read, root_name};
pub(super) use write::escape;
pub use write::write;

/// A place in a shape, as its owner numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(pub usize);

/// What an element may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Other elements: white space between them means nothing.
    Elements,
    /// Text whose outer white space means nothing.
    Text,
    /// Text kept to the last blank.
    ExactText,
}

/// Whether an element may stand more than once in its parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeats {
    /// Once.
    Once,
    /// Any number up to this, or up to `Limits::repeats_max` when `None`.
    UpTo(Option<usize>),
}

/// What the reader does with an element of some namespace and name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admitted {
    /// Reads it.
    Element,
    /// Keeps it as one text, markup and all, when it is well formed.
    Verbatim,
    /// Refuses the message.
    Refused,
}

/// What the reader and writer must know of a schema.
pub trait XmlShape {
    /// The place of the root element.
    fn root(&self) -> Place;
    /// A child element of a place; `None` when the schema does not name it.
    fn child(&self, of: Place, name: &str) -> Option<(Place, Repeats)>;
    /// As [`XmlShape::child`], for a name whose number is known in a tree that was made with [`XmlShape::names`].
    fn child_numbered(&self, of: Place, _number: u32, name: &str) -> Option<(Place, Repeats)> {
        self.child(of, name)
    }
    /// What the element at a place holds.
    fn content(&self, of: Place) -> Content;
    /// The place of a child element in the writing order of its parent; `None` when the schema does not name it.
    fn rank(&self, of: Place, name: &str) -> Option<usize>;
    /// Prefix and namespace of a vocabulary whose names are written `prefix:name` in the tree, whatever prefixes a
    /// message binds. Empty for formats without namespaces: there local names count alone.
    fn namespaces(&self) -> &[(String, String)] {
        &[]
    }
    /// Names that every tree of this shape knows from the start.
    fn names(&self) -> Option<&super::Names> {
        None
    }
    /// The kind of the scalar at a place, where it is no text.
    fn scalar_kind(&self, _of: Place) -> Option<super::Kind> {
        None
    }
    /// Child elements of a place that are written empty when they have no value; none where an absent element says the same.
    fn blanks(&self, _of: Place) -> Vec<&str> {
        Vec::new()
    }
    /// Whether elements of this namespace (`None` or empty: of none) and local name are read. Most formats do not care.
    fn admits(&self, _namespace: Option<&str>, _name: &str) -> Admitted {
        Admitted::Element
    }
}
