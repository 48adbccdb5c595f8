//! The website alone against a real broker. The test publishes what the other services would.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result};
use bus::http_client;
use events::{
    decisions::{OrderDecision, Refusal},
    delivery::DeliveryUpdate,
    ids::{BeerId, OrderId, Service},
    orders::Line,
    quantities::{Bottles, Cents, Sequence},
    stock::StockLevel,
    topics::{DELIVERY_UPDATES, ORDER_DECISIONS, ORDERS, STOCK_LEVELS},
};
use reqwest::{Client, StatusCode, header, redirect::Policy};
use serde_json::Value;
use service::{
    now,
    testing::{Running, TestBed, eventually},
};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use store::Migrator;

/// A website, as its customers call it.
struct Shop {
    running: Running,
    http: Client,
    base: String,
}

impl Shop {
    async fn open(bed: &TestBed) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        std::fs::create_dir_all(bed.folder())?;
        let running = bed.start(Service::Website, |context| website::run_on(context, address));
        let base = format!("http://{address}");
        let shop = Shop { running, http: http_client(&base).redirect(Policy::none()).build()?, base };
        eventually("the shop", || async { shop.get("/api/beers").await.ok() }).await?;
        Ok(shop)
    }

    async fn get(&self, path: &str) -> Result<String> {
        Ok(self.http.get(format!("{}{path}", self.base)).send().await?.error_for_status()?.text().await?)
    }

    async fn json(&self, path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.get(path).await?)?)
    }

    /// Orders as a browser does without scripts, and returns the order's page.
    async fn checkout(&self, fields: &str) -> Result<String> {
        let form = self.http.post(format!("{}/orders", self.base)).body(fields.to_owned());
        let answer = form.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").send().await?;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        Ok(answer.headers().get(header::LOCATION).context("no page")?.to_str()?.to_owned())
    }

    /// Waits until the API gives this status, and the order's page this sentence.
    async fn until(&self, page: &str, status: &str, sentence: &str) -> Result<Value> {
        eventually(&format!("{page} {status}"), || async {
            let order = self.json(&format!("/api{page}")).await.ok()?;
            let shown = self.get(&format!("{page}?lang=en")).await.ok()?;
            (order["status"] == status && shown.contains(sentence)).then_some(order)
        })
        .await
    }
}

fn lines() -> Vec<Line> {
    vec![Line { beer: BeerId::new("orval"), bottles: Bottles(2) }]
}

