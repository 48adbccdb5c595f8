//! Errors in one line, and panics that must not be lost.

use std::{error::Error, fmt, future::Future, iter};

use tokio::task::JoinError;

/// An error with its causes in one line, for logs and people: the text of an error does not include its source.
pub fn with_causes<'a>(error: &'a (dyn Error + 'static)) -> impl fmt::Display + 'a {
    WithCauses(error)
}

struct WithCauses<'a>(&'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        iter::successors(self.0.source(), |&cause| cause.source()).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// Runs this work in a separate task, which continues if the caller is cancelled: the client must not be cancelled while
/// it connects or waits for an answer. A panic is passed on to the caller.
pub async fn uncancelled<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    outcome(tokio::spawn(work).await).await
}

/// The result of a task that is never aborted. A panic is passed on to the caller.
pub(crate) async fn outcome<T>(ended: Result<T, JoinError>) -> T {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(outcome) => outcome,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime is shutting down, and the caller with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = io::Error::other(crate::PublishError::Unconfirmed {
            confirmed: 3,
            cause: pulsar::Error::Custom("the broker is away".to_owned()),
        });
        assert_eq!(with_causes(&error).to_string(), "only 3 messages were confirmed: error: the broker is away");
    }

    #[tokio::test]
    async fn a_panic_in_a_task_of_its_own_ends_the_caller() {
        let caller = tokio::spawn(uncancelled(async { panic!("as it must") }));
        assert!(caller.await.unwrap_err().is_panic());
    }
}
