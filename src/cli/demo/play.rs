//! Playing the story: real clients over mutual TLS, each answer compared with what the story says, the log verified.

use super::partnership::{Folder, Made};
use super::story::{self, Ask, Collect, Decided, Send, Step, Story};
use crate::audit::Payload;
use crate::cli::serve::Running;
use crate::cli::{Exit, Outcome, print};
use crate::clock::{Clock, Moment};
use crate::diagnostic::{Diagnostic, code};
use crate::ident::{AccountId, EntryId, HatId, SystemId};
use crate::peer::{Answer, Call, Client, Method};
use crate::trust::{Claims, sign};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Who registers the partnership's facts in the demo.
const REGISTRAR: &str = "demo-registrar";
/// How long the demo's user assertions hold, in seconds: long enough to try the printed commands.
const ASSERTION_SECONDS: i64 = 80_000;

/// What the gateway does when the story is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    /// Stops; nothing but the partnership is left in its folder.
    Stops,
    /// Stays up, with example questions beside the configuration.
    StaysUp,
}

/// Plays every step, then verifies the log.
pub async fn play(
    folder: &Folder,
    story: &Story,
    made: &Made,
    running: &Running,
    clock: &Clock,
    after: After,
) -> Outcome {
    let stage = Stage::new(story, made, running, clock)?;
    stage.register(&story::facts("partnership.yaml")?).await?;
    stage.register(&story::yaml("caseloads.yaml")?).await?;
    print(&format!("Solent demo: gateway on https://{}\n\n", running.address()))?;
    let mut wrong = 0_usize;
    for step in &story.steps {
        let faults = stage.step(step).await?;
        wrong += faults.len();
        for fault in faults {
            print(&format!("   NOT AS EXPECTED: {fault}\n"))?;
        }
    }
    wrong += usize::from(!stage.verify_log().await?);
    if after == After::StaysUp {
        stage.leave_examples(folder, story)?;
    }
    verdict(wrong)?;
    print("\nEvery step went as expected.\n")
}

/// How the demo ends when `wrong` steps did not go as the story says.
fn verdict(wrong: usize) -> Outcome {
    if wrong == 0 {
        return Ok(());
    }
    let text = format!("{wrong} steps did not go as expected");
    Err(Diagnostic::error(code::CLI_DEMO, text).into())
}

struct Stage<'a> {
    clients: BTreeMap<String, Arc<Client>>,
    made: &'a Made,
    running: &'a Running,
    clock: &'a Clock,
    people: BTreeMap<String, Value>,
}

impl<'a> Stage<'a> {
    fn new(story: &Story, made: &'a Made, running: &'a Running, clock: &'a Clock) -> Result<Self, Exit> {
        let base = format!("https://localhost:{}", running.address().port());
        let mut clients = BTreeMap::new();
        for system in &story.systems {
            let files = made.clients.get(&system.id).ok_or_else(|| Exit::Internal("a client is missing".to_owned()))?;
            let client = Client::new(&base, &files.chain, &files.key, &made.authority)
                .map_err(|e| Exit::Internal(e.to_string()))?;
            clients.insert(system.id.clone(), Arc::new(client));
        }
        let partnership = story::facts("partnership.yaml")?;
        let people = partnership.get("people").and_then(Value::as_array).into_iter().flatten();
        let people = people.filter_map(|p| Some((p.get("id")?.as_str()?.to_owned(), p.clone()))).collect();
        Ok(Self { clients, made, running, clock, people })
    }

    async fn register(&self, facts: &Value) -> Result<usize, Exit> {
        let by = AccountId::new(REGISTRAR);
        self.running.gateway().register(facts, &by).await.map_err(|e| Exit::Internal(e.to_string()))
    }

    /// Plays one step and says what went otherwise than expected.
    async fn step(&self, step: &Step) -> Result<Vec<String>, Exit> {
        if let Some(at) = &step.at {
            let at = Moment::parse(at).ok_or_else(|| Exit::Internal("a step's time".to_owned()))?;
            self.clock.set(at);
        }
        print(&format!("{}\n", step.say))?;
        if let Some(send) = &step.send {
            return self.send(send).await;
        }
        if let Some(file) = &step.facts {
            let count = self.register(&story::facts(file)?).await?;
            print(&format!("   recorded: {count}\n"))?;
            return Ok(Vec::new());
        }
        let (answer, who) = match (&step.ask, &step.collect) {
            (Some(ask), _) => (self.ask(ask).await?, format!("{} through {}", ask.hat, ask.system)),
            (None, Some(collect)) => (self.collect(collect).await?, collect.system.clone()),
            (None, None) => return Err(Exit::Internal("a step without an action".to_owned())),
        };
        self.judge(step, &answer, &who).await
    }

    async fn send(&self, send: &Send) -> Result<Vec<String>, Exit> {
        let body = story::file(&send.file)?.to_vec();
        let answer = self.post(&send.system, "/api/v1/messages", &send.content_type, body).await?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status != 202 {
            return Ok(vec![format!("status {} instead of 202: {}", answer.status, problem(&body))]);
        }
        let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or(0);
        let loss = body.get("loss").and_then(Value::as_array).map_or(0, Vec::len);
        print(&format!(
            "   accepted: {loss} record(s), {} person(s) recognised, waits in {} mailbox(es)\n",
            number("subjects_matched"),
            number("routed")
        ))?;
        Ok(Vec::new())
    }

