//! The caller as one extractor: authenticated, within its rate, and with a request id. A handler that takes a
//! [`Caller`] cannot be reached by anybody else, and no handler of `api/` goes without.

use super::door::Door;
use super::envelope::RequestId;
use super::{Denial, Problem};
use crate::config::System;
use crate::exchange;
use crate::trust::{Connection, Member};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Who calls: a connected system whose certificate holds at this very moment.
#[derive(Clone, Debug)]
pub struct Caller {
    member: Arc<Member>,
    caller: exchange::Caller,
}

impl Caller {
    /// As the stories take it.
    #[must_use]
    pub fn story(&self) -> &exchange::Caller {
        &self.caller
    }
    /// The system's configuration.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.member.system
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { admit(&request).await })
    }
}

async fn admit(request: &HttpRequest) -> Result<Caller, Problem> {
    let door = request.app_data::<web::Data<Door>>().ok_or_else(Problem::not_admitted)?;
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let connection = request.conn_data::<Connection>().ok_or_else(Problem::not_admitted)?;
    // Rate first; refusals, which write to the log, have a tighter one.
    if let Some(identity) = connection.claimed() {
        door.limits.admit(&identity.system)?;
    }
    match door.registry.admit(connection, &door.tls, door.tls.now()) {
        Ok(member) => {
            let caller = exchange::Caller {
                system: member.system.id.clone(),
                agency: member.agency.id.clone(),
                format: member.system.format.clone(),
                certificate: connection.claimed().map(|i| i.fingerprint.clone()).unwrap_or_default(),
                request: id,
            };
            Ok(Caller { member, caller })
        }
        Err(refused) => {
            if let Some(identity) = connection.claimed() {
                door.limits.admit_refusal(&identity.system)?;
            }
            let reason = refused.refusal.code();
            let denial =
                Denial { claimed: refused.claimed, certificate: refused.fingerprint, request: Some(id), reason };
            door.denied(denial).await;
            Err(Problem::not_admitted())
        }
    }
}
