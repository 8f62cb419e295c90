//! The mapping language: text to tree and back. Owns the grammar only; what a tree means is `check` and `engine`.

pub mod ast_json;
pub mod format;
pub mod from_json;
mod items;
mod lexer;
mod parser;
pub mod tree;

pub(in crate::mapping) use format::sensitivity;
pub use parser::parse;

use std::collections::BTreeSet;
use tree::{Converter, Item, ItemKind, Mapping, Sensitivity};

/// The names of every code and label table a mapping uses, sorted.
#[must_use]
pub fn tables_of(mapping: &Mapping) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(&mapping.items, &mut names);
    names
}

fn collect(items: &[Item], names: &mut BTreeSet<String>) {
    let mut code = |converter: &Converter| {
        if let Converter::Code(table) = converter {
            names.insert(table.text.clone());
        }
    };
    for item in items {
        match &item.kind {
            ItemKind::Field(field) => code(&field.converter),
            ItemKind::Scope(scope) => scope.converter.iter().for_each(&mut code),
            _ => {}
        }
    }
    for item in items {
        match &item.kind {
            ItemKind::Scope(scope) => collect(&scope.items, names),
            ItemKind::Choice(inner) | ItemKind::Fragment(_, inner) => collect(inner, names),
            ItemKind::Label(label) => {
                let mut source = Some(&label.sensitivity);
                while let Some(Sensitivity::By { table, otherwise, .. }) = source {
                    names.insert(table.text.clone());
                    source = otherwise.as_deref();
                }
            }
            _ => {}
        }
    }
}
