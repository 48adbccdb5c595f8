//! A process dies after each step of the idempotent consumer, against a real broker. Whatever the step, the next process on
//! the same database leaves one effect and one outgoing message for each message, and nothing unacknowledged.
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
    idempotent_consumer::{AcknowledgeAfter, Handler, Step, Writer},
    testing::{Ground, LIMIT, eventually},
};
use store::{Migrator, Outbox, Store, enqueue};
use tokio::{task::JoinSet, time::timeout};

static NO_TABLES: Migrator = Migrator::DEFAULT;
/// Readable or not, true or not.
const MESSAGES: usize = 5;
const LIAR: &str = "liar";

/// Refuses every order, and notes each time that it does.
struct Refusing;

impl Handler for Refusing {
    type Work = (OrderId, PlaceOrder);
    type Answer = ();

    fn id((order_id, _): &Self::Work) -> Option<String> {
        Some(format!("order {order_id}"))
    }

    async fn handle(&mut self, (order_id, order): &Self::Work, batch: &mut Batch) -> Result<Outcome<()>> {
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
        enqueue(batch, ORDER_DECISIONS, order_id.as_str(), now, Some(order_id), &refused)?;
        Ok(Outcome::Handled(()))
    }
}

/// A service as its process runs it, but its writer, which the test drives.
struct Process {
    writer: Writer<Refusing>,
    store: Store,
    others: JoinSet<Result<()>>,
}

impl Process {
    async fn start(ground: &Ground, acknowledge_after: AcknowledgeAfter) -> Result<Self> {
        let context = ground.context(Service::Warehouse);
        let store = context.open_store(&NO_TABLES).await?;
        let mut transaction = store.begin().await?;
        sqlx::query("create table if not exists effects (order_id text not null)").execute(&mut *transaction).await?;
        transaction.commit().await?;
        let mut others = JoinSet::new();
        let (outbox, handle) = Outbox::new(store.clone(), &context.bus);
        others.spawn(async move { Ok(outbox.run().await?) });
        let (writer, way) = Writer::new(&context, &store, &handle, acknowledge_after, Refusing);
        others.spawn(way.read(context, ORDERS, |received| {
            let position = received.position;
            received.map(|order| (order.order_id.clone().unwrap_or_else(|| position.order_id()), order))
        }));
        Ok(Process { writer, store, others })
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
async fn publish(ground: &Ground, round: usize) -> Result<()> {
    for (order_id, customer) in [("first", "Ada"), ("lie", LIAR), ("first", "Ada"), ("second", "Bart")]
        .map(|(id, who)| (format!("{round}-{id}"), who))
    {
        ground.publish(ORDERS, &order_id, &order(order_id.clone(), customer)).await?;
    }
    ground.publish_raw(ORDERS, format!("noise {round}").as_bytes()).await
}

async fn unacknowledged(ground: &Ground) -> Result<u64> {
    let path = ORDERS.spec.admin_path(&ground.bus.place().tenant, 1);
    let stats: Value = Admin::new(ground.bus.broker())?.get(&format!("{path}/stats")).await?;
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
    let ground = Ground::new().await?;
    let (mut died_after, mut expected) = (BTreeSet::new(), BTreeSet::new());
    for round in 1.. {
        publish(&ground, round).await?;
        expected.extend(["first", "second"].map(|id| format!("{round}-{id}")));
        let mut dying = Process::start(&ground, acknowledge_after).await?;
        let (step, is_the_end) = dying.perform(round).await?;
        died_after.insert(step);
        dying.crash().await;

        let Process { mut writer, store, others: _others } = Process::start(&ground, acknowledge_after).await?;
        let writing = tokio::spawn(async move { writer.work().await });
        eventually("everything acknowledged", || async { (unacknowledged(&ground).await.ok()? == 0).then_some(()) })
            .await
            .with_context(|| format!("died after {step:?}, step {round}"))?;
        let effects = effects(&store).await?;
        ensure!(effects.iter().eq(&expected), "died after {step:?}, step {round}: {effects:?}");
        let once = expected.iter().map(|order_id| (order_id.clone(), 1)).collect();
        let decided = |all: &[Received<OrderDecision>]| events_by(all, |decision| decision.order_id().to_string());
        let decisions = ground.read_until(ORDER_DECISIONS, |all| decided(all).len() >= expected.len()).await?;
        ensure!(decided(&decisions) == once, "died after {step:?}, step {round}: {:?}", decided(&decisions));
        let noise = ground.read_until(UNREADABLE, |all| all.len() >= round).await?;
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
