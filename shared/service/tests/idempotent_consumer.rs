//! A process dies after each step of the idempotent consumer, against a real broker. Whatever the step, the next process on
//! the same database leaves one effect and one outgoing message for each message, and nothing unacknowledged. A request,
//! which comes from no topic, has its effect when it is answered.
#![expect(clippy::unwrap_used, reason = "what cannot be here ends the test")]

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use bus::Admin;
use events::{
    decisions::{OrderDecision, Refusal},
    ids::{BeerId, OrderId, Service},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    received::Received,
    topics::{ORDER_DECISIONS, ORDERS, UNREADABLE},
    unreadable::ReasonCode,
};
use serde_json::Value;
use service::{
    Batch, Outcome,
    idempotent_consumer::{AcknowledgeAfter, Handler, NotTaken, Step, Writer, WriterHandle},
    testing::{LIMIT, TestBed, eventually},
};
use store::{Migrator, Outbox, Store, enqueue};
use tokio::{
    task::{JoinHandle, JoinSet, yield_now},
    time::{Instant, timeout},
};

static NO_TABLES: Migrator = Migrator::DEFAULT;
/// Readable or not, true or not.
const MESSAGES: usize = 5;
const LIAR: &str = "liar";

/// Refuses every order, and notes each time that it does.
#[derive(Default)]
struct Refusing {
    /// Orders of the batch under way.
    prepared: BTreeSet<OrderId>,
    /// Batches that were committed.
    committed: usize,
}

impl Handler for Refusing {
    type Work = (OrderId, PlaceOrder);
    type Answer = ();

    fn id((order_id, _): &Self::Work) -> Option<String> {
        Some(format!("order {order_id}"))
    }

    async fn prepare(&mut self, works: &[&Self::Work], _batch: &mut Batch) -> Result<()> {
        self.prepared = works.iter().map(|(order_id, _)| order_id.clone()).collect();
        Ok(())
    }

    async fn handle(&mut self, (order_id, order): &Self::Work, batch: &mut Batch) -> Result<Outcome<()>> {
        ensure!(self.prepared.contains(order_id), "{order_id} was not prepared");
        if order.customer == LIAR {
            return Ok(Outcome::Untrue(ReasonCode::OutOfRange));
        }
        sqlx::query("insert into effects (order_id) values ($1)")
            .bind(order_id.as_str())
            .execute(&mut ***batch)
            .await?;
        let (beer, asked, left) = (BeerId::new("orval"), Bottles(1), Bottles(0));
        let (lines, reason) = (order.lines.clone(), Refusal::NotEnough { beer, asked, left });
        let refused = OrderDecision::Refused { order_id: order_id.clone(), lines, reason };
        let now = batch.now;
        enqueue(batch, ORDER_DECISIONS, order_id.as_str(), now, &refused)?;
        Ok(Outcome::Handled(()))
    }

    fn committed(&mut self) {
        self.committed += 1;
    }
}

/// A service as its process runs it, but its writer, which the test drives.
struct Process {
    writer: Writer<Refusing>,
    way: WriterHandle<Refusing>,
    store: Store,
    others: JoinSet<Result<()>>,
}

impl Process {
    async fn start(bed: &TestBed, acknowledge_after: AcknowledgeAfter) -> Result<Self> {
        let context = bed.context(Service::Warehouse);
        let store = context.open_store(&NO_TABLES).await?;
        let mut transaction = store.begin().await?;
        sqlx::query("create table if not exists effects (order_id text not null)").execute(&mut *transaction).await?;
        transaction.commit().await?;
        let mut others = JoinSet::new();
        let (outbox, handle) = Outbox::new(store.clone(), &context.bus);
        others.spawn(async move { Ok(outbox.run().await?) });
        let (writer, way) = Writer::new(&context, &store, &handle, acknowledge_after, Refusing::default());
        others.spawn(way.clone().read(context, ORDERS, |received| {
            let position = received.position;
            received.map(|order| (order.order_id.clone().unwrap_or_else(|| position.order_id()), order))
        }));
        Ok(Process { writer, way, store, others })
    }

    /// Performs so many steps, or fewer if all messages are acknowledged by then. The last step of all, and whether it was
    /// the end.
    async fn perform(&mut self, steps: usize) -> Result<(Step, bool)> {
        let mut handled = 0;
        for n in 1..=steps {
            let step = timeout(LIMIT, self.writer.step()).await.context("no step")??;
            handled += usize::from(step == Step::Handle);
            let is_the_end = step == Step::Acknowledge && handled == MESSAGES;
            if n == steps || is_the_end {
                return Ok((step, is_the_end));
            }
        }
        anyhow::bail!("no step was asked for")
    }

