//! `/orders`: the newest orders, with links to follow them.

use askama::Template;
use web::{
    order::wording,
    pure::{
        format,
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pages::figures::{Figure, figures};
use crate::{
    pages::view::PageView,
    read_model::newest::{NewestOrder, NewestView},
};

#[derive(Template)]
#[template(path = "follow/newest_page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
}

#[derive(Template)]
#[template(path = "follow/newest.html")]
struct Newest<'a> {
    frame: Frame<'a>,
    orders: Vec<Row<'a>>,
    names_hidden: bool,
}

struct Row<'a> {
    id: &'a str,
    customer: &'a str,
    bottles: String,
    at: String,
    status: &'static str,
    tone: &'static str,
}

impl PageView for NewestView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        Page { frame, parts: Parts(self.fragments(frame)?) }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let orders = self.orders.iter().map(|order| row(order, &frame)).collect();
        let no_figures: Vec<Figure> = vec![];
        Ok(vec![
            alive(&frame, &[])?,
            figures(no_figures)?,
            Fragment::new("newest", &Newest { frame, orders, names_hidden: self.names_hidden })?,
        ])
    }
}

fn row<'a>(order: &'a NewestOrder, frame: &Frame<'_>) -> Row<'a> {
    Row {
        id: order.order_id.as_str(),
        customer: &order.customer,
        bottles: frame.language.count("shop.bottles", order.bottles.into()),
        at: format::clock_seconds(order.at),
        status: wording::status(frame.language, order.status),
        tone: wording::tone(order.status),
    }
}
