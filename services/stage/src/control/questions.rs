//! Questions to the services, and their answers. Questions of the public do not use up the presenter's places.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::{ConsumerOptions, Outgoing, PublishError, Publisher, uncancelled};
use events::{
    ids::{EventId, Service},
    stage::{Answer, Question, StageQuery},
    topics::{ANSWERS, QUERIES},
};
use service::{Context, ServiceFuture, now};
use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore, oneshot},
    time::timeout,
};

use crate::control::control_error::ControlError;

/// How long the broker may take to confirm a question.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(2);
/// The most answers read at once.
const BATCH_MAX: usize = 50;
/// The most questions of the presenter that wait for an answer.
const PRESENTERS_MAX: usize = 100;
/// The most questions of everybody else. Further ones wait for a place as long as they would wait for an answer. Fewer
/// than a service takes at once, so that none is lost there.
pub const ANYBODYS_MAX: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    Presenter,
    /// Anybody who opens a page or calls the API.
    Anybody,
}

/// Those who wait for an answer, by correlation id.
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Answer>>>>;

/// The open questions.
pub struct Questions {
    context: Context,
    waiting: Waiting,
    anybodys: Semaphore,
    presenters: Semaphore,
    /// One producer for all questions.
    publisher: Arc<AsyncMutex<Publisher>>,
}

impl Questions {
    pub fn new(context: Context) -> Self {
        let publisher = Arc::new(AsyncMutex::new(context.bus.publisher()));
        let (anybodys, presenters) = (Semaphore::new(ANYBODYS_MAX), Semaphore::new(PRESENTERS_MAX));
        Questions { context, waiting: Arc::default(), anybodys, presenters, publisher }
    }

    /// Asks a service, and waits as long as its kind of question may take.
    ///
    /// # Errors
    /// If the answer is late or a refusal, or if too many wait already.
    pub async fn ask(&self, asker: Asker, service: Service, question: Question) -> Result<Answer, ControlError> {
        let limit = question.answered_within();
        let places = match asker {
            Asker::Presenter => &self.presenters,
            Asker::Anybody => &self.anybodys,
        };
        let place = timeout(limit, places.acquire()).await;
        let _place = place.ok().and_then(Result::ok).ok_or(ControlError::TooManyAsk)?;
        let correlation_id = format!("q-{:016x}", rand::random::<u64>());
        let told = Told::wait(&self.waiting, &correlation_id);
        self.send(StageQuery { correlation_id, service, question, asked_at: now() }).await?;
        match timeout(limit, told.answer()).await {
            Ok(Some(Answer::Failed { reason })) => Err(ControlError::Refused(reason)),
            Ok(Some(answer)) => Ok(answer),
            _ => Err(ControlError::NoAnswer { service, seconds: limit.as_secs() }),
        }
    }

    async fn send(&self, query: StageQuery) -> Result<(), ControlError> {
        let id = EventId::new(format!("website-query-{}", query.correlation_id));
        let message = Outgoing::new(QUERIES, query.service.name(), id, now(), &query)
            .map_err(|error| ControlError::Refused(error.to_string()))?;
        let (publisher, waiting) = (Arc::clone(&self.publisher), Arc::clone(&self.waiting));
        // The publisher is shared, so this must not stop half way.
        let sending = uncancelled(async move {
            let Ok(mut publisher) = timeout(CONFIRMED_WITHIN, publisher.lock_owned()).await else { return Ok(false) };
            // Nobody waits for the answer any more.
            if !lock(&waiting).contains_key(&query.correlation_id) {
                return Ok(false);
            }
            publisher.publish(&[message]).await?;
            Ok::<bool, PublishError>(true)
        });
        match timeout(CONFIRMED_WITHIN, sending).await {
            Ok(Ok(true)) => Ok(()),
            _ => Err(ControlError::Away),
        }
    }

    /// Reads the answers.
    pub fn listen(&self) -> ServiceFuture {
        let (context, waiting) = (self.context.clone(), Arc::clone(&self.waiting));
        Box::pin(async move {
            let mut answers = context.bus.consumer(ANSWERS, Service::Stage, ConsumerOptions::default())?;
            loop {
                let batch = answers.receive(BATCH_MAX).await;
                for answer in context.readable(ANSWERS, batch) {
                    if let Some(tell) = lock(&waiting).remove(&answer.correlation_id) {
                        // The asker may be gone.
                        drop(tell.send(answer.answer));
                    }
                }
            }
        })
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place among those who wait, until it is dropped.
struct Told<'a> {
    waiting: &'a Waiting,
    correlation_id: String,
    told: oneshot::Receiver<Answer>,
}

impl<'a> Told<'a> {
    fn wait(waiting: &'a Waiting, correlation_id: &str) -> Self {
        let (tell, told) = oneshot::channel();
        lock(waiting).insert(correlation_id.to_owned(), tell);
        Told { waiting, correlation_id: correlation_id.to_owned(), told }
    }

    async fn answer(mut self) -> Option<Answer> {
        (&mut self.told).await.ok()
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        lock(self.waiting).remove(&self.correlation_id);
    }
}
