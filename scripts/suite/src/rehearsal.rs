//! The rehearsal: the checks before a talk, and all its acts, played automatically on a running suite.
//!
//! An act is played step by step, as on the console. What the room must see is checked in the API and in a real
//! browser. The rehearsal waits for conditions, with limits, never for a fixed time. The original settings are
//! restored, also when an act fails or the rehearsal is interrupted. It needs no new episode: its orders stay.
//!
//! In reading order:

mod place;
pub use place::Place;

pub(crate) mod broker;

mod line;
pub use line::Line;

mod kept;

pub mod pictures;

mod witness;

mod room;

mod beginning;
mod checks;
mod past;
mod queue;
mod robust;
mod stream;
mod trouble;

use std::future::Future;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use thirtyfour::WebDriver;
use tokio::time::Instant;

use crate::browser::Browser;
use kept::Kept;
use room::{Act, Room};
use witness::Witness;

/// The acts are numbered from 1 to this.
pub const ACTS: u8 = events::settings::ACTS;

/// Makes the checks and plays these acts; prints a line for each. Returns whether all of them are fine.
///
/// # Errors
/// If the suite cannot be reached, there is no browser, `stop` came first, or the settings cannot be restored.
pub async fn rehearse(
    place: &Place,
    acts: &[u8],
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(&Line),
) -> Result<bool> {
    let kept = Kept::of(&place.stage).await.with_context(|| place.how_to_start())?;
    let browser = Browser::open().await?;
    let played = tokio::select! {
        played = play(place, &browser.driver, acts, &mut tell) => played,
        () = stop => Err(anyhow!("interrupted")),
    };
    // Ctrl-C reaches the browser too, so it may be gone already.
    let closed = browser.close().await;
    kept.put_back(&place.stage).await?;
    let fine = played?;
    closed?;
    Ok(fine)
}

async fn play(place: &Place, driver: &WebDriver, acts: &[u8], tell: &mut impl FnMut(&Line)) -> Result<bool> {
    let mut fine = true;
    let mut tell = |line: Line| {
        fine &= line.is_fine();
        tell(&line);
    };
    room::sign_in(place, driver).await?;
    let bill = room::bill(place, driver).await?;
    checks::all(place, driver, &bill, &mut tell).await;
    let witness = Witness::open(&place.stage).await?;
    let mut room = Room::new(place, driver, &witness);
    room.clear().await?;
    for number in acts {
        let act = bill.iter().find(|act| act.number == *number).context("the console has no such act")?;
        let began = Instant::now();
        let outcome = rehearse_act(act, &mut room).await.map_err(|error| room.say_where(error));
        if outcome.is_err() {
            // The next act finds a stage as tidy as this one did, if possible.
            drop(room.clear().await);
        }
        tell(Line::of(&format!("act {}", act.number), &act.title, began.elapsed(), outcome.map(|()| String::new())));
    }
    Ok(fine)
}

/// Plays one act from its initial state to its last step, then checks what must hold after every act.
async fn rehearse_act(act: &Act, room: &mut Room<'_>) -> Result<()> {
    room.begin(act).await?;
    match act.number {
        1 => beginning::a_first_order(room).await,
        2 => beginning::decoupling(room).await,
        3 => queue::a_queue(room).await,
        4 => trouble::when_it_goes_wrong(room).await,
        5 => stream::a_stream(room).await,
        6 => past::replay(room).await,
        7 => past::another_subscription(room).await,
        8 => robust::nothing_lost(room).await,
        number => bail!("there is no check for act {number}"),
    }?;
    let played = room.steps_done();
    ensure!(played == act.length, "the console has {} steps, and the rehearsal knows {played}", act.length);
    room.curtain().await
}
