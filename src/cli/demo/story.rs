//! The story as data: systems, routes and steps of `docs/demo/story.yaml`.

use crate::cli::Exit;
use crate::sharing::facts::Facts;
use crate::vocabulary::{Category, Level, Purpose};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

static DEMO: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs/demo");

/// A file of `docs/demo/`.
pub fn file(name: &str) -> Result<&'static [u8], Exit> {
    DEMO.get_file(name)
        .map(include_dir::File::contents)
        .ok_or_else(|| Exit::Internal(format!("docs/demo/{name} is missing")))
}

/// A YAML file of `docs/demo/`.
pub fn yaml<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, Exit> {
    let text =
        std::str::from_utf8(file(name)?).map_err(|_| Exit::Internal(format!("docs/demo/{name} is not UTF-8")))?;
    serde_saphyr::from_str(text).map_err(|e| Exit::Internal(format!("docs/demo/{name}: {e}")))
}

/// A facts file of `docs/demo/`, read through its types: a quoted number stays text.
pub fn facts(name: &str) -> Result<serde_json::Value, Exit> {
    let facts: Facts = yaml(name)?;
    serde_json::to_value(facts).map_err(|_| Exit::Internal(format!("docs/demo/{name} is not facts")))
}

/// The whole story.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    pub systems: Vec<System>,
    pub routes: Vec<Route>,
    pub steps: Vec<Step>,
}

impl Story {
    /// Reads it.
    pub fn load() -> Result<Self, Exit> {
        yaml("story.yaml")
    }
}

/// A connected system.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    pub id: String,
    pub agency: String,
    pub format: String,
    #[serde(default)]
    pub teams: Vec<String>,
}

/// A route.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub from: String,
    pub to: String,
    pub hat: String,
    pub purpose: String,
}

/// One step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub say: String,
    /// Moves the story clock.
    pub at: Option<String>,
    pub send: Option<Send>,
    pub ask: Option<Ask>,
    pub collect: Option<Collect>,
    pub facts: Option<String>,
    /// What the sealed audit entry must hold, among others.
    #[serde(default)]
    pub decided: Vec<Decided>,
    /// Nothing may come back: no content, no indicator, no marker.
    #[serde(default)]
    pub silent: bool,
    #[serde(default)]
    pub contains: Vec<String>,
    #[serde(default)]
    pub lacks: Vec<String>,
}

/// A system sends a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    pub system: String,
    pub file: String,
    #[serde(rename = "type")]
    pub content_type: String,
}

/// A user of a system asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub system: String,
    pub account: String,
    pub hat: String,
    pub purpose: Purpose,
    pub person: String,
    pub categories: Vec<Category>,
}

/// A system collects the newest item of its mailbox.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    pub system: String,
}

/// One decision.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    pub custodian: String,
    pub category: Category,
    pub level: Level,
    pub reason: String,
    pub limit: Option<String>,
}
