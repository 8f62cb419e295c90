//! A form as it came in: names and values, bounded, and the session's word checked before anything is done with them.

use super::answer::Stop;
use super::once::word_of;
use super::visit::SignedIn;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, web};
use std::future::Future;
use std::pin::Pin;

/// Largest form, in bytes: a long account of what was seen, several times over.
pub const FORM_BYTES_MAX: usize = 128 * 1024;
/// Longest query of an address, in bytes.
const QUERY_BYTES_MAX: usize = 8 * 1024;
/// Most fields of a form.
const FIELDS_MAX: usize = 400;
/// The field that holds the session's word.
pub const WORD: &str = "word";
/// The field that holds the purpose a page of a family was made under.
const UNDER: &str = "under";

/// The fields of a form, in order.
#[derive(Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Fields that came another way, in order.
    pub const fn of(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }
    /// A field's value, trimmed; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.trim())
    }
    /// The fields of an address, as a form that is sent with GET writes them.
    ///
    /// # Errors
    /// [`Stop::Malformed`].
    pub fn of_query(request: &HttpRequest) -> Result<Self, Stop> {
        Self::of_text(request.query_string())
    }
    /// The same, of a query that came otherwise.
    ///
    /// # Errors
    /// [`Stop::Malformed`].
    pub fn of_text(query: &str) -> Result<Self, Stop> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(Stop::TooLarge);
        }
        let fields = web::Query::<Vec<(String, String)>>::from_query(query).map_err(|_| Stop::Malformed)?.into_inner();
        if fields.len() > FIELDS_MAX || fields.iter().any(|(n, v)| n.contains('\0') || v.contains('\0')) {
            return Err(Stop::Malformed);
        }
        Ok(Self(fields))
    }
    /// Whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
    /// Without every field but these.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| names.contains(&name.as_str()));
        self
    }
    /// The fields with these names that hold something, as an address writes them.
    pub fn to_query(&self, names: &[&str]) -> String {
        let held = self.0.iter().filter(|(n, v)| names.contains(&n.as_str()) && !v.trim().is_empty());
        let pairs: Vec<String> = held.map(|(n, v)| format!("{}={}", escaped(n), escaped(v.trim()))).collect();
        pairs.join("&")
    }
    /// A field's value as it was typed, for passwords; empty when it is not there.
    pub fn typed(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }
    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.trim())
    }
    /// Whether the form came from a page of this session.
    ///
    /// # Errors
    /// [`Stop::Forged`] when it did not, [`Stop::Changed`] when the family's purpose is another by now; nothing may be done then.
    pub fn checked(&self, visit: &SignedIn) -> Result<(), Stop> {
        let given = word_of(self.get(WORD)).as_bytes();
        let word = visit.word.as_bytes();
        // Without a way out early: how much was right is not told by time.
        let differ = given.iter().zip(word).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
        if given.len() != word.len() || differ != 0 {
            return Err(Stop::Forged);
        }
        // Another purpose was stated in another window: what was filled in under the one is not done under the other.
        let (under, now) = (self.get(UNDER), visit.family.as_deref().and_then(|family| visit.visitor.purpose(family)));
        let same = under.is_empty() || visit.family.is_none() || now.is_some_and(|purpose| purpose.code() == under);
        if same { Ok(()) } else { Err(Stop::Changed) }
    }
}

impl FromRequest for Fields {
    type Error = Stop;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Stop>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let own = from_own_page(request.headers());
        let form = web::Form::<Vec<(String, String)>>::from_request(request, payload);
        Box::pin(async move {
            if !own {
                return Err(Stop::Forged);
            }
            let fields = match form.await {
                Ok(form) => form.into_inner(),
                Err(error) if error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE => {
                    return Err(Stop::TooLarge);
                }
                Err(_) => return Err(Stop::Malformed),
            };
            if fields.len() > FIELDS_MAX || fields.iter().any(|(n, v)| n.contains('\0') || v.contains('\0')) {
                return Err(Stop::Malformed);
            }
            Ok(Self(fields))
        })
    }
}

/// A word for the query of an address: everything but letters, digits and `-._~` as percent signs.
///
/// # Source
/// RFC 3986 §2.3 (unreserved characters).
pub fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Whether the browser says that the form comes from one of our own pages. Old browsers say nothing; the session's word
/// then stands alone.
///
/// # Source
/// W3C Fetch Metadata (`Sec-Fetch-Site`); RFC 6454 (`Origin`).
pub fn from_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        (Some(_), None) => false,
        (None, _) => true,
    }
}
