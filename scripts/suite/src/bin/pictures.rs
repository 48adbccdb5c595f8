//! `pictures`: takes the pictures of the documents from a suite that runs; see `scripts/pictures`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use suite::rehearsal::{Place, pictures};

#[tokio::main]
async fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("pictures FOLDER")?);
    let place = Place::of(|name| std::env::var(name).ok())?;
    pictures::take(&place, &folder, |name| println!("{name}")).await
}