    /// Asks for this, as a person does.
    async fn ask(&self, work: (OrderId, PlaceOrder), until: Instant) -> JoinHandle<Result<Option<()>, NotTaken>> {
        let way = self.way.clone();
        let asking = tokio::spawn(async move { way.request(work, until).await });
        // The test runs on one thread: by now it waits for the writer.
        yield_now().await;
        asking
    }

    /// Everything is dropped where it is. The test runs on one thread: nobody has done anything since the last step.
    async fn crash(mut self) {
        self.others.shutdown().await;
    }
}

fn order(id: String, customer: &str) -> PlaceOrder {
    PlaceOrder {
        kind: PlaceOrderType::PlaceOrder,
        order_id: Some(id.parse().unwrap()),
        customer: customer.to_owned(),
        address: "Grote Markt 1, Brussel".into(),
        lines: vec![Line { beer: BeerId::new("orval"), bottles: Bottles(1) }],
    }
}

/// Two orders, the first of them twice, a lie, and noise.
async fn publish(bed: &TestBed, round: usize) -> Result<()> {
    for (order_id, customer) in [("first", "Ada"), ("lie", LIAR), ("first", "Ada"), ("second", "Bart")]
        .map(|(id, who)| (format!("{round}-{id}"), who))
    {
        bed.publish(ORDERS, &order_id, &order(order_id.clone(), customer)).await?;
    }
    bed.publish_raw(ORDERS, format!("noise {round}").as_bytes()).await
}

async fn unacknowledged(bed: &TestBed) -> Result<u64> {
    let path = ORDERS.spec.admin_path(&bed.bus.scope().tenant, 1);
    let stats: Value = Admin::new(bed.bus.broker())?.get(&format!("{path}/stats")).await?;
    stats["subscriptions"]["warehouse"]["msgBacklog"].as_u64().context("no backlog")
}

async fn effects(store: &Store) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("select order_id from effects order by order_id").fetch_all(store.reader()).await?)
}

/// How many events tell the same of the same subject.
fn events_by<M>(all: &[Received<M>], subject: impl Fn(&M) -> String) -> BTreeMap<String, usize> {
    let mut events = BTreeMap::new();
    for message in all.iter().filter_map(|received| received.message.as_ref().ok()) {
        *events.entry(subject(message)).or_default() += 1;
    }
    events
}

async fn dies_after_every_step(acknowledge_after: AcknowledgeAfter) -> Result<BTreeSet<Step>> {
    let bed = TestBed::new().await?;
    let (mut died_after, mut expected) = (BTreeSet::new(), BTreeSet::new());
    for round in 1.. {
        publish(&bed, round).await?;
        expected.extend(["first", "second"].map(|id| format!("{round}-{id}")));
        let mut dying = Process::start(&bed, acknowledge_after).await?;
        let (step, is_the_end) = dying.perform(round).await?;
        died_after.insert(step);
        dying.crash().await;

        let Process { mut writer, store, others: _others, .. } = Process::start(&bed, acknowledge_after).await?;
        let writing = tokio::spawn(async move { writer.work().await });
        eventually("everything acknowledged", || async { (unacknowledged(&bed).await.ok()? == 0).then_some(()) })
            .await
            .with_context(|| format!("died after {step:?}, step {round}"))?;
        let effects = effects(&store).await?;
        ensure!(effects.iter().eq(&expected), "died after {step:?}, step {round}: {effects:?}");
        let once = expected.iter().map(|order_id| (order_id.clone(), 1)).collect();
        let decided = |all: &[Received<OrderDecision>]| events_by(all, |decision| decision.order_id().to_string());
        let decisions = bed.read_until(ORDER_DECISIONS, |all| decided(all).len() >= expected.len()).await?;
        ensure!(decided(&decisions) == once, "died after {step:?}, step {round}: {:?}", decided(&decisions));
        let noise = bed.read_until(UNREADABLE, |all| all.len() >= round).await?;
        let once = (1..=round).map(|round| (format!("noise {round}"), 1)).collect::<BTreeMap<_, _>>();
        ensure!(events_by(&noise, |message| message.first_bytes.clone()) == once, "died after {step:?}: {noise:?}");
        let lies = store::disbelieved(&store).await?;
        ensure!(lies.iter().map(|lies| lies.count).eq([round as u64]), "died after {step:?}, step {round}: {lies:?}");
        writing.abort();
        if is_the_end {
            break;
        }
    }
    Ok(died_after)
}

