//! The label of a segment: all that a decision may look at.

use crate::document::{Document, NodeId};
use crate::ident::{AgencyId, SegmentId};
use crate::vocabulary::{Category, Confidentiality, Level};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// The code in the record.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$variant => $code),+ } }
            /// The member with this code.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> { match code { $($code => Some(Self::$variant),)+ _ => None } }
        }
    };
}
pub(super) use codes;

codes! {
    /// Whether free text may name somebody else.
    ThirdParty {
        /// It names nobody else.
        None = "none",
        /// It may.
        Possible = "possible",
        /// It does.
        Named = "named",
    }
}

codes! {
    /// Whether a segment is fact, report or opinion (rule R69).
    BasisMarker {
        /// Seen or measured.
        Fact = "fact",
        /// Told by somebody.
        Reported = "reported",
        /// A judgement.
        Opinion = "opinion",
    }
}

codes! {
    /// Police handling code of intelligence.
    PoliceHandling {
        /// May be shared lawfully.
        P = "P",
        /// With conditions, see `handling_text`.
        C = "C",
    }
}

codes! {
    /// Handling instructions: HL7 refrain and obligation codes, and ours.
    Handling {
        /// No redisclosure without consent directive.
        Nordsclcd = "NORDSCLCD",
        /// No reuse beyond the purpose.
        Noreuse = "NOREUSE",
        /// Keep the label.
        Persistlabel = "PERSISTLABEL",
        /// Redact before use.
        Redact = "REDACT",
        /// Do not tell the person.
        Nopat = "NOPAT",
        /// Comply with the permission directive.
        Cplycd = "CPLYCD",
        /// Tell the police.
        TellPolice = "tell-police",
        /// Verify before use.
        VerifyBeforeUse = "verify-before-use",
    }
}

/// A cap the custodian put on a segment: it lowers the level to `max` for those listed; an empty list means all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginatorCap {
    /// The highest level left; never `F`.
    pub max: Level,
    /// Role codes it is meant for, as written.
    pub roles: Vec<String>,
    /// Agencies it is meant for.
    pub agencies: Vec<AgencyId>,
    /// Purpose codes it is meant for, as written.
    pub purposes: Vec<String>,
    /// Last day it holds, `YYYY-MM-DD`, inclusive.
    pub until: Option<String>,
}

/// What the decision knows about a segment. Holds no content: `Debug` is safe.
///
/// # Source
/// Canonical record §2 rule 2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// `None` is the category `none`: held until somebody classifies it.
    pub category: Option<Category>,
    /// At or above the floor of the category.
    pub confidentiality: Confidentiality,
    /// The custodian lets nobody outside have it.
    pub sealed: bool,
    /// Finer HL7 codes (`ETHUD`, `ADOL`).
    pub sensitivity_codes: Vec<String>,
    /// The agency that authored or first received it.
    pub custodian: AgencyId,
    /// The people it is about, by local id; at least one.
    pub about: Vec<SegmentId>,
    /// People named in passing, by local id.
    pub mentions: Vec<SegmentId>,
    /// Whether free text may name somebody else.
    pub third_party: ThirdParty,
    /// Fact, report or opinion.
    pub basis_marker: BasisMarker,
    /// Role code of the author, else the source's own words.
    pub author_role: String,
    /// When it was true or seen: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub observed: Option<String>,
    /// Until when.
    pub observed_to: Option<String>,
    /// Handling instructions.
    pub handling: Vec<Handling>,
    /// Police handling code; always present on intelligence.
    pub police_handling: Option<PoliceHandling>,
    /// Whether the segment has words about its handling (`handling_text` in the document).
    pub has_handling_text: bool,
    /// The custodian's caps.
    pub originator: Vec<OriginatorCap>,
}

impl Label {
    /// Reads the label at `node` of a document the canonical schema has accepted; `None` for anything it would not.
    pub(super) fn read(document: &Document, node: NodeId, names: &Names) -> Option<Self> {
        let parts = Parts::of(document, node, names);
        let texts = |at: Option<NodeId>| -> Vec<String> {
            let items = at.into_iter().flat_map(|l| document.children(l));
            items.filter_map(|i| document.text(i).map(str::to_owned)).collect()
        };
        let ids = |at: Option<NodeId>| -> Vec<SegmentId> {
            let items = at.into_iter().flat_map(|l| document.children(l));
            items.filter_map(|i| document.text(i).map(SegmentId::new)).collect()
        };
        let text = |at: Option<NodeId>| at.and_then(|n| document.text(n));
        let list = |at: NodeId, name: &str| texts(document.member(at, name));
        let category = match text(parts.category)? {
            "none" => None,
            code => Some(Category::parse(code)?),
        };
        let caps = parts.originator.into_iter().flat_map(|l| document.children(l));
        let cap = |at: NodeId| {
            Some(OriginatorCap {
                max: Level::parse(document.text_at(at, &["max"])?)?,
                roles: list(at, "roles"),
                agencies: list(at, "agencies").into_iter().map(AgencyId::new).collect(),
                purposes: list(at, "purposes"),
                until: document.text_at(at, &["until"]).map(str::to_owned),
            })
        };
        let handling = parts.handling.into_iter().flat_map(|l| document.children(l));
        Some(Self {
            category,
            confidentiality: Confidentiality::parse(text(parts.confidentiality)?)?,
            sealed: text(parts.sealed) == Some("true"),
            sensitivity_codes: texts(parts.sensitivity_codes),
            custodian: AgencyId::new(text(parts.custodian)?),
            about: ids(parts.about),
            mentions: ids(parts.mentions),
            third_party: ThirdParty::parse(text(parts.third_party)?)?,
            basis_marker: BasisMarker::parse(text(parts.basis_marker)?)?,
            author_role: text(parts.author_role)?.to_owned(),
            observed: text(parts.observed).map(str::to_owned),
            observed_to: text(parts.observed_to).map(str::to_owned),
            // A code that is not understood must not be dropped: the label is refused instead.
            handling: handling.filter_map(|h| document.text(h)).map(Handling::parse).collect::<Option<_>>()?,
            police_handling: match text(parts.police_handling) {
                Some(code) => Some(PoliceHandling::parse(code)?),
                None => None,
            },
            has_handling_text: text(parts.handling_text).is_some(),
            originator: caps.map(cap).collect::<Option<_>>()?,
        })
    }
}

macro_rules! parts {
    ($($name:ident),+ $(,)?) => {
        /// The members of a label, found in one walk over it.
        #[derive(Default)]
        struct Parts { $($name: Option<NodeId>),+ }
        /// The numbers that the names of these members have in a document.
        pub(super) struct Names { $($name: Option<u32>),+ }
        impl Names {
            /// Looked up once for all labels of a record.
            pub(super) fn of(document: &Document) -> Self {
                Self { $($name: document.key_number(stringify!($name))),+ }
            }
        }
        impl Parts {
            fn of(document: &Document, label: NodeId, names: &Names) -> Self {
                let mut parts = Self::default();
                for member in document.children(label) {
                    let key = document.key_number_of(member);
                    $(if key == names.$name {
                        parts.$name = Some(member);
                        continue;
                    })+
                }
                parts
            }
        }
    };
}

parts!(
    category,
    confidentiality,
    sealed,
    sensitivity_codes,
    custodian,
    about,
    mentions,
    third_party,
    basis_marker,
    author_role,
    observed,
    observed_to,
    handling,
    handling_text,
    police_handling,
    originator,
);
