//! What the website knows now: the part of its books that is held in memory, because every page asks for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use events::{
    beers::Beer,
    ids::{Moment, Service},
    insights::{Forecast, Fraud, Insight, Ledger, Rebuild, Sales},
    past::PastAnswer,
    settings::{Choices, Folding},
    stage::{PRESENCE_GONE_AFTER_MS, Presence, ServiceState},
    stock::StockEvent,
    topics::{self, STOCK_EVENTS},
    unreadable::{ReasonCode, Unreadable},
};
use service::Now;

use crate::{order::view::{Alive, AnalysisView, LedgerView}, stage::read_model::{deliveries::{DeadLetterView, DeliveriesView}, log_tail::Tape, map::{MapView, Standing}, newest::Newest, outages::Outages, parcels::{DEAD_LETTERS_SHOWN_MAX, Parcels}, past::{FraudView, PastView, QuestionsView, RebuildView}, shelves::Shelves, stock::StockView, throughput::Tempo, untrue}};

/// Everything that is known.
#[derive(Default)]
pub struct Known {
    /// The beers.
    pub shelves: Shelves,
    /// The parcels.
    pub parcels: Parcels,
    /// The orders that were placed last.
    pub newest: Newest,
    /// How fast it goes.
    pub tempo: Tempo,
    /// Messages that wait for their cause.
    pub waiting: u64,
    /// Rates and latency when they were looked at last: they fade without any news.
    tempo_seen: (u64, u64, Option<u64>),
    tape: Tape,
    accepted: u64,
    refused: u64,
    sales: Option<Sales>,
    forecast: Option<Forecast>,
    ledger: Option<(Ledger, Moment)>,
    rebuild: Option<Rebuild>,
    fraud: Option<(Fraud, Moment)>,
    unreadable: VecDeque<Unreadable>,
    unreadable_total: u64,
    presence: BTreeMap<Service, (Presence, Now)>,
    answers: Vec<PastAnswer>,
    outages: Outages,
    orders: u64,
}

impl Known {
    /// Takes an insight in; returns since when what it says holds.
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
                    // One that has seen less than before was attached anew.
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

    /// Takes an insight in that was stored before.
    pub fn stored_insight(&mut self, insight: &Insight, since: Moment) {
        self.insight(insight);
        match (insight, &mut self.ledger, &mut self.fraud) {
            (Insight::Ledger(_), Some((_, known_since)), _) | (Insight::Fraud(_), _, Some((_, known_since))) => {
                *known_since = since;
            }
            _ => {}
        }
    }

    /// The rebuild under way, or the last one.
    pub fn rebuild(&self) -> Option<&Rebuild> {
        self.rebuild.as_ref()
    }

    /// What fraud watch found.
    pub fn fraud(&self) -> Option<&Fraud> {
        self.fraud.as_ref().map(|(fraud, _)| fraud)
    }

    /// The past has answered a question; the newest answer to each is kept.
    pub fn answered(&mut self, answer: PastAnswer) {
        self.answers.retain(|known| known.question != answer.question);
        self.answers.push(answer);
    }

    /// The newest answer to each question that was asked.
    pub fn answers(&self) -> &[PastAnswer] {
        &self.answers
    }

    /// The version of the settings this service has heard of.
    pub fn settings_version(&self, service: Service) -> u64 {
        self.presence.get(&service).map_or(0, |(presence, _)| presence.settings_version)
    }

    /// Whether a courier of this name is employed.
    pub fn is_courier(&self, name: &str) -> bool {
        let said = self.presence.get(&Service::Delivery);
        said.is_some_and(|(presence, _)| presence.couriers.iter().any(|courier| courier.courier == name))
    }

    /// A courier with a parcel in hand, with the longest way still to go; else anyone employed.
    pub fn busiest_courier(&self) -> Option<String> {
        let couriers = &self.presence.get(&Service::Delivery)?.0.couriers;
        let carrying = couriers.iter().filter_map(|courier| Some((courier.carrying.as_ref()?.until, courier)));
        let busiest = carrying.max_by_key(|(until, _)| *until).map(|(_, courier)| courier);
        busiest.or_else(|| couriers.first()).map(|courier| courier.courier.clone())
    }

    /// The worker of stock-level that wrote last, if it is still employed; else anyone.
    pub fn last_worker(&self) -> Option<String> {
        let workers = &self.presence.get(&Service::StockLevel)?.0.workers;
        let wrote_last = self.shelves.last_worker().filter(|worker| workers.iter().any(|known| known == worker));
        wrote_last.or_else(|| workers.first().map(String::as_str)).map(str::to_owned)
    }

    /// Whether a worker of this name is employed.
    pub fn is_worker(&self, name: &str) -> bool {
        let said = self.presence.get(&Service::StockLevel);
        said.is_some_and(|(presence, _)| presence.workers.iter().any(|worker| worker == name))
    }

