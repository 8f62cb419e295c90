//! The parts of one release, timed one by one, with their spread: read, decide, write, hash. No limits here; the ratios
//! are in the other benches.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may stop"
)]
#![allow(missing_docs, reason = "a bench's name is its documentation")]

use divan::Bencher;
use solent::audit::{Frontier, merkle};
use solent::cli::content;
use solent::clock::Moment;
use solent::document::{Limits, json};
use solent::ident::AgencyId;
use solent::mapping::{Mappings, ReadContext, WriteContext};
use solent::record::Record;
use solent::schema::Schemas;
use std::path::Path;

fn main() {
    divan::main();
}

fn input(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo").join(name)).unwrap()
}

fn mappings() -> Mappings {
    let files = content::built_in();
    Mappings::load(&files, &Schemas::load(&files).unwrap()).unwrap()
}

fn context() -> ReadContext {
    ReadContext::of(AgencyId::new("southdown-mh"))
}

#[divan::bench]
fn load_every_schema_and_mapping(bencher: Bencher<'_, '_>) {
    bencher.bench(mappings);
}

#[divan::bench]
fn bundle_to_tree(bencher: Bencher<'_, '_>) {
    let bytes = input("southdown-bundle.json");
    bencher.bench(|| json::read(&bytes, &Limits::message()).unwrap());
}

#[divan::bench]
fn bundle_to_records(bencher: Bencher<'_, '_>) {
    let (mappings, bytes, context) = (mappings(), input("southdown-bundle.json"), context());
    bencher.bench(|| mappings.read("fhir-r4-json", &bytes, &context).unwrap());
}

#[divan::bench]
fn census_to_records(bencher: Bencher<'_, '_>) {
    let (mappings, bytes, context) = (mappings(), input("harbourshire-census.xml"), context());
    bencher.bench(|| mappings.read("cin-census", &bytes, &context).unwrap());
}

#[divan::bench(args = ["fhir-r4-json", "canonical"])]
fn records_to_bytes(bencher: Bencher<'_, '_>, format: &str) {
    let (mappings, bytes) = (mappings(), input("southdown-bundle.json"));
    let read = mappings.read("fhir-r4-json", &bytes, &context()).unwrap();
    let records: Vec<Record> = read.into_iter().map(|r| r.record).collect();
    let out = WriteContext::at(Moment::from_millis(1_791_200_000_000));
    bencher.bench(|| mappings.write(format, &records, &out).unwrap());
}

#[divan::bench]
fn leaf_into_the_tree(bencher: Bencher<'_, '_>) {
    let entry = vec![b'e'; 335];
    let mut tree = Frontier::new();
    bencher.bench_local(move || tree.append(merkle::leaf_hash(&entry)));
}
