//! Messages in, beside the couriers' parcels: the dead letters, and what a person asks about them.

use bus::{Consumer, ConsumerOptions};
use events::{
    delivery::{DeadLetter, DeliveryRequest, DeliveryUpdate},
    ids::Moment,
    received::Received,
    topics::{DEAD_LETTERS, DELIVERY_REQUESTS, TopicSpec},
    unreadable::ReasonCode,
};
use serde::de::DeserializeOwned;
use service::{Context, Serving, Tasks, now};
use store::{OutboxHandle, Store, Transaction, disbelieve, quarantine, quarantine_as, record_once};
use tracing::debug;

use crate::{
    Config,
    crew::Crew,
    desk::{Desk, queue, tell},
    round::{self, Decision, Ignored},
    store::{TABLES, load, save},
};

/// Most messages in one transaction: what waits is committed together, and nothing waits for company.
const BATCH_MAX: usize = 256;

/// Delivery at work until it is told to stop, as patient as the environment says.
///
/// # Errors
/// If a setting cannot be used, or the database fails.
pub fn run(context: Context) -> Serving {
    Box::pin(work_as_set(context))
}

async fn work_as_set(context: Context) -> anyhow::Result<()> {
    run_with(context, Config::from_environment()?).await
}

/// Delivery at work until it is told to stop.
///
/// # Errors
/// If the database fails.
pub fn run_with(context: Context, config: Config) -> Serving {
    Box::pin(work_with(context, config))
}

async fn work_with(context: Context, config: Config) -> anyhow::Result<()> {
    let store = context.open_store(&TABLES).await?;
    let mut tasks = Tasks::default();
    let outbox = context.start_outbox(&mut tasks, &store);
    let (desk, handle) = Desk::new(context.clone(), store.clone(), outbox.clone(), config.patience);
    tasks.start(desk.work());
    tasks.start(Crew::new(context.clone(), handle).work());
    let shutdown = context.shutdown.clone();
    let office = Office { context, store, outbox };
    tasks.start(office.work());
    tasks.run_until(&shutdown).await
}

/// Where the stranded are kept and a person's wishes are heard.
struct Office {
    context: Context,
    store: Store,
    outbox: OutboxHandle,
}

impl Office {
    async fn work(self) -> anyhow::Result<()> {
        let service = self.context.service;
        let mut letters = self.context.bus.consumer(DEAD_LETTERS, service, ConsumerOptions::default())?;
        let mut requests = self.context.bus.consumer(DELIVERY_REQUESTS, service, ConsumerOptions::default())?;
        let mut pause = self.context.pause();
        loop {
            let works = !pause.is_on();
            self.context.board.paused(!works);
            tokio::select! {
                // First, so that nothing is taken any more once the pause is known.
                biased;
                () = pause.changed() => {}
                batch = letters.receive(BATCH_MAX), if works => self.compare_all(&mut letters, batch).await?,
                batch = requests.receive(BATCH_MAX), if works => self.answer_all(&mut requests, batch).await?,
            }
        }
    }

    /// Compares the dead letters with the book. Ours are in it, since the outcome that stranded them was written with
    /// them; a letter that the book does not bear out is not believed.
    async fn compare_all(
        &self,
        consumer: &mut Consumer<DeadLetter>,
        batch: Vec<Received<DeadLetter>>,
    ) -> anyhow::Result<()> {
        let mut transaction = self.store.begin().await?;
        let mut untrue = 0;
        for received in &batch {
            if let Some(letter) = self.readable(&mut transaction, DEAD_LETTERS.spec, received).await? {
                let parcel = load(&mut transaction, &letter.order_id).await?;
                if let Err(code) = round::judge_letter(parcel.as_ref(), letter) {
                    disbelieve(&mut transaction, DEAD_LETTERS.spec, received.position, code).await?;
                    untrue += 1;
                }
            }
        }
        transaction.commit().await?;
        self.say_if(untrue).await?;
        self.publish_and_acknowledge(consumer, &batch).await;
        Ok(())
    }

