//! Every seed of the fuzz targets through its target: what fuzzing holds, held in each run of the tests. A crash that fuzzing
//! found becomes a seed, and so stays mended.

#[path = "../../../fuzz/src/lib.rs"]
#[allow(dead_code, reason = "the fuzz programs use all of it, the seeds a part")]
mod targets;

use std::path::Path;

#[test]
fn every_seed_passes_its_fuzz_target() {
    for (name, target) in targets::TARGETS {
        let folder = Path::new("fuzz/seeds").join(name);
        let mut seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        seeds.sort();
        assert!(!seeds.is_empty(), "{name} has no seed");
        for seed in seeds {
            // Shown when it fails: which seed it was.
            eprintln!("{}", seed.display());
            target(&std::fs::read(&seed).unwrap());
        }
    }
}
