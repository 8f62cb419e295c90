//! Faults of the committer: every write fails, before and after it took effect; what was promised is there, once.

use crate::store::mailbox::message;
use crate::store::support::{TestDb, login, noon, on_each_engine, signer, view};
use solent::clock::Clock;
use solent::ident::{ItemId, MessageId, SystemId};
use solent::store::{
    CommitError, CommitterHandle, Effect, Fault, FaultPoint, Faults, Job, LogReader, NoFaults, Options, Timing,
};
use std::sync::{Arc, Mutex};

/// Fails one point the next `times` times it is reached.
#[derive(Default)]
struct Once(Mutex<Option<(FaultPoint, Timing, u32)>>);

impl Once {
    fn arm(&self, point: FaultPoint, timing: Timing, times: u32) {
        *self.0.lock().unwrap() = Some((point, timing, times));
    }
    fn fired(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }
}

impl Faults for Once {
    fn at(&self, point: FaultPoint, timing: Timing) -> Option<Fault> {
        let mut armed = self.0.lock().unwrap();
        match *armed {
            Some((p, t, times)) if (p, t) == (point, timing) => {
                *armed = (times > 1).then_some((p, t, times - 1));
                Some(Fault::Error)
            }
            _ => None,
        }
    }
}

pub(super) fn accept(id: &str) -> Job {
    Job::new(login()).with_effect(Effect::Accept(Box::new(message(id))))
}

pub(super) async fn size(t: &TestDb) -> u64 {
    t.db.shards().await.unwrap()[0].size
}

pub(super) async fn sound(t: &TestDb) {
    let reader = LogReader::new(t.db.clone(), signer().vkey().name().clone());
    assert_eq!(reader.verify(signer().vkey(), None).await.unwrap(), []);
}

/// How often something is tried that must work again some time.
pub(super) const TRIES_MAX: u32 = 1_000_000;

/// Tries until the log is available again.
pub(super) async fn eventually(log: &CommitterHandle, job: impl Fn() -> Job) -> Result<(), CommitError> {
    for _ in 0..TRIES_MAX {
        match log.commit(job()).await {
            Err(CommitError::LogUnavailable) => tokio::task::yield_now().await,
            Err(other) => return Err(other),
            Ok(_) => return Ok(()),
        }
    }
    panic!("the log did not become available again");
}

