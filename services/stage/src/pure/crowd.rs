//! What the simulated customers of the crowd order.

use events::{
    beers::{BEERS, Beer},
    orders::{Line, PlaceOrder, PlaceOrderType},
    quantities::Bottles,
    settings::Crowd,
};

/// Orders of one beer in a burst.
pub const BURST_IN_A_ROW: u32 = 5;
/// This many orders in a row are suspicious: the burst of fraud watch.
const IN_A_ROW: u64 = 5;

const NAMES: [&str; 16] = [
    "Ada", "Bruno", "Clara", "Daan", "Elise", "Femke", "Gilles", "Hanne", "Ilse", "Jules", "Koen", "Lotte", "Milan",
    "Nora", "Oscar", "Pauline",
];
/// Enough customers, with the names above, that no honest one orders five times in ten seconds, up to 250 orders/s.
const FAMILIES: [&str; 40] = [
    "Aerts",
    "Baert",
    "Bastin",
    "Claes",
    "Collard",
    "Cools",
    "De Smet",
    "Denis",
    "Dubois",
    "Dupont",
    "Evrard",
    "Fontaine",
    "Gérard",
    "Goossens",
    "Hendrickx",
    "Jacobs",
    "Janssens",
    "Lambert",
    "Leroy",
    "Lejeune",
    "Maes",
    "Martens",
    "Mertens",
    "Michiels",
    "Nys",
    "Peeters",
    "Petit",
    "Pauwels",
    "Renard",
    "Roels",
    "Servais",
    "Simon",
    "Smets",
    "Thiry",
    "Thomas",
    "Van Damme",
    "Vermeulen",
    "Willems",
    "Wouters",
    "Wuyts",
];
const STREETS: [&str; 8] = [
    "Grote Markt 1, Brussel",
    "Korenlei 7, Gent",
    "Meir 88, Antwerpen",
    "Place Saint-Lambert 9, Liège",
    "Markt 21, Brugge",
    "Rue de Fer 14, Namur",
    "Naamsestraat 40, Leuven",
    "Grand-Place 3, Mons",
];
const NOWHERE: &str = "Rue introuvable 13, Liège";

/// The beers a crowd orders: all but the scarce one, which is for people.
pub fn for_everyone() -> impl Iterator<Item = &'static Beer> + Clone {
    BEERS.iter().filter(|beer| !beer.scarce)
}

/// The `n`th order of a crowd. Everything in it follows from `n` alone.
pub fn order(n: u64, crowd: Crowd) -> PlaceOrder {
    let suspicious = crowd.suspicious.takes(n / IN_A_ROW);
    let nowhere = crowd.undeliverable.takes(n);
    let (customer, lines) = if suspicious { suspicious_order(n) } else { usual_order(n) };
    let address = if nowhere { NOWHERE } else { pick(&STREETS, n / 3) };
    PlaceOrder { kind: PlaceOrderType::PlaceOrder, order_id: None, customer, address: address.to_owned(), lines }
}

/// One to three bottles of a beer, and in every third order of another one too: some pairs are preferred, so that there
/// is something to find.
fn usual_order(n: u64) -> (String, Vec<Line>) {
    let beers: Vec<&Beer> = for_everyone().collect();
    let first = spread(n) % 11;
    let mut lines = vec![line(pick(&beers, first), 1 + n % 3)];
    if n.is_multiple_of(3) {
        let second = if spread(n).is_multiple_of(2) { (first + 4) % 11 } else { (first + 1 + spread(n + 7) % 10) % 11 };
        lines.push(line(pick(&beers, second), 1));
    }
    (customer(n), lines)
}

/// Honest customers take turns: nobody orders again before all others have.
fn customer(n: u64) -> String {
    let all = (NAMES.len() * FAMILIES.len()) as u64;
    // 271 and `all` have no common divisor, so every customer gets a turn.
    let turn = n % all * 271 % all;
    let names = NAMES.len() as u64;
    format!("{} {}", pick(&NAMES, turn % names), pick(&FAMILIES, turn / names))
}

