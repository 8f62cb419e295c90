//! The connection to PostgreSQL is cut while a commit is under way, before the server has it and after it took effect.

use super::commits::{accept, eventually, size, sound};
use crate::store::support::{TestDb, noon, runtime};
use solent::clock::Clock;
use solent::ident::MessageId;
use solent::store::{Committer, Db, Engine};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// When the connection that asks for a commit is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cut {
    /// The server never hears of it.
    BeforeItArrives,
    /// The server has done it; its answer is not passed on.
    AfterItTookEffect,
}

type Armed = Arc<Mutex<Option<Cut>>>;

/// Passes bytes between a client and the server, until it is told to cut.
async fn pass(mut client: TcpStream, mut server: TcpStream, armed: Armed) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(length @ 1..) = read else { return };
                let commits = up[..length].windows(6).any(|w| w == b"COMMIT");
                let cut = if commits { armed.lock().unwrap().take() } else { None };
                if cut == Some(Cut::BeforeItArrives) || server.write_all(&up[..length]).await.is_err() {
                    return;
                }
                if cut == Some(Cut::AfterItTookEffect) {
                    let answered = server.read(&mut down).await.unwrap();
                    assert!(down[..answered].windows(6).any(|w| w == b"COMMIT"), "the server says that it is done");
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&down[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Listens before a server; the address of the same database through it.
async fn before(address: &str, armed: &Armed) -> Option<String> {
    let options: sqlx::postgres::PgConnectOptions = address.parse().unwrap();
    let (host, port) = (options.get_host().to_owned(), options.get_port());
    if host.starts_with('/') {
        return None;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().port();
    let armed = Arc::clone(armed);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect((host.as_str(), port)).await.unwrap();
            tokio::spawn(pass(client, server, Arc::clone(&armed)));
        }
    });
    let through = address.replacen(&format!(":{port}/"), &format!(":{here}/"), 1);
    assert_ne!(through, address);
    Some(format!("{through}{}sslmode=disable", if address.contains('?') { '&' } else { '?' }))
}

#[test]
fn a_connection_cut_at_a_commit_is_found_out_and_nothing_is_lost_or_doubled() {
    runtime().block_on(async {
        let Some(t) = TestDb::new(Engine::Postgres).await else { return };
        let armed = Armed::default();
        let Some(through) = before(&t.address, &armed).await else { return };
        let db = Db::open(&through, None).await.unwrap();
        let signer = crate::store::support::signer();
        let log = Committer::start(db.clone(), t.keys.clone(), signer, Clock::fixed(noon()), t.options()).await;
        let log = log.unwrap();
        let mut expected = 0;
        for round in 0..10 {
            for cut in [Cut::BeforeItArrives, Cut::AfterItTookEffect] {
                let id = format!("m{round}{cut:?}");
                *armed.lock().unwrap() = Some(cut);
                let first = log.commit(accept(&id)).await;
                assert!(armed.lock().unwrap().is_none(), "the connection was cut");
                let there = t.db.message(&MessageId::new(id.clone())).await.unwrap().is_some();
                assert_eq!(
                    (first.is_ok(), there),
                    (there, cut == Cut::AfterItTookEffect),
                    "{round} {cut:?}: {first:?}"
                );
                if !there {
                    eventually(&log, || accept(&id)).await.unwrap();
                }
                expected += 1;
                assert_eq!(size(&t).await, expected, "{round} {cut:?}");
            }
        }
        sound(&t).await;
        log.stop().await;
        db.close().await;
        t.finish().await;
    });
}
