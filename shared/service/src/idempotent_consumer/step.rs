//! The steps of the writer and their order. Pure.

/// A step of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Wait for a submission, and take all that are there.
    Receive,
    /// Begin a transaction and record the ids.
    Begin,
    /// Handle the next message.
    Handle,
    Commit,
    /// Wait until the outbox is published.
    Publish,
    Acknowledge,
    /// All handles are gone: nothing can be submitted any more.
    End,
}

/// What the next step depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Submissions that were taken; none when all handles are gone.
    pub submissions: usize,
    /// Messages of this batch that are not handled yet.
    pub left: usize,
    /// Whether to wait for the outbox before the answers.
    pub publishes: bool,
}

impl Step {
    /// The step after this one.
    pub fn next(self, Progress { submissions, left, publishes }: Progress) -> Step {
        match self {
            Step::Receive if submissions == 0 => Step::End,
            Step::Receive => Step::Begin,
            Step::Begin | Step::Handle if left > 0 => Step::Handle,
            Step::Begin | Step::Handle => Step::Commit,
            Step::Commit if publishes => Step::Publish,
            Step::Commit | Step::Publish => Step::Acknowledge,
            Step::Acknowledge => Step::Receive,
            Step::End => Step::End,
        }
    }
}

/// When the writer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcknowledgeAfter {
    /// When the outgoing messages of a batch are published: a service takes no more than it can pass on.
    Publishing,
    /// When a batch is committed, for consumers that hold one message and would wait for the broker twice. Outgoing messages are
    /// in the outbox, and are published even after a crash.
    Commit,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of one batch of two messages, to the next batch.
    fn steps(publishes: bool) -> Vec<Step> {
        let (mut step, mut left, mut steps) = (Step::Receive, 2, Vec::new());
        loop {
            steps.push(step);
            left -= usize::from(step == Step::Handle);
            step = step.next(Progress { submissions: 1, left, publishes });
            if step == Step::Receive {
                return steps;
            }
        }
    }

    #[test]
    fn acknowledges_last_and_publishes_only_what_is_committed() {
        use Step::{Acknowledge, Begin, Commit, Handle, Publish, Receive};
        assert_eq!(steps(true), [Receive, Begin, Handle, Handle, Commit, Publish, Acknowledge]);
        assert_eq!(steps(false), [Receive, Begin, Handle, Handle, Commit, Acknowledge]);
    }

    #[test]
    fn ends_when_nobody_can_submit_any_more() {
        let nothing = Progress { submissions: 0, left: 0, publishes: false };
        assert_eq!(Step::Receive.next(nothing), Step::End);
        assert_eq!(Step::End.next(nothing), Step::End);
    }

    #[test]
    fn a_submission_without_messages_is_answered() {
        let empty = Progress { submissions: 1, left: 0, publishes: false };
        assert_eq!(Step::Receive.next(empty), Step::Begin);
        assert_eq!(Step::Begin.next(empty), Step::Commit);
    }
}
