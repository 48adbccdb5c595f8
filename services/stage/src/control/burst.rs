//! A burst: a few orders of each beer in a row, to see what becomes of the levels.

use std::time::Duration;

use events::{
    ids::Service,
    stage::{Answer, Question},
};
use futures_util::stream::{self, StreamExt as _};
use tokio::time::timeout;

use crate::{
    control::{control_error::ControlError, questions::Asker, stage::Stage},
    pure::crowd,
};

/// How long stock-level may take to confirm the settings. It reports twice a second.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// The most unanswered orders of a burst. They are sent in order.
const AT_ONCE_MAX: usize = 16;

/// Makes a burst and returns its number of orders. stock-level must know the latest settings first, as they come over
/// another topic than the question.
///
/// # Errors
/// If stock-level does not fold its levels afresh, or the shop does not take the orders.
pub async fn make(stage: &Stage) -> Result<usize, ControlError> {
    let heard = stage.has_heard(Service::StockLevel);
    timeout(HEARD_WITHIN, heard).await.map_err(|_| ControlError::Silent(Service::StockLevel))?;
    let questions = &stage.backstage.director.questions;
    let Answer::Done = questions.ask(Asker::Presenter, Service::StockLevel, Question::FoldAfresh).await? else {
        return Err(ControlError::OtherAnswer(Service::StockLevel));
    };
    let folding = stage.backstage.director.settings().choices.stock_level;
    stage.learn(|known| known.shelves.begin_burst(folding));
    let orders = crowd::burst();
    let count = orders.len();
    let ordering = stream::iter(orders).map(|order| async move { stage.shop.order(&order).await });
    let mut ordering = ordering.buffered(AT_ONCE_MAX);
    while let Some(taken) = ordering.next().await {
        taken?;
    }
    Ok(count)
}
