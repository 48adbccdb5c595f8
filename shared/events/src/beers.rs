//! The catalogue: twelve Belgian beers, one of them scarce.
//!
//! It is part of the contract, since a price or a first stock is the same fact for every service. A beer's glass and
//! colour are here too: they are how it is recognised on every page.

use crate::{
    ids::BeerId,
    quantities::{Bottles, Cents},
};

/// The shape of a beer's own glass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Glass {
    /// Round at the bottom, narrow at the top, on a stem.
    Tulip,
    /// A wide bowl on a stem.
    Chalice,
    /// Tall and narrow, on a short stem.
    Flute,
    /// Straight, without a stem.
    Tumbler,
}

/// One beer of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Beer {
    /// Its id, as in messages and addresses.
    pub id: &'static str,
    pub name: &'static str,
    pub short_name: &'static str,
    pub brewery: &'static str,
    /// Its style, as on the label; not translated.
    pub style: &'static str,
    /// Strength in tenths of a percent by volume: 85 is 8.5 %.
    pub abv_tenths: u32,
    /// The colour in the glass, as `#rrggbb`.
    pub colour: &'static str,
    pub glass: Glass,
    /// The price of one bottle.
    pub price: Cents,
    /// The stock at the beginning of an episode, and after a restock.
    pub first_stock: Bottles,
    pub scarce: bool,
}

impl Beer {
    /// Its id as the type messages use.
    pub fn beer_id(&self) -> BeerId {
        BeerId::new(self.id)
    }

    /// The warehouse restocks below this level, a quarter of the first stock. `None` for the scarce beer.
    pub fn reorder_point(&self) -> Option<Bottles> {
        (!self.scarce).then_some(Bottles(self.first_stock.0 / 4))
    }

    /// Strength in percent by volume.
    pub fn abv(&self) -> f64 {
        f64::from(self.abv_tenths) / 10.0
    }
}

/// The beer with this id.
pub fn find(id: &BeerId) -> Option<&'static Beer> {
    BEERS.iter().find(|beer| beer.id == id.as_str())
}

/// All beers, in the order of the shop.
pub const BEERS: [Beer; 12] = [
    Beer {
        id: "moinette",
        name: "Moinette Blonde",
        short_name: "Moinette",
        brewery: "Dupont",
        style: "Saison forte",
        abv_tenths: 85,
        colour: "#e8a838",
        glass: Glass::Tulip,
        price: Cents(290),
        first_stock: Bottles(240),
        scarce: false,
    },
    Beer {
        id: "karmeliet",
        name: "Tripel Karmeliet",
        short_name: "Karmeliet",
        brewery: "Bosteels",
        style: "Tripel",
        abv_tenths: 84,
        colour: "#ecb54a",
        glass: Glass::Tulip,
        price: Cents(320),
        first_stock: Bottles(240),
        scarce: false,
    },
    Beer {
        id: "chimay-bleue",
        name: "Chimay Bleue",
        short_name: "Chimay",
        brewery: "Chimay",
        style: "Trappist, dark",
        abv_tenths: 90,
        colour: "#5a2a18",
        glass: Glass::Chalice,
        price: Cents(340),
        first_stock: Bottles(200),
        scarce: false,
    },
    Beer {
        id: "chouffe",
        name: "La Chouffe",
        short_name: "Chouffe",
        brewery: "Achouffe",
        style: "Strong blonde",
        abv_tenths: 80,
        colour: "#e6a84a",
        glass: Glass::Tulip,
        price: Cents(280),
        first_stock: Bottles(240),
        scarce: false,
    },
    Beer {
        id: "orval",
        name: "Orval",
        short_name: "Orval",
        brewery: "Orval",
        style: "Trappist",
        abv_tenths: 62,
        colour: "#c9702a",
        glass: Glass::Chalice,
        price: Cents(360),
        first_stock: Bottles(200),
        scarce: false,
    },
    Beer {
        id: "rochefort-10",
        name: "Rochefort 10",
        short_name: "Rochefort",
        brewery: "Rochefort",
        style: "Trappist, quadrupel",
        abv_tenths: 113,
        colour: "#3f1d12",
        glass: Glass::Chalice,
        price: Cents(410),
        first_stock: Bottles(200),
        scarce: false,
    },
    Beer {
        id: "westmalle-tripel",
        name: "Westmalle Tripel",
        short_name: "Westmalle",
        brewery: "Westmalle",
        style: "Trappist, tripel",
        abv_tenths: 95,
        colour: "#ecbd55",
        glass: Glass::Chalice,
        price: Cents(310),
        first_stock: Bottles(200),
        scarce: false,
    },
    Beer {
        id: "duvel",
        name: "Duvel",
        short_name: "Duvel",
        brewery: "Moortgat",
        style: "Strong blonde",
        abv_tenths: 85,
        colour: "#f0c45c",
        glass: Glass::Tulip,
        price: Cents(270),
        first_stock: Bottles(240),
        scarce: false,
    },
    Beer {
        id: "cantillon-gueuze",
        name: "Cantillon Gueuze",
        short_name: "Cantillon",
        brewery: "Cantillon",
        style: "Gueuze",
        abv_tenths: 55,
        colour: "#d99a3c",
        glass: Glass::Tumbler,
        price: Cents(890),
        first_stock: Bottles(160),
        scarce: false,
    },
    Beer {
        id: "rodenbach",
        name: "Rodenbach Grand Cru",
        short_name: "Rodenbach",
        brewery: "Rodenbach",
        style: "Flanders red",
        abv_tenths: 60,
        colour: "#8f2a1c",
        glass: Glass::Flute,
        price: Cents(330),
        first_stock: Bottles(200),
        scarce: false,
    },
    Beer {
        id: "blanche-de-namur",
        name: "Blanche de Namur",
        short_name: "Namur",
        brewery: "Du Bocq",
        style: "Witbier",
        abv_tenths: 45,
        colour: "#f2dc8c",
        glass: Glass::Tumbler,
        price: Cents(220),
        first_stock: Bottles(240),
        scarce: false,
    },
    Beer {
        id: "westvleteren-12",
        name: "Westvleteren 12",
        short_name: "Westvleteren",
        brewery: "Sint-Sixtus",
        style: "Trappist, quadrupel",
        abv_tenths: 102,
        colour: "#4a2214",
        glass: Glass::Chalice,
        price: Cents(1290),
        first_stock: Bottles(12),
        scarce: true,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn twelve_beers_with_names_of_their_own_and_one_scarce() {
        let ids: HashSet<_> = BEERS.iter().map(|beer| beer.id).collect();
        assert_eq!(ids.len(), 12);
        let scarce: Vec<_> = BEERS.iter().filter(|beer| beer.scarce).collect();
        assert_eq!(scarce.len(), 1);
        assert_eq!(scarce[0].first_stock, Bottles(12));
        assert_eq!(scarce[0].reorder_point(), None);
        assert!(BEERS.iter().all(|beer| find(&beer.beer_id()) == Some(beer)));
    }

    #[test]
    fn what_a_restock_leaves_always_covers_the_largest_line() {
        for beer in BEERS.iter().filter(|beer| !beer.scarce) {
            assert!(beer.reorder_point().unwrap() >= crate::orders::LINE_BOTTLES_MAX, "{}", beer.name);
        }
    }
}
