//! Asking an OpenID provider who somebody is: the authorization code flow with PKCE, state and nonce.
//!
//! Owns the protocol, by a library, over an HTTPS client of our own with named authorities, no redirects and bounds. Knows no
//! account: it returns the issuer's name for somebody ([`Subject`]) and nothing else of the token, so that an address or name
//! that people can change at the provider never opens an account. Refuses unsigned tokens, symmetric signatures, tokens for
//! others, old ones, and ones of a weaker kind than asked for. Calls block: never on a thread that serves.
//!
//! # Source
//! OpenID Connect Core 1.0 §3.1, Discovery 1.0; RFC 7636 (PKCE); RFC 9700 (state, exact return address).

use super::certificates;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AccessTokenHash, AuthenticationContextClass, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, SignatureVerificationError,
    TokenResponse as _,
};
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// Largest answer of a provider, in bytes: a set of keys is some thousands.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;
/// Longest code, state or token part taken from a return address, in bytes.
const CODE_BYTES_MAX: usize = 4096;
/// One call to the provider.
const CALL_SECONDS_MAX: u64 = 10;
/// How long what a provider says of itself stands without asking again.
const KNOWN_FOR: Duration = Duration::from_secs(3600);
/// How soon it is asked again because of an unknown key: keys change, but anybody may send a wrong token.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What a provider is reached with.
pub struct ProviderSettings {
    /// The issuer, as its discovery document names it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: String,
    /// Where the browser comes back to, exactly as registered there.
    pub return_url: String,
    /// The authorities its certificate is checked with, PEM.
    pub authority_pem: Vec<u8>,
    /// Kinds of sign-in asked for (`acr`); when there are any, the token must name one of them.
    pub acr: Vec<String>,
}

/// Why a provider did not say who somebody is. Holds no part of a token and nothing of the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProviderError {
    /// A setting cannot be used.
    #[error("the provider's {0} cannot be used")]
    Setting(&'static str),
    /// It does not answer, or not as the standard says.
    #[error("the provider cannot be asked")]
    Unreachable,
    /// It refuses the code.
    #[error("the provider refuses the code")]
    Code,
    /// What it says cannot be trusted.
    #[error("the provider's token is refused: {0}")]
    Token(&'static str),
}

/// A sign-in that was begun: the browser goes to `url`; the rest stays between this gateway and that browser.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Begun {
    /// Where the browser goes.
    #[serde(skip)]
    pub url: String,
    /// Comes back with the code.
    pub state: String,
    /// Comes back in the token.
    pub nonce: String,
    /// Shown with the code.
    pub verifier: String,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun")
    }
}

/// Somebody, as the issuer names them: stable, never given to somebody else.
///
/// # Source
/// OpenID Connect Core 1.0 §5.7: only `iss` and `sub` together identify.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// The issuer.
    pub issuer: String,
    /// Its name for somebody.
    pub subject: String,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subject")
    }
}

type Ready =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// A provider.
pub struct Provider {
    settings: ProviderSettings,
    issuer: IssuerUrl,
    return_url: RedirectUrl,
    agent: ureq::Agent,
    known: Mutex<Option<(Instant, Arc<CoreProviderMetadata>)>>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Provider")
    }
}

