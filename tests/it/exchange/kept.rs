//! What is kept in memory between answers is never older than what is stored; on both engines.

use super::house::House;
use super::permissions::about_mother;
use crate::store::support::{TestDb, on_each_engine};
use serde_json::json;
use solent::vocabulary::Category;

async fn sees(house: &House, text: &str) -> bool {
    let answer = house.enquire("wren-sw", "council", "mother", Category::Idn).await.unwrap();
    answer.to_string().contains(text)
}

#[test]
fn a_record_answered_before_is_answered_again_with_what_came_since_until_it_is_altered_or_erased() {
    on_each_engine(|t: TestDb| async move {
        let house = House::on(&t.db).await;
        house.send("trust", &about_mother()).await;
        for _ in 0..3 {
            assert!(sees(&house, "Quill").await);
        }
        let mut later = about_mother();
        later["envelope"]["message_id"] = json!("m-2");
        later["people"][0]["names"] =
            json!([{"family": "Quill", "given": ["Rowan"]}, {"family": "Sedge", "given": ["Rowan"]}]);
        assert!(!sees(&house, "Sedge").await);
        house.send("trust", &later).await;
        for _ in 0..2 {
            assert!(sees(&house, "Quill").await && sees(&house, "Sedge").await);
        }
        // Bytes that were authenticated before are not trusted when others lie in their place.
        t.tamper("UPDATE record SET content = wrapped_key").await;
        for _ in 0..2 {
            assert!(house.enquire("wren-sw", "council", "mother", Category::Idn).await.is_err());
        }
        t.tamper("UPDATE record SET wrapped_key = NULL, content = NULL").await;
        assert!(!sees(&house, "Quill").await && !sees(&house, "Sedge").await);
        house.committer.stop().await;
        t.finish().await;
    });
}
