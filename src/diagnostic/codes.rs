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
    // RECORD: the canonical record
    RECORD_RULE = "SOL-RECORD-RULE", "A canonical record breaks a rule that its schema cannot say: a confidentiality floor, an id, a link, a summary.", "Compare the segment given with docs/reference/canonical-record.md.";
    // MAP
    MAP_SYNTAX = "SOL-MAP-SYNTAX", "A mapping file does not follow the grammar.", "See docs/reference/mapping-language.md.";
    MAP_TABLE = "SOL-MAP-TABLE", "A code table cannot be used, or is not total in a direction.", "Mend or add the row named; every code of the list needs a row in each direction that is used.";
    MAP_PATH = "SOL-MAP-PATH", "A path in a mapping does not exist in its schema.", "Correct the path; the nearest existing name is given.";
    MAP_TYPE = "SOL-MAP-TYPE", "The two sides of a rule, or a rule and its converter, do not fit each other.", "Choose another converter, add a selector, or use `each` for lists.";
    MAP_REQUIRED = "SOL-MAP-REQUIRED", "A direction of a mapping can never make a valid document: nothing writes a required member.", "Map the member, or set it with `fixed` or `default`.";
    MAP_WRITER = "SOL-MAP-WRITER", "Two rules write the same place in one direction.", "Remove one, or put both into a `choice`.";
    MAP_COVERAGE = "SOL-MAP-COVERAGE", "A value both schemas know is neither mapped nor dropped.", "Add a rule, or `drop` it with a reason.";
    MAP_LABEL = "SOL-MAP-LABEL", "A block that makes a segment has no proper label.", "Give the block exactly one label, first, at or above the floor of its category.";
    MAP_REASON = "SOL-MAP-REASON", "Something that works one way only does not say why.", "Add `because \"…\"`.";
    MAP_NAME = "SOL-MAP-NAME", "A mapping uses a name that nothing defines, or defines one twice.", "Name the segment with `as`, the constant with `let`, the fragment with `fragment`.";
    MAP_UNREACHABLE = "SOL-MAP-UNREACHABLE", "A rule of a mapping can never take effect.", "Remove the rule, or the one that takes its place; the line is named.";
    MAP_LIMIT = "SOL-MAP-LIMIT", "A mapping has more rules than a limit allows.", "Put codes into a code table and repeated rules into `each`.";
    MAP_FORMAT = "SOL-MAP-FORMAT", "There is no such format, or it cannot hold what is asked.", "`solent formats` lists what can be read and written.";
    MAP_INCOMPLETE = "SOL-MAP-INCOMPLETE", "The record does not say what the target format requires.", "Send the missing part, or choose a format that does not need it.";
    MAP_BALANCE = "SOL-MAP-BALANCE", "A translation did not account for every value and was thrown away.", "This is a fault of the gateway: report it with the mapping's name and version.";
    // FACTS
    FACTS_SYNTAX = "SOL-FACTS-SYNTAX", "A facts file is not well-formed YAML or JSON.", "Mend the file at the place given.";
    FACTS_SCHEMA = "SOL-FACTS-SCHEMA", "A facts file does not follow its schema, or a time has no offset.", "Compare with docs/reference/facts-file.md.";
    FACTS_TIME = "SOL-FACTS-TIME", "A time in a facts file is well formed but there is no such moment.", "Write a moment that exists.";
    FACTS_REFERENCE = "SOL-FACTS-REFERENCE", "A facts file names an id that does not exist, or a hat of another account.", "Correct the id.";
    FACTS_DUPLICATE = "SOL-FACTS-DUPLICATE", "Two items of one section of a facts file have the same id.", "Rename one.";
    // RULES
    RULES_FILE = "SOL-RULES-FILE", "A file in sharing/ cannot be used.", "Mend the row or line given; the set in force is unchanged.";
    // AUDIT
    AUDIT_ENTRY = "SOL-AUDIT-ENTRY", "An entry of the audit log was altered, overwritten, inserted, or is not in canonical form.", "Keep everything as it is and tell the auditor; restore the log from a copy that verifies.";
    AUDIT_ORDER = "SOL-AUDIT-ORDER", "Entries of the audit log stand in another order than they were logged in.", "Keep everything as it is and tell the auditor; restore the log from a copy that verifies.";
    AUDIT_MISSING = "SOL-AUDIT-MISSING", "Entries are missing from within the audit log.", "Keep everything as it is and tell the auditor; restore the log from a copy that verifies.";
    AUDIT_TAIL = "SOL-AUDIT-TAIL", "The audit log ends before a size that was signed: its tail was cut off or it was set back.", "Keep everything as it is and tell the auditor; restore the log from a copy that verifies.";
    AUDIT_UNSIGNED = "SOL-AUDIT-UNSIGNED", "The audit log has entries that no checkpoint covers.", "Find out who wrote them; a gateway signs a checkpoint for everything it appends.";
    AUDIT_ROOT = "SOL-AUDIT-ROOT", "The entries do not lead to a root that was signed.", "Compare with a copy of the log, or with checkpoints others keep.";
    AUDIT_HASH = "SOL-AUDIT-HASH", "A stored hash or tile is wrong, though the entries are as signed.", "Export the tiles again from the entries; find out who altered them.";
    AUDIT_PAYLOAD = "SOL-AUDIT-PAYLOAD", "A sealed part was altered, or cannot be opened.", "Restore it from a copy; the entry itself still stands. An erased sealed part is not a fault.";
    AUDIT_ORIGIN = "SOL-AUDIT-ORIGIN", "An entry belongs to another log.", "Check which log's files these are.";
    AUDIT_TIME = "SOL-AUDIT-TIME", "An entry's time is before that of the entry before it.", "Check the gateway's clock at that time.";
    AUDIT_ID = "SOL-AUDIT-ID", "An entry's id stands twice, or it is filed under another id or time than it has.", "Keep everything as it is and tell the auditor.";
    AUDIT_SIGNATURE = "SOL-AUDIT-SIGNATURE", "A checkpoint cannot be read, or is not signed by the expected key.", "Check that the verifier key is the log's; if it is, the checkpoint is not.";
    AUDIT_PROOF = "SOL-AUDIT-PROOF", "A proof file does not prove its entry.", "Ask for a fresh proof, and check that entry, proof and key belong together.";
    AUDIT_SOURCE = "SOL-AUDIT-SOURCE", "A log, bundle or directory of tiles cannot be read.", "Check that the file or folder is whole and readable.";
    // CONFIG
    CONFIG_FILE = "SOL-CONFIG-FILE", "The configuration file cannot be used.", "See docs/reference/configuration.md.";
    // TRUST
    TRUST_FILE = "SOL-TRUST-FILE", "A certificate, key or revocation list cannot be used: it is missing, open to others, or not what it should be.", "See docs/guides/certificates.md; secrets need mode 600.";
    TRUST_REFUSED = "SOL-TRUST-REFUSED", "The client certificate is not, or no longer, accepted for any system of this partnership.", "Ask the gateway's operator, who finds the reason in the log under the request id.";
    TRUST_ASSERTION = "SOL-TRUST-ASSERTION", "The signed user assertion of an enquiry is not accepted.", "Make a fresh assertion for every request; see docs/reference/http-api.md.";
    // HTTP
    HTTP_ROUTE = "SOL-HTTP-ROUTE", "The gateway has no such path, or the path does not take this method.", "See /api/v1/openapi.json.";
    HTTP_NOT_FOUND = "SOL-HTTP-NOT-FOUND", "Nothing with this id is there for the calling system, whether or not another system has it.", "Check the id, and that the right certificate was used.";
    HTTP_MEDIA_TYPE = "SOL-HTTP-MEDIA-TYPE", "The body's media type or ?format= is not that of the calling system: one system speaks one format.", "Send the Content-Type named in the answer, or use the certificate of the system that speaks this format.";
    HTTP_PARAMETER = "SOL-HTTP-PARAMETER", "A header or query parameter is missing, repeated or out of range.", "Compare with docs/reference/http-api.md.";
    HTTP_BODY = "SOL-HTTP-BODY", "A JSON body of the gateway's own API is not what the path takes.", "Compare with docs/reference/http-api.md at the line and column given.";
    HTTP_BODY_LIMIT = "SOL-HTTP-BODY-LIMIT", "The body is larger than the gateway takes.", "Split the message; the limit is named in the answer.";
    HTTP_TIMEOUT = "SOL-HTTP-TIMEOUT", "The body did not arrive whole within the time allowed.", "Send it again over a better connection.";
    HTTP_RATE = "SOL-HTTP-RATE", "The system makes more requests than it is allowed.", "Wait for as long as Retry-After says.";
    HTTP_BUSY = "SOL-HTTP-BUSY", "Too many large messages are being read at this moment.", "Wait for as long as Retry-After says and send it again.";
    HTTP_CONFLICT = "SOL-HTTP-CONFLICT", "An Idempotency-Key was used again for another body.", "Use a new key for a new message.";
    HTTP_GONE = "SOL-HTTP-GONE", "The mailbox item was acknowledged, declined or returned.", "Nothing: its content is no longer given out.";
    // EXCHANGE
    EXCHANGE_REFUSED = "SOL-EXCHANGE-REFUSED", "The sharing rules refuse the request as a whole; the reason word says why.", "See docs/ for the reason word.";
    EXCHANGE_FORMAT = "SOL-EXCHANGE-FORMAT", "What may be released cannot be written in the format of the calling system.", "Ask the gateway's operator for a system with another format.";
    EXCHANGE_UNAVAILABLE = "SOL-EXCHANGE-UNAVAILABLE", "The store or the audit log cannot take the request, so nothing was released.", "Try again later; an Idempotency-Key makes that safe.";
    EXCHANGE_CHANGED = "SOL-EXCHANGE-CHANGED", "What was to be changed was changed by somebody else in the same moment, again and again.", "Read it again, then send the change again if it is still wanted.";
    // SHARING
    SHARING_GUARD = "SOL-SHARING-GUARD", "What was to be recorded breaks a rule: the errors name each member and its rule.", "Compare with the rule named in docs/rules.md, and put the member right; nothing was stored.";
    // STORE
    STORE_DATABASE = "SOL-STORE-DATABASE", "The database cannot be opened or used, or is of another version.", "Check `database_url` in the configuration and that the database runs; `solent db migrate` brings it up to date.";
    STORE_KEY = "SOL-STORE-KEY", "A key file cannot be used, or does not fit what is stored.", "Check that the file is the right one and that only its owner can read it (mode 0600).";
    STORE_BACKUP = "SOL-STORE-BACKUP", "A copy of the database cannot be made or put back.", "Do what the message says; nothing was changed.";
    // CLI
    CLI_DEMO = "SOL-CLI-DEMO", "The demo's story did not go as it says it should.", "Read the lines marked NOT AS EXPECTED; the gateway's own tests will show the same.";
    CLI_USAGE = "SOL-CLI-USAGE", "The command line is wrong.", "See `solent <command> --help`.";
    CLI_REFUSED = "SOL-CLI-REFUSED", "The gateway's store refused what a command asked for.", "Stop the gateway first; check that the account is registered and the name not empty.";
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
