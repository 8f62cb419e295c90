//! Signed user assertions: a connected system says which of its users asks, and under which hat.
//!
//! A compact JWS signed with Ed25519 (`alg` = `EdDSA`), claims `iss` (the system), `sub` (the account), `hat`, `aud`
//! (this gateway's origin), `iat`, `exp`, `jti`. Strict: one algorithm, no unknown claim, no second use of a `jti`.
//!
//! # Source
//! RFC 7515 §3.1 and §7.1 (compact serialisation), RFC 8037 §3.1 (`EdDSA`), RFC 7519 §4.1 (claims), RFC 8725 §3
//! (best practice: fixed algorithm, audience, issuer bound to the connection).

use super::SigningKey;
use crate::clock::Moment;
use crate::config::System;
use crate::ident::{AccountId, HatId, SystemId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Longest assertion, in bytes: seven short claims need a few hundred.
const ASSERTION_BYTES_MAX: usize = 4096;
/// Longest `sub`, `hat` and `jti`, in bytes.
const CLAIM_BYTES_MAX: usize = 128;
/// How far clocks may differ, in seconds (NHS and council systems are on NTP; a minute is generous).
const LEEWAY_SECONDS: i64 = 60;
/// Most assertions remembered against replay: 300 s of life at 300 a second. Beyond it new ones are refused.
const REMEMBERED_MAX: usize = 100_000;

/// The claims of an assertion, in the order they are written.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The system that asserts.
    pub iss: SystemId,
    /// The account of the user.
    pub sub: AccountId,
    /// The hat the user wears.
    pub hat: HatId,
    /// The gateway's origin.
    pub aud: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970, exclusive.
    pub exp: i64,
    /// A name never used before by this system.
    pub jti: String,
}

/// The header; `typ` and `kid` are allowed because libraries write them, and mean nothing here.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default, rename = "kid")]
    _kid: Option<String>,
}

/// Why an assertion is not taken. Exhaustive. Says nothing of its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Not a compact JWS of our shape.
    #[error("the assertion is not a compact JWS with the claims iss, sub, hat, aud, iat, exp and jti")]
    Shape,
    /// Another algorithm than `EdDSA`.
    #[error("the assertion's alg is not EdDSA")]
    Algorithm,
    /// The system has no key on file.
    #[error("no assertion key is configured for this system")]
    NoKey,
    /// The signature does not fit.
    #[error("the assertion's signature does not fit the system's key")]
    Signature,
    /// `iss` is another system than the connection's.
    #[error("the assertion's iss is not the connected system")]
    Issuer,
    /// `aud` is another gateway.
    #[error("the assertion's aud is not this gateway's origin")]
    Audience,
    /// `iat` lies ahead.
    #[error("the assertion's iat lies in the future")]
    Early,
    /// `exp` has passed.
    #[error("the assertion has expired")]
    Expired,
    /// `exp` is further from `iat` than allowed, or before it.
    #[error("the assertion lives longer than allowed")]
    Lifetime,
    /// Its `jti` was used before.
    #[error("the assertion has been used before")]
    Replay,
    /// More assertions are in force than are remembered.
    #[error("too many assertions are in force")]
    Crowded,
}

/// A user as a connected system vouched for, just now. Made only by [`Assertions::verify`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserAssertion {
    account: AccountId,
    hat: HatId,
    system: SystemId,
}

impl UserAssertion {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }
    /// The hat worn. Whether the account has it is for the hat's register to say.
    #[must_use]
    pub fn hat(&self) -> &HatId {
        &self.hat
    }
    /// The system that vouched.
    #[must_use]
    pub fn system(&self) -> &SystemId {
        &self.system
    }
}

/// Verifies assertions for one gateway and remembers them while they live.
#[derive(Debug)]
pub struct Assertions {
    audience: String,
    seconds_max: i64,
    /// (system, `jti`) -> the second after which it is refused for its age anyway.
    used: Mutex<HashMap<(SystemId, String), i64>>,
}

impl Assertions {
    /// For the gateway with this origin; an assertion may live at most `seconds_max`.
    #[must_use]
    pub fn new(audience: impl Into<String>, seconds_max: i64) -> Self {
        Self { audience: audience.into(), seconds_max, used: Mutex::default() }
    }

