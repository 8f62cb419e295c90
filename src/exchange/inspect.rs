//! Inspecting: what a sender may learn of its own message.

use super::deliver::Delivery;
use super::{Caller, Failure, Gateway};
use crate::ident::MessageId;
use serde::Serialize;

/// State of a message, for its sender.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MessageStatus {
    /// Its id.
    pub id: String,
    /// Its state word.
    pub state: String,
    /// When it came in.
    pub received_at: String,
    /// What became of it, per receiver.
    pub deliveries: Vec<Delivery>,
    /// Items that could not become a segment: counts only.
    pub quarantine: Quarantine,
    /// The read's loss reports.
    pub loss: serde_json::Value,
}

/// What a message left in quarantine. The items themselves are named, without values, in the loss reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Quarantine {
    /// Still held.
    pub held: i64,
    /// Erased, because nobody put them right in time.
    pub erased: i64,
}

impl Gateway {
    /// The caller's own message. Another's, or none: [`Failure::NotFound`]; the attempt is logged.
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::LogUnavailable`], [`Failure::Store`].
    pub async fn message_status(&self, caller: &Caller, id: &MessageId) -> Result<MessageStatus, Failure> {
        let Some(message) = self.db.message(id).await?.filter(|m| m.system == caller.system) else {
            self.not_here(caller).await?;
            return Err(Failure::NotFound);
        };
        let deliveries = self.db.deliveries_of(id).await?;
        let quarantine = self.db.quarantine_of(id).await?;
        Ok(MessageStatus {
            id: message.id.as_str().to_owned(),
            state: message.state,
            received_at: message.received_at.to_string(),
            deliveries: deliveries
                .into_iter()
                .map(|d| Delivery { id: d.id.as_str().to_owned(), state: d.state.name().to_owned() })
                .collect(),
            quarantine: Quarantine { held: quarantine.held, erased: quarantine.erased },
            loss: serde_json::from_str(&message.loss).map_err(|_| Failure::Inconsistent("a loss report"))?,
        })
    }
}
