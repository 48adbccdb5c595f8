//! A beer's own glass as SVG: filled to level ÷ first stock, and hatched where the shown level differs from the log.
//!
//! Only presentation attributes and classes, no `style`, so that a strict Content-Security-Policy allows it.

use std::fmt::Write as _;

use events::{
    beers::{Beer, Glass},
    quantities::Bottles,
};

/// The size of a glass. The small one has stronger lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For a list on a phone.
    Small,
    Large,
}

/// The bowl of a glass in a field of 100 × 160, and its stem.
struct Bowl {
    outline: &'static str,
    /// The surface of a full glass: below the rim, with room for the foam.
    full: f64,
    bottom: f64,
    stem: &'static str,
}

/// The thickness of the foam on top of the beer.
const FOAM: f64 = 7.0;
/// Even a single bottle is visible.
const LEAST_BEER: f64 = 5.0;

const fn bowl(glass: Glass) -> Bowl {
    match glass {
        Glass::Tulip => Bowl {
            outline: "M28 6H72C71 34 86 46 86 73C86 100 68 112 50 117C32 112 14 100 14 73C14 46 29 34 28 6Z",
            full: 14.0,
            bottom: 117.0,
            stem: "M50 117V148M27 152Q50 144 73 152",
        },
        Glass::Chalice => Bowl {
            outline: "M8 22H92C93 62 84 100 50 104C16 100 7 62 8 22Z",
            full: 29.0,
            bottom: 104.0,
            stem: "M50 104V148M27 152Q50 144 73 152",
        },
        Glass::Flute => Bowl {
            outline: "M31 5H69L67 60C66 94 60 114 50 120C40 114 34 94 33 60Z",
            full: 12.0,
            bottom: 120.0,
            stem: "M50 120V148M30 152Q50 145 70 152",
        },
        Glass::Tumbler => Bowl {
            outline: "M17 14H83L76 147Q75.500 152 70 152H30Q24.500 152 24 147Z",
            full: 21.0,
            bottom: 152.0,
            stem: "",
        },
    }
}

/// The surface of `level` bottles, from the top of the field.
fn surface(beer: &Beer, level: Bottles) -> f64 {
    let Bowl { full, bottom, .. } = bowl(beer.glass);
    if level == Bottles::NONE {
        return bottom;
    }
    let share = (f64::from(level.0) / f64::from(beer.first_stock.0.max(1))).min(1.0);
    (bottom - share * (bottom - full)).min(bottom - LEAST_BEER)
}

/// The glass of `beer`, filled to `level` (empty if unknown). If `shown` differs from it, the gap is hatched.
///
/// `id` must be unique on the page and safe in an attribute. `label` is for screen readers; it is empty if the number
/// is beside the glass.
pub fn glass(
    id: &str,
    beer: &Beer,
    level: Option<Bottles>,
    shown: Option<Bottles>,
    size: Size,
    label: Option<&str>,
) -> String {
    let Bowl { outline, bottom, stem, .. } = bowl(beer.glass);
    let truth = surface(beer, level.unwrap_or_default());
    let told = shown.filter(|shown| Some(*shown) != level).map_or(truth, |shown| surface(beer, shown));
    let (beer_top, gap_top) = (truth.max(told), truth.min(told));
    let line = match size {
        Size::Small => 3.4,
        Size::Large => 2.4,
    };
    let colour = beer.colour;
    let role = match label {
        Some(label) => format!(r#"role="img" aria-label="{}""#, escaped(label)),
        None => r#"aria-hidden="true""#.to_owned(),
    };
    let mut svg = format!(
        r#"<svg class="glass" viewBox="0 0 100 160" {role}><defs><clipPath id="{id}-bowl"><path d="{outline}"/></clipPath><linearGradient id="{id}-beer"><stop stop-color="{colour}" stop-opacity="0.86"/><stop offset="0.35" stop-color="{colour}"/><stop offset="1" stop-color="{colour}" stop-opacity="0.8"/></linearGradient>"#
    );
    let gap = beer_top - gap_top;
    if gap > 0.0 {
        let _ = write!(
            svg,
            r#"<pattern id="{id}-gap" width="12" height="12" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="glass-gap-ground" width="12" height="12"/><rect class="glass-gap" width="5" height="12"/></pattern>"#
        );
    }
    let _ = write!(
        svg,
        r#"</defs><path class="glass-air" d="{outline}"/><g clip-path="url(#{id}-bowl)"><rect y="{beer_top:.1}" width="100" height="{:.1}" fill="url(#{id}-beer)"/>"#,
        bottom - beer_top
    );
    if beer_top < bottom && gap <= 0.0 {
        let _ = write!(svg, r#"<rect class="glass-foam" y="{:.1}" width="100" height="{FOAM}"/>"#, beer_top - FOAM);
    }
    if gap > 0.0 {
        // A difference of one bottle would be too thin to see from the last row.
        let height = gap.max(10.0);
        let _ = write!(
            svg,
            r#"<rect y="{gap_top:.1}" width="100" height="{height:.1}" fill="url(#{id}-gap)"/><rect class="glass-gap" y="{gap_top:.1}" width="100" height="3"/>"#
        );
    }
    let _ = write!(
        svg,
        r#"</g><path class="glass-line" d="{outline}{stem}" stroke-width="{line}" fill="none" stroke-linecap="round" stroke-linejoin="round"/></svg>"#
    );
    svg
}

/// Escapes text for an attribute in double quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use events::beers::BEERS;

    use super::*;

    #[test]
    fn the_fuller_the_higher_and_never_outside_the_bowl() {
        for beer in &BEERS {
            let Bowl { full, bottom, .. } = bowl(beer.glass);
            let first = beer.first_stock.0;
            let surfaces: Vec<_> = (0..=first).map(|level| surface(beer, Bottles(level))).collect();
            assert!(surfaces.windows(2).all(|pair| pair[1] <= pair[0]), "{}", beer.name);
            assert!(surfaces.iter().all(|surface| (full..=bottom).contains(surface)), "{}", beer.name);
            assert!((surfaces[0] - bottom).abs() < f64::EPSILON);
            assert!((surface(beer, Bottles(first)) - full).abs() < f64::EPSILON);
            assert!((surface(beer, Bottles(first * 9)) - full).abs() < f64::EPSILON, "too much runs over");
            let half = surface(beer, Bottles(first / 2));
            assert!((half - f64::midpoint(full, bottom)).abs() < 1.0);
        }
    }

    #[test]
    fn an_empty_glass_has_no_foam_and_one_bottle_is_seen() {
        let draw = |level| glass("a", &BEERS[0], level, None, Size::Small, None);
        assert!(!draw(None).contains("glass-foam"));
        assert!(!draw(Some(Bottles(0))).contains("glass-foam"));
        assert!(draw(Some(Bottles(1))).contains("glass-foam"));
    }

    #[test]
    fn only_a_difference_is_hatched_and_ids_are_its_own() {
        let draw = |shown| glass("b7", &BEERS[0], Some(Bottles(49)), shown, Size::Large, Some("49 \"left\""));
        assert!(!draw(None).contains("b7-gap"));
        assert!(!draw(Some(Bottles(49))).contains("b7-gap"));
        assert!(draw(Some(Bottles(61))).contains("url(#b7-gap)"));
        assert!(draw(Some(Bottles(48))).contains("url(#b7-gap)"));
        assert!(draw(None).contains("49 &quot;left&quot;"));
        assert_eq!(draw(None).matches(" id=\"b7-").count(), 2);
        assert!(!draw(Some(Bottles(61))).contains("style="));
    }
}
