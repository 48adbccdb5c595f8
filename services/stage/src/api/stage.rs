//! The data of the stage's pages, and the presenter's requests about dead letters.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use events::{
    delivery::DeliveryRequest,
    ids::{Moment, OrderId},
    insights::{BottleSums, DeliverySums, Forecast, Ledger, OrderSums, Sales},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::http::{body::ApiJson, presenter::Presenter, problem::Problem};

use crate::{
    control::{dead_letters, stage::Stage},
    read_model::deliveries::{DeadLetterView, DeliveriesView, Untrue},
};

/// The sums that must hold.
#[derive(Serialize, ToSchema)]
pub(super) struct LedgerShown {
    /// Computed from the topics, never assumed; false while nothing is known.
    balanced: bool,
    /// When the sums were computed; null while nothing is known.
    #[schema(value_type = Option<String>)]
    as_of: Option<Moment>,
    /// Since when `balanced` has its value.
    #[schema(value_type = Option<String>)]
    since: Option<Moment>,
    #[schema(value_type = Object)]
    bottles: BottleSums,
    #[schema(value_type = Object)]
    orders: OrderSums,
    #[schema(value_type = Object)]
    deliveries: DeliverySums,
    /// What was read and cannot be true.
    #[schema(value_type = Vec<Object>)]
    contradictions: Vec<Value>,
    /// What is on its way, and since when.
    #[schema(value_type = Vec<Object>)]
    on_the_way: Vec<Value>,
}

