//! What users record over the API, over real mutual TLS with the real gateway behind the door: done, refused to the wrong
//! role, agency and system, and closed to assertions that are stale, replayed or missing.

use super::harness::code;
use crate::exchange::house::{House, ORIGIN, assertion_key};
use crate::exchange::permissions::about_mother;
use serde_json::{Value, json};
use solent::clock::{Clock, Moment};
use solent::http::{Door, ROUTES, Running, Stories};
use solent::ident::SystemId;
use solent::peer::{Answer, Call, Client, Method};
use solent::trust::ca::{Authority, Holder, Validity};
use solent::trust::{Claims, Tls, sign};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::Runtime;

/// The family's house with a door.
pub struct Partnership {
    pub house: House,
    base: String,
    running: Option<Running>,
    pub runtime: Runtime,
    asserted: AtomicU32,
}

impl Drop for Partnership {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.spawn(running.stop());
        }
    }
}

/// Which hat asks through which agency's system.
pub type Who = (&'static str, &'static str);

pub const WREN: Who = ("wren-sw", "council");
const HALE: Who = ("hale-sw", "council");
pub const GRAY: Who = ("gray-prv", "council");
const LARK: Who = ("lark-prv", "trust");
pub const ADO: Who = ("ado-ado", "council");

impl Partnership {
    pub fn open() -> Self {
        Self::built(false)
    }

    /// With pages for people on the same port.
    pub fn with_pages() -> Self {
        Self::built(true)
    }

