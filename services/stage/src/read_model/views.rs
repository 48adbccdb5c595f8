//! The views of the read model for pages and API.

use events::{
    beers::Beer,
    ids::{Moment, Service},
    settings::{Choices, Folding},
    stage::{PRESENCE_GONE_AFTER_MS, Presence, ServiceState},
    topics::STOCK_EVENTS,
};
use service::Now;

use crate::read_model::{
    deliveries::{DeadLetterView, DeliveriesView},
    insights::{AnalysisView, LedgerView},
    map::{MapView, Standing},
    model::{ReadModel, topics_of},
    parcels::DEAD_LETTERS_SHOWN_MAX,
    past::{FraudView, PastView, QuestionsView, RebuildView},
    stock::StockView,
    untrue,
};

impl ReadModel {
    fn standing(&self, service: Service, now: Now) -> Standing {
        let Some((presence, heard)) = self.presence.get(&service) else { return Standing::Gone };
        match presence.state {
            _ if now.micros_since(*heard) > PRESENCE_GONE_AFTER_MS * 1000 => Standing::Gone,
            ServiceState::Starting => Standing::Starting,
            ServiceState::Running if topics_of(presence).next().is_some() => Standing::Still,
            ServiceState::Running => Standing::Running,
            ServiceState::Paused => Standing::Paused,
        }
    }

    pub fn map(&self, choices: &Choices, now: Now) -> MapView {
        let beers = self.shelves.beers();
        let is_there = |service| (service, self.standing(service, now));
        MapView {
            services: Service::DEMO.map(is_there).to_vec(),
            placed: self.placed,
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

    /// How many events the analysis had not counted at its last report. After a long silence, all events since then
    /// count too.
    fn analysis_behind(&self, now: Moment) -> Option<u64> {
        let (ledger, _) = self.ledger.as_ref()?;
        let read = ledger.read.iter().find(|read| read.topic == STOCK_EVENTS.spec.name);
        let counted = read.map_or(0, |read| read.messages);
        let is_silent = now.micros_since(ledger.at) > PRESENCE_GONE_AFTER_MS * 1000;
        let as_of = if is_silent { now } else { ledger.at };
        let length = self.tape.length_at(as_of).unwrap_or_else(|| self.shelves.events());
        Some(length.saturating_sub(counted))
    }

    pub fn deliveries(&self, choices: &Choices, now: Now) -> DeliveriesView {
        let said = self.presence.get(&Service::Delivery);
        let live = said.filter(|(_, heard)| now.micros_since(*heard) <= PRESENCE_GONE_AFTER_MS * 1000);
        let lanes = |(said, _): &(Presence, Now)| {
            let lane = |courier| self.parcels.lane(courier, said.at, choices.courier_pace_ms);
            said.staff.couriers.iter().map(lane).collect()
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
            untrue: untrue::of(self.presence.values().map(|(presence, _)| presence), self.disbelieved()),
            delivered,
            delivered_in_10_s,
            names_hidden: false,
        }
    }

    /// `/stock`, with the explanation of one beer on request.
    pub fn stock(&self, folding: Folding, explained: Option<&'static Beer>, now: Now) -> StockView {
        let said = self.presence.get(&Service::StockLevel);
        let said = said.filter(|(_, heard)| now.micros_since(*heard) <= PRESENCE_GONE_AFTER_MS * 1000);
        let (shelves, beers) = (&self.shelves, self.shelves.beers());
        StockView {
            wrong: shelves.wrong(),
            writes: shelves.writes(),
            events: shelves.events(),
            folding,
            workers: said.map(|(presence, _)| presence.staff.workers.clone()).unwrap_or_default(),
            bursts: shelves.bursts().over().copied().collect(),
            is_bursting: shelves.bursts().is_running(),
            explained: explained.map(|beer| (beer, shelves.explain(&beer.beer_id()))),
            beers,
        }
    }

    pub fn analysis(&self) -> AnalysisView {
        AnalysisView { sales: self.sales.clone(), forecast: self.forecast.clone(), fraud: self.fraud().cloned() }
    }

    pub fn ledger(&self) -> LedgerView {
        LedgerView {
            ledger: self.ledger.as_ref().map(|(ledger, _)| ledger.clone()),
            since: self.ledger.as_ref().map(|(_, since)| *since),
            outages: self.outages.list(),
        }
    }

    /// `/past` now.
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

    pub fn rebuilt(&self) -> RebuildView {
        let live = self.ledger.as_ref().map(|(ledger, _)| ledger.orders).unwrap_or_default();
        RebuildView { rebuild: self.rebuild.clone(), live }
    }

    pub fn asked(&self) -> QuestionsView {
        QuestionsView { answers: self.answers.iter().rev().cloned().collect() }
    }

    /// `/fraud`; the presenter wants it attached or not.
    pub fn watched(&self, wanted: bool) -> FraudView {
        let since = self.fraud.as_ref().map(|(_, since)| *since);
        FraudView { fraud: self.fraud().cloned(), since, wanted }
    }
}
