//! An order as JSON.

use events::ids::{Moment, OrderId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::order::view::{OrderView, Status, What};

/// An order and its journey so far.
#[derive(Serialize, ToSchema)]
pub struct OrderShown {
    #[schema(value_type = String)]
    order_id: OrderId,
    /// placed, accepted, refused, picked_up, delivered, retrying, stranded, returned or ended.
    status: &'static str,
    customer: String,
    address: String,
    lines: Vec<LineShown>,
    total_cents: u64,
    /// Why it was refused, or why the last attempt failed.
    reason: Option<String>,
    /// The courier who has or had it last.
    courier: Option<String>,
    journey: Vec<StepShown>,
}

/// One beer of an order.
#[derive(Serialize, ToSchema)]
pub struct LineShown {
    beer: String,
    bottles: u32,
}

/// One hop of an order.
#[derive(Serialize, ToSchema)]
pub struct StepShown {
    #[schema(value_type = String, example = "2026-11-24T20:41:07.112345Z")]
    at: Moment,
    service: &'static str,
    topic: &'static str,
    what: String,
}

impl From<OrderView> for OrderShown {
    fn from(order: OrderView) -> Self {
        let failed = matches!(order.status, Status::Retrying | Status::Stranded | Status::Returned);
        let failure = order.failure.filter(|_| failed).map(|reason| reason.to_string());
        OrderShown {
            order_id: order.order_id,
            status: order.status.name(),
            customer: order.customer,
            address: order.address,
            lines: order
                .lines
                .into_iter()
                .map(|line| LineShown { beer: line.beer.to_string(), bottles: line.bottles.0 })
                .collect(),
            total_cents: order.total.0,
            reason: order.refusal.map(|refusal| refusal.to_string()).or(failure),
            courier: order.courier,
            journey: order
                .journey
                .into_iter()
                .map(|step| StepShown {
                    at: step.at,
                    service: step.service.name(),
                    topic: step.topic,
                    what: sentence(&step.what),
                })
                .collect(),
        }
    }
}

/// A hop in words. The pages have their own, in the reader's language.
fn sentence(what: &What) -> String {
    match what {
        What::Placed => "placed: safe at the website".to_owned(),
        What::Accepted { bottles } => format!("accepted: {bottles} bottles put aside"),
        What::Refused { reason } => format!("refused: {reason}"),
        What::Reserved { beer, bottles, level } => format!("reserved {bottles} {beer}, {level} left"),
        What::Released { beer, bottles, level } => format!("released {bottles} {beer}, {level} on the shelf"),
        What::Shown { beer, level } => format!("shows {level} {beer} on the shelf"),
        What::Counted => "counted by inventory-analysis".to_owned(),
        What::PickedUp { courier } => format!("picked up by {courier}"),
        What::AttemptFailed { courier, reason, retry_at } => format!("{courier}: {reason}; again at {retry_at}"),
        What::Stranded { reason, attempts } => format!("stranded after {attempts} attempts: {reason}"),
        What::Redriven { address } => format!("tried again, to {address}"),
        What::Returned => "given up: the bottles go back".to_owned(),
        What::Delivered { courier } => format!("delivered by {courier}"),
    }
}
