use events::ids::{Moment, OrderId};

use crate::order::view::Status;

/// `/stage/orders`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewestView {
    /// The orders that were placed last, newest first.
    pub orders: Vec<NewestOrder>,
    /// Customers are shortened.
    pub names_hidden: bool,
}

/// One of the orders that were placed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestOrder {
    /// Which.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer: String,
    /// How many bottles.
    pub bottles: u32,
    /// Where it is.
    pub status: Status,
    /// When it was placed.
    pub at: Moment,
}
