//! What the door needs of the stories, as one trait, so that hostile input can be tested against the real door with a
//! gateway behind it that holds nothing. The product's only implementation is `exchange::Gateway`.

use crate::exchange::{
    Accepted, Alert, AlertState, Caller, ContentState, Deed, Done, Enquiry, Failure, Gateway, ItemSummary, LogForm,
    LogReply, LogRequest, MessageHead, MessageStatus, Released, Submission, SystemConcern, User, WitnessStanding,
};
use crate::ident::{AccountId, HatId, ItemId, MessageId, SystemId};
use crate::vocabulary::Purpose;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A boxed future: the trait is used as an object.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connection or request that was turned away before any story began; becomes an audit entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// The system the certificate claims to be, when it was readable.
    pub claimed: Option<SystemId>,
    /// SHA-256 of the certificate.
    pub certificate: Option<String>,
    /// The request's id; none for a failed handshake.
    pub request: Option<String>,
    /// A stable word: see `trust::Refusal::code` and `trust::HandshakeFailure::code`.
    pub reason: &'static str,
}

/// Whether the gateway can work: what is not ready, in words for the health page; empty means ready.
pub type Unready = Vec<&'static str>;

/// The stories, and the little the door reads beside them.
pub trait Stories: Send + Sync + 'static {
    /// Takes a message: `Ok` means durable.
    fn receive<'a>(&'a self, caller: &'a Caller, submission: Submission) -> Promise<'a, Result<Accepted, Failure>>;
    /// What became of a message the caller sent.
    fn message<'a>(&'a self, caller: &'a Caller, id: &'a MessageId) -> Promise<'a, Result<MessageStatus, Failure>>;
    /// What waits for the caller; waits up to `wait` for the first item when there is none.
    fn mailbox<'a>(&'a self, caller: &'a Caller, wait: Duration) -> Promise<'a, Result<Vec<ItemSummary>, Failure>>;
    /// Decides, logs and releases an item.
    fn collect<'a>(&'a self, caller: &'a Caller, id: &'a ItemId) -> Promise<'a, Result<Released, Failure>>;
    /// The caller has the item safely.
    fn acknowledge<'a>(&'a self, caller: &'a Caller, id: &'a ItemId) -> Promise<'a, Result<(), Failure>>;
    /// The caller cannot use the item.
    fn decline<'a>(&'a self, caller: &'a Caller, id: &'a ItemId) -> Promise<'a, Result<(), Failure>>;
    /// Answers a user of the caller.
    fn enquire<'a>(&'a self, caller: &'a Caller, enquiry: Enquiry) -> Promise<'a, Result<Released, Failure>>;
    /// Does what a user of the caller wants recorded; a door without a gateway records nothing.
    fn act<'a>(&'a self, _: &'a Caller, _: User, _: Deed) -> Promise<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(Err(Failure::NotFound)))
    }
    /// What stands on the envelope of a FHIR message; a door without a gateway reads none.
    fn message_head(&self, _: &Caller, _: &[u8]) -> Result<MessageHead, Failure> {
        Err(Failure::NotFound)
    }
    /// Looks for a person as FHIR's `Patient/$match` asks: the searchset and its receipt.
    fn match_person<'a>(
        &'a self,
        _: &'a Caller,
        _: User,
        _: Purpose,
        _: serde_json::Value,
    ) -> Promise<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(Err(Failure::NotFound)))
    }
    /// Takes a concern from a school's system; a door without a surgery takes none.
    fn submit_concern<'a>(
        &'a self,
        _: &'a Caller,
        _: Option<User>,
        _: SystemConcern,
    ) -> Promise<'a, Result<serde_json::Value, Failure>> {
        Box::pin(std::future::ready(Err(Failure::NotFound)))
    }
    /// What became of it.
    fn concern<'a>(&'a self, _: &'a Caller, _: &'a str) -> Promise<'a, Result<serde_json::Value, Failure>> {
        Box::pin(std::future::ready(Err(Failure::NotFound)))
    }
    /// Logs what was turned away.
    fn denied(&self, denial: Denial) -> Promise<'_, ()>;
    /// The newest signed checkpoint of a shard, as its note.
    fn checkpoint<'a>(&'a self, shard: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>>;
    /// The newest checkpoint of a shard that enough witnesses have cosigned.
    fn cosigned<'a>(&'a self, shard: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>> {
        let _ = shard;
        Box::pin(async { Err(Failure::NotFound) })
    }
    /// Answers an auditor; a door without a log has nothing.
    fn ask_log<'a>(
        &'a self,
        caller: &'a Caller,
        user: (&'a AccountId, &'a HatId),
        request: LogRequest,
        form: LogForm,
    ) -> Promise<'a, Result<LogReply, Failure>> {
        let _ = (caller, user, request, form);
        Box::pin(async { Err(Failure::NotFound) })
    }
    /// The alerts of an officer's agency.
    fn alerts<'a>(
        &'a self,
        caller: &'a Caller,
        user: (&'a AccountId, &'a HatId),
    ) -> Promise<'a, Result<Vec<Alert>, Failure>> {
        let _ = (caller, user);
        Box::pin(async { Err(Failure::NotFound) })
    }
    /// Moves an alert on.
    fn settle_alert<'a>(
        &'a self,
        caller: &'a Caller,
        user: (&'a AccountId, &'a HatId),
        id: &'a str,
        state: AlertState,
    ) -> Promise<'a, Result<Alert, Failure>> {
        let _ = (caller, user, id, state);
        Box::pin(async { Err(Failure::NotFound) })
    }
    /// How the witnesses stand.
    fn witnesses(&self) -> Vec<WitnessStanding> {
        Vec::new()
    }
    /// A hash tile of a shard by its path after `tile/`; entry bundles are not served here.
    fn tile<'a>(&'a self, shard: &'a str, path: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>>;
    /// Whether the gateway can work.
    fn unready(&self) -> Promise<'_, Unready>;
    /// What became of changes to the content set; a door without one has none.
    fn content_state(&self) -> ContentState {
        ContentState::default()
    }
}

