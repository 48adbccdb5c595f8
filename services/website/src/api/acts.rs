//! Playing an act: the state it starts from, and what each of its steps makes happen.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use events::{
    beers::BEERS,
    delivery::DeliveryRequest,
    ids::OrderId,
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    settings::Choices,
};
use serde::Serialize;
use service::now;
use utoipa::ToSchema;

use super::{
    console::{Crash, authorize, make_burst, make_crash},
    past::{ask_the_past, make_rebuild},
    problem::Problem,
    stage::ask,
};
use crate::{
    acts::{Act, Effect, Target},
    site::Site,
};

/// Where a sample order goes to, and a redriven one.
const ADDRESS: &str = "Grote Markt 1, Brussel";
/// Where nobody finds it.
const NOWHERE: &str = "Rue introuvable 13, Liège";

/// Where the speaker is.
#[derive(Serialize, ToSchema)]
pub(super) struct Played {
    act: u8,
    /// 0 before the first step.
    step: u8,
    /// The page the room is led to by this; null if it stays where it is.
    page: Option<&'static str>,
}

/// Sets the state an act starts from, in one go.
#[utoipa::path(
    post, path = "/api/stage/acts/{act}", params(("act" = u8, Path)), security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn begin(
    State(site): State<Arc<Site>>,
    Path(act): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let act = act.parse().ok().and_then(Act::of_number).ok_or_else(|| Problem::not_found("no such act"))?;
    Ok(Json(begin_act(&site, act).await?))
}

async fn begin_act(site: &Site, act: &Act) -> Result<Played, Problem> {
    site.house.director.change(|choices| Ok::<_, Problem>(act.start(choices))).await?;
    Ok(Played { act: act.number, step: 0, page: Some(act.page) })
}

/// The act the speaker is at, and its step.
fn position(site: &Site) -> Result<(&'static Act, u8), Problem> {
    let settings = site.house.director.settings();
    let act = Act::now(&settings).ok_or_else(|| Problem::conflict("no act has begun"))?;
    Ok((act, settings.choices.step))
}

/// Does the next step; after the last one, begins the next act; at the very beginning, the first one.
#[utoipa::path(
    post, path = "/api/stage/next", security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn next(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let (act, step) = match position(&site) {
        Ok((act, step)) if step < act.length() => return Ok(Json(play_step(&site, act, step + 1).await?)),
        Ok(position) => position,
        Err(_) => return Ok(Json(begin_act(&site, first_act()?).await?)),
    };
    match Act::of_number(act.number + 1) {
        Some(act) => Ok(Json(begin_act(&site, act).await?)),
        None => Ok(Json(Played { act: act.number, step, page: None })),
    }
}

fn first_act() -> Result<&'static Act, Problem> {
    Act::of_number(1).ok_or_else(|| Problem::not_found("no such act"))
}

/// Goes a step back: only the mark moves, nothing is undone.
#[utoipa::path(
    post, path = "/api/stage/back", security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn back(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let (act, step) = position(&site)?;
    let before = step.saturating_sub(1);
    site.house.director.change(|choices| Ok::<_, Problem>(Choices { step: before, ..choices.clone() })).await?;
    Ok(Json(Played { act: act.number, step: before, page: None }))
}

/// Does the step at hand again; before the first one, begins the act again.
#[utoipa::path(
    post, path = "/api/stage/again", security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn again(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    match position(&site)? {
        (act, 0) => Ok(Json(begin_act(&site, act).await?)),
        (act, step) => Ok(Json(play_step(&site, act, step).await?)),
    }
}

/// Does a step of the act the speaker is at; done again, it does the same again.
#[utoipa::path(
    post, path = "/api/stage/steps/{step}", params(("step" = u8, Path)), security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn play(
    State(site): State<Arc<Site>>,
    Path(step): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let (act, _) = position(&site)?;
    let number: u8 = step.parse().map_err(|_| no_such_step())?;
    Ok(Json(play_step(&site, act, number).await?))
}

fn no_such_step() -> Problem {
    Problem::not_found("no such step in this act")
}

/// Does the step of this number.
pub(super) async fn play_step(site: &Arc<Site>, act: &Act, number: u8) -> Result<Played, Problem> {
    let step = act.step(number).ok_or_else(no_such_step)?;
    // First, because a step may stop the broker, and nothing could be set then.
    site.house.director.change(|choices| act.after(number, choices).ok_or_else(no_such_step)).await?;
    happen(site, step.effect).await?;
    Ok(Played { act: act.number, step: number, page: step.page() })
}

async fn happen(site: &Arc<Site>, effect: Effect) -> Result<(), Problem> {
    match effect {
        Effect::Say | Effect::Set(_) | Effect::Open(_) => Ok(()),
        Effect::Burst => make_burst(site).await.map(drop),
        Effect::Crash(target) => make_crash(site, whom(site, target)?).await,
        Effect::Order => Ok(site.hand_in(sample_order(ADDRESS), now()).await?),
        Effect::OrderNowhere => Ok(site.hand_in(sample_order(NOWHERE), now()).await?),
        Effect::Redrive => {
            let (order_id, address) = (newest_stranded(site)?, Some(ADDRESS.to_owned()));
            Ok(ask(site, DeliveryRequest::Redrive { order_id, address }).await?)
        }
        Effect::ReturnToStock => {
            let order_id = newest_stranded(site)?;
            Ok(ask(site, DeliveryRequest::ReturnToStock { order_id }).await?)
        }
        Effect::Rebuild => make_rebuild(site).await.map(drop),
        Effect::Ask(question) => ask_the_past(site, question).await.map(drop),
    }
}

fn whom(site: &Site, target: Target) -> Result<Crash, Problem> {
    let nobody = || Problem::conflict("nobody is there who could crash");
    match target {
        Target::Service(service) => Ok(Crash::Service(service)),
        Target::Broker => Ok(Crash::Broker),
        Target::Courier => site.known(|known| known.busiest_courier()).map(Crash::Courier).ok_or_else(nobody),
        Target::Worker => site.known(|known| known.last_worker()).map(Crash::Worker).ok_or_else(nobody),
    }
}

fn newest_stranded(site: &Site) -> Result<OrderId, Problem> {
    let newest = site.known(|known| known.parcels.newest_stranded());
    newest.ok_or_else(|| Problem::conflict("nothing lies among the dead letters yet"))
}

fn sample_order(address: &str) -> PlaceOrder {
    let lines = BEERS.iter().filter(|beer| beer.id == "orval" || beer.id == "duvel");
    PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: None,
        customer: "Ada".to_owned(),
        address: address.to_owned(),
        lines: lines.map(|beer| Line { beer: beer.beer_id(), bottles: Bottles(2) }).collect(),
    }
}
