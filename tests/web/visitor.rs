//! A visitor without a browser: a cookie, forms, and the answers as bytes.

use crate::demo::Demo;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// An answer of the pages.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub cookies: Vec<String>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
    /// The session's word, of the first form (signing out).
    pub fn word(&self) -> String {
        let at = self.body.find("name=\"word\" value=\"").expect("a form with a word") + 19;
        self.body[at..].split('"').next().unwrap().to_owned()
    }
}

fn tls(authority: &Path) -> ureq::tls::TlsConfigBuilder {
    solent::trust::install_provider();
    let pem = std::fs::read(authority).unwrap();
    let root = ureq::tls::Certificate::from_pem(&pem).unwrap();
    ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::Specific(Arc::new(vec![root])))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
}

/// Somebody with a cookie jar of one.
pub struct Visitor {
    agent: ureq::Agent,
    base: String,
    pub cookie: Option<String>,
}

impl Visitor {
    pub fn new(demo: &Demo) -> Self {
        Self::to(&demo.base, &demo.file("certs/ca.pem"))
    }
    /// At any gateway whose certificate this authority signed.
    pub fn to(base: &str, authority: &Path) -> Self {
        let tls = tls(authority).build();
        let config = ureq::Agent::config_builder().tls_config(tls).http_status_as_error(false).max_redirects(0);
        Self { agent: config.build().new_agent(), base: base.to_owned(), cookie: None }
    }
    /// Somebody of the demo's cast, walked as.
    pub fn walking(demo: &Demo, account: &str) -> Self {
        let mut visitor = Self::new(demo);
        assert_eq!(visitor.post("/demo", &[("account", account)]).status, 303);
        visitor
    }
    pub fn get(&mut self, path: &str) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let answer = read(request.call().unwrap());
        self.keep(&answer);
        answer
    }
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[])
    }
    pub fn post_with(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let answer = read(request.send_form(fields.iter().copied()).unwrap());
        self.keep(&answer);
        answer
    }
    /// Sends a form with one file, as a browser does.
    pub fn post_file(&mut self, path: &str, word: &str, name: &str, bytes: &[u8]) -> Answer {
        let mut body = format!("--edge\r\nContent-Disposition: form-data; name=\"word\"\r\n\r\n{word}\r\n--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n").into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request.header("content-type", "multipart/form-data; boundary=edge");
        let request = request.header("cookie", self.cookie.as_deref().unwrap_or_default());
        read(request.send(&body[..]).unwrap())
    }
    /// States why a family is opened.
    pub fn state(&mut self, family: &str, purpose: &str) {
        let word = self.get(&format!("/families/{family}/purpose")).word();
        let answer = self.post(&format!("/families/{family}/purpose"), &[("purpose", purpose), ("word", &word)]);
        assert_eq!(answer.status, 303);
    }
    fn keep(&mut self, answer: &Answer) {
        for cookie in &answer.cookies {
            let pair = cookie.split(';').next().unwrap_or_default().to_owned();
            self.cookie = Some(pair).filter(|p| !p.ends_with('='));
        }
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let headers = response.headers();
    let text = |v: &ureq::http::HeaderValue| v.to_str().unwrap_or_default().to_owned();
    let cookies = headers.get_all("set-cookie").iter().map(text).collect();
    let map = headers.iter().map(|(n, v)| (n.as_str().to_owned(), text(v))).collect();
    let status = response.status().as_u16();
    Answer { status, headers: map, cookies, body: response.body_mut().read_to_string().unwrap_or_default() }
}

/// A connected system with its certificate.
pub struct System {
    agent: ureq::Agent,
    base: String,
}

impl System {
    pub fn new(demo: &Demo, system: &str) -> Self {
        let read = |name: String| std::fs::read(demo.file(&name)).unwrap();
        let chain = vec![ureq::tls::Certificate::from_pem(&read(format!("certs/{system}.pem"))).unwrap()];
        let key = ureq::tls::PrivateKey::from_pem(&read(format!("certs/{system}.key"))).unwrap();
        let tls = tls(&demo.file("certs/ca.pem"))
            .client_cert(Some(ureq::tls::ClientCert::new_with_certs(&chain, key)))
            .build();
        let config = ureq::Agent::config_builder().tls_config(tls).http_status_as_error(false);
        Self { agent: config.build().new_agent(), base: demo.base.clone() }
    }
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = self.agent.get(format!("{}{path}", self.base)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }
    pub fn post(&self, path: &str, json: &str) -> (u16, String) {
        let request = self.agent.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        let mut response = request.send(json).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }
}
