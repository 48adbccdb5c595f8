//! Orders that are sent again, and a database that cannot be written to.

use anyhow::Result;
use events::{ids::Service, topics::ORDERS};
use reqwest::{StatusCode, header::LOCATION};

use crate::{Shop, placed, problem};

const KEY: &str = "Idempotency-Key";
const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_order_also_at_once_and_after_a_restart() -> Result<()> {
    let shop = Shop::open().await?;
    let sending: Vec<_> = (0..20).map(|_| tokio::spawn(shop.order(2).header(KEY, "8e03978e-40d5").send())).collect();
    let mut ids = Vec::new();
    for sent in sending {
        ids.push(placed(sent.await??).await?);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let reused = shop.order(3).header(KEY, "8e03978e-40d5").send().await?;
    let wrong = problem(reused, UNPROCESSABLE).await?;
    assert_eq!(wrong, (KEY.to_owned(), "used_for_another_order".to_owned()));
    let shop = shop.restarted().await?;
    assert_eq!(placed(shop.order(2).header(KEY, "8e03978e-40d5").send().await?).await?, ids[0]);
    problem(shop.order(3).header(KEY, "8e03978e-40d5").send().await?, UNPROCESSABLE).await?;
    assert_ne!(placed(shop.order(3).header(KEY, "another").send().await?).await?, ids[0]);
    let on_topic = shop.bed.read_until(ORDERS, |all| all.len() >= 2).await?;
    assert_eq!(on_topic.len(), 2);
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_one_is_named() -> Result<()> {
    let shop = Shop::open().await?;
    let too_long = "x".repeat(201);
    for (key, wrong) in [
        (&b" "[..], "blank"),
        (too_long.as_bytes(), "too_long"),
        (b"a\tb", "control_character"),
        ("bi\u{e8}re".as_bytes(), "control_character"),
        (b"\xff", "control_character"),
    ] {
        let answer = shop.order(1).header(KEY, key).send().await?;
        assert_eq!(problem(answer, UNPROCESSABLE).await?, (KEY.to_owned(), wrong.to_owned()));
    }
    let two = shop.order(1).header(KEY, "a").header(KEY, "b").send().await?;
    assert_eq!(problem(two, UNPROCESSABLE).await?, (KEY.to_owned(), "more_than_one".to_owned()));
    placed(shop.order(1).header(KEY, "x".repeat(200)).send().await?).await?;
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_clients_and_tokens_of_forms_never_meet() -> Result<()> {
    let shop = Shop::open().await?;
    let form = async |token: &str, bottles: u32| -> Result<String> {
        let fields = format!("customer=Ada&address=Gent&bottles-orval={bottles}&order_token={token}");
        let sent = shop.http.post(shop.url("/orders")).header("content-type", "application/x-www-form-urlencoded");
        let answer = sent.body(fields).send().await?;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        Ok(answer.headers().get(LOCATION).unwrap().to_str()?.trim_start_matches("/orders/").to_owned())
    };
    let by_form = form("k", 2).await?;
    assert_eq!(form("k", 2).await?, by_form, "sent twice");
    assert_ne!(form("k", 3).await?, by_form, "changed, and sent from the same page");
    // The last one is how a form's token is stored.
    for key in ["k", "form k", "client k", r#"form k ["Ada","Gent",[{"beer":"orval","bottles":2}]]"#] {
        assert_ne!(placed(shop.order(2).header(KEY, key).send().await?).await?, by_form, "{key}");
    }
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_program_holds_the_books_orders_are_refused_and_not_placed_later() -> Result<()> {
    let shop = Shop::open().await?;
    let lock = shop.bed.hold_database(Service::Website).await?;
    let refused = problem(shop.order(1).header(KEY, "a").send().await?, StatusCode::SERVICE_UNAVAILABLE);
    let form = "customer=Ada&address=Gent&bottles-orval=1&order_token=a";
    let kind = "application/x-www-form-urlencoded";
    let by_form = shop.http.post(shop.url("/orders")).header("content-type", kind).body(form).send();
    let (refused, by_form) = tokio::join!(refused, by_form);
    assert!(refused.is_ok() && by_form?.status() == StatusCode::SERVICE_UNAVAILABLE);
    shop.website.waits_for_its_database().await?;
    assert_eq!(shop.get("/api/beers").send().await?.status(), StatusCode::OK, "a reader does not wait");
    drop(lock);
    let placed = placed(shop.order(2).header(KEY, "a").send().await?).await?;
    let on_topic = shop.bed.read_until(ORDERS, |all| !all.is_empty()).await?;
    let ids: Vec<_> = on_topic.iter().filter_map(|order| order.order_id()).map(|id| id.to_string()).collect();
    assert_eq!(ids, [placed], "what was refused is not placed");
    shop.website.stop().await
}
