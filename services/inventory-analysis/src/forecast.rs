//! When each beer will be sold out at the current rate.

use events::{
    beers::BEERS,
    ids::Moment,
    insights::{BeerForecast, Forecast},
};

use crate::{
    analysis::Analysis,
    shelf::{RECENT_MINUTES, Shelf},
};

const MINUTE_MICROS: i64 = 60_000_000;

/// The forecast at `now`.
///
/// Reservations are counted by whole minutes: the current one and the nine before. The rate is over as much of that time as
/// the shop has been open, at least a minute: otherwise a young shop would seem to sell too slowly.
pub fn forecast(analysis: &Analysis, now: Moment) -> Forecast {
    let nothing = Shelf::default();
    let beers = BEERS.iter().map(|beer| {
        let id = beer.beer_id();
        let shelf = analysis.shelf(&id).unwrap_or(&nothing);
        let since = now.minute() - RECENT_MINUTES + 1;
        let reserved_in_10_min = shelf.recent.range(since..).map(|(_, bottles)| bottles).sum();
        BeerForecast {
            beer: id,
            level: shelf.level,
            reserved_in_10_min,
            sold_out_at: sold_out_at(shelf, reserved_in_10_min, since, now),
            restocked: !beer.scarce,
        }
    });
    Forecast { at: now, beers: beers.collect() }
}

/// The shelf divided by the rate.
fn sold_out_at(shelf: &Shelf, reserved: u64, since_minute: i64, now: Moment) -> Option<Moment> {
    let since = Moment::from_micros(since_minute * MINUTE_MICROS).max(shelf.opened_at?);
    let observed = i128::from(now.micros_since(since).max(MINUTE_MICROS));
    let left = (i128::from(shelf.level.0) * observed).checked_div(i128::from(reserved))?;
    Some(Moment::from_micros(now.micros().saturating_add(i64::try_from(left).ok()?)))
}

#[cfg(test)]
mod tests {
    use events::{
        ids::BeerId,
        quantities::{Bottles, Sequence},
        stock::{StockChange, StockEvent},
    };

    use super::*;

    fn at(minute: i64, second: i64) -> Moment {
        Moment::from_micros(minute * MINUTE_MICROS + second * 1_000_000)
    }

    /// 100 bottles counted at minute 100, 10 of them reserved at minute 101.
    fn analysis() -> Analysis {
        let mut analysis = Analysis::default();
        let mut event = StockEvent {
            change: StockChange::Counted,
            beer: BeerId::new("orval"),
            sequence: Sequence(1),
            bottles: Bottles(100),
            level: Bottles(100),
            order_id: None,
        };
        analysis.stock(&event, at(100, 0));
        let order_id = Some("a".parse().unwrap());
        event = StockEvent { change: StockChange::Reserved, sequence: Sequence(2), order_id, ..event };
        analysis.stock(&StockEvent { bottles: Bottles(10), level: Bottles(90), ..event }, at(101, 30));
        analysis
    }

    fn orval(now: Moment) -> (u64, Option<Moment>) {
        let forecast = forecast(&analysis(), now);
        let orval = forecast.beers.iter().find(|beer| beer.beer.as_str() == "orval").unwrap();
        assert_eq!((orval.level, orval.restocked), (Bottles(90), true));
        (orval.reserved_in_10_min, orval.sold_out_at)
    }

    #[test]
    fn the_rate_is_over_the_time_the_shop_is_open() {
        assert_eq!(orval(at(102, 0)), (10, Some(at(120, 0))), "10 bottles in 2 minutes, 90 in 18");
    }

    #[test]
    fn what_was_reserved_long_ago_does_not_count() {
        assert_eq!(orval(at(110, 0)).0, 10);
        assert_eq!(orval(at(111, 0)), (0, None));
    }

    #[test]
    fn only_the_scarce_beer_is_not_restocked() {
        let forecast = forecast(&Analysis::default(), at(1, 0));
        let scarce: Vec<_> =
            forecast.beers.iter().filter(|beer| !beer.restocked).map(|beer| beer.beer.as_str()).collect();
        assert_eq!(scarce, ["westvleteren-12"]);
        assert_eq!(forecast.beers[0].sold_out_at, None);
    }
}
