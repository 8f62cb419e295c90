//! What takes effect is in the log before it does anything: rules, mappings, roles given and taken away, facts changed, each with
//! digests of before and after.

use super::house::{House, content, content_files};
use super::permissions::{mothers_permission, withdrawal};
use serde_json::{Value, json};
use solent::audit::Event;
use solent::audit::payload::{Change, Payload};
use solent::exchange::Failure;
use solent::ident::AccountId;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The shipped rules with one more line of remark: another version, the same decisions.
fn remarked() -> solent::exchange::ContentSet {
    let mut files = content_files();
    let name = "sharing/local.cedar";
    let mut bytes = files.get(name).unwrap().to_vec();
    bytes.extend_from_slice(b"\n// as agreed on the fifth\n");
    files.insert(name, bytes);
    content(&files)
}

async fn of(house: &House, events: &[Event]) -> Vec<Payload> {
    let all = house.entries().await.into_iter().map(|(_, payload)| payload);
    all.filter(|payload| events.contains(&payload.event)).collect()
}

fn change(payload: &Payload) -> Change {
    payload.change.clone().unwrap()
}

#[test]
fn rules_and_mappings_are_logged_when_they_take_effect_and_not_again_while_they_are_the_same() {
    runtime().block_on(async {
        let house = House::open().await;
        let both = [Event::PolicyPublish, Event::MappingPublish];
        let gateway = &house.gateway;
        for _ in 0..2 {
            gateway.publish(&gateway.content()).await.unwrap();
            let found = of(&house, &both).await;
            let said: Vec<_> = found.iter().map(|p| (p.event, change(p).what, change(p).before)).collect();
            let expected = [
                (Event::PolicyPublish, "sharing-rules".to_owned(), None),
                (Event::MappingPublish, "mappings".to_owned(), None),
            ];
            assert_eq!(said, expected);
            assert_eq!(format!("sha256:{}", change(&found[0]).after.unwrap()), gateway.content().policy.version());
        }
        let first = gateway.content().policy.version().to_owned();
        let set = remarked();
        let second = set.policy.version().to_owned();
        assert_ne!(first, second);
        gateway.put_in_force(set).await.unwrap();
        assert_eq!(gateway.content().policy.version(), second);
        let found = of(&house, &both).await;
        assert_eq!(found.len(), 3, "the mappings are the same");
        let last = change(&found[2]);
        let hex = |version: &str| version.strip_prefix("sha256:").map(str::to_owned);
        assert_eq!((found[2].event, last.before, last.after), (Event::PolicyPublish, hex(&first), hex(&second)));
        // Set back to what was before: that is a change too.
        gateway.put_in_force(content(&content_files())).await.unwrap();
        assert_eq!(change(&of(&house, &both).await[3]).after, hex(&first));
        // No entry, no new rules.
        house.committer.stop().await;
        assert!(matches!(gateway.put_in_force(remarked()).await, Err(Failure::LogUnavailable)));
        assert_eq!(gateway.content().policy.version(), first);
    });
}

#[test]
fn a_role_that_is_taken_away_is_not_logged_as_given() {
    runtime().block_on(async {
        let house = House::open().await;
        let by = AccountId::new("operator");
        let hat = |id: &str, role: &str| json!({"id": id, "role": role, "agency": "council"});
        let ended = |mut hat: Value, name: &str| {
            hat[name] = json!("2026-10-06");
            hat
        };
        let two = [hat("zed-sw", "SW"), hat("zed-msh", "MSH")];
        use Event::{RoleGrant, RoleRevoke};
        let mut seen = of(&house, &[RoleGrant, RoleRevoke]).await.len();
        let mut last: Option<String> = None;
        for (hats, more, expected) in [
            (json!([two[0]]), Value::Null, vec![RoleGrant]),
            (json!(two), Value::Null, vec![RoleGrant]),
            (json!([two[0], ended(two[1].clone(), "to")]), Value::Null, vec![RoleRevoke]),
            (json!(two), Value::Null, vec![RoleGrant]),
            (json!([two[0]]), Value::Null, vec![RoleRevoke]),
            (json!([two[0]]), json!("2026-10-06"), vec![RoleRevoke]),
            (json!([two[0]]), Value::Null, vec![RoleGrant]),
            (json!([hat("zed-sw", "EDG")]), Value::Null, vec![RoleRevoke, RoleGrant]),
            (json!([ended(hat("zed-sw", "EDG"), "from")]), Value::Null, vec![RoleRevoke]),
        ] {
            let mut account = json!({"id": "zed", "hats": hats});
            if !more.is_null() {
                account["active_to"] = more;
            }
            house.gateway.register(&json!({"accounts": [account]}), &by).await.unwrap();
            let found = of(&house, &[RoleGrant, RoleRevoke]).await.split_off(seen);
            seen += found.len();
            assert_eq!(found.iter().map(|p| p.event).collect::<Vec<_>>(), expected, "{account}");
            for one in &found {
                let change = change(one);
                assert_eq!((change.what.as_str(), &change.before), ("accounts/zed", &last));
            }
            last = change(&found[0]).after;
            assert!(last.is_some());
        }
    });
}

#[test]
fn a_change_of_a_fact_is_logged_with_digests_of_what_it_was_and_is() {
    runtime().block_on(async {
        let house = House::open().await;
        let worker = ("wren-sw", "council");
        let done = house.act(worker, mothers_permission()).await.unwrap();
        let id = done.body["id"].as_str().unwrap().to_owned();
        let given = change(&house.last_entry().await.1);
        assert_eq!((given.what.as_str(), &given.before), (format!("permissions/{id}").as_str(), &None));
        let after = given.after.expect("a digest");
        assert!(after.len() == 64 && after.bytes().all(|b| b.is_ascii_hexdigit()), "{after}");
        house.act(worker, withdrawal(&id)).await.unwrap();
        let changed = of(&house, &[Event::PermWithdraw]).await.pop().map(|p| change(&p)).unwrap();
        assert_eq!(changed.before, Some(after.clone()));
        assert!(changed.after.is_some_and(|now| now != after));
    });
}
