//! The pure core: what an order was given, and whether a delivery update about it is believed.
//!
//! The warehouse takes back what it gave out, once, and nothing else. It waits for nothing: an order leaves
//! when its decision is committed here, and only then can a courier have it. So an update about an order that was never
//! decided is untrue, whatever comes later.

use events::{
    delivery::DeliveryUpdate,
    ids::EventId,
    orders::{Line, PlaceOrder, PlaceOrderType},
    unreadable::ReasonCode,
};

/// What is known of the bottles of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// It was never decided.
    Unknown,
    /// It was refused and got none.
    Nothing,
    Out(Vec<Line>),
    /// Unknown: it was decided by a version that kept no lines.
    NotNoted,
    /// It is delivered or returned, as this event said.
    Closed(EventId),
}

/// What a believed update does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is not about bottles, or it is a repeat.
    None,
    /// The customer has the bottles.
    Delivered,
    /// These bottles are back.
    Back(Vec<Line>),
}

/// What an update does to the bottles of its order.
///
/// # Errors
/// Why it is not believed.
pub fn judge(given: &Given, update: &DeliveryUpdate, event_id: &EventId) -> Result<Effect, ReasonCode> {
    let back = match update {
        DeliveryUpdate::Delivered { .. } => None,
        DeliveryUpdate::Returned { lines, .. } => Some(lines),
        DeliveryUpdate::PickedUp { .. }
        | DeliveryUpdate::AttemptFailed { .. }
        | DeliveryUpdate::Stranded { .. }
        | DeliveryUpdate::Redriven { .. } => return Ok(Effect::None),
    };
    match (given, back) {
        (Given::Unknown, _) => Err(ReasonCode::UnknownOrder),
        (Given::Nothing, _) => Err(ReasonCode::NotGivenOut),
        (Given::Closed(by), _) if by == event_id => Ok(Effect::None),
        (Given::Closed(_), _) => Err(ReasonCode::SecondOutcome),
        (Given::Out(_) | Given::NotNoted, None) => Ok(Effect::Delivered),
        (Given::Out(out), Some(lines)) if out == lines => Ok(Effect::Back(lines.clone())),
        (Given::NotNoted, Some(lines)) if can_be_ordered(lines) => Ok(Effect::Back(lines.clone())),
        (Given::Out(_) | Given::NotNoted, Some(_)) => Err(ReasonCode::OtherBottles),
    }
}

/// Whether an order could have these lines.
fn can_be_ordered(lines: &[Line]) -> bool {
    let (customer, address) = ("anyone".to_owned(), "anywhere".to_owned());
    let order =
        PlaceOrder { kind: PlaceOrderType::PlaceOrder, order_id: None, customer, address, lines: lines.to_vec() };
    order.faults().is_empty()
}

#[cfg(test)]
mod tests;
