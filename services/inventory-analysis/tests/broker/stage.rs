//! Questions and settings of the stage.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bus::{Admin, Consumer, ConsumerOptions};
use events::{
    decisions::{OrderDecision, Refusal},
    ids::{BeerId, Moment, Service},
    insights::{Difference, Fraud, FraudRule, GivenUp, Insight, Rebuild},
    orders::Line,
    past::{AsOf, Cell, PastAnswer, PastQuestion},
    quantities::{Bottles, Cents},
    received::Received,
    stage::{Answer, Question, StageAnswer},
    topics::{ANSWERS, FRAUD_WATCH, INSIGHTS, ORDER_DECISIONS, ORDERS},
};
use inventory_analysis::run;
use service::{
    now,
    stage::ControlMessage,
    testing::{LIMIT, TestBed},
};
use tokio::time::{Instant, timeout};

use crate::shop::{Shop, ledger_with, lines, tamper};

/// How long to wait for an answer before the question is repeated: the first answer may be lost while its consumer
/// connects.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Asks the analysis as the website would.
struct Asker<'a> {
    bed: &'a TestBed,
    answers: Consumer<StageAnswer>,
    asked: u32,
    /// How long the last answer took.
    took: Duration,
}

impl<'a> Asker<'a> {
    fn new(bed: &'a TestBed) -> Result<Self> {
        let answers = bed.bus.consumer(ANSWERS, Service::Stage, ConsumerOptions::default())?;
        Ok(Asker { bed, answers, asked: 0, took: Duration::ZERO })
    }

    async fn ask(&mut self, question: Question) -> Result<Answer> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            self.asked += 1;
            let correlation_id = format!("q-{}", self.asked);
            let began = Instant::now();
            self.bed.send(ControlMessage::Asked { correlation_id: correlation_id.clone(), question: question.clone() });
            if let Ok(answer) = timeout(ASK_AGAIN_AFTER, answer_to(&mut self.answers, &correlation_id)).await {
                self.took = began.elapsed();
                return Ok(answer);
            }
        }
        bail!("no answer to {question:?}")
    }

    async fn as_of(&mut self, at: Moment) -> Result<AsOf> {
        match self.ask(Question::AsOf { at }).await? {
            Answer::AsOf(as_of) => Ok(as_of),
            other => bail!("{other:?}"),
        }
    }

    /// The same, once this many events are known to have happened by then.
    async fn as_of_with(&mut self, at: Moment, events: u64) -> Result<AsOf> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let as_of = self.as_of(at).await?;
            if as_of.events >= events {
                return Ok(as_of);
            }
            anyhow::ensure!(Instant::now() < deadline, "only {as_of:?}");
        }
    }

    async fn past(&mut self, question: PastQuestion) -> Result<PastAnswer> {
        match self.ask(Question::Past { question }).await? {
            Answer::Past(answer) => Ok(answer),
            other => bail!("{other:?}"),
        }
    }
}

async fn answer_to(answers: &mut Consumer<StageAnswer>, correlation_id: &str) -> Answer {
    loop {
        for answer in answers.receive(10).await.into_iter().filter_map(|received| received.message.ok()) {
            if answer.correlation_id == correlation_id {
                return answer.answer;
            }
        }
    }
}

fn rebuilds(insights: &[Received<Insight>]) -> Vec<&Rebuild> {
    let of = |received| match received {
        &Received { message: Ok(Insight::Rebuild(ref rebuild)), .. } => Some(rebuild),
        _ => None,
    };
    insights.iter().filter_map(of).collect()
}

/// Rebuilds, and returns what was published: the progress, then the result.
async fn rebuild_live(bed: &TestBed) -> Result<Vec<Rebuild>> {
    let before = rebuilds(&bed.read_until(INSIGHTS, |_| true).await?).len();
    anyhow::ensure!(bed.send(ControlMessage::Rebuild), "nobody listens");
    let is_done = |all: &[Received<Insight>]| rebuilds(all).iter().skip(before).any(|rebuild| !rebuild.running);
    let insights = bed.read_until(INSIGHTS, is_done).await?;
    Ok(rebuilds(&insights).into_iter().skip(before).cloned().collect())
}

fn newest_fraud(insights: &[Received<Insight>]) -> Option<&Fraud> {
    insights.iter().rev().find_map(|received| match &received.message {
        Ok(Insight::Fraud(fraud)) => Some(fraud),
        _ => None,
    })
}

