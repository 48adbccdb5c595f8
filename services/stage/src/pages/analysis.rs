//! `/analysis`: what sold, what could not be sold, and when each beer sells out.

use askama::Template;
use events::{
    ids::{Moment, Service},
    insights::{BeerForecast, Forecast, MinuteOfSales, Sales},
};
use web::{
    order::wording,
    pure::{
        format,
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::{
        alerts::alerts,
        chart::{self, Minutes},
        view::PageView,
    },
    read_model::insights::AnalysisView,
};

#[derive(Template)]
#[template(path = "analysis/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "analysis/sales.html")]
struct SalesTemplate<'a> {
    frame: Frame<'a>,
    charts: Option<Charts>,
}

struct Charts {
    charts: Vec<Chart>,
    /// What could not be sold, if anything.
    refused: Option<String>,
}

/// Counts per minute.
struct Chart {
    title: &'static str,
    minutes: Minutes,
    /// The data in words, for screen readers.
    words: String,
    svg: String,
}

#[derive(Template)]
#[template(path = "analysis/forecast.html")]
struct ForecastTemplate<'a> {
    frame: Frame<'a>,
    beers: Vec<Row>,
}

struct Row {
    beer: String,
    level: String,
    reserved: String,
    sold_out: String,
    tone: &'static str,
}

impl PageView for AnalysisView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let charts = self.sales.as_ref().filter(|sales| sales.orders + sales.refused.orders > 0);
        let beers = self.forecast.as_ref().map(|forecast| rows(forecast, &frame)).unwrap_or_default();
        Ok(vec![
            alive(&frame, &[Service::InventoryAnalysis])?,
            figures(self.sales.as_ref().map(|sales| big_figures(sales, &frame)).unwrap_or_default())?,
            alerts(self, frame)?,
            Fragment::new("sales", &SalesTemplate { frame, charts: charts.map(|sales| draw(sales, self, &frame)) })?,
            Fragment::new("forecast", &ForecastTemplate { frame, beers })?,
        ])
    }
}

fn big_figures(sales: &Sales, frame: &Frame<'_>) -> Vec<Figure> {
    let language = frame.language;
    let [orders, bottles] = [("analysis.figure_orders", sales.orders), ("shop.bottles", sales.bottles)]
        .map(|(key, n)| language.count(key, n));
    let orders_and_bottles = format!("{orders}, {bottles}");
    vec![
        Figure {
            text: format::money(language, sales.revenue_cents),
            label: frame.t("analysis.figure_revenue").to_owned(),
            tone: "amber",
        },
        Figure { text: format::number(language, sales.orders), label: orders_and_bottles, tone: "plain" },
        Figure {
            text: format::number(language, sales.refused.orders),
            label: language.count("analysis.figure_refused", sales.refused.orders),
            tone: if sales.refused.orders == 0 { "plain" } else { "wrong" },
        },
    ]
}

fn draw(sales: &Sales, view: &AnalysisView, frame: &Frame<'_>) -> Charts {
    let language = frame.language;
    let refused = (sales.refused.orders > 0).then(|| {
        language.fill(
            "analysis.refused_demand",
            &[
                ("orders", &language.count("analysis.orders", sales.refused.orders)),
                ("bottles", &language.count("shop.bottles", sales.refused.bottles)),
                ("value", &format::money(language, sales.refused.value_cents)),
            ],
        )
    });
    // If only the forecast is newer, nothing was sold in between.
    let until = view.forecast.as_ref().map_or(sales.at, |forecast| sales.at.max(forecast.at));
    let chart = |title, of: fn(&MinuteOfSales) -> u64| chart(frame, title, Minutes::of(sales, until, of));
    let charts = vec![
        chart("analysis.orders_a_minute", |minute| minute.orders),
        chart("analysis.bottles_a_minute", |minute| minute.bottles),
    ];
    Charts { charts, refused }
}

fn chart(frame: &Frame<'_>, title: &'static str, minutes: Minutes) -> Chart {
    let title = frame.t(title);
    let [last, most, so_far] = [minutes.last_whole().unwrap_or(0), minutes.most(), minutes.so_far()]
        .map(|count| format::number(frame.language, count));
    let values = [("title", title), ("last", &*last), ("most", &*most), ("so_far", &*so_far)];
    let words = frame.language.fill("analysis.chart_words", &values);
    let svg = chart::bars(frame.language, &minutes, &words);
    Chart { title, minutes, words, svg }
}

/// Beers that sell out first come first; those that nobody buys come last.
fn rows(forecast: &Forecast, frame: &Frame<'_>) -> Vec<Row> {
    let mut beers: Vec<_> = forecast.beers.iter().collect();
    beers.sort_by_key(|beer| (beer.sold_out_at.is_none(), beer.restocked, beer.sold_out_at));
    beers.into_iter().map(|beer| row(beer, forecast.at, frame)).collect()
}

fn row(beer: &BeerForecast, now: Moment, frame: &Frame<'_>) -> Row {
    let language = frame.language;
    let gone = beer.level.0 == 0;
    let (sold_out, tone) = match beer.sold_out_at {
        _ if gone && !beer.restocked => (frame.t("shop.sold_out").to_owned(), "wrong"),
        _ if beer.restocked => (frame.t("analysis.restocked").to_owned(), "soft"),
        None => (frame.t("analysis.nobody_buys").to_owned(), "soft"),
        Some(at) => {
            let left = u64::try_from(at.micros_since(now)).unwrap_or(0);
            let values = [("time", &*format::clock_minutes(at)), ("left", &*format::duration(language, left))];
            (language.fill("analysis.sold_out_in", &values), "amber")
        }
    };
    Row {
        beer: wording::short_beer(&beer.beer),
        level: format::number(language, beer.level.0.into()),
        reserved: format::number(language, beer.reserved_in_10_min),
        sold_out,
        tone,
    }
}
