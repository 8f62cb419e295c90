//! Signing in at a provider, against a real one: TLS of its own, real signatures, and every lie it or a browser might tell.

use crate::browser::{self, Browser};
use crate::demo::Served;
use crate::visitor::{Answer, Visitor};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

const SECRET: &str = "a secret between the two";
const SUBJECT: &str = "0f3c-priya";

/// What a provider may get wrong, by mistake or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lie {
    Nothing,
    Nonce,
    Audience,
    Issuer,
    Expired,
    OtherKey,
    Unsigned,
    Symmetric,
    Weak,
    Stranger,
}

/// What a browser was sent to it with, by code.
struct State {
    lie: Lie,
    begun: BTreeMap<String, BTreeMap<String, String>>,
}

struct Provider {
    base: String,
    certificate: String,
    state: Arc<Mutex<State>>,
}

impl Provider {
    fn start() -> Self {
        solent::trust::install_provider();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let state = Arc::new(Mutex::new(State { lie: Lie::Nothing, begun: BTreeMap::new() }));
        let (config, shared, issuer) = (Arc::new(config), Arc::clone(&state), base.clone());
        std::thread::spawn(move || {
            let keys = [key_pair(), key_pair()];
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                // A browser may open connections it does not use.
                let _ = serve(rustls::StreamOwned::new(connection, stream), &issuer, &keys, &shared);
            }
        });
        Self { base, certificate: made.cert.pem(), state }
    }
    /// What a browser does at the provider's page: it comes back with a code. Returns the path at the gateway.
    fn visit(&self, url: &str, lie: Lie) -> String {
        self.state.lock().unwrap().lie = lie;
        let (_, path) = authorise(url.split_once('?').unwrap().1, &self.state);
        path
    }
}

/// Takes a request for a sign-in; the address to return to, and its path.
fn authorise(query: &str, state: &Mutex<State>) -> (String, String) {
    let asked = fields(query);
    assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
    assert!(asked["scope"].split(' ').any(|s| s == "openid"));
    let code = format!("code-{}", uuid::Uuid::now_v7());
    let back = format!("{}?code={code}&state={}", asked["redirect_uri"], asked["state"]);
    state.lock().unwrap().begun.insert(code, asked);
    let path = back.splitn(4, '/').nth(3).unwrap().to_owned();
    (back, format!("/{path}"))
}

fn key_pair() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
}

fn serve(
    mut stream: rustls::StreamOwned<rustls::ServerConnection, std::net::TcpStream>,
    issuer: &str,
    keys: &[EcdsaKeyPair; 2],
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |name: &str| {
        let line = head.lines().find(|l| l.to_lowercase().starts_with(&format!("{name}:")));
        line.map(|l| l[name.len() + 1..].trim().to_owned()).unwrap_or_default()
    };
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (status, more, answer) = match path {
        "/.well-known/openid-configuration" => ("200 OK", String::new(), discovery(issuer)),
        "/jwks" => ("200 OK", String::new(), jwks(&keys[0])),
        "/authorize" => ("302 Found", format!("location: {}\r\n", authorise(query, state).0), json!({})),
        "/token" => {
            match token(&header("authorization"), &fields(&String::from_utf8_lossy(&body)), issuer, keys, state) {
                Some(answer) => ("200 OK", String::new(), answer),
                None => ("400 Bad Request", String::new(), json!({"error": "invalid_grant"})),
            }
        }
        _ => ("404 Not Found", String::new(), json!({})),
    };
    let text = answer.to_string();
    let length = text.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{more}content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )?;
    stream.flush()
}

fn discovery(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

fn jwks(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..65]));
    json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "one", "x": x, "y": y}]})
}

/// RFC 6749 §4.1.3 and RFC 7636 §4.6: the client shows who it is, the code works once, and the verifier is the challenge's.
fn token(
    authorization: &str,
    form: &BTreeMap<String, String>,
    issuer: &str,
    keys: &[EcdsaKeyPair; 2],
    state: &Mutex<State>,
) -> Option<Value> {
    let mut state = state.lock().unwrap();
    let lie = state.lie;
    let asked = state.begun.remove(form.get("code")?)?;
    let secret = SECRET.replace(' ', "+");
    assert_eq!(authorization, format!("Basic {}", STANDARD.encode(format!("solent:{secret}"))));
    let digest = ring::digest::digest(&ring::digest::SHA256, form.get("code_verifier")?.as_bytes());
    if BASE64.encode(digest) != asked["code_challenge"] || form.get("redirect_uri") != asked.get("redirect_uri") {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": if lie == Lie::Issuer { "https://elsewhere.example" } else { issuer },
        "sub": if lie == Lie::Stranger { "somebody-else" } else { SUBJECT },
        "aud": if lie == Lie::Audience { "another-client" } else { "solent" },
        "iat": now - 3600,
        "exp": if lie == Lie::Expired { now - 60 } else { now + 300 },
        "nonce": if lie == Lie::Nonce { "another" } else { asked["nonce"].as_str() },
        "acr": if lie == Lie::Weak { "AAL1" } else { "AAL3" },
        "email": "priya.nair@example.org",
    });
    let alg = match lie {
        Lie::Unsigned => "none",
        Lie::Symmetric => "HS256",
        _ => "ES256",
    };
    let head = json!({"alg": alg, "kid": "one", "typ": "JWT"});
    let signed = format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()));
    let signature = match lie {
        Lie::Unsigned => Vec::new(),
        Lie::Symmetric => {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
            ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        }
        _ => {
            let key = &keys[usize::from(lie == Lie::OtherKey)];
            key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec()
        }
    };
    let id_token = format!("{signed}.{}", BASE64.encode(signature));
    Some(json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}))
}