    async fn answer_all(
        &self,
        consumer: &mut Consumer<DeliveryRequest>,
        batch: Vec<Received<DeliveryRequest>>,
    ) -> anyhow::Result<()> {
        let now = now();
        let mut transaction = self.store.begin().await?;
        let mut untrue = 0;
        for received in &batch {
            if let Some(request) = self.readable(&mut transaction, DELIVERY_REQUESTS.spec, received).await?
                && record_once(&mut transaction, &format!("request {}", received.event_id)).await?
            {
                let answered = self.answer(&mut transaction, request, now).await?;
                let (service, topic) = (self.context.service, DELIVERY_REQUESTS.spec);
                match answered {
                    Ok(()) | Err(Ignored::NotStranded) => {}
                    Err(Ignored::Unknown) => {
                        let code = ReasonCode::UnknownOrder;
                        disbelieve(&mut transaction, topic, received.position, code).await?;
                        untrue += 1;
                    }
                    Err(why @ Ignored::Address(_)) => {
                        let why = (ReasonCode::OutOfRange, why.to_string());
                        quarantine_as(&mut transaction, service, topic, received.position, why, request, now).await?;
                        self.context.metrics.unreadable(topic.name, 1);
                    }
                }
            }
        }
        transaction.commit().await?;
        self.say_if(untrue).await?;
        self.publish_and_acknowledge(consumer, &batch).await;
        Ok(())
    }

    /// The message, if it can be read; otherwise it is quarantined.
    async fn readable<'a, M>(
        &self,
        transaction: &mut Transaction,
        topic: &'static TopicSpec,
        received: &'a Received<M>,
    ) -> anyhow::Result<Option<&'a M>> {
        match &received.message {
            Ok(message) => {
                self.context.metrics.handled(topic.name, 1);
                Ok(Some(message))
            }
            Err(undecodable) => {
                quarantine(transaction, self.context.service, topic, received.position, undecodable, now()).await?;
                self.context.metrics.unreadable(topic.name, 1);
                Ok(None)
            }
        }
    }

    async fn publish_and_acknowledge<M: DeserializeOwned>(&self, consumer: &mut Consumer<M>, batch: &[Received<M>]) {
        let done: Vec<_> = batch.iter().map(|received| received.position).collect();
        if self.outbox.flush().await {
            consumer.acknowledge(&done).await;
        }
    }

    async fn say_if(&self, untrue: usize) -> anyhow::Result<()> {
        if untrue > 0 {
            self.context.say_what_is_disbelieved(&self.store).await?;
        }
        Ok(())
    }

    /// Does what was asked, or says why not.
    async fn answer(
        &self,
        transaction: &mut Transaction,
        request: &DeliveryRequest,
        now: Moment,
    ) -> anyhow::Result<Result<(), Ignored>> {
        let order_id = request.order_id();
        let parcel = load(transaction, order_id).await?;
        let decision = match round::answer(parcel.as_ref(), request) {
            Ok(decision) => decision,
            Err(why) => {
                debug!(%order_id, %why, "a request changes nothing");
                return Ok(Err(why));
            }
        };
        save(transaction, order_id, &decision.parcel(), None).await?;
        let order_id = order_id.clone();
        match decision {
            Decision::Redriven { task } => {
                let (round, address) = (task.round, task.address.clone());
                tell(transaction, &DeliveryUpdate::Redriven { order_id, round, address }, now)?;
                queue(transaction, &task, now, None)?;
                self.context.trail.note(&task.order_id, "sent out again");
            }
            Decision::Returned { task } => {
                self.context.trail.note(&order_id, "given up");
                tell(transaction, &DeliveryUpdate::Returned { order_id, lines: task.lines }, now)?;
            }
        }
        Ok(Ok(()))
    }
}
