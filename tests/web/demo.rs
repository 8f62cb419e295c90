//! The demo as a newcomer starts it: the program itself, its story played, its pages served.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running demo; it goes with its folder when this does.
pub struct Demo {
    child: Child,
    folder: PathBuf,
    /// `https://localhost:PORT`.
    pub base: String,
}

impl Demo {
    /// Starts one on a free port and waits until it has played its story and serves.
    pub fn start() -> Self {
        let name = format!("solent-web-{}", uuid::Uuid::now_v7());
        let folder = std::env::temp_dir().join(name);
        let mut child = Command::new(env!("CARGO_BIN_EXE_solent"))
            .args(["demo", "--port", "0", "--data"])
            .arg(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut base = String::new();
        for line in lines {
            let line = line.unwrap();
            if line.starts_with("https://localhost:") {
                base = line.trim().trim_end_matches('/').to_owned();
            }
            if line.contains("Stop with Ctrl-C") {
                break;
            }
        }
        assert!(!base.is_empty(), "the demo did not say where its pages are");
        Self { child, folder, base }
    }
    /// A file of the demo's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
