use events::topics::TopicSpec;

use crate::stage::control::broker_monitor::Look;

/// `/stage/pulsar`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PulsarView {
    /// What the broker said last.
    pub look: Look,
    /// Our tenant.
    pub tenant: String,
    /// The topic that is looked at more closely.
    pub topic: Option<&'static TopicSpec>,
}
