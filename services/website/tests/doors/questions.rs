//! Questions: what anybody asks takes nothing from the presenter.

use std::sync::Arc;

use anyhow::Result;
use bus::ConsumerOptions;
use events::{
    ids::{Moment, Service},
    stage::{Answer, Question, StageAnswer},
    topics::{ANSWERS, QUERIES},
};
use reqwest::Client;
use serde_json::Value;
use service::{environment, testing::Ground};
use tokio::task::JoinSet;
use website::{
    ControlError,
    questions::{ANYBODYS_MAX, Asker, Questions},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_nobody_answers_leave_the_presenter_an_answer_and_need_one_producer() -> Result<()> {
    let ground = Ground::new().await?;
    let questions = Arc::new(Questions::new(ground.context(Service::Website)));
    let listening = tokio::spawn(questions.listen());
    let mut asked = ground.bus.consumer(QUERIES, Service::StockLevel, ConsumerOptions::default())?;
    let past = Question::AsOf { at: Moment::default() };
    let mut anybody = JoinSet::new();
    for _ in 0..100 {
        let (questions, past) = (Arc::clone(&questions), past.clone());
        anybody.spawn(async move { questions.ask(Asker::Anybody, Service::InventoryAnalysis, past).await });
    }
    // inventory-analysis hangs; stock-level answers, once all that came before it were read.
    let (mut for_analysis, presenter) = (0, questions.ask(Asker::Presenter, Service::StockLevel, Question::FoldAfresh));
    let stock_level = async {
        loop {
            for query in asked.receive(100).await.into_iter().filter_map(|received| received.message.ok()) {
                if query.service == Service::StockLevel {
                    let (correlation_id, answer) = (query.correlation_id, Answer::Done);
                    let answer = StageAnswer { correlation_id, service: Service::StockLevel, answer };
                    return ground.publish(ANSWERS, "stock-level", &answer).await;
                }
                for_analysis += 1;
            }
        }
    };
    let (done, answered) = tokio::join!(presenter, stock_level);
    answered?;
    assert!(matches!(done, Ok(Answer::Done)), "{done:?}");
    assert!(for_analysis <= ANYBODYS_MAX, "{for_analysis} at once");
    let admin = environment::broker()?.admin_url;
    let stats = format!("{admin}/admin/v2/non-persistent/{}/stage/queries/stats", ground.bus.place().tenant);
    let http = Client::builder().no_proxy().build()?;
    let stats: Value = http.get(stats).send().await?.json().await?;
    assert_eq!(stats["publishers"].as_array().map(Vec::len), Some(1), "{stats}");
    while let Some(ended) = anybody.join_next().await {
        assert!(matches!(ended?, Err(ControlError::NoAnswer { .. } | ControlError::TooManyAsk)));
    }
    listening.abort();
    Ok(())
}
