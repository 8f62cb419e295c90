//! How large a message may be. Checked while reading, so that a hostile body costs little before it is refused.

/// Bytes of a body, 16 MiB: a census of 6,000 to 12,000 children. More, and a hostile body would cost more than 64 MiB.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Nesting of objects, arrays and elements. Real messages stay below 20; recursion further on relies on this bound.
pub const DEPTH_MAX: usize = 64;

/// Nodes of a tree. At 28 bytes each the tree of the largest message stays near 17 MB, beside its text.
pub const NODES_MAX: usize = 600_000;

/// Items of one array where the schema names no other bound (`x-repeats-max`). Source: mapping language §5.
pub const REPEATS_MAX: usize = 1_000;

/// Bytes of a file given on the command line, 256 MiB: the operator's own file, not a stranger's body.
const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Nodes of a file given on the command line.
const FILE_NODES_MAX: usize = 16_000_000;

/// Items of one array of a file given on the command line.
const FILE_REPEATS_MAX: usize = 1_000_000;

/// The bounds a reader keeps. All are inclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the whole input.
    pub bytes_max: usize,
    /// Nesting of containers; the root is depth 1.
    pub depth_max: usize,
    /// Nodes of the tree.
    pub nodes_max: usize,
    /// Items of one array, where the shape gives no own bound.
    pub repeats_max: usize,
}

impl Limits {
    /// For bodies that arrive over a connection: the same as [`Limits::default`].
    #[must_use]
    pub const fn message() -> Self {
        Self { bytes_max: BODY_BYTES_MAX, depth_max: DEPTH_MAX, nodes_max: NODES_MAX, repeats_max: REPEATS_MAX }
    }
    /// For files an operator names on the command line, and for the content set.
    #[must_use]
    pub const fn file() -> Self {
        Self {
            bytes_max: FILE_BYTES_MAX,
            depth_max: DEPTH_MAX,
            nodes_max: FILE_NODES_MAX,
            repeats_max: FILE_REPEATS_MAX,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::message()
    }
}
