//! Ad hoc questions to the past, for which no aggregate is kept. Each is a small fold over a topic
//! from its first message to the last one at the time of asking, in a file of its own.

mod cost_of_refusals;
mod ordered_together;
mod same_second;

use bus::{Bus, Until};
use events::{
    past::{Cell, PastAnswer, PastQuestion, ROWS_MAX},
    received::Received,
    stage::Answer,
    topics::Topic,
};
use serde::de::DeserializeOwned;
use service::Context;
use tokio::{
    sync::mpsc,
    task::yield_now,
    time::{Duration, Instant, timeout},
};
use tracing::info;

use crate::control_handler::Reply;

pub use cost_of_refusals::CostOfRefusals;
pub use ordered_together::OrderedTogether;
pub use same_second::SameSecond;

/// Longest time to answer a question; a million messages are read in one.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A question as it is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Ties the answer to it.
    pub correlation_id: String,
    pub question: PastQuestion,
}

/// How a question is answered: a fold over the messages of one topic, and the rows at its end.
pub trait Inquiry: Default + Send {
    type Message: DeserializeOwned + Send;
    /// The names of its columns.
    const COLUMNS: &'static [&'static str];

    /// The topic it reads.
    fn topic() -> Topic<Self::Message>;

    /// Folds the next message; unreadable ones are skipped.
    fn take(&mut self, received: &Received<Self::Message>);

    /// The rows of the answer, most important first; the caller drops those beyond [`ROWS_MAX`].
    fn rows(self) -> Vec<Vec<Cell>>;
}

/// Answers one question after the other, beside the live analysis.
///
/// # Errors
/// None: the reason of a failure is the answer.
pub(crate) async fn answer_all(
    context: Context,
    mut asked: mpsc::Receiver<Asked>,
    answers: mpsc::Sender<Reply>,
) -> anyhow::Result<()> {
    while let Some(Asked { correlation_id, question }) = asked.recv().await {
        let answer = match timeout(ANSWER_WITHIN, ask(&context.bus, question)).await {
            Ok(Ok(answer)) => Answer::Past(answer),
            Ok(Err(error)) => Answer::Failed { reason: format!("{error:#}") },
            Err(_) => Answer::Failed { reason: format!("no answer within {} s", ANSWER_WITHIN.as_secs()) },
        };
        if answers.send((correlation_id, answer)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Answers a question. Leaves no subscription behind.
///
/// # Errors
/// If the topic cannot be read.
pub async fn ask(bus: &Bus, question: PastQuestion) -> anyhow::Result<PastAnswer> {
    match question {
        PastQuestion::OrderedTogether => inquire::<OrderedTogether>(bus, question).await,
        PastQuestion::CostOfRefusals => inquire::<CostOfRefusals>(bus, question).await,
        PastQuestion::SameSecond => inquire::<SameSecond>(bus, question).await,
    }
}

async fn inquire<I: Inquiry>(bus: &Bus, question: PastQuestion) -> anyhow::Result<PastAnswer> {
    let began = Instant::now();
    let mut inquiry = I::default();
    let mut replay = bus.replay(I::topic(), Until::Now);
    while let Some(batch) = replay.next().await? {
        batch.iter().for_each(|received| inquiry.take(received));
        // The live analysis shares this thread.
        yield_now().await;
    }
    let mut rows = inquiry.rows();
    rows.truncate(ROWS_MAX);
    let (events, took) = (replay.messages_read(), began.elapsed());
    info!(question = question.name(), events, ?took, "a question to the past is answered");
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let columns = I::COLUMNS.iter().map(|column| (*column).to_owned()).collect();
    Ok(PastAnswer { question, events, took_ms, columns, rows })
}

#[cfg(test)]
mod testing {
    //! Messages for the questions' tests.

    use events::{
        ids::{BeerId, EventId, Moment},
        orders::{Line, PlaceOrder, PlaceOrderType},
        quantities::Bottles,
        received::{Position, Received},
    };

    /// A message, so many milliseconds after 1970 began.
    pub fn received<M>(message: M, millis: i64) -> Received<M> {
        let at = Moment::default().plus_millis(millis);
        Received { message: Ok(message), position: Position::default(), event_id: EventId::new("e"), at, trace: None }
    }

    /// Lines of a beer and a number of bottles each.
    pub fn lines(lines: &[(&str, u32)]) -> Vec<Line> {
        lines.iter().map(|(beer, n)| Line { beer: BeerId::new(*beer), bottles: Bottles(*n) }).collect()
    }

    pub fn order(id: &str, customer: &str, beers: &[(&str, u32)]) -> PlaceOrder {
        PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: Some(id.parse().unwrap()),
            customer: customer.into(),
            address: "Grote Markt 1, Brussel".into(),
            lines: lines(beers),
        }
    }
}