    /// Verifies an assertion that arrived over the connection of `system` at `now`, and uses it up.
    ///
    /// # Errors
    /// The first [`Fault`] found; an assertion that fails is not used up.
    pub fn verify(&self, text: &str, system: &System, now: Moment) -> Result<UserAssertion, Fault> {
        let claims = open(text, system)?;
        let now = now.millis().div_euclid(1000);
        if claims.iss != system.id {
            return Err(Fault::Issuer);
        }
        if claims.aud != self.audience {
            return Err(Fault::Audience);
        }
        if claims.iat > now.saturating_add(LEEWAY_SECONDS) {
            return Err(Fault::Early);
        }
        let life = claims.exp.saturating_sub(claims.iat);
        if life <= 0 || life > self.seconds_max {
            return Err(Fault::Lifetime);
        }
        let end = claims.exp.saturating_add(LEEWAY_SECONDS);
        if now >= end {
            return Err(Fault::Expired);
        }
        self.remember((claims.iss.clone(), claims.jti), end, now)?;
        Ok(UserAssertion { account: claims.sub, hat: claims.hat, system: claims.iss })
    }

    fn remember(&self, name: (SystemId, String), end: i64, now: i64) -> Result<(), Fault> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED_MAX {
            used.retain(|_, end| *end > now);
        }
        match used.get(&name) {
            Some(end) if *end > now => Err(Fault::Replay),
            _ if used.len() >= REMEMBERED_MAX => Err(Fault::Crowded),
            _ => {
                used.insert(name, end);
                Ok(())
            }
        }
    }
}

/// Splits, checks header and signature, and reads the claims: nothing of the claims is believed before the signature.
fn open(text: &str, system: &System) -> Result<Claims, Fault> {
    if text.len() > ASSERTION_BYTES_MAX {
        return Err(Fault::Shape);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(Fault::Shape)?;
    let (header, payload) = signed.split_once('.').ok_or(Fault::Shape)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Shape);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Fault::Shape)?;
    if header.alg != "EdDSA" {
        return Err(Fault::Algorithm);
    }
    if header.typ.is_some_and(|typ| typ != "JWT") {
        return Err(Fault::Shape);
    }
    let key = system.assertion_key.ok_or(Fault::NoKey)?;
    ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key)
        .verify(signed.as_bytes(), &decode(signature)?)
        .map_err(|_| Fault::Signature)?;
    let claims: Claims = serde_json::from_slice(&decode(payload)?).map_err(|_| Fault::Shape)?;
    let fits =
        |text: &str| !text.is_empty() && text.len() <= CLAIM_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic());
    if [claims.sub.as_str(), claims.hat.as_str(), &claims.jti].into_iter().all(fits) {
        Ok(claims)
    } else {
        Err(Fault::Shape)
    }
}

