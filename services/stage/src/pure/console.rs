//! The data of the console.

use events::settings::StageSettings;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsoleView {
    pub settings: StageSettings,
    /// The courier to crash: the one who picked up last, whose parcel stays on its way longest.
    pub courier: Option<String>,
    /// The worker to crash: the one that wrote last, with Failover the active one.
    pub worker: Option<String>,
    /// Whether the broker is supervised, so that stopping it may be offered.
    pub offered_broker_stop: bool,
}