/// The ledger, as inventory-analysis keeps it.
#[utoipa::path(get, path = "/ledger", tag = "stage", responses((status = 200, body = LedgerShown)))]
pub(super) async fn ledger(State(stage): State<Arc<Stage>>) -> Json<LedgerShown> {
    let view = stage.known(|known| known.ledger());
    let as_of = view.ledger.as_ref().map(|ledger| ledger.at);
    let Ledger { balanced, bottles, orders, deliveries, contradictions, on_the_way, .. } =
        view.ledger.unwrap_or_default();
    let values = |list: Result<Value, serde_json::Error>| match list {
        Ok(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    Json(LedgerShown {
        balanced,
        as_of,
        since: view.since,
        bottles,
        orders,
        deliveries,
        contradictions: values(serde_json::to_value(contradictions)),
        on_the_way: values(serde_json::to_value(on_the_way)),
    })
}

/// The findings of inventory-analysis; null before its first message.
#[derive(Serialize, ToSchema)]
pub(super) struct Insights {
    #[schema(value_type = Option<Object>)]
    sales: Option<Sales>,
    #[schema(value_type = Option<Object>)]
    forecast: Option<Forecast>,
}

#[utoipa::path(get, path = "/insights", tag = "stage", responses((status = 200, body = Insights)))]
pub(super) async fn insights(State(stage): State<Arc<Stage>>) -> Json<Insights> {
    let view = stage.analysis();
    Json(Insights { sales: view.sales, forecast: view.forecast })
}

/// Couriers, queue, retries and dead letters.
#[derive(Serialize, ToSchema)]
pub(super) struct Deliveries {
    couriers: Vec<Courier>,
    /// Whether delivery reported less than two seconds ago.
    live: bool,
    /// Parcels that wait for a courier.
    queue: u64,
    /// Parcels that wait for another attempt, soonest first, at most 50.
    retries: Vec<RetryShown>,
    retries_total: u64,
    /// Newest first, at most 100.
    dead_letters: Vec<DeadLetter>,
    dead_letters_total: u64,
    /// Messages that are well formed but untrue: they have no effect, but are counted.
    disbelieved: Vec<Disbelieved>,
    delivered: u64,
}

/// How many messages of one topic one service, or the stage, does not believe for one reason.
#[derive(Serialize, ToSchema)]
pub(super) struct Disbelieved {
    service: &'static str,
    topic: &'static str,
    code: &'static str,
    count: u64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Courier {
    courier: String,
    carrying: Option<Carried>,
    delivered: u64,
}

/// A parcel with a courier.
#[derive(Serialize, ToSchema)]
pub(super) struct Carried {
    #[schema(value_type = String)]
    order_id: OrderId,
    address: String,
    attempt: u32,
    #[schema(value_type = String)]
    since: Moment,
    #[schema(value_type = String)]
    until: Moment,
}

/// A parcel that waits for another attempt.
#[derive(Serialize, ToSchema)]
pub(super) struct RetryShown {
    #[schema(value_type = String)]
    order_id: OrderId,
    address: String,
    /// The attempt that failed.
    attempt: u32,
    reason: String,
    #[schema(value_type = String)]
    retry_at: Moment,
}

/// A dead letter: an order or a message.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum DeadLetter {
    /// An order that nobody could deliver.
    Stranded {
        #[schema(value_type = String)]
        order_id: OrderId,
        customer: String,
        address: String,
        reason: String,
        attempts: u32,
        #[schema(value_type = String)]
        at: Moment,
    },
    /// A message that nobody could read.
    Unreadable {
        /// The topic it was read from.
        source: String,
        message_id: String,
        reader: &'static str,
        /// Stable, such as "undecodable".
        code: &'static str,
        reason: String,
        first_bytes: String,
        #[schema(value_type = String)]
        at: Moment,
    },
}

/// Couriers, queue, retries and dead letters. While `hide_names` is set, customers and addresses are shortened.
#[utoipa::path(get, path = "/deliveries", tag = "stage", responses((status = 200, body = Deliveries)))]
pub(super) async fn deliveries(State(stage): State<Arc<Stage>>) -> Json<Deliveries> {
    Json(Deliveries::from(stage.deliveries()))
}

impl From<DeliveriesView> for Deliveries {
    fn from(view: DeliveriesView) -> Self {
        let couriers = view.couriers.into_iter().map(|lane| Courier {
            courier: lane.courier,
            carrying: lane.carrying.map(|parcel| Carried {
                order_id: parcel.order_id,
                address: parcel.address,
                attempt: parcel.attempt,
                since: parcel.since,
                until: parcel.until,
            }),
            delivered: lane.delivered,
        });
        let retries = view.retries.into_iter().map(|retry| RetryShown {
            order_id: retry.order_id,
            address: retry.address,
            attempt: retry.attempt,
            reason: retry.reason.to_string(),
            retry_at: retry.retry_at,
        });
        Deliveries {
            couriers: couriers.collect(),
            live: view.live,
            queue: view.queue,
            retries: retries.collect(),
            retries_total: view.retries_total,
            dead_letters: view.dead_letters.into_iter().map(DeadLetter::from).collect(),
            dead_letters_total: view.dead_letters_total,
            disbelieved: view.untrue.into_iter().map(Disbelieved::from).collect(),
            delivered: view.delivered,
        }
    }
}

impl From<Untrue> for Disbelieved {
    fn from(view: Untrue) -> Self {
        Disbelieved { service: view.service, topic: view.topic, code: view.code.name(), count: view.count }
    }
}

impl From<DeadLetterView> for DeadLetter {
    fn from(view: DeadLetterView) -> Self {
        match view {
            DeadLetterView::Stranded { order_id, customer, address, reason, attempts, at, history: _ } => {
                DeadLetter::Stranded { order_id, customer, address, reason: reason.to_string(), attempts, at }
            }
            DeadLetterView::Unreadable { topic, message_id, reader, code, reason, first_bytes, at } => {
                let (reader, code) = (reader.name(), code.name());
                DeadLetter::Unreadable { source: topic, message_id, reader, code, reason, first_bytes, at }
            }
        }
    }
}

/// Where to try again.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub(super) struct NewAddress {
    /// The corrected address; by default the old one.
    #[schema(example = "Place Saint-Lambert 9, Liège")]
    address: Option<String>,
}

/// A request that is stored.
#[derive(Serialize, ToSchema)]
pub(super) struct Requested {
    #[schema(value_type = String)]
    order_id: OrderId,
    /// What was requested.
    requested: &'static str,
}

/// Redrives a stranded order.
#[utoipa::path(
    post, path = "/dead-letters/{order_id}/redrive", tag = "stage", params(("order_id" = String, Path)),
    request_body = Option<NewAddress>, security(("presenter" = [])),
    responses(
        (status = 202, body = Requested), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn redrive(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    Path(order_id): Path<String>,
    body: Option<ApiJson>,
) -> Result<(StatusCode, Json<Requested>), Problem> {
    let body = body.map(|ApiJson(body)| body).unwrap_or_default();
    let address = match body.get("address") {
        None | Some(Value::Null) => None,
        Some(address) => {
            let address = address.as_str().unwrap_or_default();
            dead_letters::check_address(address).map_err(|fault| Problem::wrong_fields(&[fault]))?;
            Some(address.to_owned())
        }
    };
    let order_id = read_id(&order_id)?;
    dead_letters::ask_delivery(&stage, DeliveryRequest::Redrive { order_id: order_id.clone(), address }).await?;
    Ok((StatusCode::ACCEPTED, Json(Requested { order_id, requested: "redrive" })))
}

/// Gives a stranded order up and returns its bottles to the shelf.
#[utoipa::path(
    post, path = "/dead-letters/{order_id}/return", tag = "stage", params(("order_id" = String, Path)),
    security(("presenter" = [])),
    responses(
        (status = 202, body = Requested), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn return_to_stock(
    State(stage): State<Arc<Stage>>,
    _: Presenter,
    Path(order_id): Path<String>,
) -> Result<(StatusCode, Json<Requested>), Problem> {
    let order_id = read_id(&order_id)?;
    dead_letters::ask_delivery(&stage, DeliveryRequest::ReturnToStock { order_id: order_id.clone() }).await?;
    Ok((StatusCode::ACCEPTED, Json(Requested { order_id, requested: "return" })))
}

fn read_id(order_id: &str) -> Result<OrderId, Problem> {
    order_id.parse().map_err(|_| Problem::not_found("no such order"))
}
