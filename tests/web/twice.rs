//! Every form there is, sent twice: one after the other from the same page, and two at once. The routes are read from the
//! sources, so that a new form cannot be forgotten.

use crate::crawl::{CAST, SEARCHES, enter, hrefs, state_purposes};
use crate::demo::Demo;
use crate::routes::routes;
use crate::visitor::{Answer, Visitor};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Forms that are answered with what was asked for, or that begin or end a session: sent twice they show it twice.
const NO_DEED: [&str; 8] = [
    "/demo",
    "/sign-in",
    "/sign-out",
    "/families/search",
    "/audit/export",
    "/audit/reidentify/{request}/look",
    "/audit/integrity/again",
    "/audit/integrity/check",
];
/// Forms that the walk does not come to, or that would end what others of the walk work with: they have a story of their own.
const IN_A_STORY: [&str; 5] = [
    "/claims/{person}",
    "/delegating/delegations/{delegation}/end",
    "/drafts/{draft}/again",
    "/drafts/{draft}/{version}",
    "/families/{family}/protect",
];
/// Forms that neither comes to, as they stand at the end of a story of several people. They pass the same door: every form's
/// route is added by `Routes::post`.
const AT_THE_END_OF_A_STORY: [&str; 3] =
    ["/permissions/{permission}/{act}", "/review/alerts/{alert}", "/review/matches/{match}"];
const ASSISTANT: &str = "acc-17";
/// Who comes once more, to answer what was asked: in this order what one does is there for the next.
const AGAIN: [&str; 12] = [
    "acc-01", "acc-17", "acc-01", "acc-17", "acc-07", "acc-12", "acc-10", "acc-08", "acc-10", "acc-14", "acc-20",
    "acc-15",
];
/// Pages one visitor looks at.
const PAGES_MAX: usize = 120;
/// How often one kind of form is sent.
const EACH_MAX: usize = 2;
/// How often pages of one kind of form that has several are.
const STEPS_MAX: usize = 40;

/// A form of a page.
struct Form {
    action: String,
    file: bool,
    fields: Vec<(String, Vec<String>)>,
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    let value = rest.split('"').next()?;
    Some(value.replace("&#38;", "&").replace("&amp;", "&").replace("&#39;", "'").replace("&#34;", "\""))
}

/// What could be typed into a field without options.
fn typed(name: &str, day: bool, nth: usize) -> String {
    match name {
        "entry_when" | "when" | "seen_on" => "2026-10-12".to_owned(),
        "born" => "2018-04-09".to_owned(),
        "upn" => "V899200116001".to_owned(),
        _ if day && nth == 0 => "2027-03-31".to_owned(),
        _ if day => "2026-10-12".to_owned(),
        _ => format!("Walked {name}"),
    }
}

/// A reference of a person as it stands on a page of the log.
fn reference(body: &str) -> Option<String> {
    let found =
        body.split("s-").skip(1).find(|rest| rest.chars().take(24).filter(char::is_ascii_hexdigit).count() == 24)?;
    Some(format!("s-{}", &found[..24]))
}

/// The forms of a page that are sent with POST; `nth` chooses among options and ways to fill it in.
fn forms(body: &str, nth: usize) -> Vec<Form> {
    let mut found = Vec::new();
    for part in body.split("<form").skip(1) {
        let form = part.split("</form>").next().unwrap_or_default();
        let head = form.split('>').next().unwrap_or_default();
        if !head.contains("method=\"post\"") {
            continue;
        }
        let mut fields: Vec<(String, Vec<String>)> = Vec::new();
        for tag in form.split('<').skip(1) {
            let option = tag.starts_with("option");
            if !option && !["input", "textarea", "select", "button"].iter().any(|t| tag.starts_with(t)) {
                continue;
            }
            if option {
                if let (Some((_, values)), Some(value)) = (fields.last_mut(), attribute(tag, "value")) {
                    values.push(value);
                }
                continue;
            }
            let Some(name) = attribute(tag, "name") else { continue };
            let kind = attribute(tag, "type").unwrap_or_default();
            let value = attribute(tag, "value").unwrap_or_default();
            let choice = matches!(kind.as_str(), "radio" | "checkbox") || tag.starts_with("button");
            match fields.iter_mut().find(|(n, _)| *n == name) {
                Some((_, values)) if choice => values.push(value),
                _ if tag.starts_with("select") => fields.push((name, Vec::new())),
                _ if choice || kind == "hidden" => fields.push((name, vec![value])),
                _ if kind == "file" => {}
                _ => {
                    let text = typed(&name, kind == "date", nth);
                    fields.push((name, vec![text]));
                }
            }
        }
        let action = attribute(head, "action").unwrap_or_default();
        found.push(Form { action, file: form.contains("type=\"file\""), fields });
    }
    found
}