    async fn ask(&self, ask: &Ask) -> Result<Answer, Exit> {
        let body = self.question(ask)?;
        self.post(&ask.system, "/api/v1/enquiries", "application/json", body.to_string().into_bytes()).await
    }

    /// What a connected system sends for its user: the question and the signed assertion.
    fn question(&self, ask: &Ask) -> Result<Value, Exit> {
        let files =
            self.made.clients.get(&ask.system).ok_or_else(|| Exit::Internal("a client is missing".to_owned()))?;
        let now = self.clock.now().millis().div_euclid(1000);
        let claims = Claims {
            iss: SystemId::new(ask.system.clone()),
            sub: AccountId::new(ask.account.clone()),
            hat: HatId::new(ask.hat.clone()),
            aud: self.running.gateway().config().origin.clone(),
            iat: now,
            exp: now + ASSERTION_SECONDS,
            jti: uuid::Uuid::now_v7().to_string(),
        };
        let person = self.people.get(&ask.person).ok_or_else(|| Exit::Internal("a person is missing".to_owned()))?;
        let number = person.pointer("/identifiers/0/value").and_then(Value::as_str).unwrap_or_default();
        let born = person.get("born").and_then(Value::as_str).unwrap_or_default();
        Ok(json!({
            "assertion": sign(&claims, &files.assertion_key),
            "purpose": ask.purpose,
            "subject": {"identifier": {"scheme": "nhs-number", "value": number, "birth_date": born}},
            "categories": ask.categories,
        }))
    }

    /// Collects and acknowledges the newest waiting item.
    async fn collect(&self, collect: &Collect) -> Result<Answer, Exit> {
        let list = self.get(&collect.system, "/api/v1/mailbox?wait=0").await?;
        let items: Value = serde_json::from_slice(&list.body).unwrap_or_default();
        let items = items.get("items").unwrap_or(&items);
        let newest = items.as_array().and_then(|l| l.last()).and_then(|i| i.get("id")).and_then(Value::as_str);
        let id = newest.ok_or_else(|| Exit::Internal("the mailbox is empty".to_owned()))?;
        let answer = self.get(&collect.system, &format!("/api/v1/mailbox/{id}")).await?;
        if answer.status == 200 {
            let ack = self
                .post(&collect.system, &format!("/api/v1/mailbox/{id}/ack"), "application/json", Vec::new())
                .await?;
            if ack.status >= 300 {
                return Err(Exit::Internal(format!("the acknowledgement was answered with {}", ack.status)));
            }
        }
        Ok(answer)
    }

    async fn judge(&self, step: &Step, answer: &Answer, who: &str) -> Result<Vec<String>, Exit> {
        let mut faults = Vec::new();
        if !(200..300).contains(&answer.status) {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            faults.push(format!("status {}: {}", answer.status, problem(&body)));
            return Ok(faults);
        }
        let payload = match &answer.receipt {
            Some(id) => self.payload(id).await?,
            None => None,
        };
        let Some(payload) = payload else {
            faults.push("the answer has no receipt whose entry is in the log".to_owned());
            return Ok(faults);
        };
        print(&told(who, answer, &payload))?;
        faults.extend(step.decided.iter().filter(|d| !decided(d, &payload)).map(|d| {
            format!(
                "no decision {} {} {} {} {}",
                d.custodian,
                d.category,
                d.level,
                d.reason,
                d.limit.as_deref().unwrap_or("-")
            )
        }));
        let text = String::from_utf8_lossy(&answer.body);
        faults.extend(
            step.contains
                .iter()
                .filter(|t| !text.contains(t.as_str()))
                .map(|_| "expected words are missing".to_owned()),
        );
        faults.extend(
            step.lacks.iter().filter(|t| text.contains(t.as_str())).map(|_| "withheld words came back".to_owned()),
        );
        if step.silent && !is_silent(answer) {
            faults.push("something came back although nothing may be hinted at".to_owned());
        }
        Ok(faults)
    }

    async fn payload(&self, receipt: &str) -> Result<Option<Payload>, Exit> {
        let gateway = self.running.gateway();
        let failed = |e: crate::store::Error| Exit::Internal(e.to_string());
        let Some(row) = gateway.db().entry(&EntryId::new(receipt)).await.map_err(failed)? else { return Ok(None) };
        let sealed = gateway.db().payload(gateway.keys(), &row).await.map_err(failed)?;
        Ok(sealed.and_then(|(_, bytes)| Payload::parse(&bytes).ok()))
    }

    async fn verify_log(&self) -> Result<bool, Exit> {
        let report = self.running.verify_log().await?;
        print(&format!("\nThe audit log: {}\n", report.words))?;
        Ok(report.sound)
    }