/// Suspicious orders come in fives: one customer five times in a row, or five who each want 72 bottles.
fn suspicious_order(n: u64) -> (String, Vec<Line>) {
    let beers: Vec<&Beer> = for_everyone().collect();
    let five = n / IN_A_ROW;
    if spread(five).is_multiple_of(2) {
        return (format!("Mallory {}", five % 97), vec![line(pick(&beers, n), 1)]);
    }
    let lines = (0..3).map(|step| line(pick(&beers, n + step), 24)).collect();
    (format!("Max {}", n % 97), lines)
}

fn line(beer: &Beer, bottles: u64) -> Line {
    Line { beer: beer.beer_id(), bottles: Bottles(u32::try_from(bottles).unwrap_or(1)) }
}

fn pick<T: Copy>(all: &[T], n: u64) -> T {
    all[usize::try_from(n).unwrap_or(0) % all.len()]
}

/// Spreads consecutive numbers: random ones would differ each time.
fn spread(n: u64) -> u64 {
    (n.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

/// The burst of the fifth act: five orders of one bottle in a row for each beer but the scarce one.
pub fn burst() -> Vec<PlaceOrder> {
    let of_beer = |beer: &'static Beer| {
        (0..u64::from(BURST_IN_A_ROW)).map(move |n| PlaceOrder {
            kind: PlaceOrderType::PlaceOrder,
            order_id: None,
            customer: format!("{} {}", pick(&NAMES, n), beer.short_name),
            address: pick(&STREETS, n).to_owned(),
            lines: vec![line(beer, 1)],
        })
    };
    for_everyone().flat_map(of_beer).collect()
}

#[cfg(test)]
mod tests {
    use events::{
        delivery::cannot_be_found,
        insights::{ABSURD_BOTTLES, BURST_ORDERS},
        orders,
        settings::Share,
    };

    use super::*;

    fn crowd(suspicious: f64, undeliverable: f64) -> Crowd {
        let share = |share| Share::try_from(share).unwrap();
        Crowd { orders_per_second: 50, suspicious: share(suspicious), undeliverable: share(undeliverable) }
    }

    #[test]
    fn every_order_of_a_crowd_is_one_the_website_would_take() {
        for n in 0..2_000 {
            assert_eq!(order(n, crowd(0.1, 0.1)).faults(), [], "{n}");
        }
        assert!(burst().iter().all(|order| order.faults().is_empty()));
        assert_eq!(burst().len(), 55);
    }

    #[test]
    fn an_honest_crowd_looks_suspicious_to_nobody() {
        let customers: Vec<_> = (0..640).map(|n| order(n, crowd(0.0, 0.0)).customer).collect();
        assert_eq!(customers.iter().collect::<std::collections::HashSet<_>>().len(), customers.len());
        assert!(!customers.iter().any(|name| name.starts_with("Mallory") || name.starts_with("Max")));
    }

    #[test]
    fn as_many_are_suspicious_and_undeliverable_as_the_settings_say() {
        let all: Vec<_> = (0..10_000).map(|n| order(n, crowd(0.1, 0.05))).collect();
        assert_eq!(all.iter().filter(|order| cannot_be_found(&order.address)).count(), 500);
        let absurd = all.iter().filter(|order| orders::bottles(&order.lines) >= ABSURD_BOTTLES).count();
        let in_a_row = all.iter().filter(|order| order.customer.starts_with("Mallory")).count();
        assert_eq!(absurd + in_a_row, 1_000);
        assert!(absurd > 300 && in_a_row > 300, "{absurd} and {in_a_row}");
        let bursts = all.chunks(5).filter(|five| five.iter().all(|order| order.customer.starts_with("Mallory")));
        assert_eq!(bursts.count() * BURST_ORDERS, in_a_row);
    }
}