/// `application/x-www-form-urlencoded`.
fn fields(text: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let hex: String = rest.by_ref().take(2).map(char::from).collect();
                    bytes.push(u8::from_str_radix(&hex, 16).unwrap());
                }
                other => bytes.push(other),
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&').filter_map(|p| p.split_once('=')).map(|(n, v)| (plain(n), plain(v))).collect()
}

/// A gateway at which Priya may sign in through the provider.
fn served(provider: &Provider) -> Served {
    let mut served = Served::prepare();
    served.write("keys/provider.secret", SECRET);
    served.write("certs/provider.pem", &provider.certificate);
    // A port that is free now, so that the provider can be told it before the gateway starts.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let section = format!(
        "[pages.provider]\nname = \"Harbourshire\"\nissuer = \"{}\"\nclient_id = \"solent\"\n\
         client_secret_file = \"keys/provider.secret\"\nauthority = \"certs/provider.pem\"\n\
         address = \"https://localhost:{port}\"\nacr = [\"AAL3\"]\n\n[[agency]]",
        provider.base
    );
    served.configure("[[agency]]", &section);
    served.listen_on(port);
    let link = ["accounts", "link", "--account", "acc-01", "--shown", "Priya Nair", "--by", "acc-01"];
    served.solent_with_input(&link, SUBJECT);
    served.start();
    served
}

/// One sign-in: out, to the provider, and back; the last answer with the visitor who got it.
fn sign_in(served: &Served, provider: &Provider, lie: Lie) -> (Visitor, Answer) {
    let mut visitor = Visitor::to(&served.base, &served.authority());
    let out = visitor.get("/sign-in/provider");
    assert_eq!(out.status, 303);
    assert!(out.header("location").starts_with(&provider.base));
    let back = provider.visit(out.header("location"), lie);
    let answer = visitor.get(&back);
    let session = answer.cookies.iter().find(|c| c.starts_with("__Host-solent="));
    visitor.cookie = session.map(|c| c.split(';').next().unwrap().to_owned());
    (visitor, answer)
}

#[test]
fn somebody_linked_signs_in_at_the_provider_and_no_lie_opens_a_session() {
    let provider = Provider::start();
    let served = served(&provider);
    let (mut priya, answer) = sign_in(&served, &provider, Lie::Nothing);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(priya.get("/families").body.contains("Priya"));
    let lies = [
        Lie::Nonce,
        Lie::Audience,
        Lie::Issuer,
        Lie::Expired,
        Lie::OtherKey,
        Lie::Unsigned,
        Lie::Symmetric,
        Lie::Weak,
        Lie::Stranger,
    ];
    for lie in lies {
        let (visitor, answer) = sign_in(&served, &provider, lie);
        assert_eq!((answer.status, visitor.cookie), (403, None), "{lie:?}");
    }
    // Without the browser's half, with another browser's, with another state: nothing, and the provider is not even asked.
    let mut one = Visitor::to(&served.base, &served.authority());
    let mut other = Visitor::to(&served.base, &served.authority());
    let back = provider.visit(one.get("/sign-in/provider").header("location"), Lie::Nothing);
    other.get("/sign-in/provider");
    assert_eq!(other.get(&back).status, 403);
    other.cookie = None;
    assert_eq!(other.get(&back).status, 403);
    assert_eq!(one.get("/sign-in/provider/return?state=x&code=y").status, 403);
    assert_eq!(one.get("/sign-in/provider/return?error=access_denied").status, 403);
}

#[test]
fn a_real_browser_comes_back_from_another_site_signed_in() {
    if !browser::there_is_one() {
        return;
    }
    let provider = Provider::start();
    let served = served(&provider);
    let browser = Browser::open(true);
    browser.go(&format!("{}/sign-in", served.base));
    let wrong = crate::pages::look(&browser, "sign-in-provider");
    assert!(wrong.is_empty(), "{wrong:?}");
    browser.click("main a.button");
    // The page after the provider leads on by itself; either is the right place to be looked at.
    while browser.path() != "/families" {
        assert!(["/", "/sign-in/provider/return"].iter().any(|p| browser.path().split('?').next() == Some(p)));
    }
    assert!(browser.text(".who").contains("Priya Nair"));
}
