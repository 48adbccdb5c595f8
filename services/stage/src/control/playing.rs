//! Plays an act: sets the state it starts from, and makes its steps happen.

use events::{
    beers::BEERS,
    delivery::DeliveryRequest,
    ids::OrderId,
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    settings::Choices,
};

use crate::{
    control::{
        burst,
        control_error::ControlError,
        crash::{self, Crash},
        past,
        stage::Stage,
    },
    pure::acts::{Act, Effect, Target},
};

/// The address of a sample order, and of a redriven one.
const ADDRESS: &str = "Grote Markt 1, Brussel";
/// An address that no courier finds.
const NOWHERE: &str = "Rue introuvable 13, Liège";

/// Where the speaker is after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    pub position: Position,
    /// The page for the room; none if it stays where it is.
    pub page: Option<&'static str>,
    /// Whether this call did something. If not, the stage was elsewhere than the call said, and `position` tells where.
    pub done: bool,
}

/// Where the stage is, as the caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// None before the first act.
    pub act: Option<u8>,
    /// 0 before the first step.
    pub step: u8,
}

impl Position {
    fn of(choices: &Choices) -> Self {
        Position { act: choices.act, step: choices.step }
    }

    fn act(self) -> Result<&'static Act, ControlError> {
        self.act.and_then(Act::of_number).ok_or(ControlError::Conflict("no act has begun"))
    }

    /// Changes the choices if the stage is still here, and returns whether it was. Of two simultaneous key presses, the
    /// second one changes nothing.
    async fn leave(
        self,
        stage: &Stage,
        change: impl FnOnce(&Choices) -> Result<Choices, ControlError>,
    ) -> Result<bool, ControlError> {
        let from_here = |choices: &Choices| {
            if Position::of(choices) == self {
                change(choices).map_err(Unchanged::Why)
            } else {
                Err(Unchanged::Elsewhere)
            }
        };
        match stage.backstage.director.change(from_here).await {
            Ok(_) => Ok(true),
            Err(Unchanged::Elsewhere) => Ok(false),
            Err(Unchanged::Why(why)) => Err(why),
        }
    }

    async fn begin(self, stage: &Stage, act: &Act) -> Result<Played, ControlError> {
        if self.leave(stage, |choices| Ok(act.start(choices))).await? {
            return Ok(Played::begun(act));
        }
        Ok(Played::nothing(stage))
    }

    async fn play(self, stage: &Stage, act: &Act, number: u8) -> Result<Played, ControlError> {
        let step = act.step(number).ok_or(ControlError::NoSuchStep)?;
        // First, because a step may stop the broker, and then nothing can be set.
        if !self.leave(stage, |choices| act.after(number, choices).ok_or(ControlError::NoSuchStep)).await? {
            return Ok(Played::nothing(stage));
        }
        happen(stage, step.effect).await?;
        let position = Position { act: Some(act.number), step: number };
        Ok(Played { position, page: step.page(), done: true })
    }
}

impl Played {
    fn begun(act: &Act) -> Self {
        Played { position: Position { act: Some(act.number), step: 0 }, page: Some(act.page), done: true }
    }

    /// The stage's position, which this call did not change.
    fn nothing(stage: &Stage) -> Self {
        let position = Position::of(&stage.backstage.director.settings().choices);
        Played { position, page: None, done: false }
    }
}

enum Unchanged {
    /// The stage is elsewhere than the call said.
    Elsewhere,
    Why(ControlError),
}

impl From<ControlError> for Unchanged {
    fn from(error: ControlError) -> Self {
        Unchanged::Why(error)
    }
}

/// Sets the start of an act in one change, wherever the stage is.
///
/// # Errors
/// If the broker does not confirm it.
pub async fn begin(stage: &Stage, act: &Act) -> Result<Played, ControlError> {
    stage.backstage.director.change(|choices| Ok::<_, ControlError>(act.start(choices))).await?;
    Ok(Played::begun(act))
}

/// Plays the next step; after the last one, begins the next act; before any act, the first one.
pub async fn next(stage: &Stage, left: Position) -> Result<Played, ControlError> {
    let act = left.act().ok();
    if let Some(act) = act.filter(|act| left.step < act.length()) {
        return left.play(stage, act, left.step + 1).await;
    }
    match Act::of_number(act.map_or(1, |act| act.number + 1)) {
        Some(act) => left.begin(stage, act).await,
        None => Ok(Played::nothing(stage)),
    }
}

/// Goes a step back. Only the position changes; nothing is undone.
///
/// # Errors
/// If no act has begun, or the broker does not confirm it.
pub async fn back(stage: &Stage, left: Position) -> Result<Played, ControlError> {
    let (act, before) = (left.act()?, left.step.saturating_sub(1));
    if left.leave(stage, |choices| Ok(Choices { step: before, ..choices.clone() })).await? {
        let position = Position { act: Some(act.number), step: before };
        return Ok(Played { position, page: None, done: true });
    }
    Ok(Played::nothing(stage))
}

/// Plays the current step again; before the first one, begins the act again.
pub async fn again(stage: &Stage, here: Position) -> Result<Played, ControlError> {
    let act = here.act()?;
    if here.step == 0 { here.begin(stage, act).await } else { here.play(stage, act, here.step).await }
}

/// Plays this step of the current act.
pub async fn play(stage: &Stage, left: Position, number: u8) -> Result<Played, ControlError> {
    left.play(stage, left.act()?, number).await
}

/// Plays this step, wherever the stage is.
pub async fn play_step(stage: &Stage, act: &Act, number: u8) -> Result<(), ControlError> {
    let step = act.step(number).ok_or(ControlError::NoSuchStep)?;
    stage.backstage.director.change(|choices| act.after(number, choices).ok_or(ControlError::NoSuchStep)).await?;
    happen(stage, step.effect).await
}

async fn happen(stage: &Stage, effect: Effect) -> Result<(), ControlError> {
    match effect {
        Effect::Say | Effect::Set(_) | Effect::Open(_) => Ok(()),
        Effect::Burst => burst::make(stage).await.map(drop),
        Effect::Crash(target) => crash::make(stage, whom(stage, target)?).await,
        Effect::Order => Ok(stage.shop.order(&sample_order(ADDRESS)).await?),
        Effect::OrderNowhere => Ok(stage.shop.order(&sample_order(NOWHERE)).await?),
        Effect::Redrive => {
            let (order_id, address) = (newest_stranded(stage)?, Some(ADDRESS.to_owned()));
            stage.request(DeliveryRequest::Redrive { order_id, address }).await
        }
        Effect::ReturnToStock => {
            let order_id = newest_stranded(stage)?;
            stage.request(DeliveryRequest::ReturnToStock { order_id }).await
        }
        Effect::Rebuild => past::rebuild(stage).await.map(drop),
        Effect::Ask(question) => past::ask(stage, question).await.map(drop),
    }
}

fn whom(stage: &Stage, target: Target) -> Result<Crash, ControlError> {
    let nobody = ControlError::Conflict("there is nobody to crash");
    match target {
        Target::Service(service) => Ok(Crash::Service(service)),
        Target::Broker => Ok(Crash::Broker),
        Target::Courier => stage.known(|known| known.busiest_courier()).map(Crash::Courier).ok_or(nobody),
        Target::Worker => stage.known(|known| known.last_worker()).map(Crash::Worker).ok_or(nobody),
    }
}

fn newest_stranded(stage: &Stage) -> Result<OrderId, ControlError> {
    let newest = stage.known(|known| known.parcels.newest_stranded());
    newest.ok_or(ControlError::Conflict("there is no dead letter yet"))
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
