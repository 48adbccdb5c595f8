//! The moments that the past can show.

use anyhow::Result;
use reqwest::StatusCode;

use crate::{Stage, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_that_cannot_be_is_refused() -> Result<()> {
    let stage = Stage::open().await?;
    for at in ["9999-12-31T23:59:59-23:59", "0999-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "yesterday"] {
        let answer = stage.get(&format!("/api/history?at={at}")).send().await?;
        let refused = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await?;
        assert_eq!(refused, ("at".to_owned(), "wrong_value".to_owned()), "{at}");
    }
    stage.close().await
}
