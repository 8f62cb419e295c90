//! What stands on every page: title, who is signed in under which hat and purpose, and the texts.

use super::style;
use super::text::Text;
use super::visit::SignedIn;
use crate::vocabulary::{Purpose, Role};

/// The frame of a page: templates take texts from it.
pub struct Frame {
    /// The texts.
    pub text: &'static Text,
    /// Of this page.
    pub title: String,
    /// Who is signed in; none on the pages before that.
    pub who: Option<Who>,
    /// The session's word, for forms.
    pub word: String,
    /// Where else this hat's work is: address and words.
    pub places: Vec<(&'static str, &'static str)>,
}

/// The bar that says who one is, on each page.
pub struct Who {
    /// Name.
    pub name: String,
    /// The hat, when one was chosen: role, team, agency.
    pub hat: Option<String>,
    /// The purpose stated for the family on this page.
    pub purpose: Option<String>,
    /// Whether there is another hat to change to.
    pub may_change: bool,
}

impl Frame {
    /// A page that nobody is signed in at.
    pub fn open(key: &str) -> Self {
        let text = Text::english();
        Self { text, title: text.say(key).to_owned(), who: None, word: String::new(), places: Vec::new() }
    }
    /// A page of somebody signed in.
    pub fn of(visit: &SignedIn, title: String, purpose: Option<Purpose>) -> Self {
        let text = Text::english();
        let hat = visit.visitor.hat.as_ref().map(|hat| visit.pages.hat_words(hat));
        let who = Who {
            name: visit.visitor.shown.clone(),
            hat,
            purpose: purpose.map(|p| visit.pages.purpose_words(p)),
            may_change: visit.visitor.hats.len() > 1,
        };
        let places = places(visit.visitor.hat.as_ref().map(|h| h.role), text);
        Self { text, title, who: Some(who), word: visit.word.clone(), places }
    }
    /// A text.
    pub fn say(&self, key: &str) -> &'static str {
        self.text.say(key)
    }
    /// A text with one place filled.
    pub fn fill(&self, key: &str, name: &str, value: &str) -> String {
        self.text.fill(key, &[(name, value)])
    }
    /// The language.
    pub fn lang(&self) -> &'static str {
        self.text.lang
    }
    /// Where the style sheet is.
    pub fn style(&self) -> String {
        style::href()
    }
}

/// The places of a hat, first its own.
fn places(role: Option<Role>, text: &'static Text) -> Vec<(&'static str, &'static str)> {
    let families = ("/families", text.say("families.title"));
    let concerns = ("/concerns", text.say("concerns.title"));
    match role {
        None => Vec::new(),
        Some(Role::Sch) => vec![concerns],
        Some(Role::Dsl) => vec![families, concerns],
        Some(Role::Sur) => vec![("/surgery", text.say("surgery.title")), families],
        Some(_) => vec![families],
    }
}
