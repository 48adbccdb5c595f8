//! Orders over a WebSocket: each text message is an order and gets one answer, in the order they came.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code, rejection::WebSocketUpgradeRejection},
    },
    http::HeaderMap,
    response::Response,
};
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;
use web::{
    http::{admission::Client, body::BODY_MAX, problem::Problem, trace},
    pure::arrival::Arrival,
};

use crate::{
    api::orders::{OrderPlaced, place_one, usable_key},
    control::shop::Shop,
    pure::order_rate::Orderer,
};

/// The longest message that is read, in bytes. An order that is too long is answered up to here; a longer message ends the
/// socket.
const MESSAGE_MAX: usize = 4 * BODY_MAX;
/// A socket that is silent for so long, without even a ping, is closed.
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);
/// The field of a message with the key that `POST /api/orders` has in a header.
const KEY: &str = "idempotency_key";
/// Where it names its trace, which `POST /api/orders` has in a header as well.
const TRACEPARENT: &str = "traceparent";

/// What a message is answered.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Placed(OrderPlaced),
    Problem(Problem),
}

/// A WebSocket for orders of browsers and programs. Only pages of this shop and programs that send no `Origin` may open it;
/// others are answered 403.
///
/// Each text message is an order as for `POST /api/orders`, at most 16 KiB; `idempotency_key` and `traceparent` replace the
/// headers. Each gets one text message, in the order they came: the JSON that `POST /api/orders` would answer, a placed
/// order or a problem with its status. The limits are the same, and a socket counts as a stream (see `/api/live`). It is
/// closed after 5 minutes without a message or ping (1000), after a message beyond 64 KiB (1009), and when the next
/// episode begins (1012). `/api/live` tells what becomes of an order.
#[utoipa::path(
    get, path = "/orders/socket", tag = "socket",
    responses(
        (status = 101, description = "a WebSocket"), (status = 403, body = Problem), (status = 426, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn open(
    State(shop): State<Arc<Shop>>,
    arrival: Arrival,
    client: Client,
    limited: Option<Orderer>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    // Browsers let any page open a socket to here.
    if !arrival.has_own_origin(&headers) {
        return Err(Problem::forbidden("only pages of this shop, and programs without an Origin, may order here"));
    }
    let upgrade = upgrade.map_err(|rejection| Problem::not_a_socket(rejection.to_string()))?;
    let place = shop.live.streams.admit(&client).ok_or_else(Problem::too_many_streams)?;
    let upgrade = upgrade.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        take_orders(&shop, socket, limited).await;
        drop(place);
    }))
}

async fn take_orders(shop: &Shop, mut socket: WebSocket, limited: Option<Orderer>) {
    let (code, reason) = loop {
        let received = tokio::select! {
            received = timeout(IDLE_MAX, socket.recv()) => received,
            () = shop.context.shutdown.cancelled() => break (close_code::RESTART, "the shop opens in a moment"),
        };
        let answer = match received {
            Ok(Some(Ok(Message::Text(text)))) => answer(shop, text.as_bytes(), limited.as_ref()).await,
            Ok(Some(Ok(Message::Binary(_)))) => Answer::Problem(Problem::malformed("an order must be a text message")),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Ok(Some(Ok(Message::Close(_))) | None) => return,
            Ok(Some(Err(_))) => break (close_code::SIZE, "the message was broken or too long"),
            Err(_) => break (close_code::NORMAL, "no message came for a long time"),
        };
        let Ok(answer) = serde_json::to_string(&answer) else { return };
        if socket.send(Message::Text(answer.into())).await.is_err() {
            return;
        }
    };
    // The client may be gone.
    drop(socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await);
}

async fn answer(shop: &Shop, text: &[u8], limited: Option<&Orderer>) -> Answer {
    place(shop, text, limited).await.map_or_else(Answer::Problem, Answer::Placed)
}

async fn place(shop: &Shop, text: &[u8], limited: Option<&Orderer>) -> Result<OrderPlaced, Problem> {
    if text.len() > BODY_MAX {
        return Err(Problem::too_large(BODY_MAX));
    }
    let body: Value = serde_json::from_slice(text)
        .map_err(|error| Problem::malformed(format!("the message is not JSON: {error}")))?;
    let key = match body.get(KEY) {
        None | Some(Value::Null) => None,
        Some(Value::String(key)) => Some(usable_key(KEY, key)?),
        Some(_) => return Err(Problem::wrong_field(KEY, "wrong_value", "must be a string")),
    };
    let traceparent = body.get(TRACEPARENT).and_then(Value::as_str);
    trace::message(traceparent, place_one(shop, &body, key, limited)).await
}
