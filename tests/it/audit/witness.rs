//! `solent audit witness` as its users meet it: over HTTP and by file, across restarts and at the same time.

use super::command::solent;
use super::fixture::{log, scratch, signer};
use solent::audit::merkle::consistency_proof;
use solent::audit::witness::AddCheckpoint;
use solent::audit::{Checkpoint, Origin, Signer, Vkey};
use solent::clock::{Clock, Moment};
use solent::http::witness_server;
use solent::store::{WitnessError, WitnessState};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

const NAME: &str = "witness.example.net/w1";
const AT: Moment = Moment::from_millis(1_790_000_000_000);

fn witness() -> Signer {
    Signer::witness(Origin::parse(NAME).unwrap(), &[3; 32]).unwrap()
}

fn state(folder: &Path) -> WitnessState {
    WitnessState::open(folder, witness(), vec![signer().vkey().clone()]).unwrap()
}

/// A request from size `old` to size `new` of the fixture's log.
fn request(old: u64, new: u64) -> AddCheckpoint {
    let tree = log(new, 64).tree();
    let proof = consistency_proof(&tree, old.min(new), new).unwrap();
    AddCheckpoint { old, proof, note: signer().checkpoint(new, tree.root()) }
}

fn holds(lines: &str, asked: &AddCheckpoint) {
    let whole = format!("{}{lines}", asked.note.to_text());
    let keys: [Vkey; 2] = [signer().vkey().clone(), witness().vkey().clone()];
    let (_, verified) = Checkpoint::open(whole.as_bytes(), &keys).unwrap();
    assert_eq!(verified.len(), 2);
}

#[test]
fn what_was_cosigned_is_remembered_across_a_restart() {
    let folder = scratch("witness-restart");
    let first = request(0, 100);
    holds(&state(&folder).add(&first, AT).unwrap(), &first);
    let again = state(&folder);
    let refused = again.add(&request(0, 120), AT).unwrap_err();
    assert_eq!(refused.to_string(), "the witness cosigned size 100 last");
    let next = request(100, 120);
    holds(&again.add(&next, AT).unwrap(), &next);
    // A log set back to an earlier copy: it still believes in 100, or offers less than was cosigned.
    assert!(matches!(again.add(&request(100, 110), AT), Err(WitnessError::Refused(r)) if r.status() == 409));
    assert!(matches!(again.add(&request(120, 110), AT), Err(WitnessError::Refused(r)) if r.status() == 400));
    // The same tree again: a fresh cosignature, as asked for each hour.
    assert!(again.add(&request(120, 120), AT).is_ok());
}

#[test]
fn a_second_process_on_the_folder_is_refused() {
    let folder = scratch("witness-lock");
    let _held = state(&folder);
    let second = WitnessState::open(&folder, witness(), Vec::new());
    assert!(matches!(second, Err(WitnessError::InUse)));
}

#[test]
fn of_many_requests_at_once_exactly_one_moves_the_witness() {
    let state = Arc::new(state(&scratch("witness-race")));
    state.add(&request(0, 50), AT).unwrap();
    let threads: Vec<_> = (51..=66)
        .map(|new| {
            let state = Arc::clone(&state);
            let asked = request(50, new);
            std::thread::spawn(move || state.add(&asked, AT).is_ok())
        })
        .collect();
    let passed = threads.into_iter().filter(|_| true).map(|t| t.join().unwrap()).filter(|ok| *ok).count();
    assert_eq!(passed, 1);
}

fn post(address: SocketAddr, path: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let kind = head.lines().find_map(|l| l.strip_prefix("content-type: ")).unwrap_or_default().to_owned();
    (status, kind, body.to_owned())
}

#[test]
fn each_answer_over_http_is_that_of_the_standard() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(state(&scratch("witness-http")));
    let (handle, serving) = runtime.block_on(async {
        let server = witness_server(Arc::new(move |asked| state.answer(asked, AT)), listener, "/w").unwrap();
        (server.handle(), tokio::spawn(server))
    });
    let ask = |asked: &AddCheckpoint| post(address, "/w/add-checkpoint", &asked.to_text());
    let first = request(0, 70);
    let (status, _, lines) = ask(&first);
    assert_eq!(status, 200);
    holds(&lines, &first);
    assert_eq!(ask(&request(0, 80)), (409, "text/x.tlog.size".to_owned(), "70\n".to_owned()));
    assert_eq!(ask(&AddCheckpoint { proof: Vec::new(), ..request(70, 80) }).0, 422);
    assert_eq!(ask(&AddCheckpoint { old: 90, ..request(70, 80) }).0, 400);
    let stranger = Signer::log(Origin::parse("audit.example.org/other").unwrap(), &[4; 32]).unwrap();
    assert_eq!(
        ask(&AddCheckpoint { note: stranger.checkpoint(80, log(80, 64).tree().root()), ..request(70, 80) }).0,
        404
    );
    let forger = Signer::log(signer().vkey().name().clone(), &[4; 32]).unwrap();
    assert_eq!(
        ask(&AddCheckpoint { note: forger.checkpoint(80, log(80, 64).tree().root()), ..request(70, 80) }).0,
        403
    );
    assert_eq!(post(address, "/w/add-checkpoint", "hello").0, 400);
    assert_eq!(post(address, "/add-checkpoint", "hello").0, 404);
    assert_eq!(ask(&request(70, 80)).0, 200);
    runtime.block_on(async {
        handle.stop(false).await;
        let _ = serving.await;
    });
}

