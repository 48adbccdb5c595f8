//! The page for a customer who orders too fast: the basket is kept, to be sent again.

use std::{collections::HashMap, time::Duration};

use askama::Template;
use web::pure::layout::Frame;

use crate::pure::order_rate::whole_seconds;

/// The fields of an order that are kept. Those of a beer begin with this.
const BOTTLES: &str = "bottles-";
const KEPT: [&str; 3] = ["order_token", "customer", "address"];

#[derive(Template)]
#[template(path = "slowly.html")]
struct Page<'a> {
    frame: Frame<'a>,
    advice: String,
    fields: Vec<(&'a str, &'a str)>,
}

/// The whole page.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(fields: &HashMap<String, String>, wait: Duration, frame: Frame<'_>) -> askama::Result<String> {
    let is_kept = |name: &str| KEPT.contains(&name) || name.starts_with(BOTTLES);
    let mut kept: Vec<(&str, &str)> =
        fields.iter().filter(|(name, _)| is_kept(name)).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    kept.sort_unstable();
    let advice = frame.language.count("slowly.advice", whole_seconds(wait));
    Page { frame, advice, fields: kept }.render()
}
