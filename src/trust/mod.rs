//! Trust: who is at the other end of a connection, and the keys this gateway signs with.
//!
//! Owns: the TLS side of the door ([`Tls`], reloaded without a restart), the way from a client certificate to a
//! connected system ([`Registry::admit`], asked again for **every request**), Ed25519 key files ([`SigningKey`]),
//! signed user assertions ([`Assertions`]), and a small certificate authority ([`ca`]). Refuses a key file that others
//! may read, a resumed session, and any identity that does not come from a verified certificate. Decides nothing about
//! data. Read [`Registry`] and [`Refusal`] first.

mod assertion;
pub mod ca;
mod files;
mod identity;
mod keys;
pub mod means;
mod registry;
mod tls;

pub use assertion::{Assertions, Claims, Fault, UserAssertion, sign};
pub use files::{read_bounded, read_secret, write_public, write_secret};
pub use identity::{Connection, Identity};
pub use keys::SigningKey;
pub use registry::{Member, Refusal, Refused, Registry};
pub use tls::{HandshakeFailure, Tls, install_provider};

/// What can go wrong with key and certificate files. Names files and steps, never their content.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{file} cannot be {action}: {kind}")]
    File {
        /// Its name.
        file: String,
        /// `read` or `written`.
        action: &'static str,
        /// What the system said.
        kind: std::io::ErrorKind,
    },
    /// A secret may be read by others than its owner.
    #[error("{file} holds a secret but others may read it (mode {mode:o}); set it to 600")]
    Open {
        /// Its name.
        file: String,
        /// Its mode, the permission bits.
        mode: u32,
    },
    /// A file does not hold what it should.
    #[error("{file} does not hold {expected}")]
    Content {
        /// Its name.
        file: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// Certificate, key and authorities do not work together.
    #[error("{what} cannot be used: {why}")]
    Unusable {
        /// Which of them.
        what: &'static str,
        /// The library's reason; never key material.
        why: String,
    },
    /// The authority refuses the order.
    #[error("{0}")]
    Order(String),
}