#[test]
fn a_failed_write_promises_nothing_and_a_retry_leaves_exactly_one() {
    on_each_engine(|t| async move {
        let faults = Arc::new(Once::default());
        let options = Options { faults: faults.clone(), ..t.options() };
        let log = t.start_with(Clock::fixed(noon()), options).await.unwrap();
        let mut expected = 0;
        for (n, point) in FaultPoint::ALL.iter().filter(|p| **p != FaultPoint::Mirror).enumerate() {
            for timing in [Timing::Before, Timing::After] {
                let id = format!("m{n}{timing:?}");
                faults.arm(*point, timing, 1);
                let first = log.commit(accept(&id)).await;
                assert!(faults.fired(), "{point:?} {timing:?} was not reached");
                let there = t.db.message(&MessageId::new(id.clone())).await.unwrap().is_some();
                // What is acknowledged is there; what is not there was not acknowledged.
                assert_eq!(first.is_ok(), there, "{point:?} {timing:?}");
                // An unknown outcome is found out: after a commit that took effect the caller gets its receipt.
                assert_eq!(there, (*point, timing) == (FaultPoint::Commit, Timing::After), "{point:?} {timing:?}");
                if !there {
                    eventually(&log, || accept(&id)).await.unwrap();
                }
                expected += 1;
                assert_eq!(size(&t).await, expected, "{point:?} {timing:?}");
                let items = t.db.mailbox_due(&SystemId::from("council"), noon(), 100).await.unwrap();
                assert_eq!(items.len() as u64, expected);
            }
        }
        sound(&t).await;
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_release_whose_commit_is_unknown_is_found_out_before_anything_else_is_released() {
    on_each_engine(|t| async move {
        let faults = Arc::new(Once::default());
        let options = Options { faults: faults.clone(), ..t.options() };
        let log = t.start_with(Clock::fixed(noon()), options).await.unwrap();
        log.commit(accept("m1")).await.unwrap();
        let release = || {
            Job::new(view("dana")).with_effect(Effect::Release {
                item: ItemId::from("m1-i0"),
                system: SystemId::from("council"),
                digest: [1; 32],
            })
        };
        for (timing, entries) in [(Timing::Before, 1), (Timing::After, 2)] {
            faults.arm(FaultPoint::Commit, timing, 1);
            let unsure = tokio::spawn({
                let log = log.clone();
                async move { log.commit(release()).await }
            });
            while !faults.fired() {
                tokio::task::yield_now().await;
            }
            // Whoever asks meanwhile is told that the log is not available, or waits until it is known.
            let meanwhile = log.commit(Job::new(login())).await;
            let found = unsure.await.unwrap();
            let more = u64::from(meanwhile.is_ok());
            match timing {
                Timing::Before => assert!(matches!(found, Err(CommitError::LogUnavailable))),
                Timing::After => assert_eq!(found.unwrap().receipt.index(), size(&t).await - 1 - more),
            }
            let _ = entries;
        }
        let item = t.db.mailbox_item(&SystemId::from("council"), &ItemId::from("m1-i0")).await.unwrap().unwrap();
        let entry = t.db.entry(&item.receipt.unwrap()).await.unwrap();
        assert!(entry.is_some(), "every release has its entry");
        sound(&t).await;
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn many_jobs_through_many_faults_are_each_there_once_or_not_at_all() {
    on_each_engine(|t| async move {
        let faults = Arc::new(Once::default());
        let options = Options { faults: faults.clone(), ..t.options() };
        let log = t.start_with(Clock::fixed(noon()), options).await.unwrap();
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let log = log.clone();
                tokio::spawn(async move {
                    let mut done = Vec::new();
                    for n in 0..40 {
                        let id = format!("m{task}-{n}");
                        if log.commit(accept(&id)).await.is_ok() {
                            done.push(id);
                        }
                    }
                    done
                })
            })
            .collect();
        let points: Vec<_> = FaultPoint::ALL
            .iter()
            .filter(|p| **p != FaultPoint::Mirror)
            .flat_map(|p| [(*p, Timing::Before), (*p, Timing::After)])
            .collect();
        for (point, timing) in points.iter().cycle().take(60) {
            faults.arm(*point, *timing, 1);
            while !faults.fired() && tasks.iter().any(|task| !task.is_finished()) {
                tokio::task::yield_now().await;
            }
        }
        *faults.0.lock().unwrap() = None;
        let mut acknowledged = std::collections::BTreeSet::new();
        for task in tasks {
            acknowledged.extend(task.await.unwrap());
        }
        let there: std::collections::BTreeSet<String> =
            t.db.mailbox_due(&SystemId::from("council"), noon(), 1_000)
                .await
                .unwrap()
                .iter()
                .map(|i| i.message.as_str().to_owned())
                .collect();
        assert!(acknowledged.is_subset(&there), "acknowledged and not there: {:?}", acknowledged.difference(&there));
        assert_eq!(size(&t).await, there.len() as u64);
        sound(&t).await;
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_mirror_that_cannot_be_written_lags_and_catches_up() {
    on_each_engine(|t| async move {
        let faults = Arc::new(Once::default());
        let options = Options { faults: faults.clone(), ..t.options() };
        let log = t.start_with(Clock::fixed(noon()), options).await.unwrap();
        faults.arm(FaultPoint::Mirror, Timing::Before, 2);
        let mut entries = 0;
        while !faults.fired() {
            log.commit(Job::new(login())).await.unwrap();
            entries += 1;
        }
        log.commit(Job::new(login())).await.unwrap();
        log.stop().await;
        assert!(std::fs::read_to_string(t.mirror()).unwrap().contains(&format!("\n{}\n", entries + 1)));
        let log =
            t.start_with(Clock::fixed(noon()), Options { faults: Arc::new(NoFaults), ..t.options() }).await.unwrap();
        log.stop().await;
        t.finish().await;
    });
}