    /// Somebody could not read something.
    pub fn unreadable(&mut self, unreadable: Unreadable) {
        self.unreadable.push_front(unreadable);
        self.unreadable.truncate(DEAD_LETTERS_SHOWN_MAX);
        self.unreadable_total += 1;
    }

    /// So many more were unreadable before the ones that are remembered.
    pub fn count_unreadable(&mut self, more: u64) {
        self.unreadable_total += more;
    }

    /// So many more orders are in the books.
    pub fn count_orders(&mut self, more: u64) {
        self.orders += more;
    }

    /// The warehouse has decided on so many more orders.
    pub fn count_decided(&mut self, accepted: u64, refused: u64) {
        self.accepted += accepted;
        self.refused += refused;
    }

    /// Takes an event of the log in; `false` if it is a repeat.
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

    /// Looks who is silent, and whether the broker is connected; whether that is news.
    pub fn look(&mut self, connected: bool, now: Now) -> bool {
        let changed = self.outages.look(connected, now, self.orders);
        let (_, delivered_in_10_s) = self.parcels.delivered_counts(now);
        let tempo = (self.tempo.orders_in_10_s(now), delivered_in_10_s, self.tempo.latency(now));
        let slower = std::mem::replace(&mut self.tempo_seen, tempo) != tempo;
        changed | self.settle() | slower
    }

    /// What the ledger says already settles what has come back since.
    fn settle(&mut self) -> bool {
        self.ledger.as_ref().is_some_and(|(ledger, _)| self.outages.settle(ledger))
    }

    /// A service said that it is there; whether what it says of its couriers is new, or that it is back.
    pub fn heard(&mut self, presence: Presence, now: Now) -> bool {
        // All but when it was said.
        let said_so = |(before, _): &(Presence, Now)| *before == Presence { at: before.at, ..presence.clone() };
        let is_back = self.outages.heard(presence.service, presence.started_at, now, self.orders);
        let new = is_back || !self.presence.get(&presence.service).is_some_and(said_so);
        self.presence.insert(presence.service, (presence, now));
        new
    }

    /// Who is there.
    pub fn alive(&self, pulsar: bool, now: Now) -> Alive {
        let here = |(_, heard): &&(Presence, Now)| now.micros_since(*heard) <= PRESENCE_GONE_AFTER_MS * 1000;
        let here: Vec<&Presence> = self.presence.values().filter(here).map(|(presence, _)| presence).collect();
        // Whoever reads this page is being served by the website.
        let services: BTreeSet<Service> = here.iter().map(|said| said.service).chain([Service::Website]).collect();
        let topics = here.iter().flat_map(|said| topics_of(said).map(|topic| (said.service, topic)));
        Alive { pulsar, services: services.into_iter().collect(), standing_still: topics.collect() }
    }

    /// What a service does, as far as it is known.
    fn standing(&self, service: Service, now: Now) -> Standing {
        // Whoever reads this is being served by the website.
        if service == Service::Website {
            return Standing::Running;
        }
        let Some((presence, heard)) = self.presence.get(&service) else { return Standing::Gone };
        match presence.state {
            _ if now.micros_since(*heard) > PRESENCE_GONE_AFTER_MS * 1000 => Standing::Gone,
            ServiceState::Starting => Standing::Starting,
            ServiceState::Running if topics_of(presence).next().is_some() => Standing::Still,
            ServiceState::Running => Standing::Running,
            ServiceState::Paused => Standing::Paused,
        }
    }

    /// `/stage`.
    pub fn map(&self, choices: &Choices, now: Now) -> MapView {
        let beers = self.shelves.beers();
        let is_there = |service| (service, self.standing(service, now));
        MapView {
            services: Service::ALL.map(is_there).to_vec(),
            placed: self.orders,
            accepted: self.accepted,
            refused: self.refused,
            orders_in_10_s: self.tempo.orders_in_10_s(now),
            latency: self.tempo.latency(now),
            balanced: self.ledger.as_ref().map(|(ledger, _)| ledger.balanced),
            newest: self.newest.first().cloned(),
            deliveries: self.deliveries(choices, now),
            events: self.shelves.events(),
            tail: self.tape.tail().collect(),
            stock_level_behind: beers.iter().map(|beer| beer.behind).sum(),
            analysis_behind: self.analysis_behind(now.at),
            folding: choices.stock_level,
            wrong: self.shelves.wrong(),
            rebuild: self.rebuild.clone().filter(|rebuild| rebuild.running),
            fraud: self.fraud().filter(|fraud| fraud.attached).cloned(),
            beers,
        }
    }

    /// How many events of the log the analysis had not counted when it last said how far it is. Once it has been silent
    /// for long, all that came since is counted as well.
    fn analysis_behind(&self, now: Moment) -> Option<u64> {
        let (ledger, _) = self.ledger.as_ref()?;
        let read = ledger.read.iter().find(|read| read.topic == STOCK_EVENTS.spec.name);
        let counted = read.map_or(0, |read| read.messages);
        let is_silent = now.micros_since(ledger.at) > PRESENCE_GONE_AFTER_MS * 1000;
        let as_of = if is_silent { now } else { ledger.at };
        let length = self.tape.length_at(as_of).unwrap_or_else(|| self.shelves.events());
        Some(length.saturating_sub(counted))
    }

