//! Who was gone, and when everything was in order again.

use askama::Template;
use events::ids::Moment;
use web::pure::{
    format,
    layout::{Fragment, Frame},
};

use crate::read_model::outages::{Outage, Who};

/// The most outages beside the sums.
const SHOWN_MAX: usize = 4;

#[derive(Template)]
#[template(path = "ledger/recovery.html")]
struct Recovery<'a> {
    frame: Frame<'a>,
    outages: Vec<Row>,
}

struct Row {
    who: &'static str,
    gone: String,
    settled: Option<String>,
    is_back: bool,
}

pub(super) fn recovery(outages: &[Outage], frame: Frame<'_>) -> askama::Result<Fragment> {
    let outages = outages.iter().take(SHOWN_MAX).map(|outage| row(outage, &frame)).collect();
    Fragment::new("recovery", &Recovery { frame, outages })
}

fn row(outage: &Outage, frame: &Frame<'_>) -> Row {
    let language = frame.language;
    let who = match outage.who {
        Who::Service(service) => service.name(),
        Who::Broker => frame.t("ledger.broker"),
    };
    let Some(back_at) = outage.back_at else {
        let gone = frame.with("ledger.gone_since", "time", &format::clock_seconds(outage.gone_at));
        return Row { who, gone, settled: None, is_back: false };
    };
    let after =
        |from: Moment, to: Moment| format::duration(language, u64::try_from(to.micros_since(from)).unwrap_or(0));
    let key = match (outage.who, outage.new_process) {
        (Who::Broker, _) => "ledger.broker_back",
        (Who::Service(_), true) => "ledger.process_back",
        (Who::Service(_), false) => "ledger.service_back",
    };
    let values = [("for", &*after(outage.gone_at, back_at)), ("time", &*format::clock_seconds(back_at))];
    let settled = match outage.settled_at {
        None => frame.t("ledger.not_settled").to_owned(),
        Some(at) if at == back_at => frame.t("ledger.settled_at_once").to_owned(),
        Some(at) => frame.with("ledger.settled", "later", &after(back_at, at)),
    };
    Row { who, gone: language.fill(key, &values), settled: Some(settled), is_back: true }
}
