//! Walking through every page a visitor's own links lead to, as each person of the cast.

use crate::demo::Demo;
use crate::visitor::{Answer, Visitor};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Everybody of the demo, with the hat to put on where there are several.
pub const CAST: [(&str, Option<&str>); 21] = [
    ("acc-01", None),
    ("acc-02", None),
    ("acc-03", None),
    ("acc-04", None),
    ("acc-05", Some("hat-fmh")),
    ("acc-06", None),
    ("acc-07", None),
    ("acc-08", None),
    ("acc-09", None),
    ("acc-10", None),
    ("acc-11", None),
    ("acc-12", None),
    ("acc-13", None),
    ("acc-14", None),
    ("acc-15", None),
    ("acc-16", None),
    ("acc-17", None),
    ("acc-18", None),
    ("acc-19", None),
    ("acc-20", None),
    ("acc-30", None),
];
/// Pages one visitor opens at most; every role has fewer than this.
const PAGES_MAX: usize = 150;
/// Searches of the log that the crawl opens besides what links lead to.
pub const SEARCHES: [&str; 3] = [
    "/audit?from=2026-09-01&to=2026-12-31",
    "/audit/charts?from=2026-09-01&to=2026-12-31",
    "/audit/questions/Q6?from=2026-09-01&to=2026-12-31",
];

/// Signs in as somebody of the cast, with the hat on.
pub fn enter(demo: &Demo, account: &str, hat: Option<&str>) -> Visitor {
    let mut visitor = Visitor::walking(demo, account);
    if let Some(hat) = hat {
        let word = visitor.get("/hat").word();
        assert_eq!(visitor.post("/hat", &[("hat", hat), ("word", &word)]).status, 303);
    }
    visitor
}

/// States a purpose for each family of a visitor, for the `nth` time another one; false when there is none left.
pub fn state_purposes(visitor: &mut Visitor, nth: usize) -> bool {
    let list = visitor.get("/families");
    if list.status != 200 {
        return false;
    }
    let mut stated = false;
    let families: BTreeSet<String> = hrefs(&list.body).into_iter().filter(|l| is_family(l)).collect();
    for family in families {
        let id = family.trim_start_matches("/families/").to_owned();
        let form = visitor.get(&format!("/families/{id}/purpose"));
        let choices: Vec<String> = form
            .body
            .split("name=\"purpose\"")
            .skip(1)
            .filter_map(|r| r.split("value=\"").nth(1).and_then(|v| v.split('"').next()))
            .map(str::to_owned)
            .collect();
        if let Some(purpose) = choices.get(nth) {
            let word = form.word();
            let path = format!("/families/{id}/purpose");
            let done = visitor.post(&path, &[("purpose", purpose), ("word", &word)]);
            stated |= done.status == 303;
        }
    }
    stated
}

fn is_family(link: &str) -> bool {
    link != "/families/search" && link.starts_with("/families/") && link.matches('/').count() == 2
}

/// Every link of a page to another page of ours.
pub fn hrefs(body: &str) -> Vec<String> {
    let links = body.split("href=\"").skip(1).filter_map(|r| r.split('"').next());
    let own = links.filter(|l| l.starts_with('/') && !l.starts_with("/style/"));
    own.map(|l| l.replace("&amp;", "&").replace("&#38;", "&").split('#').next().unwrap().to_owned()).collect()
}

/// Every address a form of a page is sent to.
pub fn actions(body: &str) -> Vec<String> {
    body.split("action=\"").skip(1).filter_map(|r| r.split('"').next()).map(str::to_owned).collect()
}

/// Every page that links lead to, by address.
pub fn crawl(visitor: &mut Visitor) -> BTreeMap<String, Answer> {
    let mut seen = BTreeMap::new();
    let mut queue: VecDeque<String> = VecDeque::from(["/".to_owned()]);
    queue.extend(SEARCHES.map(str::to_owned));
    while let Some(path) = queue.pop_front() {
        if seen.contains_key(&path) || seen.len() >= PAGES_MAX {
            continue;
        }
        let answer = visitor.get(&path);
        if answer.status == 200 {
            queue.extend(hrefs(&answer.body));
        }
        let on = answer.header("location").to_owned();
        if answer.status == 303 && on.starts_with('/') {
            queue.push_back(on);
        }
        seen.insert(path, answer);
    }
    seen.retain(|_, a| a.status == 200);
    seen
}
