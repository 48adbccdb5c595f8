//! `/`: the beers, the basket and the checkout, as one form that also works without scripts.

use askama::Template;
use events::{
    orders::{ADDRESS_MAX, CUSTOMER_MAX, LINE_BOTTLES_MAX},
    quantities::Bottles,
};
use web::{
    order::wording,
    pure::{
        format,
        glass::{Size, glass},
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pure::form::{Attempt, Offer, ShopView};

/// At or below this level a beer is shown as almost sold out: one customer may take as many.
const FEW_BOTTLES: Bottles = LINE_BOTTLES_MAX;

#[derive(Template)]
#[template(path = "beers/page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    rows: Vec<Row>,
    order_token: &'a str,
    customer: Field<'a>,
    address: Field<'a>,
    basket_fault: Option<&'static str>,
    failed: bool,
    bottles_max: Bottles,
}

/// One beer to order.
struct Row {
    id: &'static str,
    name: &'static str,
    facts: String,
    price_cents: u64,
    typed: String,
    sold_out: bool,
    fault: Option<&'static str>,
    more: String,
    fewer: String,
    bottles_of: String,
}

impl Row {
    fn glass_id(&self) -> String {
        format!("glass-{}", self.id)
    }

    fn left_id(&self) -> String {
        format!("left-{}", self.id)
    }
}

/// A text field with its content.
struct Field<'a> {
    text: &'a str,
    max: usize,
    fault: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "beers/glass.html")]
struct GlassTemplate {
    id: &'static str,
    svg: String,
}

#[derive(Template)]
#[template(path = "beers/left.html")]
struct Left<'a> {
    frame: Frame<'a>,
    id: &'static str,
    level: Option<Bottles>,
    text: String,
    few: bool,
}

/// The whole page.
///
/// # Errors
/// If a template cannot be rendered.
pub fn render(view: &ShopView, frame: Frame<'_>) -> askama::Result<String> {
    let attempt = view.attempt.as_ref();
    let fault =
        |field: &str| attempt.and_then(|attempt| wording::fault(frame.language, &attempt.faults, |name| name == field));
    Page {
        frame,
        parts: Parts(fragments(&view.beers, frame)?),
        rows: view.beers.iter().map(|offer| row(offer, attempt, &frame)).collect(),
        order_token: &view.order_token,
        customer: Field {
            text: attempt.map_or(&view.customer, |attempt| &attempt.customer),
            max: CUSTOMER_MAX,
            fault: fault("customer"),
        },
        address: Field {
            text: attempt.map_or(&view.address, |attempt| &attempt.address),
            max: ADDRESS_MAX,
            fault: fault("address"),
        },
        basket_fault: attempt.and_then(|attempt| basket_fault(attempt, view, &frame)),
        failed: attempt.is_some(),
        bottles_max: LINE_BOTTLES_MAX,
    }
    .render()
}

/// Glass and number of every beer. The fields a customer types into are never replaced.
///
/// # Errors
/// If a template cannot be rendered.
pub fn fragments(beers: &[Offer], frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
    let mut fragments = vec![alive(&frame, &[])?];
    for offer in beers {
        let (id, level) = (offer.beer.id, offer.level);
        let svg = glass(&format!("g-{id}"), offer.beer, level, None, Size::Small, None);
        fragments.push(Fragment::new(format!("glass-{id}"), &GlassTemplate { id, svg })?);
        let text = match level {
            None => "…".to_owned(),
            Some(Bottles::NONE) => frame.t("shop.sold_out").to_owned(),
            Some(level) => frame.language.count("shop.left", level.0.into()),
        };
        let few = level.is_some_and(|level| level <= FEW_BOTTLES);
        fragments.push(Fragment::new(format!("left-{id}"), &Left { frame, id, level, text, few })?);
    }
    Ok(fragments)
}

fn row(offer: &Offer, attempt: Option<&Attempt>, frame: &Frame<'_>) -> Row {
    let beer = offer.beer;
    let place = attempt.and_then(|attempt| attempt.lines.iter().position(|line| line.beer.as_str() == beer.id));
    let typed = attempt.zip(place).and_then(|(attempt, place)| attempt.lines.get(place));
    let fault = attempt.zip(place).and_then(|(attempt, place)| {
        let prefix = format!("lines[{place}].");
        wording::fault(frame.language, &attempt.faults, |field| field.starts_with(&prefix))
    });
    let facts =
        [beer.brewery, &format::strength(frame.language, beer.abv_tenths), &format::money(frame.language, beer.price)]
            .join(" · ");
    Row {
        id: beer.id,
        name: beer.name,
        facts,
        price_cents: beer.price.0,
        typed: typed.map_or_else(|| "0".to_owned(), |line| line.bottles.clone()),
        sold_out: offer.level == Some(Bottles::NONE),
        fault,
        more: frame.with("shop.more", "beer", beer.name),
        fewer: frame.with("shop.fewer", "beer", beer.name),
        bottles_of: frame.with("shop.bottles_of", "beer", beer.name),
    }
}

/// What is wrong with the basket as a whole, or with a line that has no row.
fn basket_fault(attempt: &Attempt, view: &ShopView, frame: &Frame<'_>) -> Option<&'static str> {
    let has_row = |place: usize| {
        let line = attempt.lines.get(place);
        line.is_some_and(|line| view.beers.iter().any(|offer| offer.beer.id == line.beer.as_str()))
    };
    wording::fault(frame.language, &attempt.faults, |field| {
        let place = field.strip_prefix("lines[").and_then(|rest| rest.split(']').next()?.parse().ok());
        field == "lines" || place.is_some_and(|place| !has_row(place))
    })
}
