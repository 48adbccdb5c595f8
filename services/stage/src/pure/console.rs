//! The console as it is shown.

use events::settings::StageSettings;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsoleView {
    /// The settings as they are.
    pub settings: StageSettings,
    /// A courier to crash: the one who picked up last, so that the parcel stays on its way for some time.
    pub courier: Option<String>,
    /// A worker to crash: the one who wrote last, with Failover the active one.
    pub worker: Option<String>,
    /// Whether somebody watches the broker and would start it again, so that stopping it may be offered.
    pub offered_broker_stop: bool,
}
