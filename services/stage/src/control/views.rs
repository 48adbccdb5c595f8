//! The current views of the stage's pages and API. A view that names customers leaves through `Stage::redacted`.

use events::{beers::Beer, ids::OrderId, topics::TopicSpec};
use service::Now;
use web::order::{
    names::{NamesCustomers, redacted},
    view::OrderView,
};

use crate::{
    control::stage::Stage,
    pure::{console::ConsoleView, entrance::WelcomeView},
    read_model::{
        broker::PulsarView,
        deliveries::DeliveriesView,
        insights::AnalysisView,
        map::MapView,
        newest::NewestView,
        past::{FraudView, PastView, QuestionsView},
        stock::StockView,
    },
};

impl Stage {
    /// A view as everybody may see it now.
    pub fn redacted<View: NamesCustomers>(&self, view: View) -> View {
        redacted(view, &self.context.stage.settings().choices)
    }

    /// An order with every hop, if the read model still has its details.
    pub fn order(&self, order_id: &OrderId) -> Option<OrderView> {
        self.known(|known| known.orders.view(order_id)).map(|order| self.redacted(order))
    }

    pub fn map(&self) -> MapView {
        let choices = &self.context.stage.settings().choices;
        self.redacted(self.known(|known| known.map(choices, Now::read())))
    }

    /// `/welcome`, for a browser that finds the shop at this address.
    pub fn welcome(&self, shop: String) -> WelcomeView {
        WelcomeView { qr: self.backstage.entrance.view(), shop }
    }

    /// `/pulsar`, with the details of one topic on request.
    pub fn pulsar(&self, topic: Option<&'static TopicSpec>) -> PulsarView {
        let tenant = self.context.bus.scope().tenant.clone();
        self.redacted(PulsarView { look: self.broker_monitor.last(), tenant, topic })
    }

    pub fn deliveries(&self) -> DeliveriesView {
        let choices = &self.context.stage.settings().choices;
        self.redacted(self.known(|known| known.deliveries(choices, Now::read())))
    }

    pub fn newest(&self) -> NewestView {
        self.redacted(self.known(|known| known.newest.view()))
    }

    pub fn analysis(&self) -> AnalysisView {
        self.redacted(self.known(|known| known.analysis()))
    }

    pub fn asked(&self) -> QuestionsView {
        self.redacted(self.known(|known| known.asked()))
    }

    pub fn fraud(&self) -> FraudView {
        let wanted = self.context.stage.settings().choices.fraud_watch;
        self.redacted(self.known(|known| known.watched(wanted)))
    }

    /// `/stock`, with the explanation of one beer on request.
    pub fn stock(&self, explained: Option<&'static Beer>) -> StockView {
        let folding = self.context.stage.settings().choices.stock_level;
        self.known(|known| known.stock(folding, explained, Now::read()))
    }

    /// `/past` while the time machine rests.
    pub fn past_now(&self) -> PastView {
        let began_at = self.context.stage.settings().began_at;
        self.known(|known| known.now(began_at))
    }

    pub fn console(&self) -> ConsoleView {
        let (courier, worker) = self.known(|known| (known.busiest_courier(), known.last_worker()));
        let director = &self.backstage.director;
        let settings = (*director.settings()).clone();
        ConsoleView { settings, courier, worker, offered_broker_stop: director.watches_broker }
    }
}
