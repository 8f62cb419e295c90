//! Without a mouse: Tab reaches everything in the order it is read, focus is seen, nothing holds it; at 400 % all is there.

use crate::audit::{AUDITOR, SPAN};
use crate::browser::{self, Browser};
use crate::demo::Demo;

/// Stops of the Tab key on one page at most.
const STOPS_MAX: usize = 400;

/// Stops of the Tab key within one field at most.
const STOPS_WITHIN_MAX: usize = 6;

/// Everything that takes the focus, in the order of the page.
const FOCUSABLE: &str = "return Array.from(document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [tabindex=\"0\"]'))\
    .filter(e => e.offsetParent !== null || e.classList.contains('skip')).length";
/// What has the focus: its place in the page, whether it is seen, whether something marks it.
const FOCUSED: &str = "const e = document.activeElement; if (!e || e === document.body) return null;\
    const all = Array.from(document.querySelectorAll('*')); const r = e.getBoundingClientRect(); const s = getComputedStyle(e);\
    const top = document.elementFromPoint(Math.max(0, r.left + Math.min(r.width, 8) / 2), Math.max(0, r.top + Math.min(r.height, 8) / 2));\
    return [all.indexOf(e), r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0,\
    s.outlineStyle !== 'none' || s.backgroundColor === 'rgb(255, 210, 63)', !top || e.contains(top) || top.contains(e)]";

/// Tabs through the page the browser is at; what is wrong.
pub fn tab_through(browser: &Browser, name: &str) -> Vec<String> {
    let count = browser.run(FOCUSABLE).as_u64().unwrap();
    let mut wrong = Vec::new();
    let mut places: Vec<i64> = Vec::new();
    let mut within = 0;
    for _ in 0..STOPS_MAX {
        browser.press_tab();
        let at = browser.run(FOCUSED);
        let Some(place) = at[0].as_i64() else { break };
        if places.first() == Some(&place) {
            break;
        }
        // A field of a day has stops of its own for day, month, year and the calendar.
        within = if places.last() == Some(&place) { within + 1 } else { 0 };
        if (1..STOPS_WITHIN_MAX).contains(&within) {
            continue;
        }
        if places.contains(&place) {
            wrong.push(format!("{name}: the focus is held at element {place}"));
            break;
        }
        for (what, index) in [("cannot be seen", 1), ("is not marked", 2), ("is covered", 3)] {
            if at[index] != serde_json::json!(true) {
                wrong.push(format!("{name}: the focus at element {place} {what}"));
            }
        }
        places.push(place);
    }
    if !places.is_sorted() {
        wrong.push(format!("{name}: Tab goes another way than the page is read: {places:?}"));
    }
    // One stop for a group of radio buttons, one or more for a field of days: never fewer than half.
    if (places.len() as u64) * 2 < count {
        wrong.push(format!("{name}: Tab stops {} times at {count} things", places.len()));
    }
    println!("{name}: Tab stops at {} of {count}: {places:?}", places.len());
    wrong
}

#[test]
fn everything_is_reached_and_done_with_the_keyboard_alone() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    let browser = Browser::open(true);
    browser.width(1280);
    let mut wrong = Vec::new();
    let go = |path: &str| browser.go(&format!("{}{path}", demo.base));
    for path in ["/demo", "/sign-in"] {
        go(path);
        wrong.extend(tab_through(&browser, path));
    }
    for (account, paths) in [
        ("acc-01", vec!["/families".to_owned(), "/families/case-01/purpose".to_owned()]),
        ("acc-08", vec!["/concerns".to_owned(), "/concerns/new/danger".to_owned(), "/concerns/new/child".to_owned()]),
        ("acc-10", vec!["/surgery".to_owned()]),
        (
            AUDITOR,
            vec![
                format!("/audit?{SPAN}&event=view"),
                "/audit/questions".to_owned(),
                format!("/audit/questions/Q6?{SPAN}"),
                format!("/audit/charts?{SPAN}"),
                "/audit/integrity".to_owned(),
                "/audit/export".to_owned(),
            ],
        ),
    ] {
        go("/demo");
        browser.click(&format!("input[value='{account}'] + button"));
        for path in paths {
            go(&path);
            wrong.extend(tab_through(&browser, &path));
        }
    }
    // A task from the first to the last key: an entry is found, opened and marked as reviewed.
    go(&format!("/audit?{SPAN}&event=view"));
    browser.keys_to("tbody a");
    browser.press_enter();
    browser.keys_to("button[value=reviewed]");
    browser.press_enter();
    assert!(browser.text("main").contains("Reviewed: Frances Holt"), "by keyboard alone");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn at_four_hundred_percent_nothing_is_lost_and_nothing_scrolls_sideways() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    let browser = Browser::open(true);
    let mut wrong = Vec::new();
    let go = |path: &str| browser.go(&format!("{}{path}", demo.base));
    for (account, paths) in [
        ("acc-01", vec!["/families".to_owned()]),
        ("acc-08", vec!["/concerns/new/danger".to_owned()]),
        (AUDITOR, vec![format!("/audit?{SPAN}"), format!("/audit/charts?{SPAN}"), "/audit/integrity".to_owned()]),
    ] {
        go("/demo");
        browser.click(&format!("input[value='{account}'] + button"));
        for path in paths {
            go(&path);
            browser.zoom(1280, 1);
            let words =
                |b: &Browser| b.run("return document.querySelector('main').innerText.replace(/\\s+/g, '').length");
            let whole = words(&browser);
            browser.zoom(1280, 4);
            if browser.scrolls_sideways() {
                wrong.push(format!("{path} scrolls sideways"));
            }
            let (near, far) = (words(&browser).as_i64().unwrap(), whole.as_i64().unwrap());
            if near < far * 9 / 10 {
                wrong.push(format!("{path}: {near} letters of {far} are left"));
            }
            wrong.extend(browser.violations().into_iter().map(|v| format!("{path} at 400 %: {v}")));
            browser.picture(&format!("zoom{}", path.split('?').next().unwrap().replace('/', "-")));
            browser.zoom(1280, 1);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_console_works_without_scripts() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    crate::audit::a_worker_looks(&demo);
    let browser = Browser::open(false);
    browser.go(&format!("{}/demo", demo.base));
    browser.click(&format!("input[value='{AUDITOR}'] + button"));
    browser.click("main form[action='/audit'] button");
    browser.go(&format!("{}/audit?{SPAN}&event=view", demo.base));
    browser.click("tbody a");
    browser.type_into("#text", "Looked at.");
    browser.click("button[value=reviewed]");
    browser.go(&format!("{}/audit/integrity", demo.base));
    browser.click("form[action$=again] button");
    assert_eq!(browser.path(), "/audit/integrity/again");
    browser.go(&format!("{}/audit/charts", demo.base));
    browser.click("main form button");
    assert!(browser.path().starts_with("/audit/charts?from="));
}
