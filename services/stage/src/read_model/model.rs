//! Everything that the topics have said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use events::{
    ids::{Moment, Service},
    insights::{Forecast, Fraud, Insight, Ledger, Rebuild, Sales},
    past::PastAnswer,
    stage::{PRESENCE_GONE_AFTER_MS, Presence},
    stock::StockEvent,
    topics,
    unreadable::{ReasonCode, Unreadable},
};
use service::Now;
use web::pure::layout::Alive;

use crate::read_model::{
    log_tail::Tape,
    newest::Newest,
    orders::Orders,
    outages::Outages,
    parcels::{DEAD_LETTERS_SHOWN_MAX, Parcels},
    remembered::Remembered,
    shelves::Shelves,
    throughput::Tempo,
};

/// Unreadable messages that are remembered: several services report the same one.
const UNREADABLE_REMEMBERED_MAX: usize = 10_000;

#[derive(Default)]
pub struct ReadModel {
    pub shelves: Shelves,
    pub parcels: Parcels,
    pub orders: Orders,
    pub newest: Newest,
    pub tempo: Tempo,
    /// Rates and latency at the last look: they fade without any news.
    pub(super) tempo_seen: (u64, u64, Option<u64>),
    pub(super) tape: Tape,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) sales: Option<Sales>,
    pub(super) forecast: Option<Forecast>,
    pub(super) ledger: Option<(Ledger, Moment)>,
    pub(super) rebuild: Option<Rebuild>,
    pub(super) fraud: Option<(Fraud, Moment)>,
    pub(super) unreadable: VecDeque<Unreadable>,
    pub(super) unreadable_total: u64,
    pub(super) unreadable_seen: Remembered<UNREADABLE_REMEMBERED_MAX>,
    /// What the stage does not believe, by topic and reason.
    pub(super) untrue: BTreeMap<(&'static str, ReasonCode), u64>,
    /// The checkpoint lacks a change.
    pub(super) unsaved: bool,
    pub(super) presence: BTreeMap<Service, (Presence, Now)>,
    pub(super) answers: Vec<PastAnswer>,
    pub(super) outages: Outages,
    pub(super) placed: u64,
}

impl ReadModel {
    /// Adds an insight. Returns since when its content holds.
    pub fn insight(&mut self, insight: &Insight) -> Moment {
        match insight {
            Insight::Sales(sales) => {
                self.sales = Some(sales.clone());
                sales.at
            }
            Insight::Forecast(forecast) => {
                self.forecast = Some(forecast.clone());
                forecast.at
            }
            Insight::Ledger(ledger) => {
                let since = match &self.ledger {
                    Some((before, since)) if before.balanced == ledger.balanced => *since,
                    _ => ledger.at,
                };
                self.ledger = Some((ledger.clone(), since));
                self.outages.settle(ledger);
                since
            }
            Insight::Rebuild(rebuild) => {
                self.rebuild = Some(rebuild.clone());
                rebuild.at
            }
            Insight::Fraud(fraud) => {
                let since = match &self.fraud {
                    // A smaller count means that it was attached anew.
                    Some((before, since))
                        if before.attached == fraud.attached && before.orders_seen <= fraud.orders_seen =>
                    {
                        *since
                    }
                    _ => fraud.at,
                };
                self.fraud = Some((fraud.clone(), since));
                since
            }
        }
    }

    /// Restores an insight.
    pub fn stored_insight(&mut self, insight: &Insight, since: Moment) {
        self.insight(insight);
        match (insight, &mut self.ledger, &mut self.fraud) {
            (Insight::Ledger(_), Some((_, known_since)), _) | (Insight::Fraud(_), _, Some((_, known_since))) => {
                *known_since = since;
            }
            _ => {}
        }
    }

    /// The current rebuild, or the last one.
    pub fn rebuild(&self) -> Option<&Rebuild> {
        self.rebuild.as_ref()
    }

    pub fn fraud(&self) -> Option<&Fraud> {
        self.fraud.as_ref().map(|(fraud, _)| fraud)
    }

    /// Keeps the newest answer to each question.
    pub fn answered(&mut self, answer: PastAnswer) {
        self.answers.retain(|known| known.question != answer.question);
        self.answers.push(answer);
        self.unsaved = true;
    }

    /// The version of the settings that this service reports.
    pub fn settings_version(&self, service: Service) -> u64 {
        self.presence.get(&service).map_or(0, |(presence, _)| presence.settings_version)
    }

