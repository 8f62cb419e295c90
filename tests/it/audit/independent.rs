//! What we write is checked by `tests/independent/verify_log.py`, which shares no code with us.

use super::fixture::{log, scratch, signer};
use solent::audit::bundle::Payloads;
use solent::audit::merkle::{Tree, consistency_proof, inclusion_proof, root};
use solent::audit::{Note, Origin, Signer, TlogProof};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the verifier; `None`, said aloud, when there is no Python.
fn verifier(args: &[&str]) -> Option<Output> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/verify_log.py");
    match Command::new("python3").arg("-I").arg(script).args(args).output() {
        Ok(output) => Some(output),
        Err(_) => {
            let _ = writeln!(std::io::stdout(), "skipped: the independent verifier needs python3");
            None
        }
    }
}

pub fn accepts(args: &[&str]) {
    if let Some(output) = verifier(args) {
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(
            output.status.success(),
            "{}",
            text.lines().filter(|l| !l.starts_with("ok ")).collect::<Vec<_>>().join("\n")
        );
    }
}

pub fn refuses(args: &[&str], why: &str) {
    if let Some(output) = verifier(args) {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(why), "{why} in {text}");
    }
}

#[test]
fn tiles_bundles_and_proofs_of_every_size_up_to_300_are_accepted() {
    let dir = scratch("independent");
    let vkey = signer().vkey().to_string();
    let whole = log(300, 64);
    let mut tiles = Vec::new();
    let mut bundles = Vec::new();
    for size in 0..=300_u64 {
        let mut memory = whole.clone();
        memory.rows.truncate(usize::try_from(size).unwrap());
        let tree = memory.tree();
        memory.tiles = Some(super::fixture::tiles_of(&tree));
        memory.note = Some(signer().checkpoint(size, tree.root()).to_text().into_bytes());
        let at = dir.join(size.to_string());
        memory.write_tiles(&at);
        tiles.push(at.to_str().unwrap().to_owned());
        let bundle = dir.join(format!("{size}.bundle"));
        let payloads = if size % 2 == 0 { Payloads::Carried } else { Payloads::LeftOut };
        std::fs::write(&bundle, memory.bundle(payloads)).unwrap();
        bundles.push(bundle.to_str().unwrap().to_owned());
    }
    let args = |command: &'static str, names: &[String]| {
        let mut args = vec![command.to_owned(), "--vkey".to_owned(), vkey.clone()];
        args.extend_from_slice(names);
        args
    };
    for (command, names) in [("tiles", tiles), ("bundle", bundles)] {
        let args = args(command, &names);
        accepts(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// Around two to the sixteenth the tree gets a third level of tiles. A million entries: see tests/README.md.
#[test]
fn logs_of_65_535_to_65_537_entries_are_accepted() {
    let vkey = signer().vkey().to_string();
    let whole = log(65_537, 8_192);
    for size in [65_535_u64, 65_536, 65_537] {
        let mut memory = whole.clone();
        memory.rows.truncate(usize::try_from(size).unwrap());
        let tree = memory.tree();
        memory.tiles = Some(super::fixture::tiles_of(&tree));
        memory.note = Some(signer().checkpoint(size, tree.root()).to_text().into_bytes());
        let dir = scratch("large");
        memory.write_tiles(&dir);
        let bundle = dir.with_extension("bundle");
        std::fs::write(&bundle, memory.bundle(Payloads::LeftOut)).unwrap();
        accepts(&["tiles", "--vkey", &vkey, dir.to_str().unwrap()]);
        accepts(&["bundle", "--vkey", &vkey, bundle.to_str().unwrap()]);
        std::fs::remove_dir_all(&dir).unwrap();
        std::fs::remove_file(&bundle).unwrap();
    }
}

#[test]
fn cosignatures_are_counted_and_a_false_one_is_refused() {
    let dir = scratch("cosigned");
    let mut memory = log(40, 16);
    let witness = |n: u8| Signer::witness(Origin::parse(&format!("w{n}.example.net/w")).unwrap(), &[n; 32]).unwrap();
    let mut note = Note::parse(memory.note.as_ref().unwrap()).unwrap();
    for n in [1, 2] {
        note.add(witness(n).sign(note.text(), 1_790_000_000));
    }
    memory.note = Some(note.to_text().into_bytes());
    memory.write_tiles(&dir);
    let keys: Vec<String> = [signer().vkey().to_string(), witness(1).vkey().to_string(), witness(2).vkey().to_string()]
        .into_iter()
        .flat_map(|key| ["--vkey".to_owned(), key])
        .collect();
    let with = |needed: &'static str| {
        let mut args = vec!["tiles", "--witnesses", needed];
        args.extend(keys.iter().map(String::as_str));
        args.push(dir.to_str().unwrap());
        args
    };
    accepts(&with("2"));
    refuses(&with("3"), "cosigned by 2 witnesses, not 3");
    // A proof carries the cosignatures of its checkpoint.
    let tree = memory.tree();
    let checkpoint = String::from_utf8(memory.note.clone().unwrap()).unwrap();
    let hashes = inclusion_proof(&tree, 3, 40).unwrap();
    let proof = TlogProof { salt: None, index: 3, hashes, checkpoint };
    let (p, e) = (dir.with_extension("tlog-proof"), dir.with_extension("json"));
    std::fs::write(&p, proof.to_text()).unwrap();
    std::fs::write(&e, &memory.rows[3].entry).unwrap();
    let mut args = vec!["proof", "--witnesses", "2"];
    args.extend(keys.iter().map(String::as_str));
    args.extend([p.to_str().unwrap(), e.to_str().unwrap()]);
    accepts(&args);
    let mut false_one = Note::parse(memory.note.as_ref().unwrap()).unwrap();
    false_one.add(witness(3).sign("another text\n", 1_790_000_000));
    std::fs::write(dir.join("checkpoint"), false_one.to_text()).unwrap();
    let third = witness(3).vkey().to_string();
    let mut args = with("2");
    args.extend(["--vkey", &third]);
    refuses(&args, "signature of w3.example.net/w does not verify");
}

#[test]
fn consistency_and_inclusion_proofs_are_accepted() {
    let dir = scratch("proofs");
    let memory = log(300, 64);
    let tree: Tree = memory.tree();
    let mut lines = String::new();
    for second in 0..=300_u64 {
        for first in (0..=second).filter(|m| second < 40 || m % 29 == 0 || m.is_power_of_two() || second - m < 2) {
            let base64 = |size| root(&tree, size).unwrap().to_base64();
            let proof = consistency_proof(&tree, first, second).unwrap();
            let hashes: String = proof.iter().map(|h| format!(" {}", h.to_base64())).collect();
            lines.push_str(&format!("{first} {} {second} {}{hashes}\n", base64(first), base64(second)));
        }
    }
    let file = dir.join("consistency");
    std::fs::write(&file, lines).unwrap();
    accepts(&["consistency", file.to_str().unwrap()]);

    let vkey = signer().vkey().to_string();
    for index in [0_u64, 1, 127, 255, 256, 298] {
        let row = &memory.rows[usize::try_from(index).unwrap()];
        let super::fixture::Part::Kept(salt, payload) = &row.sealed else { panic!() };
        let proof = TlogProof {
            salt: Some(salt.clone()),
            index,
            hashes: inclusion_proof(&tree, index, 300).unwrap(),
            checkpoint: String::from_utf8(memory.note.clone().unwrap()).unwrap(),
        };
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let files =
            [write("p.tlog-proof", proof.to_text().as_bytes()), write("e.json", &row.entry), write("p.json", payload)];
        accepts(&["proof", "--vkey", &vkey, &files[0], &files[1], &files[2]]);
        write("e.json", &memory.rows[2].entry);
        refuses(&["proof", "--vkey", &vkey, &files[0], &files[1], &files[2]], "another root");
    }
}

#[test]
fn the_independent_verifier_refuses_what_was_tampered_with() {
    let vkey = signer().vkey().to_string();
    for (why, tamper) in [
        (
            "do not lead to the signed root",
            &(|m: &mut super::fixture::Memory| m.swap_rows(1, 2)) as &dyn Fn(&mut super::fixture::Memory),
        ),
        ("entry 4", &|m| m.rows[4].entry[3] ^= 1),
        ("signature of", &|m| m.note.as_mut().unwrap()[30] ^= 2),
        ("tile/0/000.p/30", &|m| m.tiles.as_mut().unwrap().values_mut().for_each(|t| t[0] ^= 1)),
    ] {
        let mut memory = log(30, 16);
        tamper(&mut memory);
        let dir = scratch("refused");
        memory.write_tiles(&dir);
        refuses(&["tiles", "--vkey", &vkey, dir.to_str().unwrap()], why);
    }
}

#[test]
fn the_command_writes_what_the_independent_verifier_accepts() {
    for size in [0_u64, 1, 255, 256, 257] {
        let dir = scratch("command");
        let bundle = dir.join("log.bundle");
        std::fs::write(&bundle, log(size, 64).bundle(Payloads::Carried)).unwrap();
        let tiles = dir.join("tiles");
        let args = ["export", "--from-bundle", bundle.to_str().unwrap(), "--tiles", tiles.to_str().unwrap()];
        assert!(super::command::solent(&args).status.success());
        accepts(&["tiles", tiles.to_str().unwrap()]);
    }
}