impl Form {
    /// One way to fill it in: the first option of each question, or the last.
    fn filled(&self, nth: usize) -> Vec<(&str, &str)> {
        let chosen = self.fields.iter().filter_map(|(name, values)| {
            let value = if nth == 0 { values.first() } else { values.last() };
            Some((name.as_str(), value?.as_str()))
        });
        chosen.collect()
    }
    fn send(&self, visitor: &mut Visitor, nth: usize) -> Answer {
        if self.file {
            let word = self.fields.iter().find(|(n, _)| n == "word").map(|(_, v)| v[0].clone()).unwrap();
            return visitor.post_file(&self.action, &word, "map.pdf", b"%PDF-1.7 twice");
        }
        visitor.post(&self.action, &self.filled(nth))
    }
}

/// The route that an address belongs to.
fn route_of<'a>(posts: &'a BTreeSet<String>, path: &str) -> Option<&'a str> {
    let fits = |route: &&String| {
        let (route, path): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), path.split('/').collect());
        route.len() == path.len() && route.iter().zip(&path).all(|(r, p)| r.starts_with('{') || r == p)
    };
    posts.iter().filter(fits).min_by_key(|route| route.matches('{').count()).map(String::as_str)
}

/// How many entries the log has.
fn entries(demo: &Demo) -> i64 {
    let path = demo.file("solent.db");
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        use sqlx::{Connection as _, Row as _};
        let mut db = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        sqlx::query("SELECT count(*) FROM log_entry").fetch_one(&mut db).await.unwrap().get(0)
    })
}

/// Sends one form twice in one of the two ways; the first answer, and by how many entries the log grew.
fn send_twice(demo: &Demo, visitor: &mut Visitor, form: &Form, nth: usize, at_once: bool) -> (Answer, i64) {
    let before = entries(demo);
    let mut twin = Visitor::new(demo);
    twin.cookie.clone_from(&visitor.cookie);
    let (one, two, grown) = if at_once {
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(|| form.send(&mut twin, nth));
            (form.send(visitor, nth), other.join().unwrap())
        });
        (one, two, entries(demo) - before)
    } else {
        let one = form.send(visitor, nth);
        let grown = entries(demo) - before;
        if one.status != 303 {
            return (one, grown);
        }
        let two = form.send(&mut twin, nth);
        assert_eq!(entries(demo) - before, grown, "{}: the second sending did something", form.action);
        (one, two, grown)
    };
    if [one.status, two.status].contains(&303) {
        let (first, second) = (one.header("location"), two.header("location"));
        assert_eq!((one.status, first), (two.status, second), "{}: two answers", form.action);
    }
    (one, grown)
}

/// What came of a kind of form: its deeds, by growth of the log.
type Sent = BTreeMap<String, Vec<i64>>;