#[test]
fn by_file_a_checkpoint_is_cosigned_and_a_log_set_back_is_told_the_size() {
    let dir = scratch("witness-file");
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let made = solent(&["witness", "--name", NAME, "--key", &at("w.key"), "--new-key"]);
    assert!(made.status.success());
    let vkey = Vkey::parse(String::from_utf8(made.stdout).unwrap().trim()).unwrap();
    let log_key = signer().vkey().to_string();
    let run = |asked: &AddCheckpoint| {
        std::fs::write(at("request"), asked.to_text()).unwrap();
        let (key, state, input, out) = (at("w.key"), at("state"), at("request"), at("answer"));
        let args = [
            "witness", "--name", NAME, "--key", &key, "--state", &state, "--log", &log_key, "--in", &input, "--out",
            &out,
        ];
        (solent(&args).status.code(), std::fs::read_to_string(at("answer")).unwrap())
    };
    let asked = request(0, 90);
    let (code, lines) = run(&asked);
    assert_eq!(code, Some(0));
    let whole = format!("{}{lines}", asked.note.to_text());
    assert_eq!(Checkpoint::open(whole.as_bytes(), &[signer().vkey().clone(), vkey]).unwrap().1.len(), 2);
    assert_eq!(run(&request(0, 60)), (Some(1), "old 90\n".to_owned()));
}

fn audit(folder: &Path, args: &[&str]) {
    let done =
        std::process::Command::new(env!("CARGO_BIN_EXE_solent")).arg("audit").args(args).current_dir(folder).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A gateway on `folder` until `until` holds of what its loopback listener says at `path`; then it is killed.
fn gateway_until(folder: &Path, path: &str, until: impl Fn(&str) -> bool) {
    let mut served = crate::http::gateway::start(folder.to_owned());
    let started = std::time::Instant::now();
    let mut said = served.loopback(path);
    while !until(&said) && started.elapsed().as_secs() < 60 {
        std::thread::yield_now();
        said = served.loopback(path);
    }
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    // The folder is needed again.
    std::mem::forget(served);
    assert!(until(&said), "{said}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["solent.db", "solent.db-wal", "solent.db-shm", "checkpoint"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

#[test]
fn a_database_set_back_with_everything_beside_it_is_noticed_by_a_witness() {
    let folder = crate::http::gateway::prepare();
    let origin = Origin::parse(crate::http::harness::ORIGIN).unwrap();
    let seed = solent::trust::SigningKey::load(&folder.join("audit.key")).unwrap().seed();
    let log_key = Signer::log(origin, &seed).unwrap().vkey().clone();
    let state = WitnessState::open(&folder.join("witness"), witness(), vec![log_key.clone()]).unwrap();
    let kept = state.file_of(log_key.name().as_str());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = runtime.block_on(async {
        let answer = move |asked: &[u8]| state.answer(asked, Clock::system().now());
        let server = witness_server(Arc::new(answer), listener, "").unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        handle
    });
    let config = folder.join("solent.toml");
    let more = format!("[[audit.witness]]\nvkey = \"{}\"\nurl = \"http://{address}\"\n", witness().vkey());
    std::fs::write(&config, format!("{}{more}", std::fs::read_to_string(&config).unwrap())).unwrap();
    gateway_until(&folder, "/health/ready", |text| text.contains("ready"));
    // The rules and mappings in force are two entries, each export is one more, cosigned at the gateway's next start.
    audit(&folder, &["export", "--config", "solent.toml", "--bundle", "a.bundle"]);
    gateway_until(&folder, "/metrics", |text| {
        text.contains("solent_witness_size{witness=\"witness.example.net/w1\"} 3")
    });
    copy(&folder, &folder.join("old"));
    audit(&folder, &["export", "--config", "solent.toml", "--bundle", "b.bundle"]);
    audit(&folder, &["export", "--config", "solent.toml", "--bundle", "c.bundle"]);
    gateway_until(&folder, "/metrics", |text| {
        text.contains("solent_witness_size{witness=\"witness.example.net/w1\"} 5")
    });
    let key = witness().vkey().to_string();
    audit(&folder, &["verify", "--config", "solent.toml", "--witness", &key, "--threshold", "1"]);
    // Everything the gateway has is set back: nothing of its own can show it.
    copy(&folder.join("old"), &folder);
    audit(&folder, &["verify", "--config", "solent.toml"]);
    gateway_until(&folder, "/health/ready", |text| text.contains("a witness holds"));
    let args = ["audit", "verify", "--config", "solent.toml", "--checkpoint", kept.to_str().unwrap()];
    let found =
        std::process::Command::new(env!("CARGO_BIN_EXE_solent")).args(args).current_dir(&folder).output().unwrap();
    assert_eq!(found.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&found.stderr).contains("SOL-AUDIT-TAIL"));
    runtime.block_on(handle.stop(false));
    let _ = std::fs::remove_dir_all(&folder);
}
