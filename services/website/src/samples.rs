//! The shop at one moment, made up, for the tests of its pages.

use events::{
    beers::BEERS,
    ids::BeerId,
    orders::{Fault, Problem},
    quantities::Bottles,
};
use web::pure::{
    language::Language,
    layout::{Alive, Frame, Theme},
};
pub(crate) use web::testing::{NOW, order};

use crate::pure::form::{Attempt, Offer, ShopView, TypedLine};

const LEVELS: [u32; 12] = [196, 228, 110, 16, 153, 170, 139, 216, 79, 122, 184, 0];

pub(crate) fn alive() -> Alive {
    Alive { pulsar: true, ..Alive::default() }
}

/// What a page needs beside its view.
pub(crate) fn frame(language: Language, theme: Theme, alive: &Alive) -> Frame<'_> {
    Frame { language, theme, alive, now: NOW, presenter: false, follow: false, path: "/" }
}

pub(crate) fn shop() -> ShopView {
    let offer = |(beer, level)| Offer { beer, level: Some(Bottles(level)) };
    let mut beers: Vec<_> = BEERS.iter().zip(LEVELS).map(offer).collect();
    beers[8].level = None;
    ShopView {
        beers,
        order_token: "4f1c9a".into(),
        customer: "Lotte Peeters".into(),
        address: "Grote Markt 12, 1000 Brussel".into(),
        attempt: None,
    }
}

pub(crate) fn failed_attempt() -> Attempt {
    let fault = |field: &str, problem| Fault { field: field.into(), problem };
    Attempt {
        customer: String::new(),
        address: "Grote Markt 12".into(),
        lines: vec![
            TypedLine { beer: BeerId::new("orval"), bottles: "2".into() },
            TypedLine { beer: BeerId::new("duvel"), bottles: "99".into() },
            TypedLine { beer: BeerId::new("water"), bottles: "1".into() },
        ],
        faults: vec![
            fault("customer", Problem::Blank),
            fault("lines[1].bottles", Problem::BottlesOutOfRange),
            fault("lines[2].beer", Problem::UnknownBeer),
        ],
    }
}
