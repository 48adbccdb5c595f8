//! Playing an act: the state it starts from, and what each of its steps makes happen.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
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
use serde_json::Value;
use service::now;
use utoipa::ToSchema;

use crate::{shop::control::shop::Site, stage::{api::{console::{Crash, authorize, make_burst, make_crash, read_optional}, past::{ask_the_past, make_rebuild}}, control::director::Undone, pure::acts::{Act, Effect, Target}}, web::http::problem::Problem};

/// Where a sample order goes to, and a redriven one.
const ADDRESS: &str = "Grote Markt 1, Brussel";
/// Where nobody finds it.
const NOWHERE: &str = "Rue introuvable 13, Liège";

/// Where the speaker is.
#[derive(Serialize, ToSchema)]
pub(super) struct Played {
    /// Null before the first act.
    act: Option<u8>,
    /// 0 before the first step.
    step: u8,
    /// The page the room is led to by this; null if it stays where it is.
    page: Option<&'static str>,
    /// Whether this call has done something. Not, if the stage was elsewhere than the call said: then it is here.
    done: bool,
}

/// Where the stage is when somebody presses a key, as far as they see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub(super) struct Position {
    /// Null before the first act.
    #[schema(required)]
    act: Option<u8>,
    /// 0 before the first step.
    step: u8,
}

impl Position {
    /// Where the call says that the stage is.
    async fn read(headers: &HeaderMap, request: Request) -> Result<Self, Problem> {
        let body = read_optional(headers, request).await?;
        let number = |name: &str| body.get(name)?.as_u64().and_then(|number| u8::try_from(number).ok());
        let wrong = |name| Problem::wrong_field(name, "wrong_type", "must say where the stage is that is left");
        let act = match body.get("act") {
            Some(Value::Null) => None,
            _ => Some(number("act").ok_or_else(|| wrong("act"))?),
        };
        Ok(Position { act, step: number("step").ok_or_else(|| wrong("step"))? })
    }

    fn of(choices: &Choices) -> Self {
        Position { act: choices.act, step: choices.step }
    }

    /// Its act.
    fn act(self) -> Result<&'static Act, Problem> {
        self.act.and_then(Act::of_number).ok_or_else(|| Problem::conflict("no act has begun"))
    }

    /// Changes what is chosen, if the stage is still here; whether it was. Who presses at the same time as somebody else
    /// leaves a step that was left already, and changes nothing.
    async fn leave(
        self,
        site: &Site,
        change: impl FnOnce(&Choices) -> Result<Choices, Problem>,
    ) -> Result<bool, Problem> {
        let from_here = |choices: &Choices| {
            if Position::of(choices) == self {
                change(choices).map_err(Unchanged::Why)
            } else {
                Err(Unchanged::Elsewhere)
            }
        };
        match site.house.director.change(from_here).await {
            Ok(_) => Ok(true),
            Err(Unchanged::Elsewhere) => Ok(false),
            Err(Unchanged::Why(problem)) => Err(problem),
        }
    }

    /// Begins an act from here.
    async fn begin(self, site: &Site, act: &Act) -> Result<Played, Problem> {
        if self.leave(site, |choices| Ok(act.start(choices))).await? {
            return Ok(Played { act: Some(act.number), step: 0, page: Some(act.page), done: true });
        }
        Ok(Played::nothing(site))
    }

    /// Does a step from here.
    async fn play(self, site: &Arc<Site>, act: &Act, number: u8) -> Result<Played, Problem> {
        let step = act.step(number).ok_or_else(no_such_step)?;
        // First, because a step may stop the broker, and nothing could be set then.
        if !self.leave(site, |choices| act.after(number, choices).ok_or_else(no_such_step)).await? {
            return Ok(Played::nothing(site));
        }
        happen(site, step.effect).await?;
        Ok(Played { act: Some(act.number), step: number, page: step.page(), done: true })
    }
}

impl Played {
    /// Where the stage is, and this call has not changed it.
    fn nothing(site: &Site) -> Self {
        let Position { act, step } = Position::of(&site.house.director.settings().choices);
        Played { act, step, page: None, done: false }
    }
}

/// Why nothing was changed.
enum Unchanged {
    /// The stage is elsewhere than the call said.
    Elsewhere,
    Why(Problem),
}

impl From<Undone> for Unchanged {
    fn from(undone: Undone) -> Self {
        Unchanged::Why(undone.into())
    }
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
    site.house.director.change(|choices| Ok::<_, Problem>(act.start(choices))).await?;
    Ok(Json(Played { act: Some(act.number), step: 0, page: Some(act.page), done: true }))
}

/// Does the next step; after the last one, begins the next act; at the very beginning, the first one. Says which step is
/// left: if the stage is elsewhere by then, nothing happens.
#[utoipa::path(
    post, path = "/api/stage/next", request_body = Position, security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn next(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let left = Position::read(&headers, request).await?;
    let act = left.act().ok();
    if let Some(act) = act.filter(|act| left.step < act.length()) {
        return Ok(Json(left.play(&site, act, left.step + 1).await?));
    }
    match Act::of_number(act.map_or(1, |act| act.number + 1)) {
        Some(act) => Ok(Json(left.begin(&site, act).await?)),
        None => Ok(Json(Played::nothing(&site))),
    }
}

/// Goes a step back: only the mark moves, nothing is undone. Says which step is left: if the stage is elsewhere by then,
/// nothing happens.
#[utoipa::path(
    post, path = "/api/stage/back", request_body = Position, security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn back(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let left = Position::read(&headers, request).await?;
    let (act, before) = (left.act()?, left.step.saturating_sub(1));
    if left.leave(&site, |choices| Ok(Choices { step: before, ..choices.clone() })).await? {
        return Ok(Json(Played { act: Some(act.number), step: before, page: None, done: true }));
    }
    Ok(Json(Played::nothing(&site)))
}

/// Does the step at hand again; before the first one, begins the act again. Says which step that is: if the stage is
/// elsewhere by then, nothing happens.
#[utoipa::path(
    post, path = "/api/stage/again", request_body = Position, security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn again(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let here = Position::read(&headers, request).await?;
    let act = here.act()?;
    Ok(Json(if here.step == 0 { here.begin(&site, act).await? } else { here.play(&site, act, here.step).await? }))
}

/// Does a step of the act the speaker is at; done again, it does the same again. Says which step is left: if the stage is
/// elsewhere by then, nothing happens.
#[utoipa::path(
    post, path = "/api/stage/steps/{step}", params(("step" = u8, Path)), request_body = Position,
    security(("presenter" = [])),
    responses(
        (status = 200, body = Played), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub(super) async fn play(
    State(site): State<Arc<Site>>,
    Path(step): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Played>, Problem> {
    authorize(&site, &headers)?;
    let left = Position::read(&headers, request).await?;
    let number: u8 = step.parse().map_err(|_| no_such_step())?;
    Ok(Json(left.play(&site, left.act()?, number).await?))
}

fn no_such_step() -> Problem {
    Problem::not_found("no such step in this act")
}

/// Does the step of this number, wherever the stage is.
pub(super) async fn play_step(site: &Arc<Site>, act: &Act, number: u8) -> Result<(), Problem> {
    let step = act.step(number).ok_or_else(no_such_step)?;
    site.house.director.change(|choices| act.after(number, choices).ok_or_else(no_such_step)).await?;
    happen(site, step.effect).await
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
            Ok(site.request(DeliveryRequest::Redrive { order_id, address }).await?)
        }
        Effect::ReturnToStock => {
            let order_id = newest_stranded(site)?;
            Ok(site.request(DeliveryRequest::ReturnToStock { order_id }).await?)
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
