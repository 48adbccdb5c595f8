//! Orders: placing one, and following it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use events::{
    ids::{BeerId, OrderId},
    orders::{Fault, Line, PlaceOrder, PlaceOrderType, Problem as Wrong},
    quantities::Bottles,
};
use serde::Serialize;
use serde_json::Value;
use service::now;
use utoipa::ToSchema;
use web::{
    http::{body::ApiJson, problem::Problem},
    order::json::OrderShown,
};

use crate::{
    control::{
        request::{Key, NotPlaced},
        shop::Shop,
    },
    pure::order_rate::{Orderer, whole_seconds},
};

/// The header with a client's key.
const KEY: &str = "Idempotency-Key";
/// The longest key, in characters.
const KEY_MAX: usize = 200;

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field, so that each wrong one can be named")]
pub(super) struct NewOrder {
    /// Who orders, at most 80 characters.
    #[schema(example = "Ada")]
    customer: String,
    /// Where to, at most 200 characters.
    #[schema(example = "Grote Markt 1, Brussel")]
    address: String,
    /// 1 to 12 lines, each for another beer.
    lines: Vec<NewLine>,
}

/// One beer of an order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as NewOrder")]
pub(super) struct NewLine {
    /// Its id, see `/api/beers`.
    #[schema(example = "orval")]
    beer: String,
    #[schema(example = 2)]
    bottles: u32,
}

/// An order that is safe.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderPlaced {
    #[schema(value_type = String)]
    order_id: OrderId,
    status: &'static str,
    href: String,
}

/// Places an order. It is safe when this answers, also while Pulsar is away.
///
/// A browser (by its cookie) may place 10 orders in 10 s; all clients without a cookie behind one address may place 500
/// together. Programs on the website's own machine, and the stage, have no limit.
///
/// An `Idempotency-Key` stands for one order until the next episode begins, across restarts of the website. A key that is
/// sent again with the same order gets the first answer again, and nothing is ordered twice. With another order it is
/// answered 422 and `used_for_another_order`.
#[utoipa::path(
    post, path = "/orders", tag = "orders", request_body = NewOrder,
    params((
        "Idempotency-Key" = Option<String>, Header,
        description = "1 to 200 printable characters of ASCII; the same order with the same key is one order",
    )),
    responses(
        (status = 202, body = OrderPlaced),
        (status = 400, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn place(
    State(shop): State<Arc<Shop>>,
    limited: Option<Orderer>,
    headers: HeaderMap,
    ApiJson(body): ApiJson,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let placed = place_one(&shop, &body, key, limited.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, placed.href.clone())], Json(placed)).into_response())
}

/// Places an order that came as JSON. If `limited` names somebody, the order is counted.
pub(super) async fn place_one(
    shop: &Shop,
    body: &Value,
    key: Option<String>,
    limited: Option<&Orderer>,
) -> Result<OrderPlaced, Problem> {
    let order = read_order(body).map_err(|faults| Problem::wrong_fields(&faults))?;
    if let Some(orderer) = limited {
        shop.customers.count_order(orderer).map_err(|wait| Problem::too_many(whole_seconds(wait)))?;
    }
    let order_id = shop.place(order, key.map(Key::Client), now()).await?;
    let href = format!("/orders/{order_id}");
    Ok(OrderPlaced { order_id, status: "placed", href })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::wrong_field(KEY, "more_than_one", "an order can have only one key"));
    }
    // Bytes beyond ASCII become the replacement character, which is refused as well.
    usable_key(KEY, String::from_utf8_lossy(value.as_bytes()).trim()).map(Some)
}

/// A usable key, from the field of this name.
pub(super) fn usable_key(field: &str, key: &str) -> Result<String, Problem> {
    let wrong = |problem| Problem::wrong_fields(&[Fault { field: field.to_owned(), problem }]);
    if key.is_empty() {
        Err(wrong(Wrong::Blank))
    } else if key.chars().any(|letter| !matches!(letter, ' '..='~')) {
        Err(wrong(Wrong::ControlCharacter))
    } else if key.len() > KEY_MAX {
        Err(wrong(Wrong::TooLong))
    } else {
        Ok(key.to_owned())
    }
}

/// Reads an order from JSON field by field, so that each wrong field is named. A missing field counts as empty.
///
/// # Errors
/// The faults.
pub fn read_order(body: &Value) -> Result<PlaceOrder, Vec<Fault>> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let lines = body.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let line = |line: &Value| Line {
        beer: BeerId::new(line.get("beer").and_then(Value::as_str).unwrap_or_default()),
        // What is not a whole number in range becomes 0, which is out of range.
        bottles: Bottles(line.get("bottles").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0)),
    };
    let order = PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: None,
        customer: text("customer"),
        address: text("address"),
        lines: lines.iter().map(line).collect(),
    };
    let faults = order.faults();
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}

impl From<NotPlaced> for Problem {
    fn from(not_placed: NotPlaced) -> Self {
        let detail = not_placed.to_string();
        match not_placed {
            NotPlaced::WriterClosed(_) => Problem::unavailable(detail),
            NotPlaced::KeyReused(_) => {
                Problem::wrong_field(KEY, "used_for_another_order", "use a new key for a new order").with_detail(detail)
            }
        }
    }
}

/// An order and its way so far: the hops that matter to its customer. While `hide_names` is set, customer and addresses are
/// shortened.
#[utoipa::path(
    get, path = "/orders/{order_id}", tag = "orders", params(("order_id" = String, Path)),
    responses((status = 200, body = OrderShown), (status = 404, body = Problem))
)]
pub(super) async fn order(
    State(shop): State<Arc<Shop>>,
    Path(order_id): Path<String>,
) -> Result<Json<OrderShown>, Problem> {
    let unknown = || Problem::not_found("no such order");
    let order_id: OrderId = order_id.parse().map_err(|_| unknown())?;
    let order = shop.order_shown(&order_id, false).await?.ok_or_else(unknown)?;
    Ok(Json(OrderShown::from(order)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_wrong_field_of_a_body_is_named() {
        let line = |beer: &str, bottles: Value| json!({"beer": beer, "bottles": bottles});
        let lines = [line("orval", json!(-1)), line("duvel", json!(1.5)), line("water", json!("2")), json!(7)];
        let body = json!({"customer": 3, "lines": lines});
        let fields: Vec<String> = read_order(&body).unwrap_err().into_iter().map(|fault| fault.field).collect();
        let expected = [
            "customer",
            "address",
            "lines[0].bottles",
            "lines[1].bottles",
            "lines[2].beer",
            "lines[2].bottles",
            "lines[3].beer",
            "lines[3].bottles",
        ];
        assert_eq!(fields, expected);
        assert!(read_order(&json!([])).is_err());
    }
}
