//! The program as a user meets it: what it prints and how it exits.

mod diagnostics;
