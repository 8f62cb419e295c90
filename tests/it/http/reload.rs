//! A running gateway whose content folder changes: a good set is taken, a bad one refused with file and line while the
//! last good one goes on answering.

use super::gateway::{prepare, start};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the gateway may take to notice a change before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder with a configuration that names its own content folder.
fn prepared() -> PathBuf {
    let folder = prepare();
    for name in ["schemas", "mappings", "sharing"] {
        copy(&here(name), &folder.join("content").join(name));
    }
    let config = std::fs::read_to_string(folder.join("solent.toml")).unwrap();
    std::fs::write(folder.join("solent.toml"), config.replace("[audit]", "[content]\ndir = \"content\"\n[audit]"))
        .unwrap();
    folder
}

/// Sets that must not load: what is wrong, in which file, what is replaced by what, the code.
const WRONG: [(&str, &str, &str, &str, &str); 4] = [
    ("a missing path", "mappings/cin-census/census.bimap", "  LAchildID ", "  LAchildIDs ", "SOL-MAP-PATH"),
    ("an untotal table", "mappings/codes/closure-reason.csv", "RC1,", "RC999,", "SOL-MAP-TABLE"),
    ("an unlabelled segment", "mappings/cin-census/census.bimap", "    label STS R about child\n", "", "SOL-MAP-LABEL"),
    (
        "an unreachable rule",
        "mappings/cin-census/census.bimap",
        "drop canonical rest",
        "drop canonical health because \"said\"\ndrop canonical health because \"said twice\"\ndrop canonical rest",
        "SOL-MAP-UNREACHABLE",
    ),
];

#[test]
fn a_bad_content_set_is_refused_with_its_line_and_the_last_good_one_goes_on_answering() {
    let served = start(prepared());
    let content = served.folder.join("content");
    let wait = |wanted: &dyn Fn(&str) -> bool| -> String {
        let since = Instant::now();
        loop {
            let page = served.loopback("/health/ready");
            if wanted(&page) {
                return page;
            }
            assert!(since.elapsed() < PATIENCE, "{page}");
        }
    };
    let mut taken = 0;
    for (what, file, from, to, code) in WRONG {
        let path = content.join(file);
        let good = std::fs::read_to_string(&path).unwrap();
        let bad = good.replacen(from, to, 1);
        assert!(good != bad, "{what}: nothing changed");
        std::fs::write(&path, bad).unwrap();
        let page = wait(&|page| page.contains("SOL-"));
        assert!(page.contains(code) && (page.contains(".bimap:") || page.contains(".csv:")), "{what}: {page}");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("last good one is in force"), "{what}: {page}");
        served.still_serves();
        std::fs::write(&path, good).unwrap();
        wait(&|page| !page.contains("SOL-"));
        taken += 1;
    }
    // A direction that cannot make a valid document: a member is required that nothing writes.
    let path = content.join("schemas/cin-census/child.schema.json");
    let good = std::fs::read_to_string(&path).unwrap();
    let mut schema: serde_json::Value = serde_json::from_str(&good).unwrap();
    schema["properties"]["Invented"] = serde_json::json!({"type": "string"});
    schema["required"] = serde_json::json!(["Invented"]);
    std::fs::write(&path, schema.to_string()).unwrap();
    let page = wait(&|page| page.contains("SOL-"));
    assert!(page.contains("SOL-MAP-REQUIRED") && page.contains("Invented"), "{page}");
    served.still_serves();
    std::fs::write(&path, good).unwrap();
    wait(&|page| !page.contains("SOL-"));
    let metrics = served.loopback("/metrics");
    assert!(metrics.contains(&format!("solent_content_reloads_total{{result=\"taken\"}} {}", taken + 1)), "{metrics}");
    assert!(
        metrics.contains(&format!("solent_content_reloads_total{{result=\"refused\"}} {}", taken + 1)),
        "{metrics}"
    );
    assert!(metrics.contains("solent_content_stale 0"), "{metrics}");
}
