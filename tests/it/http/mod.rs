//! The door against hostile and clumsy clients, over real TLS sockets, with stories behind it that hold nothing.

mod asking;
mod certificates;
mod commands;
mod contract;
mod deeds;
mod fhir;
mod formats;
pub mod gateway;
mod h2;
pub mod harness;
mod hostile;
mod matching;
mod mllp;
mod opened;
mod reload;
mod served;
