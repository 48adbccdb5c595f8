//! Questions of the public take no places from the presenter.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use bus::ConsumerOptions;
use events::{
    ids::{Moment, Service},
    stage::{Answer, Question, StageAnswer},
    topics::{ANSWERS, QUERIES},
};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use service::{
    environment,
    testing::{LIMIT, TestBed, eventually},
};
use stage::{
    ControlError,
    questions::{ANYBODYS_MAX, Asker, Questions},
};
use tokio::{task::JoinSet, time::timeout};

use crate::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_nobody_answers_leave_the_presenter_an_answer_and_need_one_producer() -> Result<()> {
    let bed = TestBed::new().await?;
    let questions = Arc::new(Questions::new(bed.context(Service::Stage)));
    let listening = tokio::spawn(questions.listen());
    let mut asked = bed.bus.consumer(QUERIES, Service::StockLevel, ConsumerOptions::default())?;
    let past = Question::AsOf { at: Moment::default() };
    let mut anybody = JoinSet::new();
    // inventory-analysis hangs; stock-level answers after all questions before its own were read.
    let mut for_analysis = 0;
    let presenter = async {
        eventually("stock-level to listen", || async { bed.bus.is_connected().then_some(()) }).await?;
        for _ in 0..100 {
            let (questions, past) = (Arc::clone(&questions), past.clone());
            anybody.spawn(async move { questions.ask(Asker::Anybody, Service::InventoryAnalysis, past).await });
        }
        anyhow::Ok(questions.ask(Asker::Presenter, Service::StockLevel, Question::FoldAfresh).await)
    };
    let stock_level = async {
        loop {
            for query in asked.receive(100).await.into_iter().filter_map(|received| received.message.ok()) {
                if query.service == Service::StockLevel {
                    let (correlation_id, answer) = (query.correlation_id, Answer::Done);
                    let answer = StageAnswer { correlation_id, service: Service::StockLevel, answer };
                    return bed.publish(ANSWERS, "stock-level", &answer).await;
                }
                for_analysis += 1;
            }
        }
    };
    let (done, answered) = timeout(LIMIT, async { tokio::join!(presenter, stock_level) }).await?;
    answered?;
    let done = done?;
    assert!(matches!(done, Ok(Answer::Done)), "{done:?}");
    assert!(for_analysis <= ANYBODYS_MAX, "{for_analysis} at once");
    let admin = environment::broker()?.admin_url;
    let stats = format!("{admin}/admin/v2/non-persistent/{}/stage/queries/stats", bed.bus.scope().tenant);
    let http = Client::builder().no_proxy().build()?;
    let stats: Value = http.get(stats).send().await?.json().await?;
    assert_eq!(stats["publishers"].as_array().map(Vec::len), Some(1), "{stats}");
    while let Some(ended) = anybody.join_next().await {
        assert!(matches!(ended?, Err(ControlError::NoAnswer { .. } | ControlError::TooManyAsk)));
    }
    listening.abort();
    Ok(())
}

/// The same at the stage's doors: strangers are told to come again, and the presenter's burst is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_who_look_at_the_past_keep_no_burst_from_the_presenter() -> Result<()> {
    let stage = Stage::open().await?;
    let mut asked = stage.bed.bus.consumer(QUERIES, Service::StockLevel, ConsumerOptions::default())?;
    let for_analysis = AtomicUsize::new(0);
    // inventory-analysis hangs.
    let stock_level = async {
        loop {
            for query in asked.receive(100).await.into_iter().filter_map(|received| received.message.ok()) {
                if query.service == Service::StockLevel {
                    let (correlation_id, answer) = (query.correlation_id, Answer::Done);
                    let answer = StageAnswer { correlation_id, service: Service::StockLevel, answer };
                    return stage.bed.publish(ANSWERS, "stock-level", &answer).await;
                }
                for_analysis.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let mut anybody = JoinSet::new();
    let presenter = async {
        eventually("stock-level to listen", || async { stage.bed.bus.is_connected().then_some(()) }).await?;
        let at = "at=2026-11-24T20:41:07Z";
        let doors = ["/api/history?", "/past?", "/past/fragments?"].map(|path| format!("{path}{at}"));
        for door in doors.iter().cycle().take(100) {
            let look = stage.get(door);
            anybody.spawn(async move { look.send().await.map(|answer| answer.status()) });
        }
        let asked = || async { (for_analysis.load(Ordering::Relaxed) >= ANYBODYS_MAX).then_some(()) };
        eventually("their questions", asked).await?;
        let burst = stage.http.post(stage.url("/api/stage/burst")).bearer_auth(stage.token()).send().await?;
        anyhow::Ok(burst.status())
    };
    let burst = stage.while_present(Service::StockLevel, &[], async {
        let (burst, answered) = timeout(LIMIT, async { tokio::join!(presenter, stock_level) }).await?;
        answered?;
        burst
    });
    assert_eq!(burst.await?, StatusCode::ACCEPTED);
    assert_eq!(for_analysis.into_inner(), ANYBODYS_MAX, "at once");
    while let Some(status) = anybody.join_next().await {
        assert_eq!(status??, StatusCode::SERVICE_UNAVAILABLE);
    }
    stage.close().await
}