    fn built(pages: bool) -> Self {
        solent::trust::install_provider();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let house = runtime.block_on(House::open());
        runtime.block_on(house.send("trust", &about_mother()));
        let now = house.clock.now();
        let authority = Authority::create(&house.folder, "Test Partnership", Validity::days(now, 3650), now).unwrap();
        // The client's own library looks at the machine's clock.
        let real = Clock::system().now();
        let life = Validity { from: now.min(real).plus_millis(-1), until: real.plus_millis(86_400_000) };
        authority.issue(&Holder::Server(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]), life, now).unwrap();
        for agency in ["council", "trust", "force", "mentors"] {
            authority
                .issue(&Holder::System(SystemId::new(format!("{agency}-desk"))), Validity::days(now, 90), now)
                .unwrap();
        }
        let mut config = house.gateway.config().clone();
        config.pages = pages.then(|| solent::config::Pages {
            idle: std::time::Duration::from_secs(900),
            session: std::time::Duration::from_secs(28_800),
        });
        let tls = Tls::load(&config.tls, house.clock.clone()).unwrap();
        let stories = Arc::clone(&house.gateway) as Arc<dyn Stories>;
        let door = if pages {
            Door::with_pages(config, tls, house.clock.clone(), &house.gateway, Vec::new())
        } else {
            Door::new(config, tls, house.clock.clone(), stories)
        };
        let running = runtime.block_on(async { Running::start(&door) }).unwrap();
        let base = format!("https://127.0.0.1:{}", running.address.port());
        Self { house, base, running: Some(running), runtime, asserted: AtomicU32::new(0) }
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.running.as_ref().unwrap().address
    }

    pub fn client(&self, agency: &str) -> Client {
        let read = |name: &str| std::fs::read(self.house.folder.join(name)).unwrap();
        let own = |kind: &str| read(&format!("{agency}-desk.{kind}"));
        Client::new(&self.base, &own("pem"), &own("key"), &read("ca.pem")).unwrap()
    }

    /// A fresh assertion by `agency`'s system for a hat, made `age` seconds ago.
    pub fn assertion(&self, (hat, agency): (&str, &str), age: i64) -> String {
        let iat = self.house.clock.now().millis() / 1000 - age;
        let claims = Claims {
            iss: SystemId::new(format!("{agency}-desk")),
            sub: hat.split('-').next().unwrap().into(),
            hat: hat.into(),
            aud: ORIGIN.to_owned(),
            iat,
            exp: iat + 120,
            jti: format!("j-{}", self.asserted.fetch_add(1, Ordering::SeqCst)),
        };
        sign(&claims, &assertion_key())
    }

    pub fn call(&self, agency: &str, method: Method, path: &str, assertion: Option<&str>, body: &Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(assertion.map(|a| ("solent-assertion", a)));
        self.client(agency).call(&Call { method, path, headers: &headers, body: &body }).unwrap()
    }

    pub fn post(&self, who: Who, path: &str, body: Value) -> Answer {
        self.call(who.1, Method::Post, path, Some(&self.assertion(who, 0)), &body)
    }

    pub fn get(&self, who: Who, path: &str) -> Answer {
        self.call(who.1, Method::Get, path, Some(&self.assertion(who, 0)), &Value::Null)
    }

    /// Something new: 201 with a receipt and an id.
    pub fn made(&self, who: Who, path: &str, body: Value) -> String {
        let answer = self.post(who, path, body);
        assert_eq!(answer.status, 201, "{path}: {}", text(&answer));
        body_of(&answer)["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Something changed: 200.
    fn changed(&self, who: Who, path: &str, body: Value) -> Value {
        let answer = self.post(who, path, body);
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        body_of(&answer)
    }

    fn reason(&self, who: Who, path: &str, body: Value) -> String {
        let answer = self.post(who, path, body);
        let said = body_of(&answer)["reason"].as_str().unwrap_or_default().to_owned();
        format!("{} {said}", answer.status).trim().to_owned()
    }
}

pub fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

pub fn body_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

fn permission() -> Value {
    json!({
        "purpose": "CIN", "subject": {"person": "mother"}, "capacity": "self-adult", "decision": "permit",
        "categories": ["MHL"], "from": [{"agency": "trust"}], "to": [{"role": "SW", "agency": "council"}],
        "purposes": ["CIN"], "told_limits": true, "valid_to": "2027-03-14",
        "form": {"how": "signed-paper", "language": "en", "digest": "aa", "kept": "file 7"}
    })
}

/// The mother's word about her daughter, to which the father can object.
fn daughters() -> Value {
    let mut body = permission();
    let more = json!({
        "subject": {"person": "girl"}, "decider": {"person": "mother"}, "capacity": "parent-pr",
        "pr_evidence": {"kind": "birth-certificate", "seen_by": "duty worker", "date": "2026-10-01"},
        "young_person_asked": {"asked": true}
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn wanted_override() -> Value {
    json!({"purpose": "CIN", "kind": "ordinary", "subject": {"person": "mother"}, "categories": ["MHL"], "answers": {
        "harm": "x", "needed": "x", "why_not_less": "x", "proportionate": "x", "telling_risk": "x"}})
}

fn assessment() -> Value {
    json!({
        "purpose": "CIN", "person": {"person": "boy"}, "kind": "competence", "categories": ["MHL"], "outcome": "yes",
        "decision": "whether the school nurse tells the team",
        "prompts": {"what": "x", "why": "x", "what_follows": "x", "if_no": "x", "pressure": "none"}
    })
}

#[test]
fn permissions_live_their_whole_life_over_the_api() {
    let at = Partnership::open();
    let id = at.made(WREN, "/api/v1/permissions", permission());
    let shown = at.get(WREN, &format!("/api/v1/permissions/{id}"));
    assert_eq!((shown.status, body_of(&shown)["status"].as_str()), (200, Some("active")), "{}", text(&shown));
    let fhir = at.get(WREN, &format!("/fhir/r4/Consent/{id}"));
    assert_eq!((fhir.status, body_of(&fhir)["resourceType"].as_str()), (200, Some("Consent")), "{}", text(&fhir));
    let by = json!({"purpose": "CIN", "by": {"person": "mother"}, "how": "video"});
    assert_eq!(at.changed(WREN, &format!("/api/v1/permissions/{id}/withdraw"), by)["status"], "withdrawn");
    let girls = at.made(WREN, "/api/v1/permissions", daughters());
    let objection = json!({"purpose": "CIN", "by": {"person": "father"}});
    assert_eq!(at.changed(WREN, &format!("/api/v1/permissions/{girls}/dispute"), objection)["status"], "disputed");
    at.house.at("2026-10-06T09:00:01Z");
    let decided = json!({"purpose": "CIN", "outcome": "active", "why": "both were heard"});
    let resolve = format!("/api/v1/permissions/{girls}/resolve");
    assert_eq!(at.post(WREN, &resolve, decided.clone()).status, 404, "not a manager");
    assert_eq!(at.changed(HALE, &resolve, decided)["status"], "active");
    let error = json!({"purpose": "CIN", "why": "another person's form"});
    let erred = at.changed(GRAY, &format!("/api/v1/permissions/{girls}/error"), error);
    assert_eq!(erred["status"], "entered-in-error");
    at.made(WREN, "/api/v1/assessments", assessment());
}

#[test]
fn relationships_and_purposes_change_over_the_api() {
    let at = Partnership::open();
    let work = json!({"purpose": "CIN", "kind": "allocated", "hat": "bea-dsl", "case": "quill", "evidence": "minute"});
    assert_eq!(at.reason(WREN, "/api/v1/relationships", work.clone()), "403 D-DELEGATE");
    let id = at.made(HALE, "/api/v1/relationships", work);
    let end = format!("/api/v1/relationships/{id}/end");
    assert_eq!(at.post(("otto-vco", "mentors"), &end, json!({"purpose": "CIN"})).status, 404);
    at.changed(HALE, &end, json!({"purpose": "CIN"}));
    let purpose =
        json!({"purpose": "CIN", "start": "CP", "end": "CIN", "manager": "hale-sw", "reason": "threshold met"});
    assert_eq!(at.post(("uma-uhn", "trust"), "/api/v1/cases/quill/purpose", purpose.clone()).status, 404);
    assert_eq!(at.changed(WREN, "/api/v1/cases/quill/purpose", purpose)["purposes"], json!(["CP"]));
}

#[test]
fn overrides_are_asked_answered_told_and_reviewed_over_the_api() {
    let at = Partnership::open();
    assert_eq!(at.reason(("bea-dsl", "council"), "/api/v1/overrides", wanted_override()), "403 D-DELEGATE");
    let first = at.made(WREN, "/api/v1/overrides", wanted_override());
    let step = |id: &str, step: &str| format!("/api/v1/overrides/{id}/{step}");
    assert_eq!(at.reason(WREN, &step(&first, "approve"), json!({})), "403 D-DELEGATE", "never one's own");
    at.changed(HALE, &step(&first, "reject"), json!({}));
    let second = at.made(WREN, "/api/v1/overrides", wanted_override());
    at.changed(HALE, &step(&second, "approve"), json!({}));
    at.changed(HALE, &step(&second, "renew"), json!({}));
    let enquiry = json!({
        "assertion": at.assertion(WREN, 0), "purpose": "CIN", "subject": {"person": "mother"}, "categories": ["MHL"],
        "override": second,
    });
    assert_eq!(at.call("council", Method::Post, "/api/v1/enquiries", None, &enquiry).status, 200);
    let entries = at.runtime.block_on(at.house.entries());
    let used = entries.iter().filter(|(_, p)| p.event == solent::audit::Event::OvrUse).count();
    assert_eq!(used, 1, "what an override opened is its use, not a view");
    at.changed(WREN, &step(&second, "told"), json!({"told": true, "why": "at the visit"}));
    let reviewed = json!({"outcome": "justified"});
    assert_eq!(at.post(GRAY, &step(&second, "review"), reviewed.clone()).status, 404, "not a custodian's officer");
    at.changed(LARK, &step(&second, "review"), reviewed);
}

#[test]
fn flags_of_safety_begin_and_end_over_the_api() {
    let at = Partnership::open();
    let protect = json!({"person": {"person": "mother"}, "against": {"person": "step"}});
    assert_eq!(at.reason(WREN, "/api/v1/protections", protect.clone()), "403 D-DELEGATE");
    let id = at.made(GRAY, "/api/v1/protections", protect);
    let lift = format!("/api/v1/protections/{id}/lift");
    let why = json!({"why": "order ended"});
    let hidden = at.post(WREN, &lift, why.clone());
    let absent = at.post(WREN, "/api/v1/protections/no-such/lift", why.clone());
    assert_eq!((hidden.status, code(&hidden)), (absent.status, code(&absent)));
    at.house.at("2026-10-06T10:00:00Z");
    at.changed(GRAY, &lift, why.clone());
    assert_eq!(at.post(GRAY, &lift, why.clone()).status, 410);

    let mark = json!({"purpose": "CIN", "hat": "uma-uhn", "linked_to": {"person": "step"}});
    at.made(WREN, "/api/v1/strands", mark.clone());
    let mut unmark = mark;
    unmark["why"] = json!("the case moved");
    assert_eq!(at.reason(("iris-cln", "trust"), "/api/v1/strands/end", unmark.clone()), "403 D-DELEGATE");
    at.house.at("2026-10-06T10:01:00Z");
    at.changed(WREN, "/api/v1/strands/end", unmark.clone());
    assert_eq!(at.post(WREN, "/api/v1/strands/end", unmark).status, 410);

    let conflict = json!({"person": {"person": "mother"}, "kind": "friend"});
    at.made(("bea-dsl", "council"), "/api/v1/conflicts", conflict);
    let over = json!({"account": "bea", "person": {"person": "mother"}, "why": "it was another person"});
    assert_eq!(at.reason(("bea-dsl", "council"), "/api/v1/conflicts/end", over.clone()), "403 D-COI");
    assert_eq!(at.post(LARK, "/api/v1/conflicts/end", over.clone()).status, 404, "another agency's officer");
    at.house.at("2026-10-06T10:02:00Z");
    at.changed(GRAY, "/api/v1/conflicts/end", over);

    let seal = json!({"kind": "adoption", "former": {"person": "hunter"}, "current": {"person": "aunt"}});
    let id = at.made(ADO, "/api/v1/seals", seal);
    let end = format!("/api/v1/seals/{id}/end");
    assert_eq!(at.post(GRAY, &end, why.clone()).status, 404);
    at.house.at("2026-10-06T10:03:00Z");
    at.changed(ADO, &end, why.clone());
    assert_eq!(at.post(ADO, "/api/v1/seals/no-such/end", why).status, 404);
    let opening = json!({"person": {"person": "aunt"}, "reason": "tracing"});
    assert_eq!(at.reason(WREN, "/api/v1/openings", opening.clone()), "403 D-DELEGATE");
    assert_eq!(at.post(ADO, "/api/v1/openings", opening).status, 404, "nothing is kept");
}

/// A body of the right shape for each path under which something is recorded.
fn shaped(path: &str) -> Value {
    let why = json!({"why": "x"});
    match path {
        "/api/v1/permissions" => permission(),
        p if p.ends_with("/withdraw") => json!({"purpose": "CIN", "by": {"person": "mother"}, "how": "video"}),
        p if p.ends_with("/dispute") => json!({"purpose": "CIN", "by": {"person": "mother"}}),
        p if p.ends_with("/resolve") => json!({"purpose": "CIN", "outcome": "active", "why": "x"}),
        p if p.ends_with("/error") => json!({"purpose": "CIN", "why": "x"}),
        "/api/v1/assessments" => assessment(),
        "/api/v1/relationships" => {
            json!({"purpose": "CIN", "kind": "lead", "hat": "bea-dsl", "case": "quill", "evidence": "minute"})
        }
        p if p.starts_with("/api/v1/relationships/") => json!({"purpose": "CIN"}),
        p if p.ends_with("/purpose") => {
            json!({"purpose": "CIN", "start": "CP", "end": "CIN", "manager": "hale-sw", "reason": "x"})
        }
        "/api/v1/item-grants" => json!({
            "purpose": "CIN", "subject": {"person": "mother"}, "segment": "no-such", "to": "mo-pa", "task": "x",
            "until": "2026-10-06T12:00:00+01:00",
        }),
        "/api/v1/overrides" => wanted_override(),
        p if p.ends_with("/told") => json!({"told": true, "why": "x"}),
        p if p.ends_with("/review") => json!({"outcome": "justified"}),
        "/api/v1/protections" => json!({"person": {"person": "mother"}, "against": {"person": "step"}}),
        "/api/v1/strands" => json!({"purpose": "CIN", "hat": "uma-uhn", "linked_to": {"person": "step"}}),
        "/api/v1/strands/end" => {
            json!({"purpose": "CIN", "hat": "uma-uhn", "linked_to": {"person": "step"}, "why": "x"})
        }
        "/api/v1/conflicts" => json!({"person": {"person": "mother"}, "kind": "friend"}),
        "/api/v1/conflicts/end" => json!({"account": "bea", "person": {"person": "mother"}, "why": "x"}),
        "/api/v1/seals" => {
            json!({"kind": "adoption", "former": {"person": "hunter"}, "current": {"person": "aunt"}})
        }
        "/api/v1/openings" => json!({"person": {"person": "aunt"}, "reason": "x"}),
        p if p.ends_with("/lift") || p.ends_with("/end") => why,
        _ => json!({}),
    }
}

#[test]
fn every_recording_path_wants_one_fresh_assertion_of_the_calling_systems_own_user() {
    let at = Partnership::open();
    let recording = |path: &str| {
        ["permissions", "assessments", "relationships", "item-grants", "cases", "overrides", "protections", "strands"]
            .iter()
            .chain(&["conflicts", "seals", "openings"])
            .any(|part| path.starts_with(&format!("/api/v1/{part}")))
    };
    let mut seen = 0;
    for row in ROUTES.iter().filter(|row| recording(row.path)) {
        seen += 1;
        let path = row.path.replace("{id}", "no-such");
        let method = || if row.method == "POST" { Method::Post } else { Method::Get };
        let body = if row.method == "POST" { shaped(row.path) } else { Value::Null };
        let call = |agency: &str, assertion: Option<&str>| at.call(agency, method(), &path, assertion, &body);
        assert_eq!(call("council", None).status, 400, "{path}: without an assertion");
        let stale = at.assertion(WREN, 3600);
        assert_eq!(code(&call("council", Some(&stale))), "SOL-TRUST-ASSERTION", "{path}: stale");
        let others = at.assertion(WREN, 0);
        assert_eq!(code(&call("trust", Some(&others))), "SOL-TRUST-ASSERTION", "{path}: another system's");
        // A system vouches for the hats of its own agency only.
        let foreign = at.assertion(("wren-sw", "trust"), 0);
        let answer = call("trust", Some(&foreign));
        let absent = answer.status == 404 && row.path.contains("{id}");
        assert!(absent || body_of(&answer)["reason"] == "D-AUTH", "{path}: {}", text(&answer));
        // A volunteer records none of this.
        let once = at.assertion(("viv-vol", "mentors"), 0);
        let first = call("mentors", Some(&once));
        assert!([400, 403, 404].contains(&first.status) || row.path == "/api/v1/conflicts", "{path}: {}", text(&first));
        if first.status != 400 {
            assert_eq!(code(&call("mentors", Some(&once))), "SOL-TRUST-ASSERTION", "{path}: replayed");
        }
    }
    assert!(seen >= 26, "{seen}");
    assert_eq!(Moment::parse(crate::exchange::house::NOW), Some(at.house.clock.now()));
}
