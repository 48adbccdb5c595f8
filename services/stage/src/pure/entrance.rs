//! The addresses by which phones may find the shop, as the page of the QR code shows them.

use web::pure::address::Address;

/// Most addresses to choose from: each has a key of its own, from `a`.
pub const ADDRESSES_MAX: usize = 6;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QrView {
    /// The address the room sees; `None` if there is none, or none was chosen yet.
    pub address: Option<Address>,
    /// It is set from outside: there is nothing to choose.
    pub is_fixed: bool,
    /// What there is to choose from.
    pub entrances: Vec<EntranceView>,
}

/// `/welcome`: the code beside the shop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WelcomeView {
    /// The code and its address.
    pub qr: QrView,
    /// The shop as the browser of this page finds it. Streams leave it empty: what they send does not depend on it.
    pub shop: String,
}

/// One address to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntranceView {
    /// The address as people type it.
    pub name: String,
    /// Whether the room sees this one.
    pub is_shown: bool,
    /// Whether the shop answers at it.
    pub reach: Reach,
}

/// What came of calling the shop at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nobody has called yet.
    NotTried,
    Answers,
    Silent,
}
