//! The acts of the talk, played as the speaker has them played an hour before.

use std::future::pending;

use anyhow::{Result, ensure};
use suite::{
    Demo,
    rehearsal::{ACTS, Place, rehearse},
};

/// The checks before a talk, every act, and the restored settings.
pub async fn every_act_plays(demo: &Demo) -> Result<()> {
    let place = Place::of_demo(demo)?;
    let before = demo.stage.get("/api/settings").await?;
    let acts: Vec<u8> = (1..=ACTS).collect();
    let mut lines = Vec::new();
    let fine = rehearse(&place, &acts, pending(), |line| lines.push(line.to_string())).await?;
    ensure!(fine && lines.len() > acts.len(), "{}", lines.join("\n"));
    let after = demo.stage.get("/api/settings").await?;
    ensure!(before == after, "{before} and {after}");
    Ok(())
}
