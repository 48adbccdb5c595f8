//! What should not be missed: beers that are almost sold out, and suspicious orders.

use askama::Template;
use events::insights::{BeerForecast, Forecast};
use web::{
    order::wording,
    pure::{
        format,
        layout::{Fragment, Frame},
    },
};

use crate::read_model::insights::AnalysisView;

/// A beer that sells out within this time is almost sold out.
const ALMOST_WITHIN_MS: i64 = 10 * 60_000;
/// The most beers named.
const NAMED_MAX: usize = 3;

#[derive(Template)]
#[template(path = "analysis/alerts.html")]
struct Alerts<'a> {
    frame: Frame<'a>,
    beers: Vec<String>,
    suspicious: Option<String>,
}

/// The fragment `alerts`; empty if there is none.
pub(super) fn alerts(view: &AnalysisView, frame: Frame<'_>) -> askama::Result<Fragment> {
    let beers = view.forecast.as_ref().map(|forecast| almost_gone(forecast)).unwrap_or_default();
    let found = view.fraud.as_ref().filter(|fraud| fraud.attached).map_or(0, |fraud| fraud.findings_total);
    let alerts = Alerts {
        frame,
        beers: beers.into_iter().map(|beer| gone_soon(beer, &frame)).collect(),
        suspicious: (found > 0).then(|| frame.language.count("analysis.alert_suspicious", found)),
    };
    Fragment::new("alerts", &alerts)
}

/// Beers that nobody restocks and that are sold out now or soon, soonest first.
fn almost_gone(forecast: &Forecast) -> Vec<&BeerForecast> {
    let soon = forecast.at.plus_millis(ALMOST_WITHIN_MS);
    let is_soon = |beer: &&BeerForecast| {
        !beer.restocked && (beer.level.0 == 0 || beer.sold_out_at.is_some_and(|sold_out_at| sold_out_at <= soon))
    };
    let mut beers: Vec<_> = forecast.beers.iter().filter(is_soon).collect();
    beers.sort_by_key(|beer| (beer.level.0 > 0, beer.sold_out_at));
    beers.truncate(NAMED_MAX);
    beers
}

fn gone_soon(beer: &BeerForecast, frame: &Frame<'_>) -> String {
    let name = wording::short_beer(&beer.beer);
    match beer.sold_out_at.filter(|_| beer.level.0 > 0) {
        None => frame.with("analysis.alert_gone", "beer", &name),
        Some(at) => {
            let time = format::clock_minutes(at);
            frame.language.fill("analysis.alert_almost", &[("beer", &name), ("time", &time)])
        }
    }
}

#[cfg(test)]
mod tests {
    use events::{
        ids::{BeerId, Moment},
        quantities::Bottles,
    };

    use super::*;

    fn forecast(beers: &[(&str, u32, Option<i64>, bool)]) -> Forecast {
        let beer = |(id, level, minutes, restocked): &(&str, u32, Option<i64>, bool)| BeerForecast {
            beer: BeerId::new(*id),
            level: Bottles(*level),
            reserved_in_10_min: 9,
            sold_out_at: minutes.map(|minutes| Moment::default().plus_millis(minutes * 60_000)),
            restocked: *restocked,
        };
        Forecast { at: Moment::default(), beers: beers.iter().map(beer).collect() }
    }

    #[test]
    fn what_is_gone_soonest_is_named_first_and_what_comes_again_is_not() {
        let forecast = forecast(&[
            ("later", 9, Some(11), false),
            ("soon", 9, Some(10), false),
            ("restocked", 1, Some(1), true),
            ("gone", 0, None, false),
            ("sooner", 2, Some(2), false),
            ("nobody-buys", 9, None, false),
        ]);
        let named: Vec<_> = almost_gone(&forecast).into_iter().map(|beer| beer.beer.as_str()).collect();
        assert_eq!(named, ["gone", "sooner", "soon"]);
    }
}