impl Stories for Gateway {
    fn receive<'a>(&'a self, caller: &'a Caller, submission: Submission) -> Promise<'a, Result<Accepted, Failure>> {
        Box::pin(self.receive(caller, submission))
    }
    fn message<'a>(&'a self, caller: &'a Caller, id: &'a MessageId) -> Promise<'a, Result<MessageStatus, Failure>> {
        Box::pin(self.message_status(caller, id))
    }
    fn mailbox<'a>(&'a self, caller: &'a Caller, wait: Duration) -> Promise<'a, Result<Vec<ItemSummary>, Failure>> {
        Box::pin(self.mailbox(caller, wait))
    }
    fn collect<'a>(&'a self, caller: &'a Caller, id: &'a ItemId) -> Promise<'a, Result<Released, Failure>> {
        Box::pin(self.collect(caller, id))
    }
    fn acknowledge<'a>(&'a self, caller: &'a Caller, id: &'a ItemId) -> Promise<'a, Result<(), Failure>> {
        Box::pin(self.acknowledge(caller, id))
    }
    fn decline<'a>(&'a self, caller: &'a Caller, id: &'a ItemId) -> Promise<'a, Result<(), Failure>> {
        Box::pin(self.refuse_item(caller, id))
    }
    fn enquire<'a>(&'a self, caller: &'a Caller, enquiry: Enquiry) -> Promise<'a, Result<Released, Failure>> {
        Box::pin(self.enquire(caller.clone(), enquiry))
    }
    fn act<'a>(&'a self, caller: &'a Caller, user: User, deed: Deed) -> Promise<'a, Result<Done, Failure>> {
        Box::pin(async move { self.act(caller, &user, &deed).await })
    }
    fn message_head(&self, caller: &Caller, body: &[u8]) -> Result<MessageHead, Failure> {
        self.message_head(caller, body)
    }
    fn match_person<'a>(
        &'a self,
        caller: &'a Caller,
        user: User,
        purpose: Purpose,
        parameters: serde_json::Value,
    ) -> Promise<'a, Result<Done, Failure>> {
        Box::pin(async move { self.match_person(caller, &user, purpose, &parameters).await })
    }
    fn submit_concern<'a>(
        &'a self,
        caller: &'a Caller,
        user: Option<User>,
        sent: SystemConcern,
    ) -> Promise<'a, Result<serde_json::Value, Failure>> {
        Box::pin(async move { self.concern_from_system(caller, user.as_ref(), sent).await })
    }
    fn concern<'a>(&'a self, caller: &'a Caller, id: &'a str) -> Promise<'a, Result<serde_json::Value, Failure>> {
        Box::pin(self.concern_for_system(caller, id))
    }
    fn denied(&self, denial: Denial) -> Promise<'_, ()> {
        Box::pin(self.turned_away(denial.claimed, denial.certificate, denial.request, denial.reason))
    }
    fn checkpoint<'a>(&'a self, shard: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>> {
        Box::pin(self.checkpoint(shard))
    }
    fn cosigned<'a>(&'a self, shard: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>> {
        Box::pin(self.cosigned(shard))
    }
    fn ask_log<'a>(
        &'a self,
        caller: &'a Caller,
        user: (&'a AccountId, &'a HatId),
        request: LogRequest,
        form: LogForm,
    ) -> Promise<'a, Result<LogReply, Failure>> {
        Box::pin(self.ask_log(caller, user, request, form))
    }
    fn alerts<'a>(
        &'a self,
        caller: &'a Caller,
        user: (&'a AccountId, &'a HatId),
    ) -> Promise<'a, Result<Vec<Alert>, Failure>> {
        Box::pin(self.officer_alerts(caller, user))
    }
    fn settle_alert<'a>(
        &'a self,
        caller: &'a Caller,
        user: (&'a AccountId, &'a HatId),
        id: &'a str,
        state: AlertState,
    ) -> Promise<'a, Result<Alert, Failure>> {
        Box::pin(self.officer_settles(caller, user, id, state))
    }
    fn witnesses(&self) -> Vec<WitnessStanding> {
        self.witness_standings()
    }
    fn tile<'a>(&'a self, shard: &'a str, path: &'a str) -> Promise<'a, Result<Vec<u8>, Failure>> {
        Box::pin(self.tile(shard, path))
    }
    fn unready(&self) -> Promise<'_, Unready> {
        Box::pin(self.unready())
    }
    fn content_state(&self) -> ContentState {
        self.content_state()
    }
}
