//! The systems of the partnership, and the question asked for every request: may this connection still speak for one?

use super::{Connection, Tls};
use crate::clock::Moment;
use crate::config::{Agency, Gateway, System};
use crate::ident::SystemId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A connected system with its agency.
#[derive(Clone, Debug)]
pub struct Member {
    /// The system.
    pub system: System,
    /// Its agency.
    pub agency: Agency,
}

/// Why a certificate is not (or no longer) taken. Exhaustive, so a new reason must be thought about everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Refusal {
    /// It names no system, or several.
    NoIdentity,
    /// No such system in the configuration.
    UnknownSystem,
    /// The system's certificates are pinned and this is another.
    NotPinned,
    /// It is not valid yet.
    NotYetValid,
    /// It is no longer valid.
    Expired,
    /// Its authority has revoked it.
    Revoked,
    /// Its authority is not, or no longer, trusted, or has no revocation list.
    Untrusted,
}

impl Refusal {
    /// A stable word for logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoIdentity => "no-identity",
            Self::UnknownSystem => "unknown-system",
            Self::NotPinned => "not-pinned",
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Untrusted => "untrusted",
        }
    }
}

/// A refused connection: the reason, and what the certificate claimed, for the log only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The system the certificate claims to be.
    pub claimed: Option<SystemId>,
    /// SHA-256 of the certificate.
    pub fingerprint: Option<String>,
}

/// The systems by id.
#[derive(Debug)]
pub struct Registry {
    members: HashMap<SystemId, Arc<Member>>,
    seen: Mutex<HashMap<SystemId, Seen>>,
}

/// When a system was last admitted, and until when the certificate it used is valid: since this process started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Last admitted.
    pub at: Moment,
    /// Last moment of its certificate's validity.
    pub not_after: Moment,
}

impl Registry {
    /// From a checked configuration.
    #[must_use]
    pub fn new(config: &Gateway) -> Self {
        let member = |system: &System| {
            let agency = config.agency(&system.agency)?.clone();
            Some((system.id.clone(), Arc::new(Member { system: system.clone(), agency })))
        };
        Self { members: config.systems.iter().filter_map(member).collect(), seen: Mutex::default() }
    }

    /// A system by id.
    #[must_use]
    pub fn member(&self, id: &SystemId) -> Option<&Arc<Member>> {
        self.members.get(id)
    }

    /// Every system, in no order.
    pub fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.members.values()
    }

    /// When a system was last admitted; `None` when it was not since this process started.
    #[must_use]
    pub fn seen(&self, id: &SystemId) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    /// Asks again, for one request, whether this connection may speak for a system at `now`: an open connection
    /// outlives the revocation and the expiry of its certificate, so the handshake's answer is not enough.
    ///
    /// # Errors
    /// The first [`Refusal`] that holds.
    pub fn admit(&self, connection: &Connection, tls: &Tls, now: Moment) -> Result<Arc<Member>, Refused> {
        let identity = connection.identity.as_ref().map_err(|refusal| Refused {
            refusal: *refusal,
            claimed: None,
            fingerprint: connection.chain.first().map(|leaf| super::identity::fingerprint(leaf)),
        })?;
        let refused = |refusal| Refused {
            refusal,
            claimed: Some(identity.system.clone()),
            fingerprint: Some(identity.fingerprint.clone()),
        };
        if now < identity.not_before {
            return Err(refused(Refusal::NotYetValid));
        }
        if now > identity.not_after {
            return Err(refused(Refusal::Expired));
        }
        tls.verify_again(connection, now).map_err(refused)?;
        let member = self.members.get(&identity.system).ok_or_else(|| refused(Refusal::UnknownSystem))?;
        let pins = &member.system.fingerprints;
        if !pins.is_empty() && !pins.contains(&identity.fingerprint) {
            return Err(refused(Refusal::NotPinned));
        }
        let seen = Seen { at: now, not_after: identity.not_after };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(identity.system.clone(), seen);
        Ok(Arc::clone(member))
    }
}
