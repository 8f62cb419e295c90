//! How much and how fast: request rates per system, body sizes, and how many large bodies are held at once.
//!
//! Memory is bounded by construction: a body of up to [`SMALL_BYTES_MAX`] is held freely (there are at most
//! `connections_max` of them), a larger one only with its size in permits of one shared allowance, kept until the
//! message has been dealt with. One acquisition per body, so two bodies can never wait for each other.

use super::Problem;
use crate::config;
use crate::ident::SystemId;
use actix_web::web;
use futures_util::StreamExt as _;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A body up to this many bytes needs no permit: the usual message has 2 to 30 KiB.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// The unit of permits, in bytes.
const PERMIT_BYTES: usize = 1024;
/// How long a large body waits for its permits before the client is told to come back.
const PERMIT_WAIT: Duration = Duration::from_secs(10);

/// Requests of one system that are refused for its certificate, in a minute: each is an entry of the log, so the log must not
/// grow as fast as somebody can ask.
const REFUSALS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(5_999);

/// A body that was read whole, with the permit for its size.
pub(super) struct Body {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Held until the message has been dealt with.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Body {
    /// The bytes, and the permit to be held while they are worked on.
    pub fn into_parts(self) -> (Vec<u8>, Option<OwnedSemaphorePermit>) {
        (self.bytes, self._permit)
    }
}

/// The limits of one door.
pub(super) struct Limits {
    body_bytes_max: usize,
    request_time: Duration,
    rates: DefaultKeyedRateLimiter<SystemId>,
    refusals: DefaultKeyedRateLimiter<SystemId>,
    clock: DefaultClock,
    allowance: Arc<Semaphore>,
    allowance_permits: u32,
}

impl Limits {
    pub fn new(config: &config::Limits) -> Self {
        let per_minute = NonZeroU32::new(config.requests_per_minute).unwrap_or(NonZeroU32::MIN);
        let refusals = per_minute.min(REFUSALS_PER_MINUTE);
        let permits = permits_for(config.body_bytes_max);
        Self {
            body_bytes_max: config.body_bytes_max,
            request_time: config.request_time,
            rates: RateLimiter::keyed(Quota::per_minute(per_minute)),
            refusals: RateLimiter::keyed(Quota::per_minute(refusals)),
            clock: DefaultClock::default(),
            allowance: Arc::new(Semaphore::new(usize::try_from(permits).unwrap_or(Semaphore::MAX_PERMITS))),
            allowance_permits: permits,
        }
    }

    /// One request of a system. The key comes from a verified certificate, so the number of keys is bounded.
    pub fn admit(&self, system: &SystemId) -> Result<(), Problem> {
        self.within(&self.rates, system)
    }

    /// One request that is going to be refused because of its certificate, which the log will hold.
    pub fn admit_refusal(&self, system: &SystemId) -> Result<(), Problem> {
        self.within(&self.refusals, system)
    }

    fn within(&self, rates: &DefaultKeyedRateLimiter<SystemId>, system: &SystemId) -> Result<(), Problem> {
        rates.check_key(system).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Problem::too_many(wait.as_secs().saturating_add(1))
        })
    }

    /// Forgets systems that have not asked for a while.
    pub fn forget_idle(&self) {
        for rates in [&self.rates, &self.refusals] {
            rates.retain_recent();
            rates.shrink_to_fit();
        }
    }

    /// KiB of large bodies now held.
    pub fn held_kib(&self) -> usize {
        usize::try_from(self.allowance_permits).unwrap_or(0).saturating_sub(self.allowance.available_permits())
    }

    /// Reads a body whole: refused by its declared length before the first byte, by counting, or for its slowness.
    pub async fn read(&self, payload: web::Payload, declared: Option<u64>) -> Result<Body, Problem> {
        let declared = declared.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        if declared.is_some_and(|n| n > self.body_bytes_max) {
            return Err(Problem::too_large(self.body_bytes_max));
        }
        self.collect(payload, declared).await
    }

    async fn collect(&self, mut payload: web::Payload, declared: Option<usize>) -> Result<Body, Problem> {
        let mut permit = None;
        let mut bytes = Vec::new();
        if let Some(length) = declared.filter(|n| *n > SMALL_BYTES_MAX) {
            permit = Some(self.permit(length).await?);
            bytes.reserve_exact(length);
        }
        // From here on the client is slow, not the gateway.
        let deadline = tokio::time::Instant::now() + self.request_time;
        loop {
            let chunk = match tokio::time::timeout_at(deadline, payload.next()).await {
                Err(_) | Ok(Some(Err(_))) => return Err(Problem::too_slow()),
                Ok(None) => return Ok(Body { bytes, _permit: permit }),
                Ok(Some(Ok(chunk))) => chunk,
            };
            let length = bytes.len().saturating_add(chunk.len());
            if length > self.body_bytes_max {
                return Err(Problem::too_large(self.body_bytes_max));
            }
            if length > SMALL_BYTES_MAX && permit.is_none() {
                // Its size is not declared: it must count as the largest.
                permit = Some(self.permit(self.body_bytes_max).await?);
            }
            bytes.extend_from_slice(&chunk);
        }
    }

    async fn permit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let wanted = permits_for(bytes).min(self.allowance_permits);
        match timeout(PERMIT_WAIT, Arc::clone(&self.allowance).acquire_many_owned(wanted)).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Problem::busy(PERMIT_WAIT.as_secs())),
        }
    }
}

fn permits_for(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX)
}
