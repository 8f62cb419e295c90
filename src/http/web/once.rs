//! What is sent twice is done once: every form of the pages passes here, whichever page it stands on.
//!
//! Owns the memory of what each session last did with each address, and the stamp in the word of each page's forms, which
//! tells the order of pages and deeds. The same fields that were just sent, from a page made before they were (a button pressed
//! twice, the way back, a second window), get the first answer again and do nothing; from a page made since, or after something
//! else was done, they are meant. Two at once wait for each other. Refuses to remember what was refused, what did nothing, and anything a form
//! answers itself with a page: only "done, go on there" is a deed. Kept in memory, so a start forgets it; forms that make
//! something for good from a draft are guarded in the store as well.

use super::answer::{NothingDone, Stop};
use super::fields::{FORM_BYTES_MAX, WORD};
use super::visit::{pages, token};
use crate::clock::Moment;
use actix_web::dev::{Handler, Payload};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, LOCATION, SET_COOKIE};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, ResponseError as _, web};
use ring::digest::{SHA256, digest};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as Turn;

/// Most addresses remembered, over all sessions; beyond it the memory of the longest ago goes.
const PLACES_MAX: usize = 20_000;
/// How long a deed is remembered, in milliseconds: a working day, longer than any session of the defaults.
const KEPT_MILLIS: i64 = 12 * 3_600_000;
/// How long a new session's cookie is handed out again to the same form, in milliseconds: a button pressed twice. The second
/// request still holds the old cookie, and the browser drops the first answer.
const COOKIE_MILLIS: i64 = 2_000;
/// Between the session's word and the stamp.
const STAMPED: char = '.';

type Hash = [u8; 32];

/// Whose turn it is at one address, and what was done there last.
type AtPlace = Arc<Turn<Option<Done>>>;

/// What sessions last did, by address.
#[derive(Default)]
pub struct Sendings {
    stamp: AtomicI64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    places: HashMap<Hash, AtPlace>,
    /// When each session did something last, wherever.
    last: HashMap<Hash, i64>,
}

/// One form on its way in.
struct Sent {
    session: Hash,
    place: Hash,
    /// Its fields but its word; nothing for a form with a file.
    fields: Option<Hash>,
    /// The stamp of its page.
    made: i64,
    /// The stamp of its coming.
    came: i64,
}

/// A deed.
struct Done {
    fields: Hash,
    at: i64,
    location: HeaderValue,
    cookies: Vec<HeaderValue>,
}

impl Sendings {
    /// The next stamp: about now, and later than every other.
    fn stamp(&self, now: Moment) -> i64 {
        let next = |last: i64| last.saturating_add(1).max(now.millis());
        let last = self.stamp.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(next(last)));
        next(last.unwrap_or_else(|last| last))
    }
    /// The session's word for the forms of a page made now.
    pub fn stamped(&self, word: &str, now: Moment) -> String {
        format!("{word}{STAMPED}{:x}", self.stamp(now))
    }
    /// The turn of one session at one address.
    fn turn(&self, sent: &Sent) -> AtPlace {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let places = &mut known.places;
        if places.len() >= PLACES_MAX && !places.contains_key(&sent.place) {
            let at = |turn: &AtPlace| turn.try_lock().ok().and_then(|done| done.as_ref().map(|d| d.at));
            let oldest = places.iter().filter_map(|(place, turn)| Some((at(turn)?, *place))).min();
            if let Some((_, oldest)) = oldest {
                places.remove(&oldest);
            }
        }
        Arc::clone(places.entry(sent.place).or_default())
    }
    /// The answer of a deed once more, when this form asks for the same again without knowing of it.
    fn again(&self, sent: &Sent, done: &Done, now: Moment) -> Option<HttpResponse> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known.last.get(&sent.session) == Some(&done.at);
        let unknowing = sent.came < done.at || (last && sent.made < done.at);
        (unknowing && sent.fields == Some(done.fields)).then(|| done.answer(now)).flatten()
    }
    /// Remembers a deed.
    fn keep(&self, sent: &Sent, response: &HttpResponse, now: Moment) -> Option<Done> {
        let undone = response.error().is_some() || response.extensions().contains::<NothingDone>();
        let done = response.status() == StatusCode::SEE_OTHER && !undone;
        let location = response.headers().get(LOCATION).filter(|_| done)?.clone();
        let cookies = response.headers().get_all(SET_COOKIE).cloned().collect();
        let at = self.stamp(now);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).last.insert(sent.session, at);
        Some(Done { fields: sent.fields?, at, location, cookies })
    }
    /// Forgets addresses where nothing was done, and what was done long ago.
    pub fn forget_old(&self, now: Moment) {
        let young = |at: i64| now.millis().saturating_sub(at) < KEPT_MILLIS;
        let held = |done: &Option<Done>| done.as_ref().is_some_and(|d| young(d.at));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.places.retain(|_, turn| Arc::strong_count(turn) > 1 || turn.try_lock().is_ok_and(|done| held(&done)));
        known.last.retain(|_, at| young(*at));
    }
}

