//! The addresses at which phones may find the shop, as the QR page shows them.

use web::pure::address::Address;

/// The most addresses to choose from: each has its own key, from `a`.
pub const ADDRESSES_MAX: usize = 6;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QrView {
    /// The address for the room; `None` if there is none yet.
    pub address: Option<Address>,
    /// It is set by `PUBLIC_URL`: there is no choice.
    pub is_fixed: bool,
    /// The addresses to choose from.
    pub entrances: Vec<EntranceView>,
}

/// `/welcome`: the QR code beside the shop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WelcomeView {
    pub qr: QrView,
    /// The shop as this page's browser finds it. Empty in streams: what they send does not depend on it.
    pub shop: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntranceView {
    /// The address as people type it.
    pub name: String,
    /// Whether it is in the QR code.
    pub is_shown: bool,
    pub reach: Reach,
}

/// Whether the shop answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    NotTried,
    Answers,
    Silent,
}
