//! What stands on the envelope of a FHIR message: enough to answer it, and to know it again.
//!
//! Owns the reading of `MessageHeader` and of the Bundle's own identifier; the message itself is `receive`'s. What is kept here is
//! said again to its own sender only, and only where it is plain: an address, a code, an id.
//!
//! # Source
//! FHIR R4 §2.4 Messaging, Bundle bdl-11 and bdl-12; NHS BaRS (replies swap source and destination, `response.identifier` is the id of the
//! request's header); FHIR dossier §8 (idempotency by `Bundle.identifier`, else header id and sender).

use super::{Caller, Failure, Gateway};
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, Kind, NodeId};

/// Longest address, code or id said again, in bytes.
const TEXT_BYTES_MAX: usize = 255;
/// Longest FHIR id, in bytes.
const ID_BYTES_MAX: usize = 64;
/// The events of NHS booking and referral, whose answers have a name of their own.
const BARS_EVENTS: &str = "https://fhir.nhs.uk/CodeSystem/message-events-bars";

/// What a message is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MessageEvent {
    /// A code and its system.
    Coding {
        /// The system.
        system: String,
        /// The code.
        code: String,
    },
    /// A URI.
    Uri(String),
}

/// The envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageHead {
    /// The header's id: the answer names it.
    pub id: String,
    /// The event, as the answer says it.
    pub event: MessageEvent,
    /// Where the message came from.
    pub source: Option<String>,
    /// Where it was sent to.
    pub destination: Option<String>,
    /// What makes it the same message again.
    pub identity: String,
}

impl std::fmt::Debug for MessageHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MessageHead")
    }
}

impl Gateway {
    /// The envelope of a message Bundle in the caller's format.
    ///
    /// # Errors
    /// [`Failure::Invalid`]: not well formed, or no message with a header that can be answered.
    pub fn message_head(&self, caller: &Caller, body: &[u8]) -> Result<MessageHead, Failure> {
        let tree = self.content().mappings.tree(&caller.format, body, &self.limits()).map_err(Failure::Invalid)?;
        head(&tree).map_err(|fault| Failure::Invalid(vec![fault]))
    }
}

fn head(tree: &Document) -> Result<MessageHead, Diagnostic> {
    let root = tree.root();
    let fault = |pointer: &str, text: &str| Diagnostic::error(code::SCHEMA_INVALID, text).with_pointer(pointer);
    if tree.text_at(root, &["type"]) != Some("message") {
        return Err(fault("/type", "what is processed is a Bundle of type message"));
    }
    let headers = tree.member(root, "MessageHeader");
    let header = headers.and_then(|list| tree.item(list, 0));
    let header = header.filter(|found| is_first(tree, *found));
    let header =
        header.ok_or_else(|| fault("/entry/0/resource", "a message begins with its MessageHeader (bdl-12)"))?;
    let id = own_id(tree, header);
    let id = id.ok_or_else(|| fault("/entry/0/resource/id", "the MessageHeader has no id: it cannot be answered"))?;
    let source = plain(tree, header, &["source", "endpoint"]);
    let destination =
        tree.member(header, "destination").and_then(|l| tree.item(l, 0)).and_then(|d| plain(tree, d, &["endpoint"]));
    let named = tree.text_at(root, &["identifier", "value"]).map(|value| {
        let system = tree.text_at(root, &["identifier", "system"]).unwrap_or("");
        format!("bundle\n{system}\n{value}")
    });
    let sender = tree.text_at(header, &["source", "endpoint"]).unwrap_or("");
    let identity = named.unwrap_or_else(|| format!("header\n{id}\n{sender}"));
    Ok(MessageHead { id, event: event(tree, header), source, destination, identity })
}

/// Whether no other resource of the message stands before this one.
fn is_first(tree: &Document, header: NodeId) -> bool {
    let groups = tree.children(tree.root()).filter(|group| tree.kind(*group) == Kind::Array);
    let first = groups.filter_map(|group| tree.item(group, 0).filter(|i| tree.member(*i, "@url").is_some()));
    first.into_iter().all(|other| tree.offset(other) >= tree.offset(header))
}

/// The header's id, or the UUID of its address where it has none.
fn own_id(tree: &Document, header: NodeId) -> Option<String> {
    let address = || tree.text_at(header, &["@url"])?.strip_prefix("urn:uuid:");
    let id = tree.text_at(header, &["id"]).or_else(address)?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    ((1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(fits)).then(|| id.to_owned())
}

/// The event as its answer says it; one that cannot be said again is the gateway's own.
fn event(tree: &Document, header: NodeId) -> MessageEvent {
    let coding = tree.member(header, "eventCoding");
    let part = |name: &str| coding.and_then(|c| plain(tree, c, &[name]));
    if let (Some(system), Some(code)) = (part("system"), part("code")) {
        let answer = code.strip_suffix("-request").filter(|_| system == BARS_EVENTS);
        let code = answer.map_or_else(|| code.clone(), |stem| format!("{stem}-response"));
        return MessageEvent::Coding { system, code };
    }
    MessageEvent::Uri(plain(tree, header, &["eventUri"]).unwrap_or_else(|| "urn:solent:message".to_owned()))
}

/// A text without spaces or anything beyond ASCII.
fn plain(tree: &Document, of: NodeId, path: &[&str]) -> Option<String> {
    let text = tree.text_at(of, path)?;
    let fits = (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned())
}
