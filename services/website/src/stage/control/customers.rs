//! The stage's customers order through the shop, as all others do: the crowd, and the steps that order something.

use events::{ids::Moment, orders::PlaceOrder};
use futures_util::future::BoxFuture;

/// The way to the shop. It takes an order without waiting for its id, and makes its customers wait while it is busy.
pub trait PlaceOrders: Send + Sync {
    /// Hands an order in.
    fn place(&self, order: PlaceOrder, at: Moment) -> BoxFuture<'_, Result<(), NotTaken>>;
}

/// The shop takes no orders.
#[derive(Debug, thiserror::Error)]
#[error("the shop takes no orders")]
pub struct NotTaken;
