//! How a service looks, anywhere on the map.

use web::pure::layout::Frame;

use crate::read_model::map::Standing;

/// A service's style, and its label unless it is simply at work.
pub(super) fn standing(standing: Standing, frame: &Frame<'_>) -> (&'static str, Option<&'static str>) {
    match standing {
        Standing::Running => ("running", None),
        Standing::Paused => ("paused", Some(frame.t("map.paused"))),
        Standing::Still => ("gone", Some(frame.t("map.still"))),
        Standing::Starting => ("paused", Some(frame.t("map.starting"))),
        Standing::Gone => ("gone", Some(frame.t("map.gone"))),
    }
}
