//! The visitor as one extractor: a handler that takes [`SignedIn`] cannot be reached by anybody else.

use super::answer::Stop;
use super::demo::DemoPerson;
use super::once::Sendings;
use super::text::Text;
use crate::exchange::{Failure, Gateway, OverrideSeen, Token, Visitor, Worn};
use crate::http::door::Door;
use crate::http::envelope::RequestId;
use crate::ident::{AccountId, HatId};
use crate::vocabulary::{Purpose, Role};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::future::Future;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;

/// The session's cookie. The prefix makes browsers refuse it without `Secure`, with a domain, or for a part of the site.
///
/// # Source
/// RFC 6265bis §4.1.3 (`__Host-`).
const COOKIE: &str = "__Host-solent";
/// Sign-ins tried from one address in a minute: an office behind one address starts its day within it.
const TRIES_PER_MINUTE: u32 = 60;

/// What the pages need beside the door.
pub struct Pages {
    gateway: Arc<Gateway>,
    /// People a newcomer may walk as; empty outside the demo.
    pub(super) demo: Vec<DemoPerson>,
    tries: DefaultKeyedRateLimiter<IpAddr>,
    /// What was done with which form.
    pub(super) sendings: Sendings,
}

impl Pages {
    pub(in crate::http) fn new(gateway: Arc<Gateway>, demo: Vec<DemoPerson>) -> Self {
        let per_minute = NonZeroU32::new(TRIES_PER_MINUTE).unwrap_or(NonZeroU32::MIN);
        Self { gateway, demo, tries: RateLimiter::keyed(Quota::per_minute(per_minute)), sendings: Sendings::default() }
    }
    /// The stories.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }
    /// Forgets addresses that have not tried for a while, and forms sent long ago.
    pub(in crate::http) fn forget_idle(&self) {
        self.tries.retain_recent();
        self.sendings.forget_old(self.gateway.clock().now());
    }
    /// Whether this address may try to sign in now.
    pub fn may_try(&self, request: &HttpRequest) -> bool {
        request.peer_addr().is_none_or(|peer| self.tries.check_key(&peer.ip()).is_ok())
    }
    /// A hat in words: role, team, agency.
    pub fn hat_words(&self, hat: &Worn) -> String {
        let role = self.gateway.content().policy.role(hat.role).name.clone();
        let agency = self.agency_words(hat.agency.as_str());
        match &hat.team {
            Some(team) => format!("{role}, {}, {agency}", hat.team_name.as_deref().unwrap_or(team.as_str())),
            None => format!("{role}, {agency}"),
        }
    }
    /// An agency's name.
    pub fn agency_words(&self, id: &str) -> String {
        let found = self.gateway.config().agencies.iter().find(|a| a.id.as_str() == id);
        found.map_or_else(|| Text::english().word("list", id), |a| a.name.clone())
    }
    /// Whom to ring at an agency.
    pub fn agency_contact(&self, id: &str) -> String {
        let found = self.gateway.config().agencies.iter().find(|a| a.id.as_str() == id);
        found.map_or_else(String::new, |a| a.contact.clone())
    }
    /// How an account's person is called; in the demo as its story calls them.
    pub async fn called(&self, account: &AccountId) -> Result<String, Failure> {
        match self.demo.iter().find(|person| &person.account == account) {
            Some(person) => Ok(person.shown.clone()),
            None => self.gateway.called(account).await,
        }
    }
    /// Who wears a hat: name and role. The agency stays out: on a list of who works on a case it may say which service does.
    pub async fn wearer_words(&self, hat: &HatId) -> Result<String, Failure> {
        match self.gateway.wearer(hat).await? {
            Some((account, role)) => Ok(format!("{}, {}", self.called(&account).await?, self.role_words(role))),
            None => Ok(hat.as_str().to_owned()),
        }
    }
    /// How the person is called for whom an assistant works in a family (PA-2).
    pub async fn acts_for(&self, visitor: &Visitor, family: &str) -> Result<Option<String>, Failure> {
        match self.gateway.acts_for(visitor, family).await? {
            Some(principal) => self.called(&principal).await.map(Some),
            None => Ok(None),
        }
    }
    /// A role in words.
    pub fn role_words(&self, role: Role) -> String {
        self.gateway.content().policy.role(role).name.clone()
    }
    /// A purpose in words.
    pub fn purpose_words(&self, purpose: Purpose) -> String {
        self.gateway.content().policy.purpose(purpose).name.clone()
    }
}

/// Somebody signed in, at this request.
pub struct SignedIn {
    /// Who.
    pub visitor: Visitor,
    /// The session's word.
    pub word: String,
    /// The overrides of the hat worn, for the banner on each page.
    pub overrides: Vec<OverrideSeen>,
    /// Whom an assistant works for in the family of the address (PA-2).
    pub acts_for: Option<String>,
    /// The family that the address names, whoever's it is.
    pub family: Option<String>,
    /// The pages.
    pub pages: Arc<Pages>,
}

impl SignedIn {
    /// The stories.
    pub fn gateway(&self) -> &Gateway {
        self.pages.gateway()
    }
}

impl FromRequest for SignedIn {
    type Error = Stop;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Stop>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            // No id holds a NUL, and PostgreSQL takes none: there is nothing at such an address.
            if request.uri().path().contains("%00") {
                return Err(Stop::Missing);
            }
            let pages = pages(&request)?;
            let token = token(&request).ok_or(Stop::SignedOut)?;
            let visitor = pages.gateway().visitor(&token, &request_id(&request)).await?.ok_or(Stop::SignedOut)?;
            let word = pages.gateway().form_word(&token);
            let overrides = pages.gateway().own_overrides(&visitor).await?;
            let family = request.uri().path().strip_prefix("/families/").and_then(|rest| rest.split('/').next());
            let family = family.map(str::to_owned);
            let acts_for = match &family {
                Some(family) => pages.acts_for(&visitor, family).await?,
                None => None,
            };
            Ok(Self { visitor, word, overrides, acts_for, family, pages })
        })
    }
}

/// The pages behind a request.
pub fn pages(request: &HttpRequest) -> Result<Arc<Pages>, Stop> {
    let door = request.app_data::<web::Data<Door>>().ok_or(Stop::Missing)?;
    door.pages.clone().ok_or(Stop::Missing)
}

/// The token a request carries, if any.
pub fn token(request: &HttpRequest) -> Option<Token> {
    request.cookie(COOKIE).map(|c| Token::from_cookie(c.value()))
}

/// The gateway's id of a request.
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}

/// The cookie of a token: gone with the browser's session, never sent from another site, never seen by a script.
pub fn cookie(token: &Token) -> Cookie<'static> {
    let cookie = Cookie::build(COOKIE, token.reveal().to_owned());
    cookie.path("/").secure(true).http_only(true).same_site(SameSite::Strict).finish()
}

/// A cookie that ends the one there is.
pub fn no_cookie() -> Cookie<'static> {
    let mut cookie =
        Cookie::build(COOKIE, "").path("/").secure(true).http_only(true).same_site(SameSite::Strict).finish();
    cookie.make_removal();
    cookie
}
