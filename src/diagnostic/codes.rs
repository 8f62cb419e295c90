//! The registry of diagnostic codes: one row each, grouped by subject, never reused.
//!
//! A code is `SOL-<SUBJECT>-<WORD>`. Subjects: DOC (syntax of a message), SCHEMA, MAP (mapping language), LOSS,
//! FACTS, RULES (sharing files), AUDIT, CONFIG, STORE, TRUST, HTTP, EXCHANGE, CLI. Every row has a page in
//! `docs/reference/codes/`, generated from here (`SOLENT_BLESS=1 cargo test --test tidy`), and a test that provokes it.

use std::fmt;

/// A stable diagnostic code. Can only be one of [`REGISTRY`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The text, for example `SOL-FACTS-SYNTAX`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct RegistryRow {
    /// The code.
    pub code: Code,
    /// When it is given, in one sentence.
    pub meaning: &'static str,
    /// What the reader should do.
    pub fix: &'static str,
}

macro_rules! registry {
    ($($name:ident = $text:literal, $meaning:literal, $fix:literal;)+) => {
        /// The codes as constants, to be used as `code::DOC_SYNTAX`.
        #[allow(missing_docs, reason = "each constant's meaning is its row in the registry")]
        pub mod code {
            use super::Code;
            $(pub const $name: Code = Code($text);)+
        }
        /// Every code with its meaning and fix.
        pub const REGISTRY: &[RegistryRow] = &[
            $(RegistryRow { code: code::$name, meaning: $meaning, fix: $fix },)+
        ];
    };
}

registry! {
    // DOC: the bytes of a message
    DOC_SYNTAX = "SOL-DOC-SYNTAX", "The message is not well formed in its syntax (JSON, XML).", "Mend the message at the line and column given and send it again.";
    DOC_LIMIT = "SOL-DOC-LIMIT", "The message is larger, deeper or has more repeats than a limit allows.", "Send a smaller message, or split it; the limit is named in the message.";
    DOC_FORBIDDEN = "SOL-DOC-FORBIDDEN", "The message uses something that is never accepted: a DTD, an entity, a NUL character, a duplicate key.", "Remove it and send the message again.";
    // SCHEMA
    SCHEMA_INVALID = "SOL-SCHEMA-INVALID", "The document does not satisfy its schema at the place given.", "Compare the place given with the format's page in docs/.";
    SCHEMA_FILE = "SOL-SCHEMA-FILE", "A schema file cannot be used: syntax, unknown keyword, or a reference that does not resolve.", "Mend the schema file; `solent check` answers in under a second.";
    // MAP
    MAP_SYNTAX = "SOL-MAP-SYNTAX", "A mapping file does not follow the grammar.", "See docs/reference/mapping-language.md.";
    // FACTS
    FACTS_SYNTAX = "SOL-FACTS-SYNTAX", "A facts file is not well-formed YAML or JSON.", "Mend the file at the place given.";
    FACTS_SCHEMA = "SOL-FACTS-SCHEMA", "A facts file does not follow its schema, or a time has no offset.", "Compare with docs/reference/facts-file.md.";
    FACTS_TIME = "SOL-FACTS-TIME", "A time in a facts file is well formed but there is no such moment.", "Write a moment that exists.";
    FACTS_REFERENCE = "SOL-FACTS-REFERENCE", "A facts file names an id that does not exist, or a hat of another account.", "Correct the id.";
    FACTS_DUPLICATE = "SOL-FACTS-DUPLICATE", "Two items of one section of a facts file have the same id.", "Rename one.";
    // RULES
    RULES_FILE = "SOL-RULES-FILE", "A file in sharing/ cannot be used.", "Mend the row or line given; the set in force is unchanged.";
    // CONFIG
    CONFIG_FILE = "SOL-CONFIG-FILE", "The configuration file cannot be used.", "See docs/reference/configuration.md.";
    // CLI
    CLI_USAGE = "SOL-CLI-USAGE", "The command line is wrong.", "See `solent <command> --help`.";
    CLI_FILE = "SOL-CLI-FILE", "A file named on the command line cannot be read or written.", "Check the name and its rights.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_used_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for row in REGISTRY {
            assert!(seen.insert(row.code.as_str()), "{} stands twice", row.code);
        }
    }
}
