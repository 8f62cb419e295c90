//! Every page in every state, in a real browser: axe, three widths, with and without scripts, pictures kept.

use crate::browser::{self, Browser};
use crate::demo::Demo;

/// 320 pixels is also what 1,280 pixels are at 400 % zoom (WCAG 1.4.10).
const WIDTHS: [u32; 3] = [320, 768, 1280];

/// Looks at the page the browser is at, at every width; returns what is wrong.
pub fn look(browser: &Browser, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    // What is wrong with a form is where the reader is, before anything is pressed.
    let elsewhere = "const e = document.querySelector('#errors'); return e !== null && document.activeElement !== e";
    if browser.run(elsewhere) != serde_json::json!(false) {
        wrong.push(format!("{name}: the focus is not on what is wrong"));
    }
    for width in WIDTHS {
        browser.width(width);
        wrong.extend(browser.violations().into_iter().map(|v| format!("{name} at {width}: {v}")));
        if browser.scrolls_sideways() {
            wrong.push(format!("{name} at {width}: scrolls sideways"));
        }
        browser.picture(&format!("{name}-{width}"));
    }
    if browser.run("return document.querySelectorAll('h1').length") != serde_json::json!(1) {
        wrong.push(format!("{name}: not exactly one main heading"));
    }
    wrong
}

#[test]
fn every_page_passes_axe_at_every_width() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    let browser = Browser::open(true);
    let mut wrong = Vec::new();
    let go = |path: &str| browser.go(&format!("{}{path}", demo.base));
    for (path, name) in [("/demo", "demo"), ("/sign-in", "sign-in"), ("/nowhere-at-all", "missing")] {
        go(path);
        wrong.extend(look(&browser, name));
    }
    go("/sign-in");
    for (field, text) in [("#name", "nobody"), ("#password", "not the password"), ("#code", "123456")] {
        browser.type_into(field, text);
    }
    browser.click("main button");
    wrong.extend(look(&browser, "sign-in-failed"));

    go("/demo");
    browser.click("button[class=row]");
    assert_eq!(browser.path(), "/families");
    wrong.extend(look(&browser, "families"));
    browser.click("tbody a");
    wrong.extend(look(&browser, "purpose"));
    browser.click("#purpose-2");
    browser.click("main button");
    wrong.extend(look(&browser, "family"));
    browser.click("main .button");
    wrong.extend(look(&browser, "chronology"));
    // Two hats: one has to be chosen before anything else.
    browser.click(".out button");
    go("/demo");
    browser.click("li:nth-child(5) button");
    assert_eq!(browser.path(), "/hat");
    wrong.extend(look(&browser, "hat"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_task_works_without_scripts() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    let browser = Browser::open(false);
    browser.go(&format!("{}/demo", demo.base));
    browser.click("button[class=row]");
    browser.click("tbody a");
    browser.click("#purpose-2");
    browser.click("main button");
    assert_eq!(browser.path(), "/families/case-01");
    browser.click("main .button");
    assert_eq!(browser.path(), "/families/case-01/chronology");
    browser.click(".out button");
    assert_eq!(browser.path(), "/sign-in");
}
