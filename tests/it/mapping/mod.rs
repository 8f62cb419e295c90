//! Mappings across modules: the case folders, the laws of the mapping language, the public samples, the command line.

#![allow(clippy::print_stdout, reason = "a skipped part says so; counts help whoever looks at a failure")]

mod added_format;
mod cases;
mod checks;
mod conserve;
mod generated;
mod laws;
mod one_by_one;
mod refusals;
mod samples;
mod several;
mod tools;
mod translate;

use solent::clock::Moment;
use solent::config::Files;
use solent::document::Limits;
use solent::ident::AgencyId;
use solent::mapping::{Mappings, ReadContext, WriteContext};
use solent::schema::Schemas;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The built-in content set.
pub(super) fn files() -> Files {
    solent::cli::content::built_in()
}

pub(super) fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| Schemas::load(&files()).expect("the built-in schemas load"))
}

pub(super) fn mappings() -> &'static Mappings {
    static MAPPINGS: OnceLock<Mappings> = OnceLock::new();
    MAPPINGS.get_or_init(|| {
        Mappings::load(&files(), schemas()).unwrap_or_else(|faults| {
            panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })
    })
}

pub(super) fn context() -> ReadContext {
    ReadContext { limits: Limits::file(), ..ReadContext::of(AgencyId::from("local")) }
}

pub(super) fn writing() -> WriteContext {
    WriteContext::at(Moment::parse("2026-10-05T12:00:00Z").expect("a moment"))
}

pub(super) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The folder of public samples, if it is there.
pub(super) fn samples(inner: &str) -> Option<PathBuf> {
    let base = std::env::var("SOLENT_SAMPLES").map_or_else(|_| here("../shared/data"), PathBuf::from);
    let folder = base.join(inner);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no samples at {}", folder.display());
    None
}

/// The formats that have cases, whichever they are.
pub(super) fn formats() -> Vec<&'static str> {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| mappings().formats().into_iter().map(|f| f.name).collect());
    names.iter().map(String::as_str).filter(|name| here("tests/cases/mappings").join(name).is_dir()).collect()
}

/// Our own messages: name of the format and file. Cases that are refused on purpose are not among them.
pub(super) fn own_messages() -> Vec<(&'static str, PathBuf)> {
    static MESSAGES: OnceLock<Vec<(&'static str, PathBuf)>> = OnceLock::new();
    MESSAGES.get_or_init(found_messages).clone()
}

fn found_messages() -> Vec<(&'static str, PathBuf)> {
    let mut list = vec![
        ("fhir-r4-json", here("docs/demo/southdown-bundle.json")),
        ("fhir-r4-json", here("docs/demo/clearway-bundle.json")),
        ("cin-census", here("docs/demo/harbourshire-census.xml")),
    ];
    for format in formats() {
        for case in cases::folders(format) {
            let message = cases::input(&case);
            let read = std::fs::read(&message).is_ok_and(|bytes| mappings().read(format, &bytes, &context()).is_ok());
            if read {
                list.push((format, message));
            }
        }
    }
    list
}
