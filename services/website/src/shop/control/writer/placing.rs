//! Orders from the form and the API: one for each key, stored before anybody is answered.

use events::{
    ids::{Moment, OrderId},
    orders::PlaceOrder,
    topics::ORDERS,
};
use store::{enqueue, json_of};

use crate::shop::{
    control::{
        request::{Key, KeyReused},
        writer::Work,
    },
    store::orders,
};

impl Work<'_> {
    /// Order and outbox row in one transaction: from here on the order is safe.
    pub(super) async fn place(
        &mut self,
        mut order: PlaceOrder,
        key: Option<&Key>,
        at: Moment,
    ) -> anyhow::Result<Result<OrderId, KeyReused>> {
        let ordered = json_of("orders", "ordered", &(&order.customer, &order.address, &order.lines))?;
        let stored = key.map(|key| match key {
            Key::Client(key) => format!("client {key}"),
            // Another order from the same page is one that somebody went back for and changed.
            Key::Form(token) => format!("form {token} {ordered}"),
        });
        if let Some(stored) = &stored
            && let Some(before) = orders::order_of_key(&mut self.transaction, stored).await?
        {
            let is_same = before.ordered.is_none_or(|before| before == ordered);
            return Ok(if is_same { Ok(before.order_id) } else { Err(KeyReused) });
        }
        let ordered = matches!(key, Some(Key::Client(_))).then_some(ordered.as_str());
        loop {
            let order_id = OrderId::random();
            let written = orders::Keyed { key: stored.as_deref(), ordered };
            if self.write_order(&order_id, &order, written, at).await? {
                order.order_id = Some(order_id.clone());
                let (topic, id) = (ORDERS, order_id.as_str());
                enqueue(&mut self.transaction, topic, id, at, Some(&order_id), &order)?;
                self.to_publish = true;
                return Ok(Ok(order_id));
            }
        }
    }
}
