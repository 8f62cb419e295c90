//! The mapping language: text to tree and back. Owns the grammar only; what a tree means is `check` and `engine`.

pub mod ast_json;
pub mod format;
mod items;
mod lexer;
mod parser;
pub mod tree;

pub use parser::parse;
