//! Solent: the gateway between the case systems of agencies that safeguard children.
//!
//! The house on one screen. A module imports only from lower floors; floor-mates do not import each
//! other, save for the exceptions below the map. `tests/tidy.rs` reads this very map and holds it.
//!
//! ```text
//! 6 start      cli          one file per command
//! 5 doors      http         machines (api) and people (web)
//! 4 stories    exchange     receive, disclose, deliver, enquire: the only place that combines the floors below
//! 3 outside    store        migrations, repositories, the committer
//!              trust        certificates to agency identity, signing keys
//!              peer         sending to another gateway
//! 2 judgement  mapping      native documents <-> canonical records, both directions, with loss accounting
//!              sharing      facts and rules to a Decision; redaction to a Disclosable
//!              matching     comparing people
//!              audit        entries, Merkle tree, checkpoints, proofs
//! 1 data       document     bytes <-> positioned tree
//!              schema       JSON Schemas, Valid<T>
//!              record       the canonical record and its labelled segments
//! 0 words      diagnostic config clock ident vocabulary
//! exceptions   schema -> document, record -> document, record -> schema
//! exceptions   config -> diagnostic, config -> ident, config -> vocabulary
//! ```
//!
//! How a record travels: `bytes -> Document -> Valid<Document> -> Record -> Decision -> Disclosable ->
//! Valid<Document> -> Receipt -> Released -> bytes out`. Floors 0-2 do no input or output and take clock and
//! randomness as parameters. Start with `exchange::disclose`.

pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod diagnostic;
pub mod document;
pub mod exchange;
pub mod http;
pub mod ident;
pub mod mapping;
pub mod matching;
pub mod peer;
pub mod record;
pub mod schema;
pub mod sharing;
pub mod store;
pub mod trust;
pub mod vocabulary;