/// The session's word of a form without the stamp.
pub fn word_of(sent: &str) -> &str {
    sent.split_once(STAMPED).map_or(sent, |(word, _)| word)
}

/// Does what a form asks, once.
pub async fn guarded<H, A>(form: H, request: HttpRequest, payload: web::Payload) -> HttpResponse
where
    H: Handler<A>,
    A: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    let (Ok(pages), Some(token)) = (pages(&request), token(&request)) else {
        return run(&form, &request, payload.into_inner()).await;
    };
    let came = pages.sendings.stamp(pages.gateway().clock().now());
    let (sent, payload) = match read(&request, payload, token.reveal(), came).await {
        Ok(sent) => sent,
        Err(stop) => return stop.error_response(),
    };
    let mut turn = pages.sendings.turn(&sent).lock_owned().await;
    let again = turn.as_ref().and_then(|done| pages.sendings.again(&sent, done, pages.gateway().clock().now()));
    if let Some(again) = again {
        return again;
    }
    // A browser that leaves takes its request along, not the deed: whether it was done must be known when it comes again.
    let task = actix_web::rt::spawn(async move {
        let response = run(&form, &request, payload).await;
        if let Some(done) = pages.sendings.keep(&sent, &response, pages.gateway().clock().now()) {
            *turn = Some(done);
        }
        response
    });
    task.await.unwrap_or_else(|_| Stop::Broken.error_response())
}

async fn run<H, A>(form: &H, request: &HttpRequest, mut payload: Payload) -> HttpResponse
where
    H: Handler<A>,
    A: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    match A::from_request(request, &mut payload).await {
        Ok(parts) => form.call(parts).await.respond_to(request).map_into_boxed_body(),
        Err(error) => HttpResponse::from_error(error.into()),
    }
}

/// What came in, and the form, to be read again. A file is no field: what comes with one is told by its own bytes where it is
/// kept.
async fn read(request: &HttpRequest, payload: web::Payload, token: &str, came: i64) -> Result<(Sent, Payload), Stop> {
    let path = request.uri().path();
    // A part of the address that is the page's own says nothing about what is done.
    let own = request.match_info().get("form").unwrap_or_default();
    let place = format!("{token}\n{}", path.strip_suffix(own).unwrap_or(path));
    let (session, place) = (hash(token.as_bytes()), hash(place.as_bytes()));
    let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/") {
        return Ok((Sent { session, place, fields: None, made: 0, came }, payload.into_inner()));
    }
    let body = payload.to_bytes_limited(FORM_BYTES_MAX).await.map_err(|_| Stop::TooLarge)?;
    let body = body.map_err(|_| Stop::Malformed)?;
    let mut fields = Vec::with_capacity(body.len());
    let mut made = 0;
    for pair in body.split(|b| *b == b'&') {
        let word = pair.strip_prefix(WORD.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        let Some(word) = word.map(|word| std::str::from_utf8(word).unwrap_or_default()) else {
            fields.extend([pair, b"&"].concat());
            continue;
        };
        made = word.split_once(STAMPED).and_then(|(_, stamp)| i64::from_str_radix(stamp, 16).ok()).unwrap_or(0);
    }
    Ok((Sent { session, place, fields: Some(hash(&fields)), made, came }, Payload::from(body)))
}

fn hash(bytes: &[u8]) -> Hash {
    digest(&SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

impl Done {
    /// Its answer once more. A cookie only at once: later the old one has ended for good.
    fn answer(&self, now: Moment) -> Option<HttpResponse> {
        if !self.cookies.is_empty() && now.millis().saturating_sub(self.at) >= COOKIE_MILLIS {
            return None;
        }
        let mut response = HttpResponse::SeeOther();
        response.insert_header((LOCATION, self.location.clone()));
        for cookie in &self.cookies {
            response.append_header((SET_COOKIE, cookie.clone()));
        }
        Some(response.finish())
    }
}