/// The findings of fraud watch, once `is_so` accepts them.
async fn fraud_when(bed: &TestBed, is_so: impl Fn(&Fraud) -> bool) -> Result<Fraud> {
    let insights = bed.read_until(INSIGHTS, |all| newest_fraud(all).is_some_and(&is_so)).await?;
    newest_fraud(&insights).cloned().context("nothing said")
}

/// The subscriptions of `orders`.
async fn subscriptions(bed: &TestBed) -> Result<Vec<String>> {
    let topic = ORDERS.spec.admin_path(&bed.bus.scope().tenant, 1);
    Ok(Admin::new(bed.bus.broker())?.get(&format!("{topic}/subscriptions")).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn any_moment_can_be_visited_also_after_a_crash() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut asker = Asker::new(&bed)?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let before = now();
    let mut shop = Shop::open(&bed).await?;
    shop.sell("a", 2).await?;
    ledger_with(&bed, 1).await?;
    let between = now();
    shop.sell("b", 3).await?;
    shop.place("c", 1).await?;
    let end = now();
    asker.as_of_with(end, 12).await?;
    let there = [asker.as_of(before).await?, asker.as_of(between).await?, asker.as_of(end).await?];
    analysis.kill().await;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let again = [asker.as_of(before).await?, asker.as_of(between).await?, asker.as_of(end).await?];
    assert_eq!(again, there);
    let [before, between, end] = again;
    let level = |as_of: &AsOf| as_of.beers.iter().find(|beer| beer.beer.as_str() == "orval").map(|beer| beer.level.0);
    assert_eq!([level(&before), level(&between), level(&end)], [Some(0), Some(998), Some(995)]);
    assert_eq!([before.events, between.events, end.events], [0, 6, 12]);
    assert_eq!((between.orders.placed, between.deliveries.delivered, between.revenue_cents), (1, 1, Cents(720)));
    assert_eq!((end.orders.placed, end.orders.waiting, end.deliveries.delivered), (3, 1, 2));
    assert_eq!((end.deliveries.under_way, end.revenue_cents), (0, Cents(1800)));
    assert!(before.first < before.last && before.first == end.first, "{before:?}");
    assert!(asker.took < Duration::from_millis(300), "{:?}", asker.took);
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_answers_questions_nobody_had_thought_of() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut asker = Asker::new(&bed)?;
    let shop = Shop::open(&bed).await?;
    let line = |beer: &str, bottles| Line { beer: BeerId::new(beer), bottles: Bottles(bottles) };
    for id in ["a", "b"] {
        shop.place_lines("Bob", id, vec![line("orval", 1), line("duvel", 2)]).await?;
    }
    bed.publish_raw(ORDERS, b"two Orval please").await?;
    let reason = Refusal::NotEnough { beer: BeerId::new("orval"), asked: Bottles(3), left: Bottles(0) };
    let refused = OrderDecision::Refused { order_id: "c".parse()?, lines: lines(3), reason };
    bed.publish(ORDER_DECISIONS, "c", &refused).await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let together = asker.past(PastQuestion::OrderedTogether).await?;
    assert_eq!((together.events, together.rows.len()), (3, 1), "{together:?}");
    assert_eq!(together.rows[0][2], Cell::Count(2));
    let refusals = asker.past(PastQuestion::CostOfRefusals).await?;
    let orval = Cell::Beer(BeerId::new("orval"));
    assert_eq!(refusals.rows, [[orval, Cell::Count(1), Cell::Count(3), Cell::Cents(Cents(1080))]]);
    let seconds = asker.past(PastQuestion::SameSecond).await?;
    assert_eq!(seconds.columns, ["second", "orders", "customers"]);
    assert_eq!(seconds.rows[0][2], Cell::Text("Bob".into()));
    // More questions than may wait: those without a place are answered so.
    for n in 0..12 {
        let question = Question::Past { question: PastQuestion::SameSecond };
        bed.send(ControlMessage::Asked { correlation_id: format!("many-{n}"), question });
    }
    let busy = async {
        loop {
            for answer in asker.answers.receive(10).await.into_iter().filter_map(|received| received.message.ok()) {
                if let Answer::Failed { reason } = answer.answer {
                    return reason;
                }
            }
        }
    };
    assert!(timeout(LIMIT, busy).await?.contains("questions wait already"));
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_watched_and_says_identical_or_what_differs() -> Result<()> {
    let bed = TestBed::new().await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    bed.publish_raw(ORDERS, b"two Orval please").await?;
    for n in 0..20 {
        shop.sell(&format!("o-{n}"), 1).await?;
    }
    ledger_with(&bed, 20).await?;
    let told = rebuild_live(&bed).await?;
    let (first, last) = (told.first().context("nothing told")?, told.last().context("nothing told")?);
    assert!(first.running && first.identical.is_none(), "{told:#?}");
    assert_eq!((last.running, last.identical, last.events, last.total), (false, Some(true), 102, 102), "{last:?}");
    assert!(last.events_per_second > 0 && last.differences.is_empty(), "{last:?}");
    for _ in 0..3 {
        let again = rebuild_live(&bed).await?;
        assert_eq!(again.last().context("nothing told")?.identical, Some(true), "{again:#?}");
    }
    tamper(&bed, "delete from past where id = (select max(id) from past)").await?;
    tamper(&bed, "update checkpoint set messages = messages + 1 where topic = 'orders'").await?;
    let told = rebuild_live(&bed).await?;
    let last = told.last().context("nothing told")?;
    assert_eq!(last.identical, Some(false), "{last:?}");
    let [Difference::Messages { topic, messages: 22, .. }, Difference::Past { .. }] = &last.differences[..] else {
        bail!("{last:?}");
    };
    assert_eq!(topic, ORDERS.spec.name);
    // A rebuild that a crash broke off does not appear to be still running.
    analysis.kill().await;
    tamper(&bed, "insert into rebuild_under_way (began_at) values (1)").await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let broken_off = |all: &[Received<Insight>]| {
        rebuilds(all).last().is_some_and(|rebuild| rebuild.given_up == Some(GivenUp::ProcessEnded) && !rebuild.running)
    };
    bed.read_until(INSIGHTS, broken_off).await?;
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn fraud_watch_finds_the_past_and_leaves_nothing() -> Result<()> {
    let bed = TestBed::new().await?;
    let shop = Shop::open(&bed).await?;
    for n in 0..6 {
        shop.place_lines("Mallory", &format!("m-{n}"), lines(1)).await?;
    }
    bed.publish_raw(ORDERS, b"two Orval please").await?;
    shop.place_lines("Trudy", "t", lines(72)).await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    fraud_when(&bed, |fraud| !fraud.attached).await?;
    let without = subscriptions(&bed).await?;
    for _ in 0..2 {
        bed.choose(|choices| choices.fraud_watch = true);
        let fraud = fraud_when(&bed, |fraud| fraud.attached && fraud.orders_seen == 7).await?;
        let found: Vec<_> =
            fraud.findings.iter().map(|finding| (finding.rule, &*finding.customer, finding.orders.len())).collect();
        assert_eq!(found, [(FraudRule::Absurd, "Trudy", 1), (FraudRule::Burst, "Mallory", 6)]);
        assert!(subscriptions(&bed).await?.iter().any(|name| name == FRAUD_WATCH.name));
        bed.choose(|choices| choices.fraud_watch = false);
        let fraud = fraud_when(&bed, |fraud| !fraud.attached).await?;
        assert_eq!((fraud.orders_seen, fraud.findings, fraud.findings_total), (0, vec![], 0));
        let left = subscriptions(&bed).await?;
        assert_eq!(left.len(), without.len(), "{left:?}");
    }
    // After a crash with the watch attached, the next process begins at the first order again.
    bed.choose(|choices| choices.fraud_watch = true);
    fraud_when(&bed, |fraud| fraud.orders_seen == 7).await?;
    analysis.kill().await;
    shop.place("a", 1).await?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    fraud_when(&bed, |fraud| fraud.orders_seen == 8).await?;
    analysis.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_analysis_answers_and_does_not_read() -> Result<()> {
    let bed = TestBed::new().await?;
    let mut asker = Asker::new(&bed)?;
    let analysis = bed.start(Service::InventoryAnalysis, run);
    let mut shop = Shop::open(&bed).await?;
    shop.sell("a", 2).await?;
    ledger_with(&bed, 1).await?;
    bed.choose(|choices| choices.paused.extend([Service::InventoryAnalysis]));
    for n in 0..20 {
        shop.sell(&format!("o-{n}"), 1).await?;
        assert_eq!(asker.as_of(now()).await?.deliveries.delivered, 1);
    }
    bed.choose(|choices| choices.paused.clear());
    let ledger = ledger_with(&bed, 21).await?;
    assert!(ledger.balanced, "{ledger:#?}");
    analysis.stop().await
}