    pub fn is_courier(&self, name: &str) -> bool {
        let said = self.presence.get(&Service::Delivery);
        said.is_some_and(|(presence, _)| presence.staff.couriers.iter().any(|courier| courier.courier == name))
    }

    /// The courier with the longest remaining way; else anyone employed.
    pub fn busiest_courier(&self) -> Option<String> {
        let couriers = &self.presence.get(&Service::Delivery)?.0.staff.couriers;
        let carrying = couriers.iter().filter_map(|courier| Some((courier.carrying.as_ref()?.until, courier)));
        let busiest = carrying.max_by_key(|(until, _)| *until).map(|(_, courier)| courier);
        busiest.or_else(|| couriers.first()).map(|courier| courier.courier.clone())
    }

    /// The worker of stock-level that wrote last, if still employed; else anyone.
    pub fn last_worker(&self) -> Option<String> {
        let workers = &self.presence.get(&Service::StockLevel)?.0.staff.workers;
        let wrote_last = self.shelves.last_worker().filter(|worker| workers.iter().any(|known| known == worker));
        wrote_last.or_else(|| workers.first().map(String::as_str)).map(str::to_owned)
    }

    pub fn is_worker(&self, name: &str) -> bool {
        let said = self.presence.get(&Service::StockLevel);
        said.is_some_and(|(presence, _)| presence.staff.workers.iter().any(|worker| worker == name))
    }

    pub fn unreadable(&mut self, unreadable: Unreadable) {
        self.unreadable.push_front(unreadable);
        self.unreadable.truncate(DEAD_LETTERS_SHOWN_MAX);
        self.unreadable_total += 1;
    }

    pub fn count_orders(&mut self, more: u64) {
        self.placed += more;
    }

    pub fn count_decided(&mut self, accepted: u64, refused: u64) {
        self.accepted += accepted;
        self.refused += refused;
    }

    /// Adds an event of the log; `false` if it is a repeat.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn happened(&mut self, event: &StockEvent, at: Moment) -> Result<bool, ReasonCode> {
        let new = self.shelves.happened(event, at)?;
        if new {
            self.tape.happened(event, at, self.shelves.events());
        }
        Ok(new)
    }

    /// Checks who is silent, and whether the broker is connected. Returns whether that is news.
    pub fn look(&mut self, connected: bool, now: Now) -> bool {
        let changed = self.outages.look(connected, now, self.placed) | self.settle();
        self.unsaved |= changed;
        let (_, delivered_in_10_s) = self.parcels.delivered_counts(now);
        let tempo = (self.tempo.orders_in_10_s(now), delivered_in_10_s, self.tempo.latency(now));
        let slower = std::mem::replace(&mut self.tempo_seen, tempo) != tempo;
        changed | slower
    }

    /// Settles what has come back since, as far as the last ledger allows.
    fn settle(&mut self) -> bool {
        self.ledger.as_ref().is_some_and(|(ledger, _)| self.outages.settle(ledger))
    }

    /// A service reports that it is there. Returns whether it is back, or its report has changed.
    pub fn heard(&mut self, presence: Presence, now: Now) -> bool {
        // Everything but the time.
        let said_so = |(before, _): &(Presence, Now)| *before == Presence { at: before.at, ..presence.clone() };
        // The stage does not hear of its own absence either.
        let is_back = presence.service != Service::Stage
            && self.outages.heard(presence.service, presence.started_at, now, self.placed);
        self.unsaved |= is_back;
        let new = is_back || !self.presence.get(&presence.service).is_some_and(said_so);
        self.presence.insert(presence.service, (presence, now));
        new
    }

    pub fn alive(&self, pulsar: bool, now: Now) -> Alive {
        let here = |(_, heard): &&(Presence, Now)| now.micros_since(*heard) <= PRESENCE_GONE_AFTER_MS * 1000;
        let here: Vec<&Presence> = self.presence.values().filter(here).map(|(presence, _)| presence).collect();
        let services: BTreeSet<Service> = here.iter().map(|said| said.service).collect();
        let topics = here.iter().flat_map(|said| topics_of(said).map(|topic| (said.service, topic)));
        Alive { pulsar, services: services.into_iter().collect(), standing_still: topics.collect() }
    }
}

/// The topics that stand still for a service, if such topics exist.
pub(super) fn topics_of(presence: &Presence) -> impl Iterator<Item = &'static str> {
    presence.standing_still.iter().filter_map(|name| topics::find(name)).map(|topic| topic.name)
}
