//! Attacks on every route there is, read from the sources so that a new one cannot be forgotten.

use crate::crawl::{CAST, actions, crawl, enter, state_purposes};
use crate::demo::Demo;
use crate::visitor::{Answer, Visitor};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Routes that are there before anybody is signed in: what they take is checked by other means.
const BEFORE_SIGN_IN: [&str; 2] = ["/sign-in", "/demo"];

/// Path and whether it is a POST, of every route of the pages.
pub fn routes() -> Vec<(String, bool)> {
    let mut sources = Vec::new();
    read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/web"), &mut sources);
    let mut found = Vec::new();
    for source in &sources {
        for (verb, post) in [(".get(\"/", false), (".post(\"/", true)] {
            let parts = source.split(verb).skip(1).filter_map(|part| part.split_once('"'));
            found.extend(parts.map(|(path, _)| (format!("/{path}"), post)));
        }
    }
    assert!(found.len() > 100, "the routes are found: {}", found.len());
    let elsewhere: usize = sources.iter().map(|s| s.matches(".route(").count()).sum();
    assert_eq!(elsewhere, 2, "every route is added by Routes, which knows what an address takes");
    found
}

fn read_all(folder: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// A route with something in its places.
fn at(route: &str, what: &str) -> String {
    let mut out = String::new();
    let mut rest = route;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str(what);
        rest = after.split_once('}').unwrap().1;
    }
    out + rest
}

#[test]
fn no_form_does_anything_without_its_sessions_word_or_from_elsewhere() {
    let demo = Demo::start();
    let posts: BTreeSet<String> = routes().into_iter().filter(|(_, post)| *post).map(|(path, _)| path).collect();
    let mut stranger = Visitor::new(&demo);
    for route in posts.iter().filter(|r| !BEFORE_SIGN_IN.contains(&r.as_str())) {
        let path = at(route, "case-01");
        let answer = stranger.post(&path, &[("word", "x")]);
        assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"), "{path} without a session");
    }
    // One of each kind of hat: a form that only some may send must not tell the others more.
    for account in ["acc-01", "acc-08", "acc-10", "acc-14", "acc-20"] {
        let mut visitor = enter(&demo, account, None);
        let word = visitor.get(visitor_home(account)).word();
        let other = Visitor::walking(&demo, "acc-02").get("/families").word();
        for route in posts.iter().filter(|r| !BEFORE_SIGN_IN.contains(&r.as_str())) {
            let path = at(route, "case-01");
            for wrong in ["", "0", other.as_str()] {
                let answer = visitor.post(&path, &[("word", wrong)]);
                assert_eq!(answer.status, 403, "{account}: {path} with the word {wrong:?}");
            }
            for foreign in
                [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
            {
                let answer = visitor.post_with(&path, &[("word", &word)], &[foreign]);
                assert_eq!(answer.status, 403, "{account}: {path} from elsewhere");
            }
        }
    }
    for route in BEFORE_SIGN_IN {
        let foreign = [("sec-fetch-site", "cross-site")];
        assert_eq!(Visitor::new(&demo).post_with(route, &[("account", "acc-01")], &foreign).status, 403, "{route}");
    }
}

#[test]
fn an_address_says_which_methods_it_takes_and_nothing_about_what_is_there() {
    let demo = Demo::start();
    let mut known: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (path, post) in routes() {
        known.entry(path).or_default().insert(if post { "POST" } else { "GET, HEAD" });
    }
    let mut visitor = enter(&demo, "acc-01", None);
    let mut stranger = Visitor::new(&demo);
    let mut bodies = BTreeSet::new();
    for (path, takes) in &known {
        for what in ["case-01", "nothing-here", "%00", "..%2f.."] {
            let there = at(path, what);
            for one in [&mut visitor, &mut stranger] {
                let answer = match takes.iter().next().copied() {
                    _ if takes.len() > 1 => continue,
                    Some("POST") => one.get(&there),
                    _ => one.post(&there, &[("word", "x")]),
                };
                // A more general address may take the method: then it is that one's to answer.
                if answer.status != 405 {
                    assert!(known.keys().any(|k| k != path && k.contains('{')), "{there}: {}", answer.status);
                    assert!([303, 403, 404].contains(&answer.status), "{there}: {}", answer.status);
                    continue;
                }
                assert!(takes.contains(answer.header("allow")), "{there}: {}", answer.header("allow"));
                headers(&there, &answer);
                bodies.insert(answer.body);
            }
        }
    }
    assert_eq!(bodies.len(), 1, "one page, whatever is there and whoever asks");
    for path in ["/nowhere-at-all", "/families/a/b/c/d/e/f", "/audit/nothing"] {
        assert_eq!(visitor.post(path, &[("word", "x")]).status, 404, "{path}");
    }
}

fn visitor_home(account: &str) -> &'static str {
    match account {
        "acc-14" | "acc-20" => "/audit",
        "acc-10" => "/surgery",
        _ => "/families",
    }
}

