//! Which address takes which method: the routes as they are added, and the answer to a method that an address does not take.
//!
//! An address of another form than any of ours is not there (404). One of our form that does not take the method is 405 with
//! what it takes, whoever asks and whatever id stands in it: only the form is looked at, never what is there.
//!
//! # Source
//! RFC 9110 §15.5.6 (405 and `Allow`).

use super::answer::{Stop, not_taken};
use super::once;
use actix_web::dev::{Handler, ResourceDef};
use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, ResponseError as _};
use std::sync::Arc;

/// The routes of the pages, while they are added.
pub struct Routes<'a> {
    config: &'a mut ServiceConfig,
    known: Vec<(&'static str, Method)>,
}

/// What is known of the addresses, for [`no_page`].
struct Known(Vec<(ResourceDef, Method)>);

impl<'a> Routes<'a> {
    /// None yet.
    pub const fn of(config: &'a mut ServiceConfig) -> Self {
        Self { config, known: Vec::new() }
    }
    /// A page that is looked at.
    pub fn get<H, A>(&mut self, path: &'static str, page: H) -> &mut Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.config.route(path, web::get().to(page));
        self.known.push((path, Method::GET));
        self
    }
    /// A form that is sent: what is sent twice is done once.
    pub fn post<H, A>(&mut self, path: &'static str, form: H) -> &mut Self
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        let once = move |request, payload| once::guarded(form.clone(), request, payload);
        self.config.route(path, web::post().to(once));
        self.known.push((path, Method::POST));
        self
    }
    /// That is all of them.
    pub fn done(self) {
        let known = self.known.into_iter().map(|(path, method)| (ResourceDef::new(path), method));
        self.config.app_data(Arc::new(Known(known.collect())));
    }
}

impl Known {
    /// What an address takes; nothing when there is no such address.
    fn methods(&self, path: &str) -> Vec<&'static str> {
        let takes = |method: &Method| self.0.iter().any(|(form, m)| m == method && form.is_match(path));
        let mut all = Vec::new();
        if takes(&Method::GET) {
            all.extend(["GET", "HEAD"]);
        }
        if takes(&Method::POST) {
            all.push("POST");
        }
        all
    }
}

/// The answer where no route takes the request.
pub fn no_page(request: &HttpRequest) -> HttpResponse {
    let known = request.app_data::<Arc<Known>>();
    let takes = known.map(|known| known.methods(request.path())).unwrap_or_default();
    if takes.is_empty() { Stop::Missing.error_response() } else { not_taken(&takes.join(", ")) }
}

/// An address that cannot be read is none.
pub fn missing() -> actix_web::Error {
    Stop::Missing.into()
}
