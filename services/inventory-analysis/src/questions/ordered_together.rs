//! Which two beers are ordered together most?

use events::{
    beers::BEERS,
    orders::PlaceOrder,
    past::Cell,
    received::Received,
    topics::{ORDERS, Topic},
};

use crate::{questions::Inquiry, seen::Seen};

/// Counts, for each pair of beers in the catalogue, the orders that contain both, accepted or not.
#[derive(Debug, Default)]
pub struct OrderedTogether {
    seen: Seen,
    /// By the indexes of the two beers in the catalogue, the smaller one first.
    orders: [[u64; BEERS.len()]; BEERS.len()],
}

impl Inquiry for OrderedTogether {
    type Message = PlaceOrder;
    const COLUMNS: &'static [&'static str] = &["beer", "with", "orders"];

    fn topic() -> Topic<PlaceOrder> {
        ORDERS
    }

    fn take(&mut self, received: &Received<PlaceOrder>) {
        let (Ok(order), Some(order_id)) = (&received.message, received.order_id()) else { return };
        if !self.seen.record_once(&order_id) {
            return;
        }
        let is_in_it = |place: usize| order.lines.iter().any(|line| line.beer.as_str() == BEERS[place].id);
        let beers: Vec<usize> = (0..BEERS.len()).filter(|place| is_in_it(*place)).collect();
        for (nth, beer) in beers.iter().enumerate() {
            beers.iter().skip(nth + 1).for_each(|with| self.orders[*beer][*with] += 1);
        }
    }

    fn rows(self) -> Vec<Vec<Cell>> {
        let of_beer = |(beer, counts): (usize, &[u64; BEERS.len()])| {
            let pair = move |(with, orders)| (orders, beer, with);
            counts.iter().copied().enumerate().map(pair).collect::<Vec<_>>()
        };
        let mut pairs: Vec<_> = self.orders.iter().enumerate().flat_map(of_beer).collect();
        pairs.retain(|(orders, ..)| *orders > 0);
        pairs.sort_by_key(|(orders, ..)| std::cmp::Reverse(*orders));
        let row = |(orders, beer, with): (u64, usize, usize)| {
            vec![Cell::Beer(BEERS[beer].beer_id()), Cell::Beer(BEERS[with].beer_id()), Cell::Count(orders)]
        };
        pairs.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use events::ids::BeerId;

    use super::*;
    use crate::questions::testing::{order, received};

    #[test]
    fn counts_orders_with_both_beers() {
        let mut inquiry = OrderedTogether::default();
        let orders = [
            order("a", "Ada", &[("orval", 2), ("duvel", 1)]),
            order("b", "Bob", &[("duvel", 1), ("orval", 1), ("water", 3), ("westmalle-tripel", 1)]),
            order("b", "Bob", &[("duvel", 1), ("orval", 1)]),
            order("c", "Cas", &[("orval", 1), ("orval", 5)]),
        ];
        orders.into_iter().for_each(|order| inquiry.take(&received(order, 0)));
        let rows = inquiry.rows();
        assert_eq!(rows.len(), 3, "an order sent again, one beer twice and no beer at all are no pairs: {rows:?}");
        assert!(rows[0].contains(&Cell::Beer(BeerId::new("orval"))), "{rows:?}");
        assert!(rows[0].contains(&Cell::Beer(BeerId::new("duvel"))), "{rows:?}");
        assert_eq!(rows.iter().map(|row| row[2].clone()).collect::<Vec<_>>(), [2, 1, 1].map(Cell::Count));
    }
}