#[tokio::test]
async fn a_death_after_any_step_leaves_one_effect() -> Result<()> {
    use Step::{Acknowledge, Begin, Commit, Handle, Publish, Receive};
    let died_after = dies_after_every_step(AcknowledgeAfter::Publishing).await?;
    assert_eq!(died_after.into_iter().collect::<Vec<_>>(), [Receive, Begin, Handle, Commit, Publish, Acknowledge]);
    Ok(())
}

#[tokio::test]
async fn a_death_before_anything_is_published_leaves_one_effect() -> Result<()> {
    use Step::{Acknowledge, Begin, Commit, Handle, Receive};
    let died_after = dies_after_every_step(AcknowledgeAfter::Commit).await?;
    assert_eq!(died_after.into_iter().collect::<Vec<_>>(), [Receive, Begin, Handle, Commit, Acknowledge]);
    Ok(())
}

fn asked(id: &str, customer: &str) -> (OrderId, PlaceOrder) {
    (id.parse().unwrap(), order(id.to_owned(), customer))
}

#[tokio::test]
async fn a_request_has_its_effect_when_it_is_answered_and_none_when_the_process_dies_before_it_commits() -> Result<()> {
    use Step::{Acknowledge, Begin, Commit, Handle, Receive};
    let bed = TestBed::new().await?;
    for (step, dies_after) in [Receive, Begin, Handle, Commit, Acknowledge].into_iter().enumerate() {
        let id = format!("asked-{step}");
        let mut dying = Process::start(&bed, AcknowledgeAfter::Commit).await?;
        let asking = dying.ask(asked(&id, "Ada"), Instant::now() + LIMIT).await;
        assert_eq!(dying.perform(step + 1).await?.0, dies_after);
        assert_eq!(dying.writer.handler.committed, usize::from(dies_after >= Commit));
        let is_there = effects(&dying.store).await?.contains(&id);
        assert_eq!(is_there, dies_after >= Commit, "died after {dies_after:?}");
        dying.crash().await;
        let answer = if dies_after == Acknowledge { Ok(Some(())) } else { Err(NotTaken) };
        assert_eq!(timeout(LIMIT, asking).await??, answer, "died after {dies_after:?}");

        let mut next = Process::start(&bed, AcknowledgeAfter::Commit).await?;
        let asking = next.ask(asked(&id, "Ada"), Instant::now() + LIMIT).await;
        next.perform(5).await?;
        assert_eq!(timeout(LIMIT, asking).await??, Ok((!is_there).then_some(())), "died after {dies_after:?}");
        let effects = effects(&next.store).await?;
        assert_eq!(effects.iter().filter(|effect| **effect == id).count(), 1, "died after {dies_after:?}");
        next.crash().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_request_that_comes_too_late_or_to_nobody_has_no_effect() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut process = Process::start(&bed, AcknowledgeAfter::Commit).await?;
    let (now, in_time) = (Instant::now(), Instant::now() + LIMIT);
    let late = process.ask(asked("late", "Ada"), now).await;
    let lie = process.ask(asked("lie", LIAR), in_time).await;
    let alone = process.ask(asked("alone", "Ada"), in_time).await;
    process.way.hand_in(asked("handed-in", "Ada")).await?;
    timeout(LIMIT, process.writer.step()).await??;
    timeout(LIMIT, process.writer.write()).await??;
    assert_eq!((late.await?, lie.await?, alone.await?), (Err(NotTaken), Ok(None), Ok(Some(()))));
    assert_eq!(effects(&process.store).await?, ["alone", "handed-in"]);
    assert!(store::disbelieved(&process.store).await?.is_empty(), "a request is on no topic to be counted by");
    // A batch of which nothing is left is a batch all the same.
    let late = process.ask(asked("late", "Ada"), now).await;
    timeout(LIMIT, process.writer.step()).await??;
    timeout(LIMIT, process.writer.write()).await??;
    assert_eq!(late.await?, Err(NotTaken));
    let Process { writer, way, .. } = process;
    drop(writer);
    assert_eq!(way.request(asked("nobody", "Ada"), in_time).await, Err(NotTaken));
    assert_eq!(way.hand_in(asked("nobody", "Ada")).await, Err(NotTaken));
    Ok(())
}