impl Provider {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// [`ProviderError::Setting`].
    pub fn new(settings: ProviderSettings) -> Result<Self, ProviderError> {
        let roots = certificates(&settings.authority_pem).map_err(|_| ProviderError::Setting("authority"))?;
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(CALL_SECONDS_MAX)))
            .build()
            .new_agent();
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| ProviderError::Setting("issuer"))?;
        let return_url =
            RedirectUrl::new(settings.return_url.clone()).map_err(|_| ProviderError::Setting("address"))?;
        Ok(Self { settings, issuer, return_url, agent, known: Mutex::new(None) })
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// [`ProviderError::Unreachable`].
    pub fn begin(&self) -> Result<Begun, ProviderError> {
        let client = self.client(&*self.metadata(KNOWN_FOR)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let acr = self.settings.acr.iter().map(|a| AuthenticationContextClass::new(a.clone()));
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge);
        let (url, state, nonce) = acr.fold(request, |r, a| r.add_auth_context_value(a)).url();
        Ok(Begun {
            url: url.into(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// Ends it: exchanges the code the browser came back with for the issuer's word.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub fn finish(&self, code: &str, begun: &Begun) -> Result<Subject, ProviderError> {
        if code.is_empty() || code.len() > CODE_BYTES_MAX {
            return Err(ProviderError::Code);
        }
        let metadata = self.metadata(KNOWN_FOR)?;
        let client = self.client(&metadata);
        let code = AuthorizationCode::new(code.to_owned());
        let exchange = client.exchange_code(code).map_err(|_| ProviderError::Unreachable)?;
        let verifier = PkceCodeVerifier::new(begun.verifier.clone());
        let answer = exchange.set_pkce_verifier(verifier).request(&|request| self.ask(request));
        let answer = answer.map_err(|_| ProviderError::Code)?;
        let token = answer.id_token().ok_or(ProviderError::Token("absent"))?;
        let nonce = Nonce::new(begun.nonce.clone());
        let allowed = [
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPssSha256,
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        ];
        let check = |client: &Ready| -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
            let verifier = client.id_token_verifier().set_allowed_algs(allowed.clone());
            let claims = token.claims(&verifier, &nonce)?.clone();
            if let Some(expected) = claims.access_token_hash() {
                let (alg, key) = (token.signing_alg(), token.signing_key(&verifier));
                let (alg, key) = (alg.map_err(unsigned)?, key.map_err(unsigned)?);
                if AccessTokenHash::from_token(answer.access_token(), alg, key).ok().as_ref() != Some(expected) {
                    return Err(ClaimsVerificationError::Other("access token".to_owned()));
                }
            }
            Ok(claims)
        };
        let claims = match check(&client) {
            // The provider may have changed its keys since it was last asked.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                check(&self.client(&*self.metadata(ASKED_AGAIN_AFTER)?))
            }
            other => other,
        };
        self.trusted(&claims.map_err(|e| ProviderError::Token(why(&e)))?)
    }

    fn trusted(&self, claims: &CoreIdTokenClaims) -> Result<Subject, ProviderError> {
        let acr = claims.auth_context_ref().map(|a| a.as_str());
        if !self.settings.acr.is_empty() && !acr.is_some_and(|a| self.settings.acr.iter().any(|asked| asked == a)) {
            return Err(ProviderError::Token("kind of sign-in"));
        }
        Ok(Subject { issuer: claims.issuer().as_str().to_owned(), subject: claims.subject().as_str().to_owned() })
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Ready {
        let secret = ClientSecret::new(self.settings.client_secret.clone());
        let id = ClientId::new(self.settings.client_id.clone());
        CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret)).set_redirect_uri(self.return_url.clone())
    }

    /// What the provider says of itself, at most `for_at_most` old.
    fn metadata(&self, for_at_most: Duration) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, metadata)) = known.filter(|(at, _)| at.elapsed() < for_at_most) {
            return Ok(metadata);
        }
        let found = CoreProviderMetadata::discover(&self.issuer, &|request| self.ask(request));
        let found = Arc::new(found.map_err(|_| ProviderError::Unreachable)?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }

    fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let answer = self.agent.run(request).map_err(|_| ProviderError::Unreachable)?;
        let (parts, mut body) = answer.into_parts();
        let mut bytes = Vec::new();
        let read = body.as_reader().take(ANSWER_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes);
        let whole = read.is_ok() && u64::try_from(bytes.len()).is_ok_and(|n| n <= ANSWER_BYTES_MAX);
        if whole { Ok(HttpResponse::from_parts(parts, bytes)) } else { Err(ProviderError::Unreachable) }
    }
}

const fn unsigned(error: SignatureVerificationError) -> ClaimsVerificationError {
    ClaimsVerificationError::SignatureVerification(error)
}

/// Which check failed, in a word for the log.
const fn why(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => "expired",
        ClaimsVerificationError::InvalidAudience(_) => "audience",
        ClaimsVerificationError::InvalidAuthContext(_) => "kind of sign-in",
        ClaimsVerificationError::InvalidIssuer(_) => "issuer",
        ClaimsVerificationError::InvalidNonce(_) => "nonce",
        ClaimsVerificationError::SignatureVerification(_) => "signature",
        _ => "form",
    }
}