#[test]
fn every_answer_of_every_route_carries_its_headers_and_echoes_nothing() {
    let demo = Demo::start();
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let gets: Vec<String> = routes().into_iter().filter(|(_, post)| !post).map(|(path, _)| path).collect();
    for account in ["acc-01", "acc-08", "acc-10", "acc-14", "acc-19", "acc-20"] {
        let mut visitor = enter(&demo, account, None);
        for route in &gets {
            for what in ["nothing-here", hostile, "..%2f..%2fetc%2fpasswd", "%00", "p-01'%20OR%201=1--"] {
                let path = at(route, what);
                let answer = visitor.get(&path);
                assert!([200, 303, 400, 403, 404].contains(&answer.status), "{path}: {}", answer.status);
                headers(&path, &answer);
            }
            let path = format!(
                "{}?from={hostile}&to={hostile}&subject={hostile}&name={hostile}&next=//evil.example",
                at(route, "x")
            );
            let answer = visitor.get(&path);
            assert!(answer.status < 500, "{path}: {}", answer.status);
            headers(&path, &answer);
        }
    }
}

fn headers(path: &str, answer: &Answer) {
    assert!(!answer.body.contains("<script>") && !answer.body.contains("onerror="), "{path} echoes markup");
    let location = answer.header("location");
    assert!(location.is_empty() || (location.starts_with('/') && !location.starts_with("//")), "{path} leads out");
    assert!(!location.contains("evil.example"), "{path} leads out");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    if answer.header("content-type").starts_with("text/html") {
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(policy.contains("form-action 'self'") && policy.contains("base-uri 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.body.contains(" style=\"") && !answer.body.contains(" onclick="), "{path} has inline code");
        assert!(!answer.body.contains("https://") && !answer.body.contains("http://"), "{path} fetches from elsewhere");
    }
    for cookie in &answer.cookies {
        // A sign-in under way comes back from the provider's site by a link; its cookie opens nothing.
        let under_way = cookie.starts_with("__Host-solent-signing-in=");
        let site = if under_way { "SameSite=Lax" } else { "SameSite=Strict" };
        for part in ["HttpOnly", "Secure", site, "Path=/"] {
            assert!(cookie.contains(part), "{path}: a cookie without {part}");
        }
    }
}

/// Whatever stands in an address that one person's pages lead to, and not another's, is not there for that other.
#[test]
fn an_address_of_another_is_not_there() {
    let demo = Demo::start();
    let mut own: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (account, hat) in CAST {
        let mut visitor = enter(&demo, account, hat);
        state_purposes(&mut visitor, 0);
        let pages = crawl(&mut visitor);
        let forms = pages.values().flat_map(|p| actions(&p.body));
        let mut addresses: BTreeSet<String> = pages.keys().cloned().collect();
        addresses.extend(forms);
        own.insert(account, addresses);
    }
    let all: BTreeSet<String> = own.values().flatten().cloned().collect();
    for (account, hat) in CAST {
        let mut visitor = enter(&demo, account, hat);
        state_purposes(&mut visitor, 0);
        let (nowhere, form_only) = (visitor.get("/nowhere-at-all"), visitor.get("/sign-out"));
        assert_eq!(form_only.status, 405);
        for path in all.iter().filter(|p| has_id(p) && !own[account].contains(*p)) {
            let answer = visitor.get(path);
            if shared_by_rule(account, path) {
                continue;
            }
            // An address that only takes a form says so, whatever stands in it.
            let (status, body) = if answer.status == 405 { (405, &form_only.body) } else { (404, &nowhere.body) };
            assert_eq!(answer.status, status, "{account} finds {path}, which no page of theirs leads to");
            assert_eq!(&answer.body, body, "{account}: {path} must look like nothing");
        }
    }
}

/// Whether an address names something.
fn has_id(path: &str) -> bool {
    let named = |part: &str| part.contains('-') && part.chars().any(|c| c.is_ascii_digit());
    let keyed = |part: &str| part.len() >= 16 && part.chars().all(|c| c.is_ascii_hexdigit());
    path.split(['/', '?']).any(|part| named(part) || keyed(part)) && !path.contains("from=")
}

/// Those who read the log see entries of others too, each in a view of their own; no link is needed.
fn shared_by_rule(account: &str, path: &str) -> bool {
    matches!(account, "acc-14" | "acc-15" | "acc-20") && path.starts_with("/audit/")
}