fn walk(demo: &Demo, posts: &BTreeSet<String>, at_once: bool) -> Sent {
    let mut sent = Sent::new();
    // Twice around: what one asks for, another answers.
    // An assistant's forms make other things than the same forms do for others.
    let mut each: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for (round, (account, hat)) in CAST.into_iter().chain(AGAIN.map(|account| (account, None))).enumerate() {
        let again = round >= CAST.len();
        let mut visitor = enter(demo, account, hat);
        // Another purpose, where there is one, shows other pages.
        if !(again && state_purposes(&mut visitor, 1)) {
            state_purposes(&mut visitor, 0);
        }
        let mut queue = VecDeque::from(["/".to_owned()]);
        queue.extend(SEARCHES.map(str::to_owned));
        let (mut seen, mut known_reference) = (BTreeSet::new(), None);
        while let Some(path) = queue.pop_front() {
            if seen.len() >= PAGES_MAX || !seen.insert(path.clone()) {
                continue;
            }
            let page = visitor.get(&path);
            if page.status == 303 {
                queue.push_back(page.header("location").to_owned());
            }
            // The log last: it has a page for everything the others do.
            for link in hrefs(&page.body) {
                if link.starts_with("/audit") { queue.push_back(link) } else { queue.push_front(link) }
            }
            known_reference = known_reference.or_else(|| reference(&page.body));
            let count = forms(&page.body, 0).len();
            for at in 0..count {
                for way in 0..2 {
                    // As somebody who looks at the page again before each form.
                    let fresh = visitor.get(&path);
                    let Some(form) = forms(&fresh.body, way).into_iter().nth(at) else { break };
                    let Some(route) = route_of(posts, &form.action) else { break };
                    let mine = (route.to_owned(), account == ASSISTANT);
                    let known = each.get(&mine).copied().unwrap_or_default();
                    let nth = if route.contains("{step}") { way } else { (way + known) % 2 };
                    let mut form = forms(&fresh.body, nth).remove(at);
                    if let Some(reference) = known_reference.clone().filter(|_| route == "/audit/reidentify") {
                        form.fields
                            .iter_mut()
                            .filter(|(n, _)| n == "subject")
                            .for_each(|(_, v)| *v = vec![reference.clone()]);
                    }
                    // What is opened to an assistant stays open until everybody has worked with it.
                    if round < CAST.len() + 4 && route.ends_with("/end") {
                        break;
                    }
                    // A form of several pages is walked to its end.
                    let most = if route.contains("{step}") { STEPS_MAX } else { EACH_MAX };
                    let elsewhere = NO_DEED.contains(&route) || route.ends_with("/protect") || route == "/hat";
                    if known >= most || elsewhere {
                        break;
                    }
                    let (answer, grown) = send_twice(demo, &mut visitor, &form, nth, at_once);
                    if answer.status == 303 {
                        sent.entry(route.to_owned()).or_default().push(grown);
                        *each.entry(mine).or_default() += 1;
                        let on = answer.header("location").to_owned();
                        seen.remove(&on);
                        queue.push_front(on);
                        break;
                    }
                    assert!(answer.status < 500, "{}: {}", form.action, answer.status);
                }
            }
        }
    }
    sent
}

#[test]
fn every_form_sent_twice_or_two_at_once_is_done_once() {
    let posts: BTreeSet<String> = routes().into_iter().filter(|(_, post)| *post).map(|(path, _)| path).collect();
    let after_each_other = walk(&Demo::start(), &posts, false);
    let at_once = walk(&Demo::start(), &posts, true);
    for (route, grown) in &after_each_other {
        assert_eq!(at_once.get(route), Some(grown), "{route}: two at once did more or less than one");
    }
    let reached: Vec<&&str> = AT_THE_END_OF_A_STORY.iter().filter(|p| after_each_other.contains_key(**p)).collect();
    assert!(reached.is_empty(), "the walk comes to these: {reached:?}");
    let left: Vec<&String> = posts
        .iter()
        .filter(|p| !after_each_other.contains_key(*p) && *p != "/hat")
        .filter(|p| !NO_DEED.contains(&p.as_str()) && !IN_A_STORY.contains(&p.as_str()))
        .filter(|p| !AT_THE_END_OF_A_STORY.contains(&p.as_str()))
        .collect();
    assert!(left.is_empty(), "never sent: {left:?}");
}

/// The form of a page whose address holds this, filled in one way.
fn form_of(visitor: &mut Visitor, page: &str, part: &str) -> Form {
    let body = visitor.get(page).body;
    forms(&body, 0).into_iter().find(|f| f.action.contains(part)).unwrap_or_else(|| panic!("{page} has no {part}"))
}

impl Form {
    /// Its first button instead of the second.
    fn without_also(mut self) -> Self {
        self.fields.retain(|(name, _)| name != "also");
        self
    }
}

