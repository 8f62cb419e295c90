//! What every handler of the door shares: registry, limits, counters, and the stories behind it.

use super::limits::Limits;
use super::metrics::{Gauges, Metrics};
use super::stories::{Denial, Stories};
use super::web::{DemoPerson, Pages};
use crate::clock::Clock;
use crate::config;
use crate::exchange::{Accepted, Caller, Failure, Gateway, Submission};
use crate::trust::{Assertions, Registry, Tls};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Span;

/// Failed handshakes that are logged one by one in a minute; anybody on the network can cause them, so the log must
/// not grow with them. Beyond it they are counted.
const HANDSHAKES_LOGGED_PER_MINUTE: u32 = 60;

/// A message of more bytes than this is worked on beside the worker that took it, so that its other connections are answered
/// meanwhile: about 10 ms of reading.
const ASIDE_BYTES: usize = 128 * 1024;

/// The shared state of the door.
pub struct Door {
    pub(super) config: config::Gateway,
    pub(super) registry: Registry,
    pub(super) tls: Arc<Tls>,
    pub(super) clock: Clock,
    pub(super) assertions: Assertions,
    pub(super) limits: Limits,
    pub(super) metrics: Metrics,
    pub(super) stories: Arc<dyn Stories>,
    /// The pages for people, when this gateway serves any.
    pub(super) pages: Option<Arc<Pages>>,
    logged: DefaultDirectRateLimiter,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({})", self.config.origin)
    }
}

impl Door {
    /// A door for `stories`. `clock` is the time of user assertions; certificates follow the clock of `tls`.
    #[must_use]
    pub fn new(config: config::Gateway, tls: Arc<Tls>, clock: Clock, stories: Arc<dyn Stories>) -> Arc<Self> {
        Arc::new(Self::closed(config, tls, clock, stories))
    }

    /// A door with pages for people, where the configuration has them. `demo` are people a newcomer may walk as: given by the
    /// demo and nobody else.
    #[must_use]
    pub fn with_pages(
        config: config::Gateway,
        tls: Arc<Tls>,
        clock: Clock,
        gateway: &Arc<Gateway>,
        demo: Vec<DemoPerson>,
    ) -> Arc<Self> {
        let pages = config.pages.map(|_| Arc::new(Pages::new(Arc::clone(gateway), demo)));
        let stories = Arc::clone(gateway) as Arc<dyn Stories>;
        Arc::new(Self { pages, ..Self::closed(config, tls, clock, stories) })
    }

    /// Hands a message to its story: `Ok` means durable. `held` stands for the memory of the message and all that is made of
    /// it, and is given back when it has been dealt with, even if nobody waits for the answer any more.
    pub(super) async fn receive(
        &self,
        caller: &Caller,
        submission: Submission,
        held: Option<OwnedSemaphorePermit>,
    ) -> Result<Accepted, Failure> {
        if submission.body.len() <= ASIDE_BYTES {
            return self.stories.receive(caller, submission).await;
        }
        let (stories, caller) = (Arc::clone(&self.stories), caller.clone());
        let (runtime, span) = (Handle::current(), Span::current());
        let work = move || {
            let _held = held;
            span.in_scope(|| runtime.block_on(stories.receive(&caller, submission)))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or(Err(Failure::Inconsistent("a large message was not dealt with")))
    }

    fn closed(config: config::Gateway, tls: Arc<Tls>, clock: Clock, stories: Arc<dyn Stories>) -> Self {
        let per_minute = NonZeroU32::new(HANDSHAKES_LOGGED_PER_MINUTE).unwrap_or(NonZeroU32::MIN);
        Self {
            registry: Registry::new(&config),
            assertions: Assertions::new(config.origin.clone(), config.limits.assertion_seconds_max),
            limits: Limits::new(&config.limits),
            metrics: Metrics::default(),
            logged: RateLimiter::direct(Quota::per_minute(per_minute)),
            config,
            tls,
            clock,
            stories,
            pages: None,
        }
    }

    /// Counts a failed handshake, and says whether it should be logged one by one.
    pub(super) fn handshake_failed(&self, reason: &'static str) -> bool {
        self.metrics.handshake_failed(reason);
        let log = self.logged.check().is_ok();
        if !log {
            self.metrics.denial_unlogged();
        }
        log
    }

    /// Counts and logs a request that was turned away.
    pub(super) async fn denied(&self, denial: Denial) {
        self.metrics.denied(denial.reason);
        tracing::warn!(reason = denial.reason, request = denial.request, "a certificate is not accepted");
        self.stories.denied(denial).await;
    }

    /// The counters, with what is true at this moment.
    pub(super) async fn metrics_text(&self) -> String {
        let now = self.tls.now();
        let content = self.stories.content_state();
        self.metrics.text(&Gauges {
            large_bodies_kib: self.limits.held_kib(),
            crl_due_seconds: self.tls.crl_due().map(|due| due.millis().saturating_sub(now.millis()).div_euclid(1000)),
            ready: self.stories.unready().await.is_empty(),
            witnesses: self.stories.witnesses(),
            content: (content.taken, content.refused, !content.faults.is_empty()),
        })
    }
}
