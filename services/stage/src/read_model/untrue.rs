//! What the services report that they do not believe, and what the stage does not.

use events::{
    stage::Presence,
    topics::{self, STAGE},
    unreadable::Disbelieved,
};

use crate::read_model::deliveries::Untrue;

/// The most lines shown. All services together have fewer topics and reasons; a forged presence may have more.
pub const UNTRUE_MAX: usize = 100;

/// What these services do not believe, by service, topic and reason; then the stage's own. Names that are no topics are
/// left out.
pub fn of<'a>(said: impl Iterator<Item = &'a Presence>, own: Vec<Disbelieved>) -> Vec<Untrue> {
    let line = |service, disbelieved: &Disbelieved| {
        let Disbelieved { topic, code, count } = disbelieved;
        Some(Untrue { service, topic: topics::find(topic)?.name, code: *code, count: *count })
    };
    said.flat_map(|presence| presence.disbelieved.iter().map(|said| (presence.service.name(), said)))
        .chain(own.iter().map(|own| (STAGE.name, own)))
        .filter_map(|(service, said)| line(service, said))
        .take(UNTRUE_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use events::{
        ids::{Moment, Service},
        stage::{ServiceState, Staff},
        unreadable::ReasonCode,
    };

    use super::*;

    #[test]
    fn what_names_no_topic_is_left_out_and_the_rest_is_bounded() {
        let said = |topic: &str, count| Disbelieved { topic: topic.into(), code: ReasonCode::UnknownOrder, count };
        let mut presence = Presence {
            service: Service::Warehouse,
            episode: 1,
            settings_version: 1,
            state: ServiceState::Running,
            started_at: Moment::default(),
            at: Moment::default(),
            staff: Staff::default(),
            standing_still: Vec::new(),
            disbelieved: vec![said("no-topic", 1), said("delivery-updates", 2)],
        };
        let code = ReasonCode::UnknownOrder;
        let line = |service, topic, count| Untrue { service, topic, code, count };
        let own = vec![said("orders", 3)];
        let expected = [line("warehouse", "delivery-updates", 2), line("stage", "orders", 3)];
        assert_eq!(of([&presence].into_iter(), own), expected);
        presence.disbelieved = vec![said("orders", 1); 2 * UNTRUE_MAX];
        assert_eq!(of([&presence].into_iter(), Vec::new()).len(), UNTRUE_MAX);
    }
}
