//! Messages that cannot be read and are not quarantined: they have no effect and are counted, and a flood of them does
//! not flood the log.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use events::{
    received::{Position, Received, Undecodable},
    topics::{Topic, TopicSpec},
};
use tracing::warn;

use crate::Context;

/// At most one log line per topic in this time; it says how many messages it stands for.
const LINE_EVERY: Duration = Duration::from_secs(60);

/// The log lines of each topic. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unread {
    topics: Arc<Mutex<HashMap<&'static str, Lines>>>,
}

#[derive(Debug, Default)]
struct Lines {
    last: Option<Instant>,
    unlogged: u64,
}

impl Unread {
    fn count(&self, topic: &'static str, now: Instant) -> Option<u64> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).entry(topic).or_default().count(now)
    }
}

impl Lines {
    /// Counts one more message; if a line is due, returns for how many messages it stands.
    fn count(&mut self, now: Instant) -> Option<u64> {
        self.unlogged += 1;
        if self.last.is_some_and(|last| now.duration_since(last) < LINE_EVERY) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

impl Context {
    /// The readable messages of a batch. The others are counted and have no effect; the log names one per minute.
    pub fn readable<M>(&self, topic: Topic<M>, batch: Vec<Received<M>>) -> Vec<M> {
        let mut messages = Vec::with_capacity(batch.len());
        for Received { message, position, .. } in batch {
            match message {
                Ok(message) => messages.push(message),
                Err(undecodable) => self.unreadable(topic.spec, position, &undecodable),
            }
        }
        messages
    }

    /// Counts an unreadable message, for a reader that does not quarantine it.
    pub fn unreadable(&self, topic: &'static TopicSpec, position: Position, undecodable: &Undecodable) {
        if let Some(count) = self.unread.count(topic.name, Instant::now()) {
            let reason = &undecodable.reason;
            warn!(topic = topic.name, message = %position, reason, count, "a message cannot be read and has no effect");
        }
        self.metrics.unreadable(topic.name, 1);
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::Path};

    use events::{
        ids::{EventId, Moment, Service},
        stage::StageCommand,
        topics::{ANSWERS, COMMANDS},
    };
    use store::testing::bus_without_broker;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::stage::Stage;

    #[test]
    fn a_line_stands_for_all_that_came_since_the_one_before() {
        let (mut lines, began) = (Lines::default(), Instant::now());
        assert_eq!(lines.count(began), Some(1));
        for _ in 0..999 {
            assert_eq!(lines.count(began + LINE_EVERY - Duration::from_millis(1)), None);
        }
        assert_eq!(lines.count(began + LINE_EVERY), Some(1_000));
        assert_eq!(lines.count(began + 3 * LINE_EVERY), Some(1));
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn unreadable<M>() -> Received<M> {
        let (reason, first_bytes) = ("undecodable: no JSON".to_owned(), "two Orval".to_owned());
        let (position, event_id, at) = (Position::default(), EventId::new("m-0:0"), Moment::MIN);
        Received { message: Err(Undecodable { reason, first_bytes }), position, event_id, at, trace: None }
    }

    #[tokio::test]
    async fn a_flood_of_what_cannot_be_read_is_counted_and_is_one_line() {
        let bus = bus_without_broker();
        let stop = CancellationToken::new();
        let context = Context::new(Service::Website, bus, Stage::default(), Path::new("unused"), stop);
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..100 {
                let batch: Vec<Received<StageCommand>> = (0..10).map(|_| unreadable()).collect();
                assert_eq!(context.readable(COMMANDS, batch), []);
            }
            context.readable(ANSWERS, vec![unreadable()]);
        });
        let metrics = context.metrics.text();
        assert!(metrics.contains(r#"unreadable_total{topic="commands"} 1000"#), "{metrics}");
        let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 2, "{said}");
        assert!(lines[0].contains("commands") && lines[1].contains("answers"), "{said}");
    }
}
