//! What stands on every page: title, who is signed in under which hat and purpose, and the texts.

use super::style;
use super::text::Text;
use super::visit::SignedIn;
use crate::exchange::Worn;
use crate::vocabulary::{Purpose, Role};

/// The frame of a page: templates take texts from it.
pub struct Frame {
    /// The texts.
    pub text: &'static Text,
    /// Of this page.
    pub title: String,
    /// Who is signed in; none on the pages before that.
    pub who: Option<Who>,
    /// The session's word with the stamp of this page, for forms.
    pub word: String,
    /// The purpose that was stated when the page was made, for its forms: what is sent under another does nothing.
    pub under: Option<&'static str>,
    /// Where else this hat's work is: address and words.
    pub places: Vec<(&'static str, &'static str)>,
    /// What must be seen on each page: overrides that are open, or about which something is still to be said.
    pub banners: Vec<Banner>,
}

/// A banner: words, and where to go about it.
pub struct Banner {
    /// What it says.
    pub words: String,
    /// Address and words.
    pub link: Option<(String, &'static str)>,
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
        Self {
            text,
            title: text.say(key).to_owned(),
            who: None,
            word: String::new(),
            under: None,
            places: Vec::new(),
            banners: Vec::new(),
        }
    }
    /// A page of somebody signed in.
    pub fn of(visit: &SignedIn, title: String, purpose: Option<Purpose>) -> Self {
        let text = Text::english();
        let hat = visit.visitor.hat.as_ref().map(|hat| visit.pages.hat_words(hat));
        let who = Who {
            name: match &visit.acts_for {
                Some(principal) => text.fill("who.for", &[("name", &visit.visitor.shown), ("principal", principal)]),
                None => visit.visitor.shown.clone(),
            },
            hat,
            purpose: purpose.map(|p| visit.pages.purpose_words(p)),
            may_change: visit.visitor.hats.len() > 1,
        };
        let places = places(visit.visitor.hat.as_ref(), text);
        let banners = super::opened::banners(visit);
        let under = purpose.map(Purpose::code);
        let word = visit.pages.sendings.stamped(&visit.word, visit.gateway().clock().now());
        Self { text, title, who: Some(who), word, under, places, banners }
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

/// Somewhere in the bar of places.
struct Place {
    path: &'static str,
    words: &'static str,
    works: fn(&Worn) -> bool,
}

/// Everywhere there is, in the order of the bar. A page that is somebody's work adds its row here and nowhere else; the first
/// place of a hat is where its work begins.
fn all_places(text: &'static Text) -> Vec<Place> {
    let place = |path, key, works| Place { path, words: text.say(key), works };
    vec![
        place("/surgery", "surgery.title", |hat| hat.role == Role::Sur),
        place("/brief", "brief.title", |hat| hat.role == Role::Vol),
        place("/volunteers", "volunteers.title", |hat| hat.role == Role::Vco),
        place("/families", "families.title", |hat| !NO_FAMILIES.contains(&hat.role)),
        place("/drafts", "drafts.title", |hat| hat.role == Role::Pa),
        place("/delegating", "work.title", |hat| hat.role == Role::Sw),
        place("/approvals", "approvals.title", |hat| hat.supervisor),
        place("/review", "review.title", |hat| hat.supervisor || hat.role == Role::Prv),
        place("/operator", "operator.title", |hat| hat.role == Role::Sys),
        place("/concerns", "concerns.title", |hat| matches!(hat.role, Role::Dsl | Role::Sch)),
        place("/audit", "audit.search", |hat| matches!(hat.role, Role::Aud | Role::Prv)),
        place("/audit/integrity", "integrity.title", |hat| matches!(hat.role, Role::Aud | Role::Prv)),
        place("/audit/charts", "charts.title", |hat| matches!(hat.role, Role::Aud | Role::Prv)),
        place("/audit/export", "export.title", |hat| matches!(hat.role, Role::Aud | Role::Prv)),
        place("/audit/reidentify", "reidentify.title", |hat| matches!(hat.role, Role::Aud | Role::Prv)),
        place("/audit/questions", "audit.questions", |hat| matches!(hat.role, Role::Aud | Role::Prv)),
        place("/review", "review.title", |hat| hat.role == Role::Aud),
    ]
}

/// Roles that work with no family of their own.
const NO_FAMILIES: [Role; 6] = [Role::Sch, Role::Aud, Role::Prv, Role::Anl, Role::Sys, Role::Vol];

/// The places of a hat, first its own.
fn places(hat: Option<&Worn>, text: &'static Text) -> Vec<(&'static str, &'static str)> {
    let Some(hat) = hat else { return Vec::new() };
    all_places(text).into_iter().filter(|p| (p.works)(hat)).map(|p| (p.path, p.words)).collect()
}

/// Where the work of a hat begins.
pub fn first_place(hat: &Worn) -> &'static str {
    places(Some(hat), Text::english()).first().map_or("/hat", |(path, _)| path)
}
