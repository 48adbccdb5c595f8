//! Sample answers of inventory-analysis about the past.

use events::{
    beers::BEERS,
    ids::BeerId,
    insights::{Difference, Finding, Fraud, FraudRule, GivenUp, Rebuild},
    past::{Cell, PastAnswer, PastQuestion},
    quantities::{Bottles, Cents},
};

use crate::{
    read_model::past::{FraudView, PastView, QuestionsView, RebuildView},
    samples::{LEVELS, NOW, ledger},
};

pub(crate) fn past() -> PastView {
    let ledger = ledger().ledger.unwrap();
    PastView {
        began_at: NOW.plus_millis(-1_800_000),
        at: Some(NOW.plus_millis(-754_000)),
        events: Some(41_207),
        beers: BEERS.iter().zip(LEVELS).map(|(beer, level)| (beer, Some(Bottles(level)))).collect(),
        orders: ledger.orders,
        deliveries: ledger.deliveries,
        revenue: Cents(3_411_250),
    }
}

pub(crate) fn rebuild(running: bool, identical: Option<bool>) -> RebuildView {
    let only_rebuilt = Difference::OnlyRebuilt { row: "order <b>".into() };
    let differences = if identical == Some(false) { vec![only_rebuilt; 7] } else { vec![] };
    let rebuild = Rebuild {
        at: NOW,
        running,
        events: 8127,
        total: 12_004,
        events_per_second: 17_300,
        identical,
        differing: differences.len() as u64,
        differences,
        given_up: None,
    };
    RebuildView { rebuild: Some(rebuild), live: ledger().ledger.unwrap().orders }
}

pub(crate) fn rebuild_given_up() -> RebuildView {
    let mut view = rebuild(false, None);
    if let Some(rebuild) = &mut view.rebuild {
        rebuild.given_up = Some(GivenUp::Failed { error: "the broker is <b>gone</b>".into() });
    }
    view
}

pub(crate) fn questions() -> QuestionsView {
    let beer = |id| Cell::Beer(BeerId::new(id));
    let answer = |question, columns: &[&str], row: Vec<Cell>| PastAnswer {
        question,
        events: 8127,
        took_ms: 460,
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        rows: vec![row],
    };
    let strangers = Cell::Text("Mallory, <script>alert(1)</script>, \"><img src=x>".into());
    QuestionsView {
        answers: vec![
            answer(
                PastQuestion::SameSecond,
                &["second", "orders", "customers"],
                vec![Cell::Moment(NOW), Cell::Count(31), strangers],
            ),
            answer(
                PastQuestion::OrderedTogether,
                &["beer", "with", "orders"],
                vec![beer("orval"), beer("duvel"), Cell::Count(112)],
            ),
            PastAnswer { rows: vec![], ..answer(PastQuestion::CostOfRefusals, &["beer", "cents"], vec![]) },
        ],
    }
}

pub(crate) fn fraud() -> FraudView {
    let finding = |rule, n: i64, why: &str| Finding {
        rule,
        customer: "<b>Mallory</b> \" onfocus=x".into(),
        orders: (0..n).map(|n| format!("f{n}h8k2q0").parse().unwrap()).collect(),
        at: NOW.plus_millis(-9_000 * n),
        why: why.into(),
    };
    let findings = vec![
        finding(FraudRule::Burst, 7, "7 orders in 4.2 s"),
        finding(FraudRule::Absurd, 1, "96 bottles in one order"),
    ];
    let fraud = Fraud { at: NOW, attached: true, orders_seen: 3412, findings, findings_total: 14 };
    FraudView { fraud: Some(fraud), since: Some(NOW.plus_millis(-60_000)), wanted: true }
}
