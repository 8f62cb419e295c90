//! The engine: walks a plan over a document, in one direction, and accounts for every value.
//!
//! Owns one run over one record. `walk` decides what happens in which order, `select` finds values on the side being
//! read, `build` makes the side being written, `segment_read` and `segment_write` do labels and identity, `places` says
//! where items stand, `account` keeps the two sets of leaves and proves conservation. Source: mapping language §4.2, §6.2.

mod account;
mod build;
mod cleared;
mod few;
mod fields;
mod finish;
mod places;
mod segment_read;
mod segment_write;
mod select;
mod values;
mod walk;

use super::loss::{Direction, LossEntry, LossKind, LossRun};
use super::plan::{Plan, RuleId};
use super::said::Said;
use crate::document::{Document, Keyed, Kind, NodeId};
use crate::schema::{Shapes, Words};
use account::{InLeaf, OutLeaf};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub(in crate::mapping) use fields::{TEXT_LENGTH_MIN, fit as fit_text};

/// Room to begin with for frames, segments and remarks: enough for most messages.
const FRAMES: usize = 96;
const SEGMENTS: usize = 16;
const REMARKS: usize = 48;

/// What a run needs besides plan and document. No clock, no randomness: the same inputs give the same bytes.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// Whose connection it is (read: becomes the custodian of every label).
    pub custodian: &'a str,
    /// Mixed into ids that are made from positions.
    pub seed: u64,
    /// Position of this record in its message, mixed into ids made from positions.
    pub place: usize,
    /// Write: from this node on, leaves were added by `prepare` and are not the record's own.
    pub added_from: Option<usize>,
    /// The record's array in the message, to show true positions in the report.
    pub records: &'a [String],
}

/// A native item that could not become a segment: kept whole, stored nowhere.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Why: `no-subject`, or `invalid-value` when a required part is missing.
    pub kind: LossKind,
    /// Where it stood.
    pub path: String,
    /// The item itself. Personal: for the custodian's own eyes.
    pub item: Document,
}

/// What a run gives.
#[derive(Debug)]
pub struct Done {
    /// The document made.
    pub out: Document,
    /// The account.
    pub run: LossRun,
    /// The entries.
    pub entries: Vec<LossEntry>,
    /// Items held.
    pub quarantined: Vec<Quarantined>,
}

/// The engine broke its own promise; the run counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("conservation failed: {unaccounted_in} values in and {unaccounted_out} values out are not accounted for")]
pub struct Unbalanced {
    /// Input leaves neither carried nor reported, or both.
    pub unaccounted_in: usize,
    /// Output leaves of unknown origin.
    pub unaccounted_out: usize,
}

/// Runs a plan over one record's document.
///
/// # Errors
/// [`Unbalanced`] when the account does not balance: a bug, never the sender's fault.
pub fn run(
    plan: &Plan,
    direction: Direction,
    shapes: &Shapes,
    input: &Document,
    setting: &Setting<'_>,
) -> Result<Done, Unbalanced> {
    // A tree that was made without the names of the schemas gets them first, so that every name has one number.
    let based = (!input.knows(&plan.known)).then(|| input.based(&plan.known));
    let input = based.as_ref().unwrap_or(input);
    let mut run = Run::new(plan, direction, shapes, input, setting);
    run.index_keys();
    let root = input.root();
    run.items(&plan.items, &plan.gates, Here { node: root, frame: 0, segment: None, position: 1 });
    run.finish()
}

/// Where the walk stands: a node of the in side, a frame of the out side, the segment around them.
#[derive(Clone, Copy)]
struct Here {
    node: NodeId,
    frame: usize,
    segment: Option<usize>,
    position: usize,
}

/// A place on the out side that is made when its first value arrives.
struct Frame<'p> {
    parent: usize,
    path: Option<&'p super::plan::Path>,
    /// Whether a new array item is made rather than a fitting one found.
    fresh: bool,
    node: Option<NodeId>,
    segment: Option<usize>,
}

/// Why a value is kept unparsed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It failed its type: whatever somebody typed, perhaps a name.
    Unreadable,
    /// A code other than the constant the mapping expects.
    Constant,
}

/// A segment being read or written.
struct Segment<'p> {
    scope: &'p super::plan::Scope,
    /// Local id.
    id: Rc<str>,
    frame: usize,
    /// Read: `source_ref.key`, where the key is not the id.
    key: Option<String>,
    /// Read: who it is about.
    about: Vec<Rc<str>>,
    /// Read: ids of linked segments, in order of the links.
    linked: Vec<Rc<str>>,
    /// Read: stated by a field, only ever raises.
    conf: Option<crate::vocabulary::Confidentiality>,
    /// Read: values that failed their type, with the path to keep them under.
    unparsed: Vec<(&'p str, NodeId, Kept)>,
    /// Read: the label object.
    label: Option<NodeId>,
    /// Write: the canonical node.
    node: NodeId,
    /// Write: whether it keeps values that could not be read, or says which were cleared.
    keeps: bool,
}

/// The segment a name stands for at this moment.
#[derive(Clone)]
struct Bound {
    id: Rc<str>,
    frame: usize,
}

/// A remark for the report.
struct Remark<'p> {
    kind: LossKind,
    from: Option<NodeId>,
    to: Option<NodeId>,
    rule: Option<RuleId>,
    note: &'static str,
    /// The mapping's own words.
    words: Option<&'p Said>,
}

/// How far a late mark reaches below its node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Every leaf.
    All,
    /// Members the schema knows, and none that changes the meaning of what it stands in.
    Known,
}

