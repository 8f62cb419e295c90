//! A disk that is full, or whose writes and flushes fail, under the real committer on SQLite: every single write and flush
//! of a commit fails once, before and after it took effect.
//!
//! `disk.c` stands between SQLite and the kernel. It is compiled when the test runs (building the program needs a C compiler
//! anyway) and loaded into a second run of this test program, in which [`child`] does the work.

use super::commits::{accept, eventually, size, sound};
use crate::store::support::{TestDb, noon, runtime};
use solent::clock::Clock;
use solent::ident::MessageId;
use solent::store::{CommitError, Engine, Standing};
use std::path::{Path, PathBuf};
use std::process::Command;

/// No space left on the device; input or output error (Linux, errno(3)).
pub(super) const ENOSPC: i32 = 28;
pub(super) const EIO: i32 = 5;
/// More writes than one commit makes.
const CALLS_MAX: usize = 400;

#[test]
fn every_write_and_flush_of_a_commit_that_fails_is_neither_acknowledged_nor_doubled() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("solent-disk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let library = compiled(&folder);
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::disk::child", "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env("FAULTY_DISK_ORDER", folder.join("order"))
        .env("FAULTY_DISK_PATH", "solent.db")
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    // What the child counted: enough writes and flushes that the interposing certainly works.
    let faults: usize = said.lines().find_map(|l| l.strip_prefix("faults carried out: ")?.parse().ok()).unwrap();
    assert!(faults >= 20, "{said}");
    let _ = std::fs::remove_dir_all(&folder);
}

/// The faulty disk as a library, compiled into a folder.
pub(super) fn compiled(folder: &Path) -> PathBuf {
    let library = folder.join("disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/faults/disk.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .args(["-ldl", "-lpthread"])
        .status()
        .expect("building Solent needs a C compiler, and so does this test");
    assert!(compiled.success());
    library
}

/// An order to the faulty disk; withdrawn when dropped.
pub(super) struct Order(PathBuf);

impl Order {
    fn new(text: &str) -> Self {
        Self::at(PathBuf::from(std::env::var_os("FAULTY_DISK_ORDER").unwrap()), text)
    }
    pub(super) fn at(file: PathBuf, text: &str) -> Self {
        let _ = std::fs::remove_file(file.with_extension("done"));
        std::fs::write(&file, format!("{text}\n")).unwrap();
        Self(file)
    }
    pub(super) fn carried_out(&self) -> bool {
        let mut done = self.0.clone().into_os_string();
        done.push(".done");
        std::fs::remove_file(done).is_ok()
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Does nothing by itself: the test above runs it, with the faulty disk loaded.
#[test]
fn child() {
    if std::env::var_os("FAULTY_DISK_ORDER").is_none() {
        return;
    }
    runtime().block_on(async {
        let t = TestDb::new(Engine::Sqlite).await.unwrap();
        let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
        let (mut expected, mut faults) = (0, 0);
        for (call, error) in [("write", ENOSPC), ("write", EIO), ("sync", EIO)] {
            for when in ["before", "after"] {
                for n in 1..=CALLS_MAX {
                    let id = format!("{call}{error}{when}{n}");
                    let order = Order::new(&format!("{call} {n} {when} {error}"));
                    let first = log.commit(accept(&id)).await;
                    let hit = order.carried_out();
                    drop(order);
                    let there = t.db.message(&MessageId::new(id.clone())).await.unwrap().is_some();
                    assert_eq!(first.is_ok(), there, "{call} {n} {when} {error}: {first:?}");
                    if !there {
                        assert!(matches!(first, Err(CommitError::LogUnavailable)), "{first:?}");
                        eventually(&log, || accept(&id)).await.unwrap();
                    }
                    expected += 1;
                    assert_eq!(size(&t).await, expected, "{call} {n} {when} {error}");
                    faults += usize::from(hit);
                    if !hit {
                        break;
                    }
                }
            }
        }
        // Full until somebody makes room: nothing is promised, the gateway says so, and then it goes on.
        let order = Order::new(&format!("write always before {ENOSPC}"));
        for n in 0..5 {
            let refused = log.commit(accept(&format!("full{n}"))).await;
            assert!(matches!(refused, Err(CommitError::LogUnavailable)), "{refused:?}");
            assert_ne!(log.standing(), Standing::Writing);
        }
        drop(order);
        eventually(&log, || accept("room")).await.unwrap();
        assert_eq!(log.standing(), Standing::Writing);
        assert_eq!(size(&t).await, expected + 1);
        sound(&t).await;
        log.stop().await;
        // What is on the disk, read again from the start, is the same.
        let log = t.start_with(Clock::fixed(noon()), t.options()).await.unwrap();
        assert_eq!(size(&t).await, expected + 1);
        log.stop().await;
        t.finish().await;
        use std::io::Write as _;
        writeln!(std::io::stdout(), "\nfaults carried out: {faults}").unwrap();
    });
}