/// Signs claims: what a connected system does. Used by the demo's clients and `solent certs assert`.
#[must_use]
pub fn sign(claims: &Claims, key: &SigningKey) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"EdDSA","typ":"JWT"}"#);
    let payload = serde_json::json!({
        "iss": claims.iss, "sub": claims.sub, "hat": claims.hat, "aud": claims.aud,
        "iat": claims.iat, "exp": claims.exp, "jti": claims.jti,
    });
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_791_280_800; // 2026-10-06T10:00:00Z
    const ORIGIN: &str = "solent.example/log1";

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32]).unwrap()
    }
    fn system() -> System {
        System {
            id: "council".into(),
            agency: "harbourshire-csc".into(),
            format: "cin-census".to_owned(),
            fingerprints: Vec::new(),
            assertion_key: Some(key().public()),
            teams: Vec::new(),
        }
    }
    fn claims() -> Claims {
        Claims {
            iss: "council".into(),
            sub: "priya".into(),
            hat: "priya-sw".into(),
            aud: ORIGIN.to_owned(),
            iat: NOW,
            exp: NOW + 300,
            jti: "a-1".to_owned(),
        }
    }
    fn verify_at(text: &str, second: i64) -> Result<UserAssertion, Fault> {
        Assertions::new(ORIGIN, 300).verify(text, &system(), Moment::from_millis(second * 1000))
    }
    fn raw(header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// RFC 8037 appendix A.4: key, header, payload and signature of the example.
    #[test]
    fn the_example_of_rfc_8037_is_signed_the_same() {
        let seed: [u8; 32] =
            URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap().try_into().unwrap();
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = SigningKey::from_seed(&seed).unwrap().sign(signed.as_bytes());
        let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(URL_SAFE_NO_PAD.encode(signature), expected);
    }

    #[test]
    fn a_good_assertion_names_account_and_hat() {
        let user = verify_at(&sign(&claims(), &key()), NOW + 5).unwrap();
        assert_eq!((user.account().as_str(), user.hat().as_str()), ("priya", "priya-sw"));
    }

    #[test]
    fn time_is_checked_with_a_minute_of_leeway() {
        let text = sign(&claims(), &key());
        assert_eq!(verify_at(&text, NOW - 61), Err(Fault::Early));
        assert!(verify_at(&text, NOW - 60).is_ok());
        assert!(verify_at(&text, NOW + 359).is_ok());
        assert_eq!(verify_at(&text, NOW + 360), Err(Fault::Expired));
    }

    #[test]
    fn a_longer_life_than_configured_is_refused() {
        for exp in [NOW + 301, NOW, NOW - 1, i64::MAX, i64::MIN] {
            let text = sign(&Claims { exp, ..claims() }, &key());
            assert_eq!(verify_at(&text, NOW), Err(Fault::Lifetime), "{exp}");
        }
    }

    #[test]
    fn another_issuer_audience_or_key_is_refused() {
        let text = sign(&Claims { iss: "school".into(), ..claims() }, &key());
        assert_eq!(verify_at(&text, NOW), Err(Fault::Issuer));
        let text = sign(&Claims { aud: "other.example/log".to_owned(), ..claims() }, &key());
        assert_eq!(verify_at(&text, NOW), Err(Fault::Audience));
        let text = sign(&claims(), &SigningKey::from_seed(&[8; 32]).unwrap());
        assert_eq!(verify_at(&text, NOW), Err(Fault::Signature));
        let system = System { assertion_key: None, ..system() };
        let verdict = Assertions::new(ORIGIN, 300).verify(&text, &system, Moment::from_millis(NOW * 1000));
        assert_eq!(verdict, Err(Fault::NoKey));
    }

    #[test]
    fn an_assertion_works_once_and_a_refused_one_is_not_used_up() {
        let book = Assertions::new(ORIGIN, 300);
        let text = sign(&claims(), &key());
        let at = |second: i64| Moment::from_millis(second * 1000);
        assert_eq!(book.verify(&text, &system(), at(NOW - 100)), Err(Fault::Early));
        assert!(book.verify(&text, &system(), at(NOW)).is_ok());
        assert_eq!(book.verify(&text, &system(), at(NOW + 1)), Err(Fault::Replay));
        assert_eq!(book.verify(&text, &system(), at(NOW + 359)), Err(Fault::Replay));
        assert_eq!(book.verify(&text, &system(), at(NOW + 360)), Err(Fault::Expired));
    }

    #[test]
    fn other_algorithms_extra_claims_and_altered_parts_are_refused() {
        let payload = serde_json::to_string(&claims()).unwrap();
        assert_eq!(verify_at(&raw(r#"{"alg":"none"}"#, &payload), NOW), Err(Fault::Algorithm));
        assert_eq!(verify_at(&raw(r#"{"alg":"HS256"}"#, &payload), NOW), Err(Fault::Algorithm));
        assert_eq!(verify_at(&raw(r#"{"alg":"EdDSA","crit":["exp"]}"#, &payload), NOW), Err(Fault::Shape));
        let extra = payload.replacen('{', r#"{"role":"SW","#, 1);
        assert_eq!(verify_at(&raw(r#"{"alg":"EdDSA"}"#, &extra), NOW), Err(Fault::Shape));
        let twice = payload.replacen('{', r#"{"sub":"leah","#, 1);
        assert_eq!(verify_at(&raw(r#"{"alg":"EdDSA"}"#, &twice), NOW), Err(Fault::Shape));
        let good = raw(r#"{"alg":"EdDSA"}"#, &payload);
        assert!(verify_at(&good, NOW).is_ok());
        for wrong in ["", "a.b", "a.b.c", &format!("{good}="), &good.replacen('.', ".e30.", 1), &"x".repeat(5000)] {
            assert!(verify_at(wrong, NOW).is_err(), "{wrong}");
        }
    }
}
