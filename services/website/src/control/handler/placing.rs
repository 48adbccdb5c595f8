//! Orders: one per key, committed before the answer, and placed once wherever they come from.

use events::{
    ids::{EventId, Moment, OrderId, Service},
    orders::{PlaceOrder, total},
    topics::ORDERS,
    trace::TraceContext,
};
use service::{Batch, Outcome};
use store::enqueue;
use web::order::view::{Status, What};

use crate::{
    control::{
        handler::ShopHandler,
        request::{Answer, NewOrder, order_id_of},
    },
    pure::fact::Fact,
    store::orders::{self, Before, Placed, StoredKey},
};

impl ShopHandler {
    /// Order and outgoing message are in one transaction: once it is committed the order is safe.
    pub(super) async fn place(&mut self, new: &NewOrder, batch: &mut Batch) -> anyhow::Result<Outcome<Answer>> {
        let stored = new.stored_key()?;
        let before = stored.as_ref().and_then(|stored| Some((stored, self.known.keys.get(&stored.key)?)));
        if let Some((stored, before)) = before {
            let is_same = before.ordered.is_none() || before.ordered == stored.ordered;
            let answer = if is_same { Answer::Placed(before.order_id.clone()) } else { Answer::KeyReused };
            return Ok(Outcome::Handled(answer));
        }
        let mut order_id = new.order_id.clone();
        while self.known.state(&order_id).placed {
            order_id = OrderId::random();
            self.known.states.extend(orders::states(batch, &[order_id.clone()].into()).await?);
        }
        batch.trace = new.trace;
        self.placed(&order_id, &new.order, stored, new.at, new.trace);
        let (key, order) = (order_id.as_str(), PlaceOrder { order_id: Some(order_id.clone()), ..new.order.clone() });
        enqueue(batch, ORDERS, key, new.at, &order)?;
        Ok(Outcome::Handled(Answer::Placed(order_id)))
    }

    /// An order read from its topic. The shop's own are in the database already.
    pub(super) fn ordered(&mut self, fact: &Fact<PlaceOrder>, trace: Option<TraceContext>) -> Outcome<Answer> {
        let order_id = order_id_of(fact);
        if self.known.state(&order_id).placed {
            return Outcome::Repeated;
        }
        self.placed(&order_id, &fact.message, None, fact.at, trace);
        Outcome::Handled(Answer::Written)
    }

    fn placed(
        &mut self,
        order_id: &OrderId,
        order: &PlaceOrder,
        key: Option<StoredKey>,
        at: Moment,
        trace: Option<TraceContext>,
    ) {
        let PlaceOrder { customer, address, lines, .. } = order;
        let state = self.known.state(order_id);
        state.placed = true;
        state.address.clone_from(address);
        if let Some(StoredKey { key, ordered }) = key.clone() {
            self.known.keys.insert(key, Before { order_id: order_id.clone(), ordered });
        }
        self.news.placed.push(Placed {
            order_id: order_id.clone(),
            key,
            customer: customer.clone(),
            address: address.clone(),
            lines: lines.clone(),
            total: total(lines),
            at,
        });
        // Not the id of the message: an order is placed once, no matter who sends it.
        let event_id = EventId::new(format!("placed {order_id}"));
        self.hop(event_id, order_id, at, (Service::Website, ORDERS.spec), What::Placed);
        self.context.order_log.note(order_id, trace, "placed");
        self.news.statuses.push((order_id.clone(), Status::Placed, at));
    }
}