fn level(bottles: u32, written: u64) -> StockLevel {
    let sequence = Sequence(written);
    StockLevel {
        beer: BeerId::new("orval"),
        level: Bottles(bottles),
        sequence,
        settled: sequence,
        written,
        event: sequence,
        ignored: false,
        worker: "worker-1".into(),
        taken_at: now(),
        at: now(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_out_and_its_page_shows_what_others_say_of_it() -> Result<()> {
    let bed = TestBed::new().await?;
    let shop = Shop::open(&bed).await?;
    let page = shop.checkout("customer=Ada&address=Gent&bottles-orval=2&order_token=t").await?;
    let order_id: OrderId = page.strip_prefix("/orders/").context("another page")?.parse()?;
    shop.until(&page, "placed", "Being checked").await?;
    let on_topic = bed.read_until(ORDERS, |all| !all.is_empty()).await?;
    let order = on_topic[0].message.as_ref().unwrap();
    assert_eq!((order.order_id.as_ref(), &order.lines, order.customer.as_str()), (Some(&order_id), &lines(), "Ada"));

    let id = || order_id.clone();
    let accepted =
        OrderDecision::Accepted { order_id: id(), lines: lines(), bottles: Bottles(2), total_cents: Cents(720) };
    bed.publish(ORDER_DECISIONS, order_id.as_str(), &accepted).await?;
    shop.until(&page, "accepted", "Accepted, waiting for a courier").await?;
    let (round, attempt, courier) = (1, 1, "Bart".to_owned());
    let picked_up = DeliveryUpdate::PickedUp { order_id: id(), round, attempt, courier: courier.clone() };
    bed.publish(DELIVERY_UPDATES, order_id.as_str(), &picked_up).await?;
    shop.until(&page, "picked_up", "Bart").await?;
    let delivered = DeliveryUpdate::Delivered { order_id: id(), round, attempt, courier };
    bed.publish(DELIVERY_UPDATES, order_id.as_str(), &delivered).await?;
    let order = shop.until(&page, "delivered", "Delivered. Cheers!").await?;
    let hop = |hop: &Value| (hop["service"].as_str().unwrap().to_owned(), hop["topic"].as_str().unwrap().to_owned());
    let journey: Vec<_> = order["journey"].as_array().unwrap().iter().map(hop).collect();
    let expected = [
        ("website", "orders"),
        ("warehouse", "order-decisions"),
        ("delivery", "delivery-updates"),
        ("delivery", "delivery-updates"),
    ];
    assert_eq!(journey, expected.map(|(service, topic)| (service.to_owned(), topic.to_owned())));

    let page = shop.checkout("customer=Jef&address=Gent&bottles-orval=2&order_token=u").await?;
    let refused = page.strip_prefix("/orders/").context("another page")?;
    let reason = Refusal::NotEnough { beer: BeerId::new("orval"), asked: Bottles(2), left: Bottles(1) };
    let decision = OrderDecision::Refused { order_id: refused.parse()?, lines: lines(), reason };
    bed.publish(ORDER_DECISIONS, refused, &decision).await?;
    shop.until(&page, "refused", "Orval").await?;
    shop.running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beers_show_the_level_that_was_written_last_also_after_a_restart() -> Result<()> {
    let bed = TestBed::new().await?;
    let orval = async |shop: &Shop| -> Result<Value> {
        let beers = shop.json("/api/beers").await?;
        let orval = beers.as_array().context("no beers")?.iter().find(|beer| beer["beer"] == "orval");
        Ok(orval.context("no Orval")?["level"].clone())
    };
    let shop = Shop::open(&bed).await?;
    assert_eq!(orval(&shop).await?, Value::Null);
    for level in [level(199, 2), level(200, 1)] {
        bed.publish(STOCK_LEVELS, "orval", &level).await?;
    }
    eventually("a level", || async { (orval(&shop).await.ok()? == 199).then_some(()) }).await?;
    shop.running.stop().await?;
    let shop = Shop::open(&bed).await?;
    assert_eq!(orval(&shop).await?, 199);
    bed.publish(STOCK_LEVELS, "orval", &level(12, 3)).await?;
    eventually("the next level", || async {
        let page = shop.get("/?lang=en").await.ok()?;
        page.contains("12 left").then_some(())
    })
    .await?;
    shop.running.stop().await
}

/// A folder from before the database was the shop's alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_an_earlier_version_still_opens() -> Result<()> {
    let bed = TestBed::new().await?;
    let all = sqlx::migrate!();
    let earlier = Migrator::with_migrations(all.iter().filter(|migration| migration.version < 7).cloned().collect());
    // Closed again at once: a service has its database alone.
    bed.context(Service::Website).open_store(&earlier).await?.close().await;
    let file = bed.folder().join("website-1.sqlite");
    let books = SqlitePool::connect_with(SqliteConnectOptions::new().filename(file)).await?;
    for row in [
        r#"insert into orders (order_id, idempotency_key, ordered, customer, address, lines, total_cents, placed_at, status,
                              decided, updated, attempt, changed_at, returned, released)
           values ('old', 'client k', '["Ada","Gent",[{"beer":"orval","bottles":2}]]', 'Ada', 'Gent',
                   '[{"beer":"orval","bottles":2}]', 720, 5, 'accepted', 1, 0, 0, 6, 0, 0),
                  ('back', null, null, 'Jef', 'nowhere', '[]', 0, 5, 'stranded', 1, 1, 4, 6, 1, 0)"#,
        r#"insert into journey (event_id, order_id, at, service, topic, what, beer, sequence, ledger, entry)
           values ('placed old', 'old', 5, 'website', 'orders', '{"what":"placed"}', null, null, null, null),
                  ('w-1', 'old', 6, 'warehouse', 'order-decisions', '{"what":"accepted","bottles":2}', null, null, 1, 1),
                  ('w-2', 'old', 6, 'warehouse', 'stock-events',
                   '{"what":"reserved","beer":"orval","bottles":2,"level":198}', 'orval', 2, null, null)"#,
        "insert into beers (beer, level, sequence, shown_level, shown_sequence, shown_written, worker, settled)
         values ('orval', 198, 2, 198, 2, 4, 'worker-1', 2), ('duvel', 90, 1, null, 0, 0, null, 0)",
        r#"insert into waiting (event_id, order_id, topic, ledger, entry, batch_index, batch_size, at, since, code, message)
           values ('s-1', 'old', 'stock-events', 1, 2, 0, 1, 5, 6, 'unknown_order', '{}')"#,
    ] {
        sqlx::query(row).execute(&books).await?;
    }
    books.close().await;

    let shop = Shop::open(&bed).await?;
    assert_eq!(shop.json("/api/orders/back").await?["status"], "returned");
    let beers = shop.json("/api/beers").await?;
    let shown = beers.as_array().unwrap().iter().filter(|beer| !beer["level"].is_null());
    assert_eq!(shown.map(|beer| &beer["level"]).collect::<Vec<_>>(), [198]);
    let again = shop.http.post(format!("{}/api/orders", shop.base)).header("Idempotency-Key", "k");
    let order = serde_json::json!({"customer": "Ada", "address": "Gent", "lines": [{"beer": "orval", "bottles": 2}]});
    let answer: Value = again.json(&order).send().await?.json().await?;
    assert_eq!(answer["order_id"], "old", "{answer}");
    let order_id: OrderId = "old".parse()?;
    let (round, attempt, courier) = (1, 1, "Bart".to_owned());
    let picked_up = DeliveryUpdate::PickedUp { order_id, round, attempt, courier };
    bed.publish(DELIVERY_UPDATES, "old", &picked_up).await?;
    let order = shop.until("/orders/old", "picked_up", "Bart").await?;
    let topics: Vec<_> =
        order["journey"].as_array().unwrap().iter().map(|hop| hop["topic"].as_str().unwrap()).collect();
    assert_eq!(topics, ["orders", "order-decisions", "delivery-updates"]);
    shop.running.stop().await
}