    /// Leaves an enquiry per asking hat, so that the printed curl lines work as they stand.
    fn leave_examples(&self, folder: &Folder, story: &Story) -> Outcome {
        let asks = story.steps.iter().filter_map(|s| s.ask.as_ref());
        for ask in asks {
            let name = format!("ask-{}-{}.json", ask.hat, ask.person);
            let text = self.question(ask)?.to_string();
            std::fs::write(folder.file(&name), text).map_err(|e| Exit::Internal(format!("{name}: {}", e.kind())))?;
        }
        Ok(())
    }

    async fn get(&self, system: &str, path: &str) -> Result<Answer, Exit> {
        self.call(system, Method::Get, path, "", Vec::new()).await
    }

    async fn post(&self, system: &str, path: &str, content_type: &str, body: Vec<u8>) -> Result<Answer, Exit> {
        self.call(system, Method::Post, path, content_type, body).await
    }

    async fn call(&self, system: &str, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Result<Answer, Exit> {
        let client =
            self.clients.get(system).cloned().ok_or_else(|| Exit::Internal("a client is missing".to_owned()))?;
        let (path, kind) = (path.to_owned(), kind.to_owned());
        let task = tokio::task::spawn_blocking(move || {
            let headers = [("content-type", kind.as_str())];
            let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &headers };
            client.call(&Call { method, path: &path, headers, body: &body })
        });
        let answer = task.await.map_err(|_| Exit::Internal("a client stopped".to_owned()))?;
        answer.map_err(|e| Exit::Internal(e.to_string()))
    }
}

fn problem(body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    format!("{} {} {}", text("code"), text("pointer"), text("detail"))
}

/// Who got which level and why, from the sealed entry.
fn told(who: &str, answer: &Answer, payload: &Payload) -> String {
    let mut out = String::new();
    for item in &payload.items {
        let category = item.category.map_or("none", crate::vocabulary::Category::code);
        let limit = item.limit.as_deref().map(|l| format!(", {l}")).unwrap_or_default();
        let _ = writeln!(out, "   {who}: {category} of {} -> {} ({}{limit})", item.custodian, item.level, item.reason);
    }
    if let Some(reason) = &payload.reason {
        let _ = writeln!(out, "   {who}: the whole request -> N ({reason})");
    }
    let _ =
        writeln!(out, "   got {} bytes, audit entry {}", answer.body.len(), answer.receipt.as_deref().unwrap_or("-"));
    out
}

fn decided(expected: &Decided, payload: &Payload) -> bool {
    payload.items.iter().any(|item| {
        item.custodian.as_str() == expected.custodian
            && item.category == Some(expected.category)
            && item.level == expected.level
            && item.reason == expected.reason
            && item.limit == expected.limit
    })
}

/// A canonical disclosure without record, indicators and markers; or, in another format, no bytes at all.
fn is_silent(answer: &Answer) -> bool {
    if answer.body.is_empty() {
        return true;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return false };
    let empty = |name: &str| body.get(name).and_then(Value::as_array).is_some_and(Vec::is_empty);
    body.get("record").is_some_and(Value::is_null) && empty("indicators") && empty("markers")
}

/// What to try next.
pub fn farewell(folder: &Folder, running: &Running) -> Outcome {
    let at = folder.path().display();
    let base = format!("https://localhost:{}", running.address().port());
    let curl = |system: &str| {
        format!("curl -s --cacert {at}/certs/ca.pem --cert {at}/certs/{system}.pem --key {at}/certs/{system}.key")
    };
    print(&format!(
        "\nThe gateway stays up. Walk the story in a browser, as each person (the demo's own authority signed its certificate):\n\n\
         {base}/\n\n\
         Or as a case system:\n\n\
         # the social worker's question again (the assertion in the file works once)\n\
         {ask} -H 'content-type: application/json' -d @{at}/ask-hat-sw-p-01.json {base}/api/v1/enquiries\n\n\
         # the worker of the person causing harm: nothing, not even a hint\n\
         {fdp} -H 'content-type: application/json' -d @{at}/ask-hat-fdp-p-01.json {base}/api/v1/enquiries\n\n\
         # what waits for Southdown's case system\n\
         {mailbox} '{base}/api/v1/mailbox?wait=0'\n\n\
         # without a certificate\n\
         curl -s --cacert {at}/certs/ca.pem {base}/api/v1/mailbox\n\n\
         # the log proves itself; alter a byte of {at}/solent.db and it says where\n\
         solent audit verify --config {at}/solent.toml\n\n\
         Health: http://{health}/health/ready   Metrics: http://{health}/metrics\n\
         Who is who: docs/demo/cast.yaml.   Stop with Ctrl-C.\n",
        ask = curl("harbourshire-desk"),
        fdp = curl("probation-desk"),
        mailbox = curl("southdown-rio"),
        health = running.health_address(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_that_goes_otherwise_ends_with_sol_cli_demo() {
        assert!(verdict(0).is_ok());
        let Err(Exit::Failed(found)) = verdict(2) else { panic!("a failure") };
        assert_eq!(found[0].code, code::CLI_DEMO);
    }
}