    /// `/stage/deliveries`.
    pub fn deliveries(&self, choices: &Choices, now: Now) -> DeliveriesView {
        let said = self.presence.get(&Service::Delivery);
        let live = said.filter(|(_, heard)| now.micros_since(*heard) <= PRESENCE_GONE_AFTER_MS * 1000);
        let lanes = |(said, _): &(Presence, Now)| {
            let lane = |courier| self.parcels.lane(courier, said.at, choices.courier_pace_ms);
            said.couriers.iter().map(lane).collect()
        };
        let (queue, queued) = self.parcels.queue(now.at);
        let (retries_total, retries) = self.parcels.retries(now.at);
        let (stranded, mut dead_letters) = self.parcels.stranded();
        let (delivered, delivered_in_10_s) = self.parcels.delivered_counts(now);
        dead_letters.extend(self.unreadable.iter().map(|unreadable| DeadLetterView::Unreadable {
            topic: unreadable.topic.clone(),
            message_id: unreadable.message_id.clone(),
            reader: unreadable.reader,
            code: unreadable.code,
            reason: unreadable.reason.clone(),
            first_bytes: unreadable.first_bytes.clone(),
            at: unreadable.at,
        }));
        dead_letters.truncate(DEAD_LETTERS_SHOWN_MAX);
        DeliveriesView {
            couriers: live.map(lanes).unwrap_or_default(),
            live: live.is_some(),
            queue,
            queued,
            retries,
            retries_total,
            dead_letters,
            dead_letters_total: stranded + self.unreadable_total,
            untrue: untrue::of(self.presence.values().map(|(presence, _)| presence)),
            delivered,
            delivered_in_10_s,
            names_hidden: false,
        }
    }

    /// `/stage/stock`, with the explanation of one beer if that is asked for.
    pub fn stock(&self, folding: Folding, explained: Option<&'static Beer>, now: Now) -> StockView {
        let said = self.presence.get(&Service::StockLevel);
        let said = said.filter(|(_, heard)| now.micros_since(*heard) <= PRESENCE_GONE_AFTER_MS * 1000);
        let (shelves, beers) = (&self.shelves, self.shelves.beers());
        StockView {
            wrong: shelves.wrong(),
            writes: shelves.writes(),
            events: shelves.events(),
            folding,
            workers: said.map(|(presence, _)| presence.workers.clone()).unwrap_or_default(),
            bursts: shelves.bursts().over().copied().collect(),
            is_bursting: shelves.bursts().is_running(),
            explained: explained.map(|beer| (beer, shelves.explain(&beer.beer_id()))),
            beers,
        }
    }

    /// `/stage/analysis`.
    pub fn analysis(&self) -> AnalysisView {
        AnalysisView { sales: self.sales.clone(), forecast: self.forecast.clone(), fraud: self.fraud().cloned() }
    }

    /// `/stage/ledger`.
    pub fn ledger(&self) -> LedgerView {
        LedgerView {
            ledger: self.ledger.as_ref().map(|(ledger, _)| ledger.clone()),
            since: self.ledger.as_ref().map(|(_, since)| *since),
            outages: self.outages.list(),
        }
    }

    /// `/stage/past`, as it is now.
    pub fn now(&self, began_at: Moment) -> PastView {
        let ledger = self.ledger.as_ref().map(|(ledger, _)| ledger);
        PastView {
            began_at,
            at: None,
            events: None,
            beers: self.shelves.beers().into_iter().map(|shelf| (shelf.beer, shelf.level)).collect(),
            orders: ledger.map(|ledger| ledger.orders).unwrap_or_default(),
            deliveries: ledger.map(|ledger| ledger.deliveries).unwrap_or_default(),
            revenue: self.sales.as_ref().map(|sales| sales.revenue_cents).unwrap_or_default(),
        }
    }

    /// `/stage/rebuild`.
    pub fn rebuilt(&self) -> RebuildView {
        let live = self.ledger.as_ref().map(|(ledger, _)| ledger.orders).unwrap_or_default();
        RebuildView { rebuild: self.rebuild.clone(), live }
    }

    /// `/stage/questions`.
    pub fn asked(&self) -> QuestionsView {
        QuestionsView { answers: self.answers.iter().rev().cloned().collect() }
    }

    /// `/stage/fraud`, if the presenter wants it attached or not.
    pub fn watched(&self, wanted: bool) -> FraudView {
        let since = self.fraud.as_ref().map(|(_, since)| *since);
        FraudView { fraud: self.fraud().cloned(), since, wanted }
    }
}

/// The topics that stand still for a service, as far as there are such topics.
fn topics_of(presence: &Presence) -> impl Iterator<Item = &'static str> {
    presence.standing_still.iter().filter_map(|name| topics::find(name)).map(|topic| topic.name)
}

#[cfg(test)]
mod tests;
