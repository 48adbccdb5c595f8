//! The stock as shown, beside the log: is what customers see true?

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
};
use events::{
    beers,
    ids::{BeerId, Moment, OrderId},
    settings::Fold,
    stock::StockChange,
    topics::SubscriptionType,
};
use serde::Serialize;
use utoipa::ToSchema;
use web::http::problem::Problem;

use crate::{
    control::stage::Stage,
    read_model::{
        bursts::Burst,
        stock::{BeerOnShelf, Explained},
    },
};

/// All beers: the log beside what is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct Stock {
    beers: Vec<StockOfBeer>,
    /// How many beers are wrong.
    wrong: usize,
}

/// One beer: the log beside what is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct StockOfBeer {
    beer: &'static str,
    level: Option<u32>,
    sequence: u64,
    shown_level: Option<u32>,
    /// The highest sequence that stock-level handled.
    shown_sequence: u64,
    /// What is shown differs from the log, and no event of this beer is unhandled.
    wrong: bool,
    /// How many events of this beer are unhandled.
    behind: u64,
}

/// The stock: the log beside what is shown.
#[utoipa::path(get, path = "/stock", tag = "shelf", responses((status = 200, body = Stock)))]
pub(super) async fn stock(State(stage): State<Arc<Stage>>) -> Json<Stock> {
    Json(Stock::from(stage.known(|known| known.shelves.beers()).as_slice()))
}

impl From<&[BeerOnShelf]> for Stock {
    fn from(shelves: &[BeerOnShelf]) -> Self {
        let beer = |shelf: &BeerOnShelf| StockOfBeer {
            beer: shelf.beer.id,
            level: shelf.level.map(|level| level.0),
            sequence: shelf.sequence.0,
            shown_level: shelf.shown_level.map(|level| level.0),
            shown_sequence: shelf.shown_sequence.0,
            wrong: shelf.wrong,
            behind: shelf.behind,
        };
        Stock { beers: shelves.iter().map(beer).collect(), wrong: shelves.iter().filter(|shelf| shelf.wrong).count() }
    }
}

/// What bursts did to the levels, newest first: the last 40 of this episode.
#[derive(Serialize, ToSchema)]
pub(super) struct BurstsShown {
    bursts: Vec<BurstShown>,
}

/// A finished burst.
#[derive(Serialize, ToSchema)]
pub(super) struct BurstShown {
    /// How its events were distributed: Failover, Shared or Key_Shared.
    #[schema(value_type = String)]
    subscription: SubscriptionType,
    /// How they became levels: naive or versioned.
    #[schema(value_type = String)]
    fold: Fold,
    /// The number of workers.
    workers: u32,
    /// The number of events.
    events: u32,
    /// From the first event to the last write.
    seconds: f64,
    /// How many beers were wrong at the end.
    wrong: u32,
}

/// What bursts did to the levels.
#[utoipa::path(get, path = "/stock/bursts", tag = "shelf", responses((status = 200, body = BurstsShown)))]
pub(super) async fn bursts(State(stage): State<Arc<Stage>>) -> Json<BurstsShown> {
    let shown = |burst: &Burst| BurstShown {
        subscription: burst.folding.subscription,
        fold: burst.folding.fold,
        workers: burst.folding.workers,
        events: burst.events,
        seconds: Duration::from_micros(burst.micros).as_secs_f64(),
        wrong: burst.wrong,
    };
    Json(BurstsShown { bursts: stage.known(|known| known.shelves.bursts().over().map(shown).collect()) })
}

/// How the level of a beer came about.
#[derive(Serialize, ToSchema)]
pub(super) struct ExplainedShown {
    beer: String,
    level: Option<u32>,
    shown_level: Option<u32>,
    wrong: bool,
    /// The last events of this beer in log order, at most 20.
    log: Vec<EventShown>,
    /// Its last writes in the order of writing, at most 20.
    written: Vec<WriteShown>,
}

/// An event of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct EventShown {
    sequence: u64,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    change: StockChange,
    bottles: u32,
    level: u32,
    #[schema(value_type = Option<String>)]
    order_id: Option<OrderId>,
    #[schema(value_type = String)]
    at: Moment,
}

/// A write of stock-level.
#[derive(Serialize, ToSchema)]
pub(super) struct WriteShown {
    /// The sequence of the event that was handled.
    sequence: u64,
    level: u32,
    worker: String,
    /// When the worker took the event.
    #[schema(value_type = String)]
    taken_at: Moment,
    /// When it was written.
    #[schema(value_type = String)]
    at: Moment,
    /// From `taken_at` to `at`.
    took_ms: f64,
    /// An event with a higher sequence was written before it.
    late: bool,
    /// The versioned fold ignored it.
    ignored: bool,
}

/// The last events of a beer in log order, and its last writes in the order of writing.
#[utoipa::path(
    get, path = "/stock/explain/{beer}", tag = "shelf", params(("beer" = String, Path)),
    responses((status = 200, body = ExplainedShown), (status = 404, body = Problem))
)]
pub(super) async fn explain(
    State(stage): State<Arc<Stage>>,
    Path(beer): Path<String>,
) -> Result<Json<ExplainedShown>, Problem> {
    let beer = BeerId::new(beer);
    beers::find(&beer).ok_or_else(|| Problem::not_found("no such beer"))?;
    let Explained { shelf, log, written } = stage.known(|known| known.shelves.explain(&beer));
    let events = log.into_iter().map(|happened| EventShown {
        sequence: happened.event.sequence.0,
        change: happened.event.change,
        bottles: happened.event.bottles.0,
        level: happened.event.level.0,
        order_id: happened.event.order_id,
        at: happened.at,
    });
    let mut highest = 0;
    let writes = written.into_iter().map(|write| {
        let late = write.event.0 < highest;
        highest = highest.max(write.event.0);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of one event")]
        let took_ms = write.at.micros_since(write.taken_at) as f64 / 1000.0;
        WriteShown {
            sequence: write.event.0,
            level: write.level.0,
            worker: write.worker,
            taken_at: write.taken_at,
            at: write.at,
            took_ms,
            late,
            ignored: write.ignored,
        }
    });
    Ok(Json(ExplainedShown {
        beer: beer.to_string(),
        level: shelf.level.map(|level| level.0),
        shown_level: shelf.shown_level.map(|level| level.0),
        wrong: shelf.is_wrong(),
        log: events.collect(),
        written: writes.collect(),
    }))
}
