//! A real Chromium, driven over WebDriver.
//!
//! The protocol is a dozen JSON requests, spoken here with the HTTP client the program already has: a driver crate would
//! bring some hundred packages for them.
//!
//! # Source
//! W3C WebDriver Level 2.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// axe-core, injected into each page (MPL-2.0, for tests only).
const AXE: &str = include_str!("axe.min.js");
/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long a page may take to come before a test fails; a page takes well under a second.
const NAVIGATION_MAX: Duration = Duration::from_secs(60);

/// Whether this machine has a browser and its driver; said aloud when it has not.
pub fn there_is_one() -> bool {
    if std::env::var("SOLENT_TEST_BROWSER").is_ok_and(|v| v == "none") {
        println!("skipped: browser tests, left out");
        return false;
    }
    let found = ["chromium", "chromedriver"].iter().all(|name| Command::new(name).arg("--version").output().is_ok());
    if !found {
        println!("skipped: browser tests, no chromium and chromedriver here");
    }
    found
}

/// One driver with one browser window.
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// Opens one; `scripts` says whether pages may run any.
    pub fn open(scripts: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines
            .filter(|line| line.contains("started successfully"))
            .filter_map(|line| line.split("on port ").nth(1).map(|rest| rest.trim_end_matches('.').to_owned()))
            .find_map(|port| port.trim().parse::<u16>().ok())
            .expect("chromedriver names its port");
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        let profile = std::env::temp_dir().join(format!("solent-browser-{}", uuid::Uuid::now_v7()));
        let mut args = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        if !scripts {
            args.push("--blink-settings=scriptEnabled=false".to_owned());
        }
        let body = json!({"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": {"args": args},
        }}});
        let root = format!("http://127.0.0.1:{port}/session");
        let answer = call(&agent, &root, Some(&body));
        let id = answer["sessionId"].as_str().expect("a session").to_owned();
        Self { driver, agent, session: format!("{root}/{id}"), profile }
    }
    fn post(&self, what: &str, body: &Value) -> Value {
        call(&self.agent, &format!("{}/{what}", self.session), Some(body))
    }
    fn get(&self, what: &str) -> Value {
        call(&self.agent, &format!("{}/{what}", self.session), None)
    }
    /// Goes to an address.
    pub fn go(&self, url: &str) {
        self.post("url", &json!({"url": url}));
    }
    /// The path it is at.
    pub fn path(&self) -> String {
        let url = self.get("url").as_str().unwrap_or_default().to_owned();
        url.splitn(4, '/').nth(3).map(|p| format!("/{p}")).unwrap_or_default()
    }
    /// Makes the window so many CSS pixels wide.
    pub fn width(&self, pixels: u32) {
        let size = json!({"cmd": "Emulation.setDeviceMetricsOverride",
            "params": {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": false}});
        self.post("goog/cdp/execute", &size);
    }
    /// The element a CSS selector finds.
    fn element(&self, css: &str) -> String {
        let found = self.post("element", &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {css} on {}: {found}", self.path())).to_owned()
    }
    /// Clicks. What is no field leads to another page: that page is waited for.
    pub fn click(&self, css: &str) {
        let element = self.element(css);
        let before = self.element("html");
        let field = self.get(&format!("element/{element}/name")) == json!("input");
        self.post(&format!("element/{element}/click"), &json!({}));
        let began = Instant::now();
        let gone = || try_call(&self.agent, &format!("{}/element/{before}/name", self.session), None).is_err();
        while !field && !gone() {
            assert!(began.elapsed() < NAVIGATION_MAX, "nothing came of clicking {css} on {}", self.path());
        }
    }
    /// Types.
    pub fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.post(&format!("element/{element}/value"), &json!({"text": text}));
    }
    /// Sets a field whose typing depends on the browser's language, such as a day.
    pub fn set(&self, css: &str, value: &str) {
        let script = format!("document.querySelector('{css}').value = '{value}'");
        self.run(&script);
    }
    /// Presses the Tab key.
    pub fn press_tab(&self) {
        self.press("\u{e004}");
    }
    /// Presses Enter, and waits for the page it leads to.
    pub fn press_enter(&self) {
        let before = self.element("html");
        self.press("\u{e007}");
        let began = Instant::now();
        while try_call(&self.agent, &format!("{}/element/{before}/name", self.session), None).is_ok() {
            assert!(began.elapsed() < NAVIGATION_MAX, "nothing came of Enter on {}", self.path());
        }
    }
    fn press(&self, key: &str) {
        let keys = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.post("actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]}));
    }
    /// Tabs until this has the focus.
    pub fn keys_to(&self, css: &str) {
        let script = format!("return document.activeElement === document.querySelector('{css}')");
        for _ in 0..200 {
            if self.run(&script) == json!(true) {
                return;
            }
            self.press_tab();
        }
        panic!("Tab never reaches {css} on {}", self.path());
    }
    /// A window of so many pixels at so many times the usual size.
    pub fn zoom(&self, pixels: u32, times: u32) {
        let size = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": pixels / times, "height": 1024 / times, "deviceScaleFactor": times, "mobile": false}});
        self.post("goog/cdp/execute", &size);
    }
    /// Loads the page again.
    pub fn refresh(&self) {
        self.post("refresh", &json!({}));
    }
    /// The text of the first element.
    pub fn text(&self, css: &str) -> String {
        let element = self.element(css);
        self.get(&format!("element/{element}/text")).as_str().unwrap_or_default().to_owned()
    }
    /// Runs a script of ours in the page.
    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({"script": script, "args": []}))
    }
    /// Keeps a picture of the whole page, if `SOLENT_SCREENSHOTS` names a folder for them.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SOLENT_SCREENSHOTS") else { return };
        let shot = json!({"cmd": "Page.captureScreenshot", "params": {"captureBeyondViewport": true}});
        let data = self.post("goog/cdp/execute", &shot);
        use base64::Engine as _;
        let png = base64::engine::general_purpose::STANDARD.decode(data["data"].as_str().unwrap_or_default()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
    /// What axe finds wrong on this page under WCAG 2.2 AA: rule and place, none of the page's words.
    pub fn violations(&self) -> Vec<String> {
        self.run(AXE);
        let script = "const done = arguments[arguments.length - 1];\
            axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa']}})\
            .then(r => done(r.violations.map(v => v.id + ' at ' + v.nodes.map(n => n.target.join(' ')).join(', '))))\
            .catch(e => done(['axe failed: ' + e]));";
        let found = self.post("execute/async", &json!({"script": script, "args": []}));
        let found = found.as_array().expect("axe answers with a list");
        found.iter().map(|v| v.as_str().unwrap_or("?").to_owned()).collect()
    }
    /// Whether the page scrolls sideways: nothing may at 320 pixels (WCAG 1.4.10).
    pub fn scrolls_sideways(&self) -> bool {
        self.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth") == json!(true)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn call(agent: &ureq::Agent, url: &str, body: Option<&Value>) -> Value {
    try_call(agent, url, body).unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// One request of the protocol; an error is what the driver says went wrong.
fn try_call(agent: &ureq::Agent, url: &str, body: Option<&Value>) -> Result<Value, Value> {
    let answer = match body {
        Some(body) => agent.post(url).header("content-type", "application/json").send(body.to_string()),
        None => agent.get(url).call(),
    };
    let text = answer.unwrap().body_mut().read_to_string().unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let value = all["value"].clone();
    if value.get("error").is_some() { Err(value) } else { Ok(value) }
}
