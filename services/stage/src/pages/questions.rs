//! `/questions`: new questions to the log, and their answers.

use askama::Template;
use events::{
    beers,
    ids::Service,
    past::{Cell, PastAnswer, PastQuestion},
};
use web::{
    order::wording,
    pure::{
        format,
        language::Language,
        layout::{Fragment, Frame, Parts, alive},
    },
};

use crate::pages::figures::{Figure, figures};
use crate::{pages::view::PageView, read_model::past::QuestionsView};

/// The length of the longest bar, in its own units.
const BAR: u64 = 1000;

#[derive(Template)]
#[template(path = "past/questions_page.html")]
struct Page<'a> {
    frame: Frame<'a>,
    parts: Parts,
    questions: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "past/answers.html")]
struct Answers<'a> {
    frame: Frame<'a>,
    newest: Option<Answer>,
    earlier: Vec<Answer>,
}

struct Answer {
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    cost: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

struct Column {
    words: String,
    is_number: bool,
}

struct Row {
    cells: Vec<Shown>,
    bar: u64,
}

struct Shown {
    text: String,
    /// The colour of the beer, if it is one.
    colour: Option<&'static str>,
    is_number: bool,
}

impl PageView for QuestionsView {
    fn render(&self, frame: Frame<'_>) -> askama::Result<String> {
        let questions = PastQuestion::ALL.map(|question| (question.name(), title(question, frame.language))).to_vec();
        Page { frame, parts: Parts(self.fragments(frame)?), questions }.render()
    }

    fn fragments(&self, frame: Frame<'_>) -> askama::Result<Vec<Fragment>> {
        let mut shown = self.answers.iter().map(|answer| show(answer, frame.language));
        let (newest, earlier) = (shown.next(), shown.collect());
        Ok(vec![
            alive(&frame, &[Service::InventoryAnalysis])?,
            figures(self.answers.first().map(|answer| big_figures(answer, &frame)).unwrap_or_default())?,
            Fragment::new("answers", &Answers { frame, newest, earlier })?,
        ])
    }
}

fn big_figures(answer: &PastAnswer, frame: &Frame<'_>) -> Vec<Figure> {
    vec![
        Figure {
            text: format::number(frame.language, answer.events),
            label: frame.t("questions.figure_read").to_owned(),
            tone: "plain",
        },
        Figure {
            text: format::duration(frame.language, answer.took_ms.saturating_mul(1000)),
            label: frame.t("questions.figure_took").to_owned(),
            tone: "amber",
        },
    ]
}

fn title(question: PastQuestion, language: Language) -> &'static str {
    language.t(match question {
        PastQuestion::OrderedTogether => "questions.together",
        PastQuestion::CostOfRefusals => "questions.refusals",
        PastQuestion::SameSecond => "questions.second",
    })
}

/// How to read the answer.
fn hint(question: PastQuestion, language: Language) -> &'static str {
    language.t(match question {
        PastQuestion::OrderedTogether => "questions.together_hint",
        PastQuestion::CostOfRefusals => "questions.refusals_hint",
        PastQuestion::SameSecond => "questions.second_hint",
    })
}

/// The title of a column; one without a translation keeps its name.
fn column(name: &str, language: Language) -> String {
    let key = match name {
        "beer" => "questions.column_beer",
        "with" => "questions.column_with",
        "orders" => "questions.column_orders",
        "bottles" => "questions.column_bottles",
        "cents" => "questions.column_cents",
        "second" => "questions.column_second",
        "customers" => "questions.column_customers",
        _ => return name.to_owned(),
    };
    language.t(key).to_owned()
}

fn show(answer: &PastAnswer, language: Language) -> Answer {
    let longest = answer.rows.iter().map(|row| weight(row)).max().unwrap_or(0);
    let bar = |row: &[Cell]| weight(row).saturating_mul(BAR).checked_div(longest).unwrap_or(0);
    let row =
        |row: &Vec<Cell>| Row { cells: row.iter().map(|cell| cell_shown(cell, language)).collect(), bar: bar(row) };
    let number = |index: usize| answer.rows.iter().any(|row| row.get(index).is_some_and(is_number));
    let columns = answer.columns.iter().enumerate();
    let read = language.count("questions.read", answer.events);
    let took = format::duration(language, answer.took_ms.saturating_mul(1000));
    Answer {
        id: answer.question.name(),
        title: title(answer.question, language),
        hint: hint(answer.question, language),
        cost: language.fill("questions.cost", &[("read", &read), ("took", &took)]),
        columns: columns.map(|(n, name)| Column { words: column(name, language), is_number: number(n) }).collect(),
        rows: answer.rows.iter().map(row).collect(),
    }
}

const fn is_number(cell: &Cell) -> bool {
    matches!(cell, Cell::Count(_) | Cell::Cents(_))
}

/// The weight of a row: its money, else its first count.
fn weight(row: &[Cell]) -> u64 {
    let money = row.iter().find_map(|cell| if let Cell::Cents(cents) = cell { Some(cents.0) } else { None });
    let count = || row.iter().find_map(|cell| if let Cell::Count(n) = cell { Some(*n) } else { None });
    money.or_else(count).unwrap_or(0)
}

fn cell_shown(cell: &Cell, language: Language) -> Shown {
    let text = match cell {
        Cell::Beer(id) => wording::short_beer(id),
        Cell::Count(n) => format::number(language, *n),
        Cell::Cents(cents) => format::money(language, *cents),
        Cell::Moment(at) => format::clock_seconds(*at),
        Cell::Text(text) => text.clone(),
    };
    let colour = if let Cell::Beer(id) = cell { beers::find(id).map(|beer| beer.colour) } else { None };
    Shown { text, colour, is_number: is_number(cell) }
}

#[cfg(test)]
mod tests {
    use events::{
        ids::{BeerId, Moment},
        quantities::Cents,
    };

    use super::*;

    #[test]
    fn each_cell_is_written_as_its_language_does() {
        let at = "2026-11-24T19:41:07Z".parse::<Moment>().unwrap();
        let cells = [
            Cell::Beer(BeerId::new("orval")),
            Cell::Count(1234),
            Cell::Cents(Cents(123_450)),
            Cell::Moment(at),
            Cell::Text("Ada".into()),
        ];
        let texts = |language| cells.each_ref().map(|cell| cell_shown(cell, language).text);
        assert_eq!(texts(Language::En), ["Orval", "1,234", "€\u{a0}1,234.50", "20:41:07", "Ada"]);
        assert_eq!(texts(Language::Fr)[2], "1\u{202f}234,50\u{a0}€");
    }

    #[test]
    fn the_first_row_has_the_longest_bar_and_money_counts_before_orders() {
        let row = |orders, cents| vec![Cell::Count(orders), Cell::Cents(Cents(cents))];
        let answer = PastAnswer {
            question: PastQuestion::CostOfRefusals,
            events: 9,
            took_ms: 3,
            columns: vec!["orders".into(), "cents".into(), "novelty".into()],
            rows: vec![row(1, 800), row(9, 200), row(3, 0)],
        };
        let shown = show(&answer, Language::En);
        assert_eq!(shown.rows.iter().map(|row| row.bar).collect::<Vec<_>>(), [BAR, BAR / 4, 0]);
        assert_eq!(shown.columns[2].words, "novelty");
        assert!(shown.columns[1].is_number && !shown.columns[2].is_number);
    }
}
