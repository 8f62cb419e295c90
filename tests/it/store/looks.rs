//! A look at a bounded part of the index: it always gets further, and nothing falls between two looks.

use super::support::{TestDb, keys, login, noon, on_each_engine, view};
use solent::audit::Event;
use solent::clock::Clock;
use solent::store::{Cursor, IndexKeys, Job, Wanted};

/// Everything that is found by looks of seven rows, and how many looks it took.
async fn looked(t: &TestDb, names: &IndexKeys, wanted: &Wanted) -> (Vec<u64>, usize) {
    let (mut wanted, to, mut found, mut looks) = (wanted.clone(), wanted.to, Vec::new(), 0);
    loop {
        looks += 1;
        assert!(looks < 100, "it does not get further");
        wanted.to = to;
        let until = t.db.look_until(names, &wanted, 7).await.unwrap();
        wanted.to = until.unwrap_or(to);
        found.extend(t.db.asked(names, &wanted).await.unwrap().iter().map(|entry| entry.index));
        let Some(time) = until else { return (found, looks) };
        wanted.after = Some(Cursor { time, origin: String::new(), index: -1 });
    }
}

#[test]
fn looks_of_a_few_rows_find_what_one_look_at_all_finds() {
    on_each_engine(|t| async move {
        let clock = Clock::fixed(noon());
        let log = t.start_with(clock.clone(), t.options()).await.unwrap();
        for n in 0..60_i64 {
            // Twenty at the same moment, then one a second.
            clock.set(noon().plus_millis(1_000 * (n - 20).max(0)));
            let draft = if n % 3 == 0 { view("child-1") } else { login() };
            log.commit(Job::new(draft)).await.unwrap();
        }
        let names = IndexKeys::new(&keys());
        let all = Wanted {
            from: noon().millis(),
            to: noon().plus_millis(3_600_000).millis(),
            limit: 500,
            ..Wanted::default()
        };
        for (wanted, least) in [
            (all.clone(), 5),
            (Wanted { events: vec![Event::View], ..all.clone() }, 2),
            (Wanted { subject: Some("child-1".to_owned()), ..all.clone() }, 2),
            (Wanted { reasons: vec!["no such".to_owned()], ..all.clone() }, 5),
            (Wanted { refused: Some("D-COI".to_owned()), ..all }, 5),
        ] {
            let whole: Vec<u64> = t.db.asked(&names, &wanted).await.unwrap().iter().map(|entry| entry.index).collect();
            let (found, looks) = looked(&t, &names, &wanted).await;
            assert_eq!(found, whole);
            assert!(looks >= least, "{looks} looks");
        }
        log.stop().await;
        t.finish().await;
    });
}