/// Leaves to be marked at the end, unless something carried them.
struct Later<'p> {
    node: NodeId,
    /// `rest` speaks of what the schema knows and the format lets one overlook.
    reach: Reach,
    kind: LossKind,
    rule: RuleId,
    words: Option<&'p Said>,
}

struct Run<'p, 'd> {
    plan: &'p Plan,
    direction: Direction,
    shapes: &'p Shapes,
    input: &'d Document,
    setting: &'d Setting<'d>,
    out: Document,
    /// How many names both sides know from the start, under the plan's numbers.
    known: u32,
    /// The numbers that the other names of the plan have in the in side; `None` where it has no such name.
    strange_in: Vec<Option<u32>>,
    /// Where items of the in side stand in their lists.
    places_in: places::Places,
    /// The numbers they have in the out side, once they were needed there.
    strange_out: Vec<Option<u32>>,
    /// The in side's names as the schemas call them.
    words_in: Words,
    leaves_in: Vec<InLeaf>,
    leaves_out: Vec<OutLeaf>,
    /// Which in leaf made which out leaf.
    witnesses: Vec<(NodeId, NodeId, Option<RuleId>)>,
    remarks: Vec<Remark<'p>>,
    later: Vec<Later<'p>>,
    frames: Vec<Frame<'p>>,
    segments: Vec<Segment<'p>>,
    names: Vec<Option<Bound>>,
    /// Read: native key to slot and id. Write: id to slot.
    keys: HashMap<String, (usize, Rc<str>), Keyed>,
    /// Read: whom the segments with a native key are about.
    subjects: HashMap<Rc<str>, Vec<Rc<str>>, Keyed>,
    /// Write: segments by id, to find their keys.
    by_id: HashMap<&'d str, NodeId, Keyed>,
    /// Write: what the rules ask of every segment, by its node.
    facts: Vec<segment_write::Facts<'d>>,
    /// Write: where in `facts` a node's are, from 1; 0 for none.
    facts_of: Vec<u32>,
    /// Ids of the segments made (read) or written.
    written: HashSet<Rc<str>, Keyed>,
    /// Write: segments some rule has written. Read: items a block has taken. By node.
    visited: Vec<bool>,
    /// Write: references made, to be checked at the end.
    references: Vec<(NodeId, String, NodeId, RuleId)>,
    /// Subtrees of the out side taken out again.
    held: Vec<NodeId>,
    quarantined: Vec<Quarantined>,
    /// Place and seed, as they go into ids.
    place: String,
    /// Room for pointers.
    pointer: String,
}

impl<'p, 'd> Run<'p, 'd> {
    fn new(
        plan: &'p Plan,
        direction: Direction,
        shapes: &'p Shapes,
        input: &'d Document,
        setting: &'d Setting<'d>,
    ) -> Self {
        let out = Document::sized(Kind::Object, input.node_count(), Some(&plan.known));
        let root = out.root();
        let mut frames = Vec::with_capacity(FRAMES);
        frames.push(Frame { parent: 0, path: None, fresh: false, node: Some(root), segment: None });
        let mut leaves_in = vec![InLeaf::Open; input.node_count()];
        if let Some(added) = setting.added_from.and_then(|from| leaves_in.get_mut(from..)) {
            added.fill(InLeaf::Carried);
        }
        Self {
            plan,
            direction,
            shapes,
            input,
            setting,
            out,
            known: u32::try_from(plan.known.len()).unwrap_or(u32::MAX),
            strange_in: strange_in(plan, input),
            places_in: places::Places::default(),
            strange_out: vec![None; plan.strange.len()],
            words_in: shapes.words_of(input),
            leaves_in,
            // What is made has ids and labels besides the values that came in.
            leaves_out: Vec::with_capacity(input.node_count().saturating_mul(2)),
            witnesses: Vec::with_capacity(input.node_count() / 2),
            remarks: Vec::with_capacity(REMARKS),
            later: Vec::new(),
            frames,
            segments: Vec::with_capacity(SEGMENTS),
            names: vec![None; plan.names.len()],
            keys: HashMap::with_capacity_and_hasher(SEGMENTS, Keyed),
            subjects: HashMap::default(),
            by_id: HashMap::default(),
            facts: Vec::new(),
            facts_of: Vec::new(),
            written: HashSet::with_capacity_and_hasher(SEGMENTS, Keyed),
            visited: vec![false; input.node_count()],
            references: Vec::new(),
            held: Vec::new(),
            quarantined: Vec::new(),
            place: format!("{}\n{}", setting.place, setting.seed),
            pointer: String::new(),
        }
    }
    fn reading(&self) -> bool {
        self.direction == Direction::Read
    }
    /// Notes that a node was taken; `false` when it was already.
    fn visit(&mut self, node: NodeId) -> bool {
        self.visited.get_mut(node.index()).is_some_and(|seen| !std::mem::replace(seen, true))
    }
}

/// The numbers in a tree of the plan's names that no schema knows: a message has few such names of its own, so these are
/// looked up among the plan's and not the other way round.
fn strange_in(plan: &Plan, input: &Document) -> Vec<Option<u32>> {
    let mut numbers = vec![None; plan.strange.len()];
    let first = input.known_names();
    for (name, at) in input.key_names().zip(first..) {
        let place = plan.strange_places.get(name).and_then(|place| numbers.get_mut(*place));
        if let (Some(place), Ok(number)) = (place, u32::try_from(at)) {
            *place = Some(number);
        }
    }
    numbers
}
