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
            .stderr(std::fs::File::create(folder.with_extension("log")).unwrap())
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
    /// What the program wrote about itself.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("log")).unwrap()
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
        let _ = std::fs::remove_file(self.folder.with_extension("log"));
    }
}

/// The demo's partnership after its story, served by the plain gateway.
pub struct Served {
    child: Option<Child>,
    folder: PathBuf,
    /// `https://localhost:PORT`, once started.
    pub base: String,
}

impl Served {
    /// Plays the story and leaves its folder.
    pub fn prepare() -> Self {
        let folder = std::env::temp_dir().join(format!("solent-web-{}", uuid::Uuid::now_v7()));
        let played =
            Command::new(env!("CARGO_BIN_EXE_solent")).args(["demo", "--once", "--data"]).arg(&folder).output();
        assert!(played.unwrap().status.success());
        Self { child: None, folder, base: String::new() }
    }
    /// Writes a file of it that only its owner can read.
    pub fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    /// Changes its configuration, in the first place where `old` stands.
    pub fn configure(&self, old: &str, new: &str) {
        let path = self.folder.join("solent.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old));
        std::fs::write(path, text.replacen(old, new, 1)).unwrap();
    }
    /// Lets it listen on this port.
    pub fn listen_on(&self, port: u16) {
        let text = std::fs::read_to_string(self.folder.join("solent.toml")).unwrap();
        let line = text.lines().find(|l| l.starts_with("listen = ")).unwrap();
        self.configure(line, &format!("listen = \"127.0.0.1:{port}\""));
    }
    /// Runs a command that reads standard input.
    pub fn solent_with_input(&self, args: &[&str], input: &str) {
        use std::io::Write as _;
        let mut child = Command::new(env!("CARGO_BIN_EXE_solent"))
            .args(args)
            .arg("--config")
            .arg(self.folder.join("solent.toml"))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }
    /// Runs a command on it; its output.
    pub fn solent(&self, args: &[&str]) -> String {
        let done = self.try_solent(args);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
    /// Runs a command on it.
    pub fn try_solent(&self, args: &[&str]) -> std::process::Output {
        let config = self.folder.join("solent.toml");
        Command::new(env!("CARGO_BIN_EXE_solent")).args(args).arg("--config").arg(config).output().unwrap()
    }
    /// Serves it.
    pub fn start(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_solent"))
            .args(["serve", "--config"])
            .arg(self.folder.join("solent.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.split("https://127.0.0.1:").nth(1).and_then(|r| r.split(',').next()).expect("an address");
        self.base = format!("https://localhost:{}", port.trim());
        self.child = Some(child);
    }
    /// The authority that signed its certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("certs/ca.pem")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
