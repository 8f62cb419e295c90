//! Words of a report that many entries share: the rule's place, and why.

use serde::Serialize;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// A text that is copied without being written again: ours, or the mapping's own.
#[derive(Clone)]
pub enum Said {
    /// One of this program's.
    Plain(&'static str),
    /// A mapping's, held once.
    Shared(Arc<str>),
}

impl Deref for Said {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl Default for Said {
    fn default() -> Self {
        Self::Plain("")
    }
}

impl From<&'static str> for Said {
    fn from(text: &'static str) -> Self {
        Self::Plain(text)
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        // Most are one and the same text, which need not be read.
        std::ptr::eq::<str>(&**self, &**other) || **self == **other
    }
}

impl Eq for Said {}

impl Hash for Said {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for Said {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