/// An assistant's draft goes back and forth and is confirmed; the delegation ends; somebody found is claimed; a case becomes
/// child protection.
fn tell(demo: &Demo, at_once: bool) -> Vec<(&'static str, i64)> {
    let mut told = Vec::new();
    let mut twice = |visitor: &mut Visitor, route, form: Form| {
        let (answer, grown) = send_twice(demo, visitor, &form, 0, at_once);
        assert_eq!(answer.status, 303, "{route}: {}", answer.body);
        assert!(grown > 0, "{route} did nothing");
        told.push((route, grown));
    };
    let (mut worker, mut assistant) = (enter(demo, "acc-01", None), enter(demo, ASSISTANT, None));
    worker.state("case-01", "CIN");
    let delegate = form_of(&mut worker, "/delegating", "/delegating/delegations");
    assert_eq!(delegate.send(&mut worker, 0).status, 303);
    assistant.state("case-01", "CIN");
    let entry = form_of(&mut assistant, "/families/case-01/entry", "/entry/");
    assert_eq!(entry.send(&mut assistant, 0).header("location"), "/drafts");
    let list = assistant.get("/drafts").body;
    let draft = hrefs(&list).into_iter().find(|href| href.starts_with("/drafts/")).expect("a draft");
    let back = form_of(&mut worker, &draft, "/drafts/");
    twice(&mut worker, "back", back);
    let again = form_of(&mut assistant, &draft, "/again").without_also();
    twice(&mut assistant, "again", again);
    let confirm = form_of(&mut worker, &draft, "/drafts/").without_also();
    twice(&mut worker, "confirm", confirm);
    assert_eq!(worker.get("/families/case-01/chronology").body.matches("Walked entry_account").count(), 1);
    let end = form_of(&mut worker, "/delegating", "/end");
    twice(&mut worker, "end", end);
    let protect = form_of(&mut worker, "/families/case-01/protect", "/protect");
    twice(&mut worker, "protect", protect);
    let mut clinician = enter(demo, "acc-07", None);
    let word = clinician.get("/families/search").word();
    let found = [("scheme", "nhs-number"), ("number", "9990000050"), ("word", &word)];
    assert_eq!(clinician.post("/families/search", &found).status, 200);
    let claim = form_of(&mut clinician, "/claims/p-05", "/claims/");
    twice(&mut clinician, "claim", claim);
    told
}

#[test]
fn forms_at_the_end_of_a_story_sent_twice_or_two_at_once_are_done_once() {
    let after_each_other = tell(&Demo::start(), false);
    assert_eq!(tell(&Demo::start(), true), after_each_other, "two at once did more or less than one");
}

/// Choosing a hat ends the old session: the second click still holds its cookie, and lands where the first did.
#[test]
fn a_hat_chosen_twice_is_one_choice_and_the_old_session_is_over() {
    let demo = Demo::start();
    let mut visitor = Visitor::walking(&demo, "acc-05");
    let old = visitor.cookie.clone();
    let word = visitor.get("/hat").word();
    let none = visitor.post("/hat", &[("word", word.as_str())]);
    assert!(none.status == 422 && none.body.contains("href=\"#hat-1\""), "nothing chosen is said");
    let fields = [("hat", "hat-fmh"), ("word", word.as_str())];
    let mut twin = Visitor::new(&demo);
    twin.cookie.clone_from(&old);
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(|| twin.post("/hat", &fields));
        (visitor.post("/hat", &fields), other.join().unwrap())
    });
    assert_eq!((one.status, two.status, one.header("location")), (303, 303, two.header("location")));
    assert!(one.cookies == two.cookies && visitor.cookie == twin.cookie && visitor.cookie != old);
    assert_eq!(visitor.get("/families").status, 200);
    let mut late = Visitor::new(&demo);
    late.cookie = old;
    assert_eq!(late.get("/families").header("location"), "/sign-in", "the old session opens nothing");
}

/// Two windows: both pages were there before either form was sent. A page made since is meant.
#[test]
fn the_same_words_from_a_second_window_are_not_said_twice_and_from_a_later_page_they_are() {
    let demo = Demo::start();
    let mut volunteer = enter(&demo, "acc-19", None);
    let note = |page: &Answer| forms(&page.body, 0).into_iter().find(|f| f.action.ends_with("/note")).expect("a note");
    let (window, other) = (note(&volunteer.get("/brief")), note(&volunteer.get("/brief")));
    let said = |visitor: &mut Visitor| visitor.get("/brief").body.matches("Walked visit_note").count();
    for form in [&window, &other, &window] {
        assert_eq!(form.send(&mut volunteer, 0).status, 303);
        assert_eq!(said(&mut volunteer), 1);
    }
    let later = note(&volunteer.get("/brief"));
    assert_eq!(later.send(&mut volunteer, 0).status, 303);
    assert_eq!(said(&mut volunteer), 2, "the same words on another day are another note");
}
