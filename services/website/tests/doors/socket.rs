//! Orders over a WebSocket.

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use service::testing::LIMIT;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use crate::{Shop, order};

type Socket = WebSocketStream<TcpStream>;

impl Shop {
    async fn socket(&self, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
        let mut request = format!("ws://{}/api/orders/socket", self.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Ok(client_async(request, TcpStream::connect(self.address).await.unwrap()).await?.0)
    }

    /// The status with which it is refused.
    async fn turned_away(&self, headers: &[(&'static str, &str)]) -> Result<u16> {
        match self.socket(headers).await {
            Err(Error::Http(answer)) => {
                let kind = answer.headers().get("content-type").context("no kind")?.to_str()?;
                anyhow::ensure!(kind == "application/problem+json", "{kind}");
                Ok(answer.status().as_u16())
            }
            other => anyhow::bail!("{other:?}"),
        }
    }
}

async fn next(socket: &mut Socket) -> Result<Message> {
    Ok(timeout(LIMIT, socket.next()).await?.context("it has ended")??)
}

async fn answer(socket: &mut Socket, message: Message) -> Result<Value> {
    socket.send(message).await?;
    Ok(serde_json::from_str(next(socket).await?.to_text()?)?)
}

async fn closed_with(socket: &mut Socket) -> Result<u16> {
    loop {
        match next(socket).await? {
            Message::Close(Some(frame)) => return Ok(frame.code.into()),
            Message::Close(None) => anyhow::bail!("no code"),
            _ => {}
        }
    }
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_the_shop_and_programs_may_open_it() -> Result<()> {
    let shop = Shop::open().await?;
    let own = format!("http://{}", shop.address);
    for headers in
        [&[][..], &[("origin", own.as_str())], &[("origin", "https://beer.example"), ("host", "beer.example")]]
    {
        shop.socket(headers).await.unwrap();
    }
    let by_a_tunnel = [("origin", "https://beer.example"), ("x-forwarded-host", "beer.example")];
    shop.socket(&by_a_tunnel).await.unwrap();
    let other_port = format!("http://{}:1", shop.address.ip());
    for foreign in ["https://evil.example", "null", "", other_port.as_str(), "http://127.0.0.1"] {
        assert_eq!(shop.turned_away(&[("origin", foreign)]).await?, 403, "{foreign}");
    }
    let plain = shop.get("/api/orders/socket").send().await?;
    assert_eq!(plain.status().as_u16(), 426);
    assert_eq!(plain.headers().get("upgrade").context("no upgrade")?, "websocket");
    shop.website.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_an_order_and_is_answered_as_a_post_is() -> Result<()> {
    let shop = Shop::open().await?;
    let mut socket = shop.socket(&[]).await?;
    let placed = answer(&mut socket, text(&order(2))).await?;
    let id = placed["order_id"].as_str().context("no id")?;
    assert_eq!(placed, json!({"order_id": id, "status": "placed", "href": format!("/orders/{id}")}));
    assert_eq!(shop.get(&format!("/api/orders/{id}")).send().await?.status().as_u16(), 200);
    let with_key = |bottles| {
        let mut order = order(bottles);
        order["idempotency_key"] = "k".into();
        text(&order)
    };
    let first = answer(&mut socket, with_key(1)).await?;
    assert_eq!(answer(&mut socket, with_key(1)).await?, first, "the same key with the same order");
    let by_post = shop.order(1).header("Idempotency-Key", "k").send().await?.json::<Value>().await?;
    assert_eq!(by_post, first, "by whichever door");
    assert_eq!(answer(&mut socket, with_key(2)).await?["status"], 422);
    for (message, status) in [
        (Message::text("two Orval please"), 400),
        (Message::binary(order(1).to_string()), 400),
        (text(&order(25)), 422),
        (text(&json!({"customer": "Ada", "idempotency_key": 7})), 422),
        (Message::text(" ".repeat(16 * 1024 + 1)), 413),
    ] {
        let problem = answer(&mut socket, message).await?;
        assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!("about:blank")), "{problem}");
    }
    assert!(answer(&mut socket, text(&order(1))).await?["order_id"].is_string(), "it goes on");
    // What is too long to be answered ends the socket. Whether the reason arrives depends on who is faster.
    let too_long = socket.send(Message::text(" ".repeat(65 * 1024))).await;
    let ended = closed_with(&mut socket).await;
    assert!(too_long.is_err() || ended.is_err() || ended.is_ok_and(|code| code == 1009));
    let mut waiting = shop.socket(&[]).await?;
    shop.website.stop().await?;
    assert_eq!(closed_with(&mut waiting).await?, 1012);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_has_the_limits_of_orders_and_streams() -> Result<()> {
    let shop = Shop::open().await?;
    let phone = shop.phone().await?;
    let from_the_room = [("x-forwarded-for", "192.0.2.7"), ("cookie", phone.as_str())];
    let mut sockets = Vec::new();
    for _ in 0..12 {
        sockets.push(shop.socket(&from_the_room).await?);
    }
    assert_eq!(shop.turned_away(&from_the_room).await?, 503, "the thirteenth of one browser");
    for socket in sockets.iter_mut().take(10) {
        let answered = answer(socket, text(&order(1))).await?;
        assert_eq!(answered["status"], "placed");
    }
    assert_eq!(answer(&mut sockets[11], text(&order(1))).await?["status"], 429);
    drop(sockets);
    let again = || async { shop.socket(&from_the_room).await.ok() };
    service::testing::eventually("a place", again).await?;
    shop.website.stop().await
}
